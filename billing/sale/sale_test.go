package sale_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/sale"
	"feikong/billing/tariff"
	"feikong/billing/usage"

	"pgregory.net/rapid"
)

func shipped(t testing.TB, name, extra string) []tariff.Version {
	t.Helper()
	data, err := os.ReadFile("../../configs/tariffs/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	v, err := tariff.Parse(name, []byte(string(data)+extra))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func money(t testing.TB, s string) billing.Money {
	t.Helper()
	m, err := billing.ParseMoney(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sell(t testing.TB, v []tariff.Version, text string) []sale.Sold {
	t.Helper()
	d, err := usage.Parse("u", []byte(text), v[0].Location())
	if err != nil {
		t.Fatal(err)
	}
	sold, err := sale.Sell(v, d.Sale, "u")
	if err != nil {
		t.Fatal(err)
	}
	return sold
}

func TestAMiniGridsPaymentIsAccessThenApplianceThenEnergy(t *testing.T) {
	v := shipped(t, "mini-grid", "")
	sold := sell(t, v, `
sale:
  debts: [{code: appliance, amount: 60000, share: 75%, consent: "contract, clause 4"}, {code: shop, amount: 5000}]
  payments: [{at: 2026-07-02, amount: 20000}, {at: 2026-07-20, amount: 1500}, {at: 2026-08-01, amount: 1000}]
`)
	one := sold[0]
	if one.Fixed.String() != "2000.00" || one.Takings[0].Amount.String() != "15000.00" || one.Charge.String() != "3000.00" || one.Energy != 2*billing.KWh || one.Change != 0 {
		t.Errorf("got fixed %s, appliance %s, energy %s for %s, change %s", one.Fixed, one.Takings[0].Amount, one.Energy, one.Charge, one.Change)
	}
	if shop := one.Takings[1]; !shop.Refused || shop.Amount != 0 {
		t.Errorf("a debt without consent took %s", shop.Amount)
	}
	if sold[1].Fixed != 0 || sold[1].Takings[0].Amount.String() != "1125.00" || sold[1].Energy.String() != "0.2" || sold[1].Change.String() != "75.00" {
		t.Errorf("got %+v", sold[1])
	}
	if sold[2].Fixed.String() != "1000.00" || sold[2].Energy != 0 {
		t.Errorf("the next month took %s", sold[2].Fixed)
	}
}

func TestJohannesburgSellsThroughTheBlocks(t *testing.T) {
	v := shipped(t, "johannesburg-prepaid", "      - fixed: {code: service, name: {en: Service}, per_month: 200}\n")
	sold := sell(t, v, `
sale:
  fixed: {below: 400, share: 50%}
  payments:
    - {at: 2024-01-03, amount: 100}
    - {at: 2024-01-10, amount: 399.99}
    - {at: 2024-01-20, amount: 1321.83}
    - {at: 2024-02-01, amount: 1521.83}
`)
	for i, want := range []string{"50.00", "150.00", "0.00", "200.00"} {
		if sold[i].Fixed.String() != want {
			t.Errorf("payment %d: fixed %s, want %s", i+1, sold[i].Fixed, want)
		}
		if sold[i].Energy <= 0 {
			t.Errorf("payment %d buys nothing", i+1)
		}
	}
	// 1 321.83 without anything bought before is the 520 kWh of the published example.
	if sold[3].Energy != 520*billing.KWh || sold[3].Change != 0 || sold[3].CounterBefore != 0 {
		t.Errorf("got %s kWh, change %s", sold[3].Energy, sold[3].Change)
	}
}

func TestASaleIsTheInverseOfTheCharge(t *testing.T) {
	v := shipped(t, "johannesburg-prepaid", "")
	rapid.Check(t, func(rt *rapid.T) {
		quantum := billing.Energy(rapid.SampledFrom([]int64{1, 1_000, 100_000, 1_000_000}).Draw(rt, "quantum"))
		s := &usage.Sale{Quantum: quantum, Bought: billing.Energy(rapid.Int64Range(0, 1_000_000_000).Draw(rt, "bought"))}
		for range rapid.IntRange(1, 3).Draw(rt, "payments") {
			s.Payments = append(s.Payments, usage.Payment{At: v[0].ValidFrom, Amount: billing.Money(rapid.Int64Range(0, 50_000_000).Draw(rt, "amount"))})
		}
		sold, err := sale.Sell(v, s, "u")
		if err != nil {
			rt.Fatal(err)
		}
		for _, one := range sold {
			if one.Charge+one.Change != one.Amount || one.Change < 0 || one.CounterAfter-one.CounterBefore != one.Energy {
				rt.Fatalf("%s is charge %s and change %s", one.Amount, one.Charge, one.Change)
			}
			use := rate.Usage{From: one.At, To: one.At, Energy: one.Energy, CycleBefore: one.CounterBefore}
			if c, err := rate.Estimate(&v[0], use); err != nil || c.Total != one.Charge {
				rt.Fatalf("a bill of %s kWh is %s, the sale says %s: %v", one.Energy, c.Total, one.Charge, err)
			}
			use.Energy += quantum
			if c, err := rate.Estimate(&v[0], use); err != nil || c.Total <= one.Amount {
				rt.Fatalf("%s would have bought a quantum more: %v", one.Amount, err)
			}
		}
	})
}

func TestSalesThatCannotBeMade(t *testing.T) {
	free := []tariff.Version{{ID: "free", Number: 1, Kind: tariff.Flat, Decimals: 2, ValidFrom: time.Unix(0, 0)}}
	for _, test := range []struct {
		v    []tariff.Version
		at   string
		kind error
		want string
	}{
		{free, "2026-01-01", sale.ErrFree, "gives any number of kWh for 100.00"},
		{shipped(t, "hubei-two-part-35kv", ""), "2026-01-02", rate.ErrFacts, "has prices by band"},
		{shipped(t, "johannesburg-prepaid", ""), "2022-01-01", tariff.ErrNoVersion, "no version"},
	} {
		at, err := time.Parse(time.DateOnly, test.at)
		if err != nil {
			t.Fatal(err)
		}
		s := &usage.Sale{Quantum: billing.KWh, Payments: []usage.Payment{{At: at, Amount: money(t, "100"), Line: 7}}}
		_, err = sale.Sell(test.v, s, "u")
		if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "u: line 7: payment of 100.00") {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestSalesAtTheEdges(t *testing.T) {
	head := "tariff: s\nname: {en: S}\ncurrency: KES\nutc_offset: \"+03:00\"\nversions:\n  - number: 1\n    valid_from: 2026-01-10\n    valid_to: 2026-01-20\n    document: D\n    decimals: 2\n    kind: composed\n    components:\n"
	parse := func(text string) []tariff.Version {
		v, err := tariff.Parse("s", []byte(head+text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// Ten days of the month are in the version, the sum is the month's all the same.
	v := parse("      - energy: {price: 2}\n      - fixed: {per_month: 30}\n      - tax: {rate: 10%}\n")
	sold := sell(t, v, "sale: {payments: [{at: 2026-01-11, amount: 34}]}")
	if one := sold[0]; one.Fixed.String() != "33.00" || one.Energy.String() != "0.4" || one.Change.String() != "0.12" {
		t.Errorf("got %s, %s kWh and %s", one.Fixed, one.Energy, one.Change)
	}
	d, err := usage.Parse("u", []byte("sale: {quantum: 9000000000000, payments: [{at: 2026-01-11, amount: 34}]}"), v[0].Location())
	if err != nil {
		t.Fatal(err)
	}
	if sold, err := sale.Sell(parse("      - energy: {price: 1000000000}\n"), d.Sale, "u"); err != nil || sold[0].Energy != 0 || sold[0].Change != sold[0].Amount {
		t.Errorf("got %+v, %v", sold, err)
	}
	if _, err := sale.Sell(parse("      - energy: {price: 1}\n      - basic: {per_kva: 1}\n"), d.Sale, "u"); !errors.Is(err, rate.ErrFacts) || !strings.Contains(err.Error(), "is not sold in advance") {
		t.Errorf("got %v", err)
	}
	broken := []tariff.Version{{ID: "b", Number: 1, Kind: tariff.Composed, Decimals: 2, ValidFrom: time.Unix(0, 0), Components: []tariff.Component{{Kind: tariff.EnergyCharge, Code: "energy", Energy: &tariff.EnergyPrice{}}}}}
	if _, err := sale.Sell(broken, d.Sale, "u"); !errors.Is(err, rate.ErrVersion) {
		t.Errorf("got %v", err)
	}
	broken[0].Components = append(broken[0].Components, tariff.Component{Kind: tariff.FixedCharge, Code: "fixed", Fixed: &tariff.Fixed{PerDay: 1}})
	if _, err := sale.Sell(broken, d.Sale, "u"); !errors.Is(err, rate.ErrVersion) || !strings.Contains(err.Error(), "fixed sums of the month") {
		t.Errorf("got %v", err)
	}
}

func TestALandlordsBillAddsUp(t *testing.T) {
	kwh := func(s string) billing.Energy {
		e, err := billing.ParseEnergy(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	got, err := sale.Allot(money(t, "96.37"), 2, []usage.Share{{Tenant: "a", Energy: kwh("120.5")}, {Tenant: "b", Energy: kwh("80.2")}, {Tenant: "stairs", Energy: kwh("10"), Common: true}})
	if err != nil || len(got) != 2 || got[0].Amount.String() != "57.86" || got[1].Amount.String() != "38.51" || got[0].Common+got[1].Common != kwh("10") {
		t.Errorf("got %+v, %v, want 57.86 and 38.51", got, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		decimals := rapid.IntRange(0, 4).Draw(t, "decimals")
		var shares []usage.Share
		for range rapid.IntRange(1, 9).Draw(t, "tenants") {
			shares = append(shares, usage.Share{Energy: billing.Energy(rapid.Int64Range(1, 1e12).Draw(t, "kwh"))})
		}
		unit := [...]billing.Money{10_000, 1_000, 100, 10, 1}[decimals]
		total := billing.Money(rapid.Int64Range(0, 1e9).Draw(t, "bill")) * unit
		parts, err := sale.Allot(total, decimals, shares)
		if err != nil {
			t.Fatal(err)
		}
		sum := billing.Money(0)
		for _, p := range parts {
			sum += p.Amount
		}
		if sum != total {
			t.Fatalf("the parts are %s, the bill is %s", sum, total)
		}
	})
	for _, bad := range []struct {
		total    billing.Money
		decimals int
		shares   []usage.Share
	}{{1, 2, []usage.Share{{Energy: 1}}}, {-100, 2, []usage.Share{{Energy: 1}}}, {100, 5, nil}, {100, 2, nil}, {100, 2, []usage.Share{{Energy: 1, Common: true}}}, {100, 2, []usage.Share{{Energy: -1}}}} {
		if _, err := sale.Allot(bad.total, bad.decimals, bad.shares); err == nil {
			t.Errorf("%+v was allotted", bad)
		}
	}
}
