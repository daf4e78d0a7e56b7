package register_test

import (
	"math"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/register"

	"pgregory.net/rapid"
)

func kwh(t *testing.T, s string) billing.Energy {
	t.Helper()
	e, err := billing.ParseEnergy(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDelta(t *testing.T) {
	// Six digits, 10 kW: 240 kWh a day at most.
	home := register.Rules{Digits: 6, Multiplier: 1, MaxRate: 10 * billing.KWh}
	with := func(edit func(*register.Rules)) register.Rules { r := home; edit(&r); return r }
	ct := with(func(r *register.Rules) { r.Multiplier = 40 })
	day := 24 * time.Hour
	for _, test := range []struct {
		name, start, end string
		elapsed          time.Duration
		rules            register.Rules
		want             string
		verdict          register.Verdict
	}{
		{"rises", "100.25", "110.75", day, home, "10.5", register.OK},
		{"stands", "100", "100", day, home, "0", register.OK},
		{"multiplier", "100", "101.5", day, ct, "60", register.OK},
		{"fast but rising is for the audit", "0", "5000", day, home, "5000", register.OK},
		{"rollover", "999999.9", "5.1", day, home, "5.2", register.Rollover},
		{"rollover from the tenth's border", "900000", "0", 500 * 1000 * time.Hour, home, "100000", register.Rollover},
		{"just below the last tenth", "899999.999999", "0", 500 * 1000 * time.Hour, home, "0", register.Backwards},
		{"all the capacity could draw", "999900", "140", day, home, "240", register.Rollover},
		{"a mWh more than that", "999900", "140.000001", day, home, "0", register.Backwards},
		{"multiplier counts against capacity", "999999", "5.1", day, ct, "0", register.Backwards},
		{"rollover with multiplier", "999999", "5", day, ct, "240", register.Rollover},
		{"backwards", "110", "109.99", day, home, "0", register.Backwards},
		{"set back to zero", "50000", "0", day, home, "0", register.Backwards},
		{"no time passed", "999999", "1", 0, home, "0", register.Backwards},
		{"capacity unknown", "999999", "1", day, with(func(r *register.Rules) { r.MaxRate = 0 }), "0", register.Backwards},
		{"digits unknown", "999999", "1", day, with(func(r *register.Rules) { r.Digits = 0 }), "0", register.Backwards},
		{"digits unknown, rising", "999999", "1000001", day, with(func(r *register.Rules) { r.Digits = 0 }), "2", register.OK},
		{"more digits than there are", "999999", "1000000", day, home, "0", register.Invalid},
		{"start beyond the digits", "1000000", "1", day, home, "0", register.Invalid},
		{"negative", "-1", "1", day, home, "0", register.Invalid},
		{"no multiplier", "1", "2", day, with(func(r *register.Rules) { r.Multiplier = 0 }), "0", register.Invalid},
		{"digits beyond the unit", "1", "2", day, with(func(r *register.Rules) { r.Digits = 13 }), "0", register.Invalid},
		{"overflow", "0", "2", day, with(func(r *register.Rules) { r.Multiplier = math.MaxInt64 }), "0", register.Overflow},
		{"overflow is no rollover", "999999", "2", day, with(func(r *register.Rules) { r.Multiplier = math.MaxInt64 }), "0", register.Backwards},
		{"twelve digits", "999999999999", "1", day, with(func(r *register.Rules) { r.Digits = 12 }), "2", register.Rollover},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, verdict := register.Delta(kwh(t, test.start), kwh(t, test.end), test.elapsed, test.rules)
			if got != kwh(t, test.want) || verdict != test.verdict {
				t.Errorf("got %s, %s, want %s, %s", got, verdict, test.want, test.verdict)
			}
		})
	}
}

// Readings in between never change what was used, and what is not billable has
// no energy.
func TestDeltaAddsUp(t *testing.T) {
	rules := register.Rules{Digits: 6, Multiplier: 3, MaxRate: math.MaxInt64}
	top := int64(1_000_000*billing.KWh) - 1
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) billing.Energy { return billing.Energy(rapid.Int64Range(0, top).Draw(t, name)) }
		a, b, c := at("a"), at("b"), at("c")
		ab, v1 := register.Delta(a, b, time.Hour, rules)
		bc, v2 := register.Delta(b, c, time.Hour, rules)
		ac, v3 := register.Delta(a, c, 2*time.Hour, rules)
		if !v1.Billable() && ab != 0 || ab < 0 {
			t.Fatalf("verdict %s with %s kWh", v1, ab)
		}
		if v1 == register.OK && v2 == register.OK && (v3 != register.OK || ab+bc != ac) {
			t.Fatalf("%s and %s kWh, together %s (%s)", ab, bc, ac, v3)
		}
	})
}

func TestVerdictWords(t *testing.T) {
	want := []string{"ok", "rollover", "backwards", "overflow", "invalid"}
	for i, word := range want {
		v := register.Verdict(i)
		if v.String() != word || v.Billable() != (i < 2) {
			t.Errorf("verdict %d: got %s, billable %v", i, v, v.Billable())
		}
	}
}
