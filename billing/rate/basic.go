package rate

import (
	"fmt"

	"feikong/billing"
	"feikong/billing/tariff"
)

// basic adds the charge for capacity or demand (基本电费), by the incoming line.
func (e *engine) basic(b *tariff.Basic) error {
	if e.u.Facts == nil || len(e.u.Facts.Supplies) == 0 {
		return fmt.Errorf("%w: capacity or demand of the incoming lines", ErrFacts)
	}
	demand, err := e.demandPrice(b)
	if err != nil {
		return err
	}
	for i := range e.u.Facts.Supplies {
		if err := e.supply(b, i, demand); err != nil {
			return fmt.Errorf("incoming line %d: %w", i+1, err)
		}
	}
	return nil
}

// demandPrice is the price of a kW, with the discount for many hours of use.
func (e *engine) demandPrice(b *tariff.Basic) (billing.Price, error) {
	if b.HighFactor == 0 {
		return b.PerKW, nil
	}
	var capacity billing.Quantity
	var err error
	for i := range e.u.Facts.Supplies {
		if capacity, err = capacity.Add(e.u.Facts.Supplies[i].Capacity); err != nil {
			return 0, fmt.Errorf("capacity of all incoming lines: %w", err)
		}
	}
	if capacity <= 0 || less(int64(e.all.energy), 1e6, int64(b.HighUse), int64(capacity)) {
		return b.PerKW, nil
	}
	price, err := billing.Scale(int64(b.PerKW), b.HighFactor)
	if err != nil {
		return 0, fmt.Errorf("price of demand at high use: %w", err)
	}
	return billing.Price(price), nil
}

// supply adds the lines of one incoming line, for the days it was in use.
func (e *engine) supply(b *tariff.Basic, i int, demand billing.Price) error {
	s := &e.u.Facts.Supplies[i]
	if s.Capacity < 0 || s.Declared < 0 || s.Measured < 0 || s.Days < 0 || s.MonthDays < 0 || s.MonthDays > 31 {
		return fmt.Errorf("%w: capacity, demand or days below zero, or a month of %d days", ErrUsage, s.MonthDays)
	}
	var num, den int64
	if s.MonthDays != 0 && s.Days < s.MonthDays {
		if b.DaysOfMonth <= 0 || b.DaysOfMonth > 31 {
			return fmt.Errorf("%w: a month of %d days", ErrVersion, b.DaysOfMonth)
		}
		if num = min(int64(s.Days), b.DaysOfMonth); num < b.DaysOfMonth {
			den = b.DaysOfMonth
		}
	}
	e.c.ToDate = e.c.ToDate || e.u.Facts.ToDate && s.Mode != tariff.ByCapacity
	// Nobody has no transformer: what rests on one that is not told is not free.
	demanded := s.Mode != tariff.ByCapacity && b.PerKW > 0
	if s.Capacity == 0 && (s.Mode == tariff.ByCapacity && b.PerKVA > 0 || demanded && b.HighFactor > 0 || demanded && s.Mode == tariff.ByContract && b.Floor > 0) {
		return fmt.Errorf("%w: the capacity of the transformers", ErrFacts)
	}
	line := func(p part, unit billing.Unit, q billing.Quantity, price billing.Price) error {
		return e.add(p, i+1, unit, q, price, num, den)
	}
	switch {
	case s.Mode == tariff.ByCapacity && b.PerKVA > 0:
		return line(partCapacity, billing.UnitKVA, s.Capacity, b.PerKVA)
	case s.Mode == tariff.ByMeasured && b.PerKW > 0:
		return line(partMeasured, billing.UnitKW, s.Measured, demand)
	case s.Mode != tariff.ByContract || b.PerKW <= 0:
		return fmt.Errorf("%w: the version has no price for basic mode %d", ErrUsage, s.Mode)
	}
	return contract(b, s, demand, line)
}

// contract adds the declared demand, not below its floor, and what was drawn
// above the tolerance.
func contract(b *tariff.Basic, s *Supply, demand billing.Price, line func(part, billing.Unit, billing.Quantity, billing.Price) error) error {
	if s.Declared == 0 {
		return fmt.Errorf("%w: the declared demand", ErrFacts)
	}
	floor, err := billing.Scale(int64(s.Capacity), b.Floor)
	if err != nil {
		return fmt.Errorf("floor of the declared demand: %w", err)
	}
	declared := max(s.Declared, billing.Quantity(floor))
	if err := line(partContract, billing.UnitKW, declared, demand); err != nil {
		return err
	}
	band, err := billing.Scale(int64(declared), b.Tolerance)
	if err != nil {
		return fmt.Errorf("tolerance of the declared demand: %w", err)
	}
	excess := s.Measured - billing.Quantity(band)
	if excess <= 0 || b.Excess == 0 {
		return nil
	}
	price, err := billing.Scale(int64(demand), b.Excess)
	if err != nil {
		return fmt.Errorf("price of demand above the tolerance: %w", err)
	}
	return line(partExcess, billing.UnitKW, excess, billing.Price(price))
}
