package bill_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/bill"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// flat is versions of one price each, built by hand, that do not know their ends.
func flat(p billing.Price, starts ...time.Time) (list []tariff.Version) {
	for i, at := range starts {
		list = append(list, tariff.Version{ID: "flat", Number: i + 1, Kind: tariff.Flat, Decimals: 2, Zone: beijing, Price: p, ValidFrom: at})
	}
	return list
}

func TestVersionsThatDoNotKnowTheirEndsAreCutAllTheSame(t *testing.T) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, beijing)
	v := flat(1e8, first, first.AddDate(0, 0, 10))
	b := rated(t, v, january+"energy: 310")
	if got := strings.Join(codes(&b), "; "); got != "flat 100 1.0000 100.00; flat 210 1.0000 210.00" {
		t.Errorf("got %s", got)
	}
	cells, err := bill.Cut(v, "u", first, first.AddDate(0, 1, 0))
	if err != nil || len(cells) != 2 {
		t.Errorf("got %d cells, %v", len(cells), err)
	}
	var daily []time.Time
	for i := range 600 {
		daily = append(daily, first.AddDate(0, 0, i))
	}
	if _, err := bill.Rate(flat(1e8, daily...), nil, period(t, v, "from: 2026-01-01\nto: 2027-08-01\nenergy: 1")); err == nil || !strings.Contains(err.Error(), "more than 512 parts") {
		t.Errorf("got %v", err)
	}
	// A change at noon: parts without a day of their own are weighed by time.
	noon := flat(1e8, first, first.Add(18*time.Hour))
	b = rated(t, noon, "from: 2026-01-01\nto: 2026-01-02\nenergy: 24")
	if got := strings.Join(codes(&b), "; "); got != "flat 18 1.0000 18.00; flat 6 1.0000 6.00" {
		t.Errorf("got %s", got)
	}
}

func TestSumsBeyondTheUnitAreReported(t *testing.T) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, beijing)
	half := first.AddDate(0, 0, 16)
	many := "energy: 9000000000000"
	composed := two(t, "    components:\n      - energy: {price: 1}\n")
	segments := "meters: [{meter: a, segments: [{to: 2026-01-16, energy: 9000000000000}, {from: 2026-01-16, energy: 9000000000000}]}]"
	highUse := two(t, "    components:\n      - energy: {price: 1}\n      - basic: {per_kw: 30, high_use: {kwh_per_kva: 260, factor: 0.9}}\n")
	for _, test := range []struct {
		name string
		v    []tariff.Version
		text string
	}{
		{"line", flat(200e8, first), many},
		{"total", flat(190e8, first, half), many},
		{"energy of the parts", composed, segments},
		{"energy of the period", composed, segments + "\nloss: {energy: 1}"},
		{"counter", flat(1, first), "counter: 9000000000000\n" + many},
		{"capacity", highUse, "energy: 310\nsupplies: [{mode: measured, capacity: 9000000000000, measured: 1}, {mode: measured, capacity: 9000000000000, measured: 1}]"},
	} {
		if _, err := bill.Rate(test.v, nil, period(t, test.v, january+test.text)); !errors.Is(err, billing.ErrOverflow) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	v := shipped(t, "hubei-single-lv")
	late := usage.Late{Amount: math.MaxInt64, Due: first, Paid: first.AddDate(0, 0, 9)}
	if _, err := bill.Late(v, "u", late); !errors.Is(err, billing.ErrOverflow) {
		t.Errorf("got %v", err)
	}
	late = usage.Late{Amount: 1, Due: first.AddDate(-9, 0, 0), Paid: first}
	if _, err := bill.Late(v, "u", late); !errors.Is(err, tariff.ErrNoVersion) {
		t.Errorf("got %v", err)
	}
}

func TestReactiveFromRegistersAndLossByBand(t *testing.T) {
	v := shipped(t, "hubei-two-part-10kv")
	b := rated(t, v, january+`
supplies: [{mode: capacity, capacity: 315, days: 20}]
loss: {bands: [{band: sharp, kwh: 1}, {band: 2, kwh: 2}]}
meters:
  - meter: a
    multiplier: 10
    readings:
      - {at: 2026-01-01, total: 0, registers: [{register: 1, value: 0}, {register: 2, value: 0}, {register: 4, value: 0}, {register: reactive, value: 0}]}
      - {at: 2026-02-01, total: 100, registers: [{register: 1, value: 10}, {register: 2, value: 20}, {register: 4, value: 30}, {register: reactive, value: 40}]}
`)
	var got []string
	for _, l := range b.Lines {
		if !l.Included {
			got = append(got, l.Code+" "+l.Quantity.String())
		}
	}
	if text := strings.Join(got, "; "); text != "energy.sharp 101; energy.peak 202; energy.flat 400; energy.valley 300; basic.capacity 210; factor "+got[len(got)-1][len("factor "):] {
		t.Errorf("got %s", text)
	}
}

func TestDaysOfUseInASplitMonth(t *testing.T) {
	v := two(t, "    components:\n      - energy: {price: 1}\n      - basic: {per_kva: 31, days_of_month: 31}\n")
	for _, test := range []struct{ supply, want string }{
		{"days: 10", "5.00 5.00"},
		{"to: 2026-01-05", "4.00 0.00"},
		{"days: 31", "15.00 16.00"},
	} {
		b := rated(t, v, january+"energy: 0\nsupplies: [{mode: capacity, capacity: 1, "+test.supply+"}]")
		if got := b.Lines[1].Amount.String() + " " + b.Lines[3].Amount.String(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.supply, got, test.want)
		}
	}
}

func TestARoundedSumHasALineForIt(t *testing.T) {
	b := rated(t, shipped(t, "johannesburg-prepaid"), "from: 2024-01-01\nto: 2024-02-01\nenergy: 100.1")
	sum := billing.Money(0)
	for _, l := range b.Lines {
		sum += l.Amount
	}
	last := b.Lines[len(b.Lines)-1]
	if last.Code != "rounding" || sum != b.Total {
		t.Errorf("the lines are %s, the total %s: %q", sum, b.Total, codes(&b))
	}
}

func TestCorrectionsThatCannotBeMade(t *testing.T) {
	v := shipped(t, "shandong-household")
	for _, test := range []struct{ name, text, want string }{
		{"held", "corrections: [{from: 2026-01-01, to: 2026-02-01, meters: [{meter: a, readings: [{at: 2026-01-01, total: 5}, {at: 2026-02-01, total: 4}]}]}]", "held, not billed"},
		{"counter", "corrections: [{from: 2026-01-01, to: 2026-02-01, energy: 1, counter: 4}]", "counter is 4 kWh, but the tier cycle begins on 2026-01-01"},
	} {
		d := document(t, v, "periods: [{from: 2026-01-01, to: 2026-02-01, energy: 5}]\n"+test.text)
		if _, _, _, err := bill.Correct(v, nil, d.Periods, d.Corrections); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	// The difference of a stack of free kWh in a day that is cut.
	free := two(t, "    components:\n      - energy: {price: 1, free: {per_day: 1, stack: 2}}\n")
	b := rated(t, free, "from: 2026-01-02\nto: 2026-01-02T12:00\nhours: {kwh: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]}")
	if b.Total != 1e4 {
		t.Errorf("got %s, want 1.00", b.Total)
	}
	d := document(t, v, strings.Replace(year, "reason: misread", "form: difference", 1))
	_, postings, net, err := bill.Correct(v, nil, d.Periods, d.Corrections)
	if err != nil || len(postings) != 3 || net.String() != "-119.38" || postings[0].Bill.Lines[0].Amount.String() != "-118.38" || postings[1].Bill.Total.String() != "-1.00" {
		t.Errorf("got %+v, %s, %v", postings, net, err)
	}
}
