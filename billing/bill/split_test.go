package bill_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/bill"
	"feikong/billing/tariff"
	"feikong/billing/usage"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// two is a composed tariff whose second version, the same but for its number, begins on 16 January.
func two(t testing.TB, components string) []tariff.Version {
	t.Helper()
	text := "tariff: two\nname: {en: Two}\ncurrency: CNY\nutc_offset: \"+08:00\"\nversions:\n"
	for i, from := range []string{"2026-01-01", "2026-01-16"} {
		text += fmt.Sprintf("  - number: %d\n    valid_from: %s\n    document: D\n    decimals: 2\n    kind: composed\n%s", i+1, from, components)
	}
	v, err := tariff.Parse("two", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const january = "from: 2026-01-01\nto: 2026-02-01\n"

// What counts by the month adds up to the month, however many versions it has.
func TestAMonthOfTwoVersionsIsOneMonth(t *testing.T) {
	for _, test := range []struct {
		name, components, usage string
		one                     string // what the month costs in one version
		lines                   string
	}{
		{"fixed by the month", "    components:\n      - energy: {price: 1}\n      - fixed: {per_month: 31}\n", "energy: 310", "341.00", "energy 150 150.00; fixed 0.483871 15.00; energy 160 160.00; fixed 0.516129 16.00"},
		{"fixed by the day", "    components:\n      - energy: {price: 1}\n      - fixed: {per_day: 2}\n", "energy: 310", "372.00", "energy 150 150.00; fixed 15 30.00; energy 160 160.00; fixed 16 32.00"},
		{"fixed in proportion", "    components:\n      - energy: {price: 1}\n      - fixed: {per_month: 31, prorate: true}\n", "energy: 310", "341.00", "energy 150 150.00; fixed 0.483871 15.00; energy 160 160.00; fixed 0.516129 16.00"},
		{"capacity", "    components:\n      - energy: {price: 1}\n      - basic: {per_kva: 30}\n", "energy: 310\nsupplies: [{mode: capacity, capacity: 100}]", "3310.00", "energy 150 150.00; basic.capacity 50 1500.00; energy 160 160.00; basic.capacity 50 1500.00"},
		{"ten days of capacity", "    components:\n      - energy: {price: 1}\n      - basic: {per_kva: 30}\n", "energy: 310\nsupplies: [{mode: capacity, capacity: 100, from: 2026-01-11, to: 2026-01-21}]", "1310.00", "energy 150 150.00; basic.capacity 16.666667 500.00; energy 160 160.00; basic.capacity 16.666667 500.00"},
		{"free kWh", "    components:\n      - energy: {price: 1, free: {per_month: 31}}\n", "energy: 310", "279.00", "energy.free 15.000001 0.00; energy 134.999999 135.00; energy.free 15.999999 0.00; energy 144.000001 144.00"},
		{"fixed amount", "    components:\n      - energy: {code: house, price: 0.5, share: {amount: 31}}\n      - energy: {price: 1}\n", "energy: 310", "294.50", "house 15 7.50; energy 135 135.00; house 16 8.00; energy 144 144.00"},
		{"whole consumption", "    cycle: {month: 1, day: 1, months: 1}\n    components:\n      - energy: {notation: whole, tiers: [{up_to: 200, price: 1}, {price: 2}]}\n", "energy: 310", "620.00", "energy.tier2 150 300.00; energy.tier2 160 320.00"},
		{"high use", "    components:\n      - energy: {price: 1}\n      - basic: {per_kw: 30, high_use: {kwh_per_kva: 260, factor: 0.9}}\n", "energy: 310\nsupplies: [{mode: measured, capacity: 1, measured: 1}]", "337.00", "energy 150 150.00; basic.measured 0.5 13.50; energy 160 160.00; basic.measured 0.5 13.50"},
		{"not so high use", "    components:\n      - energy: {price: 1}\n      - basic: {per_kw: 30, high_use: {kwh_per_kva: 311, factor: 0.9}}\n", "energy: 310\nsupplies: [{mode: measured, capacity: 1, measured: 1}]", "340.00", "energy 150 150.00; basic.measured 0.5 15.00; energy 160 160.00; basic.measured 0.5 15.00"},
		{"power factor", "    components:\n      - energy: {price: 1}\n      - factor: {standard: 0.90}\n", "energy: 310\nreactive: {taken: 310}", "339.45", "energy 150 150.00; factor 150 14.25; energy 160 160.00; factor 160 15.20"},
		{"loss", "    components:\n      - energy: {price: 1}\n", "energy: 310\nloss: {energy: 31}", "341.00", "energy 165 165.00; energy 176 176.00"},
		{"loss of nothing", "    components:\n      - energy: {price: 1}\n", "energy: 0\nloss: {energy: 31}", "31.00", "energy 15 15.00; energy 16 16.00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := two(t, test.components)
			one := []tariff.Version{v[0]}
			one[0].ValidTo = time.Time{}
			if b := rated(t, one, january+test.usage); b.Total.String() != test.one {
				t.Errorf("one version: got %s, want %s: %q", b.Total, test.one, codes(&b))
			}
			b := rated(t, v, january+test.usage)
			var got []string
			for _, l := range b.Lines {
				got = append(got, l.Code+" "+l.Quantity.String()+" "+l.Amount.String())
			}
			if text := strings.Join(got, "; "); text != test.lines || b.Total.String() != test.one {
				t.Errorf("two versions: got %s: %s, want %s: %s", b.Total, text, test.one, test.lines)
			}
		})
	}
}

// A daily allowance that stacks needs the days.
func TestUnusedFreeKWhCarryOnUpToTheStack(t *testing.T) {
	v := two(t, "    components:\n      - energy: {price: 1, free: {per_day: 1, stack: 2}}\n")
	const days = "from: 2026-01-14\nto: 2026-01-18\nfree_stock: 5\n" + "meters: [{meter: a, readings: [{at: 2026-01-14, total: 0}, {at: 2026-01-15, total: 0}, {at: 2026-01-16, total: 3}, {at: 2026-01-17, total: 3.5}, {at: 2026-01-18, total: 7}]}]"
	b := rated(t, v, days)
	// 2 of 3 kWh are free before the change; then 0.5, and 1.5 of 3.5.
	if got := strings.Join(codes(&b), "; "); got != "energy.free 2 0.0000 0.00; energy 1 1.0000 1.00; energy.free 2 0.0000 0.00; energy 2 1.0000 2.00" {
		t.Errorf("got %s", got)
	}
	if _, err := bill.Rate(v, nil, period(t, v, january+"energy: 5")); err == nil || !strings.Contains(err.Error(), "give hours, or a reading each midnight") {
		t.Errorf("got %v", err)
	}
}

// A reading more, the order of meters, and doing it again move nothing.
func TestSplittingReorderingRepeatingNeverChangesASum(t *testing.T) {
	v := shipped(t, "shandong-household")
	start := time.Date(2025, 11, 1, 0, 0, 0, 0, beijing)
	rapid.Check(t, func(rt *rapid.T) {
		u := usage.Period{From: start, To: start.AddDate(0, 0, rapid.IntRange(1, 120).Draw(rt, "days")), CounterKnown: true, Counter: billing.Energy(rapid.Int64Range(0, 5e9).Draw(rt, "counter")), Name: "u", Line: 1}
		days := usage.Days(u.From, u.To, beijing)
		for m := range rapid.IntRange(1, 3).Draw(rt, "meters") {
			s := usage.Segment{From: u.From, To: u.To, Multiplier: rapid.Int64Range(1, 40).Draw(rt, "multiplier"), Line: 1}
			at := billing.Energy(0)
			for d := 0; d <= days; d++ {
				keep := d == 0 || d == days || u.From.AddDate(0, 0, d).Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, beijing)) || rapid.Bool().Draw(rt, "read")
				if keep {
					s.Readings = append(s.Readings, usage.Reading{At: u.From.AddDate(0, 0, d), Method: usage.Freeze, Values: []usage.Value{{Register: "total", Value: at}}})
				}
				at += billing.Energy(rapid.Int64Range(0, 20e6).Draw(rt, "daily"))
			}
			u.Meters = append(u.Meters, usage.Meter{ID: fmt.Sprint(m), Segments: []usage.Segment{s}, Line: 1})
		}
		want, err := bill.Rate(v, nil, &u)
		if err != nil {
			rt.Fatal(err)
		}
		sum, energy := billing.Money(0), billing.Energy(0)
		for i, p := range want.Parts {
			sum, energy = sum+p.Charge.Total, energy+p.Energy
			if i > 0 && !p.From.Equal(want.Parts[i-1].To) {
				rt.Fatalf("part %d begins at %s", i, p.From)
			}
		}
		if sum != want.Total || energy != want.Energy {
			rt.Fatalf("parts are %s and %s, the bill %s and %s", sum, energy, want.Total, want.Energy)
		}
		// Fewer readings between, cut into segments, in another order.
		other := u
		other.Meters = nil
		for i := len(u.Meters) - 1; i >= 0; i-- {
			m := u.Meters[i]
			all := m.Segments[0].Readings
			var few []usage.Reading
			var segments []usage.Segment
			for k, r := range all {
				if newYear := r.At.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, beijing)); k == 0 || k == len(all)-1 || newYear || rapid.Bool().Draw(rt, "keep") {
					few = append(few, r)
				}
			}
			for k := 1; k < len(few); k++ {
				s := m.Segments[0]
				s.Readings, s.From, s.To = few[k-1:k+1], few[k-1].At, few[k].At
				segments = append(segments, s)
			}
			m.Segments = segments
			other.Meters = append(other.Meters, m)
		}
		got, err := bill.Rate(v, nil, &other)
		if err != nil {
			rt.Fatal(err)
		}
		again, err := bill.Rate(v, nil, &u)
		if err != nil {
			rt.Fatal(err)
		}
		for _, b := range []*bill.Bill{&got, &again} {
			if diff := cmp.Diff(want.Lines, b.Lines); diff != "" || b.Total != want.Total || b.CounterAfter != want.CounterAfter {
				rt.Fatalf("total %s, want %s: %s", b.Total, want.Total, diff)
			}
		}
	})
}

// Bills of the parts of a year come, tier by tier, to the kWh of the year's bill.
func TestPeriodsOfAYearGoOnWithTheCounter(t *testing.T) {
	v := shipped(t, "shandong-household")
	rapid.Check(t, func(rt *rapid.T) {
		all := usage.Period{From: time.Date(2026, 1, 1, 0, 0, 0, 0, beijing), Name: "u", Line: 1}
		var periods []usage.Period
		at, sum := all.From, billing.Energy(0)
		for range rapid.IntRange(1, 12).Draw(rt, "months") {
			energy := billing.Energy(rapid.Int64Range(0, 900e6).Draw(rt, "energy"))
			to := at.AddDate(0, 1, 0)
			periods = append(periods, usage.Period{From: at, To: to, Name: "u", Line: 1, Meters: told(at, to, energy)})
			at, sum = to, sum+energy
		}
		all.To, all.Meters = at, told(all.From, at, sum)
		bills, err := bill.RateAll(v, nil, periods)
		if err != nil {
			rt.Fatal(err)
		}
		year, err := bill.Rate(v, nil, &all)
		if err != nil {
			rt.Fatal(err)
		}
		tiers := map[string]billing.Quantity{}
		for _, l := range year.Lines {
			tiers[l.Code] += l.Quantity
		}
		for _, b := range bills {
			for _, l := range b.Lines {
				tiers[l.Code] -= l.Quantity
			}
		}
		for code, left := range tiers {
			if left != 0 {
				rt.Fatalf("%s differs by %s kWh", code, left)
			}
		}
		if last := bills[len(bills)-1]; last.CounterAfter != year.CounterAfter {
			rt.Fatalf("counter %s, want %s", last.CounterAfter, year.CounterAfter)
		}
	})
}

func told(from, to time.Time, energy billing.Energy) []usage.Meter {
	return []usage.Meter{{Segments: []usage.Segment{{From: from, To: to, Multiplier: 1, Total: energy, TotalKnown: true, Line: 1}}, Line: 1}}
}

func TestFactsOfTheHousehold(t *testing.T) {
	v := shipped(t, "shandong-household-tou")
	const bands = "bands: [{band: peak, kwh: 1000}, {band: valley, kwh: 0}]\n"
	for _, test := range []struct{ name, text, want string }{
		{"no facts", "counter: 2500\n" + bands, "energy.peak 1000 0.5769 576.90; energy.tier2 980 0.0500 49.00"},
		{"five persons", "counter: 2500\nhousehold: {persons: 5}\n" + bands, "energy.peak 1000 0.5769 576.90"},
		{"opened in March", "counter: 2000\nhousehold: {since: 2026-03-20}\n" + bands, "energy.peak 1000 0.5769 576.90; energy.tier2 900 0.0500 45.00"},
		{"opened this day", "household: {since: 2026-07-01}\n" + bands, "energy.peak 1000 0.5769 576.90; energy.tier2 0 0.0500 0.00"},
		{"low income", "counter: 0\nhousehold: {words: [low-income]}\n" + bands, "energy.free 15 0.0000 0.00; energy.peak 985 0.5769 568.25"},
		{"low income, given before", "counter: 0\nfree_before: 10\nhousehold: {words: [low-income]}\n" + bands, "energy.free 5 0.0000 0.00; energy.peak 995 0.5769 574.02"},
		{"new owner", "new_owner: true\n" + bands, "energy.peak 1000 0.5769 576.90"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := rated(t, v, "from: 2026-07-01\nto: 2026-08-01\n"+test.text)
			got := strings.Join(codes(&b), "; ")
			if test.name == "opened this day" { // six months: 1 260
				test.want = "energy.peak 1000 0.5769 576.90"
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNotesAndEstimates(t *testing.T) {
	v := shipped(t, "shandong-household")
	b := rated(t, v, "from: 2026-01-01\nto: 2026-02-01\nmeters: [{meter: a, readings: [{at: 2026-01-01, total: 0}, {at: 2026-02-01, total: 5, method: estimate}]}]")
	if !b.Estimated || b.Parts[0].End != usage.Estimate || len(b.Notes) != 1 {
		t.Errorf("got %+v", b)
	}
	if !rated(t, v, "from: 2026-01-01\nto: 2026-02-01\nto_date: true\nenergy: 1").Estimated {
		t.Error("a running month is no estimate")
	}
	for m, want := range map[bill.Method]string{bill.Whole: "whole", bill.ByReading: "reading", bill.ByDay: "day"} {
		if m.String() != want {
			t.Errorf("got %s", m)
		}
	}
	if bill.Kind(9).String() != "unknown" {
		t.Error("a kind that is none has a name")
	}
}

func TestWhatCannotBeBilled(t *testing.T) {
	monthly := two(t, "    components:\n      - energy: {price: 1}\n      - basic: {per_kva: 30}\n")
	for _, test := range []struct{ name, text, want string }{
		{"longer than a month", "from: 2026-01-01\nto: 2026-02-02\nenergy: 1\nsupplies: [{mode: capacity, capacity: 1}]", "write one of periods for each month"},
		{"no such mode", january + "energy: 1\nsupplies: [{mode: measured, capacity: 1, measured: 1}]", "has no price for the mode of the supply on line 4"},
		{"before the tariff", "from: 2025-01-01\nto: 2025-02-01\nenergy: 1", "begin the period later, or add the version"},
		{"loss in no band", january + "energy: 1\nsupplies: [{mode: capacity, capacity: 1}]\nloss: {bands: [{band: night, kwh: 1}]}", "loss in band night, which tariff two has not"},
		{"beyond the unit", january + "energy: 9223372036854\nsupplies: [{mode: capacity, capacity: 1}]\nloss: {energy: 1000000}", "beyond the range"},
	} {
		_, err := bill.Rate(monthly, nil, period(t, monthly, test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "u: line ") && test.name != "beyond the unit" {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
	v := shipped(t, "shandong-household")
	d := document(t, v, strings.Replace(year, "energy: 2400", "energy: 2400, counter: 0", 1))
	d.Periods[1].CounterKnown, d.Periods[1].Counter = true, 10*billing.KWh
	d.Periods[2].CounterKnown, d.Periods[2].Counter = true, 10*billing.KWh
	if _, _, _, err := bill.Correct(v, nil, d.Periods, d.Corrections); err == nil || !strings.Contains(err.Error(), "leave a tier counter of -190 kWh") {
		t.Errorf("got %v", err)
	}
	if _, _, _, err := bill.Correct(v[:0], nil, d.Periods, d.Corrections); !errors.Is(err, tariff.ErrNoVersion) {
		t.Errorf("got %v", err)
	}
}
