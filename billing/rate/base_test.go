package rate_test

import (
	"errors"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// The base of the power factor is energy and basic charge without government
// funds (B6): those of free energy were never charged, and those charged apart
// stay out even where they are named.
func TestFundsAreNoBaseOfThePowerFactor(t *testing.T) {
	kwh := tariff.EnergyPrice{Prices: []billing.Price{50_000_000}}
	free := kwh
	free.Free = &tariff.Free{PerMonth: 60 * billing.KWh}
	included := tariff.Component{Kind: tariff.LevyCharge, Code: "fund", Levy: &tariff.Levy{Price: 10_000_000, Fund: true, Included: true}}
	apart := tariff.Component{Kind: tariff.LevyCharge, Code: "fund", Levy: &tariff.Levy{Price: 10_000_000, Fund: true}}
	factor := tariff.Component{Kind: tariff.FactorCharge, Code: "factor", Factor: &tariff.Factor{Standard: 90}}
	named := factor
	named.Factor = &tariff.Factor{Standard: 90, Of: []string{"energy", "fund"}}
	for _, c := range []struct {
		name string
		v    *tariff.Version
		base string // of 100 kWh at 0.50
	}{
		{"included in the price", composed(energyOf(kwh), included, factor), "40"},
		{"included in the price, 60 kWh of it free", composed(energyOf(free), included, factor), "16"},
		{"charged apart", composed(energyOf(kwh), apart, factor), "50"},
		{"charged apart and named", composed(energyOf(kwh), apart, named), "50"},
	} {
		u := may(0, 100*billing.KWh)
		u.Facts = &rate.Facts{ReactiveKnown: true, ToDate: true}
		charge, err := rate.Estimate(c.v, u)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !charge.ToDate {
			t.Errorf("%s: the power factor may still change", c.name)
		}
		lines := charge.Items()
		if got := lines[len(lines)-1].Quantity.String(); got != c.base {
			t.Errorf("%s: the base is %s, want %s", c.name, got, c.base)
		}
	}
}

// A charge that rests on neither demand nor power factor does not go down.
func TestWhatCannotChangeIsNotToDate(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Prices: []billing.Price{50_000_000}}))
	u := may(0, 100*billing.KWh)
	u.Facts = &rate.Facts{ToDate: true}
	if charge, err := rate.Estimate(v, u); err != nil || charge.ToDate {
		t.Errorf("got to date %v, %v", charge.ToDate, err)
	}
}

// A line that does not tell its transformers is not free of charge (B5).
func TestCapacityThatIsNotTold(t *testing.T) {
	basic := tariff.Basic{PerKVA: 2_630_000_000, PerKW: 4_200_000_000, Tolerance: 1_050_000, Excess: 2_000_000, DaysOfMonth: 30}
	floor, high := basic, basic
	floor.Floor = 400_000
	high.HighUse, high.HighFactor = 260*billing.KWh, 900_000
	for _, c := range []struct {
		name  string
		basic tariff.Basic
		mode  tariff.BasicMode
		want  error
	}{
		{"capacity", basic, tariff.ByCapacity, rate.ErrFacts},
		{"contract with a floor", floor, tariff.ByContract, rate.ErrFacts},
		{"contract without", basic, tariff.ByContract, nil},
		{"measured, with a discount at high use", high, tariff.ByMeasured, rate.ErrFacts},
		{"measured", floor, tariff.ByMeasured, nil},
	} {
		v := composed(energyOf(tariff.EnergyPrice{Prices: []billing.Price{50_000_000}}), tariff.Component{Kind: tariff.BasicCharge, Code: "basic", Basic: &c.basic})
		u := may(0, 100*billing.KWh)
		u.Facts = &rate.Facts{Supplies: []rate.Supply{{Mode: c.mode, Declared: 900e6, Measured: 900e6}}}
		if _, err := rate.Estimate(v, u); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// A cycle from the 15th has the limits of the month it began in to its end, so
// that a period cut on the 1st stays in its tiers.
func TestSeasonOfACycleThatBeginsWithinTheMonth(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{
		Mode:   tariff.TierBanded,
		Tiers:  []tariff.Tier{{UpTo: 200 * billing.KWh, Price: 50_000_000}, {Price: 80_000_000, Adder: 30_000_000}},
		Limits: &tariff.Limits{ByMonth: [12][]billing.Energy{4: {300 * billing.KWh}, 11: {400 * billing.KWh}}},
	}))
	v.Cycle = tariff.Cycle{Month: 1, Day: 15, Months: 1}
	for _, c := range []struct {
		from time.Time
		want string
	}{
		{time.Date(2026, 5, 15, 0, 0, 0, 0, v.Location()), "300"},
		{time.Date(2026, 6, 1, 0, 0, 0, 0, v.Location()), "300"},
		{time.Date(2026, 6, 15, 0, 0, 0, 0, v.Location()), "200"},
		{time.Date(2027, 1, 14, 0, 0, 0, 0, v.Location()), "400"},
	} {
		charge, err := rate.Estimate(v, rate.Usage{From: c.from, To: c.from.AddDate(0, 0, 1), Energy: 1000 * billing.KWh})
		if err != nil {
			t.Fatal(err)
		}
		if got := charge.Items()[0].Quantity.String(); got != c.want {
			t.Errorf("from %s: the first tier has %s kWh, want %s", c.from.Format(time.DateOnly), got, c.want)
		}
	}
}
