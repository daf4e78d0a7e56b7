package scan

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
)

// simulated is a line in memory with its meters, and ours on the other end.
func simulated(t *testing.T, cfg bus.Config, meters ...*meter.Meter) *line.Line {
	t.Helper()
	l, _ := simulatedLine(t, cfg, meters...)
	return l
}

func simulatedLine(t *testing.T, cfg bus.Config, meters ...*meter.Meter) (*line.Line, *bus.Line) {
	t.Helper()
	port, sim := bus.Memory(cfg, meters...)
	l := line.New(line.Settings{Name: "l1", Path: "x", Baud: cfg.Baud, Parity: cfg.Parity, StopBits: cfg.StopBits},
		func(line.Settings) (line.Port, error) { return port, nil }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { sim.Run(ctx); done <- struct{}{} }()
	go func() { l.Run(ctx); done <- struct{}{} }()
	t.Cleanup(func() { cancel(); <-done; <-done })
	return l, sim
}

func config(seed uint64) bus.Config {
	return bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4, Seed: seed}
}

func born(t *testing.T, address string, c meter.Config) *meter.Meter {
	t.Helper()
	a, err := dlt645.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	c.Address, c.Wire, c.Location = a.String(), a, time.UTC
	return meter.New(c, time.Now())
}

// addresses of a street, in one of the patterns that are met: of one delivery, of a few deliveries, without a pattern, and
// the unkind one where the lowest digits are all the same.
func addresses(r *rand.Rand, n int) (out []string) {
	seen := map[string]bool{}
	pattern := r.IntN(4)
	base := r.Uint64N(1e12 - 1e6)
	for len(out) < n {
		var a uint64
		switch pattern {
		case 0: // consecutive
			a = base + uint64(len(out))
		case 1: // four deliveries of which each hundred has a few
			a = base + uint64(r.IntN(4))*100 + uint64(r.IntN(60))
		case 2:
			a = r.Uint64N(1e12 - 1)
		case 3: // same last digits here and there
			a = base/10000*10000 + uint64(r.IntN(40))*100 + uint64(r.IntN(12))
		}
		if s := fmt.Sprintf("%012d", a); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// street is 32 meters, each of its own manner.
func street(t *testing.T, seed uint64) (cfg bus.Config, meters []*meter.Meter, want map[string]bool) {
	r := rand.New(rand.NewPCG(seed, 645))
	want = map[string]bool{}
	same := r.IntN(4) == 0 // meters of one make answer at the same moment
	fresh := r.IntN(4) == 0
	for i, a := range addresses(r, 32) {
		c := meter.Config{Seed: seed<<8 | uint64(i), EnergymWh: int64(r.Uint64N(1e11)), LoadW: int64(r.IntN(3000)), Delay: time.Duration(20+r.IntN(480)) * time.Millisecond}
		if same {
			c.Delay = 0
		}
		if fresh {
			c.EnergymWh, c.LoadW = 0, 0
		}
		meters = append(meters, born(t, a, c))
		want[a] = true
	}
	return config(seed), meters, want
}

func TestThirtyTwoMetersAreFoundOnEveryLine(t *testing.T) {
	seeds := uint64(100)
	if racing {
		seeds = 12 // ten times slower
	}
	if n, err := strconv.ParseUint(os.Getenv("FEIKONG_SCAN"), 10, 64); err == nil {
		seeds = n
	}
	var took time.Duration
	probes := 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, meters, want := street(t, seed)
				l := simulated(t, cfg, meters...)
				report, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
				if err != nil {
					t.Fatal(err)
				}
				took += report.Elapsed
				probes += report.Probes
				for _, f := range report.Found {
					if !want[f.Address] || f.Clash || f.Edition != "2007" {
						t.Errorf("found %+v", f)
					}
					delete(want, f.Address)
				}
				for a := range want {
					t.Errorf("missed %s", a)
				}
			})
		})
	}
	t.Logf("%d lines: mean %v on the wire, %d probes", seeds, (took / time.Duration(seeds)).Round(time.Second), probes/int(seeds))
}
