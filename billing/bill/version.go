package bill

import (
	"fmt"
	"math"
	"slices"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// version is the version of part i, or a copy of it in which what the whole
// month decides stands decided: a part alone would decide it by its own kWh.
func (j *joiner) version(i int, counter billing.Energy, f *rate.Facts) (*tariff.Version, error) {
	v := j.m.Cells[i].By
	if !slices.ContainsFunc(v.Components, decides) {
		return v, nil
	}
	own := *v
	own.Components = slices.Clone(v.Components)
	for k := range own.Components {
		p := &own.Components[k]
		var err error
		switch {
		case p.Energy != nil && p.Energy.Share != nil && p.Energy.Share.Amount > 0:
			j.amount(p, i)
		case p.Energy != nil && p.Energy.Mode == tariff.TierWhole && len(p.Energy.Tiers) > 0:
			err = j.wholeTier(p, i, counter, f)
		case p.Basic != nil && p.Basic.HighFactor != 0:
			err = j.highUse(p, f)
		}
		if err != nil {
			return nil, err
		}
	}
	return &own, nil
}

func decides(c tariff.Component) bool {
	return c.Energy != nil && (c.Energy.Share != nil && c.Energy.Share.Amount > 0 || c.Energy.Mode == tariff.TierWhole && len(c.Energy.Tiers) > 0) ||
		c.Basic != nil && c.Basic.HighFactor != 0
}

// amount gives a part its days' share of a fixed amount (定量).
func (j *joiner) amount(p *tariff.Component, i int) {
	energy, share := *p.Energy, *p.Energy.Share
	parts := make([]billing.Energy, len(j.m.Cells))
	billing.Apportion(parts, j.days(j.u.From, j.u.To), share.Amount)
	share.Amount = parts[i]
	energy.Share = &share
	p.Energy = &energy
}

// highUse decides the discount by the energy and the capacity of the month.
func (j *joiner) highUse(p *tariff.Component, f *rate.Facts) error {
	basic := *p.Basic
	all, err := j.energy(func(*usage.Cell) bool { return true })
	if err == nil {
		all, err = all.Add(j.u.Loss)
	}
	if err != nil {
		return err
	}
	var capacity billing.Quantity
	for _, s := range f.Supplies {
		if capacity, err = capacity.Add(s.Capacity); err != nil {
			return fmt.Errorf("capacity of all incoming lines: %w", err)
		}
	}
	// kWh for so many kVA: 1e-6 x 1e-6 on both sides.
	need, err := billing.Scale(int64(basic.HighUse), int64(capacity))
	if err != nil || int64(all) < need {
		basic.HighFactor = 0
	} else {
		basic.HighUse = 0
	}
	p.Basic = &basic
	return nil
}

// wholeTier decides the tier by what the whole of the cycle's parts consumed.
func (j *joiner) wholeTier(p *tariff.Component, i int, counter billing.Energy, f *rate.Facts) error {
	c := &j.m.Cells[i]
	start, _ := c.By.CycleOf(c.From)
	rest, err := j.energy(func(o *usage.Cell) bool {
		other, _ := o.By.CycleOf(o.From)
		return !o.From.Before(c.From) && other.Equal(start)
	})
	if err != nil {
		return err
	}
	energy := *p.Energy
	energy.Share, energy.Free, energy.Prices = nil, nil, nil
	energy.Tiers = slices.Clone(energy.Tiers)
	trial := *c.By
	trial.Bands = nil
	trial.Components = []tariff.Component{{Kind: tariff.EnergyCharge, Code: p.Code, Energy: &energy}}
	charge, err := rate.Estimate(&trial, rate.Usage{From: c.From, To: c.To, Energy: rest, CycleBefore: counter, Facts: &rate.Facts{Persons: f.Persons, Words: f.Words, MonthsInService: f.MonthsInService, DaysInService: f.DaysInService}})
	if err != nil {
		return fmt.Errorf("tier of the whole month: %w", err)
	}
	decided := *p.Energy
	decided.Limits = nil
	decided.Tiers = slices.Clone(p.Energy.Tiers)
	for k := range decided.Tiers {
		decided.Tiers[k].UpTo = -1
		if k >= charge.Tier-1 {
			decided.Tiers[k].UpTo = math.MaxInt64
		}
	}
	p.Energy = &decided
	return nil
}
