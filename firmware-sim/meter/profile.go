package meter

import (
	"slices"
	"time"

	"feikong/protocol/dlt645"
)

const (
	profileDays  = 40
	classesAll   = 0x3F
	profileBytes = 8 << 10 // of one answer with all its subsequent frames: bounds what a meter keeps for them
)

// profileInterval is the shortest interval of a class that is on, in whole minutes.
func (m *Meter) profileInterval() time.Duration {
	if m.interval.profile == 0 {
		m.interval.profile = quarter
		best := time.Duration(0)
		classes := m.profileClasses()
		if b, ok := m.written[diProfileMode]; ok {
			classes = b[0]
		}
		for c := range 6 {
			if classes>>c&1 == 0 {
				continue
			}
			if i := m.classInterval(c); best == 0 || i < best {
				best = i
			}
		}
		if best > 0 {
			m.interval.profile = best
		}
	}
	return m.interval.profile
}

func (m *Meter) classInterval(class int) time.Duration {
	return time.Duration(max(m.paramInt(diProfileInterval+di(class)), 1)) * time.Minute
}

// bornInterval is the interval of every class as configured.
func (m *Meter) bornInterval() []byte {
	i := m.cfg.Profile.Interval
	if i < time.Minute || i > time.Hour {
		i = quarter
	}
	return dlt645.AppendBCD(nil, uint64(i/time.Minute), 2)
}

// profileClasses is the mode word of a new meter.
func (m *Meter) profileClasses() byte {
	switch c := m.cfg.Profile.Classes & classesAll; {
	case m.cfg.Profile.Off:
		return 0
	case c == 0:
		return 1 << 3
	default:
		return c
	}
}

// profileItem is DI3 = 06: DI2 0 all classes or 1..6 one; DI0 0 from the earliest, 1 from a given time, 2 the latest. extra
// is N (without it one), and mm hh DD MM YY behind it. Without a record the data are empty.
func (m *Meter) profileItem(d di, extra []byte) (data []byte, border []int, ok bool) {
	class := int(d >> 16 & 0xFF)
	classes := m.param(diProfileMode)[0] & classesAll
	if m.cfg.Profile.Off || classes == 0 || class > 6 || d&0xFF > 2 || d>>8&0xFF != 0 || len(extra) > 1 && len(extra) != 6 {
		return nil, nil, false
	}
	if class > 0 {
		if classes &= 1 << (class - 1); classes == 0 {
			return nil, nil, false
		}
	}
	n := 1
	if len(extra) > 0 {
		if n = unbcd(extra[0]); n == 255 { // N is BCD like all the rest
			return nil, nil, false
		}
	}
	days := m.cfg.Profile.Days
	if days <= 0 || days > 366 {
		days = profileDays
	}
	step := m.profileInterval()
	oldest := m.at - int64(days)*int64(day)
	from := int64(-1 << 62) // wall clock
	if d&0xFF == 1 {
		if len(extra) != 6 {
			return nil, nil, false
		}
		t, err := dlt645.DateTime5(extra[1:], time.UTC)
		if err != nil {
			return nil, nil, false
		}
		from = t.UnixNano()
	}
	var at []int64
	m.shown(step, func(t int64) bool {
		if t < oldest || d&0xFF == 2 && len(at) == n {
			return false
		}
		k := m.offsetAt(t)
		if t+int64(m.shiftOf(t, k)) < from {
			return true // a clock that was set back shows earlier times behind later ones
		}
		at = append(at, t)
		return true
	})
	slices.Reverse(at)
	at = at[:min(len(at), n)]
	for _, t := range at {
		k, ok := m.past(t)
		if !ok || len(data) > profileBytes {
			continue
		}
		data = m.appendRecord(data, &k, classes)
		border = append(border, len(data))
	}
	return data, border, true
}

// offsetAt is how far the clock was off at t.
func (m *Meter) offsetAt(t int64) time.Duration {
	i, _ := slices.BinarySearchFunc(m.changes, t, func(k mark, t int64) int {
		if k.at <= t {
			return -1
		}
		return 1
	})
	if i == 0 {
		return m.offset
	}
	return m.changes[i-1].offset
}

// appendRecord is one record: A0 A0, length, mm hh DD MM YY, six classes each followed by AA, sum, E5. A class that is off,
// or whose interval does not end here, leaves only its AA.
func (m *Meter) appendRecord(b []byte, k *mark, classes byte) []byte {
	start := len(b)
	wall := k.at + int64(m.shiftOf(k.at, k.offset))
	mark := byte(0xA0)
	if share := m.cfg.Profile.BadShare; share > 0 && float64(mix(m.cfg.Seed^uint64(wall))%1000) < share*1000 {
		mark = 0xE0
	}
	b = m.stamp5(append(b, mark, mark, 0), wall)
	f := m.flowOf(k, k.at)
	s := m.moment(&f, k.dark, k.at)
	for c := range 6 {
		if classes>>c&1 != 0 && mod(wall, m.classInterval(c)) == 0 {
			b = m.appendClass(b, c, k, &s)
		}
		b = append(b, separator)
	}
	b[start+2] = byte(len(b) - start - 3)
	total := byte(0)
	for _, v := range b[start:] {
		total += v
	}
	return append(b, total, 0xE5)
}

func (m *Meter) appendClass(b []byte, class int, k *mark, s *moment) []byte {
	switch class {
	case 0: // 3 voltages, 3 currents, frequency
		for _, v := range s.volts {
			b = dlt645.AppendBCD(b, uint64(v), 2)
		}
		for _, a := range s.amps {
			b = appendSigned(b, a, 3)
		}
		return dlt645.AppendBCD(b, 5_000, 2)
	case 1:
		return m.appendVariables(b, k)
	case 2: // power factor, total and phases
		for range 4 {
			pf := m.pf()
			if s.w < 0 {
				pf = -pf
			}
			b = appendSigned(b, pf, 2)
		}
		return b
	case 3: // forward, reverse, combined reactive 1 and 2
		return m.appendTotals(b, &k.regs, ttForward, ttReverse, ttReactive1, ttReactive2)
	case 4:
		return m.appendTotals(b, &k.regs, ttQ1, ttQ1+1, ttQ1+2, ttQ4)
	}
	b = appendSigned(b, deci(s.w), 3)
	return appendSigned(b, deci(s.var_), 3)
}

// appendTotals appends the totals of families; what the meter does not measure is zero.
func (m *Meter) appendTotals(b []byte, k *registers, families ...int) []byte {
	for _, tt := range families {
		var ok bool
		if b, ok = m.appendFamily(b, k, tt, 0); !ok {
			b = append(b, 0, 0, 0, 0)
		}
	}
	return b
}
