package meter

import (
	"slices"
	"sort"
	"time"
)

// mark is the meter at one instant: its registers and what makes them run. What it showed at any later time up to the next
// mark follows from it, so that weeks of freezes and load profile cost a few kilobytes.
type mark struct {
	at     int64 // unix ns
	offset time.Duration
	w      int64 // load, multiplied
	open   bool  // the contact
	dark   bool  // no power
	table  *tariff
	regs   registers
}

const (
	// changesMax bounds the marks that changes leave; what is older than the oldest cannot be worked out any more.
	changesMax = 1024
	// replayMax bounds what is worked out step by step after a long stop; what is older runs at the plain load.
	replayMax = 100 * day
)

// flowOf is the flow from mark k on, at t.
func (m *Meter) flowOf(k *mark, t int64) flow {
	return flow{
		w: k.w, feed: m.cfg.FeedW * m.cfg.Times, off: k.open || k.dark, shift: m.shiftOf(t, k.offset), seed: m.cfg.Seed, table: k.table,
	}
}

func (m *Meter) mark() mark {
	return mark{at: m.at, offset: m.offset, w: m.loadW * m.cfg.Times, open: m.relay.open, dark: m.dark, table: m.table, regs: m.regs}
}

// changed keeps the instant of a change of load, contact, power, clock or registers. Changes between two instants that
// anybody can ask for leave one mark, the last.
func (m *Meter) changed() {
	m.packed = nil
	k := m.mark()
	if n := len(m.changes); n > 0 {
		last := &m.changes[n-1]
		cell := m.cell()
		if shift := int64(m.shiftOf(m.at, last.offset)); last.offset == k.offset && floor(last.at+shift-1, cell) == floor(k.at+shift-1, cell) {
			*last = k
			return
		}
		if n >= changesMax {
			m.changes = slices.Delete(m.changes, 0, changesMax/8)
		}
	}
	m.changes = append(m.changes, k)
}

// cell is the grid on which history is asked for.
func (m *Meter) cell() time.Duration {
	if i := m.profileInterval(); i < quarter && quarter%i == 0 {
		return i
	} else if i < quarter || i%quarter != 0 {
		return time.Minute
	}
	return quarter
}

// past is the meter as it was at t (unix ns); false before its memory, and after its last look.
func (m *Meter) past(t int64) (mark, bool) {
	if len(m.changes) == 0 || t < m.changes[0].at || t > m.at {
		return mark{}, false
	}
	last := func(ks []mark) *mark {
		if i := sort.Search(len(ks), func(i int) bool { return ks[i].at > t }); i > 0 {
			return &ks[i-1]
		}
		return nil
	}
	k := last(m.changes)
	if d := last(m.days); d != nil && d.at > k.at {
		k = d
	}
	out := *k
	f := m.flowOf(k, t)
	out.regs.run(&f, k.at, t)
	out.at = t
	return out, true
}

// shown gives the instants t (unix ns), newest first, at which the meter's clock showed a multiple of step, as long as f
// wants more. A clock that was set back shows some twice, one that was set ahead leaves some out.
func (m *Meter) shown(step time.Duration, f func(t int64) bool) {
	end := m.at
	for i := len(m.changes) - 1; i >= 0; i-- {
		k := &m.changes[i]
		for t := end; t >= k.at && !k.dark; {
			wall := t + int64(m.shiftOf(t, k.offset))
			t -= mod(wall, step)
			if t < k.at || i > 0 && t == k.at && k.offset != m.changes[i-1].offset { // set exactly to it: it was not reached
				break
			}
			if !f(t) {
				return
			}
			t--
		}
		end = k.at - 1
	}
}

// advance brings the meter from where it stands to now. Time that ran backwards adds nothing.
func (m *Meter) advance(now time.Time) {
	to := now.UnixNano()
	m.unlock(to)
	if to <= m.at {
		if to < m.at-int64(time.Minute) { // the machine's clock was set back: count on from there
			m.setBack(to)
		}
		return
	}
	if old := to - int64(replayMax); m.at < old {
		f := m.flow()
		for i, w := 0, f.w; i < rates && !f.off; i++ {
			m.regs.add(w, (old-m.at)/rates, i)
		}
		m.at = old
		m.days, m.changes = nil, nil
		m.changed()
	}
	for m.at < to {
		next := min(to, m.at+int64(quarter)-mod(m.wall(m.at), quarter))
		next = max(m.at, min(next, m.due(next)))
		before := m.regs.fwd
		if m.cfg.Money != nil {
			next = m.affordable(next)
		}
		f := m.flow()
		m.regs.run(&f, m.at, next)
		m.at = next
		m.spend(before)
		m.reached()
	}
}

func (m *Meter) flow() flow {
	k := mark{offset: m.offset, w: m.loadW * m.cfg.Times, open: m.relay.open, dark: m.dark, table: m.table}
	return m.flowOf(&k, m.at)
}

// setBack forgets what has not happened yet.
func (m *Meter) setBack(to int64) {
	later := func(k mark) bool { return k.at > to }
	m.days = slices.DeleteFunc(m.days, later)
	m.changes = slices.DeleteFunc(m.changes, later)
	m.at = to
	m.demandFrom()
	m.changed()
}

// reached does what is due at m.at.
func (m *Meter) reached() {
	m.relayDue()
	if m.dark {
		return
	}
	wall := m.wall(m.at)
	if mod(wall, time.Minute) == 0 {
		m.timedFreeze(wall)
	}
	if mod(wall, quarter) != 0 {
		return
	}
	m.demandInterval()
	if mod(wall, time.Hour) == 0 {
		m.settle(wall)
	}
	if mod(wall, day) == 0 {
		m.freezeDay(m.mark())
	}
}
