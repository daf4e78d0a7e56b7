package rate_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

const large = math.MaxInt64

// Every error says what is wrong, in which component and where.
func TestComposedRefuses(t *testing.T) {
	byBands := func() *tariff.Version {
		v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1", "0.5")}))
		v.Bands = bands("peak", "valley")
		return v
	}
	one := func() *tariff.Version { return composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1")})) }
	with := func(parts ...tariff.Component) *tariff.Version {
		return composed(append(one().Components, parts...)...)
	}
	tiers := func(p tariff.EnergyPrice) *tariff.Version {
		v := composed(energyOf(p))
		v.Cycle = tariff.Cycle{Month: 1, Day: 1, Months: 12}
		return v
	}
	two := []tariff.Tier{{UpTo: 100}, {}}
	bare := func(change func(*rate.Usage)) rate.Usage {
		u := may(0, 1000*billing.KWh)
		u.Facts = new(rate.Facts)
		change(&u)
		return u
	}
	facts := func(f rate.Facts) rate.Usage { return bare(func(u *rate.Usage) { u.Facts = &f }) }
	supply := func(s rate.Supply) rate.Usage { return facts(rate.Facts{Supplies: []rate.Supply{s}}) }
	same := func(*rate.Usage) {}
	fixed := func(f tariff.Fixed) *tariff.Version {
		return with(tariff.Component{Kind: tariff.FixedCharge, Code: "fixed", Fixed: &f})
	}
	percent := func(p tariff.Percent) *tariff.Version {
		return with(tariff.Component{Kind: tariff.PercentCharge, Code: "rep", Percent: &p})
	}
	tax := func(p tariff.Percent) *tariff.Version {
		return with(tariff.Component{Kind: tariff.TaxCharge, Code: "vat", Percent: &p})
	}
	levies := func(n int) *tariff.Version {
		v := tiers(tariff.EnergyPrice{})
		v.Components = nil
		for range n {
			p := tariff.EnergyPrice{Prices: prices(t, "1", "1", "1", "1", "1", "1", "1", "1")}
			v.Components = append(v.Components, energyOf(p))
		}
		v.Bands = bands("1", "2", "3", "4", "5", "6", "7", "8")
		return v
	}
	decimals := one()
	decimals.Decimals = 5
	manyBands := byBands()
	manyBands.Bands = bands("1", "2", "3", "4", "5", "6", "7", "8", "9")
	monthRow := tiers(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierBanded, Limits: &tariff.Limits{}})
	monthRow.Components[0].Energy.Limits.ByMonth[4] = []billing.Energy{}
	monthRowWhole := tiers(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierWhole, Limits: monthRow.Components[0].Energy.Limits})
	house := tiers(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierBanded, Limits: &tariff.Limits{HouseholdFrom: 5, HouseholdExtra: large / 2, MonthsInService: true}})
	shared := func(s tariff.Share) *tariff.Version {
		v := one()
		v.Components[0].Energy.Share = &s
		return v
	}
	stacked := func() *tariff.Version {
		v := one()
		v.Components[0].Energy.Free = &tariff.Free{PerMonth: 1, PerDay: 1, Stack: 2}
		return v
	}
	nine := make([]tariff.Tier, 9)
	basic := func(change func(*tariff.Basic)) *tariff.Version {
		p := basicOf(t)
		change(p.Basic)
		return with(p)
	}
	stay := func(*tariff.Basic) {}
	contract := rate.Supply{Mode: tariff.ByContract, Capacity: 1000, Declared: 1000, Measured: large}
	sumOver := composed(energyOf(tariff.EnergyPrice{Prices: []billing.Price{large}}), energyOf(tariff.EnergyPrice{Prices: []billing.Price{large}}))
	half := 9000 * billing.KWh // × the largest price is near the largest money

	for _, test := range []struct {
		name    string
		version *tariff.Version
		usage   rate.Usage
		want    error
		says    string
	}{
		{"no components", composed(), may(0, 1), rate.ErrVersion, "0 components"},
		{"five decimals", decimals, may(0, 1), rate.ErrVersion, "rounding place 5"},
		{"nine bands", manyBands, may(0, 1), rate.ErrVersion, "9 bands"},
		{"a component without its price", with(tariff.Component{Kind: tariff.LevyCharge, Code: "levy"}), may(0, 1), rate.ErrVersion, "component levy"},
		{"no price at all", composed(energyOf(tariff.EnergyPrice{})), may(0, 1), rate.ErrVersion, "component energy"},
		{"three prices for two bands", func() *tariff.Version {
			v := byBands()
			v.Components[0].Energy.Prices = prices(t, "1", "2", "3")
			return v
		}(), may(0, 1), rate.ErrVersion, "3 prices for 2 bands"},
		{"more lines than a charge holds", levies(20), used(t, "0", "1", "1", "1", "1", "1", "1", "1", "1"), rate.ErrVersion, "more than 128 lines"},
		{"two components with tiers", composed(energyOf(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierBanded}), energyOf(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierBanded})), may(0, 1), rate.ErrVersion, "second component with tiers"},
		{"no such tier mode", tiers(tariff.EnergyPrice{Tiers: two, Mode: 9}), may(0, 1), rate.ErrVersion, "tier mode 9"},
		{"nine tiers", tiers(tariff.EnergyPrice{Tiers: nine, Mode: tariff.TierBanded}), may(0, 1), rate.ErrVersion, "9 tiers"},
		{"nine tiers of the whole", tiers(tariff.EnergyPrice{Tiers: nine, Mode: tariff.TierWhole}), may(0, 1), rate.ErrVersion, "9 tiers"},
		{"a month without a limit", monthRow, may(0, 1), rate.ErrVersion, "no limit of tier 1"},
		{"a month without a limit of the whole", monthRowWhole, may(0, 1), rate.ErrVersion, "no limit of tier 1"},
		{"a share below zero", shared(tariff.Share{Amount: -1}), may(0, 1), rate.ErrVersion, "share below zero"},
		{"a price for the day and the month", fixed(tariff.Fixed{PerDay: 1, PerMonth: 1}), may(0, 1), rate.ErrVersion, "component fixed"},
		{"no such factor table", with(tariff.Component{Kind: tariff.FactorCharge, Code: "factor", Factor: &tariff.Factor{Standard: 95}}), facts(rate.Facts{ReactiveKnown: true}), rate.ErrVersion, "0.95"},
		{"a month of no days", basic(func(b *tariff.Basic) { b.DaysOfMonth = 0 }), supply(rate.Supply{Mode: tariff.ByCapacity, Days: 1, MonthDays: 30}), rate.ErrVersion, "month of 0 days"},

		{"a band below zero", byBands(), bare(func(u *rate.Usage) { u.Bands[0] = -1 }), rate.ErrUsage, "band 1"},
		{"a band that is not there", byBands(), bare(func(u *rate.Usage) { u.Bands[0], u.Bands[2] = u.Energy-1, 1 }), rate.ErrUsage, "energy in band 3"},
		{"bands above the total", byBands(), bare(func(u *rate.Usage) { u.Bands[0], u.Bands[1] = u.Energy, 1 }), rate.ErrUsage, "band 2"},
		{"bands below the total", byBands(), bare(func(u *rate.Usage) { u.Bands[0] = 1 }), rate.ErrUsage, "below the total"},
		{"bands below the total, quickly", byBands(), may(0, 1), rate.ErrUsage, "below the total"},
		{"eleven years", one(), bare(func(u *rate.Usage) { u.To = u.From.AddDate(11, 0, 0) }), rate.ErrUsage, "more than 3660 days"},
		{"days below zero", one(), facts(rate.Facts{Days: -1}), rate.ErrUsage, "-1 days"},
		{"months below zero", one(), facts(rate.Facts{Months: -1}), rate.ErrUsage, "months"},
		{"a century", one(), facts(rate.Facts{Days: 36500}), rate.ErrUsage, "36500 days"},
		{"a loss below zero", one(), facts(rate.Facts{Loss: -1}), rate.ErrUsage, "transformer loss"},
		{"a loss in a band that is not there", byBands(), bare(func(u *rate.Usage) { u.Bands[0], u.Facts.LossBands[4] = u.Energy, 1 }), rate.ErrUsage, "loss in band 5"},
		{"an allowance given before below zero", func() *tariff.Version {
			v := one()
			v.Components[0].Energy.Free = &tariff.Free{PerDay: 1}
			return v
		}(), facts(rate.Facts{FreeBefore: -1}), rate.ErrUsage, "free energy before"},
		{"thirteen months of twelve", tiers(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierBanded, Limits: &tariff.Limits{MonthsInService: true}}), facts(rate.Facts{MonthsInService: 13}), rate.ErrUsage, "13 months in service"},
		{"366 days of 365", tiers(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierBanded, Limits: &tariff.Limits{DaysInService: true}}), facts(rate.Facts{DaysInService: 366}), rate.ErrUsage, "366 days in service"},
		{"days in service without a cycle", composed(energyOf(tariff.EnergyPrice{Tiers: two, Mode: tariff.TierBanded, Limits: &tariff.Limits{DaysInService: true}})), facts(rate.Facts{DaysInService: 1}), rate.ErrVersion, "never ends"},
		{"a demand below zero", basic(stay), supply(rate.Supply{Mode: tariff.ByMeasured, Measured: -1}), rate.ErrUsage, "incoming line 1"},
		{"a month of 32 days", basic(stay), supply(rate.Supply{Mode: tariff.ByMeasured, MonthDays: 32}), rate.ErrUsage, "month of 32 days"},
		{"a mode without a price", basic(func(b *tariff.Basic) { b.PerKVA = 0 }), supply(rate.Supply{Mode: tariff.ByCapacity}), rate.ErrUsage, "basic mode 1"},
		{"no demand price", basic(func(b *tariff.Basic) { b.PerKW = 0 }), supply(rate.Supply{Mode: tariff.ByMeasured}), rate.ErrUsage, "basic mode 3"},
		{"contract without a demand price", basic(func(b *tariff.Basic) { b.PerKW = 0 }), supply(contract), rate.ErrUsage, "basic mode 2"},
		{"active energy below zero", with(factor90), facts(rate.Facts{ReactiveKnown: true, FactorEnergy: -1}), rate.ErrUsage, "component factor"},

		{"an allowance that stacks, and no days", stacked(), facts(rate.Facts{}), rate.ErrFacts, "each day"},
		{"an allowance that stacks, and no facts", stacked(), may(0, 1), rate.ErrFacts, "each day"},
		{"an allowance given below zero", stacked(), facts(rate.Facts{FreeKnown: true, FreeGiven: -1}), rate.ErrUsage, "free energy"},
		{"an allowance given beyond energy", stacked(), facts(rate.Facts{FreeKnown: true, FreeGiven: large}), billing.ErrOverflow, "free energy"},
		{"no incoming line", basic(stay), may(0, 1), rate.ErrFacts, "component basic"},
		{"no declared demand", basic(stay), supply(rate.Supply{Mode: tariff.ByContract, Capacity: 1}), rate.ErrFacts, "declared demand"},
		{"no reactive energy", with(factor90), may(0, 1), rate.ErrFacts, "reactive energy"},
		{"reactive energy not known", with(factor90), bare(same), rate.ErrFacts, "reactive energy"},

		{"a line", one(), may(0, large), nil, ""},
		{"a line beyond money", composed(energyOf(tariff.EnergyPrice{Prices: []billing.Price{large}})), may(0, large), billing.ErrOverflow, "line energy,"},
		{"a band beyond money", func() *tariff.Version {
			v := byBands()
			v.Components[0].Energy.Prices[1] = large
			return v
		}(), bare(func(u *rate.Usage) { u.Energy = large; u.Bands[1] = large }), billing.ErrOverflow, "line energy.valley"},
		{"a sum beyond money", sumOver, may(0, half), billing.ErrOverflow, "total at line"},
		{"a loss beyond energy", one(), bare(func(u *rate.Usage) { u.Energy, u.Facts.Loss = large, 1 }), billing.ErrOverflow, "transformer loss"},
		{"a loss beyond a band", byBands(), bare(func(u *rate.Usage) { u.Energy, u.Bands[0], u.Facts.Loss = large, large, 1 }), billing.ErrOverflow, "transformer loss"},
		{"a loss beyond the counter", one(), bare(func(u *rate.Usage) { u.CycleBefore, u.Energy, u.Facts.Loss = large-1000, 1000, 1 }), billing.ErrOverflow, "transformer loss"},
		{"an allowance beyond energy", func() *tariff.Version {
			v := one()
			v.Components[0].Energy.Free = &tariff.Free{PerMonth: large}
			return v
		}(), facts(rate.Facts{Months: 2e6}), billing.ErrOverflow, "free energy by the month"},
		{"a daily allowance beyond energy", func() *tariff.Version {
			v := one()
			v.Components[0].Energy.Free = &tariff.Free{PerDay: large}
			return v
		}(), facts(rate.Facts{Days: 2}), billing.ErrOverflow, "free energy by the day"},
		{"a share beyond energy", shared(tariff.Share{Ratio: large}), may(0, large), billing.ErrOverflow, "share"},
		{"a limit beyond energy", house, facts(rate.Facts{Persons: 5}), billing.ErrOverflow, "limit of tier 1"},
		{"capacity beyond a quantity", basic(stay), facts(rate.Facts{Supplies: []rate.Supply{{Mode: tariff.ByCapacity, Capacity: large}, {Mode: tariff.ByCapacity, Capacity: 1}}}), billing.ErrOverflow, "capacity of all incoming lines"},
		{"a discounted price beyond a price", basic(func(b *tariff.Basic) { b.PerKW, b.HighFactor, b.HighUse = large, 2e6, 0 }), supply(rate.Supply{Mode: tariff.ByMeasured, Capacity: 1}), billing.ErrOverflow, "high use"},
		{"a floor beyond a quantity", basic(func(b *tariff.Basic) { b.Floor = large; b.HighFactor = 0 }), supply(rate.Supply{Mode: tariff.ByContract, Capacity: large, Declared: 1}), billing.ErrOverflow, "floor"},
		{"a contract beyond money", basic(func(b *tariff.Basic) { b.PerKW = large; b.HighFactor = 0 }), supply(rate.Supply{Mode: tariff.ByContract, Capacity: 1, Declared: large}), billing.ErrOverflow, "line basic.contract"},
		{"a tolerance beyond a quantity", basic(func(b *tariff.Basic) { b.Tolerance = large; b.HighFactor = 0 }), supply(rate.Supply{Mode: tariff.ByContract, Capacity: 1, Declared: large / 1000}), billing.ErrOverflow, "tolerance"},
		{"an excess beyond a price", basic(func(b *tariff.Basic) { b.PerKW, b.Excess, b.HighFactor = large, large, 0 }), supply(rate.Supply{Mode: tariff.ByContract, Capacity: 1, Declared: 1, Measured: 1000}), billing.ErrOverflow, "above the tolerance"},
		{"an excess beyond money", basic(func(b *tariff.Basic) { b.PerKW = large / 4; b.HighFactor = 0 }), supply(contract), billing.ErrOverflow, "line basic.excess"},
		{"reactive beyond energy", with(factor90), facts(rate.Facts{ReactiveKnown: true, Reactive: math.MinInt64, ReactiveBack: math.MinInt64}), billing.ErrOverflow, "reactive energy"},
		{"a base beyond money", composed(append(sumOver.Components, factor90)...), bare(func(u *rate.Usage) { u.Energy = half; u.Facts.ReactiveKnown = true }), billing.ErrOverflow, "base at line"},
		{"a base beyond a quantity", composed(sumOver.Components[0], factor90), bare(func(u *rate.Usage) { u.Energy = half; u.Facts.ReactiveKnown = true }), billing.ErrOverflow, "component factor"},
		{"a percentage of it", composed(append(sumOver.Components, percent(tariff.Percent{Rate: 1}).Components[1])...), may(0, half), billing.ErrOverflow, "component rep"},
		{"a rate beyond a price", percent(tariff.Percent{Rate: large}), may(0, 1), billing.ErrOverflow, "rate of"},
		{"a tax of a sum beyond money", composed(append(sumOver.Components, tax(tariff.Percent{Rate: 1}).Components[1])...), may(0, half), billing.ErrOverflow, "component vat"},
		{"a tax rate beyond a price", tax(tariff.Percent{Rate: large}), may(0, 1), billing.ErrOverflow, "component vat"},
		{"a tax beyond money", tax(tariff.Percent{Rate: large / 100}), may(0, large/1000), billing.ErrOverflow, "component vat"},
		{"funds beyond money", composed(one().Components[0], tariff.Component{Kind: tariff.LevyCharge, Code: "levy", Levy: &tariff.Levy{Price: large, Included: true, Fund: true}}), may(0, large), billing.ErrOverflow, "line levy"},
		{"funds of a price beyond money", composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1"), Built: &tariff.Built{Fixed: []tariff.PricePart{{Price: large, Fund: true}}}}), factor90), bare(func(u *rate.Usage) { u.Energy = large / 1000; u.Facts.ReactiveKnown = true }), billing.ErrOverflow, "funds of"},
		{"funds of a price beyond a price", composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1"), Built: &tariff.Built{Fixed: []tariff.PricePart{{Price: large, Fund: true}, {Price: 1, Fund: true}}}}), factor90), facts(rate.Facts{ReactiveKnown: true}), billing.ErrOverflow, "funds of a built price"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := rate.Estimate(test.version, test.usage)
			if !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want %v that says %q", err, test.want, test.says)
			}
			if err != nil && (c.N != 0 || c.Total != 0) {
				t.Errorf("got %+v with an error, want nothing", c)
			}
			reused := rate.Charge{}
			if err2 := reused.Rate(test.version, &test.usage); !errors.Is(err2, test.want) || !reused.Equal(&c) && c.N != 0 {
				t.Errorf("got %v by the reused charge", err2)
			}
		})
	}
}

// A version that rounds the sum reports the same limits.
func TestExactSumsReportOverflow(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Prices: []billing.Price{large}}))
	v.Rounding = tariff.RoundSum
	if _, err := rate.Estimate(v, may(0, large)); !errors.Is(err, billing.ErrOverflow) || !strings.Contains(err.Error(), "line energy") {
		t.Errorf("got %v, want the line", err)
	}
	v.Decimals = 0
	u := may(0, 9_999_999_999_999)
	v.Components = append(v.Components, tariff.Component{Kind: tariff.TaxCharge, Code: "vat", Percent: &tariff.Percent{Rate: 0}})
	if c, err := rate.Estimate(v, u); !errors.Is(err, billing.ErrOverflow) {
		t.Errorf("got %s, %v, want the base that rounds up beyond money", c.Total, err)
	}
}

// A period is checked whatever was rated with the same charge before.
func TestReusedChargeChecksEachPeriod(t *testing.T) {
	v := householdTOU(t)
	v.ValidTo = time.Date(2025, 11, 1, 0, 0, 0, 0, beijing)
	var c rate.Charge
	u := used(t, "0", "1", "1")
	at := func(from, to time.Time) error {
		u.From, u.To = from, to
		return c.Rate(v, &u)
	}
	day := func(month time.Month, day int) time.Time { return time.Date(2025, month, day, 0, 0, 0, 0, beijing) }
	for _, test := range []struct {
		name     string
		from, to time.Time
		want     error
	}{
		{"May", day(5, 1), day(6, 1), nil},
		{"June, in the same stretch", day(6, 1), day(7, 1), nil},
		{"back in April", day(4, 1), day(5, 1), nil},
		{"up to the end of the version", day(10, 1), day(11, 1), nil},
		{"beyond it", day(10, 1), day(11, 2), rate.ErrVersionCrossed},
		{"a period of no time", day(5, 1), day(5, 1), nil},
		{"backwards", day(6, 1), day(5, 1), rate.ErrUsage},
		{"the year before", day(1, 1).AddDate(0, 0, -1), day(1, 2), rate.ErrCycleCrossed},
		{"May again", day(5, 1), day(6, 1), nil},
	} {
		if err := at(test.from, test.to); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	v.Cycle.Day = 40 // what Parse refuses
	if err := (&rate.Charge{}).Rate(v, &u); err != nil && !errors.Is(err, rate.ErrCycleCrossed) {
		t.Error(err)
	}
}
