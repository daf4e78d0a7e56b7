package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/meter"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
)

func TestDamagedRecordIsForgottenAndItsMeterReadAgain(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(4 * time.Hour)
		n := len(r.totals(protocol.MethodFreeze))
		ref := r.drivers[0].Ref()
		err := r.box.AppendEvidence(nil, func(tx *bolt.Tx) error {
			b := tx.Bucket(bucket)
			v := slices.Clone(b.Get(meterKey(ref)))
			v[len(v)/2] ^= 1
			return errors.Join(b.Put(meterKey(ref), v), b.Put(keyBoundaries, []byte{1, 2}), b.Put(lineKey("l1"), nil))
		})
		if err != nil {
			t.Fatal(err)
		}
		r.stop()
		r.start()
		if k := r.h.meters[0]; k.record.Seen != 0 || len(k.Days) != 0 {
			t.Errorf("damage was believed: %+v", k.record)
		}
		if time.Since(time.UnixMilli(r.h.line.Broadcast)) > time.Minute {
			t.Error("a damaged line may be told the time twice a day")
		}
		r.run(time.Hour)
		if got := len(r.totals(protocol.MethodFreeze)); got != n+1 {
			t.Errorf("%d freezes, want %d", got, n+1)
		}
	})
}

// A new meter's record must be on the disk before the list of what was read is: with the list alone, boundaries from
// before the meter was known would look missed.
func TestNewMeterKilledAtAnyMomentHasMissedNothing(t *testing.T) {
	for _, d := range []time.Duration{time.Second, time.Minute, 20 * time.Minute, 40 * time.Minute} {
		try(t, nothing, func(r *rig) {
			r.mem.SetBoundaries([]int64{time.Now().Add(-time.Hour).UnixMilli()})
			r.run(d)
			r.stop()
			r.start()
			r.run(time.Hour)
			if g := r.gaps(); len(g) != 0 {
				t.Errorf("killed after %v: %+v", d, g)
			}
		})
	}
}

func TestMissingDailyFreezeIsNamed(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(13*time.Hour + 50*time.Minute) // ten to midnight
		r.wires.sims[0].SetPowered(false, time.Now())
		r.run(20 * time.Minute)
		r.wires.sims[0].SetPowered(true, time.Now())
		r.run(25 * time.Hour)
		midnight := time.Date(2000, 4, 11, 0, 0, 0, 0, shanghai).UnixMilli()
		g := r.gaps()
		if len(g) != 1 || g[0].Reason != whyFreeze || g[0].From > midnight || g[0].To < midnight {
			t.Errorf("got %+v", g)
		}
		if got := r.totals(protocol.MethodFreeze); len(got) != 2 || got[1].Day() != 12 {
			t.Errorf("got freezes %v", got)
		}
	})
}

func TestFreezeThatTheMeterMakesLateIsReadLate(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.Backfill = 7 }, func(r *rig) {
		r.run(13*time.Hour + 50*time.Minute)
		r.wires.sims[0].SetPowered(false, time.Now())
		r.run(100 * time.Minute)
		r.wires.sims[0].SetPowered(true, time.Now())
		r.run(3 * time.Hour)
		if got := r.totals(protocol.MethodFreeze); len(got) != 2 || got[1].Day() != 11 {
			t.Errorf("got freezes %v", got)
		}
	})
}

// The clock stood still with the power: what the meter kept before is fetched, and marked, because nobody knows any more
// at which hours of ours it was.
func TestWhatAMeterKeptBeforeItsClockMovedIsMarked(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.DeadBattery = true }, func(r *rig) {
		r.run(2 * time.Hour)
		r.wires.cut = true
		r.run(3 * time.Hour)
		r.wires.sims[0].SetPowered(false, time.Now())
		r.run(20 * time.Minute)
		r.wires.sims[0].SetPowered(true, time.Now())
		r.run(time.Hour)
		r.wires.cut = false
		r.run(time.Hour)
		n := 0
		for _, e := range r.entries() {
			if e.Gap == nil && e.Reading.Method == protocol.MethodProfile {
				if n++; e.Reading.Quality&protocol.QualitySuspect == 0 {
					t.Errorf("not marked: %+v", e.Reading)
				}
			}
		}
		if n < 10 {
			t.Errorf("%d records", n)
		}
		if got := r.alarms(); !slices.Contains(got, "clock-step") || !slices.Contains(got, "clock-off") {
			t.Errorf("got alarms %v", got)
		}
	})
}

// strict is a meter that refuses a time from before its oldest record instead of beginning there.
type strict struct {
	meter.Driver
	oldest time.Time
}

func (s strict) Profile(ctx context.Context, c meter.Call, from time.Time, n int) ([]protocol.Reading, error) {
	if !from.IsZero() && from.Before(s.oldest) {
		return nil, fmt.Errorf("x: %w", meter.ErrNoRecord)
	}
	return s.Driver.(meter.Keeper).Profile(ctx, c, from, n)
}

func (s strict) Drift() (time.Duration, time.Time) { return s.Driver.(meter.Drifter).Drift() }

func TestMeterThatRefusesTimesBeforeItsOldestRecordIsAskedOn(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.HourlyDepth, c.DailyDepth = -1, -1 }, func(r *rig) {
		r.run(2 * time.Hour)
		r.wires.cut = true
		r.run(20 * time.Hour)
		r.wires.cut = false
		d := strict{r.h.meters[0].Driver, time.Now().Add(-8 * time.Hour)}
		r.h.meters[0].Driver, r.h.meters[0].keeper = d, kept645{r.h.meters[0].keeper, d}
		r.run(2 * quarter)
		got := r.totals(protocol.MethodProfile)
		if len(got) < 20 || got[0].Sub(d.oldest) > 3*time.Hour {
			t.Errorf("%d records, the first of %v; it keeps those since %v", len(got), got, d.oldest)
		}
		if g := r.gaps(); len(g) != 1 || g[0].Reason != whyOld {
			t.Errorf("got %+v", g)
		}
	})
}

type kept645 struct {
	meter.Keeper
	s strict
}

func (k kept645) Profile(ctx context.Context, c meter.Call, from time.Time, n int) ([]protocol.Reading, error) {
	return k.s.Profile(ctx, c, from, n)
}

// sparse is a meter whose load profile has a record each two hours.
type sparse struct{ meter.Keeper }

func (s sparse) Profile(ctx context.Context, c meter.Call, from time.Time, n int) (out []protocol.Reading, err error) {
	rs, err := s.Keeper.Profile(ctx, c, from, 99)
	for _, r := range rs {
		if at := time.UnixMilli(r.MeterTime).In(shanghai); at.Minute() == 0 && at.Hour()%2 == 0 && len(out) < n {
			out = append(out, r)
		}
	}
	if err == nil && len(out) == 0 && !from.IsZero() {
		err = meter.ErrNoRecord
	}
	return out, err
}

func TestProfileOfLongStepsIsNoGap(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.HourlyDepth, c.DailyDepth = -1, -1 }, func(r *rig) {
		r.run(2 * time.Hour)
		r.h.meters[0].keeper = sparse{r.h.meters[0].keeper}
		r.wires.cut = true
		r.run(12 * time.Hour)
		r.wires.cut = false
		r.run(2 * quarter)
		if got := r.totals(protocol.MethodProfile); len(got) < 6 {
			t.Errorf("got %v", got)
		}
		if g := r.gaps(); len(g) != 0 {
			t.Errorf("got gaps %+v", g)
		}
	})
}

func TestHowAMeterTalksIsRememberedAcrossRestarts(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.Edition = simmeter.Edition1997 }, func(r *rig) {
		r.run(time.Hour)
		r.stop()
		r.start()
		n := len(r.wires.sent)
		if _, err := r.drivers[0].Energy(t.Context(), meter.Call{}); err != nil || len(r.wires.sent) != n+1 {
			t.Errorf("%d requests after a restart, %v", len(r.wires.sent)-n, err)
		}
		for _, f := range r.wires.sent[n:] {
			if f.Control != 0x01 {
				t.Errorf("asked with control %02X", f.Control)
			}
		}
	})
}

// Another meter was put in its place, under the same address: its past is not the place's.
func TestWhatAnotherMeterKeptIsMarked(t *testing.T) {
	for _, down := range []bool{false, true} {
		try(t, nil, func(r *rig) {
			r.run(15 * time.Hour) // a midnight: its record is on the disk
			r.wires.cut = true
			if down {
				r.stop()
			}
			time.Sleep(11 * time.Hour)
			c := simmeter.Config{Address: "000000000101", Wire: addr(t, "101"), EnergymWh: 1_000_000, LoadW: 1000, Location: shanghai, History: 20 * 24 * time.Hour}
			r.wires.sims[0] = simmeter.New(c, time.Now())
			r.wires.cut = false
			if down {
				r.start()
			}
			r.next = time.Now()
			r.run(time.Hour)
			n := 0
			for _, e := range r.entries() {
				if e.Gap == nil && e.Reading.Method == protocol.MethodProfile {
					if n++; e.Reading.Quality&protocol.QualitySuspect == 0 {
						t.Fatalf("agent down %v: not marked: %+v", down, e.Reading)
					}
				}
			}
			if n < 10 {
				t.Errorf("agent down %v: %d records", down, n)
			}
			from := time.Now()
			r.wires.cut = true
			r.run(3 * time.Hour)
			r.wires.cut = false
			r.run(time.Hour)
			for _, e := range r.entries() {
				if e.Gap == nil && e.Reading.Method == protocol.MethodProfile && e.Reading.TakenAt > from.UnixMilli() && e.Reading.Quality&protocol.QualitySuspect != 0 {
					t.Errorf("agent down %v: its own past is marked: %+v", down, e.Reading)
				}
			}
		})
	}
}
