package oracle

import (
	"fmt"
	"math/big"
	"slices"

	"feikong/billing"
	"feikong/billing/tariff"
)

// divide tells which component has which kWh: shares take theirs in the order of print, the others each have what is left.
func (s *sheet) divide() {
	bands := make([]*big.Int, len(s.v.Bands))
	metered, lost := number(s.u.Energy), number(s.facts.Loss)
	inBands := new(big.Int)
	for i := range bands {
		bands[i] = number(s.u.Bands[i])
		inBands.Add(inBands, bands[i])
		bands[i] = plus(bands[i], number(s.facts.LossBands[i]))
		lost = plus(lost, number(s.facts.LossBands[i]))
	}
	if len(bands) > 0 {
		bands[s.v.Remainder] = plus(bands[s.v.Remainder], number(s.facts.Loss))
	}
	if s.byBand() && inBands.Cmp(metered) != 0 {
		s.Wrong |= BadUsage
	}
	s.energy = plus(metered, lost)
	s.Loss = billing.Energy(s.fit(lost))
	s.fit(s.energy)

	n := len(s.v.Components)
	s.taken, s.paid, s.banded = make([]*big.Int, n), make([]*big.Int, n), make([][]*big.Int, n)
	left := s.energy
	for i := range s.v.Components {
		e := s.v.Components[i].Energy
		if e == nil || e.Share == nil {
			continue
		}
		want := number(e.Share.Amount)
		if e.Share.Ratio > 0 {
			want = round(times(s.energy, number(e.Share.Ratio)), one6)
		}
		s.taken[i] = lower(want, left)
		s.banded[i] = share(s.taken[i], bands)
		left = minus(left, s.taken[i])
		bands = without(bands, s.banded[i])
	}
	for i := range s.v.Components {
		if e := s.v.Components[i].Energy; e != nil && e.Share == nil {
			s.taken[i], s.banded[i] = left, bands
		}
	}
}

// byBand tells whether a component has prices by band.
func (s *sheet) byBand() bool {
	return slices.ContainsFunc(s.v.Components, func(c tariff.Component) bool { return c.Energy != nil && len(c.Energy.Prices) > 1 })
}

func without(from, what []*big.Int) []*big.Int {
	left := make([]*big.Int, len(from))
	for i := range from {
		left[i] = minus(from[i], what[i])
	}
	return left
}

// energyCharge prints what is free, the bands, and the tiers.
func (s *sheet) energyCharge(at int, c *tariff.Component) {
	e, energy, bands := c.Energy, s.taken[at], s.banded[at]
	free := new(big.Int)
	if e.Free != nil && (e.Free.Fact == "" || slices.Contains(s.facts.Words, e.Free.Fact)) {
		free = lower(energy, s.allowance(e.Free))
	}
	if free.Sign() > 0 {
		s.put(Line{component: at}, "free", free, new(big.Int))
		bands = without(bands, share(free, bands))
	}
	paid := minus(energy, free)
	s.paid[at] = paid
	switch {
	case len(e.Prices) == 1:
		s.put(Line{component: at}, "", paid, number(e.Prices[0]))
	case len(e.Prices) > 1:
		for b, kWh := range bands {
			if kWh.Sign() > 0 {
				s.put(Line{component: at}, s.v.Bands[b].Code, kWh, number(e.Prices[b]))
			}
		}
	}
	if len(e.Tiers) == 0 {
		return
	}
	start := number(s.u.CycleBefore)
	if e.Free != nil && e.Free.Counted {
		start = plus(start, free)
	}
	s.counter = plus(start, paid)
	s.tiers(at, e, start, paid)
}

// tiers prints paid kWh that come after start kWh of the cycle.
func (s *sheet) tiers(at int, e *tariff.EnergyPrice, start, paid *big.Int) {
	limits := s.limits(e)
	s.Tier = tierOf(limits, plus(start, paid))
	l := Line{component: at}
	switch beside := len(e.Prices) > 0; {
	case e.Mode == tariff.TierWhole && beside:
		if t := e.Tiers[s.Tier-1]; paid.Sign() > 0 && (s.Tier > 1 || t.Adder != 0) {
			s.put(l, fmt.Sprintf("tier%d", s.Tier), paid, number(t.Adder))
		}
	case e.Mode == tariff.TierWhole:
		s.put(l, fmt.Sprintf("tier%d", s.Tier), paid, number(e.Tiers[s.Tier-1].Price))
	case beside:
		for i, part := range inTiers(limits, start, paid) {
			if part.Sign() > 0 && (i > 0 || e.Tiers[i].Adder != 0) {
				s.put(l, fmt.Sprintf("tier%d", i+1), part, number(e.Tiers[i].Adder))
			}
		}
	default:
		s.notation(l, e.Tiers, e.Mode == tariff.TierIncremental, inTiers(limits, start, paid), paid)
	}
}

// notation is tiers with prices of their own: 分档法 each tier at its price, or 递增法 all at the first price, and what the higher ones add.
// Where nothing is used the tier in which the counter stands tells its price.
func (s *sheet) notation(l Line, tiers []tariff.Tier, incremental bool, parts []*big.Int, paid *big.Int) {
	if incremental {
		s.put(l, "base", paid, number(tiers[0].Price))
	}
	for i, part := range parts {
		switch {
		case incremental && i > 0 && part.Sign() > 0:
			s.put(l, fmt.Sprintf("adder%d", i+1), part, number(tiers[i].Adder))
		case !incremental && (part.Sign() > 0 || i == s.Tier-1 && paid.Sign() == 0):
			s.put(l, fmt.Sprintf("tier%d", i+1), part, number(tiers[i].Price))
		}
	}
}

// limits are where the tiers end for this account; nil is no end.
func (s *sheet) limits(e *tariff.EnergyPrice) []*big.Int {
	limits := make([]*big.Int, len(e.Tiers))
	months := int64(s.v.Cycle.Months)
	for i := range limits[:len(limits)-1] {
		limit := number(e.Tiers[i].UpTo)
		if l := e.Limits; l != nil {
			if row := l.ByMonth[s.cycleStart()[1]-1]; row != nil {
				limit = number(row[i])
			}
			if l.HouseholdFrom > 0 && s.facts.Persons >= l.HouseholdFrom {
				limit = plus(limit, times(number(l.HouseholdExtra), number(months)))
			}
			if served := int64(s.facts.MonthsInService); l.MonthsInService && served > 0 {
				if served > months {
					s.Wrong |= BadUsage
				}
				limit = floor(times(limit, number(served)), number(months))
			}
			if served := int64(s.facts.DaysInService); l.DaysInService && served > 0 {
				days := s.cycleDays()
				if served > days {
					s.Wrong |= BadUsage
				}
				limit = floor(times(limit, number(served)), number(days))
			}
		}
		limits[i] = limit
	}
	return limits
}

// tierOf is the tier, from 1, in which the counter stands; a limit belongs to the tier below it.
func tierOf(limits []*big.Int, counter *big.Int) int {
	for i, limit := range limits {
		if limit == nil || counter.Cmp(limit) <= 0 {
			return i + 1
		}
	}
	return len(limits)
}

// inTiers cuts the kWh from start to start + paid at the limits.
func inTiers(limits []*big.Int, start, paid *big.Int) []*big.Int {
	parts, end, from := make([]*big.Int, len(limits)), plus(start, paid), start
	for i, limit := range limits {
		to := end
		if limit != nil {
			to = lower(higher(limit, from), end)
		}
		parts[i], from = minus(to, from), to
	}
	return parts
}

// alone is a version with one price, or with tiers and nothing else.
func (s *sheet) alone() {
	s.energy = number(s.u.Energy)
	start := number(s.u.CycleBefore)
	s.counter = plus(start, s.energy)
	if s.v.Kind == tariff.Flat {
		s.put(Line{}, "flat", s.energy, number(s.v.Price))
		return
	}
	limits := s.limits(&tariff.EnergyPrice{Tiers: s.v.Tiers})
	s.Tier = tierOf(limits, s.counter)
	s.notation(Line{}, s.v.Tiers, s.v.Notation == tariff.Incremental, inTiers(limits, start, s.energy), s.energy)
}
