package history

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/meter"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// Whatever a meter keeps and whatever fails for however long: at the end every moment lies between two readings that are
// near enough, or in a gap that says why; no register runs backwards; no gap holds a reading.
func TestWhateverFailsEverythingIsReadOrNamed(t *testing.T) {
	seeds := uint64(12)
	if n, err := strconv.ParseUint(os.Getenv("HISTORY_SEEDS"), 10, 32); err == nil {
		seeds = n
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 645))
		pick := func(of ...int) int { return of[rng.IntN(len(of))] }
		made := func(made *simmeter.Config) {
			made.Profile = simmeter.Profile{Interval: time.Duration(pick(15, 30, 60)) * time.Minute, Days: pick(1, 40), Off: rng.IntN(2) == 0, BadShare: float64(pick(0, 0, 10)) / 100}
			made.HourlyDepth, made.DailyDepth = pick(-1, 24, 0), pick(-1, 0)
			made.Backfill = pick(0, 7)
			made.Offset = time.Duration(pick(0, 20, -200, 250)) * time.Second
			if rng.IntN(8) == 0 {
				made.Edition = simmeter.Edition1997
			}
		}
		var first simmeter.Config
		try(t, func(c *simmeter.Config) { made(c); first = *c }, func(r *rig) {
			second := first
			second.Address, second.Wire = "000000000102", addr(t, "102")
			made(&second)
			r.stop()
			r.wires.sims = append(r.wires.sims, simmeter.New(second, time.Now()))
			r.start()
			r.run(time.Duration(1+rng.IntN(20)) * time.Hour)
			for range 6 {
				d := time.Duration(5+rng.IntN(200)) * time.Minute
				if rng.IntN(4) == 0 {
					d = time.Duration(5+rng.IntN(40)) * time.Hour
				}
				switch rng.IntN(3) {
				case 0:
					r.wires.cut = true
					r.run(d)
					r.wires.cut = false
				case 1:
					r.stop()
					time.Sleep(d)
					r.start()
				case 2:
					sim := r.wires.sims[rng.IntN(2)]
					off := time.Now()
					sim.SetPowered(false, off)
					r.run(d)
					sim.SetPowered(true, time.Now())
					r.dark[sim.Address()] = append(r.dark[sim.Address()], [2]time.Time{off, time.Now()})
				}
				r.killedAfter(rng.IntN(40)) // between a commit and the note about it, somewhere in what is fetched now
				r.run(time.Duration(1+rng.IntN(600)) * time.Minute)
			}
			r.fail = nil
			r.run(8 * time.Hour)
			for i, c := range []simmeter.Config{first, second} {
				r.check(fmt.Sprintf("seed %d: meter %s, profile %+v, hourly %d, daily %d, edition %s", seed, c.Address, c.Profile, c.HourlyDepth, c.DailyDepth, c.Edition), c, r.h.meters[i].Gaps)
			}
		})
	}
}

// killedAfter kills the agent after n more commits of the history.
func (r *rig) killedAfter(n int) {
	r.fail = func() error {
		if n--; n >= 0 {
			return nil
		}
		r.fail = nil
		return errKilled
	}
}

// shown holds each reading that was fetched to what the meter had on its display at that moment, reckoned back from now.
func (r *rig) shown(what string, c simmeter.Config) {
	r.t.Helper()
	sim := r.wires.sims[slices.IndexFunc(r.wires.sims, func(m *simmeter.Meter) bool { return m.Address() == c.Address })]
	now := time.Now()
	v := sim.View(now)
	n := 0
	for _, e := range r.entries() {
		g := e.Reading
		if e.Gap != nil || g.Meter.Address != c.Address || g.Quantity != protocol.ActiveImport || g.Register != 0 || g.Quality&protocol.QualitySuspect != 0 ||
			g.Method != protocol.MethodFreeze && g.Method != protocol.MethodHourly && g.Method != protocol.MethodProfile {
			continue
		}
		n++
		at := time.UnixMilli(g.MeterTime).Add(-c.Offset)
		if d := time.UnixMilli(g.TakenAt).Sub(at); d.Abs() > 2*time.Second {
			r.t.Errorf("%s: dated %v off: %+v", what, d, g)
		}
		on := now.Sub(at)
		for _, d := range r.dark[c.Address] {
			if d[1].After(at) {
				on -= d[1].Sub(later(d[0], at))
			}
		}
		want := (v.EnergymWh - c.LoadW*int64(on/time.Millisecond)*10/36/1000) / 10_000
		if d := g.Value - want; g.Exp != -2 || d < -10 || d > 10 { // six minutes of this load; records are a quarter apart
			r.t.Errorf("%s: %d stored by %v, the meter showed %d at %v: %+v", what, g.Value, g.Method, want, at, g)
		}
	}
	if n == 0 && c.Edition != simmeter.Edition1997 && c.DailyDepth >= 0 {
		r.t.Errorf("%s: nothing was fetched", what)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

type point struct {
	at, value int64
	method    protocol.Method
}

func (r *rig) check(what string, c simmeter.Config, open []gap) {
	r.t.Helper()
	const slack = 2_000 // ms: what is known of a drift is whole seconds
	var points []point
	var gaps []protocol.Gap
	for _, e := range r.entries() {
		switch {
		case e.Gap != nil && e.Gap.Meter.Address != c.Address, e.Gap == nil && e.Reading.Meter.Address != c.Address:
		case e.Gap != nil && (e.Gap.Reason == whySnap || e.Gap.Reason == whyFreeze):
		case e.Gap != nil:
			gaps = append(gaps, *e.Gap)
		case e.Reading.Quantity == protocol.ActiveImport && e.Reading.Register == 0:
			points = append(points, point{e.Reading.TakenAt, e.Reading.Value, e.Reading.Method})
		}
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	allowed := r.h.holeAfter()
	switch {
	case c.Edition == simmeter.Edition1997:
	case c.DailyDepth >= 0:
		allowed = coverage[fromDaily]
	case !c.Profile.Off || c.HourlyDepth >= 0:
		allowed = coverage[fromHourly]
	}
	r.shown(what, c)
	for i, g := range gaps {
		for _, o := range gaps[i+1:] {
			if g != o && g.From < o.To-slack && o.From < g.To-slack { // the same once more is known by its span
				r.t.Errorf("%s: %+v and %+v overlap", what, g, o)
			}
		}
	}
	start := points[0].at
	for i, p := range points[1:] {
		q := points[i]
		if p.at-q.at > slack && p.value < q.value {
			r.t.Errorf("%s: %d by method %d at %v follows %d by %d at %v", what, p.value, p.method, time.UnixMilli(p.at), q.value, q.method, time.UnixMilli(q.at))
		}
		if p.at-q.at <= allowed.Milliseconds()+slack || q.at == start && q.method == protocol.MethodFreeze {
			continue
		}
		if !slices.ContainsFunc(gaps, func(g protocol.Gap) bool { return g.From <= q.at+slack && g.To >= p.at-slack }) {
			r.t.Errorf("%s: nothing between %v (method %d) and %v (method %d), and no name for it: %+v", what, time.UnixMilli(q.at), q.method, time.UnixMilli(p.at), p.method, gaps)
		}
	}
	for _, g := range gaps {
		for _, p := range points {
			if p.at > g.From+slack && p.at < g.To-slack {
				r.t.Errorf("%s: a reading by method %d at %v in gap %+v", what, p.method, time.UnixMilli(p.at), g)
			}
		}
	}
	if len(open) != 0 {
		r.t.Errorf("%s: still open: %+v", what, open)
	}
}

// scripted is a meter that answers everything with what it was told to.
type scripted struct {
	meter.Driver
	answer func(n int) (time.Time, error)
	n      int
}

func (s *scripted) Ref() protocol.MeterRef {
	return protocol.MeterRef{Line: "l1", Address: "000000000101"}
}

func (s *scripted) Can() meter.Capabilities { return meter.Capabilities{} }

func (s *scripted) next() ([]protocol.Reading, time.Time, error) {
	s.n++
	at, err := s.answer(s.n)
	if err != nil {
		return nil, at, err
	}
	return []protocol.Reading{{Meter: s.Ref(), Quantity: protocol.ActiveImport, Value: 1, TakenAt: at.UnixMilli(), MeterTime: at.UnixMilli()}}, at, nil
}

func (s *scripted) Energy(context.Context, meter.Call) ([]protocol.Reading, error) {
	rs, _, err := s.next()
	return rs, err
}

func (s *scripted) Frozen(context.Context, meter.Call, dlt645.FreezeKind, int) ([]protocol.Reading, time.Time, error) {
	return s.next()
}

func (s *scripted) Profile(context.Context, meter.Call, time.Time, int) ([]protocol.Reading, error) {
	rs, _, err := s.next()
	return rs, err
}

// A record from a disk and a meter that says anything: the work ends, and nothing panics.
func FuzzAnyRecordAndAnyAnswerComeToAnEnd(f *testing.F) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	some := record{Seen: now.UnixMilli(), Gaps: []gap{{From: now.Add(-9 * time.Hour).UnixMilli(), To: now.Add(-time.Hour).UnixMilli(), Source: fromHourly, Low: 3, High: 9}}, Days: []int64{now.Add(-34 * time.Hour).UnixMilli()}}
	b, _ := json.Marshal(some)
	f.Add(b, []byte{0, 1, 2, 3, 4, 5, 200, 100})
	f.Add([]byte(`{"seen":1,"gaps":[{"from":1,"to":2,"source":3}],"day_nth":62}`), []byte{7})
	f.Fuzz(func(t *testing.T, raw, answers []byte) {
		r := &record{}
		if json.Unmarshal(raw, r) != nil || !r.sound() || len(answers) == 0 {
			t.Skip()
		}
		r.Seen = time.Now().UnixMilli()
		d := &scripted{answer: func(n int) (time.Time, error) {
			a := answers[n%len(answers)]
			switch a % 8 {
			case 0:
				return time.Time{}, meter.ErrNoRecord
			case 1:
				return time.Time{}, meter.ErrDisagree
			case 2:
				return time.Time{}, fmt.Errorf("x: %w", meter.ErrRefused)
			}
			return time.Now().Add(-time.Duration(a) * time.Duration(n) * 7 * time.Minute), nil
		}}
		mem := &Memory{box: &sink{}, log: quiet, meters: map[protocol.MeterRef]*record{d.Ref(): r}, lines: map[string]*lineRecord{}}
		h := New(Options{Line: "l1", Interval: time.Minute, Zone: time.UTC, Trusted: func() bool { return true }}, mem, []meter.Driver{d}, quiet)
		for range 60 {
			more, err := h.Work(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				return
			}
		}
		t.Errorf("work for ever: %d answers, %+v", d.n, r)
	})
}

// sink takes everything.
type sink struct{}

func (*sink) Offer([]protocol.Entry) error                                   { return nil }
func (*sink) AppendAlarm(protocol.Alarm) error                               { return nil }
func (*sink) AppendEvidence([]protocol.Evidence, func(*bolt.Tx) error) error { return nil }

var quiet = slog.New(slog.DiscardHandler)
