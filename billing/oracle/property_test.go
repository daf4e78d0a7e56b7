package oracle_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"

	"pgregory.net/rapid"
)

// drawn is a version over all components and a period of it.
func drawn(t *rapid.T) (*draw, *tariff.Version, rate.Usage) {
	d := newDraw(rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "case"))
	v := d.version()
	return d, v, d.usage(v)
}

// A period that is priced again, in fresh memory or in memory that other periods of the same and of other versions were priced in, costs
// the same.
func TestRepeatingNeverChangesASum(t *testing.T) {
	var c rate.Charge
	rapid.Check(t, func(t *rapid.T) {
		d, v, u := drawn(t)
		for range 4 {
			once, err1 := rate.Estimate(v, u)
			err2 := c.Rate(v, &u)
			twice, err3 := rate.Estimate(v, u)
			if (err1 == nil) != (err2 == nil) || (err1 == nil) != (err3 == nil) || !once.Equal(&twice) || err1 == nil && !once.Equal(&c) {
				t.Fatalf("%v, %v, %v: %v, %v, %v\n%s", err1, err2, err3, printed(&once), printed(&c), printed(&twice), encode(v, &u))
			}
			// Another period of the version, mostly after this one.
			other := d.usage(v)
			if length := other.To.Sub(other.From); d.IntN(4) > 0 {
				other.From = u.To
				other.To = other.From.Add(length)
			}
			u = other
		}
	})
}

// named writes down what an empty list means, so that components can change places; false where a list would be empty still.
func named(v *tariff.Version) bool {
	for i := range v.Components {
		c := &v.Components[i]
		of := (*[]string)(nil)
		switch {
		case c.Factor != nil:
			of = &c.Factor.Of
		case c.Percent != nil:
			of = &c.Percent.Of
		}
		if of == nil || len(*of) > 0 {
			continue
		}
		for k := range v.Components[:i] {
			if kind := v.Components[k].Kind; c.Factor == nil || kind == tariff.EnergyCharge || kind == tariff.BasicCharge {
				*of = append(*of, v.Components[k].Code)
			}
		}
		if len(*of) == 0 {
			return false
		}
	}
	return true
}

// reordered puts the components into another order in which each still stands below what it names, and shares below earlier shares.
func reordered(r *rand.Rand, list []tariff.Component) (out []tariff.Component) {
	left := slices.Clone(list)
	for len(left) > 0 {
		i := r.IntN(len(left))
		blocked := slices.ContainsFunc(left, func(c tariff.Component) bool { return slices.Contains(names(&left[i]), c.Code) })
		if e := left[i].Energy; e != nil && e.Share != nil {
			blocked = blocked || slices.ContainsFunc(left[:i], func(c tariff.Component) bool { return c.Energy != nil && c.Energy.Share != nil })
		}
		if !blocked {
			out = append(out, left[i])
			left = slices.Delete(left, i, i+1)
		}
	}
	return out
}

func TestReorderingComponentsNeverChangesASum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, v, u := drawn(t)
		if v.Kind != tariff.Composed || !named(v) {
			return
		}
		w := *v
		w.Components = reordered(d.Rand, v.Components)
		one, err1 := rate.Estimate(v, u)
		two, err2 := rate.Estimate(&w, u)
		if err1 != nil || err2 != nil {
			return // a sum on the way may be beyond int64 in one order alone
		}
		lines := func(c *rate.Charge) []string {
			list := printed(c)
			slices.Sort(list)
			return list
		}
		if one.Total != two.Total || one.CycleAfter != two.CycleAfter || !slices.Equal(lines(&one), lines(&two)) {
			t.Fatalf("%s %v\n%s %v\n%s", one.Total, printed(&one), two.Total, printed(&two), encode(v, &u))
		}
	})
}

// What a period costs before it is rounded is what its parts cost, wherever readings cut it: the tiers go on, days add up.
func TestSplittingNeverChangesAnUnroundedSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, v, u := drawn(t)
		if v.Kind == tariff.Composed {
			v.Rounding = tariff.RoundSum // so that lines tell what rounding leaves out
			v.Components = slices.DeleteFunc(v.Components, func(c tariff.Component) bool { return !splits(&c) })
		} else {
			as(v)
		}
		if d.one(4) {
			v = d.seasons()
			u = d.usage(v)
		}
		if len(v.Components) == 0 {
			return
		}
		u.Facts = nil
		if d.one(2) {
			u.Facts = &rate.Facts{Persons: d.IntN(9), MonthsInService: d.IntN(max(v.Cycle.Months, 1) + 1), DaysInService: d.IntN(28)}
		}
		whole, err := rate.Estimate(v, u)
		if err != nil {
			return
		}
		sum, counter := new(big.Int), u.CycleBefore
		lines := map[string]billing.Quantity{}
		for _, part := range cut(d, v, u) {
			part.CycleBefore = counter
			c, err := rate.Estimate(v, part)
			if err != nil {
				t.Fatalf("%v\n%s", err, encode(v, &part))
			}
			counter = c.CycleAfter
			gather(&c, sum, lines)
		}
		want, once := new(big.Int), map[string]billing.Quantity{}
		gather(&whole, want, once)
		if sum.Cmp(want) != 0 || counter != whole.CycleAfter || fmt.Sprint(lines) != fmt.Sprint(once) {
			t.Fatalf("at once %s, counter %s, %v; in parts %s, %s, %v\n%s", want, whole.CycleAfter, once, sum, counter, lines, encode(v, &u))
		}
	})
}

// splits tells whether a component costs by kWh or by day, without a rule that looks at the whole month.
func splits(c *tariff.Component) bool {
	switch c.Kind {
	case tariff.EnergyCharge:
		return c.Energy.Share == nil && c.Energy.Free == nil && c.Energy.Mode != tariff.TierWhole
	case tariff.LevyCharge:
		return true
	case tariff.FixedCharge:
		return c.Fixed.PerDay > 0
	}
	return false
}

// as makes a flat or tiered version a composed one.
func as(v *tariff.Version) {
	e := &tariff.EnergyPrice{Tiers: v.Tiers, Mode: tariff.TierMode(v.Notation)}
	if v.Kind == tariff.Flat {
		e.Prices = []billing.Price{v.Price}
	}
	v.Kind, v.Rounding = tariff.Composed, tariff.RoundSum
	v.Components = []tariff.Component{{Kind: tariff.EnergyCharge, Code: "energy", Energy: e}}
}

// cut makes parts of a period at moments within it, and of its energy.
func cut(d *draw, v *tariff.Version, u rate.Usage) (parts []rate.Usage) {
	for range d.IntN(4) {
		half := u
		half.To = u.From.Add(time.Duration(d.Int64N(int64(u.To.Sub(u.From)) + 1)).Truncate(30 * time.Minute))
		half.Energy = 0
		if len(v.Bands) == 0 {
			half.Energy = billing.Energy(d.Int64N(int64(u.Energy) + 1))
		}
		for b := range v.Bands {
			half.Bands[b] = billing.Energy(d.Int64N(int64(u.Bands[b]) + 1))
			u.Bands[b] -= half.Bands[b]
			half.Energy += half.Bands[b]
		}
		u.From, u.Energy = half.To, u.Energy-half.Energy
		parts = append(parts, half)
	}
	return append(parts, u)
}

// gather adds the exact amounts of the lines, 1e-14 of the currency, and their quantities.
func gather(c *rate.Charge, sum *big.Int, lines map[string]billing.Quantity) {
	items := c.Items()
	for i := range items {
		l := &items[i]
		amount := new(big.Int).Mul(big.NewInt(int64(l.Amount)), big.NewInt(1e10))
		sum.Add(sum, amount.Add(amount, big.NewInt(l.Fine)))
		if l.Quantity != 0 {
			lines[l.Code()] += l.Quantity
		}
	}
}
