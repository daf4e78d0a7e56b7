package oracle

import (
	"math/big"
	"strconv"

	"feikong/billing"
	"feikong/billing/tariff"
)

// basic is 基本电费, incoming line by incoming line.
func (s *sheet) basic(at int, b *tariff.Basic) {
	if len(s.facts.Supplies) == 0 {
		s.Wrong |= NoFacts
	}
	kVA := new(big.Int)
	for i := range s.facts.Supplies {
		kVA = plus(kVA, number(s.facts.Supplies[i].Capacity))
	}
	s.way(times(kVA, powers[exactDecimals-moneyDecimals]))
	perKW := number(b.PerKW)
	// kWh >= HighUse x kVA, both sides in mWh x 1e-6 kVA.
	if b.HighFactor > 0 && times(s.energy, one6).Cmp(times(number(b.HighUse), kVA)) >= 0 {
		perKW = round(times(perKW, number(b.HighFactor)), one6)
	}
	for i := range s.facts.Supplies {
		p := &s.facts.Supplies[i]
		suffix := ""
		if i > 0 {
			suffix = strconv.Itoa(i + 1)
		}
		l := Line{component: at, Unit: billing.UnitKW}
		if p.MonthDays > 0 && p.Days < p.MonthDays {
			l.Num, l.Den = lowest(min(int64(p.Days), b.DaysOfMonth), b.DaysOfMonth)
		}
		if p.Mode == tariff.ByCapacity && b.PerKVA == 0 || p.Mode != tariff.ByCapacity && b.PerKW == 0 {
			s.Wrong |= BadUsage // the mode is not offered
		}
		switch needs := p.Mode == tariff.ByCapacity || p.Mode == tariff.ByContract && b.Floor > 0 || p.Mode != tariff.ByCapacity && b.HighFactor > 0; {
		case needs && p.Capacity == 0, p.Mode == tariff.ByContract && p.Declared == 0:
			s.Wrong |= NoFacts // nobody declares nothing
		}
		s.ToDate = s.ToDate || s.facts.ToDate && p.Mode != tariff.ByCapacity
		switch p.Mode {
		case tariff.ByCapacity:
			l.Unit = billing.UnitKVA
			s.put(l, "capacity"+suffix, number(p.Capacity), number(b.PerKVA))
		case tariff.ByContract:
			declared := higher(number(p.Declared), round(times(number(b.Floor), number(p.Capacity)), one6))
			s.put(l, "contract"+suffix, declared, perKW)
			band := round(times(number(b.Tolerance), declared), one6)
			s.way(times(band, powers[exactDecimals-moneyDecimals]))
			if over := minus(number(p.Measured), band); over.Sign() > 0 && b.Excess > 0 {
				s.put(l, "excess"+suffix, over, round(times(perKW, number(b.Excess)), one6))
			}
		case tariff.ByMeasured:
			s.put(l, "measured"+suffix, number(p.Measured), perKW)
		}
	}
}

// lowest is a/b in lowest terms.
func lowest(a, b int64) (int64, int64) {
	if a == 0 {
		return 0, 1
	}
	d := new(big.Int).GCD(nil, nil, number(a), number(b)).Int64()
	return a / d, b / d
}

// fixed is a sum by the day or the month.
func (s *sheet) fixed(at int, f *tariff.Fixed) {
	switch {
	case f.PerDay != 0:
		s.put(Line{component: at, Unit: billing.UnitDay}, "", times(s.days(), one6), number(f.PerDay))
	case f.Prorate: // exact by its days, whatever the months are said to be
		l, months := Line{component: at, Unit: billing.UnitMonth}, one6
		if l.Num, l.Den = lowest(s.partsOfMonths(), everyMonth); l.Den == 1 { // whole months are a quantity
			months, l.Num = times(months, number(l.Num)), 1
		}
		s.put(l, "", months, number(f.PerMonth))
	default:
		s.put(Line{component: at, Unit: billing.UnitMonth}, "", s.months(), number(f.PerMonth))
	}
}
