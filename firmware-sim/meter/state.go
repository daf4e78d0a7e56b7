package meter

import (
	"errors"
	"fmt"
	"time"
)

// State is what a meter keeps through a stop of the simulator: registers, relay, clock error, counters. The load is kept
// only when a person has set it, so that an edited scenario takes effect.
type State struct {
	EnergymWh   int64         `json:"energy_mwh"`
	RatesmWh    [rates]int64  `json:"rates_mwh"`
	At          time.Time     `json:"at"`
	Open        bool          `json:"relay_open"`
	CommandOpen bool          `json:"command_open"`
	Permitted   bool          `json:"permitted"`
	Hold        bool          `json:"hold"`
	Alarm       bool          `json:"alarm"`
	Plugged     bool          `json:"plugged"`
	Offset      time.Duration `json:"clock_offset_ns"`
	LoadW       *int64        `json:"load_w,omitempty"`
	TripFrames  uint64        `json:"trip_frames"`
	CloseFrames uint64        `json:"close_frames"`
	Guesses     int           `json:"wrong_passwords,omitempty"`
	LockedAt    time.Time     `json:"locked_at,omitzero"`
}

// ErrState is a saved state that no meter can have had.
var ErrState = errors.New("state of a meter is damaged")

// State takes the state at now.
func (m *Meter) State(now time.Time) State {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	s := State{
		EnergymWh: m.energy.total, RatesmWh: m.energy.rate, At: now,
		Open: m.relay.open, CommandOpen: m.relay.commandOpen, Permitted: m.relay.permitted, Hold: m.relay.hold, Alarm: m.relay.alarm,
		Plugged: m.plugged, Offset: m.offset, TripFrames: m.trips, CloseFrames: m.closes,
		Guesses: m.guess.wrong, LockedAt: m.guess.locked,
	}
	if m.loadSet {
		w := m.loadW
		s.LoadW = &w
	}
	return s
}

// Restore puts a saved state in place of the scenario's. The registers go on from it: what the load drew between the
// save and now is counted when the meter is next looked at, and they never run backwards.
func (m *Meter) Restore(s State) error {
	sum := int64(0)
	for _, r := range s.RatesmWh {
		if r < 0 || r > EnergyMaxmWh {
			return fmt.Errorf("meter %s: rate register %d mWh: %w", m.cfg.Address, r, ErrState)
		}
		sum += r
	}
	if s.EnergymWh < 0 || s.EnergymWh > EnergyMaxmWh || sum != s.EnergymWh {
		return fmt.Errorf("meter %s: total %d mWh, rates %d mWh: %w", m.cfg.Address, s.EnergymWh, sum, ErrState)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.energy = energy{total: s.EnergymWh, rate: s.RatesmWh, at: s.At}
	m.relay = relay{open: s.Open, commandOpen: s.CommandOpen, permitted: s.Permitted && s.Open, hold: s.Hold, alarm: s.Alarm}
	m.plugged, m.offset = s.Plugged, s.Offset
	m.trips, m.closes = s.TripFrames, s.CloseFrames
	m.guess = guesses{wrong: s.Guesses, locked: s.LockedAt}
	if s.LoadW != nil && *s.LoadW >= 0 && *s.LoadW <= LoadMaxW {
		m.loadW, m.loadSet = *s.LoadW, true
	}
	return nil
}

// Bounds of what a meter may be given.
const (
	// EnergyMaxmWh is ten times round an eight-digit register.
	EnergyMaxmWh = 10_000_000 * 1_000_000
	// LoadMaxW is a large substation; with TimesMax it stays far below overflow.
	LoadMaxW = 1_000_000_000
	TimesMax = 1_000_000
)
