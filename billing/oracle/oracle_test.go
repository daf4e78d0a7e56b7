package oracle_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/oracle"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// differs tells in words where the engine and the oracle part, empty when they do not.
func differs(v *tariff.Version, u *rate.Usage) string {
	want := oracle.Price(v, u)
	got, err := rate.Estimate(v, *u)
	if err == nil && got.CycleBefore != u.CycleBefore {
		return "the counter before is " + got.CycleBefore.String()
	}
	return compared(&got, err, &want)
}

func compared(got *rate.Charge, err error, want *oracle.Charge) string {
	if err != nil {
		if want.Wrong&oracle.Wrong(reason(err)) == 0 {
			return fmt.Sprintf("engine: %v; oracle: %b\n%s", err, want.Wrong, want)
		}
		return ""
	}
	if must := want.Wrong &^ oracle.Strained; must != 0 {
		return fmt.Sprintf("engine prices it at %s, oracle sees %b\n%s", got.Total, must, want)
	}
	if got.Total != want.Total || got.CycleAfter != want.CycleAfter || got.Tier != want.Tier || got.Cos != want.Cos || got.Funds != want.Funds || got.ToDate != want.ToDate || got.Loss != want.Loss {
		return fmt.Sprintf("engine: total %s counter %s tier %d cos %d funds %s %v\noracle:\n%s", got.Total, got.CycleAfter, got.Tier, got.Cos, got.Funds, printed(got), want)
	}
	items := got.Items()
	if len(items) != len(want.Lines) {
		return fmt.Sprintf("engine: %v\noracle:\n%s", printed(got), want)
	}
	for i := range items {
		if l, m := &items[i], &want.Lines[i]; !same(l, m) {
			return fmt.Sprintf("line %d, engine: %v\noracle:\n%s", i+1, printed(got), want)
		}
	}
	return ""
}

func printed(c *rate.Charge) (lines []string) {
	items := c.Items()
	for i := range items {
		l := &items[i]
		lines = append(lines, fmt.Sprintf("\n  %s %s x %d/%d %s x %s = %s fine %d included %v", l.Code(), l.Quantity, l.Num, l.Den, l.Unit, l.Price, l.Amount, l.Fine, l.Included))
	}
	return lines
}

func same(l *rate.Line, m *oracle.Line) bool {
	if l.Quantity != m.Quantity || l.Price != m.Price || l.Amount != m.Amount || l.Fine != m.Fine || l.Unit != m.Unit || l.Included != m.Included || l.Code() != m.Code {
		return false
	}
	num, den := int64(l.Num), int64(l.Den)
	if den == 0 {
		num, den = 1, 1
	}
	return num*m.Den == m.Num*den
}

// reason is the oracle's word for an error of the engine.
func reason(err error) (w oracle.Wrong) {
	for _, r := range []struct {
		err error
		w   oracle.Wrong
	}{
		{billing.ErrOverflow, oracle.Overflow | oracle.Strained}, {rate.ErrUsage, oracle.BadUsage}, {rate.ErrFacts, oracle.NoFacts},
		{rate.ErrCycleCrossed, oracle.Crossed}, {rate.ErrVersion, oracle.LongBill},
	} {
		if errors.Is(err, r.err) {
			w |= r.w
		}
	}
	return w
}

// tally counts what became of the cases.
type tally struct{ priced, lines, overflow, refused, differ uint64 }

// TestEngineAgreesWithTheOracle prices drawn periods twice: 20,000, or as many as FEIKONG_ORACLE says, from FEIKONG_SEED, on
// FEIKONG_WORKERS threads. A case is its seed and its number.
func TestEngineAgreesWithTheOracle(t *testing.T) {
	cases, seed, workers := asked(t, "FEIKONG_ORACLE", 20_000), asked(t, "FEIKONG_SEED", 1), asked(t, "FEIKONG_WORKERS", uint64(runtime.GOMAXPROCS(0)))
	var next atomic.Uint64
	var group sync.WaitGroup
	var mu sync.Mutex
	var all tally
	start := time.Now()
	for range workers {
		group.Go(func() {
			var own tally
			var again rate.Charge // one memory for all cases: nothing of a case may be left in the next
			for n := next.Add(1) - 1; n < cases; n = next.Add(1) - 1 {
				d := newDraw(seed, n)
				v := d.version()
				u := d.usage(v)
				want := oracle.Price(v, &u)
				own.count(&want)
				got, err := rate.Estimate(v, u)
				diff := compared(&got, err, &want)
				if err2 := again.Rate(v, &u); diff == "" && (err == nil) != (err2 == nil) || err == nil && !again.Equal(&got) {
					diff = fmt.Sprintf("in used memory: %v %v", err2, printed(&again))
				}
				if diff == "" {
					continue
				}
				mu.Lock()
				if all.differ++; all.differ <= 10 {
					small, used := smaller(v, u)
					t.Errorf("seed %d case %d: %s\nat its smallest: %s\na row for testdata: %s", seed, n, diff, differs(small, &used), encode(small, &used))
				}
				mu.Unlock()
			}
			mu.Lock()
			all.priced, all.lines, all.overflow, all.refused = all.priced+own.priced, all.lines+own.lines, all.overflow+own.overflow, all.refused+own.refused
			mu.Unlock()
		})
	}
	group.Wait()
	speed := float64(cases) / time.Since(start).Seconds()
	t.Logf("ORACLE %d cases from seed %d: %d differ; %d priced with %d lines, %d beyond int64, %d refused; %.0f a second on %d workers, 10^7 in %.0f s",
		cases, seed, all.differ, all.priced, all.lines, all.overflow, all.refused, speed, workers, 1e7/speed)
	if all.priced < cases*8/10 || cases >= 1000 && all.overflow == 0 {
		t.Errorf("%d of %d cases have a price and %d are beyond int64: what is drawn proves little", all.priced, cases, all.overflow)
	}
}

func (y *tally) count(want *oracle.Charge) {
	switch must := want.Wrong &^ oracle.Strained; {
	case must == 0:
		y.priced++
		y.lines += uint64(len(want.Lines))
	case must == oracle.Overflow:
		y.overflow++
	default:
		y.refused++
	}
}

func asked(t *testing.T, name string, otherwise uint64) uint64 {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		t.Fatalf("%s is %q; give a number above zero", name, s)
	}
	return n
}
