package rate_test

import (
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"

	"pgregory.net/rapid"
)

// drawKWh is energy from nothing to n kWh: whole kWh, hundredths, or any mWh.
func drawKWh(t *rapid.T, n int64, label string) billing.Energy {
	unit := rapid.SampledFrom([]billing.Energy{billing.KWh, billing.KWh / 100, 1}).Draw(t, label+" unit")
	return billing.Energy(rapid.Int64Range(0, n*int64(billing.KWh/unit)).Draw(t, label)) * unit
}

// drawn is a household by bands with tiers in either notation, limits and
// prices of all kinds.
func drawn(t *rapid.T) *tariff.Version {
	p := tariff.EnergyPrice{Mode: rapid.SampledFrom([]tariff.TierMode{tariff.TierBanded, tariff.TierIncremental}).Draw(t, "mode")}
	codes := bands("sharp", "peak", "flat", "valley")[:rapid.IntRange(1, 4).Draw(t, "bands")]
	for range codes {
		p.Prices = append(p.Prices, billing.Price(rapid.Int64Range(0, 300_000_000).Draw(t, "price")))
	}
	limit := billing.Energy(0)
	for i := range rapid.IntRange(0, 4).Draw(t, "tiers") {
		limit += drawKWh(t, 2000, "limit") + 1
		p.Tiers = append(p.Tiers, tariff.Tier{UpTo: limit, Adder: billing.Price(rapid.Int64Range(0, 50_000_000).Draw(t, "adder")) * billing.Price(min(i, 1))})
	}
	if n := len(p.Tiers); n > 0 {
		p.Tiers[n-1].UpTo = 0
	}
	v := composed(energyOf(p))
	v.Bands, v.Cycle = codes, tariff.Cycle{Month: 1, Day: 1, Months: 12}
	return v
}

func drawUsage(t *rapid.T, v *tariff.Version, label string) rate.Usage {
	u := may(0, 0)
	for b := range v.Bands {
		u.Bands[b] = drawKWh(t, 3000, label)
		u.Energy += u.Bands[b]
	}
	return u
}

// An empty Facts says nothing, but sends the period through the components one
// by one.
func TestTheQuickWayIsTheLongWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawn(t)
		u := drawUsage(t, v, "used")
		u.CycleBefore = drawKWh(t, 9000, "before")
		if rapid.IntRange(0, 20).Draw(t, "dear") == 0 {
			v.Components[0].Energy.Prices[0] = 1 << 50
		}
		quick, err1 := rate.Estimate(v, u)
		u.Facts = new(rate.Facts)
		long, err2 := rate.Estimate(v, u)
		if (err1 == nil) != (err2 == nil) || !quick.Equal(&long) {
			t.Fatalf("got %v and %+v, %v and %+v", err1, quick, err2, long)
		}
	})
}

// Splitting a period by time never changes what lies in each tier, nor the
// counter; and reading the parts in any order of the meters is the same sum.
func TestSplittingAPeriodKeepsTheTiers(t *testing.T) {
	inTiers := func(c *rate.Charge) (tiers [tariff.TiersMax]billing.Quantity) {
		for _, l := range c.Items() {
			if part := l.Part(); len(part) == 5 && part[:4] == "tier" {
				tiers[part[4]-'1'] += l.Quantity
			}
		}
		return tiers
	}
	rapid.Check(t, func(t *rapid.T) {
		v := drawn(t)
		if len(v.Components[0].Energy.Tiers) > 0 {
			v.Components[0].Energy.Tiers[0].Adder = 1 // so that the first tier prints its line
		}
		before := drawKWh(t, 6000, "before")
		parts := rapid.IntRange(1, 5).Draw(t, "parts")
		whole, counter := may(before, 0), before
		var split [tariff.TiersMax]billing.Quantity
		for range parts {
			u := drawUsage(t, v, "part")
			u.CycleBefore = counter
			c, err := rate.Estimate(v, u)
			if err != nil {
				t.Fatal(err)
			}
			counter = c.CycleAfter
			for i, q := range inTiers(&c) {
				split[i] += q
			}
			for b := range u.Bands {
				whole.Bands[b] += u.Bands[b]
			}
			whole.Energy += u.Energy
		}
		c, err := rate.Estimate(v, whole)
		if err != nil || inTiers(&c) != split || c.CycleAfter != counter {
			t.Fatalf("got %v and counter %s at once, %v, %v and %s in %d parts", inTiers(&c), c.CycleAfter, err, split, counter, parts)
		}
	})
}

// The estimate of a day is what the cumulated charge grew by, so that the days
// add up to the bill, whatever it is made of.
func TestEstimatesOfDaysAddUpToTheBill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawn(t)
		v.Components = append(v.Components,
			tariff.Component{Kind: tariff.FixedCharge, Code: "access", Fixed: &tariff.Fixed{PerDay: 12_345_678}},
			tariff.Component{Kind: tariff.FixedCharge, Code: "meter", Fixed: &tariff.Fixed{PerMonth: 700_000_000, Prorate: true}},
			tariff.Component{Kind: tariff.TaxCharge, Code: "vat", Percent: &tariff.Percent{Rate: 130_000}})
		v.Rounding = rapid.SampledFrom([]tariff.Rounding{tariff.RoundLine, tariff.RoundSum}).Draw(t, "rounding")
		sum, yesterday := billing.Money(0), billing.Money(0)
		u := may(drawKWh(t, 6000, "before"), 0)
		var c rate.Charge
		for day := range 31 {
			u.To = u.From.AddDate(0, 0, day+1)
			for b := range v.Bands {
				e := drawKWh(t, 40, "day")
				u.Bands[b], u.Energy = u.Bands[b]+e, u.Energy+e
			}
			if err := c.Rate(v, &u); err != nil {
				t.Fatal(err)
			}
			if c.Total < yesterday {
				t.Fatalf("day %d lowers the charge from %s to %s", day, yesterday, c.Total)
			}
			sum, yesterday = sum+c.Total-yesterday, c.Total
		}
		bill, err := rate.Estimate(v, u)
		if err != nil || bill.Total != sum || !bill.Equal(&c) {
			t.Fatalf("the days are %s, the bill is %s, %v", sum, bill.Total, err)
		}
	})
}

// Equal periods give equal charges, also into memory that held another charge.
func TestRepeatingChangesNothing(t *testing.T) {
	var c rate.Charge
	rapid.Check(t, func(t *rapid.T) {
		v := drawn(t)
		u := drawUsage(t, v, "used")
		if rapid.Bool().Draw(t, "much") {
			for range rapid.IntRange(1, 20).Draw(t, "levies") {
				v.Components = append(v.Components, tariff.Component{Kind: tariff.LevyCharge, Code: "levy", Levy: &tariff.Levy{Price: 1_000_000}})
			}
		}
		u.From = u.From.AddDate(0, rapid.IntRange(-3, 7).Draw(t, "month"), 0)
		u.To = u.From.Add(time.Duration(rapid.IntRange(0, 28*24).Draw(t, "hours")) * time.Hour)
		alone, err1 := rate.Estimate(v, u)
		err2 := c.Rate(v, &u)
		if (err1 == nil) != (err2 == nil) || !alone.Equal(&c) {
			t.Fatalf("got %+v, %v alone and %+v, %v again", alone, err1, c, err2)
		}
	})
}
