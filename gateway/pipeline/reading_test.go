package pipeline

import (
	"errors"
	"testing"

	"feikong/billing"
	"feikong/gateway/account"
	"feikong/protocol"

	gocmp "github.com/google/go-cmp/cmp"
)

func entryAt(w *world, meter string, energy float64, ago int64) protocol.Entry {
	return reading(meter, protocol.ActiveImport, kwh(energy), w.now-ago)
}

func TestTierBorderCrossedByTwoMetersThatShareTheTiers(t *testing.T) {
	p := profile("1001", pointProfile("m1"), pointProfile("m2"))
	p.TariffID, p.CycleUsed = "shandong-household", billing.Energy(kwh(2518.5))
	w := newWorld(t, p)
	w.settle(t, w.batch(entryAt(w, "m1", 100, 0), entryAt(w, "m2", 7, 0)))
	w.now += hour
	w.settle(t, w.batch(entryAt(w, "m1", 101, 0), entryAt(w, "m2", 7.5, 0)))
	// 1.5 kWh to the border of 2520, inclusive: 1.5 x 0.5469 = 0.82035.
	if s := w.account("1001"); s.Energy != billing.Energy(kwh(1.5)) || s.Estimate != 8200 || s.Tier != 1 {
		t.Fatalf("energy %s estimate %s tier %d", s.Energy, s.Estimate, s.Tier)
	}
	w.now += hour
	w.settle(t, w.batch(entryAt(w, "m2", 9.5, 0)))
	// and 2 x 0.5969 = 1.1938 above it.
	if s := w.account("1001"); s.Estimate != 8200+11900 || s.Tier != 2 || s.Hold != "" {
		t.Fatalf("estimate %s tier %d hold %q", s.Estimate, s.Tier, s.Hold)
	}
}

func TestReadingAnHourAheadIsStoredAndNeverCurrent(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.settle(t, w.batch(entryAt(w, "m1", 100, 0), entryAt(w, "m1", 200, -hour), entryAt(w, "m1", 100, w.now-5)))
	s := w.account("1001")
	if s.Points[0].Current.At != w.now || s.Points[0].Hold != "" || len(w.readings[1]) != 3 {
		t.Fatalf("%+v", s.Points[0])
	}
	untrusted := 0
	for _, r := range w.readings[1] {
		if r.Flags&account.FlagUntrusted != 0 {
			untrusted++
		}
	}
	if untrusted != 2 || len(w.findings[1]) != 2 {
		t.Errorf("%d untrusted, findings %+v", untrusted, w.findings[1])
	}
	// The same reading again when its time has come is news of a trusted clock.
	entry := entryAt(w, "m1", 100.5, -hour)
	w.now += hour
	w.settle(t, w.batch(entry))
	if p := w.account("1001").Points[0]; p.Current.At != w.now {
		t.Errorf("%+v", p)
	}
}

func TestUnknownMeterGoesToQuarantineAndIsAcknowledged(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	wide := entryAt(w, "m1", 1, 0)
	wide.Reading.Value, wide.Reading.Exp = 1<<60, 3
	r := w.settle(t, w.batch(entryAt(w, "m9", 1, 0), entryAt(w, "m1", 1, 0), wide))[0]
	if r.Status != account.Accepted || r.Ack == nil || r.Ack.Upto != 3 || len(w.last.Quarantine) != 2 || len(w.readings[1]) != 1 {
		t.Fatalf("%+v, quarantine %+v", r, w.last.Quarantine)
	}
	if q := w.last.Quarantine; q[0].Reason != "unknown-meter" || q[0].Entry == nil || q[0].Meter.Address != "m9" || q[1].Reason != "value-out-of-range" {
		t.Errorf("%+v", q)
	}
	w.settle(t, account.Event{Now: w.now, Garbage: &account.Garbage{Agent: "street-1", Reason: "cut short", Data: []byte{1}}})
	if q := w.last.Quarantine; len(q) != 1 || string(q[0].Data) != "\x01" {
		t.Errorf("%+v", q)
	}
}

func TestCursorOfALane(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	energy := 100.0
	send := func(epoch, first uint64, n int) account.Event {
		var entries []protocol.Entry
		for range n {
			w.now += minute
			energy += 0.01
			entries = append(entries, entryAt(w, "m1", energy, 0))
		}
		return account.Event{Now: w.now, Readings: &protocol.ReadingBatch{Agent: "street-1", Epoch: epoch, First: first, Entries: entries}}
	}
	check := func(name string, got []account.Receipt, status account.Status, upto uint64, readings int) {
		t.Helper()
		last := got[len(got)-1]
		if last.Status != status || last.Ack == nil || last.Ack.Upto != upto || len(w.readings[1]) != readings {
			t.Errorf("%s: status %d ack %+v with %d readings, want %d %d %d", name, last.Status, last.Ack, len(w.readings[1]), status, upto, readings)
		}
	}
	first := send(1, 1, 3)
	check("first", w.settle(t, first), account.Accepted, 3, 3)
	check("duplicate", w.settle(t, first), account.Duplicate, 3, 3)
	check("overlap", w.settle(t, send(1, 2, 3)), account.Accepted, 4, 4)
	check("hole", w.settle(t, send(1, 7, 2)), account.Accepted, 4, 4)
	a, b := send(1, 5, 2), send(1, 7, 2)
	check("two of a lane in one call, the first twice", w.settle(t, a, b, a), account.Duplicate, 8, 8)
	check("new epoch", w.settle(t, send(2, 1, 1)), account.Accepted, 1, 9)
	check("new epoch that starts late", w.settle(t, send(3, 11, 1)), account.Accepted, 11, 10)
	if g := w.last.Gaps; len(g) != 1 || g[0].Epoch != 3 || g[0].Gap.Count != 10 {
		t.Errorf("gaps %+v", g)
	}
	for _, bad := range []account.Event{send(1, 0, 1), send(1, 9, 0), send(1, 1<<64-1, 1)} {
		if r := w.settle(t, bad)[0]; r.Rule != "empty-batch" || r.Ack != nil {
			t.Errorf("%+v", r)
		}
	}
}

func TestTheSameInstantWithAnotherValueIsHeldUntilALaterReading(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.read("m1", 100)
	w.now += hour
	w.read("m1", 101)
	other := entryAt(w, "m1", 101.5, 0)
	w.settle(t, w.batch(other))
	s := w.account("1001")
	if s.Points[0].Hold != "A22" || s.Energy != 0 || s.Points[0].Latest.Energy != billing.Energy(kwh(101)) {
		t.Fatalf("%+v", s.Points[0])
	}
	w.settle(t, w.batch(other, entryAt(w, "m1", 101, 0))) // once more: known already
	if w.account("1001").Points[0].Hold != "A22" || len(w.readings[1]) != 5 {
		t.Errorf("%d readings", len(w.readings[1]))
	}
	w.now += hour
	w.read("m1", 102)
	if s = w.account("1001"); s.Points[0].Hold != "" || s.Energy != billing.Energy(kwh(2)) {
		t.Errorf("%+v", s.Points[0])
	}
}

func TestProvenRolloverCarriesEnergy(t *testing.T) {
	p := pointProfile("m1")
	p.Multiplier, p.HasOpening, p.Opening = 10, true, billing.Energy(kwh(999_990))
	p.MaxRate *= 10
	w := newWorld(t, profile("1001", p))
	w.read("m1", 999_991)
	w.now += hour
	w.read("m1", 999_999)
	w.now += hour
	w.read("m1", 3)
	w.now += hour
	w.read("m1", 5)
	s := w.account("1001")
	// 15 kWh of the register, ten times.
	if q := s.Points[0]; s.Energy != billing.Energy(kwh(150)) || q.Lifetime+(q.Current.Energy-q.SegmentStart.Energy)*10 != s.Energy || q.Carried != billing.Energy(kwh(130)) || q.Before == nil {
		t.Fatalf("energy %s, %+v", s.Energy, q)
	}
	if r := w.do("1001", account.IssueKey("1001", "a"), account.Event{Issue: &account.Issue{Label: "a"}}); r.Status != account.Accepted {
		t.Fatalf("%+v", r)
	}
	w.now += hour
	w.read("m1", 6)
	if q := w.account("1001").Points[0]; q.Before != nil || w.account("1001").Energy != billing.Energy(kwh(10)) {
		t.Errorf("%+v", q)
	}
}

func TestLateReadingCanUndoARollover(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.read("m1", 999_990)
	w.now += hour
	w.read("m1", 5) // 15 kWh in an hour: a rollover
	if w.account("1001").Points[0].Hold != "" {
		t.Fatal("not a rollover")
	}
	w.settle(t, w.batch(entryAt(w, "m1", 999_990, minute))) // 15 kWh in a minute: never
	if q := w.account("1001").Points[0]; q.Hold != "A01" || q.Carried != 0 || q.Lifetime != 0 || q.Before != nil || w.account("1001").Energy != 0 {
		t.Errorf("%+v", q)
	}
}

func TestReadingOfABilledPeriodIsHistory(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.read("m1", 100)
	w.now += 2 * hour
	w.read("m1", 104)
	w.do("1001", account.IssueKey("1001", "a"), account.Event{Issue: &account.Issue{Label: "a"}})
	before := *w.account("1001")
	w.settle(t, w.batch(entryAt(w, "m1", 101, hour), entryAt(w, "m1", 50, 3*hour)))
	after := *w.account("1001")
	after.Version = before.Version
	if d := gocmp.Diff(before, after); d != "" || len(w.readings[1]) != 6 {
		t.Errorf("%d readings, state moved:\n%s", len(w.readings[1]), d)
	}
}

func TestUnreadableHistoryHoldsUntilItCanBeRead(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.read("m1", 100)
	w.now += 2 * hour
	w.read("m1", 104)
	w.broken = errors.New("disk")
	w.settle(t, w.batch(entryAt(w, "m1", 102, hour)))
	if p := w.account("1001").Points[0]; p.Hold != unreadable {
		t.Fatalf("%+v", p)
	}
	w.broken = nil
	w.now += hour
	w.read("m1", 106)
	if s := w.account("1001"); s.Points[0].Hold != "" || s.Energy != billing.Energy(kwh(6)) {
		t.Errorf("%+v", s.Points[0])
	}
}

func TestPlainReadingsNeverAskTheDisk(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1"), pointProfile("m2")))
	for i := range 20 {
		w.now += hour
		w.settle(t, w.batch(entryAt(w, "m1", 100+float64(i), 0), entryAt(w, "m2", 5+float64(i), 0), reading("m1", protocol.ClockDrift, 3, w.now), reading("m1", protocol.RelayState, 0, w.now)))
	}
	if w.reads != 0 {
		t.Errorf("%d look-ups of history", w.reads)
	}
}

func TestRatesThatDoNotAddUpAreFlagged(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	peak := entryAt(w, "m1", 90, 0)
	peak.Reading.Register = 1
	w.settle(t, w.batch(entryAt(w, "m1", 100, 0), peak))
	if f := w.findings[1]; len(f) != 1 || f[0].Code != "A07" || f[0].Hold {
		t.Errorf("%+v", f)
	}
}
