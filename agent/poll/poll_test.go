package poll

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbusmap"
)

// rig is a line in memory with its poller and an outbox.
type rig struct {
	t    *testing.T
	sims []*simmeter.Meter
	bus  *bus.Line
	line *line.Line
	box  *outbox.Box
	poll *Poller
	port atomic.Pointer[bus.Port] // nil: unplugged
}

func start(t *testing.T, cfg bus.Config, sims []simmeter.Config, driver func(l *line.Line, ref protocol.MeterRef, c simmeter.Config) (meter.Driver, error), change ...func(*Options)) *rig {
	t.Helper()
	time.Sleep(100 * 24 * time.Hour) // fake time begins in 2000
	r := &rig{t: t}
	for _, c := range sims {
		r.sims = append(r.sims, simmeter.New(c, time.Now()))
	}
	port, sim := bus.Memory(cfg, r.sims...)
	r.bus = sim
	r.port.Store(port)
	log := slog.New(slog.DiscardHandler)
	l := line.New(line.Settings{Name: cfg.Name, Baud: cfg.Baud, Parity: cfg.Parity, StopBits: cfg.StopBits}, func(line.Settings) (line.Port, error) {
		if p := r.port.Load(); p != nil {
			return p, nil
		}
		return nil, os.ErrNotExist
	}, log)
	var drivers []meter.Driver
	for _, c := range sims {
		d, err := driver(l, protocol.MeterRef{Line: cfg.Name, Address: c.Address}, c)
		if err != nil {
			t.Fatal(err)
		}
		drivers = append(drivers, d)
	}
	var err error
	if r.box, err = outbox.Open(filepath.Join(t.TempDir(), "o"), outbox.Options{}); err != nil {
		t.Fatal(err)
	}
	opt := Options{Interval: 10 * time.Second, Relay: 30 * time.Second, Clock: time.Hour}
	for _, f := range change {
		f(&opt)
	}
	r.line = l
	r.poll = New(cfg.Name, drivers, opt, r.box, func() bool { return true }, log)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 3)
	for _, run := range []func(context.Context) error{sim.Run, l.Run, r.poll.Run} {
		go func() { run(ctx); done <- struct{}{} }()
	}
	t.Cleanup(func() { cancel(); <-done; <-done; <-done; r.box.Close() })
	return r
}

func (r *rig) entries() []protocol.Entry {
	r.t.Helper()
	got, err := r.box.Readings(1, 1<<20, 1<<30)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func dlt(t *testing.T, addresses ...string) *rig {
	t.Helper()
	return street(t, addresses, nil)
}

var at2400 = bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4}

// street is a line of DL/T 645 meters; each may be changed before it is made.
func street(t *testing.T, addresses []string, each func(i int, c *simmeter.Config), change ...func(*Options)) *rig {
	t.Helper()
	var sims []simmeter.Config
	for i, s := range addresses {
		a, err := dlt645.ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		sims = append(sims, simmeter.Config{Address: a.String(), Wire: a, EnergymWh: int64(i+1) * 5_000_000, LoadW: 0, Switch: simmeter.SwitchDirect, Location: time.Local})
		if each != nil {
			each(i, &sims[i])
		}
	}
	return start(t, at2400, sims,
		func(l *line.Line, ref protocol.MeterRef, c simmeter.Config) (meter.Driver, error) {
			return meter.NewDLT645(ref, l, 600*time.Millisecond, time.Local, meter.Framing(c.Baud, c.Parity))
		}, change...)
}

// count is how many entries of a quantity a meter has.
func count(entries []protocol.Entry, address string, q protocol.Quantity) (n int) {
	for _, e := range entries {
		if e.Gap == nil && e.Reading.Meter.Address == address && e.Reading.Quantity == q && e.Reading.Register == 0 {
			n++
		}
	}
	return n
}

func TestRoundReadsEachMeterOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := dlt(t, "101", "102")
		time.Sleep(65 * time.Second)
		got := r.entries()
		for i, a := range []string{"000000000101", "000000000102"} {
			energy, relay, clock := count(got, a, protocol.ActiveImport), count(got, a, protocol.RelayState), count(got, a, protocol.ClockDrift)
			if energy != 7 || relay != 3 || clock != 1 {
				t.Errorf("meter %s: %d energy, %d relay, %d clock; want 7, 3, 1", a, energy, relay, clock)
			}
			if e := got[0].Reading; i == 0 && (e.Value != 500 || e.Exp != -2 || e.Method != protocol.MethodPoll || e.Quality != 0) {
				t.Errorf("got %+v, want 5.00 kWh", e)
			}
		}
		if s := r.poll.Status(); len(s) != 2 || s[0].Replies != 11 || s[0].LastReply == 0 || s[0].DelayMs < 40 || s[0].DelayMs > 300 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestSilentMeterIsProbedLessAndLessAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := dlt(t, "101", "102", "103")
		r.sims[0].SetPlugged(false)
		r.sims[2].SetPlugged(false)
		time.Sleep(10 * time.Minute)
		s := r.poll.Status()
		if s[0].Silent > 14 || s[0].BackoffUntil == 0 || s[1].BackoffUntil != 0 || s[1].Replies < 60 {
			t.Errorf("got %+v", s)
		}
		ev, err := r.box.Evidence(1, 10, 1<<20)
		if err != nil || len(ev) != 2 || ev[0].Alarm.Code != "meter-silent" {
			t.Errorf("got %d alarms, %v; want one for each silent meter", len(ev), err)
		}
		r.sims[0].SetPlugged(true)
		time.Sleep(6 * time.Minute)
		if s = r.poll.Status(); s[0].BackoffUntil != 0 || s[0].Replies == 0 {
			t.Errorf("got %+v after the meter came back", s[0])
		}
	})
}

func TestNoiseCostsReadingsButNeverMakesWrongOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := dlt(t, "101", "102")
		if err := r.bus.SetNoise(0.3); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		got := r.entries()
		if len(got) < 100 {
			t.Errorf("only %d entries", len(got))
		}
		for _, e := range got {
			want := map[string]int64{"000000000101": 500, "000000000102": 1000}[e.Reading.Meter.Address]
			if e.Gap == nil && e.Reading.Quantity == protocol.ActiveImport && e.Reading.Register == 0 && e.Reading.Value != want {
				t.Fatalf("got %+v", e.Reading)
			}
		}
	})
}

func TestModbusMetersAreReadByTheirTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sims []simmeter.Config
		for i, name := range []string{"dds238-zn-sr", "eastron-sdm230"} {
			m, ok := modbusmap.Find(name)
			if !ok {
				t.Fatal(name)
			}
			sims = append(sims, simmeter.Config{Address: string(rune('1' + i)), Unit: byte(i + 1), Model: m, EnergymWh: 702_000_000, LoadW: 0, Switch: simmeter.SwitchDirect})
		}
		r := start(t, bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 20 * time.Millisecond}, sims,
			func(l *line.Line, ref protocol.MeterRef, c simmeter.Config) (meter.Driver, error) {
				return meter.NewModbus(ref, c.Model, l, 600*time.Millisecond)
			})
		time.Sleep(65 * time.Second)
		got := r.entries()
		if a, b := count(got, "1", protocol.ActiveImport), count(got, "2", protocol.ActiveImport); a != 7 || b != 7 {
			t.Errorf("%d and %d energy readings, want 7", a, b)
		}
		if a, b := count(got, "1", protocol.RelayState), count(got, "2", protocol.RelayState); a != 3 || b != 0 {
			t.Errorf("%d and %d relay readings, want 3 and 0", a, b)
		}
		for _, e := range got {
			v := e.Reading
			if v.Quantity != protocol.ActiveImport || v.Register != 0 {
				continue
			}
			for exp := v.Exp; exp < 0; exp++ {
				v.Value /= 10
			}
			if v.Value != 702 {
				t.Errorf("got %+v, want 702 kWh", e.Reading)
			}
		}
	})
}

func TestLineThatWasDownLeavesANamedGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := dlt(t, "101", "102")
		time.Sleep(15 * time.Second)
		port := r.port.Swap(nil)
		port.Close() // the adapter is pulled, and missed by three rounds of two meters
		time.Sleep(30 * time.Second)
		r.port.Store(port.Reopen())
		time.Sleep(40 * time.Second)
		for _, e := range r.entries() {
			if e.Gap != nil {
				if e.Gap.Reason != "line down" || e.Gap.Count != 6 || e.Gap.Meter.Line != "l1" || e.Gap.To <= e.Gap.From {
					t.Errorf("got %+v", e.Gap)
				}
				return
			}
		}
		t.Error("no gap")
	})
}
