package rate

import (
	"fmt"
	"slices"

	"feikong/billing"
	"feikong/billing/tariff"
)

// byBand reports whether p has a price for each band of the version.
func byBand(v *tariff.Version, p *tariff.EnergyPrice) bool {
	return len(v.Bands) > 0 && len(p.Prices) == len(v.Bands)
}

// amount is energy and how it lies in the bands.
type amount struct {
	energy billing.Energy
	bands  [tariff.BandsMax]billing.Energy // adds up to energy, when banded
}

// price adds the lines of an energy charge (电度电费): what is free, the prices
// by band or the one price, and the tiers or their adders.
func (e *engine) price(p *tariff.EnergyPrice) error {
	a, free := &e.all, billing.Energy(0)
	if e.shares || p.Free != nil {
		own, err := e.own()
		if err != nil {
			return err
		}
		if free, err = e.free(p.Free, own.energy); err != nil {
			return err
		}
		if free > 0 {
			if err := e.kwh(partFree, 0, free, 0); err != nil {
				return err
			}
			own = e.without(own, free)
		}
		a = &own
	}
	switch {
	case byBand(e.v, p):
		for b := range p.Prices {
			if a.bands[b] == 0 {
				continue
			}
			if err := e.kwh(partBand, b+1, a.bands[b], p.Prices[b]); err != nil {
				return err
			}
		}
	case len(p.Prices) == 1:
		part := partNone
		if len(p.Tiers) > 0 {
			part = partBase
		}
		if err := e.kwh(part, 0, a.energy, p.Prices[0]); err != nil {
			return err
		}
	case len(p.Prices) != 0 || len(p.Tiers) == 0:
		return fmt.Errorf("%w: %d prices for %d bands", ErrVersion, len(p.Prices), len(e.v.Bands))
	}
	if len(p.Tiers) == 0 {
		return nil
	}
	if e.tierTaken {
		return fmt.Errorf("%w: a second component with tiers, but one tier counter", ErrVersion)
	}
	e.tierTaken = true
	return e.tiersOf(p, a.energy, free)
}

// own is the energy that the component prices: its share, or what the shares
// of all components leave (定比, 定量).
func (e *engine) own() (amount, error) {
	left := e.all
	if !e.shares {
		return left, nil
	}
	for i := range e.v.Components {
		p := e.v.Components[i].Energy
		if p == nil || p.Share == nil {
			continue
		}
		taken := p.Share.Amount
		if p.Share.Ratio != 0 {
			n, err := billing.Scale(int64(e.all.energy), p.Share.Ratio)
			if err != nil {
				return amount{}, fmt.Errorf("share: %w", err)
			}
			taken = billing.Energy(n)
		}
		if taken < 0 {
			return amount{}, fmt.Errorf("%w: a share below zero", ErrVersion)
		}
		taken = min(taken, left.energy)
		rest := e.without(left, taken)
		if i == e.at {
			for b := range left.bands {
				left.bands[b] -= rest.bands[b]
			}
			left.energy = taken
			return left, nil
		}
		left = rest
	}
	if e.v.Components[e.at].Energy.Share != nil {
		return amount{}, fmt.Errorf("%w: a share of nothing", ErrVersion)
	}
	return left, nil
}

// without is a less energy, which is at most a's, taken from the bands in
// proportion, each mWh that is left to the largest remainder, the lower band
// first among equals.
func (e *engine) without(a amount, energy billing.Energy) amount {
	if e.banded && energy > 0 {
		var taken [tariff.BandsMax]billing.Energy
		billing.Apportion(taken[:], a.bands[:], energy)
		for b := range taken {
			a.bands[b] -= taken[b]
		}
	}
	a.energy -= energy
	return a
}

// free is how much of energy the allowance covers.
func (e *engine) free(f *tariff.Free, energy billing.Energy) (billing.Energy, error) {
	if f == nil {
		return 0, nil
	}
	facts := e.u.Facts
	if f.Fact != "" && (facts == nil || !slices.Contains(facts.Words, f.Fact)) {
		return 0, nil
	}
	allowance, err := f.PerMonth.Part(int64(e.months()), 1e6)
	if err != nil {
		return 0, fmt.Errorf("free energy by the month: %w", err)
	}
	daily, err := e.daily(f)
	if err != nil {
		return 0, err
	}
	if allowance, err = allowance.Add(daily); err != nil {
		return 0, fmt.Errorf("free energy by the day: %w", err)
	}
	if facts != nil {
		if facts.FreeBefore < 0 {
			return 0, fmt.Errorf("%w: free energy before is below zero", ErrUsage)
		}
		allowance -= facts.FreeBefore
	}
	return max(0, min(allowance, energy)), nil
}

// daily is the allowance by the day. Where unused days stack up to a limit, it
// was told by who knows what was used on each day.
func (e *engine) daily(f *tariff.Free) (billing.Energy, error) {
	if f.Stack == 0 {
		daily, err := f.PerDay.Times(int64(e.days()))
		if err != nil {
			return 0, fmt.Errorf("free energy by the day: %w", err)
		}
		return daily, nil
	}
	facts := e.u.Facts
	switch {
	case facts == nil || !facts.FreeKnown:
		return 0, fmt.Errorf("%w: what was used on each day, which the daily allowance depends on", ErrFacts)
	case facts.FreeGiven < 0:
		return 0, fmt.Errorf("%w: free energy below zero", ErrUsage)
	}
	return facts.FreeGiven, nil
}
