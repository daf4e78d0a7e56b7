package fee

import (
	"errors"

	"github.com/govalues/decimal"

	"feikong/billing/tariff"
)

// The other side: the same charge, line by line and to the last fen, over a decimal package, written as one writes it there. Every
// operation can fail and is asked. What needs no decimals, the check of the period against version and cycle, is left out of it.

type decimalTariff struct {
	prices []decimal.Decimal // by band
	codes  []string
	limits []decimal.Decimal // of all tiers but the last
	adders []decimal.Decimal
	tiers  []string
	half   decimal.Decimal // of a fen
}

type decimalLine struct {
	code                    string
	quantity, price, amount decimal.Decimal
}

type decimalCharge struct {
	lines         [10]decimalLine
	n             int
	total         decimal.Decimal
	before, after decimal.Decimal
	tier          int
}

var errBands = errors.New("the bands are not the total")

// newDecimalTariff reads the same version.
func newDecimalTariff(v *tariff.Version) *decimalTariff {
	p := v.Components[0].Energy
	t := &decimalTariff{half: decimal.MustParse("0.005")}
	for i, price := range p.Prices {
		t.prices, t.codes = append(t.prices, decimal.MustParse(price.String())), append(t.codes, "energy."+v.Bands[i].Code)
	}
	for i, tier := range p.Tiers {
		t.adders, t.tiers = append(t.adders, decimal.MustParse(tier.Adder.String())), append(t.tiers, "energy.tier"+string(rune('1'+i)))
		if i < len(p.Tiers)-1 {
			t.limits = append(t.limits, decimal.MustParse(tier.UpTo.String()))
		}
	}
	return t
}

func (c *decimalCharge) add(t *decimalTariff, code string, quantity, price decimal.Decimal) error {
	amount, err := quantity.Mul(price)
	if err != nil {
		return err
	}
	// The package rounds half to even; half up is half a fen more, cut.
	if amount, err = amount.Add(t.half); err != nil {
		return err
	}
	amount = amount.Trunc(2)
	if c.total, err = c.total.Add(amount); err != nil {
		return err
	}
	c.lines[c.n] = decimalLine{code, quantity, price, amount}
	c.n++
	return nil
}

// charge is bands with their prices, and the adders of the tiers on their sum.
func (t *decimalTariff) charge(before, energy decimal.Decimal, bands []decimal.Decimal) (c decimalCharge, err error) {
	var sum decimal.Decimal
	for _, b := range bands {
		if sum, err = sum.Add(b); err != nil {
			return c, err
		}
	}
	if !sum.Equal(energy) {
		return c, errBands
	}
	c.before = before
	if c.after, err = before.Add(energy); err != nil {
		return c, err
	}
	for i, b := range bands {
		if b.IsZero() {
			continue
		}
		if err := c.add(t, t.codes[i], b, t.prices[i]); err != nil {
			return c, err
		}
	}
	at, left := before, energy
	for i := range t.adders {
		part := left
		if i < len(t.limits) {
			room, err := t.limits[i].Sub(at)
			if err != nil {
				return c, err
			}
			if room.IsNeg() {
				continue
			}
			part = left.Min(room)
		}
		if part.IsZero() && !left.IsZero() {
			continue
		}
		c.tier = i + 1
		if !part.IsZero() && !t.adders[i].IsZero() {
			if err := c.add(t, t.tiers[i], part, t.adders[i]); err != nil {
				return c, err
			}
		}
		if at, err = at.Add(part); err != nil {
			return c, err
		}
		if left, err = left.Sub(part); err != nil {
			return c, err
		}
		if left.IsZero() {
			break
		}
	}
	return c, nil
}
