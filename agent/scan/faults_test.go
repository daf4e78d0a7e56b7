package scan

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
)

func TestFaultsOfALineHideNoMeter(t *testing.T) {
	for name, change := range map[string]func(*bus.Faults){
		"damaged frames":   func(f *bus.Faults) { f.Noise = 0.05 },
		"flipped bits":     func(f *bus.Faults) { f.BitErrors = 0.0001 },
		"bursts":           func(f *bus.Faults) { f.Bursts = 0.001 },
		"silent replies":   func(f *bus.Faults) { f.Silent = 0.05 },
		"late replies":     func(f *bus.Faults) { f.Late = 0.05 },
		"half replies":     func(f *bus.Faults) { f.Half = 0.05 },
		"odd bytes around": func(f *bus.Faults) { f.DoubledStart, f.TrailingFF, f.FELost, f.Stray = 0.2, 0.3, 0.3, 0.05 },
		"echo":             func(f *bus.Faults) { f.Echo, f.EchoLoses = true, 3 },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(2) {
				synctest.Test(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed, 99))
					want := map[string]bool{}
					var meters []*meter.Meter
					for i, a := range addresses(r, 32) {
						want[a] = true
						meters = append(meters, born(t, a, meter.Config{Seed: seed<<8 | uint64(i), EnergymWh: int64(r.Uint64N(1e11)), LoadW: int64(r.IntN(3000)),
							Delay: time.Duration(20+r.IntN(400)) * time.Millisecond, Jitter: time.Duration(r.IntN(60)) * time.Millisecond, FEs: r.IntN(5), Trailing: r.IntN(2)}))
					}
					l, sim := simulatedLine(t, config(seed), meters...)
					if err := sim.Change(func(f *bus.Faults) error { change(f); return nil }); err != nil {
						t.Fatal(err)
					}
					report, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range report.Found {
						if !want[f.Address] || f.Clash {
							t.Errorf("found %+v", f)
						}
						delete(want, f.Address)
					}
					for a := range want {
						t.Errorf("seed %d: missed %s", seed, a)
					}
				})
			}
		})
	}
}

func TestScanEndsWhereAnotherMasterPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, meters, _ := street(t, 1)
		l, sim := simulatedLine(t, cfg, meters...)
		if err := sim.Change(func(f *bus.Faults) error { f.SecondMaster = bus.Span(3 * time.Second); return nil }); err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
		if !errors.Is(err, ErrMasters) || r.Complete || !slices.Contains(codes(r), NoteForeign) || r.Elapsed > time.Minute {
			t.Errorf("got %v after %v, notes %v", err, r.Elapsed, codes(r))
		}
	})
}
