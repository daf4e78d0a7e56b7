package rate_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// Johannesburg, prepaid 2023/24: blocks of the month, the sum rounded, then
// VAT (B9).
func johannesburg(t testing.TB) *tariff.Version {
	v := composed(
		energyOf(tariff.EnergyPrice{Mode: tariff.TierBanded, Tiers: []tariff.Tier{
			{UpTo: 350 * billing.KWh, Price: price(t, "2.0967")}, {UpTo: 500 * billing.KWh, Price: price(t, "2.4051")}, {Price: price(t, "2.7405")}}}),
		tariff.Component{Kind: tariff.TaxCharge, Code: "vat", Percent: &tariff.Percent{Rate: 150_000}})
	v.Rounding, v.Currency, v.Cycle = tariff.RoundSum, "ZAR", tariff.Cycle{Month: 1, Day: 1, Months: 1}
	return v
}

func TestJohannesburg(t *testing.T) {
	expect(t, johannesburg(t), may(0, kwh(t, "520")), "1321.83",
		printed{"energy.tier1", "350", "kWh", "2.0967", "733.845"}, printed{"energy.tier2", "150", "kWh", "2.4051", "360.765"},
		printed{"energy.tier3", "20", "kWh", "2.7405", "54.81"}, printed{"vat", "1149.42", "currency", "0.1500", "172.41"})
	// The utility's printed totals that the prices come from, without VAT rounding of the lines.
	expect(t, johannesburg(t), may(0, kwh(t, "350")), "843.93")
	// A kWh in the middle of the month costs the block it lies in.
	expect(t, johannesburg(t), may(kwh(t, "350"), billing.KWh), "2.77", printed{"energy.tier2", "1", "kWh", "2.4051", "2.4051"}, printed{"vat", "2.41", "currency", "0.1500", "0.36"})
}

// Kenya domestic 2025/26: the whole consumption at its band's price, with
// pass-through of October 2025, levy and VAT (B9).
func TestKenya(t *testing.T) {
	levy := func(code, p string) tariff.Component {
		return tariff.Component{Kind: tariff.LevyCharge, Code: code, Levy: &tariff.Levy{Price: price(t, p)}}
	}
	v := composed(
		energyOf(tariff.EnergyPrice{Mode: tariff.TierWhole, Tiers: []tariff.Tier{
			{UpTo: 30 * billing.KWh, Price: price(t, "12.14")}, {UpTo: 100 * billing.KWh, Price: price(t, "16.50")}, {Price: price(t, "18.57")}}}),
		levy("fuel", "3.69"), levy("forex", "1.5382"), levy("water", "0.0124"),
		tariff.Component{Kind: tariff.PercentCharge, Code: "rep", Percent: &tariff.Percent{Rate: 50_000, Of: []string{"energy"}}},
		tariff.Component{Kind: tariff.TaxCharge, Code: "vat", Percent: &tariff.Percent{Rate: 160_000, Of: []string{"energy", "fuel", "forex"}}})
	v.Currency, v.Cycle = "KES", tariff.Cycle{Month: 1, Day: 1, Months: 1}
	expect(t, v, may(0, kwh(t, "64")), "1666.69",
		printed{"energy.tier2", "64", "kWh", "16.5000", "1056.00"}, printed{"fuel", "64", "kWh", "3.6900", "236.16"},
		printed{"forex", "64", "kWh", "1.5382", "98.44"}, printed{"water", "64", "kWh", "0.0124", "0.79"},
		printed{"rep", "1056", "currency", "0.0500", "52.80"}, printed{"vat", "1390.6", "currency", "0.1600", "222.50"})
	// The 31st kWh costs about 180 shillings.
	thirty, err1 := rate.Estimate(v, may(0, kwh(t, "30")))
	more, err2 := rate.Estimate(v, may(0, kwh(t, "31")))
	if err1 != nil || err2 != nil || more.Total-thirty.Total < 1_750_000 || more.Total-thirty.Total > 1_850_000 {
		t.Errorf("got %s and %s, %v, %v, want about 180 more", thirty.Total, more.Total, err1, err2)
	}
}

// A mini-grid takes a price for the kWh and an access rate for the period (B9).
func TestMiniGrid(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1500")}),
		tariff.Component{Kind: tariff.FixedCharge, Code: "access", Fixed: &tariff.Fixed{PerMonth: price(t, "15000")}})
	v.Currency, v.Decimals = "UGX", 0
	expect(t, v, may(0, kwh(t, "2.0004")), "18001.00", printed{"energy", "2.0004", "kWh", "1500.0000", "3001.00"}, printed{"access", "1", "month", "15000.0000", "15000.00"})
}

// A social tariff gives an allowance by the day, up to a sum that the usage
// tells by what was given before.
func TestDailyAllowance(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "0.50"), Free: &tariff.Free{PerDay: kwh(t, "0.5")}}))
	expect(t, v, may(0, kwh(t, "20")), "2.25", printed{"energy.free", "15.5", "kWh", "0.0000", "0.00"}, printed{"energy", "4.5", "kWh", "0.5000", "2.25"})
	u := may(0, kwh(t, "20"))
	u.Facts = &rate.Facts{Days: 10, FreeBefore: kwh(t, "2")}
	expect(t, v, u, "8.50", printed{"energy.free", "3", "kWh", "0.0000", "0.00"}, printed{"energy", "17", "kWh", "0.5000", "8.50"})
	u.Facts.FreeBefore = kwh(t, "9")
	expect(t, v, u, "10.00", printed{"energy", "20", "kWh", "0.5000", "10.00"})
	// Where unused days stack, the days were counted before.
	v.Components[0].Energy.Free.Stack = kwh(t, "1.5")
	u.Facts = &rate.Facts{Days: 10, FreeKnown: true, FreeGiven: kwh(t, "4.25")}
	expect(t, v, u, "7.88", printed{"energy.free", "4.25", "kWh", "0.0000", "0.00"}, printed{"energy", "15.75", "kWh", "0.5000", "7.88"})
}

// The rows of Hubei's table of January 2026, printed prices, never the factors
// (B4).
func TestHubeiRows(t *testing.T) {
	for _, row := range []struct {
		name                  string
		sharp, peak, flat, vy string
		demand                string
		want                  [4]string
		total                 string
	}{
		{"single-part below 1 kV", "1.133999", "0.930961", "0.735686", "0.516924", "", [4]string{"11339.99", "27928.83", "36784.30", "20676.96"}, "96730.08"},
		{"single-part 1 to 10 kV", "1.113999", "0.910961", "0.715686", "0.496924", "", [4]string{"11139.99", "27328.83", "35784.30", "19876.96"}, "94130.08"},
		{"two-part 1 to 10 kV", "1.049999", "0.848961", "0.651886", "0.432924", "42.0", [4]string{"10499.99", "25468.83", "32594.30", "17316.96"}, "127880.08"},
		{"two-part 35 kV", "1.030199", "0.827161", "0.632086", "0.413124", "42.0", [4]string{"10301.99", "24814.83", "31604.30", "16524.96"}, "125246.08"},
		{"two-part 110 kV", "1.012099", "0.809061", "0.613986", "0.395024", "39.0", [4]string{"10120.99", "24271.83", "30699.30", "15800.96"}, "119893.08"},
		{"two-part 220 kV", "0.993099", "0.790061", "0.594986", "0.376024", "39.0", [4]string{"9930.99", "23701.83", "29749.30", "15040.96"}, "117423.08"},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, row.sharp, row.peak, row.flat, row.vy)}))
			v.Bands = bands("sharp", "peak", "flat", "valley")
			u := used(t, "0", "10000", "30000", "50000", "40000")
			if row.demand != "" {
				b := basicOf(t)
				b.Basic.PerKW, b.Basic.HighFactor = price(t, row.demand), 0
				v.Components = append(v.Components, b)
				u.Facts = &rate.Facts{Supplies: []rate.Supply{{Mode: tariff.ByMeasured, Capacity: quantity(t, "1600"), Measured: quantity(t, "1000")}}}
			}
			c := expect(t, v, u, row.total)
			for i, want := range row.want {
				if got := c.Items()[i].Amount.String(); got != want {
					t.Errorf("band %d: got %s, want %s", i, got, want)
				}
			}
		})
	}
}

func TestBasicCharge(t *testing.T) {
	capacity := func(days, of int) rate.Supply {
		return rate.Supply{Mode: tariff.ByCapacity, Capacity: quantity(t, "1600"), Days: days, MonthDays: of}
	}
	contract := func(kva, declared, measured string) rate.Supply {
		return rate.Supply{Mode: tariff.ByContract, Capacity: quantity(t, kva), Declared: quantity(t, declared), Measured: quantity(t, measured)}
	}
	measured := rate.Supply{Mode: tariff.ByMeasured, Capacity: quantity(t, "1600"), Measured: quantity(t, "1000")}
	for _, test := range []struct {
		name     string
		used     string
		supplies []rate.Supply
		lines    []printed
		total    string
	}{
		{"capacity, used or not", "0", []rate.Supply{capacity(0, 0)}, []printed{{"basic.capacity", "1600", "kVA", "26.3000", "42080.00"}}, "42080.00"},
		{"ten days of thirty", "0", []rate.Supply{capacity(10, 31)}, []printed{{"basic.capacity", "1600", "kVA", "26.3000", "14026.67"}}, "14026.67"},
		{"thirty days of thirty-one", "0", []rate.Supply{capacity(30, 31)}, []printed{{"basic.capacity", "1600", "kVA", "26.3000", "42080.00"}}, "42080.00"},
		{"all of February", "0", []rate.Supply{capacity(28, 28)}, []printed{{"basic.capacity", "1600", "kVA", "26.3000", "42080.00"}}, "42080.00"},
		{"not yet a day", "0", []rate.Supply{capacity(0, 31)}, []printed{{"basic.capacity", "1600", "kVA", "26.3000", "0.00"}}, "0.00"},
		{"above the tolerance", "0", []rate.Supply{contract("1600", "900", "1000")},
			[]printed{{"basic.contract", "900", "kW", "42.0000", "37800.00"}, {"basic.excess", "55", "kW", "84.0000", "4620.00"}}, "42420.00"},
		{"just the tolerance", "0", []rate.Supply{contract("1600", "900", "945")}, []printed{{"basic.contract", "900", "kW", "42.0000", "37800.00"}}, "37800.00"},
		{"declared below the floor", "0", []rate.Supply{contract("1600", "500", "672")}, []printed{{"basic.contract", "640", "kW", "42.0000", "26880.00"}}, "26880.00"},
		{"the band is of the floor", "0", []rate.Supply{contract("1600", "500", "673")},
			[]printed{{"basic.contract", "640", "kW", "42.0000", "26880.00"}, {"basic.excess", "1", "kW", "84.0000", "84.00"}}, "26964.00"},
		{"measured", "0", []rate.Supply{measured}, []printed{{"basic.measured", "1000", "kW", "42.0000", "42000.00"}}, "42000.00"},
		{"many hours of use", "416000", []rate.Supply{measured}, []printed{{"basic.measured", "1000", "kW", "37.8000", "37800.00"}}, "37800.00"},
		{"nearly many hours", "415999.999999", []rate.Supply{measured}, []printed{{"basic.measured", "1000", "kW", "42.0000", "42000.00"}}, "42000.00"},
		{"many hours, above the contract", "416000", []rate.Supply{contract("1600", "900", "1000")},
			[]printed{{"basic.contract", "900", "kW", "37.8000", "34020.00"}, {"basic.excess", "55", "kW", "75.6000", "4158.00"}}, "38178.00"},
		{"many hours do not touch capacity", "416000", []rate.Supply{capacity(0, 0)}, []printed{{"basic.capacity", "1600", "kVA", "26.3000", "42080.00"}}, "42080.00"},
		{"two lines", "0", []rate.Supply{contract("1600", "900", "1000"), measured},
			[]printed{{"basic.contract", "900", "kW", "42.0000", "37800.00"}, {"basic.excess", "55", "kW", "84.0000", "4620.00"}, {"basic.measured2", "1000", "kW", "42.0000", "42000.00"}}, "84420.00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := composed(basicOf(t))
			u := may(0, kwh(t, test.used))
			u.Facts = &rate.Facts{Supplies: test.supplies}
			expect(t, v, u, test.total, test.lines...)
		})
	}
}

func TestChargedPartOfALine(t *testing.T) {
	u := may(0, 0)
	u.Facts = &rate.Facts{Supplies: []rate.Supply{{Mode: tariff.ByCapacity, Capacity: quantity(t, "1600"), Days: 10, MonthDays: 31}, {Mode: tariff.ByCapacity, Capacity: quantity(t, "800")},
		{Mode: tariff.ByCapacity, Capacity: math.MaxInt64 / 2, Days: 29, MonthDays: 30}}}
	b := basicOf(t)
	b.Basic.PerKVA, b.Basic.HighFactor = 1, 0
	c, err := rate.Estimate(composed(b), u)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []billing.Quantity{533_333_333, 800_000_000, math.MaxInt64 / 2} {
		if got := c.Items()[i].Charged(); i < 2 && got != want {
			t.Errorf("line %d: got %s, want %s", i, got, want)
		}
	}
}

// The tables as printed, (83)水电财字第215号.
func TestPowerFactorTables(t *testing.T) {
	for standard, want := range map[int]map[int]string{
		90: {100: "-0.0075", 95: "-0.0075", 94: "-0.0060", 93: "-0.0045", 92: "-0.0030", 91: "-0.0015", 90: "0.0000", 89: "0.0050", 80: "0.0500",
			70: "0.1000", 69: "0.1100", 65: "0.1500", 64: "0.1700", 60: "0.2500"},
		85: {100: "-0.0110", 95: "-0.0110", 94: "-0.0110", 93: "-0.0095", 92: "-0.0080", 91: "-0.0065", 90: "-0.0050", 86: "-0.0010", 85: "0.0000", 84: "0.0050",
			65: "0.1000", 64: "0.1100", 60: "0.1500", 59: "0.1700"},
		80: {100: "-0.0130", 93: "-0.0130", 92: "-0.0130", 91: "-0.0115", 90: "-0.0100", 81: "-0.0010", 80: "0.0000", 79: "0.0050",
			60: "0.1000", 59: "0.1100", 55: "0.1500", 54: "0.1700", 1: "1.2300"},
	} {
		for cos, rateText := range want {
			v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1")}),
				tariff.Component{Kind: tariff.FactorCharge, Code: "factor", Factor: &tariff.Factor{Standard: standard}})
			// Q = P·√(1-c²)/c, found by trying: the tables are of the factor, not of Q.
			c := withCosine(t, v, cos)
			if got := c.Items()[1].Price.String(); got != rateText {
				t.Errorf("0.%02d at standard 0.%d: got %s, want %s", cos, standard, got, rateText)
			}
		}
	}
}

// withCosine finds reactive energy that gives the power factor.
func withCosine(t *testing.T, v *tariff.Version, cos int) rate.Charge {
	t.Helper()
	u := may(0, 1000*billing.KWh)
	low, high := billing.Energy(0), 1_000_000*billing.KWh
	for range 64 {
		half := (low + high) / 2
		u.Facts = &rate.Facts{Reactive: half, ReactiveKnown: true}
		c, err := rate.Estimate(v, u)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case c.Cos == cos:
			return c
		case c.Cos > cos:
			low = half
		default:
			high = half
		}
	}
	t.Fatalf("no reactive energy gives 0.%02d", cos)
	return rate.Charge{}
}

func TestPowerFactorRoundsHalfUp(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1")}), factor90)
	for _, test := range []struct {
		name           string
		energy         billing.Energy
		reactive, back billing.Energy
		active         billing.Energy
		want           int
	}{
		{"nothing at all", 0, 0, 0, 0, 100},
		{"no reactive", 1000, 0, 0, 0, 100},
		{"reactive alone", 0, 1, 0, 0, 0},
		{"3-4-5", 4 * billing.KWh, 3 * billing.KWh, 0, 0, 80},
		{"taken and sent back add up", 4 * billing.KWh, 2 * billing.KWh, -1 * billing.KWh, 0, 80},
		{"signs do not matter", 4 * billing.KWh, -3 * billing.KWh, 0, 0, 80},
		{"another energy, without reactive", 0, 0, 0, 1, 100},
		{"0.28 of 7-24-25", 7 * billing.KWh, 24 * billing.KWh, 0, 0, 28},
		{"0.925 is up: cos 37/40", 37_000_000_000, 15_198_684_153, 0, 0, 93},
		{"below 0.925 is down", 37_000_000_000, 15_198_684_155, 0, 0, 92},
		{"another energy is told", 1000, 3 * billing.KWh, 0, 4 * billing.KWh, 80},
		{"the largest there is", 1 << 62, 1 << 62, 1 << 62, 1 << 62, 45},
	} {
		u := may(0, test.energy)
		u.Facts = &rate.Facts{Reactive: test.reactive, ReactiveBack: test.back, ReactiveKnown: true, FactorEnergy: test.active}
		if test.energy == 1<<62 {
			u.Energy = 0
		}
		c, err := rate.Estimate(v, u)
		if err != nil || c.Cos != test.want {
			t.Errorf("%s: got %d, %v, want %d", test.name, c.Cos, err, test.want)
		}
	}
}

// The base may be chosen, and leaves out the funds of what is in it alone.
func TestBaseOfThePowerFactor(t *testing.T) {
	share := tariff.Component{Kind: tariff.EnergyCharge, Code: "home", Energy: &tariff.EnergyPrice{Prices: prices(t, "0.5"), Share: &tariff.Share{Ratio: 80_000}}}
	fund := tariff.Component{Kind: tariff.LevyCharge, Code: "fund", Levy: &tariff.Levy{Price: price(t, "0.1"), Fund: true, Included: true}}
	built := energyOf(tariff.EnergyPrice{Prices: prices(t, "1"), Built: &tariff.Built{Fixed: []tariff.PricePart{{Price: price(t, "0.02"), Fund: true}, {Price: price(t, "0.2")}, {Price: price(t, "0.03"), Fund: true}}}})
	plain := energyOf(tariff.EnergyPrice{Prices: prices(t, "1")})
	chosen := tariff.Component{Kind: tariff.FactorCharge, Code: "factor", Factor: &tariff.Factor{Standard: 90, Of: []string{"energy"}}}
	for _, test := range []struct {
		name        string
		parts       []tariff.Component
		base, funds string
	}{
		{"all energy", []tariff.Component{share, plain, fund, factor90}, "860", "100.00"},
		{"what the share leaves", []tariff.Component{share, plain, fund, chosen}, "828", "92.00"},
		{"funds among the parts of a price", []tariff.Component{share, built, chosen}, "874", "46.00"},
		{"funds are counted once", []tariff.Component{share, built, fund, chosen}, "828", "92.00"},
		{"a levy charged apart is not in it", []tariff.Component{plain, {Kind: tariff.LevyCharge, Code: "fund", Levy: &tariff.Levy{Price: price(t, "0.1"), Fund: true}}, factor90}, "1000", "0.00"},
	} {
		u := may(0, kwh(t, "1000"))
		u.Facts = &rate.Facts{ReactiveKnown: true}
		c, err := rate.Estimate(composed(test.parts...), u)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		l := c.Items()[c.N-1]
		if l.Quantity.String() != test.base || c.Funds.String() != test.funds {
			t.Errorf("%s: got base %s and funds %s, want %s and %s", test.name, l.Quantity, c.Funds, test.base, test.funds)
		}
	}
}

// 定比 and 定量 take their part before the rest is priced, the bands in
// proportion (B1.5).
func TestShares(t *testing.T) {
	v := composed(
		tariff.Component{Kind: tariff.EnergyCharge, Code: "home", Energy: &tariff.EnergyPrice{Prices: prices(t, "0.5550"), Share: &tariff.Share{Ratio: 80_000}}},
		tariff.Component{Kind: tariff.EnergyCharge, Code: "farm", Energy: &tariff.EnergyPrice{Prices: prices(t, "0.40"), Share: &tariff.Share{Amount: kwh(t, "100")}}},
		energyOf(tariff.EnergyPrice{Prices: prices(t, "1", "0.5")}))
	v.Bands = bands("peak", "valley")
	expect(t, v, used(t, "0", "600", "400"), "740.40",
		printed{"home", "80", "kWh", "0.5550", "44.40"}, printed{"farm", "100", "kWh", "0.4000", "40.00"},
		printed{"energy.peak", "492", "kWh", "1.0000", "492.00"}, printed{"energy.valley", "328", "kWh", "0.5000", "164.00"})
	// An amount above the period takes all of it.
	expect(t, v, used(t, "0", "60", "40"), "41.24",
		printed{"home", "8", "kWh", "0.5550", "4.44"}, printed{"farm", "92", "kWh", "0.4000", "36.80"})
	// The mWh that is left goes to the largest remainder, the first among equals.
	u := used(t, "0", "0.000005", "0.000005")
	v.Components[0].Energy.Share.Ratio, v.Components[1].Energy.Share.Amount = 500_000, 0
	v.Components[1].Energy.Share.Ratio = 1
	expect(t, v, u, "0.00", printed{"home", "0.000005", "kWh", "0.5550", "0.00"}, printed{"farm", "0", "kWh", "0.4000", "0.00"},
		printed{"energy.peak", "0.000002", "kWh", "1.0000", "0.00"}, printed{"energy.valley", "0.000003", "kWh", "0.5000", "0.00"})
}

// Limits bend to the month, the household and the months in service (B2).
func TestLimits(t *testing.T) {
	yearly := func() *tariff.Version {
		v := composed(energyOf(tariff.EnergyPrice{Mode: tariff.TierBanded, Tiers: []tariff.Tier{
			{UpTo: 2520 * billing.KWh, Price: price(t, "0.5469")}, {UpTo: 4800 * billing.KWh, Price: price(t, "0.5969")}, {Price: price(t, "0.8469")}},
			Limits: &tariff.Limits{HouseholdFrom: 5, HouseholdExtra: kwh(t, "100"), MonthsInService: true}}))
		v.Cycle = tariff.Cycle{Month: 1, Day: 1, Months: 12}
		return v
	}
	first := func(v *tariff.Version, f *rate.Facts, from time.Time) string {
		u := may(0, kwh(t, "9000"))
		if !from.IsZero() {
			u.From, u.To = from, from.AddDate(0, 1, 0)
		}
		u.Facts = f
		c, err := rate.Estimate(v, u)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(c.Items()[0].Quantity, " ", c.Items()[1].Quantity)
	}
	monthly := composed(energyOf(tariff.EnergyPrice{Mode: tariff.TierBanded, Tiers: []tariff.Tier{{UpTo: 200 * billing.KWh}, {UpTo: 400 * billing.KWh}, {}},
		Limits: &tariff.Limits{}}))
	for m := 4; m < 10; m++ {
		monthly.Components[0].Energy.Limits.ByMonth[m] = []billing.Energy{260 * billing.KWh, 600 * billing.KWh}
	}
	monthly.Cycle = tariff.Cycle{Month: 1, Day: 1, Months: 1}
	daily := yearly()
	daily.Components[0].Energy.Limits = &tariff.Limits{DaysInService: true}
	april := time.Date(2025, 4, 1, 0, 0, 0, 0, beijing)
	for _, test := range []struct {
		name string
		got  string
		want string
	}{
		{"as printed", first(yearly(), nil, time.Time{}), "2520 2280"},
		{"four persons", first(yearly(), &rate.Facts{Persons: 4}, time.Time{}), "2520 2280"},
		{"five persons", first(yearly(), &rate.Facts{Persons: 5}, time.Time{}), "3720 2280"},
		{"five months in service", first(yearly(), &rate.Facts{MonthsInService: 5}, time.Time{}), "1050 950"},
		{"all months in service", first(yearly(), &rate.Facts{MonthsInService: 12}, time.Time{}), "2520 2280"},
		{"five persons, five months", first(yearly(), &rate.Facts{Persons: 5, MonthsInService: 5}, time.Time{}), "1550 950"},
		{"73 of 365 days in service", first(daily, &rate.Facts{DaysInService: 73}, time.Time{}), "504 456"},
		{"all days in service", first(daily, &rate.Facts{DaysInService: 365}, time.Time{}), "2520 2280"},
		{"not told", first(daily, &rate.Facts{}, time.Time{}), "2520 2280"},
		{"winter", first(monthly, nil, april), "200 200"},
		{"summer", first(monthly, nil, april.AddDate(0, 1, 0)), "260 340"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, test.got, test.want)
		}
	}
}

// Free kWh come first, move the counter or do not, and are given to those whom
// the tariff names (B2).
func TestFreeEnergy(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Mode: tariff.TierBanded, Tiers: []tariff.Tier{{UpTo: 100 * billing.KWh, Price: price(t, "0.5")}, {Price: price(t, "1")}},
		Free: &tariff.Free{PerMonth: kwh(t, "15"), Fact: "low-income"}}))
	v.Cycle = tariff.Cycle{Month: 1, Day: 1, Months: 12}
	u := may(kwh(t, "90"), kwh(t, "30"))
	expect(t, v, u, "25.00", printed{"energy.tier1", "10", "kWh", "0.5000", "5.00"}, printed{"energy.tier2", "20", "kWh", "1.0000", "20.00"})
	u.Facts = &rate.Facts{Words: []string{"low-income"}}
	c := expect(t, v, u, "10.00", printed{"energy.free", "15", "kWh", "0.0000", "0.00"}, printed{"energy.tier1", "10", "kWh", "0.5000", "5.00"}, printed{"energy.tier2", "5", "kWh", "1.0000", "5.00"})
	if c.CycleAfter != kwh(t, "105") {
		t.Errorf("got counter %s, want 105", c.CycleAfter)
	}
	v.Components[0].Energy.Free.Counted = true
	c = expect(t, v, u, "15.00", printed{"energy.free", "15", "kWh", "0.0000", "0.00"}, printed{"energy.tier2", "15", "kWh", "1.0000", "15.00"})
	if c.CycleAfter != kwh(t, "120") {
		t.Errorf("got counter %s, want 120", c.CycleAfter)
	}
	u.Energy = kwh(t, "10")
	expect(t, v, u, "0.00", printed{"energy.free", "10", "kWh", "0.0000", "0.00"}, printed{"energy.tier1", "0", "kWh", "0.5000", "0.00"})
	// A month and a bit is two months' allowance; as told, half a month is half.
	u.Energy, u.CycleBefore, u.To = kwh(t, "100"), 0, u.To.Add(time.Hour)
	expect(t, v, u, "35.00")
	u.Facts.Months = 500_000
	expect(t, v, u, "46.25")
}

// Tiers over a flat price are adders too, and a first tier may have one.
func TestAddersOverAFlatPrice(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "0.5"), Mode: tariff.TierBanded,
		Tiers: []tariff.Tier{{UpTo: 100 * billing.KWh, Adder: price(t, "0.01")}, {Adder: price(t, "0.1")}}}))
	expect(t, v, may(0, kwh(t, "150")), "81.00", printed{"energy.base", "150", "kWh", "0.5000", "75.00"},
		printed{"energy.tier1", "100", "kWh", "0.0100", "1.00"}, printed{"energy.tier2", "50", "kWh", "0.1000", "5.00"})
	v.Components[0].Energy.Mode = tariff.TierWhole
	expect(t, v, may(0, kwh(t, "150")), "90.00", printed{"energy.base", "150", "kWh", "0.5000", "75.00"}, printed{"energy.tier2", "150", "kWh", "0.1000", "15.00"})
	expect(t, v, may(0, 0), "0.00", printed{"energy.base", "0", "kWh", "0.5000", "0.00"})
	v.Components[0].Energy.Prices, v.Components[0].Energy.Mode = nil, tariff.TierIncremental
	v.Components[0].Energy.Tiers = []tariff.Tier{{UpTo: 100 * billing.KWh, Price: price(t, "0.5")}, {Price: price(t, "0.6"), Adder: price(t, "0.1")}}
	expect(t, v, may(0, kwh(t, "150")), "80.00", printed{"energy.base", "150", "kWh", "0.5000", "75.00"}, printed{"energy.adder2", "50", "kWh", "0.1000", "5.00"})
}

func TestFixedCharges(t *testing.T) {
	part := func(f tariff.Fixed) *tariff.Version {
		return composed(tariff.Component{Kind: tariff.FixedCharge, Code: "fixed", Fixed: &f})
	}
	from := time.Date(2025, 1, 15, 10, 0, 0, 0, beijing)
	for _, test := range []struct {
		name  string
		fixed tariff.Fixed
		to    time.Time
		facts *rate.Facts
		line  printed
	}{
		{"days by the date", tariff.Fixed{PerDay: price(t, "0.4812")}, from.AddDate(0, 0, 3).Add(-9 * time.Hour), nil, printed{"fixed", "3", "day", "0.4812", "1.44"}},
		{"days as told", tariff.Fixed{PerDay: price(t, "0.4812")}, from.AddDate(0, 0, 3), &rate.Facts{Days: 10}, printed{"fixed", "10", "day", "0.4812", "4.81"}},
		{"nothing yet", tariff.Fixed{PerMonth: price(t, "10")}, from, nil, printed{"fixed", "0", "month", "10.0000", "0.00"}},
		{"a month begun", tariff.Fixed{PerMonth: price(t, "10")}, from.Add(time.Nanosecond), nil, printed{"fixed", "1", "month", "10.0000", "10.00"}},
		{"a month from the fifteenth", tariff.Fixed{PerMonth: price(t, "10")}, from.AddDate(0, 1, 0), nil, printed{"fixed", "1", "month", "10.0000", "10.00"}},
		{"and a second more", tariff.Fixed{PerMonth: price(t, "10")}, from.AddDate(0, 1, 0).Add(time.Second), nil, printed{"fixed", "2", "month", "10.0000", "20.00"}},
		{"months as told", tariff.Fixed{PerMonth: price(t, "10")}, from, &rate.Facts{Months: 2_500_000}, printed{"fixed", "2.5", "month", "10.0000", "25.00"}},
		{"prorated by its days, whatever is told", tariff.Fixed{PerMonth: price(t, "31"), Prorate: true}, from.AddDate(0, 0, 1), &rate.Facts{Months: 2_500_000}, printed{"fixed", "1", "month", "31.0000", "1.00"}},
		{"17 of 31 days and 14 of 28", tariff.Fixed{PerMonth: price(t, "620"), Prorate: true}, time.Date(2025, 2, 15, 9, 0, 0, 0, beijing), nil, printed{"fixed", "1", "month", "620.0000", "650.00"}},
		{"part of a month", tariff.Fixed{PerMonth: price(t, "31"), Prorate: true}, from.AddDate(0, 0, 1), nil, printed{"fixed", "1", "month", "31.0000", "1.00"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := rate.Usage{From: from, To: test.to, Facts: test.facts}
			expect(t, part(test.fixed), u, test.line.amount, test.line)
		})
	}
	for _, test := range []struct {
		to   time.Time
		want string
	}{
		{time.Date(2025, 2, 28, 9, 0, 0, 0, beijing), "10.00"},
		{time.Date(2025, 2, 28, 11, 0, 0, 0, beijing), "20.00"},
		{time.Date(2025, 3, 31, 10, 0, 0, 0, beijing), "20.00"},
	} {
		last := rate.Usage{From: time.Date(2025, 1, 31, 10, 0, 0, 0, beijing), To: test.to}
		expect(t, part(tariff.Fixed{PerMonth: price(t, "10")}), last, test.want)
	}
	whole := rate.Usage{From: time.Date(2025, 1, 1, 0, 0, 0, 0, beijing), To: time.Date(2025, 3, 1, 0, 0, 0, 0, beijing)}
	expect(t, part(tariff.Fixed{PerMonth: price(t, "10"), Prorate: true}), whole, "20.00", printed{"fixed", "2", "month", "10.0000", "20.00"})
}

func TestTaxByLineAndOnTheSum(t *testing.T) {
	lines := func(tax tariff.Percent) *tariff.Version {
		levy := func(code string) tariff.Component {
			return tariff.Component{Kind: tariff.LevyCharge, Code: code, Levy: &tariff.Levy{Price: price(t, "0.0333"), Included: code == "shown"}}
		}
		return composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "0.3333")}), levy("a"), levy("shown"), levy("b"),
			tariff.Component{Kind: tariff.TaxCharge, Code: "vat", Percent: &tariff.Percent{Rate: tax.Rate, Of: tax.Of, ByLine: tax.ByLine}})
	}
	for _, test := range []struct {
		name     string
		tax      tariff.Percent
		rounding tariff.Rounding
		vat      printed
		total    string
	}{
		{"on the sum", tariff.Percent{Rate: 160_000}, tariff.RoundLine, printed{"vat", "3.99", "currency", "0.1600", "0.64"}, "4.63"},
		{"by line", tariff.Percent{Rate: 160_000, ByLine: true}, tariff.RoundLine, printed{"vat", "3.99", "currency", "0.1600", "0.63"}, "4.62"},
		{"on lines named", tariff.Percent{Rate: 160_000, Of: []string{"a", "b"}}, tariff.RoundLine, printed{"vat", "0.66", "currency", "0.1600", "0.11"}, "4.10"},
		{"on the sum that is rounded once", tariff.Percent{Rate: 160_000}, tariff.RoundSum, printed{"vat", "4", "currency", "0.1600", "0.64"}, "4.64"},
		{"by rounded line of an exact sum", tariff.Percent{Rate: 160_000, ByLine: true}, tariff.RoundSum, printed{"vat", "4", "currency", "0.1600", "0.63"}, "4.63"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := lines(test.tax)
			v.Rounding = test.rounding
			c := expect(t, v, may(0, kwh(t, "10")), test.total)
			got := linesOf(&c)
			if got[len(got)-1] != test.vat {
				t.Errorf("got %v, want %v", got[len(got)-1], test.vat)
			}
			if want := map[tariff.Rounding]string{tariff.RoundLine: "0.00", tariff.RoundSum: "0.001"}[test.rounding]; c.Rounding().String() != want {
				t.Errorf("got %s of rounding, want %s", c.Rounding(), want)
			}
			if !c.Items()[2].Included {
				t.Error("the included levy is not marked")
			}
		})
	}
}

// The transformer's loss joins the band that takes the remainder, unless it is
// measured by band (B1.6).
func TestTransformerLoss(t *testing.T) {
	v := hubei(t)
	v.Components = v.Components[:1]
	u := used(t, "0", "10", "10", "10", "10")
	u.Facts = &rate.Facts{Loss: kwh(t, "2")}
	u.Facts.LossBands[3] = kwh(t, "1")
	c := expect(t, v, u, "30.70", printed{"energy.sharp", "10", "kWh", "1.030199", "10.30"}, printed{"energy.peak", "10", "kWh", "0.827161", "8.27"},
		printed{"energy.flat", "12", "kWh", "0.632086", "7.59"}, printed{"energy.valley", "11", "kWh", "0.413124", "4.54"})
	if c.CycleAfter != kwh(t, "43") {
		t.Errorf("got counter %s, want 43", c.CycleAfter)
	}
	flat := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1")}))
	expect(t, flat, rate.Usage{From: u.From, To: u.To, Energy: kwh(t, "40"), Facts: u.Facts}, "43.00", printed{"energy", "43", "kWh", "1.0000", "43.00"})
}
