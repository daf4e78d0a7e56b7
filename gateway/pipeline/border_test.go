package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/protocol"
)

// newYear is where the tiers of the world's accounts begin anew: start is in November 2026.
var newYear = time.Date(2027, 1, 1, 0, 0, 0, 0, shandong).UnixMilli()

func entry(meter string, method protocol.Method, register uint8, energy float64, at int64) protocol.Entry {
	e := reading(meter, protocol.ActiveImport, kwh(energy), at)
	e.Reading.Method, e.Reading.Register = method, register
	if !seen(method) {
		e.Reading.MeterTime = at
	}
	return e
}

func poll(meter string, energy float64, at int64) protocol.Entry {
	return entry(meter, protocol.MethodPoll, 0, energy, at)
}

func issued(t *testing.T, w *world, id, label string) account.Bill {
	t.Helper()
	no, _ := w.ByID(id)
	estimate, available := w.account(id).Estimate, w.available(id)
	if r := w.do(id, account.IssueKey(id, label), account.Event{Issue: &account.Issue{Label: label}}); r.Status != account.Accepted {
		t.Fatalf("%+v", r)
	}
	b := w.bills[no][len(w.bills[no])-1]
	sum := billing.Money(0)
	for _, l := range b.Lines {
		sum += l.Amount
	}
	if b.Amount != estimate || sum != b.Amount || w.available(id) != available {
		t.Errorf("bill %s, lines %s, estimate %s, available %s and was %s", b.Amount, sum, estimate, w.available(id), available)
	}
	return b
}

func lines(b *account.Bill) string {
	var out []string
	for _, l := range b.Lines {
		out = append(out, l.Code+" "+l.Quantity.String()+" "+l.Amount.String())
	}
	return strings.Join(out, "; ")
}

// A household that has 10 kWh left in its second tier on 17 December uses 300 by 16 January: what of it is of the new year decides
// what it costs, and is found in the order of fee-control.md B12.
func TestAPeriodOverTheEndOfTheTierCycleIsCut(t *testing.T) {
	from, to := newYear-15*day, newYear+15*day
	for _, test := range []struct {
		name    string
		between []protocol.Entry
		want    string
		how     string
	}{
		{"by days", nil, "tier2 10 5.97; tier3 140 118.57; tier1 150 82.04", "by day"},
		{"by the meter's freeze", []protocol.Entry{entry("m1", protocol.MethodFreeze, 0, 200, newYear), poll("m1", 201, newYear+minute)},
			"tier2 10 5.97; tier3 90 76.22; tier1 200 109.38", "by reading"},
		{"by the nearest snapshot", []protocol.Entry{poll("m1", 200, newYear-4*minute), poll("m1", 201, newYear+3*minute)}, "tier2 10 5.97; tier3 91 77.07; tier1 199 108.83", "by reading"},
		{"between readings", []protocol.Entry{poll("m1", 200, newYear-hour), poll("m1", 204, newYear+3*hour)}, "tier2 10 5.97; tier3 91 77.07; tier1 199 108.83", "by reading"},
		{"readings too far apart", []protocol.Entry{poll("m1", 200, newYear-4*hour), poll("m1", 204, newYear+4*hour)}, "tier2 10 5.97; tier3 140 118.57; tier1 150 82.04", "by day"},
		{"two freezes that differ", []protocol.Entry{entry("m1", protocol.MethodFreeze, 0, 200, newYear), entry("m1", protocol.MethodFreeze, 0, 201, newYear)},
			"tier2 10 5.97; tier3 140 118.57; tier1 150 82.04", "by day"},
		{"a freeze that is no register of the period", []protocol.Entry{entry("m1", protocol.MethodFreeze, 0, 99, newYear)}, "tier2 10 5.97; tier3 140 118.57; tier1 150 82.04", "by day"},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := slices.Concat([]protocol.Entry{poll("m1", 100, from)}, test.between, []protocol.Entry{poll("m1", 400, to)})
			reversed := slices.Clone(all)
			slices.Reverse(reversed)
			for _, order := range [][]protocol.Entry{all, reversed} {
				p := profile("1001", pointProfile("m1"))
				p.TariffID, p.CycleUsed = "shandong-household", billing.Energy(kwh(4790))
				w := newWorld(t, p)
				w.pay("1001", "p", yuan(500))
				w.now = to
				for _, e := range order {
					w.settle(t, w.batch(e))
				}
				if s := w.account("1001"); s.Hold != "" || s.Points[0].Hold != "" {
					t.Fatalf("%+v", s)
				}
				w.expect("1001", account.StageNormal)
				b := issued(t, w, "1001", "2027-01")
				if got := lines(&b); got != test.want || !strings.Contains(strings.Join(b.Explain, "\n"), test.how) || len(b.ExplainZH) == 0 {
					t.Errorf("got %s\n%s", got, strings.Join(b.Explain, "\n"))
				}
				// The counter is the new year's, and the next period goes on from it.
				used := b.Lines[len(b.Lines)-1].Quantity
				if s := w.account("1001"); s.CycleBefore != billing.Energy(used) || s.CycleStart != newYear || s.PeriodStart != to {
					t.Errorf("%+v", s)
				}
				w.now += day
				w.read("m1", 410)
				if s := w.account("1001"); s.Estimate != 54_700 || s.CycleBefore != billing.Energy(used) || s.CycleStart != newYear {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

// What an estimate adds from day to day is the difference of the cumulated charge: over the border nothing is lost or charged twice.
func TestEstimatesOverTheBorderAddUpToTheBill(t *testing.T) {
	p := profile("1001", pointProfile("m1"))
	p.TariffID, p.CycleUsed = "shandong-household", billing.Energy(kwh(4700))
	w := newWorld(t, p)
	w.pay("1001", "p", yuan(5000))
	used := 0.0
	for at := newYear - 15*day; at <= newYear+15*day; at += 6 * hour {
		w.now = at
		w.read("m1", 1000+used)
		used += 3
	}
	b := issued(t, w, "1001", "x")
	if got, want := lines(&b), "tier2 100 59.69; tier3 80 67.75; tier1 180 98.44"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMetersThatShareTheTiersAreCutEachByItsOwnReadings(t *testing.T) {
	p := profile("1001", pointProfile("m1"), pointProfile("m2"), pointProfile("m3"))
	p.Points[1].Multiplier, p.TariffID = 2, "shandong-household"
	p.Points[1].MaxRate = 0
	w := newWorld(t, p)
	w.pay("1001", "p", yuan(5000))
	w.now = newYear + 10*day
	w.settle(t, w.batch(
		poll("m1", 100, newYear-10*day), poll("m1", 150, newYear), poll("m1", 200, newYear+10*day),
		poll("m2", 10, newYear-9*day), poll("m2", 15, newYear-day), // then silent: all of it is of the old year
		poll("m3", 0, newYear+2*day), poll("m3", 7, newYear+9*day))) // opened in the new year
	b := issued(t, w, "1001", "x")
	if got, want := lines(&b), "tier1 60 32.81; tier1 57 31.17"; got != want || b.Energy != billing.Energy(kwh(117)) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestARolloverOnTheWayOverTheBorderStillAddsUp(t *testing.T) {
	p := profile("1001", pointProfile("m1"))
	p.TariffID = "shandong-household"
	w := newWorld(t, p)
	w.pay("1001", "p", yuan(5000))
	w.now = newYear + 10*day
	w.settle(t, w.batch(poll("m1", 999_980, newYear-10*day), poll("m1", 5, newYear-5*day), poll("m1", 25, newYear), poll("m1", 40, newYear+10*day)))
	b := issued(t, w, "1001", "x")
	if got, want := lines(&b), "tier1 45 24.61; tier1 15 8.20"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func parsed(t *testing.T, text string) []tariff.Version {
	t.Helper()
	v, err := tariff.Parse("t", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const twoVersions = `tariff: shandong-joint
name: {en: test}
currency: CNY
utc_offset: "+08:00"
versions:
  - {number: 1, valid_from: 2019-01-01, valid_to: 2027-01-01, document: one, decimals: 2, kind: flat, price: 0.5}
  - {number: 2, valid_from: 2027-01-01, document: two, decimals: 2, kind: flat, price: 0.6}
`

func TestAPeriodOverAChangeOfTheTariffIsCut(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.config.Tariffs["shandong-joint"] = parsed(t, twoVersions)
	w.pay("1001", "p", yuan(500))
	w.now = newYear + 10*day
	w.settle(t, w.batch(poll("m1", 100, newYear-10*day), poll("m1", 200, w.now)))
	if s := w.account("1001"); s.Hold != "" || s.Estimate != yuan(55) {
		t.Fatalf("%+v", s)
	}
	// The freeze comes a day late and moves no register, but the estimate.
	w.settle(t, w.batch(entry("m1", protocol.MethodFreeze, 0, 180, newYear)))
	b := issued(t, w, "1001", "x")
	if got, want := lines(&b), "flat 80 40.00; flat 20 12.00"; got != want || b.Tariff != "shandong-joint v1 + v2" || b.Document != "one; two" {
		t.Errorf("got %s, %s, %s", got, b.Tariff, b.Document)
	}
}

func TestATariffThatEndsHoldsThePeriod(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.config.Tariffs["shandong-joint"] = parsed(t, strings.SplitAfter(twoVersions, "price: 0.5}\n")[0])
	w.now = newYear + 10*day
	w.settle(t, w.batch(poll("m1", 100, newYear-10*day), poll("m1", 200, w.now)))
	if s := w.account("1001"); s.Hold != holdTariff || s.Estimate != 0 {
		t.Errorf("%+v", s)
	}
}

const noDays = `tariff: shandong-joint
name: {en: test}
currency: CNY
utc_offset: "+08:00"
versions:
  - number: 1
    valid_from: 2019-01-01
    document: one
    decimals: 2
    kind: composed
    cycle: {month: 1, day: 1, months: 12}
    split: {forbid: true}
    components:
      - energy: {tiers: [{up_to: 100, price: 0.5}, {price: 0.6}], notation: banded}
`

func TestWhereDaysMayNotTellThePeriodIsHeldUntilAReadingDoes(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.config.Tariffs["shandong-joint"] = parsed(t, noDays)
	w.pay("1001", "p", yuan(500))
	w.now = newYear + 10*day
	w.settle(t, w.batch(poll("m1", 100, newYear-10*day), poll("m1", 300, w.now)))
	s := w.account("1001")
	if s.Hold != holdCross || s.Estimate != yuan(110) {
		t.Fatalf("hold %q, estimate %s", s.Hold, s.Estimate)
	}
	if r := w.do("1001", "k", account.Event{Issue: &account.Issue{Label: "x"}}); r.Rule != "held" {
		t.Fatalf("%+v", r)
	}
	w.settle(t, w.batch(poll("m1", 210, newYear-minute)))
	b := issued(t, w, "1001", "x")
	if got, want := lines(&b), "energy.tier1 100 50.00; energy.tier2 10 6.00; energy.tier1 90 45.00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func rates(meter string, at int64, total, peak, valley float64) []protocol.Entry {
	return []protocol.Entry{poll(meter, total, at), entry(meter, protocol.MethodPoll, 2, peak, at), entry(meter, protocol.MethodPoll, 4, valley, at)}
}

func hoursWorld(t *testing.T) *world {
	p := profile("1001", pointProfile("m1"))
	p.TariffID, p.CycleUsed = "shandong-household-tou", billing.Energy(kwh(4650))
	w := newWorld(t, p)
	w.pay("1001", "p", yuan(500))
	return w
}

func TestBandsComeFromTheRateRegisters(t *testing.T) {
	w := hoursWorld(t)
	at := time.Date(2026, 7, 1, 0, 0, 0, 0, shandong).UnixMilli()
	w.settle(t, w.batch(rates("m1", at, 1000, 600, 400)...))
	if s := w.account("1001"); s.Hold != "" || s.Estimate != 0 {
		t.Fatalf("%+v", s)
	}
	w.settle(t, w.batch(rates("m1", at+31*day, 1340, 810, 530)...))
	if s := w.account("1001"); s.Hold != "" || s.Estimate != 2_346_500 { // B3
		t.Fatalf("hold %q, estimate %s", s.Hold, s.Estimate)
	}
	b := issued(t, w, "1001", "x")
	if s := w.account("1001"); s.CycleBefore != billing.Energy(kwh(4990)) || len(b.Explain) == 0 {
		t.Errorf("%+v", s)
	}
}

func TestRateRegistersThatAreMissingOrDoNotAddUpHoldTheFee(t *testing.T) {
	w := hoursWorld(t)
	at := time.Date(2026, 7, 1, 0, 0, 0, 0, shandong).UnixMilli()
	w.settle(t, w.batch(rates("m1", at, 1000, 600, 400)...))
	late := rates("m1", at+31*day, 1340, 810, 530)
	w.settle(t, w.batch(late[:2]...))
	s := w.account("1001")
	if s.Hold != holdBands || s.Estimate != 0 || s.Energy != billing.Energy(kwh(340)) {
		t.Fatalf("hold %q, estimate %s", s.Hold, s.Estimate)
	}
	holds := func() (open []account.Finding) {
		for _, f := range w.OpenFindings(1) {
			if f.Hold {
				open = append(open, f)
			}
		}
		return open
	}
	if f := holds(); len(f) != 1 || f[0].Code != holdBands || !strings.Contains(f[0].Detail, "rate register 4") {
		t.Fatalf("%+v", f)
	}
	w.settle(t, w.batch(late[2])) // it comes by itself, behind its total
	if s := w.account("1001"); s.Hold != "" || s.Estimate != 2_346_500 || len(holds()) != 0 {
		t.Fatalf("hold %q, estimate %s", s.Hold, s.Estimate)
	}
	w.settle(t, w.batch(rates("m1", at+32*day, 1360, 820, 535)...)) // 5 kWh of no band, limit 1.8
	if s := w.account("1001"); s.Hold != holdBands {
		t.Errorf("hold %q, estimate %s", s.Hold, s.Estimate)
	}
}

// In the heating season the valley has another price on the same register: its first midnight is a border like the year's end.
func TestARegisterThatBeginsToCountAnotherBandIsCut(t *testing.T) {
	w := hoursWorld(t)
	season := time.Date(2026, 11, 1, 0, 0, 0, 0, shandong).UnixMilli()
	w.settle(t, w.batch(rates("m1", season-10*day, 1000, 600, 400)...))
	w.settle(t, w.batch(rates("m1", season+10*day, 1100, 650, 450)...))
	byDays := w.account("1001").Estimate
	freeze := rates("m1", season, 1040, 620, 420)
	for i := range freeze {
		freeze[i].Reading.Method, freeze[i].Reading.MeterTime = protocol.MethodFreeze, season
	}
	for _, e := range freeze {
		w.settle(t, w.batch(e))
	}
	b := issued(t, w, "1001", "x")
	if got, want := lines(&b), "energy.peak 50 28.85; energy.valley 20 7.54; energy.winter-valley 30 10.41; energy.tier2 100 5.00"; got != want || byDays == b.Amount || b.Amount-byDays > yuan(1) {
		t.Errorf("got %s, want %s; by days %s", got, want, byDays)
	}
}

func TestWhatTheTariffNeedsAndNobodyToldHoldsTheFee(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.config.Tariffs["shandong-joint"] = parsed(t, `tariff: shandong-joint
name: {en: test}
currency: CNY
utc_offset: "+08:00"
versions:
  - number: 1
    valid_from: 2019-01-01
    document: one
    decimals: 2
    kind: composed
    components:
      - energy: {price: 0.5}
      - basic: {per_kva: 30}
`)
	w.read("m1", 100)
	w.now += day
	w.read("m1", 110)
	if s := w.account("1001"); s.Hold != holdFacts || s.Estimate != 0 {
		t.Errorf("hold %q, estimate %s", s.Hold, s.Estimate)
	}
	w.expect("1001", account.StageNormal) // nothing is done on a fee that nobody knows
}

func TestLimitsAndAllowancesBendToTheHousehold(t *testing.T) {
	at := time.Date(2026, 7, 10, 0, 0, 0, 0, shandong).UnixMilli()
	for _, test := range []struct {
		name string
		home account.Household
		want string
	}{
		{"nothing told", account.Household{}, "energy.peak 400 230.76"},
		// Six months of 210 kWh: 1260, of which 1000 are used.
		{"opened in July", account.Household{Since: "2026-07-01"}, "energy.peak 400 230.76; energy.tier2 140 7.00"},
		// Five persons: 310 kWh for each of them.
		{"and of five persons", account.Household{Since: "2026-07-01", Persons: 5}, "energy.peak 400 230.76"},
		{"low income", account.Household{Words: []string{"low-income"}}, "energy.free 15 0.00; energy.peak 385 222.11"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := profile("1001", pointProfile("m1"))
			p.TariffID, p.CycleUsed, p.Household = "shandong-household-tou", billing.Energy(kwh(1000)), test.home
			w := newWorld(t, p)
			w.settle(t, w.batch(rates("m1", at, 1000, 600, 400)...))
			w.settle(t, w.batch(rates("m1", at+15*day, 1400, 1000, 400)...))
			b := issued(t, w, "1001", "x")
			if got := lines(&b); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
