package oracle_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// draw makes versions and periods, each from a seed and its number alone. Most are what a utility prints; in a wild one each number may
// be anything that a document or a meter can hold, up to beyond what a bill holds.
type draw struct {
	*rand.Rand
	wild bool
}

func newDraw(seed, n uint64) *draw {
	d := &draw{Rand: rand.New(rand.NewPCG(seed, n))}
	d.wild = d.one(8)
	return d
}

// one is true once in n.
func (d *draw) one(n int) bool { return d.IntN(n) == 0 }

// log is a number up to most, of any length alike.
func (d *draw) log(most int64) int64 {
	n := d.Int64N(most) + 1
	return n >> d.IntN(63)
}

func pick[T any](d *draw, list ...T) T { return list[d.IntN(len(list))] }

// kWh is up to n kWh in whole kWh, hundredths or mWh.
func (d *draw) kWh(n int64) billing.Energy {
	switch {
	case d.one(12):
		return 0
	case d.wild && d.one(3):
		return billing.Energy(d.log(math.MaxInt64))
	}
	unit := pick(d, billing.KWh, billing.KWh, billing.KWh/100, 1)
	return billing.Energy(d.Int64N(n*int64(billing.KWh/unit)+1)) * unit
}

const priceMax = 1e17 // of a document

func (d *draw) price(most float64) billing.Price {
	switch {
	case d.one(15):
		return 0
	case d.wild && d.one(3):
		return billing.Price(d.log(priceMax))
	}
	unit := pick(d, 1, 100, 10_000, 1_000_000, 500_000) // half a fen makes ties
	return billing.Price(d.Int64N(int64(most*1e8)/int64(unit)+1)) * billing.Price(unit)
}

// ratio is 1e-6 within from and to, often a whole percentage.
func (d *draw) ratio(from, to int64) int64 {
	n := from + d.Int64N(to-from+1)
	if d.one(3) {
		return n
	}
	if n -= n % 10_000; n < from {
		n = from
	}
	return n
}

func (d *draw) version() *tariff.Version {
	v := &tariff.Version{
		ID: "drawn", Number: 1, Currency: "CNY", Document: "drawn", Decimals: pick(d, 2, 2, 2, 0, 1, 3, 4),
		Zone:      time.FixedZone("", pick(d, 8*3600, 8*3600, 0, -4*3600, 5*3600+1800, -(3*3600+1800))),
		ValidFrom: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	switch {
	case d.one(6):
		d.household(v)
	case d.one(12):
		v.Kind, v.Price = tariff.Flat, d.price(3)
	case d.one(10):
		v.Kind, v.Cycle, v.Notation, v.Tiers = tariff.Tiered, d.cycle(), pick(d, tariff.Banded, tariff.Incremental), d.tiers(false)
	default:
		v.Kind = tariff.Composed
		d.components(v)
	}
	return v
}

// household is what most accounts have: prices by band and yearly tiers, to the fen.
func (d *draw) household(v *tariff.Version) {
	v.Kind, v.Decimals, v.Cycle = tariff.Composed, 2, d.cycle()
	e := &tariff.EnergyPrice{Tiers: d.tiers(true), Mode: pick(d, tariff.TierBanded, tariff.TierIncremental)}
	for _, code := range []string{"sharp", "peak", "flat", "valley", "deep"}[:2+d.IntN(4)] {
		v.Bands, e.Prices = append(v.Bands, tariff.Band{Code: code}), append(e.Prices, d.price(2))
	}
	d.add(v, tariff.Component{Kind: tariff.EnergyCharge, Energy: e})
}

// seasons is monthly tiers whose limits change with the month, in cycles that begin on any day.
func (d *draw) seasons() *tariff.Version {
	v := &tariff.Version{ID: "seasons", Number: 1, Kind: tariff.Composed, Rounding: tariff.RoundSum, Decimals: 2, Zone: time.UTC, Cycle: tariff.Cycle{Month: 1, Day: 1 + d.IntN(28), Months: 1}}
	e := &tariff.EnergyPrice{Tiers: d.tiers(false), Mode: pick(d, tariff.TierBanded, tariff.TierIncremental), Limits: &tariff.Limits{}}
	for m := range e.Limits.ByMonth {
		below := billing.Energy(0)
		for range len(e.Tiers) - 1 {
			below = d.limit(below)
			e.Limits.ByMonth[m] = append(e.Limits.ByMonth[m], below)
		}
	}
	d.add(v, tariff.Component{Kind: tariff.EnergyCharge, Energy: e})
	return v
}

func (d *draw) cycle() tariff.Cycle {
	if d.one(2) {
		return tariff.Cycle{Month: 1, Day: 1, Months: pick(d, 12, 12, 1)}
	}
	return tariff.Cycle{Month: d.IntN(12) + 1, Day: pick(d, 1, d.IntN(28)+1), Months: pick(d, 1, 1, 1, 2, 3, 4, 6, 12)}
}

// limit is above below, at most the terawatt-hour of a document.
func (d *draw) limit(below billing.Energy) billing.Energy {
	if d.wild && d.one(3) {
		return below + billing.Energy(d.log(1e14))
	}
	return below + max(d.kWh(2000)%(4000*billing.KWh), 1)
}

// tiers have prices of their own, or adders to prices beside them.
func (d *draw) tiers(beside bool) []tariff.Tier {
	tiers := make([]tariff.Tier, 1+d.IntN(4))
	if d.one(10) {
		tiers = make([]tariff.Tier, tariff.TiersMax)
	}
	below := billing.Energy(0)
	for i := range tiers {
		t := &tiers[i]
		if i < len(tiers)-1 {
			below = d.limit(below)
			t.UpTo = below
		}
		if beside {
			if i > 0 {
				t.Adder = d.price(1)
			}
			continue
		}
		t.Price = d.price(3)
		t.Adder = t.Price - tiers[0].Price
	}
	return tiers
}

// components are as Parse leaves them: one energy component without share, tiers in that one alone, names of what stands above.
func (d *draw) components(v *tariff.Version) {
	v.Rounding = pick(d, tariff.RoundLine, tariff.RoundLine, tariff.RoundSum)
	if d.one(2) {
		for i := range 2 + d.IntN(4) {
			v.Bands = append(v.Bands, tariff.Band{Code: []string{"sharp", "peak", "flat", "valley", "deep"}[i]})
		}
		if d.one(10) {
			v.Bands = append(v.Bands[:2], tariff.Band{Code: "b3"}, tariff.Band{Code: "b4"}, tariff.Band{Code: "b5"}, tariff.Band{Code: "b6"}, tariff.Band{Code: "b7"}, tariff.Band{Code: "b8"})
		}
		v.Remainder = d.IntN(len(v.Bands))
	}
	var kinds []tariff.ComponentKind
	for range pick(d, 0, 1, 2, 3, 4, 5, 6, 9) {
		kinds = append(kinds, pick(d, tariff.LevyCharge, tariff.LevyCharge, tariff.BasicCharge, tariff.FixedCharge, tariff.FixedCharge, tariff.FactorCharge, tariff.PercentCharge, tariff.TaxCharge, tariff.TaxCharge))
	}
	if d.one(400) {
		for len(kinds) < 28 {
			kinds = append(kinds, tariff.BasicCharge)
		}
	}
	// Energy mostly stands first; where it does not, nothing is above what would need something above.
	at, shares := 0, 0
	if d.one(5) {
		at = d.IntN(len(kinds) + 1)
	}
	if d.one(4) {
		shares = 1 + d.IntN(3)
	}
	left := int64(1e6)
	for i := range len(kinds) + 1 {
		if i == at {
			before := d.IntN(shares + 1)
			for k := range shares + 1 {
				if k == before {
					d.add(v, tariff.Component{Kind: tariff.EnergyCharge, Energy: d.energy(v)})
					continue
				}
				e := &tariff.EnergyPrice{Share: &tariff.Share{}}
				if d.one(3) {
					e.Share.Amount = max(d.kWh(300)%1e15, 1)
				} else {
					e.Share.Ratio = d.ratio(1, max(left/2, 1))
					left -= e.Share.Ratio
				}
				d.prices(v, e)
				d.add(v, tariff.Component{Kind: tariff.EnergyCharge, Energy: e})
			}
		}
		if i < len(kinds) {
			d.other(v, kinds[i])
		}
	}
}

// add gives a component its code, an energy component now and then a built price.
func (d *draw) add(v *tariff.Version, c tariff.Component) {
	c.Code = fmt.Sprintf("c%d", len(v.Components)+1)
	v.Components = append(v.Components, c)
}

func (d *draw) prices(v *tariff.Version, e *tariff.EnergyPrice) {
	e.Prices = []billing.Price{d.price(2)}
	if len(v.Bands) > 0 && !d.one(4) {
		for range len(v.Bands) - 1 {
			e.Prices = append(e.Prices, d.price(2))
		}
	}
	if !d.one(4) || len(v.Bands) > 0 && len(e.Prices) == 1 {
		return
	}
	b := &tariff.Built{Decimals: d.IntN(9)}
	for range 1 + d.IntN(3) {
		b.Floating = append(b.Floating, tariff.PricePart{Price: d.price(1)})
	}
	for range d.IntN(3) {
		b.Fixed = append(b.Fixed, tariff.PricePart{Price: d.price(0.2), Fund: d.one(2)})
	}
	for range max(len(v.Bands), 1) {
		b.Ratios = append(b.Ratios, d.ratio(0, 3e6))
	}
	e.Built = b
	if built, err := b.Prices(); err == nil && !d.one(3) {
		for _, p := range built {
			if p < 0 || p > priceMax {
				return
			}
		}
		e.Prices = built
	}
}

func (d *draw) energy(v *tariff.Version) *tariff.EnergyPrice {
	e := &tariff.EnergyPrice{}
	tiered := d.one(2)
	if !tiered || d.one(2) && len(v.Bands) > 0 {
		d.prices(v, e)
		if tiered && len(e.Prices) == 1 { // full prices then, by Parse
			e.Prices, e.Built = nil, nil
		}
	}
	if tiered {
		v.Cycle = d.cycle()
		e.Tiers, e.Mode = d.tiers(len(e.Prices) > 0), pick(d, tariff.TierBanded, tariff.TierIncremental, tariff.TierWhole)
		if d.one(2) {
			e.Limits = d.limits(v, len(e.Tiers))
		}
	}
	if d.one(4) {
		f := &tariff.Free{Fact: pick(d, "", "low-income")}
		if d.one(2) {
			f.PerMonth = max(d.kWh(30)%1e15, 1)
		} else {
			if f.PerDay = max(d.kWh(2)%1e15, 1); d.one(3) {
				f.Stack = f.PerDay * billing.Energy(1+d.IntN(9))
			}
		}
		f.Counted = tiered && d.one(2)
		e.Free = f
	}
	return e
}

func (d *draw) limits(v *tariff.Version, tiers int) *tariff.Limits {
	l := &tariff.Limits{MonthsInService: d.one(3)}
	l.DaysInService = !l.MonthsInService && d.one(2)
	if d.one(2) {
		l.HouseholdFrom, l.HouseholdExtra = 1+d.IntN(7), max(d.kWh(100)%1e15, 1)
	}
	if v.Cycle.Months == 1 && tiers > 1 && d.one(2) {
		for m := range l.ByMonth {
			if d.one(2) {
				below := billing.Energy(0)
				for range tiers - 1 {
					below = d.limit(below)
					l.ByMonth[m] = append(l.ByMonth[m], below)
				}
			}
		}
	}
	return l
}

func (d *draw) other(v *tariff.Version, kind tariff.ComponentKind) {
	c := tariff.Component{Kind: kind}
	if kind >= tariff.FactorCharge && len(v.Components) == 0 {
		kind, c.Kind = tariff.LevyCharge, tariff.LevyCharge
	}
	switch kind {
	case tariff.LevyCharge:
		c.Levy = &tariff.Levy{Price: d.price(0.3), Fund: d.one(2), Included: d.one(3)}
	case tariff.BasicCharge:
		b := &tariff.Basic{PerKVA: max(d.price(30), 1), PerKW: max(d.price(50), 1), Tolerance: d.ratio(1e6, 1.2e6), Excess: pick(d, 2_000_000, 2_000_000, 0, d.ratio(0, 100e6)), Floor: pick(d, 0, 400_000, 400_000, d.ratio(0, 1e6)), DaysOfMonth: int64(28 + d.IntN(4))}
		if d.one(2) {
			b.HighUse, b.HighFactor = max(d.kWh(300)%1e15, 1), pick(d, 900_000, d.ratio(1, 1e6))
		}
		c.Basic = b
	case tariff.FixedCharge:
		f := &tariff.Fixed{}
		if d.one(2) {
			f.PerDay = max(d.price(5), 1)
		} else {
			f.PerMonth, f.Prorate = max(d.price(200), 1), d.one(2)
		}
		c.Fixed = f
	case tariff.FactorCharge:
		c.Factor = &tariff.Factor{Standard: pick(d, 90, 85, 80), Of: d.of(v)}
	case tariff.PercentCharge:
		c.Percent = &tariff.Percent{Rate: pick(d, d.ratio(-1e6, 1e6), d.ratio(0, 300_000)), Of: d.of(v)}
		if d.wild {
			c.Percent.Rate = d.ratio(-1e6, 10e6)
		}
	case tariff.TaxCharge:
		c.Percent = &tariff.Percent{Rate: d.ratio(0, 300_000), Of: d.of(v), ByLine: v.Rounding == tariff.RoundLine && d.one(2)}
	}
	d.add(v, c)
}

// of names some of the components above, or none, which is all.
func (d *draw) of(v *tariff.Version) (of []string) {
	if d.one(2) {
		return nil
	}
	for i := range v.Components {
		if d.one(2) {
			of = append(of, v.Components[i].Code)
		}
	}
	return of
}
