package oracle

import (
	"math/big"
	"time"

	"feikong/billing/tariff"
)

func (s *sheet) dates() {
	zone := s.v.Zone
	if zone == nil {
		zone = time.UTC
	}
	date := func(t time.Time) [3]int {
		y, m, d := t.In(zone).Date()
		return [3]int{y, int(m), d}
	}
	s.from, s.to = date(s.u.From), date(s.u.To)
}

// daysOf is the length of a month.
func daysOf(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && year%100 != 0 || year%400 == 0 {
			return 29
		}
		return 28
	}
	return 31
}

// next is the day after d.
func next(d [3]int) [3]int {
	switch {
	case d[2] < daysOf(d[0], d[1]):
		return [3]int{d[0], d[1], d[2] + 1}
	case d[1] < 12:
		return [3]int{d[0], d[1] + 1, 1}
	}
	return [3]int{d[0] + 1, 1, 1}
}

func before(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// days of the period, by date.
func (s *sheet) days() *big.Int {
	if s.facts.Days > 0 {
		return number(s.facts.Days)
	}
	n := 0
	for d := s.from; before(d, s.to); d = next(d) {
		n++
	}
	return number(n)
}

// months of the period in 1e-6: those begun, counted from its first moment. A month from the 31st ends on the last day of
// a month that has no 31st; no rule of the trade says so, or otherwise.
func (s *sheet) months() *big.Int {
	if s.facts.Months > 0 {
		return number(s.facts.Months)
	}
	n := int64(0)
	for end := s.from; before(end, s.to) || end == s.to && s.clock(s.u.To) > s.clock(s.u.From); {
		n++
		months := s.from[0]*12 + s.from[1] - 1 + int(n)
		end = [3]int{months / 12, months%12 + 1, min(s.from[2], daysOf(months/12, months%12+1))}
	}
	return times(number(n), one6)
}

// clock is the time of the day.
func (s *sheet) clock(t time.Time) time.Duration {
	t = t.In(s.v.Location())
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
}

// everyMonth is a multiple of the days of any month.
const everyMonth = 28 * 29 * 30 * 31 / 2

// partsOfMonths of the period, in 1/everyMonth: each of its days, from the first on, is a part of its calendar month.
func (s *sheet) partsOfMonths() int64 {
	parts, d := 0, s.from
	for range s.days().Int64() {
		parts += everyMonth / daysOf(d[0], d[1])
		d = next(d)
	}
	return int64(parts)
}

// starts tells whether a tier cycle begins with day d.
func (s *sheet) starts(d [3]int) bool {
	c := s.v.Cycle
	return d[2] == c.Day && (d[1]-c.Month+12)%c.Months == 0
}

// cycleStart is the first day of the tier cycle around the period's first day.
func (s *sheet) cycleStart() [3]int {
	d := s.from
	for s.v.Cycle.Months > 0 && !s.starts(d) {
		if d[2]--; d[2] == 0 {
			if d[1]--; d[1] == 0 {
				d[0], d[1] = d[0]-1, 12
			}
			d[2] = daysOf(d[0], d[1])
		}
	}
	return d
}

// cycleDays is its length.
func (s *sheet) cycleDays() int64 {
	n := int64(1)
	for d := next(s.cycleStart()); !s.starts(d); d = next(d) {
		n++
	}
	return n
}

// crosses tells whether a tier cycle begins inside the period, its first moment apart.
func (s *sheet) crosses() bool {
	if s.v.Cycle.Months == 0 || s.from == s.to {
		return false
	}
	for d := next(s.from); before(d, s.to); d = next(d) {
		if s.starts(d) {
			return true
		}
	}
	return s.starts(s.to) && s.clock(s.u.To) > 0
}

// allowance is what is free in the period, without what the month gave before. What unused days carry on depends on the use of each day.
func (s *sheet) allowance(f *tariff.Free) *big.Int {
	kWh := floor(times(number(f.PerMonth), s.months()), one6)
	switch {
	case f.Stack == 0:
		kWh = plus(kWh, times(number(f.PerDay), s.days()))
	case !s.facts.FreeKnown:
		s.Wrong |= NoFacts
	default:
		kWh = plus(kWh, number(s.facts.FreeGiven))
	}
	return higher(new(big.Int), minus(kWh, number(s.facts.FreeBefore)))
}
