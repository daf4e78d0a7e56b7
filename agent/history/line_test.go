package history

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/poll"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
)

var _ poll.History = (*History)(nil)

// The whole edge of one line: port, line, drivers, poller, history and outbox, with meters of different kinds.
func TestWholeLineLosesNothingWhenItIsCutForThreeHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 4, 10, 10, 0, 20, 0, shanghai)))
		var sims []*simmeter.Meter
		for i, change := range []func(*simmeter.Config){func(*simmeter.Config) {}, noProfile, nothing, func(c *simmeter.Config) { c.Edition = simmeter.Edition1997; c.Baud = 1200 }} {
			c := simmeter.Config{Address: fmt.Sprintf("%012d", 101+i), Wire: addr(t, fmt.Sprint(101+i)), EnergymWh: 5_000_000, LoadW: 1000, Location: shanghai, History: 30 * 24 * time.Hour}
			change(&c)
			sims = append(sims, simmeter.New(c, time.Now()))
		}
		port, sim := bus.Memory(bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4}, sims...)
		log := slog.New(slog.DiscardHandler)
		l := line.New(line.Settings{Name: "l1", Baud: 2400, Parity: "even", StopBits: 1}, func(line.Settings) (line.Port, error) { return port, nil }, log)
		box, err := outbox.Open(filepath.Join(t.TempDir(), "outbox.db"), outbox.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var drivers []meter.Driver
		var refs []protocol.MeterRef
		for _, s := range sims {
			d, err := meter.NewDLT645(protocol.MeterRef{Line: "l1", Address: s.Address()}, l, 500*time.Millisecond, shanghai)
			if err != nil {
				t.Fatal(err)
			}
			drivers, refs = append(drivers, d), append(refs, d.Ref())
		}
		mem, err := Open(box, refs, log)
		if err != nil {
			t.Fatal(err)
		}
		trusted := func() bool { return true }
		h := New(Options{Line: "l1", Interval: quarter, Zone: shanghai, Reread: 1, Trusted: trusted}, mem, drivers, log)
		p := poll.New("l1", drivers, poll.Options{Interval: quarter, Relay: time.Hour, Clock: 24 * time.Hour, History: h}, box, trusted, log)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{}, 3)
		for _, run := range []func(context.Context) error{sim.Run, l.Run, p.Run} {
			go func() { run(ctx); done <- struct{}{} }()
		}
		defer func() { cancel(); <-done; <-done; <-done; box.Close() }()
		time.Sleep(4 * time.Hour)
		sim.SetPlugged(false)
		from := time.Now()
		time.Sleep(3 * time.Hour)
		sim.SetPlugged(true)
		time.Sleep(2 * time.Hour)
		got, err := box.Readings(1, 1<<20, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		kept, gaps := map[string]int{}, map[string][]protocol.Gap{}
		for _, e := range got {
			switch {
			case e.Gap != nil:
				gaps[e.Gap.Meter.Address] = append(gaps[e.Gap.Meter.Address], *e.Gap)
			case e.Reading.Quantity == protocol.ActiveImport && e.Reading.Register == 0 && e.Reading.Method != protocol.MethodFreeze:
				kept[fmt.Sprintf("%s %d", e.Reading.Meter.Address[9:], e.Reading.Method)]++
			}
		}
		if n := kept[fmt.Sprintf("101 %d", protocol.MethodProfile)]; n < 12 {
			t.Errorf("%d records of a load profile, want 12 and more: %v", n, kept)
		}
		if n := kept[fmt.Sprintf("102 %d", protocol.MethodHourly)]; n < 3 {
			t.Errorf("%d hourly freezes, want 3 and more: %v", n, kept)
		}
		if g := gaps[""]; len(g) != 0 {
			t.Errorf("gaps of the line, whose meters were filled: %+v", g)
		}
		for _, a := range []string{"101", "102"} {
			if g := gaps["000000000"+a]; len(g) != 0 {
				t.Errorf("gaps of %s: %+v", a, g)
			}
		}
		for _, a := range []string{"103", "104"} {
			g := gaps["000000000"+a]
			if len(g) != 1 || g[0].Reason != whyNotKept || from.Sub(time.UnixMilli(g[0].From)).Abs() > quarter || time.UnixMilli(g[0].To).Before(from.Add(3*time.Hour)) {
				t.Errorf("gaps of %s: %+v", a, g)
			}
		}
	})
}
