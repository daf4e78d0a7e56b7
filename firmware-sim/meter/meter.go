// Package meter is a virtual electricity meter: registers that run with a load, a clock with an error, a relay with its
// rules, passwords, power hold, a button; and the two protocols it speaks. It moves in real time: what is multiplied is
// the load, never the clock.
package meter

import (
	"sync"
	"time"
)

// Meter is safe for concurrent use: the line asks it while a person presses its button.
type Meter struct {
	cfg Config

	mu      sync.Mutex // guards all below
	energy  energy
	loadW   int64
	loadSet bool // by a person, and therefore kept across restarts
	relay   relay
	offset  time.Duration
	guess   guesses
	plugged bool
	trips   uint64
	closes  uint64
	onRelay func()
}

// New makes a meter whose registers start to run at now.
func New(cfg Config, now time.Time) *Meter {
	if cfg.Times < 1 {
		cfg.Times = 1
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	return &Meter{cfg: cfg, loadW: cfg.LoadW, offset: cfg.Offset, plugged: true, energy: born(cfg.EnergymWh, now)}
}

// OnRelay names a function that is called, with the meter locked, whenever a relay frame was counted or the relay moved;
// it must not block or call the meter. Set it before the meter is used.
func (m *Meter) OnRelay(f func()) { m.onRelay = f }

// Address is the meter's address in reading order.
func (m *Meter) Address() string { return m.cfg.Address }

// Wiring is where the meter differs from its line: its reply delay, baud and parity. Zero is the line's own.
func (m *Meter) Wiring() (delay time.Duration, baud int, parity string) {
	return m.cfg.Delay, m.cfg.Baud, m.cfg.Parity
}

// Unit is its Modbus unit id, 0 for a DL/T 645 meter.
func (m *Meter) Unit() byte { return m.cfg.Unit }

// View is what a person standing in front of the meter sees, and what the simulator counted.
type View struct {
	Address     string
	EnergymWh   int64
	LoadW       int64 // drawn now, multiplied; 0 while the relay is open
	Open        bool
	Permitted   bool // open, and the button would close it
	Hold        bool
	Plugged     bool
	TripFrames  uint64 // seen on the line for this meter since the state was new, accepted or not
	CloseFrames uint64
	Clock       time.Time
}

// View reads the meter at now.
func (m *Meter) View(now time.Time) View {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	return View{
		Address: m.cfg.Address, EnergymWh: m.energy.total, LoadW: m.power(now), Open: m.relay.open, Permitted: m.relay.permitted,
		Hold: m.relay.hold, Plugged: m.plugged, TripFrames: m.trips, CloseFrames: m.closes, Clock: m.clock(now),
	}
}

// Press holds the meter's button for long enough. It reports whether that closed the relay: only a permitted one closes.
func (m *Meter) Press(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	closed := m.relay.press()
	if closed {
		m.relayMoved()
	}
	return closed
}

// Set writes the total register, in mWh, as a meter swapped or tampered with would show; the rates follow in proportion.
func (m *Meter) Set(energymWh int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	m.energy.set(energymWh, m.rate(now))
}

// SetLoad changes what is drawn from now on, in W before the multiplier.
func (m *Meter) SetLoad(w int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	m.loadW, m.loadSet = w, true
}

// SetHold is power hold 保电 set at the meter itself.
func (m *Meter) SetHold(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.relay.hold = on
	m.relayMoved()
}

// SetOffset makes the clock wrong by d.
func (m *Meter) SetOffset(d time.Duration, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	m.offset = d
}

// SetPlugged takes the meter off its line, or puts it back: it goes on counting, but neither hears nor answers.
func (m *Meter) SetPlugged(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plugged = on
}

func (m *Meter) relayMoved() {
	if m.onRelay != nil {
		m.onRelay()
	}
}

// clock is the meter's own idea of the time, in its own location.
func (m *Meter) clock(now time.Time) time.Time { return now.Add(m.offset).In(m.cfg.Location) }
