package rate

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// tiering says how lines are made of tiers.
type tiering uint8

const (
	tierLines     tiering = iota // each tier's energy at its price
	adderLines                   // other lines hold the first price; each tier's energy at what it adds
	notationLines                // incremental: all energy at the first price, then as adderLines
)

// tiered adds the lines of a version of kind tiered (阶梯电价).
func (e *engine) tiered() error {
	how := tierLines
	if e.v.Notation == tariff.Incremental {
		how = notationLines
	}
	return e.split(e.v.Tiers, nil, how, e.u.CycleBefore, e.all.energy)
}

// tiersOf adds the lines of a component's tiers for energy, and moves the
// counter by it, by the free energy too where that is counted.
func (e *engine) tiersOf(p *tariff.EnergyPrice, energy, free billing.Energy) error {
	before := e.u.CycleBefore
	var err error
	if free > 0 && p.Free.Counted {
		if before, err = before.Add(free); err != nil {
			return fmt.Errorf("energy of the tier cycle: %w", err)
		}
	}
	if e.c.CycleAfter, err = before.Add(energy); err != nil {
		return fmt.Errorf("energy of the tier cycle: %w", err)
	}
	bend := p
	if p.Limits == nil {
		bend = nil
	}
	how := tierLines
	switch {
	case len(p.Prices) > 0:
		how = adderLines
	case p.Mode == tariff.TierIncremental:
		how = notationLines
	}
	switch p.Mode {
	case tariff.TierWhole:
		return e.whole(p.Tiers, bend, how, energy)
	case tariff.TierBanded, tariff.TierIncremental:
		return e.split(p.Tiers, bend, how, before, energy)
	}
	return fmt.Errorf("%w: tier mode %d", ErrVersion, p.Mode)
}

// split divides energy over the tiers by the counter of the cycle; bend is the
// component whose limits bend, nil when they stand as printed. Tiers without
// energy print no line, but a period always has a first.
func (e *engine) split(tiers []tariff.Tier, bend *tariff.EnergyPrice, how tiering, before, energy billing.Energy) error {
	if len(tiers) == 0 || len(tiers) > tariff.TiersMax {
		return fmt.Errorf("%w: %d tiers", ErrVersion, len(tiers))
	}
	if how == notationLines {
		if err := e.kwh(partBase, 0, energy, tiers[0].Price); err != nil {
			return err
		}
	}
	at, left := before, energy
	for i := range tiers {
		last := i == len(tiers)-1
		part := left
		if !last {
			limit := tiers[i].UpTo
			if bend != nil {
				var err error
				if limit, err = e.limit(bend, i); err != nil {
					return err
				}
			}
			if at > limit {
				continue
			}
			part = min(left, limit-at)
		}
		// A full tier whose limit is just reached gives the next one its turn,
		// unless there is nothing more to price: the limit is inclusive.
		if part == 0 && left > 0 {
			continue
		}
		e.c.Tier = i + 1
		if err := e.tier(&tiers[i], i, how, part); err != nil {
			return err
		}
		if at, left = at+part, left-part; left == 0 {
			return nil
		}
	}
	return nil
}

func (e *engine) tier(tier *tariff.Tier, i int, how tiering, energy billing.Energy) error {
	switch {
	case how == tierLines:
		return e.kwh(partTier, i+1, energy, tier.Price)
	case energy == 0:
	case how == notationLines && i > 0:
		return e.kwh(partAdder, i+1, energy, tier.Adder)
	case how == adderLines && (i > 0 || tier.Adder != 0):
		return e.kwh(partTier, i+1, energy, tier.Adder)
	}
	return nil
}

// whole prices all energy at the tier that the cycle's whole consumption lies
// in (全额分档): one kWh more may cost many.
func (e *engine) whole(tiers []tariff.Tier, bend *tariff.EnergyPrice, how tiering, energy billing.Energy) error {
	if len(tiers) > tariff.TiersMax {
		return fmt.Errorf("%w: %d tiers", ErrVersion, len(tiers))
	}
	i := 0
	for ; i < len(tiers)-1; i++ {
		limit := tiers[i].UpTo
		if bend != nil {
			var err error
			if limit, err = e.limit(bend, i); err != nil {
				return err
			}
		}
		if e.c.CycleAfter <= limit {
			break
		}
	}
	e.c.Tier = i + 1
	return e.tier(&tiers[i], i, how, energy)
}

// limit is the limit of tier i for this account: the printed one or the
// month's, with what a large household has more, for the months in service.
func (e *engine) limit(p *tariff.EnergyPrice, i int) (billing.Energy, error) {
	limit, facts, bend := p.Tiers[i].UpTo, e.u.Facts, p.Limits
	_, month, day := e.u.From.In(e.v.Location()).Date()
	if day < e.v.Cycle.Day { // still in the cycle that began last month, which has one limit for all its days
		month = (month+10)%12 + 1
	}
	if row := bend.ByMonth[month-time.January]; row != nil {
		if i >= len(row) {
			return 0, fmt.Errorf("%w: no limit of tier %d for month %d", ErrVersion, i+1, month)
		}
		limit = row[i]
	}
	if facts == nil {
		return limit, nil
	}
	months := int64(max(e.v.Cycle.Months, 1))
	if bend.HouseholdFrom > 0 && facts.Persons >= bend.HouseholdFrom {
		extra, err := bend.HouseholdExtra.Times(months)
		if err == nil {
			limit, err = limit.Add(extra)
		}
		if err != nil {
			return 0, fmt.Errorf("limit of tier %d: %w", i+1, err)
		}
	}
	if served := int64(facts.MonthsInService); bend.MonthsInService && served != 0 {
		if served < 0 || served > months {
			return 0, fmt.Errorf("%w: %d months in service of a cycle of %d", ErrUsage, served, months)
		}
		return limit.Part(served, months)
	}
	if served := int64(facts.DaysInService); bend.DaysInService && served != 0 {
		start, end := e.v.CycleOf(e.u.From)
		days := e.dateOf(end) - e.dateOf(start)
		switch {
		case days <= 0:
			return 0, fmt.Errorf("%w: days in service of a cycle that never ends", ErrVersion)
		case served < 0 || served > days:
			return 0, fmt.Errorf("%w: %d days in service of a cycle of %d", ErrUsage, served, days)
		}
		return limit.Part(served, days)
	}
	return limit, nil
}
