package rate

import (
	"fmt"

	"feikong/billing"
	"feikong/billing/tariff"
)

// Estimate prices a period under v. It is a pure function of its arguments and
// allocates nothing unless it fails.
//
// Errors wrap ErrCycleCrossed, ErrVersionCrossed, ErrUsage, ErrVersion or
// billing.ErrOverflow.
func Estimate(v *tariff.Version, u Usage) (Charge, error) {
	if err := within(v, u); err != nil {
		return Charge{}, err
	}
	after, err := u.CycleBefore.Add(u.Energy)
	if err != nil {
		return Charge{}, fmt.Errorf("energy of the tier cycle: %w", err)
	}
	c := Charge{CycleBefore: u.CycleBefore, CycleAfter: after}
	if err := components(&c, v, u); err != nil {
		return Charge{}, fmt.Errorf("price %s kWh by version %d of tariff %s: %w", u.Energy, v.Number, v.ID, err)
	}
	return c, nil
}

// components add their lines in the order of print; one that the version does
// not use adds none. Basic charge, power factor, levies and taxes take their
// places after the energy they are based on. They are called by name and not
// from a table, so that the charge stays on the stack.
func components(c *Charge, v *tariff.Version, u Usage) error {
	if err := flatEnergy(c, v, u); err != nil {
		return err
	}
	return tieredEnergy(c, v, u)
}

func within(v *tariff.Version, u Usage) error {
	switch {
	case u.To.Before(u.From):
		return fmt.Errorf("%w: the period ends before it begins", ErrUsage)
	case u.Energy < 0 || u.CycleBefore < 0:
		return fmt.Errorf("%w: energy below zero", ErrUsage)
	case u.From.Before(v.ValidFrom) || !v.ValidTo.IsZero() && u.To.After(v.ValidTo):
		return fmt.Errorf("%w: version %d of tariff %s", ErrVersionCrossed, v.Number, v.ID)
	}
	if _, end := v.CycleOf(u.From); !end.IsZero() && u.To.After(end) {
		return fmt.Errorf("%w, %s", ErrCycleCrossed, end.Format("2006-01-02"))
	}
	return nil
}

func flatEnergy(c *Charge, v *tariff.Version, u Usage) error {
	if v.Kind != tariff.Flat {
		return nil
	}
	return c.add("flat", u.Energy, v.Price, v.Decimals)
}

var (
	tierCodes  = [tariff.TiersMax]string{"tier1", "tier2", "tier3", "tier4", "tier5", "tier6", "tier7", "tier8"}
	adderCodes = [tariff.TiersMax]string{"base", "adder2", "adder3", "adder4", "adder5", "adder6", "adder7", "adder8"}
)

// tieredEnergy splits the period's energy over the tiers by the counter of the
// cycle. Tiers without energy print no line, but a period always has a first.
func tieredEnergy(c *Charge, v *tariff.Version, u Usage) error {
	if v.Kind != tariff.Tiered {
		return nil
	}
	if len(v.Tiers) == 0 || len(v.Tiers) > tariff.TiersMax {
		return ErrVersion
	}
	incremental := v.Notation == tariff.Incremental
	if incremental {
		if err := c.add(adderCodes[0], u.Energy, v.Tiers[0].Price, v.Decimals); err != nil {
			return err
		}
	}
	at, left := u.CycleBefore, u.Energy
	for i := range v.Tiers {
		tier := &v.Tiers[i]
		last := i == len(v.Tiers)-1
		if !last && at > tier.UpTo {
			continue
		}
		part := left
		if !last {
			part = min(left, tier.UpTo-at)
		}
		// A full tier whose limit is just reached gives the next one its turn,
		// unless there is nothing more to price: the limit is inclusive.
		if part == 0 && left > 0 {
			continue
		}
		c.Tier = i + 1
		if err := c.addTier(i, tier, part, incremental, v.Decimals); err != nil {
			return err
		}
		if at, left = at+part, left-part; left == 0 {
			return nil
		}
	}
	return nil
}

func (c *Charge) addTier(i int, tier *tariff.Tier, part billing.Energy, incremental bool, place int) error {
	switch {
	case !incremental:
		return c.add(tierCodes[i], part, tier.Price, place)
	case i > 0 && part > 0:
		return c.add(adderCodes[i], part, tier.Adder, place)
	}
	return nil
}
