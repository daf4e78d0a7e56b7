package bill_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/bill"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

var beijing = time.FixedZone("+08:00", 8*3600)

// shipped is a tariff of configs/tariffs.
func shipped(t testing.TB, name string) []tariff.Version {
	t.Helper()
	data, err := os.ReadFile("../../configs/tariffs/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	v, err := tariff.Parse(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func document(t testing.TB, v []tariff.Version, text string) *usage.Document {
	t.Helper()
	d, err := usage.Parse("u", []byte(text), v[0].Location())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func period(t testing.TB, v []tariff.Version, text string) *usage.Period {
	t.Helper()
	return &document(t, v, text).Periods[0]
}

func rated(t testing.TB, v []tariff.Version, text string) bill.Bill {
	t.Helper()
	b, err := bill.Rate(v, nil, period(t, v, text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// codes is the lines as "code quantity price amount".
func codes(b *bill.Bill) (lines []string) {
	for _, l := range b.Lines {
		if !l.Included {
			lines = append(lines, strings.Join([]string{l.Code, l.Quantity.String(), l.Price.String(), l.Amount.String()}, " "))
		}
	}
	return lines
}

func money(t testing.TB, s string) billing.Money {
	t.Helper()
	m, err := billing.ParseMoney(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWorkedNumbers(t *testing.T) {
	for _, test := range []struct{ name, tariff, usage, total, after string }{
		{"B2", "shandong-household", "from: 2026-07-01\nto: 2026-08-01\ncounter: 2430\nenergy: 260", "150.69", "2690"},
		{"B3", "shandong-household-tou", "from: 2026-07-01\nto: 2026-08-01\ncounter: 4650\nbands: [{band: peak, kwh: 210}, {band: valley, kwh: 130}]", "234.65", "4990"},
		{"B3 by register", "shandong-household-tou", `
from: 2026-07-01
to: 2026-08-01
counter: 4650
meters:
  - meter: "1"
    readings:
      - {at: 2026-07-01, total: 1000, registers: [{register: 2, value: 600}, {register: 4, value: 400}]}
      - {at: 2026-08-01, total: 1340, registers: [{register: 2, value: 810}, {register: 4, value: 530}]}
`, "234.65", "4990"},
		{"B6", "hubei-two-part-35kv", `
from: 2026-01-01
to: 2026-02-01
bands: [{band: sharp, kwh: 10000}, {band: peak, kwh: 30000}, {band: flat, kwh: 50000}, {band: valley, kwh: 40000}]
supplies: [{mode: contract, capacity: 1600, declared: 900, measured: 1000}]
reactive: {taken: 52000}
`, "125127.02", "130000"},
		{"Johannesburg", "johannesburg-prepaid", "from: 2024-01-01\nto: 2024-02-01\nenergy: 520", "1321.83", "520"},
		{"Kenya", "kenya-domestic", "from: 2025-10-01\nto: 2025-11-01\nenergy: 64", "1666.69", "64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := rated(t, shipped(t, test.tariff), test.usage)
			if b.Total.String() != test.total || b.CounterAfter.String() != test.after {
				t.Errorf("got %s and counter %s, want %s and %s: %q", b.Total, b.CounterAfter, test.total, test.after, codes(&b))
			}
		})
	}
}

func TestAYearsEndIsCutByReadingElseByDays(t *testing.T) {
	v := shipped(t, "shandong-household")
	days := rated(t, v, "from: 2025-12-17\nto: 2026-01-16\ncounter: 4790\nenergy: 300")
	if got := codes(&days); len(days.Parts) != 2 || strings.Join(got, "; ") != "tier2 10 0.5969 5.97; tier3 140 0.8469 118.57; tier1 150 0.5469 82.04" || days.Parts[0].Method != bill.ByDay {
		t.Errorf("got %q by %s", got, days.Parts[0].Method)
	}
	if days.CounterBefore.String() != "4790" || days.CounterAfter.String() != "150" {
		t.Errorf("got counters %s and %s", days.CounterBefore, days.CounterAfter)
	}
	read := rated(t, v, `
from: 2025-12-17
to: 2026-01-16
counter: 4790
meters: [{meter: "1", readings: [{at: 2025-12-17, total: 0}, {at: 2026-01-01, total: 100}, {at: 2026-01-16, total: 300}]}]
`)
	if got := codes(&read); strings.Join(got, "; ") != "tier2 10 0.5969 5.97; tier3 90 0.8469 76.22; tier1 200 0.5469 109.38" || read.Parts[1].Method != bill.ByReading {
		t.Errorf("got %q by %s", got, read.Parts[1].Method)
	}
}

func TestWhatTheTariffNeedsIsNamed(t *testing.T) {
	for _, test := range []struct{ name, tariff, usage, want string }{
		{"counter", "shandong-household", "from: 2026-07-01\nto: 2026-08-01\nenergy: 260", "u: line 1: usage lacks what the tariff needs: counter is missing; tariff shandong-household has tiers by the cycle that began on 2026-01-01"},
		{"bands", "shandong-household-tou", "from: 2026-07-01\nto: 2026-08-01\ncounter: 1\nenergy: 260", "only the total is told; give bands, registers or hours for peak, valley"},
		{"supplies", "hubei-two-part-35kv", "from: 2026-01-01\nto: 2026-02-01\nenergy: 0", "supplies is missing"},
		{"reactive", "hubei-two-part-35kv", "from: 2026-01-01\nto: 2026-02-01\nenergy: 0\nsupplies: [{mode: measured, capacity: 100, measured: 5}]", "reactive is missing"},
		{"capacity", "hubei-two-part-35kv", "from: 2026-01-01\nto: 2026-02-01\nenergy: 0\nreactive: {taken: 1}\nsupplies: [{mode: measured, measured: 5}]", "capacity of the supply on line 5 is missing"},
		{"months", "hubei-two-part-35kv", "from: 2026-01-01\nto: 2026-02-02\nenergy: 0\nreactive: {taken: 1}\nsupplies: [{mode: measured, capacity: 10, measured: 5}]", "no version of the tariff is valid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := shipped(t, test.tariff)
			_, err := bill.Rate(v, nil, period(t, v, test.usage))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if !errors.Is(err, rate.ErrFacts) && !errors.Is(err, tariff.ErrNoVersion) {
				t.Errorf("%v is of no known kind", err)
			}
		})
	}
}
