package scan

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/modbusmap"
)

func found(r Report) (out []string) {
	for _, f := range r.Found {
		a := f.Address
		if f.Clash {
			a += " clash"
		}
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

func codes(r Report) (out []string) {
	for _, n := range r.Notes {
		out = append(out, n.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestSingleMeterIsFoundWithoutASearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulated(t, config(1), born(t, "202306150001", meter.Config{EnergymWh: 123_450_000}))
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
		if err != nil || len(r.Found) != 1 || r.Found[0].Energy != "123.45" || r.Elapsed > 30*time.Second || !r.Complete {
			t.Errorf("got %+v, %v", r, err)
		}
		if f := r.Found[0]; f.DelayMs < 40 || f.DelayMs > 80 || f.Baud != 2400 || f.Parity != "even" {
			t.Errorf("got %+v", f)
		}
	})
}

func TestEmptyLineIsLeftAfterAFewProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulated(t, config(1))
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
		if err != nil || len(r.Found) != 0 || r.Probes > 8 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

// Two meters whose answers make a sound frame of the first when they come together: 01 AND 03 is 01.
func TestMeterHiddenByItsNeighbourIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulated(t, config(1), born(t, "101", meter.Config{}), born(t, "301", meter.Config{}), born(t, "103", meter.Config{}))
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
		if got := found(r); err != nil || !slices.Equal(got, []string{"000000000101", "000000000103", "000000000301"}) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestTwoMetersWithOneAddressAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulated(t, config(1),
			born(t, "202306150007", meter.Config{EnergymWh: 5_000_000_000, Delay: 60 * time.Millisecond}),
			born(t, "202306150007", meter.Config{EnergymWh: 77_000_000, Delay: 110 * time.Millisecond}),
			born(t, "202306150008", meter.Config{EnergymWh: 1_000_000}))
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
		if got := found(r); err != nil || !slices.Equal(got, []string{"202306150007 clash", "202306150008"}) {
			t.Errorf("got %v, %v", got, err)
		}
		if !slices.Contains(codes(r), NoteClash) {
			t.Errorf("notes %+v", r.Notes)
		}
	})
}

func TestDamagedFramesCostTriesAndNoMeters(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			cfg, meters, want := street(t, seed)
			l, sim := simulatedLine(t, cfg, meters...)
			if err := sim.SetNoise(0.02); err != nil {
				t.Fatal(err)
			}
			r, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
			if err != nil || len(r.Found) != len(want) || !slices.Contains(codes(r), NoteNoise) {
				t.Errorf("seed %d: found %d of %d, notes %v, %v", seed, len(r.Found), len(want), codes(r), err)
			}
		})
	}
}

func TestStoppedScanGivesWhatItFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, meters, _ := street(t, 0)
		l := simulated(t, cfg, meters...)
		ctx, cancel := context.WithCancel(t.Context())
		r, err := Run(ctx, l, Options{DLT645: []Framing{{}}}, Watcher{Progress: func(p Progress) {
			if p.Found == 3 {
				cancel()
			}
		}})
		if !errors.Is(err, ErrStopped) || len(r.Found) < 3 || len(r.Found) > 4 || r.Complete {
			t.Errorf("got %d meters, complete %v, %v", len(r.Found), r.Complete, err)
		}
		cancel()
	})
}

func TestCountEndsTheScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, meters, _ := street(t, 0)
		r, err := Run(t.Context(), simulated(t, cfg, meters...), Options{DLT645: []Framing{{}}, Count: 5}, Watcher{})
		if err != nil || len(r.Found) != 5 || r.Complete {
			t.Errorf("got %d, %v", len(r.Found), err)
		}
	})
}

func TestProgressEndsWhereItSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, meters, _ := street(t, 2)
		var last Progress
		_, err := Run(t.Context(), simulated(t, cfg, meters...), Options{DLT645: []Framing{{}}}, Watcher{Progress: func(p Progress) {
			if p.Done > p.Total || p.Done < last.Done {
				t.Errorf("%+v after %+v", p, last)
			}
			last = p
		}})
		if err != nil || last.Total-last.Done > last.Total/10 {
			t.Errorf("ended at %d of %d, %v", last.Done, last.Total, err)
		}
	})
}

func TestModbusUnitsAreFoundByTheirNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 30 * time.Millisecond}
		var meters []*meter.Meter
		for unit, name := range map[byte]string{1: "eastron-sdm230", 17: "dds238-zn-sr", 247: "eastron-sdm230"} {
			m, ok := modbusmap.Find(name)
			if !ok {
				t.Fatal(name)
			}
			meters = append(meters, meter.New(meter.Config{Address: "1", Unit: unit, Model: m, LoadW: 1000, Location: time.UTC}, time.Now()))
		}
		r, err := Run(t.Context(), simulated(t, cfg, meters...), Options{Modbus: []Framing{{}}}, Watcher{})
		if got := found(r); err != nil || !slices.Equal(got, []string{"1", "17", "247"}) || r.Elapsed > 5*time.Minute {
			t.Errorf("got %v in %v, %v", got, r.Elapsed, err)
		}
	})
}

func TestMetersOfOtherFramingsAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulated(t, config(1),
			born(t, "101", meter.Config{}), born(t, "202", meter.Config{Baud: 9600}),
			born(t, "404", meter.Config{Parity: "none"}))
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{2400, "even"}, {9600, "even"}, {1200, "even"}, {2400, "none"}}}, Watcher{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]Framing{"000000000101": {2400, "even"}, "000000000202": {9600, "even"}, "000000000404": {2400, "none"}}
		for _, f := range r.Found {
			if want[f.Address] != f.Framing {
				t.Errorf("got %+v", f)
			}
			delete(want, f.Address)
		}
		if len(want) > 0 {
			t.Errorf("missed %v", want)
		}
	})
}
