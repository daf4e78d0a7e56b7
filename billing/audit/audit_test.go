package audit_test

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/audit"
	"feikong/billing/register"
	"feikong/internal/document"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)

// healthy is an hour of a 10 kW household that breaks no rule.
func healthy() audit.Facts {
	return audit.Facts{
		Now: noon.Add(time.Minute), HasPrevious: true,
		Previous: 100 * billing.KWh, PreviousAt: noon.Add(-time.Hour), Register: 105 * billing.KWh, At: noon,
		Verdict: register.OK, Energy: 5 * billing.KWh, BandsKnown: true, Bands: 5 * billing.KWh,
		DriftKnown: true, Drift: 20 * time.Second, Multiplier: 1, Read: 1,
		ContractRate: 10 * billing.KWh, MaxRate: 13 * billing.KWh,
		FeeKnown: true, Fee: 1_506_900, FeeEnergy: 260 * billing.KWh, LowPrice: 54_690_000, HighPrice: 84_690_000,
	}
}

func TestCheck(t *testing.T) {
	defaults := audit.DefaultRules()
	const hold, trip, flag = audit.Hold, audit.HoldTrip, audit.Flag
	type found struct {
		Code   string
		Action audit.Action
	}
	for _, test := range []struct {
		name string
		edit func(*audit.Facts)
		want []found
	}{
		{"healthy", func(f *audit.Facts) {}, nil},
		{"nothing known", func(f *audit.Facts) { *f = audit.Facts{Now: noon, At: noon} }, nil},
		{"A01 backwards", func(f *audit.Facts) { f.Register, f.Energy, f.BandsKnown, f.Verdict = 1, 0, false, register.Backwards }, []found{{"A01", hold}}},
		{"A01 verdict forgotten", func(f *audit.Facts) { f.Register, f.Energy, f.BandsKnown = 1, 0, false }, []found{{"A01", hold}}},
		{"A01 not for a rollover", func(f *audit.Facts) { f.Register, f.Verdict = 1, register.Rollover }, nil},
		{"A01 not for a first reading", func(f *audit.Facts) { f.Register, f.HasPrevious = 1, false }, nil},
		{"A05 negative", func(f *audit.Facts) { f.Energy, f.BandsKnown = -1, false }, []found{{"A05", hold}}},
		{"A05 overflow", func(f *audit.Facts) { f.Energy, f.BandsKnown, f.Verdict = 0, false, register.Overflow }, []found{{"A05", hold}}},
		{"A06 at 110 percent of capacity and a step", func(f *audit.Facts) { f.Energy = 11_011_000; f.Bands = f.Energy }, nil},
		{"A06 a mWh more", func(f *audit.Facts) { f.Energy = 11_011_001; f.Bands = f.Energy }, []found{{"A06", hold}}},
		{"A06 capacity unknown", func(f *audit.Facts) { f.Energy, f.ContractRate = 12*billing.KWh, 0; f.Bands = f.Energy }, nil},
		{"A06 one step of the register in a second", func(f *audit.Facts) { f.PreviousAt, f.Energy, f.Bands = f.At.Add(-time.Second), 10_000, 10_000 }, nil},
		{"A06 and A09 a coarse register", func(f *audit.Facts) {
			f.PreviousAt, f.Energy, f.Bands, f.Step = f.At.Add(-time.Second), 100_000, 100_000, 100_000
		}, nil},
		{"A06 and A09 two steps in a second", func(f *audit.Facts) { f.PreviousAt, f.Energy, f.Bands = f.At.Add(-time.Second), 20_000, 20_000 }, []found{{"A06", hold}, {"A09", hold}}},
		{"A07 at one kWh", func(f *audit.Facts) { f.Bands = 4 * billing.KWh }, nil},
		{"A07 below the share", func(f *audit.Facts) {
			f.ContractRate, f.MaxRate, f.Energy, f.Bands = 0, 0, 400*billing.KWh, 402*billing.KWh
		}, nil},
		{"A07 over both", func(f *audit.Facts) { f.Bands = 4*billing.KWh - 1 }, []found{{"A07", hold}}},
		{"A07 bands above the total", func(f *audit.Facts) { f.Bands = 6*billing.KWh + 1 }, []found{{"A07", hold}}},
		{"A07 beyond int64", func(f *audit.Facts) { f.Energy, f.Bands = -2, math.MaxInt64 }, []found{{"A05", hold}, {"A07", hold}}},
		{"A09 faster than the meter", func(f *audit.Facts) { f.ContractRate, f.Energy = 0, 13_010_001; f.Bands = f.Energy }, []found{{"A09", hold}}},
		{"A12 at 26 hours", func(f *audit.Facts) { f.Now = f.At.Add(26 * time.Hour) }, nil},
		{"A12 older", func(f *audit.Facts) { f.Now = f.At.Add(26*time.Hour + 1) }, []found{{"A12", trip}}},
		{"A13 slow clock", func(f *audit.Facts) { f.Drift = -5*time.Minute - 1 }, []found{{"A13", flag}}},
		{"A13 no trip", func(f *audit.Facts) { f.Drift = 10*time.Minute + 1 }, []found{{"A13", trip}}},
		{"A13 no such clock", func(f *audit.Facts) { f.Drift = math.MinInt64 }, []found{{"A13", trip}}},
		{"A13 an hour in the future", func(f *audit.Facts) { f.Now = f.At.Add(-time.Hour) }, []found{{"A13", hold}}},
		{"A13 five minutes ahead", func(f *audit.Facts) { f.Now = f.At.Add(-5 * time.Minute) }, nil},
		{"A13 ages ahead", func(f *audit.Facts) { f.Now = f.At.AddDate(-900, 0, 0) }, []found{{"A13", hold}}},
		{"A15 ratio changed", func(f *audit.Facts) { f.Read = 40 }, []found{{"A15", hold}}},
		{"A15 ratio unknown", func(f *audit.Facts) { f.Read = 0 }, nil},
		{"A20 too cheap", func(f *audit.Facts) { f.Fee = 1_000_000 }, []found{{"A20", hold}}},
		{"A20 too dear", func(f *audit.Facts) { f.Fee = 2_202_341 }, []found{{"A20", hold}}},
		{"A20 at the highest price and the tolerance", func(f *audit.Facts) { f.Fee = 2_202_340 }, nil},
		{"A20 beyond int64", func(f *audit.Facts) { f.FeeEnergy, f.HighPrice = math.MaxInt64, math.MaxInt64 }, []found{{"A20", hold}}},
		{"A20 no fee", func(f *audit.Facts) { f.Fee, f.FeeKnown = 0, false }, nil},
		{"A22 other content", func(f *audit.Facts) { f.Duplicate = true }, []found{{"A22", hold}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := healthy()
			test.edit(&f)
			var got []found
			for _, finding := range audit.Check(defaults, f, nil) {
				got = append(got, found{finding.Code, finding.Action})
				if finding.Detail == "" || audit.Title(finding.Code).ZH == "" {
					t.Errorf("%s has no words", finding.Code)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			for _, finding := range audit.Check(audit.Rules{}, f, nil) {
				t.Errorf("a rule that is off found %s", finding.Code)
			}
		})
	}
}

func TestCheckAppends(t *testing.T) {
	f := healthy()
	f.Duplicate = true
	got := audit.Check(audit.DefaultRules(), f, []audit.Finding{{Code: "A02"}})
	if len(got) != 2 || got[0].Code != "A02" || got[1].Detail != "reading of 2025-06-02T12:00:00Z is stored with other content" {
		t.Errorf("got %+v", got)
	}
}

func TestCheckAllocatesNothingWhenNothingIsFound(t *testing.T) {
	rules, facts := audit.DefaultRules(), healthy()
	out := make([]audit.Finding, 0, 4)
	if got := testing.AllocsPerRun(1000, func() {
		if len(audit.Check(rules, facts, out)) != 0 {
			t.Fatal("found something")
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func TestWorst(t *testing.T) {
	if got := audit.Worst(nil); got != 0 || got.String() != "none" {
		t.Errorf("got %s, want none", got)
	}
	got := audit.Worst([]audit.Finding{{Action: audit.Flag}, {Action: audit.Hold}, {Action: audit.HoldTrip}})
	if got != audit.Hold || got.String() != "hold" || audit.Flag.String() != "flag" || audit.HoldTrip.String() != "hold-trip" {
		t.Errorf("got %s, want hold", got)
	}
	if got := audit.Title("A99").In("zh"); got != "A99" {
		t.Errorf("got %q, want the code", got)
	}
}

func rulesYAML(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseKeepsDefaultsOfWhatIsLeftOut(t *testing.T) {
	got, err := audit.Parse("rules.yaml", rulesYAML(t))
	if err != nil {
		t.Fatal(err)
	}
	want := audit.DefaultRules()
	want.CapacityPercent = 120
	want.BandsLimit, want.BandsPermille = billing.KWh/2, 10
	want.Speed.Enabled = false
	want.Stale.Action, want.MaxAge = audit.Flag, 48*time.Hour
	want.ClockFlagAt, want.ClockTripAt, want.AheadAt = 2*time.Minute, 8*time.Minute, time.Minute
	want.FeeRange.Action, want.FeeTolerance = audit.Flag, 1000
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := audit.Parse("rules.yaml", []byte("rules: {}")); err != nil || got != audit.DefaultRules() {
		t.Errorf("got %+v, %v, want the defaults", got, err)
	}
	got, err = audit.Parse("rules.yaml", []byte("rules: {A13: {enabled: false}, A05: {action: hold-trip}}"))
	if err != nil || got.ClockAhead.Enabled || got.ClockTrip.Enabled || got.ClockFlag.Enabled || got.Unbillable.Action != audit.HoldTrip {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseRefusesWithLineAndRemedy(t *testing.T) {
	for _, test := range []struct {
		doc  string
		line int
		want string
	}{
		{"rules:\n  A01: {enabeld: true}", 2, `unknown key "enabeld", nearest is "enabled"`},
		{"rules:\n  A03: {enabled: true}", 2, `unknown key "A03", nearest is "A01"`},
		{"rules:\n  A01: {action: stop}", 2, `action is "stop"; give flag, hold-trip or hold`},
		{"rules:\n  A01: {enabled: on}", 2, `"on" is neither true nor false`},
		{"rules:\n  A06: {percent: 0}", 2, "percent is outside 1 to 1000"},
		{"rules:\n  A07: {limit_kwh: -1}", 2, "limit_kwh is negative"},
		{"rules:\n  A07: {limit_kwh: 0.0000001}", 2, "too many decimals"},
		{"rules:\n  A07: {permille: 1001}", 2, "permille is outside 0 to 1000"},
		{"rules:\n  A12: {max_age: 0s}", 2, "max_age must be above zero"},
		{"rules:\n  A13: {flag_over: -1s}", 2, "flag_over is negative"},
		{"rules:\n  A13: {flag_over: 11m}", 2, "no_trip_over is below flag_over"},
		{"rules:\n  A13: {hold_ahead: -1s}", 2, "hold_ahead is negative"},
		{"rules:\n  A20: {tolerance: \"-0.01\"}", 2, "tolerance is negative"},
		{"rules:\n  A01: {}\n  A01: {}", 3, `key "A01" stands here again`},
	} {
		_, err := audit.Parse("rules.yaml", []byte(test.doc))
		var fault *document.Error
		if !errors.As(err, &fault) || fault.Line != test.line || !strings.Contains(fault.Text, test.want) {
			t.Errorf("got %v, want line %d: %s", err, test.line, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(rulesYAML(f))
	f.Add([]byte("rules: {A01: {enabled: false}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := audit.Parse("fuzz", data)
		if err != nil {
			return
		}
		audit.Check(rules, healthy(), nil)
	})
}
