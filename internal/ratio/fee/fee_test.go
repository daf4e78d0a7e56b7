// Package fee holds no code: its tests print what pricing a household costs beside the same calculation over a decimal package, and
// what re-rating a year of a million accounts takes.
package fee

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/govalues/decimal"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

var beijing = time.FixedZone("+08:00", 8*3600)

// household is Shandong's optional price by hours with the annual tiers on the sum (鲁发改价格〔2019〕509号).
func household() *tariff.Version {
	return &tariff.Version{
		ID: "household", Number: 1, Currency: "CNY", Decimals: 2, Kind: tariff.Composed, Zone: beijing, Document: "鲁发改价格〔2019〕509号",
		ValidFrom: time.Date(2019, 1, 1, 0, 0, 0, 0, beijing), Cycle: tariff.Cycle{Month: 1, Day: 1, Months: 12},
		Bands: []tariff.Band{{Code: "peak", Register: 2}, {Code: "valley", Register: 4}},
		Components: []tariff.Component{{Kind: tariff.EnergyCharge, Code: "energy", Energy: &tariff.EnergyPrice{
			Prices: []billing.Price{57_690_000, 37_690_000}, Mode: tariff.TierIncremental,
			Tiers: []tariff.Tier{{UpTo: 2520 * billing.KWh}, {UpTo: 4800 * billing.KWh, Adder: 5_000_000}, {Adder: 30_000_000}},
		}}},
	}
}

// cases are periods of a household: inside each tier, over one border, over both; whole kWh and hundredths, as meters count.
func cases() (list []rate.Usage) {
	for i, c := range []struct{ before, peak, valley int64 }{
		{100_00, 150_00, 80_00}, {2430_00, 180_00, 80_00}, {3000_55, 210_37, 130_12}, {4650_00, 210_00, 130_00}, {5200_40, 333_33, 66_67}, {2500_00, 1500_25, 950_75},
	} {
		from := time.Date(2025, time.Month(i+2), 1, 0, 0, 0, 0, beijing)
		u := rate.Usage{From: from, To: from.AddDate(0, 1, 0), CycleBefore: billing.Energy(c.before) * billing.KWh / 100}
		u.Bands[0], u.Bands[1] = billing.Energy(c.peak)*billing.KWh/100, billing.Energy(c.valley)*billing.KWh/100
		u.Energy = u.Bands[0] + u.Bands[1]
		list = append(list, u)
	}
	return list
}

type decimalCase struct {
	before, energy decimal.Decimal
	bands          []decimal.Decimal
}

func decimalCases(list []rate.Usage) (out []decimalCase) {
	of := func(e billing.Energy) decimal.Decimal { return decimal.MustParse(e.String()) }
	for _, u := range list {
		out = append(out, decimalCase{of(u.CycleBefore), of(u.Energy), []decimal.Decimal{of(u.Bands[0]), of(u.Bands[1])}})
	}
	return out
}

// TestBothSidesAgree: both sides give the same lines, or the ratio says nothing.
func TestBothSidesAgree(t *testing.T) {
	v := household()
	other := newDecimalTariff(v)
	usages := cases()
	for i, d := range decimalCases(usages) {
		c, err := rate.Estimate(v, usages[i])
		if err != nil {
			t.Fatal(err)
		}
		want, err := other.charge(d.before, d.energy, d.bands)
		if err != nil {
			t.Fatal(err)
		}
		if want.n != c.N || want.tier != c.Tier || !want.total.Equal(decimal.MustParse(c.Total.String())) {
			t.Fatalf("case %d: got %d lines, %s, want %d lines, %s", i, c.N, c.Total, want.n, want.total)
		}
		for k, l := range c.Items() {
			if w := want.lines[k]; w.code != l.Code() || !w.amount.Equal(decimal.MustParse(l.Amount.String())) {
				t.Errorf("case %d: got %s %s, want %s %s", i, l.Code(), l.Amount, w.code, w.amount)
			}
		}
	}
}

// rounds of a ratio: the median of eleven, and the spread is printed.
const rounds = 11

// TestRatioHousehold: an estimate by bands and annual tiers, its period checked against version and cycle, beside the bare
// calculation over a decimal package.
func TestRatioHousehold(t *testing.T) {
	if os.Getenv("FEIKONG_BENCH") == "" {
		t.Skip("set FEIKONG_BENCH=1, or run make bench: a ratio takes seconds and proves nothing in a test run")
	}
	const n = 300_000
	v := household()
	other := newDecimalTariff(v)
	usages := cases()
	decimals := decimalCases(usages)
	var kept billing.Money
	var c rate.Charge
	part := func() time.Duration {
		start := time.Now()
		for i := range n {
			if err := c.Rate(v, &usages[i%len(usages)]); err != nil {
				t.Fatal(err)
			}
			kept += c.Total
		}
		return time.Since(start)
	}
	count := 0
	limit := func() time.Duration {
		start := time.Now()
		for i := range n {
			d := &decimals[i%len(decimals)]
			c, err := other.charge(d.before, d.energy, d.bands)
			if err != nil {
				t.Fatal(err)
			}
			count += c.n
		}
		return time.Since(start)
	}
	part()
	limit()
	ratios, each, theirs := make([]float64, 0, rounds), make([]float64, 0, rounds), make([]float64, 0, rounds)
	for range rounds {
		p, l := part(), limit()
		ratios = append(ratios, float64(l)/float64(p))
		each, theirs = append(each, float64(p)/n), append(theirs, float64(l)/n)
	}
	slices.Sort(ratios)
	slices.Sort(each)
	slices.Sort(theirs)
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := rate.Estimate(v, usages[3]); err != nil {
			t.Fatal(err)
		}
	})
	if kept == 0 || count == 0 {
		t.Fatal("nothing was priced")
	}
	fmt.Printf("RATIO %-30s %.3f %.3f %.3f\n", "estimate/decimal-package", ratios[rounds/2], ratios[0], ratios[rounds-1])
	start := time.Now()
	for i := range n {
		alone, err := rate.Estimate(v, usages[i%len(usages)])
		if err != nil {
			t.Fatal(err)
		}
		kept += alone.Total
	}
	single := float64(time.Since(start)) / n
	fmt.Printf("COST  %-30s by bands and annual tiers %.1f ns in a run, %.1f ns alone, %.0f allocations; %.1f ns over the decimal package\n", "estimate", each[rounds/2], single, allocs, theirs[rounds/2])
	if allocs != 0 {
		t.Errorf("got %v allocations, want 0", allocs)
	}
}

// TestRatioRerate: a year of accounts, twelve periods each, with the tier counter carried on, on two cores. `go test` does a
// thousandth of it.
func TestRatioRerate(t *testing.T) {
	accounts, full := 1000, os.Getenv("FEIKONG_BENCH") != ""
	if full {
		accounts = 1_000_000
	}
	const workers, periods = 2, 12
	v := household()
	months := make([]time.Time, periods+1)
	for i := range months {
		months[i] = time.Date(2025, time.Month(i+1), 1, 0, 0, 0, 0, beijing)
	}
	// What is kept of an account: its energy by the month, in, and its year's money, out.
	type year struct {
		peak, valley [periods]billing.Energy
		total        billing.Money
		after        billing.Energy
	}
	book := make([]year, accounts)
	for i := range book {
		for m := range periods {
			book[i].peak[m] = billing.Energy(120+(i*7+m*31)%300) * billing.KWh
			book[i].valley[m] = billing.Energy(40+(i*13+m*17)%160) * billing.KWh
		}
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var cpu syscall.Rusage
	busy := cpuTime(&cpu)
	start := time.Now()
	var all sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		all.Go(func() {
			var c rate.Charge
			for i := w * accounts / workers; i < (w+1)*accounts/workers; i++ {
				y := &book[i]
				y.total, y.after = 0, 0
				for m := range periods {
					u := rate.Usage{From: months[m], To: months[m+1], Energy: y.peak[m] + y.valley[m], CycleBefore: y.after}
					u.Bands[0], u.Bands[1] = y.peak[m], y.valley[m]
					if errs[w] = c.Rate(v, &u); errs[w] != nil {
						return
					}
					y.total, y.after = y.total+c.Total, c.CycleAfter
				}
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	busy = cpuTime(&cpu) - busy
	runtime.ReadMemStats(&after)
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range book {
		if book[i].total <= 0 {
			t.Fatalf("account %d costs %s", i, book[i].total)
		}
	}
	if !full {
		return
	}
	n := float64(accounts * periods)
	fmt.Printf("COST  %-30s %d accounts x %d periods on %d cores in %.2f s: %.0f periods/s, %.0f ns CPU each; %.1f kB allocated in all, the book itself %d B an account\n",
		"re-rating a year", accounts, periods, workers, took.Seconds(), n/took.Seconds(), float64(busy.Nanoseconds())/n, float64(after.TotalAlloc-before.TotalAlloc)/1000, unsafe.Sizeof(book[0]))
}

func cpuTime(u *syscall.Rusage) time.Duration {
	if syscall.Getrusage(syscall.RUSAGE_SELF, u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
