package meter

import (
	"slices"
	"time"
)

// Kinds of freeze, DI2 of 05, and how many each keeps.
const (
	freezeTimed, freezeInstant, freezeHour, freezeDayly = 0x00, 0x01, 0x04, 0x06

	timedKept, instantKept, hoursKept, daysKept = 60, 3, 254, 62
)

// anyTime is 99 in a freeze command: each.
const anyTime = 0x99

// freezeCommand is C = 16: mm hh DD MM.
func (m *Meter) freezeCommand(b []byte) byte {
	if len(b) != 4 {
		return errOther
	}
	minute, hour, d, month := unbcd(b[0]), unbcd(b[1]), unbcd(b[2]), unbcd(b[3])
	switch {
	case minute == 99 && hour == 99 && d == 99 && month == 99: // instant 瞬时冻结
		m.packed = nil
		m.instant = push(m.instant, m.mark(), instantKept)
		return 0
	case month != 99 || minute > 59 || hour != 99 && hour > 23 || d != 99 && (d < 1 || d > 28) || hour == 99 && d != 99:
		return errOther
	}
	m.timed = [4]byte(b) // 定时冻结: hourly, daily or monthly
	return 0
}

// push appends k to a ring of at most n.
func push(ring []mark, k mark, n int) []mark {
	if len(ring) >= n {
		ring = slices.Delete(ring, 0, len(ring)-n+1)
	}
	return append(ring, k)
}

// timedNext is the next instant at which a timed freeze may be due, 0 for none.
func (m *Meter) timedNext() int64 {
	if m.timed == [4]byte{} {
		return 0
	}
	minute := time.Duration(unbcd(m.timed[0])) * time.Minute
	wall := m.wall(m.at)
	return m.at + int64(time.Hour) - mod(wall-int64(minute), time.Hour)
}

// timedFreeze takes a timed freeze when the wall clock says so.
func (m *Meter) timedFreeze(wall int64) {
	if m.timed == [4]byte{} {
		return
	}
	at := m.wallTime(wall)
	is := func(b byte, v int) bool { return b == anyTime || unbcd(b) == v }
	if is(m.timed[0], at.Minute()) && is(m.timed[1], at.Hour()) && is(m.timed[2], at.Day()) {
		m.packed = nil
		m.timedRing = push(m.timedRing, m.mark(), timedKept)
	}
}

// freezeDay keeps midnight 日冻结.
func (m *Meter) freezeDay(k mark) {
	if n := depth(m.cfg.DailyDepth, daysKept); n > 0 {
		m.days = push(m.days, k, n)
	}
}

// depth is what a configuration says: 0 the standard's, below zero none.
func depth(n, standard int) int {
	if n == 0 {
		return standard
	}
	return max(min(n, 4*standard), 0)
}

// frozen is the nth newest freeze of a kind.
func (m *Meter) frozen(kind, nth int) (mark, bool) {
	from := func(ring []mark) (mark, bool) {
		if nth < 1 || nth > len(ring) {
			return mark{}, false
		}
		return ring[len(ring)-nth], true
	}
	switch kind {
	case freezeTimed:
		return from(m.timedRing)
	case freezeInstant:
		return from(m.instant)
	case freezeDayly:
		return from(m.days)
	case freezeHour:
		var k mark
		found, n := false, 0
		if nth < 1 || nth > depth(m.cfg.HourlyDepth, hoursKept) {
			return k, false
		}
		m.shown(time.Hour, func(t int64) bool {
			if n++; n == nth {
				k, found = m.past(t)
			}
			return n < nth
		})
		return k, found
	}
	return mark{}, false
}

// freezeMode is the mode word of a new meter: bit 0 forward, 1 reverse, 2 and 3 combined reactive, 4 quadrants, 5 and 6
// demands, 7 variables. Demands are not selected.
func (m *Meter) freezeMode() []byte {
	if m.three() {
		return []byte{0x9F}
	}
	return []byte{0x83}
}

// freezeParts are the parts of a freeze by DI1, with the bit of the mode word that selects each.
var freezeParts = []struct{ part, bit int }{
	{1, 0}, {2, 1}, {3, 2}, {4, 3}, {5, 4}, {6, 4}, {7, 4}, {8, 4}, {9, 5}, {0x0A, 6}, {0x10, 7},
}

// separator stands between the parts of a whole freeze and of a load record, also where a part is left out.
const separator = 0xAA

// freezeItem is DI3 = 05: kind, part, nth newest.
func (m *Meter) freezeItem(d di) ([]byte, bool) {
	kind, part, nth := int(d>>16&0xFF), int(d>>8&0xFF), int(d&0xFF)
	k, ok := m.frozen(kind, nth)
	if !ok {
		return nil, false
	}
	stamp := k.at + int64(m.shiftOf(k.at, k.offset))
	if part == 0 {
		return m.stamp5(nil, stamp), true
	}
	mode := map[int]di{freezeTimed: diTimedMode, freezeInstant: diInstantMode, freezeHour: diHourMode, freezeDayly: diDayMode}[kind]
	selected := m.param(mode)[0]
	write := func(b []byte, part, bit int) ([]byte, bool) {
		if selected>>bit&1 == 0 {
			return b, false
		}
		switch {
		case part == 0x10:
			return m.appendVariables(b, &k), true
		case part >= 9: // demand as of now: freezes keep no old ones
			return b, false
		case kind == freezeHour:
			return m.appendFamily(b, &k.regs, part, 0)
		}
		return m.appendFamily(b, &k.regs, part, block)
	}
	if part != block {
		for _, p := range freezeParts {
			if p.part == part {
				return write(nil, part, p.bit)
			}
		}
		return nil, false
	}
	b := append(m.stamp5(nil, stamp), separator)
	for _, p := range freezeParts {
		if kind == freezeHour && p.part > 2 {
			break
		}
		b, _ = write(b, p.part, p.bit)
		b = append(b, separator)
	}
	return b, true
}

// appendVariables is total and phases of active and reactive power: 24 bytes.
func (m *Meter) appendVariables(b []byte, k *mark) []byte {
	f := m.flowOf(k, k.at)
	s := m.moment(&f, k.dark, k.at)
	for _, v := range [2]int64{s.w, s.var_} {
		b = appendSigned(b, deci(v), 3)
		for p := range 3 {
			part := int64(0)
			if p < m.phases() {
				part = muldiv(v, m.phaseShare(p), 100)
			}
			b = appendSigned(b, deci(part), 3)
		}
	}
	return b
}
