package rate

import (
	"feikong/billing"
	"feikong/billing/tariff"
)

// quick rates most accounts there are: a household by bands with the tier
// adders on their sum, rounded by line to the fen, with no further component
// and no fact that bends a limit. It says the same as the components do, in one
// stretch of code, and a property holds it to that. On anything else, an error
// too, it is false, and what it left in c is void.
func (c *Charge) quick(v *tariff.Version, u *Usage) bool {
	if v.Kind != tariff.Composed || v.Decimals != 2 || v.Rounding != tariff.RoundLine || len(v.Components) != 1 || u.Facts != nil {
		return false
	}
	p := v.Components[0].Energy
	if p == nil || v.Components[0].Kind != tariff.EnergyCharge || p.Limits != nil || p.Free != nil || p.Share != nil {
		return false
	}
	if !byBand(v, p) || len(v.Bands) > tariff.BandsMax || len(p.Tiers) > tariff.TiersMax || p.Mode != tariff.TierBanded && p.Mode != tariff.TierIncremental || len(v.Bands)+len(p.Tiers) > linesInline {
		return false
	}
	left, total, n := u.Energy, billing.Money(0), 0
	for b, energy := range u.Bands {
		if energy == 0 {
			continue
		}
		if b >= len(p.Prices) || uint64(energy) > uint64(left) {
			return false
		}
		left -= energy
		amount, ok := billing.MulFen(energy, p.Prices[b])
		if !ok {
			return false
		}
		// At most linesInline amounts below 2^30 each: the sum cannot wrap.
		total += amount
		c.lines[n].fill(v, partBand, b+1, energy, p.Prices[b], amount)
		n++
	}
	at := u.CycleBefore
	after := at + u.Energy
	if left != 0 || after < at {
		return false
	}
	left, c.Tier = u.Energy, 0
	for i := range p.Tiers {
		tier, part := &p.Tiers[i], left
		if i < len(p.Tiers)-1 {
			if at > tier.UpTo {
				continue
			}
			part = min(left, tier.UpTo-at)
		}
		if part == 0 && left > 0 {
			continue
		}
		c.Tier = i + 1
		if part > 0 && (i > 0 || tier.Adder != 0) {
			amount, ok := billing.MulFen(part, tier.Adder)
			if !ok {
				return false
			}
			total += amount
			c.lines[n].fill(v, partTier, i+1, part, tier.Adder, amount)
			n++
		}
		if at, left = at+part, left-part; left == 0 {
			break
		}
	}
	c.N, c.Total, c.CycleBefore, c.CycleAfter, c.By = n, total, u.CycleBefore, after, v
	return true
}

// fill is a line of the first component, all of it and in kWh. Field by field:
// a literal is made elsewhere and copied, which costs more than the line.
func (l *Line) fill(v *tariff.Version, p part, n int, energy billing.Energy, price billing.Price, amount billing.Money) {
	l.Quantity, l.Price, l.Amount, l.Fine = billing.Quantity(energy), price, amount, 0
	l.Num, l.Den, l.Kind, l.Unit, l.Included = 0, 0, tariff.EnergyCharge, billing.UnitKWh, false
	l.part, l.at, l.n, l.by = p, 0, uint16(n), v
}
