package tariff

import (
	"math"

	"feikong/billing"
)

// PriceRange is the lowest and highest price of a kWh under the version, for audit rule A20. Of a composed version it is what energy and
// levies cost, with the percentages and taxes that fall on them; sums by the day, for demand and by the power factor are not in it, see
// ByEnergyAlone. An allowance of free kWh makes the lowest 0.
func (v *Version) PriceRange() (low, high billing.Price) {
	switch {
	case v.Kind == Composed:
		return v.composedRange()
	case v.Kind != Tiered || len(v.Tiers) == 0:
		return v.Price, v.Price
	}
	low, high = v.Tiers[0].Price, v.Tiers[0].Price
	for _, t := range v.Tiers[1:] {
		low, high = min(low, t.Price), max(high, t.Price)
	}
	return low, high
}

// ByEnergyAlone reports whether the whole charge comes from kWh, so that PriceRange bounds it. Otherwise only the lines per kWh, and what
// is computed from them, can be held against the range.
func (v *Version) ByEnergyAlone() bool {
	for i := range v.Components {
		switch v.Components[i].Kind {
		case BasicCharge, FixedCharge, FactorCharge:
			return false
		}
	}
	return true
}

// composedRange folds the components in their order, each line's part known by its code, since percentages name them.
func (v *Version) composedRange() (low, high billing.Price) {
	var lows, highs [ComponentsMax]billing.Price
	energyLow, energyHigh, any := billing.Price(0), billing.Price(0), false
	for i := range v.Components {
		c := &v.Components[i]
		switch c.Kind {
		case EnergyCharge:
			lows[i], highs[i] = c.Energy.priceRange()
			if !any {
				energyLow, energyHigh, any = lows[i], highs[i], true
			}
			// A kWh is priced by one of the energy components, not by all of them.
			energyLow, energyHigh = min(energyLow, lows[i]), max(energyHigh, highs[i])
		case LevyCharge:
			if !c.Levy.Included {
				lows[i], highs[i] = c.Levy.Price, c.Levy.Price
				low, high = plus(low, lows[i]), plus(high, highs[i])
			}
		case PercentCharge, TaxCharge:
			lows[i], highs[i] = v.share(c.Percent, i, &lows, &highs)
			low, high = plus(low, lows[i]), plus(high, highs[i])
		}
	}
	return plus(low, energyLow), plus(high, energyHigh)
}

// share is a percentage on the parts that it names, energy counted once.
func (v *Version) share(q *Percent, before int, lows, highs *[ComponentsMax]billing.Price) (low, high billing.Price) {
	energyLow, energyHigh, any := billing.Price(0), billing.Price(0), false
	for i := range before {
		c := &v.Components[i]
		switch {
		case !names(q.Of, c.Code):
		case c.Kind == EnergyCharge:
			if !any {
				energyLow, energyHigh, any = lows[i], highs[i], true
			}
			energyLow, energyHigh = min(energyLow, lows[i]), max(energyHigh, highs[i])
		default:
			low, high = plus(low, lows[i]), plus(high, highs[i])
		}
	}
	if len(q.Of) > 0 && v.otherEnergy(q, before) {
		energyLow = 0 // a kWh of the component that is not named bears nothing
	}
	return times(plus(low, energyLow), plus(high, energyHigh), q.Rate)
}

func names(of []string, code string) bool {
	if len(of) == 0 {
		return true
	}
	for _, s := range of {
		if s == code {
			return true
		}
	}
	return false
}

func (v *Version) otherEnergy(q *Percent, before int) bool {
	for i := range before {
		if c := &v.Components[i]; c.Kind == EnergyCharge && !names(q.Of, c.Code) {
			return true
		}
	}
	return false
}

// priceRange is what one kWh of the component may cost.
func (e *EnergyPrice) priceRange() (low, high billing.Price) {
	for i, price := range e.Prices {
		if i == 0 {
			low, high = price, price
		}
		low, high = min(low, price), max(high, price)
	}
	least, most := billing.Price(0), billing.Price(0)
	for i, t := range e.Tiers {
		step := t.Adder
		if len(e.Prices) == 0 {
			step = t.Price
		}
		if i == 0 {
			least, most = step, step
		}
		least, most = min(least, step), max(most, step)
	}
	low, high = low+least, high+most
	if e.Free != nil {
		low = 0
	}
	return low, high
}

// times is the range x rate, a unit wider on both sides, so that no fee falls out of it by a rounding.
func times(low, high billing.Price, rate int64) (billing.Price, billing.Price) {
	a, b := of(low, rate), of(high, rate)
	a, b = min(a, b), max(a, b)
	if a != 0 {
		a--
	}
	if b != 0 {
		b = plus(b, 1)
	}
	return a, b
}

// of is price x rate; what is beyond an int64 stays at its end, a bound that no fee breaks.
func of(price billing.Price, rate int64) billing.Price {
	q, err := mulRatio(int64(price), max(rate, -rate), billing.PriceDecimals)
	switch {
	case err != nil && (price < 0) == (rate < 0):
		return math.MaxInt64
	case err != nil:
		return -math.MaxInt64
	case rate < 0:
		return billing.Price(-q)
	}
	return billing.Price(q)
}

// plus is a + b, stopping at the ends of int64.
func plus(a, b billing.Price) billing.Price {
	c := a + b
	switch {
	case a > 0 && b > 0 && c < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && c >= 0:
		return -math.MaxInt64
	}
	return c
}
