package history

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
)

const quarter = 15 * time.Minute

func noProfile(c *simmeter.Config) { c.Profile.Off = true }

func onlyDaily(c *simmeter.Config) { c.Profile.Off, c.HourlyDepth = true, -1 }

func nothing(c *simmeter.Config) { c.Profile.Off, c.HourlyDepth, c.DailyDepth = true, -1, -1 }

// within says that stamps are one step apart from the first to the last, and cover [from, to] but for a step.
func within(t *testing.T, stamps []time.Time, from, to time.Time, step time.Duration) {
	t.Helper()
	if len(stamps) == 0 {
		t.Fatal("nothing was fetched")
	}
	for i := 1; i < len(stamps); i++ {
		if d := stamps[i].Sub(stamps[i-1]); d != step {
			t.Errorf("%v follows %v", stamps[i], stamps[i-1])
		}
	}
	if first, last := stamps[0], stamps[len(stamps)-1]; first.Sub(from) > step || first.Before(from) || to.Sub(last) > step || last.After(to) {
		t.Errorf("%v to %v were fetched, %v to %v were missing", first, last, from, to)
	}
}

func TestOutageOfTheLineIsFilledFromTheProfile(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(2 * time.Hour)
		from := time.Now()
		r.wires.cut = true
		r.run(3 * time.Hour)
		r.wires.cut = false
		r.run(quarter + 10*time.Minute)
		within(t, r.totals(protocol.MethodProfile), from.Add(-quarter), from.Add(3*time.Hour), quarter)
		if g := r.gaps(); len(g) != 0 {
			t.Errorf("got gaps %+v", g)
		}
		if n := len(r.totals(protocol.MethodProfile)); n < 12 || n > 14 {
			t.Errorf("%d records for three hours", n)
		}
		for _, e := range r.entries() {
			if e.Gap == nil && e.Reading.Method == protocol.MethodProfile && e.Reading.MeterTime == 0 {
				t.Errorf("no meter time: %+v", e.Reading)
			}
		}
	})
}

func TestOutageIsFilledFromHourlyFreezesWhereThereIsNoProfile(t *testing.T) {
	try(t, noProfile, func(r *rig) {
		r.run(2 * time.Hour)
		from := time.Now()
		r.wires.cut = true
		r.run(9 * time.Hour)
		r.wires.cut = false
		r.run(2 * quarter)
		within(t, r.totals(protocol.MethodHourly), from.Add(-quarter), from.Add(9*time.Hour+quarter), time.Hour)
		if g := r.gaps(); len(g) != 0 {
			t.Errorf("got gaps %+v", g)
		}
	})
}

func TestAgentDownForDaysFindsTheDailyFreezes(t *testing.T) {
	try(t, onlyDaily, func(r *rig) {
		r.run(26 * time.Hour)
		r.stop()
		time.Sleep(50 * time.Hour)
		r.start()
		r.run(time.Hour)
		days := r.totals(protocol.MethodFreeze)
		for i, d := range days {
			if want := time.Date(2000, 4, 10+i, 0, 0, 0, 0, shanghai); !d.Equal(want) {
				t.Errorf("freeze %d is of %v, want %v", i, d, want)
			}
		}
		if len(days) != 4 {
			t.Errorf("%d daily freezes, want 4: %v", len(days), days)
		}
		if g := r.gaps(); len(g) != 0 {
			t.Errorf("got gaps %+v", g)
		}
		for _, e := range r.entries() {
			if e.Gap == nil && e.Reading.Method == protocol.MethodFreeze && e.Reading.Quality&protocol.QualityTwice == 0 {
				t.Errorf("not read twice: %+v", e.Reading)
			}
		}
	})
}

func TestGapThatNobodyKeptIsNamedExactly(t *testing.T) {
	try(t, nothing, func(r *rig) {
		r.run(2 * time.Hour)
		last := r.totals(protocol.MethodPoll)
		from := last[len(last)-1]
		r.wires.cut = true
		r.run(3 * time.Hour)
		r.wires.cut = false
		r.run(quarter + 10*time.Minute)
		g := r.gaps()
		if len(g) != 1 || g[0].Reason != whyNotKept || g[0].Meter.Address != "000000000101" {
			t.Fatalf("got %+v", g)
		}
		polls := r.totals(protocol.MethodPoll)
		to := polls[slices.IndexFunc(polls, func(at time.Time) bool { return at.After(from) })]
		if d := from.Sub(time.UnixMilli(g[0].From)); d.Abs() > 2*time.Second {
			t.Errorf("from %v, the last reading is of %v", time.UnixMilli(g[0].From), from)
		}
		if d := to.Sub(time.UnixMilli(g[0].To)); d.Abs() > 2*time.Second {
			t.Errorf("to %v, the next reading is of %v", time.UnixMilli(g[0].To), to)
		}
	})
}

func TestTimeWithoutPowerIsNamedAndNothingElse(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(2 * time.Hour)
		r.wires.cut = true
		r.run(2 * time.Hour)
		off := time.Now()
		r.wires.sims[0].SetPowered(false, off)
		r.run(4 * time.Hour)
		r.wires.sims[0].SetPowered(true, time.Now())
		on := time.Now()
		r.run(2 * time.Hour)
		r.wires.cut = false
		r.run(2 * quarter)
		g := r.gaps()
		if len(g) != 1 || g[0].Reason != whyPower {
			t.Fatalf("got %+v", g)
		}
		if a, b := time.UnixMilli(g[0].From), time.UnixMilli(g[0].To); off.Sub(a).Abs() > quarter || b.Sub(on).Abs() > quarter {
			t.Errorf("named %v to %v, it was dark from %v to %v", a, b, off, on)
		}
		if n := len(r.totals(protocol.MethodProfile)); n < 14 || n > 20 {
			t.Errorf("%d records around it", n)
		}
	})
}

func TestWhatIsOlderThanTheMetersMemoryIsNamedSo(t *testing.T) {
	try(t, func(c *simmeter.Config) { noProfile(c); c.HourlyDepth = 5; c.DailyDepth = -1 }, func(r *rig) {
		r.run(2 * time.Hour)
		r.wires.cut = true
		r.run(10 * time.Hour)
		r.wires.cut = false
		r.run(2 * quarter)
		g := r.gaps()
		if len(g) != 1 || g[0].Reason != whyOld {
			t.Fatalf("got %+v", g)
		}
		if n := len(r.totals(protocol.MethodHourly)); n < 4 || n > 5 {
			t.Errorf("%d hourly freezes of the 5 it keeps", n)
		}
		if first := r.totals(protocol.MethodHourly)[0]; first.Sub(time.UnixMilli(g[0].To)).Abs() > 2*time.Second {
			t.Errorf("the gap ends at %v, the first freeze is of %v", time.UnixMilli(g[0].To), first)
		}
	})
}

func TestMeterWithoutFreezeHasASnapshotAtEachBoundary(t *testing.T) {
	try(t, nothing, func(r *rig) {
		told := time.Date(2000, 4, 10, 14, 30, 0, 0, shanghai)
		r.mem.SetBoundaries([]int64{told.UnixMilli()})
		r.run(2 * time.Hour)
		r.stop()
		r.start() // the boundaries are on disk
		r.run(16 * time.Hour)
		got := r.totals(protocol.MethodSnapshot)
		if len(got) != 2 {
			t.Fatalf("got %v", got)
		}
		for i, want := range []time.Time{told, time.Date(2000, 4, 11, 0, 0, 0, 0, shanghai)} {
			if d := got[i].Sub(want); d.Abs() > around {
				t.Errorf("%v is %v from its boundary", got[i], d)
			}
		}
		if g := r.gaps(); len(g) != 0 {
			t.Errorf("got gaps %+v", g)
		}
	})
}

func TestMeterWithFreezeHasSnapshotsAtOtherInstantsThanMidnightOnly(t *testing.T) {
	try(t, nil, func(r *rig) {
		told := time.Date(2000, 4, 11, 8, 0, 0, 0, shanghai)
		r.mem.SetBoundaries([]int64{told.UnixMilli(), time.Date(2000, 4, 11, 0, 0, 0, 0, shanghai).UnixMilli()})
		r.run(30 * time.Hour)
		if got := r.totals(protocol.MethodSnapshot); len(got) != 1 || got[0].Sub(told).Abs() > around {
			t.Errorf("got %v", got)
		}
		if got := r.totals(protocol.MethodFreeze); len(got) != 2 {
			t.Errorf("got freezes %v", got)
		}
	})
}

func TestBoundaryWithoutSnapshotIsNamed(t *testing.T) {
	try(t, nothing, func(r *rig) {
		r.run(4*time.Hour + 20*time.Minute)
		told := time.Now().Add(5 * time.Minute)
		r.mem.SetBoundaries([]int64{told.UnixMilli()})
		r.stop()
		time.Sleep(20 * time.Minute) // too short for a gap, long enough to miss it
		r.start()
		r.run(time.Hour)
		g := r.gaps()
		if len(g) != 1 || g[0].Reason != whySnap || g[0].From != told.Add(-around).UnixMilli() || g[0].To != told.Add(around).UnixMilli() {
			t.Errorf("got %+v", g)
		}
	})
}

var errKilled = errors.New("killed")

// Killed between a reading's commit and the note about it, the agent stores the same record once more: same meter,
// register, method and meter time. Nothing is lost.
func TestKilledBetweenReadingAndNoteNothingIsLost(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(2 * time.Hour)
		from := time.Now()
		r.wires.cut = true
		r.run(4 * time.Hour)
		r.wires.cut = false
		r.round()
		kills := 0
		r.fail = func() error { return errKilled }
		for kills < 3 {
			if _, err := r.h.Work(t.Context()); errors.Is(err, errKilled) {
				kills++
				r.stop()
				r.start()
				if kills == 3 {
					r.fail = nil
				}
				r.round()
			} else if err != nil {
				t.Fatal(err)
			}
		}
		r.run(2 * quarter)
		all := r.totals(protocol.MethodProfile)
		slices.SortFunc(all, time.Time.Compare)
		once := slices.CompactFunc(slices.Clone(all), time.Time.Equal)
		within(t, once, from.Add(-quarter), from.Add(4*time.Hour), quarter)
		if len(all) == len(once) || len(all)-len(once) > 3*profileAsk {
			t.Errorf("%d records twice after three kills", len(all)-len(once))
		}
		values := map[int64]int64{}
		for _, e := range r.entries() {
			if e.Gap == nil && e.Reading.Method == protocol.MethodProfile && e.Reading.Quantity == protocol.ActiveImport {
				if v, ok := values[e.Reading.MeterTime]; ok && v != e.Reading.Value {
					t.Errorf("two values at %d", e.Reading.MeterTime)
				}
				values[e.Reading.MeterTime] = e.Reading.Value
			}
		}
	})
}

// A lost file begins anew: the daily freezes of a month are read again.
func TestLostMemoryReadsTheFreezesAgain(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.opt.Reread = 35
		r.stop()
		r.start()
		r.run(2 * time.Hour)
		n := len(r.totals(protocol.MethodFreeze))
		if n != 35 {
			t.Errorf("%d freezes for a new meter", n)
		}
		r.stop()
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		r.start()
		r.run(2 * time.Hour)
		if got := len(r.totals(protocol.MethodFreeze)); got != n {
			t.Errorf("%d freezes after the file was lost", got)
		}
	})
}

func TestFullOutboxForgetsNoNeed(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(2 * time.Hour)
		from := time.Now()
		r.wires.cut = true
		r.run(3 * time.Hour)
		r.wires.cut = false
		r.fail = func() error { return errFull }
		r.run(quarter + 10*time.Minute)
		r.fail = nil
		n := len(r.totals(protocol.MethodProfile))
		r.run(2 * quarter)
		all := r.totals(protocol.MethodProfile)[n:]
		within(t, all, from.Add(-quarter), from.Add(3*time.Hour), quarter)
	})
}
