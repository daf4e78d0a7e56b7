package history

import (
	"context"
	"testing"
	"time"

	"feikong/agent/meter"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// The meter makes a freeze while its freezes are being fetched: all numbers move by one.
func TestHourThatPassesWhileHourlyFreezesAreFetchedLosesNone(t *testing.T) {
	try(t, noProfile, func(r *rig) {
		r.run(2 * time.Hour)
		from := time.Now()
		r.wires.cut = true
		r.run(9*time.Hour + 50*time.Minute)
		r.wires.cut = false
		r.next = time.Date(2000, 4, 10, 21, 59, 50, 0, shanghai)
		r.run(2 * time.Hour)
		within(t, r.totals(protocol.MethodHourly), from.Add(-quarter), time.Date(2000, 4, 10, 22, 0, 0, 0, shanghai), time.Hour)
		if g := r.gaps(); len(g) != 0 {
			t.Errorf("got gaps %+v", g)
		}
	})
}

func TestAgentDownWhileHourlyFreezesAreFetchedLosesNone(t *testing.T) {
	for kills := range 12 {
		try(t, noProfile, func(r *rig) {
			r.run(2 * time.Hour)
			from := time.Now()
			r.wires.cut = true
			r.run(9 * time.Hour)
			r.wires.cut = false
			r.round()
			for range kills + 8 { // somewhere in the search or in the reading
				if _, err := r.h.step(t.Context(), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			r.stop()
			time.Sleep(5 * time.Hour)
			r.start()
			r.run(time.Hour)
			seen := map[time.Time]bool{}
			for _, at := range r.totals(protocol.MethodHourly) {
				seen[at] = true
			}
			for at := from.Truncate(time.Hour).Add(time.Hour); at.Before(from.Add(14 * time.Hour)); at = at.Add(time.Hour) {
				if !seen[at.In(shanghai)] {
					t.Errorf("killed after %d steps: hour %v is missing", kills+8, at.In(shanghai))
				}
			}
			if g := r.gaps(); len(g) != 0 {
				t.Errorf("killed after %d steps: gaps %+v", kills+8, g)
			}
		})
	}
}

func TestMidnightThatPassesWhileDailyFreezesAreFetchedLosesNone(t *testing.T) {
	for _, down := range []time.Duration{0, 75 * time.Hour} {
		try(t, nil, func(r *rig) {
			r.opt.Reread = 35
			r.stop()
			time.Sleep(time.Until(time.Date(2000, 4, 10, 23, 59, 50, 0, shanghai)))
			r.start()
			r.next = time.Now()
			r.round()
			for range 9 {
				if _, err := r.h.step(t.Context(), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			if down != 0 {
				r.stop()
				time.Sleep(down)
				r.start()
			}
			r.run(6 * time.Hour)
			seen := map[time.Time]bool{}
			for _, at := range r.totals(protocol.MethodFreeze) {
				if seen[at] {
					t.Errorf("%v twice", at)
				}
				seen[at] = true
			}
			last := time.Date(2000, 4, 11, 0, 0, 0, 0, shanghai).Add(down.Truncate(24 * time.Hour))
			for at := last.AddDate(0, 0, -34); !at.After(last); at = at.AddDate(0, 0, 1) {
				if !seen[at] {
					t.Errorf("down %v: day %v is missing", down, at)
				}
			}
			if g := r.gaps(); len(g) != 0 {
				t.Errorf("down %v: gaps %+v", down, g)
			}
		})
	}
}

// A village line: the line is away for a week, and so is the power for two hours of each night and each noon.
func TestWeekWithManyPowerCutsNamesEachOfThemAndNothingElse(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.DailyDepth = -1 }, func(r *rig) {
		r.run(2 * time.Hour)
		r.wires.cut = true
		cuts := 0
		for range 24 {
			r.run(10 * time.Hour)
			r.wires.sims[0].SetPowered(false, time.Now())
			r.run(4 * time.Hour)
			r.wires.sims[0].SetPowered(true, time.Now())
			cuts++
		}
		r.run(time.Hour)
		r.wires.cut = false
		r.run(3 * time.Hour)
		named := 0
		for _, g := range r.gaps() {
			if g.Reason == whySnap {
				continue
			}
			named++
			if d := time.Duration(g.To-g.From) * time.Millisecond; d > 5*time.Hour || g.Reason != whyPower {
				t.Errorf("named %v: %+v", d, g)
			}
			for _, at := range r.totals(protocol.MethodProfile) {
				if at := at.UnixMilli(); at > g.From+2000 && at < g.To-2000 {
					t.Errorf("a record inside of gap %+v", g)
				}
			}
		}
		if named != cuts {
			t.Errorf("%d cuts, %d named", cuts, named)
		}
	})
}

// A freeze at the midnight of a clock that is hours off is no register of midnight.
func TestMeterWhoseClockIsOffHasASnapshotAtMidnight(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.Offset = -3 * time.Hour }, func(r *rig) {
		r.run(30 * time.Hour)
		midnight := time.Date(2000, 4, 11, 0, 0, 0, 0, shanghai)
		var near []time.Time
		for _, e := range r.entries() {
			if e.Gap == nil && e.Reading.Method == protocol.MethodSnapshot && e.Reading.Register == 0 {
				near = append(near, time.UnixMilli(e.Reading.TakenAt))
			}
		}
		if len(near) != 1 || near[0].Sub(midnight).Abs() > around {
			t.Errorf("snapshots %v", near)
		}
	})
}

func TestFreezeFromBeforeTheClockMovedIsMarked(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.DeadBattery = true }, func(r *rig) {
		r.run(2 * time.Hour)
		r.wires.cut = true
		r.run(15 * time.Hour) // a midnight
		r.wires.sims[0].SetPowered(false, time.Now())
		r.run(20 * time.Minute)
		r.wires.sims[0].SetPowered(true, time.Now())
		r.run(time.Hour)
		r.wires.cut = false
		r.run(time.Hour)
		n := 0
		for _, e := range r.entries() {
			if e.Gap != nil || e.Reading.Method != protocol.MethodFreeze || e.Reading.Register != 0 {
				continue
			}
			if n++; n == 2 && e.Reading.Quality&protocol.QualitySuspect == 0 {
				t.Errorf("not marked: %+v", e.Reading)
			}
		}
		if n != 2 {
			t.Errorf("%d freezes", n)
		}
	})
}

// Somebody switched the daily freeze off at the meter: the first midnight is named, the others have snapshots.
func TestMeterThatNoLongerFreezesHasSnapshots(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(20 * time.Hour)
		k := r.h.meters[0]
		k.keeper = ceased{k.keeper, time.Now().Add(15 * time.Minute)}
		r.run(3 * 24 * time.Hour)
		if got := r.totals(protocol.MethodFreeze); len(got) != 2 {
			t.Errorf("got freezes %v", got)
		}
		if got := r.totals(protocol.MethodSnapshot); len(got) != 2 {
			t.Errorf("got snapshots %v", got)
		}
		if g := r.gaps(); len(g) != 1 || g[0].Reason != whyFreeze {
			t.Errorf("got %+v", g)
		}
		k.keeper = k.keeper.(ceased).Keeper
		r.run(2 * 24 * time.Hour)
		if got := r.totals(protocol.MethodFreeze); len(got) < 4 {
			t.Errorf("it freezes again: %v", got)
		}
		if g := r.gaps(); len(g) != 1 {
			t.Errorf("got %+v", g)
		}
	})
}

// ceased makes no daily freeze from an instant on.
type ceased struct {
	meter.Keeper
	at time.Time
}

func (s ceased) Frozen(ctx context.Context, c meter.Call, kind dlt645.FreezeKind, nth int) ([]protocol.Reading, time.Time, error) {
	if kind == dlt645.FreezeDailyKind {
		_, newest, _ := s.Keeper.Frozen(ctx, c, kind, 1)
		for ; !newest.Before(s.at); newest = newest.AddDate(0, 0, -1) {
			nth++
		}
	}
	return s.Keeper.Frozen(ctx, c, kind, nth)
}
