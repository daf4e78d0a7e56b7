package billing_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"feikong/billing"

	"pgregory.net/rapid"
)

// halfAway rounds a fraction to a whole number, half away from zero.
func halfAway(r *big.Rat) *big.Int {
	twice := new(big.Rat).Add(new(big.Rat).Abs(new(big.Rat).Add(r, r)), big.NewRat(1, 1))
	q := new(big.Int).Quo(twice.Num(), new(big.Int).Mul(twice.Denom(), big.NewInt(2)))
	if r.Sign() < 0 {
		q.Neg(q)
	}
	return q
}

func pow(n int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
}

func part(q billing.Quantity, p billing.Price, num, den int64) *big.Rat {
	exact := new(big.Rat).SetInt64(int64(q)) // in 1e-14 of the currency
	exact.Mul(exact, new(big.Rat).SetInt64(int64(p)))
	return exact.Mul(exact, big.NewRat(num, den))
}

func TestMulPartEqualsFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, p := billing.Quantity(rapid.Int64().Draw(t, "q")), billing.Price(rapid.Int64().Draw(t, "p"))
		if rapid.Bool().Draw(t, "small") {
			q, p = q%1e13, p%1e11
		}
		den := rapid.Int64Range(1, 400_000).Draw(t, "den")
		num := rapid.Int64Range(0, den).Draw(t, "num")
		place := rapid.IntRange(0, 4).Draw(t, "place")
		exact := part(q, p, num, den)
		want := halfAway(new(big.Rat).Quo(exact, pow(14-place)))
		want.Mul(want, pow(4-place).Num())
		got, err := billing.MulPart(q, p, num, den, place)
		if fits := want.IsInt64(); fits != (err == nil) || fits && int64(got) != want.Int64() {
			t.Fatalf("got %s, %v, want %s", got, err, want)
		}
		m, fine, err := billing.MulExact(q, p, num, den)
		whole := halfAway(exact)
		money := halfAway(new(big.Rat).SetFrac(whole, big.NewInt(1e10)))
		if fits := money.IsInt64(); fits != (err == nil) {
			t.Fatalf("got %s, %v, want %s", m, err, money)
		}
		if err != nil {
			return
		}
		sum := new(big.Int).Add(new(big.Int).Mul(big.NewInt(int64(m)), big.NewInt(1e10)), big.NewInt(fine))
		if sum.Cmp(whole) != 0 || fine > 5e9 || fine < -5e9 {
			t.Fatalf("got %s and %d, want %s", m, fine, whole)
		}
	})
}

func TestRoundAtEqualsFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, fine := rapid.Int64().Draw(t, "m"), rapid.Int64Range(-1e15, 1e15).Draw(t, "fine")
		if rapid.Bool().Draw(t, "ties") {
			m, fine = m%100_000, fine/5e13*5e13
		}
		place := rapid.IntRange(0, 4).Draw(t, "place")
		exact := new(big.Rat).SetInt(new(big.Int).Add(new(big.Int).Mul(big.NewInt(m), big.NewInt(1e10)), big.NewInt(fine)))
		want := halfAway(exact.Quo(exact, pow(14-place)))
		want.Mul(want, pow(4-place).Num())
		got, err := billing.RoundAt(billing.Money(m), fine, place)
		if fits := want.IsInt64(); fits != (err == nil) || fits && int64(got) != want.Int64() {
			t.Fatalf("%d and %d at %d: got %d, %v, want %s", m, fine, place, got, err, want)
		}
	})
}

func TestMulFenIsMulRoundOrNotOK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, p := billing.Energy(rapid.Int64().Draw(t, "e")), billing.Price(rapid.Int64().Draw(t, "p"))
		if rapid.Bool().Draw(t, "small") {
			e, p = e%1e12, p%1e9
		}
		got, ok := billing.MulFen(e, p)
		want, err := billing.MulRound(e, p, 2)
		if ok && (err != nil || got != want) {
			t.Fatalf("got %s, want %s, %v", got, want, err)
		}
		if !ok && err == nil && e >= 0 && p >= 0 && want < 922_330_000 {
			t.Fatalf("not ok for %s", want)
		}
	})
}

func TestMoneyOfPartsRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func() error
		want error
	}{
		{"a place beyond money", func() error { _, err := billing.MulPart(1, 1, 1, 1, 5); return err }, billing.ErrPlace},
		{"a place below the whole", func() error { _, err := billing.RoundAt(1, 0, -1); return err }, billing.ErrPlace},
		{"a part of nothing", func() error { _, err := billing.MulPart(1, 1, 1, 0, 2); return err }, billing.ErrOverflow},
		{"a part below zero", func() error { _, _, err := billing.MulExact(1, 1, -1, 1); return err }, billing.ErrOverflow},
		{"a product beyond money", func() error { _, err := billing.MulPart(math.MaxInt64, math.MaxInt64, 1, 1, 0); return err }, billing.ErrOverflow},
		{"an exact product beyond money", func() error { _, _, err := billing.MulExact(math.MaxInt64, math.MaxInt64, 1, 1); return err }, billing.ErrOverflow},
		{"a product of three words", func() error { _, err := billing.MulPart(math.MinInt64, math.MinInt64, math.MaxInt64, 1, 0); return err }, billing.ErrOverflow},
		{"the rest of a sum beyond int64", func() error { _, err := billing.RoundAt(9999, math.MaxInt64, 0); return err }, billing.ErrOverflow},
		{"the sum beyond int64", func() error { _, err := billing.RoundAt(math.MaxInt64, 1e11, 4); return err }, billing.ErrOverflow},
		{"rounded up beyond int64", func() error { _, err := billing.RoundAt(math.MaxInt64, 5e9, 4); return err }, billing.ErrOverflow},
		{"scaled beyond int64", func() error { _, err := billing.Scale(math.MaxInt64, 1_000_001); return err }, billing.ErrOverflow},
		{"a quantity beyond int64", func() error { _, err := billing.Quantity(math.MaxInt64).Add(1); return err }, billing.ErrOverflow},
		{"a quantity below int64", func() error { _, err := billing.Quantity(math.MinInt64).Sub(1); return err }, billing.ErrOverflow},
	} {
		if err := test.do(); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

func TestScaleRoundsHalfAway(t *testing.T) {
	for _, test := range []struct{ n, factor, want int64 }{
		{900_000_000, 1_050_000, 945_000_000}, {1, 500_000, 1}, {-1, 500_000, -1}, {1, 499_999, 0}, {3, 500_000, 2}, {42, 2_000_000, 84},
	} {
		if got, err := billing.Scale(test.n, test.factor); err != nil || got != test.want {
			t.Errorf("%d × %d: got %d, %v, want %d", test.n, test.factor, got, err, test.want)
		}
	}
}

func TestQuantityIsDecimalText(t *testing.T) {
	q, err := billing.ParseQuantity("26.3")
	if err != nil || q != 26_300_000 || q.String() != "26.3" {
		t.Fatalf("got %d %s, %v", q, q, err)
	}
	text, err := q.MarshalText()
	var back billing.Quantity
	if err != nil || back.UnmarshalText(text) != nil || back != q {
		t.Errorf("got %d back of %q, %v", back, text, err)
	}
	if sum, err := q.Add(1); err != nil || sum != q+1 {
		t.Errorf("got %s, %v", sum, err)
	}
	if rest, err := q.Sub(1); err != nil || rest != q-1 {
		t.Errorf("got %s, %v", rest, err)
	}
	for u, want := range []string{"kWh", "kW", "kVA", "day", "month", "currency", "?"} {
		if got := billing.Unit(u).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
