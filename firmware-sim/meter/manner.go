package meter

import (
	"fmt"
	"slices"
	"time"

	"feikong/protocol/dlt645"
)

// manner is how the meter behaves on the line, where a person may change it.
type manner struct {
	delay     time.Duration
	lateShare float64
	lateBy    time.Duration
	dying     time.Duration // from m.born on; 0 healthy
	baud      int           // 0: the line's
	parity    string        // empty: the line's
}

// Manner is how one reply goes on the line.
type Manner struct {
	Delay    time.Duration // Td, from the end of the request
	FEs      int           // FE bytes before the frame
	Trailing int           // FF bytes behind it
	Silent   bool          // it never comes
	Damage   uint64        // not 0: some of its bytes are wrong; the number is a seed for which
}

// delayMax bounds what jitter, lateness and dying may add up to.
const delayMax = 30 * time.Second

// Manner is asked once for each reply, after the meter has answered; line is what the line's meters do that name nothing.
func (m *Meter) Manner(now time.Time, line Manner) Manner {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replies++
	roll := func(what uint64) uint64 { return mix(m.cfg.Seed ^ what<<56 ^ m.replies) }
	chance := func(what uint64, share float64) bool { return share > 0 && float64(roll(what)>>11)/(1<<53) < share }
	out := line
	if m.manner.delay > 0 {
		out.Delay = m.manner.delay
	}
	if m.cfg.Jitter > 0 {
		out.Delay += time.Duration(roll(1) % uint64(m.cfg.Jitter))
	}
	if chance(2, m.manner.lateShare) {
		out.Delay += m.manner.lateBy
	}
	switch {
	case m.cfg.FEs > 0:
		out.FEs = m.cfg.FEs
	case m.cfg.FEs < 0:
		out.FEs = 0
	}
	if m.cfg.Trailing > 0 {
		out.Trailing = m.cfg.Trailing
	}
	if d := m.manner.dying; d > 0 {
		age := min(max(float64(now.UnixNano()-m.born)/float64(d), 0), 1) // 0 young .. 1 dead
		out.Delay += time.Duration(age * age * float64(2*time.Second))
		out.Silent = out.Silent || age >= 1 || chance(3, age*age)
		if chance(4, age) {
			out.Damage = roll(5) | 1
		}
	}
	out.Delay = min(out.Delay, delayMax)
	return out
}

// How long a changed baud rate lasts without a frame for the meter: 500 ms in the text of 1997; that of 2007 names no time.
const baudSession, baudSession1997 = 5 * time.Minute, 500 * time.Millisecond

// Framing is with what the meter listens and talks at now; baud and parity are the line's. A rate changed by function 17
// (1997: 0C) lasts for its session; ask before AnswerDLT645, the reply to 17 goes at the old rate.
func (m *Meter) Framing(baud int, parity string, now time.Time) (int, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.framing(baud, parity, now.UnixNano())
}

func (m *Meter) framing(baud int, parity string, now int64) (int, string) {
	if m.manner.baud != 0 {
		baud = m.manner.baud
	}
	if b := m.written[diBaudRS485]; len(b) == 1 {
		baud, _ = dlt645.BaudOf(b[0]) // checked when it was written
	}
	if m.manner.parity != "" {
		parity = m.manner.parity
	}
	lasts := baudSession
	if m.cfg.Edition == Edition1997 {
		lasts = baudSession1997
	}
	if m.session != 0 && now-max(m.heard, m.sessionAt) > int64(lasts) {
		m.session = 0
	}
	if m.session != 0 {
		baud = m.session
	}
	return baud, parity
}

// SetDelay changes the reply delay; 0 is the line's.
func (m *Meter) SetDelay(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.manner.delay = min(max(d, 0), delayMax)
}

// SetFraming sets the meter differently, as by its buttons: what a master has set before is gone. 0 and "" are the line's own.
func (m *Meter) SetFraming(baud int, parity string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.manner.baud, m.manner.parity, m.session = baud, parity, 0
	delete(m.written, diBaudRS485)
}

// SetAddress gives a DL/T 645 meter another address, perhaps that of its neighbour; the simulator goes on to know it by the one it was
// born with.
func (m *Meter) SetAddress(a dlt645.Address, now time.Time) error {
	if m.cfg.Unit != 0 || !a.Exact() {
		return fmt.Errorf("address %s of meter %s: want one meter's, and a meter that speaks DL/T 645", a, m.cfg.Address)
	}
	m.do(now, func() { m.readdress(a) })
	return nil
}

// SetLate makes a share of the replies come by later.
func (m *Meter) SetLate(share float64, by time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.manner.lateShare, m.manner.lateBy = share, min(max(by, 0), delayMax)
}

// SetDying makes the meter fail more and more from now on until it is silent after d; 0 heals it.
func (m *Meter) SetDying(d time.Duration, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.manner.dying = max(d, 0)
	m.born = now.UnixNano()
}

// MannerState is how the meter behaves on its line, where that is not as configured; and since when a dying meter dies.
type MannerState struct {
	Delay  *time.Duration `json:"delay_ns,omitempty"`
	Dying  *time.Duration `json:"dying_ns,omitempty"`
	Born   int64          `json:"dying_since,omitempty"` // unix ns
	Baud   *int           `json:"baud,omitempty"`
	Parity *string        `json:"parity,omitempty"`
}

func (m *Meter) mannerState() *MannerState {
	var s MannerState
	now := m.manner // the state outlives the lock
	if now.delay != m.cfg.Delay {
		s.Delay = &now.delay
	}
	if now.dying != m.cfg.Dying {
		s.Dying = &now.dying
	}
	if now.dying > 0 {
		s.Born = m.born
	}
	if now.baud != m.cfg.Baud {
		s.Baud = &now.baud
	}
	if now.parity != m.cfg.Parity {
		s.Parity = &now.parity
	}
	if s == (MannerState{}) {
		return nil
	}
	return &s
}

func (m *Meter) restoreManner(s *MannerState) error {
	m.manner = manner{m.cfg.Delay, m.cfg.LateShare, m.cfg.LateBy, m.cfg.Dying, m.cfg.Baud, m.cfg.Parity}
	if s == nil {
		return nil
	}
	for _, row := range []struct {
		from, to *time.Duration
		most     time.Duration
	}{{s.Delay, &m.manner.delay, delayMax}, {s.Dying, &m.manner.dying, HistoryMax}} {
		if row.from == nil {
			continue
		}
		if *row.from < 0 || *row.from > row.most {
			return fmt.Errorf("meter %s: manner: %s: %w", m.cfg.Address, *row.from, ErrState)
		}
		*row.to = *row.from
	}
	if s.Baud != nil {
		if m.manner.baud = *s.Baud; m.manner.baud != 0 && (m.manner.baud < 300 || m.manner.baud > 115200) {
			return fmt.Errorf("meter %s: %d baud: %w", m.cfg.Address, *s.Baud, ErrState)
		}
	}
	if s.Parity != nil {
		if m.manner.parity = *s.Parity; !slices.Contains([]string{"", "even", "odd", "none"}, *s.Parity) {
			return fmt.Errorf("meter %s: parity %q: %w", m.cfg.Address, *s.Parity, ErrState)
		}
	}
	if s.Born != 0 {
		m.born = s.Born
	}
	return nil
}
