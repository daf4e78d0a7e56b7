package rate_test

import (
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"

	"github.com/google/go-cmp/cmp"
)

func price(t testing.TB, s string) billing.Price {
	t.Helper()
	p, err := billing.ParsePrice(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func prices(t testing.TB, texts ...string) (list []billing.Price) {
	t.Helper()
	for _, s := range texts {
		list = append(list, price(t, s))
	}
	return list
}

func quantity(t testing.TB, s string) billing.Quantity {
	t.Helper()
	q, err := billing.ParseQuantity(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// composed is a version of fen by line, valid since 2020.
func composed(parts ...tariff.Component) *tariff.Version {
	return &tariff.Version{
		ID: "composed", Number: 1, Currency: "CNY", Decimals: 2, Kind: tariff.Composed, Zone: beijing, Document: "doc 1",
		ValidFrom: time.Date(2020, 1, 1, 0, 0, 0, 0, beijing), Components: parts,
	}
}

func bands(codes ...string) (list []tariff.Band) {
	for _, c := range codes {
		list = append(list, tariff.Band{Code: c})
	}
	return list
}

func energyOf(p tariff.EnergyPrice) tariff.Component {
	return tariff.Component{Kind: tariff.EnergyCharge, Code: "energy", Energy: &p}
}

// used is a period of May with its bands, which add up to the energy.
func used(t testing.TB, before string, kwhs ...string) rate.Usage {
	t.Helper()
	u := may(kwh(t, before), 0)
	for b, s := range kwhs {
		u.Bands[b] = kwh(t, s)
		u.Energy += u.Bands[b]
	}
	return u
}

type printed struct{ code, quantity, unit, price, amount string }

func linesOf(c *rate.Charge) (lines []printed) {
	for _, l := range c.Items() {
		lines = append(lines, printed{l.Code(), l.Quantity.String(), l.Unit.String(), l.Price.String(), l.Amount.String()})
	}
	return lines
}

func expect(t *testing.T, v *tariff.Version, u rate.Usage, total string, lines ...printed) rate.Charge {
	t.Helper()
	c, err := rate.Estimate(v, u)
	if err != nil {
		t.Fatal(err)
	}
	if lines != nil {
		if diff := cmp.Diff(lines, linesOf(&c), cmp.AllowUnexported(printed{})); diff != "" {
			t.Error(diff)
		}
	}
	if c.Total.String() != total {
		t.Errorf("got %s, want %s", c.Total, total)
	}
	return c
}

// householdTOU is Shandong's: bands with the tier adders on their sum (B3).
func householdTOU(t testing.TB) *tariff.Version {
	v := composed(energyOf(tariff.EnergyPrice{
		Prices: prices(t, "0.5769", "0.3769"), Mode: tariff.TierIncremental,
		Tiers: []tariff.Tier{{UpTo: 2520 * billing.KWh}, {UpTo: 4800 * billing.KWh, Adder: price(t, "0.05")}, {Adder: price(t, "0.30")}},
	}))
	v.Bands, v.Cycle = bands("peak", "valley"), tariff.Cycle{Month: 1, Day: 1, Months: 12}
	return v
}

func TestHouseholdByBandsAndTiers(t *testing.T) {
	c := expect(t, householdTOU(t), used(t, "4650", "210", "130"), "234.65",
		printed{"energy.peak", "210", "kWh", "0.5769", "121.15"}, printed{"energy.valley", "130", "kWh", "0.3769", "49.00"},
		printed{"energy.tier2", "150", "kWh", "0.0500", "7.50"}, printed{"energy.tier3", "190", "kWh", "0.3000", "57.00"})
	if c.Tier != 3 || c.CycleAfter != kwh(t, "4990") {
		t.Errorf("got tier %d and counter %s, want 3 and 4990", c.Tier, c.CycleAfter)
	}
}

// hubei is the two-part 35 kV row of January 2026 (鄂发改价管〔2024〕77号).
func hubei(t testing.TB, parts ...tariff.Component) *tariff.Version {
	v := composed(append([]tariff.Component{
		energyOf(tariff.EnergyPrice{Prices: prices(t, "1.030199", "0.827161", "0.632086", "0.413124")}),
		{Kind: tariff.LevyCharge, Code: "levy.rural", Levy: &tariff.Levy{Price: price(t, "0.02"), Fund: true, Included: true}},
		{Kind: tariff.LevyCharge, Code: "levy.reservoir", Levy: &tariff.Levy{Price: price(t, "0.0062"), Fund: true, Included: true}},
		{Kind: tariff.LevyCharge, Code: "levy.renewable", Levy: &tariff.Levy{Price: price(t, "0.019"), Fund: true, Included: true}},
	}, parts...)...)
	v.Bands, v.Remainder = bands("sharp", "peak", "flat", "valley"), 2
	return v
}

func basicOf(t testing.TB) tariff.Component {
	return tariff.Component{Kind: tariff.BasicCharge, Code: "basic", Basic: &tariff.Basic{
		PerKVA: price(t, "26.3"), PerKW: price(t, "42"), Tolerance: 1_050_000, Excess: 2_000_000, Floor: 400_000,
		HighUse: 260 * billing.KWh, HighFactor: 900_000, DaysOfMonth: 30,
	}}
}

var factor90 = tariff.Component{Kind: tariff.FactorCharge, Code: "factor", Factor: &tariff.Factor{Standard: 90}}

// plant is the large customer of B5 and B6.
func plant(t testing.TB) rate.Usage {
	u := used(t, "0", "10000", "30000", "50000", "40000")
	u.Facts = &rate.Facts{
		Supplies: []rate.Supply{{Mode: tariff.ByContract, Capacity: quantity(t, "1600"), Declared: quantity(t, "900"), Measured: quantity(t, "1000")}},
		Reactive: kwh(t, "52000"), ReactiveKnown: true,
	}
	return u
}

func TestLargeIndustryWithPowerFactor(t *testing.T) {
	c := expect(t, hubei(t, basicOf(t), factor90), plant(t), "125127.02",
		printed{"energy.sharp", "10000", "kWh", "1.030199", "10301.99"}, printed{"energy.peak", "30000", "kWh", "0.827161", "24814.83"},
		printed{"energy.flat", "50000", "kWh", "0.632086", "31604.30"}, printed{"energy.valley", "40000", "kWh", "0.413124", "16524.96"},
		printed{"levy.rural", "130000", "kWh", "0.0200", "2600.00"}, printed{"levy.reservoir", "130000", "kWh", "0.0062", "806.00"},
		printed{"levy.renewable", "130000", "kWh", "0.0190", "2470.00"},
		printed{"basic.contract", "900", "kW", "42.0000", "37800.00"}, printed{"basic.excess", "55", "kW", "84.0000", "4620.00"},
		printed{"factor", "119790.08", "currency", "-0.0045", "-539.06"})
	if c.Cos != 93 || c.Funds.String() != "5876.00" {
		t.Errorf("got cos 0.%d and funds %s, want 0.93 and 5876.00", c.Cos, c.Funds)
	}
}

func BenchmarkEstimateHouseholdByBands(b *testing.B) {
	v := householdTOU(b)
	u := used(b, "4650", "210", "130")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rate.Estimate(v, u); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRateHouseholdByBands(b *testing.B) {
	v := householdTOU(b)
	u := used(b, "4650", "210", "130")
	var c rate.Charge
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Rate(v, &u); err != nil {
			b.Fatal(err)
		}
	}
}
