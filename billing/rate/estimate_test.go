package rate_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/billing/rate"
	"feikong/billing/tariff"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var beijing = time.FixedZone("+08:00", 8*3600)

// household is Shandong's, of 鲁发改价格〔2019〕509号.
func household(n tariff.Notation) *tariff.Version {
	return &tariff.Version{
		ID: "shandong-household", Number: 1, Currency: "CNY", Decimals: 2, Kind: tariff.Tiered, Notation: n, Zone: beijing,
		ValidFrom: time.Date(2019, 1, 1, 0, 0, 0, 0, beijing), Cycle: tariff.Cycle{Month: 1, Day: 1, Months: 12},
		Tiers: []tariff.Tier{
			{UpTo: 2520 * billing.KWh, Price: 54_690_000},
			{UpTo: 4800 * billing.KWh, Price: 59_690_000, Adder: 5_000_000},
			{Price: 84_690_000, Adder: 30_000_000},
		},
	}
}

func joint() *tariff.Version {
	return &tariff.Version{
		ID: "shandong-joint", Number: 1, Decimals: 2, Kind: tariff.Flat, Price: 55_500_000, Zone: beijing,
		ValidFrom: time.Date(2019, 1, 1, 0, 0, 0, 0, beijing),
	}
}

func may(before, used billing.Energy) rate.Usage {
	return rate.Usage{
		From: time.Date(2025, 5, 1, 0, 0, 0, 0, beijing), To: time.Date(2025, 6, 1, 0, 0, 0, 0, beijing),
		Energy: used, CycleBefore: before,
	}
}

func kwh(t testing.TB, s string) billing.Energy {
	t.Helper()
	e, err := billing.ParseEnergy(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

type line struct{ code, kwh, price, amount string }

func TestEstimateWorkedNumbers(t *testing.T) {
	for _, test := range []struct {
		name         string
		version      *tariff.Version
		before, used string
		lines        []line
		total        string
		tier         int
	}{
		{"banded over the annual border", household(tariff.Banded), "2430", "260",
			[]line{{"tier1", "90", "0.5469", "49.22"}, {"tier2", "170", "0.5969", "101.47"}}, "150.69", 2},
		{"incremental over the annual border", household(tariff.Incremental), "2430", "260",
			[]line{{"base", "260", "0.5469", "142.19"}, {"adder2", "170", "0.0500", "8.50"}}, "150.69", 2},
		{"incremental over both borders", household(tariff.Incremental), "2500", "2400",
			[]line{{"base", "2400", "0.5469", "1312.56"}, {"adder2", "2280", "0.0500", "114.00"}, {"adder3", "100", "0.3000", "30.00"}}, "1456.56", 3},
		{"banded over both borders", household(tariff.Banded), "2500", "2400",
			[]line{{"tier1", "20", "0.5469", "10.94"}, {"tier2", "2280", "0.5969", "1360.93"}, {"tier3", "100", "0.8469", "84.69"}}, "1456.56", 3},
		{"the notations differ by a fen", household(tariff.Banded), "2505", "30",
			[]line{{"tier1", "15", "0.5469", "8.20"}, {"tier2", "15", "0.5969", "8.95"}}, "17.15", 2},
		{"which the other one shows", household(tariff.Incremental), "2505", "30",
			[]line{{"base", "30", "0.5469", "16.41"}, {"adder2", "15", "0.0500", "0.75"}}, "17.16", 2},
		{"limit is inclusive", household(tariff.Banded), "2500", "20",
			[]line{{"tier1", "20", "0.5469", "10.94"}}, "10.94", 1},
		{"one mWh over the limit", household(tariff.Banded), "2500", "20.000001",
			[]line{{"tier1", "20", "0.5469", "10.94"}, {"tier2", "0.000001", "0.5969", "0.00"}}, "10.94", 2},
		{"from the limit on", household(tariff.Banded), "2520", "1",
			[]line{{"tier2", "1", "0.5969", "0.60"}}, "0.60", 2},
		{"inside the last tier", household(tariff.Banded), "5000", "10",
			[]line{{"tier3", "10", "0.8469", "8.47"}}, "8.47", 3},
		{"incremental inside the last tier", household(tariff.Incremental), "5000", "10",
			[]line{{"base", "10", "0.5469", "5.47"}, {"adder3", "10", "0.3000", "3.00"}}, "8.47", 3},
		{"nothing used at the limit", household(tariff.Banded), "2520", "0",
			[]line{{"tier1", "0", "0.5469", "0.00"}}, "0.00", 1},
		{"nothing used, incremental", household(tariff.Incremental), "4800.1", "0",
			[]line{{"base", "0", "0.5469", "0.00"}}, "0.00", 3},
		{"flat", joint(), "100", "33.33", []line{{"flat", "33.33", "0.5550", "18.50"}}, "18.50", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := rate.Estimate(test.version, may(kwh(t, test.before), kwh(t, test.used)))
			if err != nil {
				t.Fatal(err)
			}
			var got []line
			for _, l := range c.Items() {
				got = append(got, line{l.Code(), l.Quantity.String(), l.Price.String(), l.Amount.String()})
			}
			if diff := cmp.Diff(test.lines, got, cmp.AllowUnexported(line{})); diff != "" {
				t.Error(diff)
			}
			if c.Total.String() != test.total || c.Tier != test.tier {
				t.Errorf("got %s in tier %d, want %s in tier %d", c.Total, c.Tier, test.total, test.tier)
			}
			if want := kwh(t, test.before) + kwh(t, test.used); c.CycleAfter != want {
				t.Errorf("got counter %s, want %s", c.CycleAfter, want)
			}
		})
	}
}

func TestEstimateRefuses(t *testing.T) {
	year := func(from, to string) rate.Usage {
		u := may(0, billing.KWh)
		var err1, err2 error
		u.From, err1 = time.Parse(time.RFC3339, from)
		u.To, err2 = time.Parse(time.RFC3339, to)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return u
	}
	ended := household(tariff.Banded)
	ended.ValidTo = time.Date(2025, 5, 15, 0, 0, 0, 0, beijing)
	broken := household(tariff.Banded)
	broken.Tiers = nil
	for _, test := range []struct {
		name    string
		version *tariff.Version
		usage   rate.Usage
		want    error
	}{
		{"up to the cycle's end", household(tariff.Banded), year("2025-12-01T00:00:00+08:00", "2026-01-01T00:00:00+08:00"), nil},
		{"over the cycle's end", household(tariff.Banded), year("2025-12-01T00:00:00+08:00", "2026-01-01T00:00:01+08:00"), rate.ErrCycleCrossed},
		{"the cycle is local", household(tariff.Banded), year("2025-12-31T16:00:00Z", "2026-01-02T00:00:00Z"), nil},
		{"a flat version has no cycle", joint(), year("2020-12-01T00:00:00Z", "2026-01-02T00:00:00Z"), nil},
		{"over the version's end", ended, may(0, 1), rate.ErrVersionCrossed},
		{"before the version", household(tariff.Banded), year("2018-12-01T00:00:00Z", "2018-12-02T00:00:00Z"), rate.ErrVersionCrossed},
		{"backwards in time", household(tariff.Banded), year("2025-02-01T00:00:00Z", "2025-01-02T00:00:00Z"), rate.ErrUsage},
		{"negative energy", household(tariff.Banded), may(0, -1), rate.ErrUsage},
		{"negative counter", household(tariff.Banded), may(-1, 1), rate.ErrUsage},
		{"counter beyond int64", household(tariff.Banded), may(1, math.MaxInt64), billing.ErrOverflow},
		{"version without tiers", broken, may(0, 1), rate.ErrVersion},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := rate.Estimate(test.version, test.usage)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err != nil && c != (rate.Charge{}) {
				t.Errorf("got %+v with an error, want nothing", c)
			}
		})
	}
}

func TestEstimateReportsOverflow(t *testing.T) {
	dear := joint()
	dear.Price = math.MaxInt64
	if _, err := rate.Estimate(dear, may(0, math.MaxInt64)); !errors.Is(err, billing.ErrOverflow) {
		t.Errorf("got %v, want ErrOverflow", err)
	}
}

func TestMetersOfAnAccountShareTheTiers(t *testing.T) {
	v := household(tariff.Banded)
	a, b := kwh(t, "100"), kwh(t, "160")
	both, err := a.Add(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rate.Estimate(v, may(kwh(t, "2430"), both))
	if err != nil {
		t.Fatal(err)
	}
	if c.Total.String() != "150.69" {
		t.Errorf("got %s, want 150.69 whichever meter counted", c.Total)
	}
}

func TestIssuingTheEstimateMovesNoAvailableBalance(t *testing.T) {
	v, u := household(tariff.Banded), may(kwh(t, "2430"), kwh(t, "260"))
	estimate, err := rate.Estimate(v, u)
	if err != nil {
		t.Fatal(err)
	}
	paid, err := ledger.Fold([]ledger.Entry{ledger.NewPayment(2_000_000, "p", 1)})
	if err != nil {
		t.Fatal(err)
	}
	before, err := ledger.Available(paid, 0, estimate.Total)
	if err != nil {
		t.Fatal(err)
	}
	bill, err := rate.Estimate(v, u)
	if err != nil || bill != estimate {
		t.Fatalf("got bill %+v, %v, want the estimate", bill, err)
	}
	if err := paid.Apply(ledger.NewIssue(bill.Total, "b", 2)); err != nil {
		t.Fatal(err)
	}
	after, err := ledger.Available(paid, 0, 0)
	if err != nil || after != before || after.String() != "49.31" {
		t.Errorf("got %s after and %s before the issue, %v, want 49.31 both times", after, before, err)
	}
}

// A period's energy lies in lines whose quantities add up to it, and pricing a
// longer period never costs less.
func TestEstimateAddsUp(t *testing.T) {
	v := household(tariff.Banded)
	rapid.Check(t, func(t *rapid.T) {
		before := billing.Energy(rapid.Int64Range(0, 6000*int64(billing.KWh)).Draw(t, "before"))
		used := billing.Energy(rapid.Int64Range(0, 6000*int64(billing.KWh)).Draw(t, "used"))
		more := billing.Energy(rapid.Int64Range(0, 1000*int64(billing.KWh)).Draw(t, "more"))
		c, err := rate.Estimate(v, may(before, used))
		if err != nil {
			t.Fatal(err)
		}
		var sum billing.Energy
		var money billing.Money
		for _, l := range c.Items() {
			sum, money = sum+billing.Energy(l.Quantity), money+l.Amount
		}
		if sum != used || money != c.Total {
			t.Fatalf("lines give %s kWh and %s, want %s and %s", sum, money, used, c.Total)
		}
		longer, err := rate.Estimate(v, may(before, used+more))
		if err != nil || longer.Total < c.Total {
			t.Fatalf("got %s for more energy, %v, want at least %s", longer.Total, err, c.Total)
		}
	})
}

func TestEstimateAllocatesNothing(t *testing.T) {
	u := may(2430*billing.KWh, 2600*billing.KWh) // crosses both borders
	for _, n := range []tariff.Notation{tariff.Banded, tariff.Incremental} {
		v := household(n)
		if got := testing.AllocsPerRun(1000, func() {
			if _, err := rate.Estimate(v, u); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("got %v allocations with notation %d, want 0", got, n)
		}
	}
}

func TestExplain(t *testing.T) {
	c, err := rate.Estimate(household(tariff.Banded), may(kwh(t, "2430"), kwh(t, "260")))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2430 kWh used in the tier cycle before",
		"tier 1: 90 kWh × 0.5469 = 49.22",
		"tier 2: 170 kWh × 0.5969 = 101.47",
		"total 150.69",
		"2690 kWh used in the tier cycle now: tier 2",
	}
	if diff := cmp.Diff(want, c.Explain("en")); diff != "" {
		t.Error(diff)
	}
	c, err = rate.Estimate(household(tariff.Incremental), may(kwh(t, "2430"), kwh(t, "260")))
	if err != nil {
		t.Fatal(err)
	}
	want = []string{
		"本阶梯周期此前已用 2430 千瓦时",
		"全部电量：260 千瓦时 × 0.5469 = 142.19",
		"第 2 档加价：170 千瓦时 × 0.0500 = 8.50",
		"合计 150.69",
		"本阶梯周期现已用 2690 千瓦时，处于第 2 档",
	}
	if diff := cmp.Diff(want, c.Explain("zh")); diff != "" {
		t.Error(diff)
	}
	flat, err := rate.Estimate(joint(), may(0, 10*billing.KWh))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"flat price: 10 kWh × 0.5550 = 5.55", "total 5.55"}, flat.Explain("en")); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkEstimateHousehold(b *testing.B) {
	v, u := household(tariff.Banded), may(2430*billing.KWh, 260*billing.KWh)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rate.Estimate(v, u); err != nil {
			b.Fatal(err)
		}
	}
}
