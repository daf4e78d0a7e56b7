// Package meter is a virtual electricity meter: registers that run with a load, a clock with an error, a relay with its
// rules, passwords, freezes, a load profile, events, power hold, a button; and the two protocols it speaks. It moves in
// real time: what is multiplied is the load, never the clock.
package meter

import (
	"sync"
	"time"

	"feikong/protocol/dlt645"
)

// Meter is safe for concurrent use: the line asks it while a person presses its button.
type Meter struct {
	cfg Config

	mu      sync.Mutex     // guards all below
	wire    dlt645.Address // in force; a master may have written another
	at      int64          // unix ns: so far the meter has run
	born    int64
	regs    registers
	loadW   int64
	loadSet bool // by a person, and therefore kept across restarts
	relay   relay
	offset  time.Duration
	table   *tariff
	levels  [levels]level
	plugged bool

	dark       bool  // no power
	darkAt     int64 // unix ns
	dead       bool  // the clock's battery
	clockFault bool  // the clock stood still
	setDay     int64 // wall day + 1 on which a broadcast time was obeyed
	coverOpen  bool

	changes   []mark
	days      []mark // daily freezes
	timedRing []mark
	instant   []mark
	timed     [4]byte // of the freeze command, zero none
	settled   []settlement
	packed    []byte // of the above, until it changes
	demand    demands
	interval  struct {
		at, fwd, rev int64
		profile      time.Duration // 0: to be worked out
	}
	purse        purse
	written      map[di][]byte
	journals     map[eventKind]*journal
	programUntil int64 // unix ns
	authUntil    int64 // identity authentication
	random       [4]byte
	pending      *pending
	last1997     dlt645.Frame
	session      int // baud until heard is too long ago, 0 the meter's own
	sessionAt    int64
	heard        int64
	replies      uint64
	manner       manner
	forced       bool // a Modbus relay has been told something

	trips   uint64
	closes  uint64
	onRelay func()
}

// New makes a meter whose registers start to run at now, or have run for Config.History.
func New(cfg Config, now time.Time) *Meter {
	if cfg.Times < 1 {
		cfg.Times = 1
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	if cfg.Unit != 0 && cfg.Phases == 0 {
		cfg.Phases = phasesOf(&cfg.Model)
	}
	cfg.History = min(max(cfg.History, 0), HistoryMax)
	m := &Meter{
		cfg: cfg, wire: cfg.Wire, loadW: cfg.LoadW, offset: cfg.Offset, plugged: true, table: factoryTariff, dead: cfg.DeadBattery,
		manner: manner{cfg.Delay, cfg.LateShare, cfg.LateBy, cfg.Dying, cfg.Baud, cfg.Parity}, born: now.UnixNano(),
	}
	m.setPasswords()
	m.at = now.Add(-cfg.History).UnixNano()
	start := mark{at: m.at, offset: m.offset, w: m.loadW * cfg.Times, table: m.table}
	if f := m.flowOf(&start, m.at); cfg.History > 0 { // what it drew since then stands on the registers already
		start.regs.run(&f, m.at, now.UnixNano())
	}
	m.regs.fwd = share(max(cfg.EnergymWh-sum(&start.regs.fwd), 0))
	m.regs.rev = share(max(cfg.ReversemWh-sum(&start.regs.rev), 0))
	if c := cfg.Money; c != nil {
		m.purse.left = c.Balance * purseUnit
		if cfg.History > 0 {
			for i, p := range c.Price {
				m.purse.left += min(start.regs.fwd[i], purseMax/max(p, 1)) * p
			}
		}
		m.purse.bought = max(m.purse.left, 0)
	}
	m.demandFrom()
	m.changed()
	m.advance(now)
	return m
}

// OnRelay names a function that is called, with the meter locked, whenever a relay frame was counted, the relay moved or
// something was written; it must not block or call the meter. Set it before the meter is used.
func (m *Meter) OnRelay(f func()) { m.onRelay = f }

// Address is the meter's address in reading order, as it was born with.
func (m *Meter) Address() string { return m.cfg.Address }

// Unit is its Modbus unit id, 0 for a DL/T 645 meter.
func (m *Meter) Unit() byte { return m.cfg.Unit }

// View is what a person standing in front of the meter sees, and what the simulator counted.
type View struct {
	Address     string
	EnergymWh   int64
	ReversemWh  int64
	LoadW       int64 // drawn now, multiplied; 0 while the relay is open, below zero fed back
	Open        bool
	Permitted   bool // open, and the button would close it
	TripPending bool // an accepted trip waits for its delay or for the current to fall
	Hold        bool
	Plugged     bool
	Powered     bool
	Programming bool   // the programming button was pressed
	TripFrames  uint64 // seen on the line for this meter since the state was new, accepted or not
	CloseFrames uint64
	Clock       time.Time
	KeepsMoney  bool
	MoneyE4     int64  // what is left, 1/10,000 of the currency, below zero owed
	Baud        int    // 0: the line's
	Parity      string // empty: the line's
	Wire        string // the address it answers to, where that is not the one it was born with
}

// View reads the meter at now.
func (m *Meter) View(now time.Time) View {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	baud, parity := m.framing(0, "", now.UnixNano())
	wire := ""
	if m.wire != m.cfg.Wire {
		wire = m.wire.String()
	}
	return View{
		Address: m.cfg.Address, EnergymWh: sum(&m.regs.fwd), ReversemWh: sum(&m.regs.rev), LoadW: m.power(), Open: m.relay.open,
		Permitted: m.relay.permitted, TripPending: m.relay.tripAt != 0, Hold: m.relay.hold, Plugged: m.plugged, Powered: !m.dark,
		Programming: m.programming(), TripFrames: m.trips, CloseFrames: m.closes, Clock: m.clock(now),
		KeepsMoney: m.cfg.Money != nil, MoneyE4: m.purse.left / purseUnit, Baud: baud, Parity: parity, Wire: wire,
	}
}

// do runs an act at now with the meter locked.
func (m *Meter) do(now time.Time, act func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	act()
}

// Press holds the meter's button for long enough. It reports whether that closed the relay: only a permitted one closes.
func (m *Meter) Press(now time.Time) bool { return m.PressFor(pressMin, now) }

// PressFor holds the button for d; less than three seconds only turns the display.
func (m *Meter) PressFor(d time.Duration, now time.Time) (closed bool) {
	m.do(now, func() { closed = d >= pressMin && m.press() })
	return closed
}

// programmingFor is how long the programming button counts as pressed.
const programmingFor = 4 * time.Hour

// Program presses the programming button 编程键, under the seal: addresses may be written for four hours.
func (m *Meter) Program(now time.Time) {
	m.do(now, func() { m.programUntil = m.at + int64(programmingFor) })
}

// Cover opens or closes the meter's cover; the meter records it (event 03300D).
func (m *Meter) Cover(open bool, now time.Time) {
	m.do(now, func() {
		switch {
		case open && !m.coverOpen:
			m.record(eventCover, event{})
		case !open && m.coverOpen:
			m.ended(eventCover)
		}
		m.coverOpen = open
	})
}

// Set writes the total register, in mWh, as a meter swapped or tampered with would show; the rates follow in proportion.
func (m *Meter) Set(energymWh int64, now time.Time) {
	m.do(now, func() {
		m.regs.set(energymWh, m.table.rate(m.wall(m.at)))
		m.demandFrom()
		m.changed()
	})
}

// SetLoad changes what is drawn from now on, in W before the multiplier.
func (m *Meter) SetLoad(w int64, now time.Time) {
	m.do(now, func() {
		m.loadW, m.loadSet = w, true
		m.changed()
	})
}

// SetHold is power hold 保电 set at the meter itself.
func (m *Meter) SetHold(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.relay.hold = on; on {
		m.holdOn()
	}
	m.relayMoved()
}

// SetOffset makes the clock wrong by d.
func (m *Meter) SetOffset(d time.Duration, now time.Time) {
	m.do(now, func() { m.setOffset(d) })
}

// SetPlugged takes the meter off its line, or puts it back: it goes on counting, but neither hears nor answers.
func (m *Meter) SetPlugged(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plugged = on
}

// SetPowered cuts the meter's supply or gives it back. Without it the meter neither answers nor counts nor freezes; its
// clock goes on from its battery, unless that is dead.
func (m *Meter) SetPowered(on bool, now time.Time) {
	m.do(now, func() {
		switch {
		case !on && !m.dark:
			m.record(eventPower, event{})
			m.dark, m.darkAt = true, m.at
			m.session, m.pending, m.authUntil = 0, nil, 0
			m.changed()
		case on && m.dark:
			if m.dead { // the clock stood still
				m.offset -= time.Duration(m.at - m.darkAt)
				m.clockFault = true
			}
			m.backfill()
			m.dark = false
			m.ended(eventPower)
			m.demandFrom()
			m.changed()
			m.relayDue()
		}
	})
}

// SetClockBattery kills the clock's battery, or changes it.
func (m *Meter) SetClockBattery(dead bool, now time.Time) {
	m.do(now, func() { m.dead = dead })
}

// backfill makes the daily freezes of the midnights without power, as newer meters do when it comes back.
func (m *Meter) backfill() {
	if m.cfg.Backfill <= 0 || m.dead {
		return
	}
	var missed []int64
	for t := m.at; t > m.darkAt && len(missed) < min(m.cfg.Backfill, daysKept); t-- {
		if t -= mod(m.wall(t), day); t > m.darkAt {
			missed = append(missed, t)
		}
	}
	for i := len(missed) - 1; i >= 0; i-- {
		k := m.mark()
		k.at, k.dark = missed[i], true
		m.freezeDay(k)
	}
}

func (m *Meter) relayMoved() {
	if m.onRelay != nil {
		m.onRelay()
	}
}
