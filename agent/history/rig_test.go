package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

var shanghai = time.FixedZone("+08:00", 8*3600)

// wires carry exchanges to simulated meters, each byte in its time, without a port between.
type wires struct {
	sims []*simmeter.Meter
	cut  bool
	sent []dlt645.Frame
}

func (w *wires) Settings() line.Settings {
	return line.Settings{Name: "l1", Baud: 2400, Parity: "even", StopBits: 1}
}

func (w *wires) Do(ctx context.Context, x *line.Exchange) error {
	if w.cut {
		return fmt.Errorf("cut: %w", line.ErrDown)
	}
	if x.Before != nil {
		if err := x.Before(); err != nil {
			return err
		}
	}
	x.Wrote, x.SentAt = true, time.Now()
	time.Sleep(w.Settings().CharTime(len(x.Request)))
	frames, _ := dlt645.Decode(x.Request)
	if len(frames) != 1 {
		return fmt.Errorf("not one request: % X", x.Request)
	}
	w.sent = append(w.sent, frames[0])
	for _, m := range w.sims {
		f, ok := m.AnswerDLT645(frames[0], time.Now())
		if !ok || x.Broadcast {
			continue
		}
		b := dlt645.AppendFrame(nil, f)
		time.Sleep(50 * time.Millisecond)
		x.RepliedAt, x.Received = time.Now(), len(b)
		time.Sleep(w.Settings().CharTime(len(b)))
		if x.Take(b) {
			return nil
		}
	}
	if x.Broadcast {
		return nil
	}
	time.Sleep(500 * time.Millisecond)
	return fmt.Errorf("wires: %w", line.ErrSilent)
}

// rig is an agent with one line that polls, in fake time.
type rig struct {
	t       *testing.T
	path    string
	wires   *wires
	drivers []meter.Driver
	box     *outbox.Box
	mem     *Memory
	h       *History
	opt     Options
	next    time.Time
	fail    func() error // stands behind each append of the history; nil: nothing

	dark map[string][][2]time.Time // when a meter was without power
}

func addr(t *testing.T, s string) dlt645.Address {
	a, err := dlt645.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try runs f with meters that have run for 90 days, at ten in the morning.
func try(t *testing.T, change func(*simmeter.Config), f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 4, 10, 10, 0, 20, 0, shanghai))) // fake time begins in 2000
		c := simmeter.Config{Address: "000000000101", Wire: addr(t, "101"), EnergymWh: 5_000_000, LoadW: 1000, Location: shanghai, History: 90 * 24 * time.Hour}
		if change != nil {
			change(&c)
		}
		r := &rig{t: t, path: filepath.Join(t.TempDir(), "outbox.db"), wires: &wires{sims: []*simmeter.Meter{simmeter.New(c, time.Now())}},
			opt: Options{Line: "l1", Interval: 15 * time.Minute, Zone: shanghai, Reread: 1, Trusted: func() bool { return true }}, next: time.Now(), dark: map[string][][2]time.Time{}}
		r.start()
		defer r.stop()
		f(r)
	})
}

type failing struct {
	*outbox.Box
	r *rig
}

func (f failing) Offer(e []protocol.Entry) error {
	if err := f.Box.Offer(e); err != nil {
		return err
	}
	if f.r.fail != nil {
		return f.r.fail()
	}
	return nil
}

func (r *rig) start() {
	r.t.Helper()
	var err error
	if r.box, err = outbox.Open(r.path, outbox.Options{}); err != nil {
		r.t.Fatal(err)
	}
	r.drivers = nil
	var refs []protocol.MeterRef
	for _, s := range r.wires.sims {
		ref := protocol.MeterRef{Line: "l1", Address: s.Address()}
		d, err := meter.NewDLT645(ref, r.wires, 500*time.Millisecond, shanghai)
		if err != nil {
			r.t.Fatal(err)
		}
		r.drivers, refs = append(r.drivers, d), append(refs, ref)
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("HISTORY_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if r.mem, err = Open(failing{r.box, r}, refs, log); err != nil {
		r.t.Fatal(err)
	}
	r.h = New(r.opt, r.mem, r.drivers, log)
}

func (r *rig) stop() {
	if r.box != nil {
		r.box.Close()
		r.box = nil
	}
}

// run polls for d, works in between, and reads the clocks once a day, as the poller does.
func (r *rig) run(d time.Duration) {
	r.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		if !time.Now().Before(r.next) {
			for r.next = r.next.Add(r.opt.Interval); !time.Now().Before(r.next); {
				r.next = r.next.Add(r.opt.Interval)
			}
			r.round()
		}
		for r.work() {
		}
		time.Sleep(min(time.Until(r.next), time.Minute))
	}
}

func (r *rig) round() {
	for _, d := range r.drivers {
		rs, err := d.Energy(r.t.Context(), meter.Call{})
		if err != nil {
			continue
		}
		if err := r.box.Append(entries(rs)); err != nil {
			r.t.Fatal(err)
		}
		r.h.Seen(d, time.Now(), rs)
		if drift := d.(meter.Drifter); true {
			if _, at := drift.Drift(); time.Since(at) > 24*time.Hour {
				d.Clock(r.t.Context(), meter.Call{})
			}
		}
	}
}

func (r *rig) work() bool {
	worked, err := r.h.Work(r.t.Context())
	if errors.Is(err, errKilled) {
		r.stop()
		r.start()
		return true
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return worked
}

func (r *rig) entries() []protocol.Entry {
	r.t.Helper()
	got, err := r.box.Readings(1, 1<<20, 1<<30)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

// totals are the stamps of the total register that came by a method.
func (r *rig) totals(m protocol.Method) (out []time.Time) {
	for _, e := range r.entries() {
		if e.Gap == nil && e.Reading.Method == m && e.Reading.Quantity == protocol.ActiveImport && e.Reading.Register == 0 {
			at := e.Reading.MeterTime
			if at == 0 {
				at = e.Reading.TakenAt
			}
			out = append(out, time.UnixMilli(at).In(shanghai))
		}
	}
	return out
}

func (r *rig) gaps() (out []protocol.Gap) {
	for _, e := range r.entries() {
		if e.Gap != nil {
			out = append(out, *e.Gap)
		}
	}
	return out
}

func (r *rig) alarms() (out []string) {
	got, err := r.box.Evidence(1, 1<<20, 1<<30)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range got {
		if e.Alarm != nil {
			out = append(out, e.Alarm.Code)
		}
	}
	return out
}
