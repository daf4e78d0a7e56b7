package rate

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// tiering is how energy that was priced or not falls into tiers.
type tiering struct {
	tiers  []tariff.Tier
	mode   tariff.TierMode
	adders bool                // other lines hold the first tier's price, these what is added to it
	price  *tariff.EnergyPrice // with limits that bend; nil: they stand as printed
}

// tiered adds the lines of a version of kind tiered (阶梯电价).
func (e *engine) tiered() error {
	t := tiering{tiers: e.v.Tiers, mode: tariff.TierMode(e.v.Notation)}
	return e.split(&t, e.u.CycleBefore, e.all.energy)
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
	t := tiering{tiers: p.Tiers, mode: p.Mode, adders: len(p.Prices) > 0}
	if p.Limits != nil {
		t.price = p
	}
	switch p.Mode {
	case tariff.TierWhole:
		return e.whole(&t, energy)
	case tariff.TierBanded, tariff.TierIncremental:
		return e.split(&t, before, energy)
	}
	return fmt.Errorf("%w: tier mode %d", ErrVersion, p.Mode)
}

// split divides energy over the tiers by the counter of the cycle. Tiers
// without energy print no line, but a period always has a first.
func (e *engine) split(t *tiering, before, energy billing.Energy) error {
	if len(t.tiers) == 0 || len(t.tiers) > tariff.TiersMax {
		return fmt.Errorf("%w: %d tiers", ErrVersion, len(t.tiers))
	}
	incremental := t.mode == tariff.TierIncremental && !t.adders
	if incremental {
		if err := e.kwh(partBase, 0, energy, t.tiers[0].Price); err != nil {
			return err
		}
	}
	at, left := before, energy
	for i := range t.tiers {
		last := i == len(t.tiers)-1
		part := left
		if !last {
			limit := t.tiers[i].UpTo
			if t.price != nil {
				var err error
				if limit, err = e.limit(t.price, i); err != nil {
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
		if err := e.tier(t, i, part, incremental); err != nil {
			return err
		}
		if at, left = at+part, left-part; left == 0 {
			return nil
		}
	}
	return nil
}

func (e *engine) tier(t *tiering, i int, part billing.Energy, incremental bool) error {
	tier := &t.tiers[i]
	switch {
	case t.adders:
		if part == 0 || i == 0 && tier.Adder == 0 {
			return nil
		}
		return e.kwh(partTier, i+1, part, tier.Adder)
	case !incremental:
		return e.kwh(partTier, i+1, part, tier.Price)
	case i > 0 && part > 0:
		return e.kwh(partAdder, i+1, part, tier.Adder)
	}
	return nil
}

// whole prices all energy at the tier that the cycle's whole consumption lies
// in (全额分档): one kWh more may cost many.
func (e *engine) whole(t *tiering, energy billing.Energy) error {
	if len(t.tiers) == 0 || len(t.tiers) > tariff.TiersMax {
		return fmt.Errorf("%w: %d tiers", ErrVersion, len(t.tiers))
	}
	i := 0
	for ; i < len(t.tiers)-1; i++ {
		limit := t.tiers[i].UpTo
		if t.price != nil {
			var err error
			if limit, err = e.limit(t.price, i); err != nil {
				return err
			}
		}
		if e.c.CycleAfter <= limit {
			break
		}
	}
	e.c.Tier = i + 1
	return e.tier(t, i, energy, false)
}

// limit is the limit of tier i for this account: the printed one or the
// month's, with what a large household has more, for the months in service.
func (e *engine) limit(p *tariff.EnergyPrice, i int) (billing.Energy, error) {
	limit, facts, bend := p.Tiers[i].UpTo, e.u.Facts, p.Limits
	_, month, _ := e.u.From.In(e.v.Location()).Date()
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
	if served := int64(facts.MonthsInService); bend.MonthsInService && served != 0 && served != months {
		if served < 0 || served > months {
			return 0, fmt.Errorf("%w: %d months in service of a cycle of %d", ErrUsage, served, months)
		}
		return limit.Part(served, months)
	}
	return limit, nil
}
