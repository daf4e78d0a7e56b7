package billing_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"feikong/billing"

	"pgregory.net/rapid"
)

func TestMoneyText(t *testing.T) {
	for _, test := range []struct {
		in    string
		want  billing.Money
		shown string
		err   error
	}{
		{"0", 0, "0.00", nil},
		{"150.69", 1_506_900, "150.69", nil},
		{"12.3456", 123_456, "12.3456", nil},
		{"12.3400", 123_400, "12.34", nil},
		{"-0.0001", -1, "-0.0001", nil},
		{"-5", -50_000, "-5.00", nil},
		{"007", 70_000, "7.00", nil},
		{"922337203685477.5807", math.MaxInt64, "922337203685477.5807", nil},
		{"-922337203685477.5808", math.MinInt64, "-922337203685477.5808", nil},
		{"922337203685477.5808", 0, "", billing.ErrOverflow},
		{"-922337203685477.5809", 0, "", billing.ErrOverflow},
		{"99999999999999999999999", 0, "", billing.ErrOverflow},
		{"9999999999999999999", 0, "", billing.ErrOverflow},
		{"1.00000", 0, "", billing.ErrDecimals},
		{"", 0, "", billing.ErrSyntax},
		{"-", 0, "", billing.ErrSyntax},
		{"+1", 0, "", billing.ErrSyntax},
		{".5", 0, "", billing.ErrSyntax},
		{"5.", 0, "", billing.ErrSyntax},
		{"1.2.3", 0, "", billing.ErrSyntax},
		{"1e3", 0, "", billing.ErrSyntax},
		{"1,000", 0, "", billing.ErrSyntax},
		{" 1", 0, "", billing.ErrSyntax},
		{"１", 0, "", billing.ErrSyntax},
		{"00000000000000000000000000000000000000001", 0, "", billing.ErrSyntax},
	} {
		got, err := billing.ParseMoney(test.in)
		if !errors.Is(err, test.err) || got != test.want {
			t.Errorf("%q: got %d, %v, want %d, %v", test.in, got, err, test.want, test.err)
		}
		if err == nil && got.String() != test.shown {
			t.Errorf("%q: got %s, want %s", test.in, got, test.shown)
		}
	}
}

func TestEnergyAndPriceText(t *testing.T) {
	e, err := billing.ParseEnergy("2430.010000")
	if err != nil || e != 2_430_010_000 || e.String() != "2430.01" || (2430*billing.KWh).String() != "2430" {
		t.Errorf("got %d %s %v", e, e, err)
	}
	p, err := billing.ParsePrice("0.423625") // Yunnan prints six decimals
	if err != nil || p != 42_362_500 || p.String() != "0.423625" || billing.Price(55_500_000).String() != "0.5550" {
		t.Errorf("got %d %s %v", p, p, err)
	}
	if _, err := billing.ParseEnergy("0.0000001"); !errors.Is(err, billing.ErrDecimals) {
		t.Errorf("got %v, want ErrDecimals", err)
	}
}

func TestUnitsTravelAsText(t *testing.T) {
	type row struct {
		M billing.Money
		E billing.Energy
		P billing.Price
	}
	want := row{-1_506_900, 260 * billing.KWh, 54_690_000}
	data, err := json.Marshal(want)
	if err != nil || string(data) != `{"M":"-150.69","E":"260","P":"0.5469"}` {
		t.Fatalf("got %s, %v", data, err)
	}
	var got row
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "v")
		if m, err := billing.ParseMoney(billing.Money(v).String()); err != nil || int64(m) != v {
			t.Fatalf("money %d became %d, %v", v, m, err)
		}
		if e, err := billing.ParseEnergy(billing.Energy(v).String()); err != nil || int64(e) != v {
			t.Fatalf("energy %d became %d, %v", v, e, err)
		}
		if p, err := billing.ParsePrice(billing.Price(v).String()); err != nil || int64(p) != v {
			t.Fatalf("price %d became %d, %v", v, p, err)
		}
	})
}

func TestMulRound(t *testing.T) {
	for _, test := range []struct {
		kwh, price string
		place      int
		want       string
		err        error
	}{
		{"90", "0.5469", 2, "49.22", nil},    // 49.221
		{"170", "0.5969", 2, "101.47", nil},  // 101.473
		{"1", "0.005", 2, "0.01", nil},       // half goes away from zero,
		{"-1", "0.005", 2, "-0.01", nil},     // on both sides
		{"1", "0.00499999", 2, "0.00", nil},  // just below half
		{"1", "0.5469", 0, "1.00", nil},      // whole units
		{"1", "0.5469", 4, "0.5469", nil},    // to the last decimal
		{"1", "-0.5469", 1, "-0.50", nil},    // negative price
		{"0", "0.5469", 2, "0.00", nil},      // nothing
		{"1", "1", 5, "", billing.ErrPlace},  // no such decimal
		{"1", "1", -1, "", billing.ErrPlace}, // nor that
		{"9000000000000", "90000000000", 2, "", billing.ErrOverflow},
	} {
		e, err1 := billing.ParseEnergy(test.kwh)
		p, err2 := billing.ParsePrice(test.price)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		got, err := billing.MulRound(e, p, test.place)
		if !errors.Is(err, test.err) || err == nil && got.String() != test.want {
			t.Errorf("%s kWh × %s to %d: got %s, %v, want %s, %v", test.kwh, test.price, test.place, got, err, test.want, test.err)
		}
	}
}

// The oracle is a rational number rounded by its definition, with nothing of
// MulRound's own arithmetic.
func TestMulRoundAgainstBig(t *testing.T) {
	edge := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1e7, 1e7), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64}))
	rapid.Check(t, func(t *rapid.T) {
		e, p := edge.Draw(t, "energy"), edge.Draw(t, "price")
		place := rapid.IntRange(0, billing.MoneyDecimals).Draw(t, "place")
		got, err := billing.MulRound(billing.Energy(e), billing.Price(p), place)

		exact := new(big.Rat).Mul(big.NewRat(e, 1_000_000), big.NewRat(p, 100_000_000))
		text := exact.FloatString(place) // rounds half away from zero
		rounded, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("no number: %s", text)
		}
		units := rounded.Mul(rounded, big.NewRat(10_000, 1))
		if !units.IsInt() {
			t.Fatalf("%s is no whole number of units", units)
		}
		if !units.Num().IsInt64() {
			if !errors.Is(err, billing.ErrOverflow) {
				t.Fatalf("got %d, %v, want ErrOverflow for %s", got, err, units)
			}
			return
		}
		if err != nil || int64(got) != units.Num().Int64() {
			t.Fatalf("got %d, %v, want %s", got, err, units.Num())
		}
	})
}

func TestSumsNeverWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-5, 5), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64}))
		a, b := edge.Draw(t, "a"), edge.Draw(t, "b")
		check := func(what string, got int64, err error, want *big.Int) {
			if want.IsInt64() {
				if err != nil || got != want.Int64() {
					t.Fatalf("%s: got %d, %v, want %s", what, got, err, want)
				}
			} else if !errors.Is(err, billing.ErrOverflow) {
				t.Fatalf("%s: got %d, %v, want ErrOverflow", what, got, err)
			}
		}
		x, y := big.NewInt(a), big.NewInt(b)
		m, err := billing.Money(a).Add(billing.Money(b))
		check("money +", int64(m), err, new(big.Int).Add(x, y))
		m, err = billing.Money(a).Sub(billing.Money(b))
		check("money -", int64(m), err, new(big.Int).Sub(x, y))
		e, err := billing.Energy(a).Add(billing.Energy(b))
		check("energy +", int64(e), err, new(big.Int).Add(x, y))
		e, err = billing.Energy(a).Sub(billing.Energy(b))
		check("energy -", int64(e), err, new(big.Int).Sub(x, y))
		e, err = billing.Energy(a).Times(b)
		check("energy ×", int64(e), err, new(big.Int).Mul(x, y))
		p, err := billing.Price(a).Sub(billing.Price(b))
		check("price -", int64(p), err, new(big.Int).Sub(x, y))
	})
}

func TestEnergyOver(t *testing.T) {
	for _, test := range []struct {
		perHour billing.Energy
		d       time.Duration
		want    billing.Energy
		err     error
	}{
		{10 * billing.KWh, 90 * time.Minute, 15 * billing.KWh, nil},
		{1, 59 * time.Minute, 0, nil},
		{-1, time.Hour, 0, nil},
		{1, -time.Hour, 0, nil},
		{math.MaxInt64, time.Hour, math.MaxInt64, nil},
		{math.MaxInt64, time.Hour + 1, 0, billing.ErrOverflow},
		{math.MaxInt64, math.MaxInt64, 0, billing.ErrOverflow},
	} {
		if got, err := test.perHour.Over(test.d); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%d over %v: got %d, %v, want %d, %v", test.perHour, test.d, got, err, test.want, test.err)
		}
	}
}

func TestNameFallsBackToTheOtherLanguage(t *testing.T) {
	both := billing.Name{ZH: "表", EN: "meter"}
	if both.In("zh") != "表" || both.In("en") != "meter" || both.In("fr") != "meter" {
		t.Errorf("got %s, %s, %s", both.In("zh"), both.In("en"), both.In("fr"))
	}
	if got := (billing.Name{ZH: "表"}).In("en"); got != "表" {
		t.Errorf("got %q, want the Chinese name", got)
	}
	if got := (billing.Name{EN: "meter"}).In("zh"); got != "meter" {
		t.Errorf("got %q, want the English name", got)
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"0", "-12.3456", "1e3", "9999999999999999999", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := billing.ParseMoney(s)
		if err != nil {
			return
		}
		if again, err := billing.ParseMoney(m.String()); err != nil || again != m {
			t.Errorf("%q is %d, shown as %s, read as %d, %v", s, m, m, again, err)
		}
	})
}
