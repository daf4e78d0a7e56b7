package storetest

import (
	"crypto/sha256"
	"testing"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

func reading(no account.No, at, value int64) account.ReadingRecord {
	return account.ReadingRecord{No: no, Quantity: protocol.ActiveImport, Value: value, TakenAt: at, Method: protocol.MethodPoll}
}

// fill stores readings of three accounts, one commit an hour, and a late one and an untrusted one.
func fill(t *testing.T, s store.Store) {
	t.Helper()
	for hour := range int64(30) {
		do(t, s, func(_ account.Facts, ch *account.Changes) {
			for no := account.No(1); no <= 3; no++ {
				if hour%10 != 5 || no != 2 { // account 2 lacks hours 5, 15, 25
					ch.Readings = append(ch.Readings, reading(no, hour*100, hour*1000+int64(no)))
				}
			}
		})
	}
	do(t, s, func(_ account.Facts, ch *account.Changes) {
		late, wild, other := reading(2, 1500, 15_002), reading(2, 1<<50, 1), reading(2, 1550, 7)
		late.Flags, wild.Flags, other.Register = account.FlagLate, account.FlagUntrusted, 1
		ch.Readings = []account.ReadingRecord{late, wild, other}
	})
}

func testHistory(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	Import(t, s, 3)
	fill(t, s)
	s = reopen(t, s, open, dir)
	do(t, s, func(facts account.Facts, _ *account.Changes) {
		for _, c := range []struct {
			from, to int64
			want     []int64
		}{
			{1450, 1650, []int64{1400, 1500, 1600}}, // the late one, and the newest before
			{500, 650, []int64{400, 600}},           // hour 5 is missing
			{-5, 50, []int64{0}},                    // nothing before
			{2950, 5000, []int64{2900}},
			{-9, -1, nil},
		} {
			got, err := facts.History(2, 0, protocol.ActiveImport, 0, c.from, c.to)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "times", times(got), c.want)
		}
		if got, err := facts.History(2, 1, protocol.ActiveImport, 0, 0, 1<<60); err != nil || got != nil {
			t.Errorf("a point without readings has %v %v", got, err)
		}
	})
}

func times(r []account.ReadingRecord) (out []int64) {
	for i := range r {
		out = append(out, r[i].TakenAt)
	}
	return out
}

func testReadings(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	Import(t, s, 3)
	fill(t, s)
	view(t, s, func(v store.View) {
		for _, c := range []struct {
			from, to int64
			limit    int
			want     []int64
		}{
			{0, 250, 0, []int64{0, 100, 200}},
			{1400, 1600, 0, []int64{1400, 1500, 1600}},
			{0, 1600, 2, []int64{1500, 1600}},
			{0, 2900, 3, []int64{2700, 2800, 2900}},
			{2800, 1 << 60, 0, []int64{2800, 2900, 1 << 50}},
		} {
			got, err := v.Readings(2, 0, protocol.ActiveImport, 0, c.from, c.to, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "times", times(got), c.want)
		}
		got, err := v.Readings(2, 0, protocol.ActiveImport, 0, 1500, 1500, 1)
		want := reading(2, 1500, 15_002)
		want.Flags = account.FlagLate
		if err != nil {
			t.Error(err)
		}
		same(t, "record", got, []account.ReadingRecord{want})
	})
}

func testOpen(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	Import(t, s, 2)
	order := func(no account.No, number uint64, state account.OrderState) account.OrderRecord {
		return account.OrderRecord{No: no, Number: number, State: state, Created: Now + int64(number), Case: []account.Check{{Rule: "window", OK: true}},
			Order: protocol.Order{ID: protocol.OrderID{Generation: 1, Number: number}, Agent: "street-1", Action: protocol.ActionClose, Password: [4]byte{2, 1, 2, 3}}}
	}
	notice := account.NoticeRecord{No: 1, Number: 1, State: account.NoticeQueued, Notice: protocol.Notice{ID: "n", Kind: protocol.NoticeReminder}}
	finding := account.Finding{No: 1, Code: "A01", Hold: true, At: 5, Found: 6, Detail: "backwards"}
	do(t, s, func(_ account.Facts, ch *account.Changes) {
		ch.Orders = []account.OrderRecord{order(1, 1, account.OrderQueued), order(1, 2, account.OrderQueued), order(2, 9, account.OrderQueued)}
		ch.Notices, ch.Findings = []account.NoticeRecord{notice}, []account.Finding{finding, {No: 1, Code: "A02", At: -7, Closed: 1}}
	})
	s = reopen(t, s, open, dir)
	view(t, s, func(v store.View) {
		orders, err := v.OpenOrders("street-1")
		if err != nil || len(orders) != 3 {
			t.Errorf("open orders %v %v", orders, err)
		}
		none, _ := v.OpenOrders("street-2")
		notices, _ := v.OpenNotices()
		if len(none) != 0 || len(notices) != 1 {
			t.Errorf("orders of another agent %v, notices %v", none, notices)
		}
		same(t, "floors", v.Floors("street-1"), []protocol.OrderFloor{
			{Meter: Profile(0).Points[0].Meter, Order: protocol.OrderID{Generation: 1, Number: 2}},
			{Meter: Profile(1).Points[0].Meter, Order: protocol.OrderID{Generation: 1, Number: 9}}})
	})
	done := order(1, 1, account.OrderDone)
	done.Outcome = &protocol.Outcome{State: protocol.OutcomeDone, Frames: []protocol.FrameEvidence{{Sent: true, Bytes: []byte{0x68}}}}
	do(t, s, func(facts account.Facts, ch *account.Changes) {
		if o, ok := facts.Order(1, 0, 1); !ok || o.State != account.OrderQueued {
			t.Errorf("order %+v %v", o, ok)
		}
		if n, ok := facts.Notice(1, 1); !ok || n.Notice.ID != "n" {
			t.Errorf("notice %+v %v", n, ok)
		}
		if _, ok := facts.Order(1, 0, 3); ok {
			t.Error("an order that there is not")
		}
		same(t, "open findings", facts.OpenFindings(1), []account.Finding{finding})
		notice.State = account.NoticeFailed // still to be delivered
		ch.Notices = []account.NoticeRecord{notice}
	})
	view(t, s, func(v store.View) {
		if notices, err := v.OpenNotices(); err != nil || len(notices) != 1 || notices[0].State != account.NoticeFailed {
			t.Errorf("open notices %+v %v", notices, err)
		}
	})
	do(t, s, func(_ account.Facts, ch *account.Changes) {
		notice.State, finding.Closed = account.NoticeDelivered, 9
		ch.Orders, ch.Notices, ch.Findings = []account.OrderRecord{done}, []account.NoticeRecord{notice}, []account.Finding{finding}
	})
	s = reopen(t, s, open, dir)
	view(t, s, func(v store.View) {
		orders, _ := v.OpenOrders("")
		all, _ := v.Orders(1)
		notices, _ := v.OpenNotices()
		findings, _ := v.Findings(1)
		if len(orders) != 2 || len(all) != 2 || len(notices) != 0 || len(findings) != 2 || findings[0].Code != "A02" {
			t.Errorf("%d open orders, %d orders, %d open notices, findings %v", len(orders), len(all), len(notices), findings)
		}
		same(t, "order", all[0], done)
	})
}

func testDue(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	Import(t, s, 5)
	set := func(due map[account.No]int64) {
		do(t, s, func(facts account.Facts, ch *account.Changes) {
			for no, at := range due {
				st := next(facts, no)
				st.Due = at
				ch.States = append(ch.States, st)
			}
		})
	}
	check := func(now int64, want ...account.No) {
		t.Helper()
		view(t, s, func(v store.View) {
			if got := v.Due(now, 0); len(got)+len(want) > 0 {
				same(t, "due accounts", got, want)
			}
		})
	}
	set(map[account.No]int64{1: 50, 2: 20, 3: 40, 5: 20})
	check(10)
	check(45, 2, 5, 3)
	set(map[account.No]int64{2: 60, 5: 0, 4: 10})
	check(45, 4, 3)
	s = reopen(t, s, open, dir)
	check(100, 4, 3, 1, 2)
	view(t, s, func(v store.View) {
		same(t, "limited", v.Due(100, 2), []account.No{4, 3})
		same(t, "next", v.NextDue(), int64(10))
	})
}

func testAudit(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	for i := range 5 {
		do(t, s, func(_ account.Facts, ch *account.Changes) {
			ch.Audit = []account.AuditRecord{{At: int64(i), Actor: "admin", Action: "a", Object: "o", Detail: "d", Result: "ok"}, {At: -1}}
		})
	}
	s = reopen(t, s, open, dir)
	if err := s.Put(t.Context(), "users", "u", []byte("x"), account.AuditRecord{Actor: "last"}); err != nil {
		t.Fatal(err)
	}
	view(t, s, func(v store.View) {
		all, err := v.Audit(0, 0)
		if err != nil || len(all) != 11 {
			t.Fatalf("%d records, %v", len(all), err)
		}
		var prev [sha256.Size]byte
		for i, e := range all {
			if e.Seq != uint64(i+1) || e.Prev != prev || e.Hash == prev {
				t.Errorf("record %d: seq %d", i, e.Seq)
			}
			prev = e.Hash
		}
		some, err := v.Audit(4, 3)
		if err != nil {
			t.Error(err)
		}
		same(t, "page", some, all[4:7])
		same(t, "last", all[10].Record.Actor, "last")
	})
}

func testSide(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	put := func(table, key string, value []byte) {
		t.Helper()
		if err := s.Put(t.Context(), table, key, value, account.AuditRecord{Action: "put"}); err != nil {
			t.Fatal(err)
		}
	}
	put("users", "a", []byte("1"))
	put("users", "b", []byte("2"))
	put("users2", "a", []byte("3"))
	put("users", "a", []byte("4"))
	put("users", "b", nil)
	put("users", "never", nil)
	put("users", "empty", []byte{})
	s = reopen(t, s, open, dir)
	view(t, s, func(v store.View) {
		same(t, "table", v.List("users"), map[string][]byte{"a": []byte("4"), "empty": {}})
		if b, ok := v.Get("users2", "a"); !ok || string(b) != "3" {
			t.Errorf("value %q %v", b, ok)
		}
		if _, ok := v.Get("users", "b"); ok {
			t.Error("a deleted value is there")
		}
	})
}

func testLists(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	for i := range 4 {
		do(t, s, func(_ account.Facts, ch *account.Changes) {
			ch.Quarantine = []account.Quarantined{{At: int64(i), Reason: "unknown meter", Data: []byte{byte(i)}}}
			ch.Gaps = []account.GapRecord{{Agent: "a", Seq: uint64(i)}}
			ch.Alarms = []account.AlarmRecord{{Agent: "a", Alarm: protocol.Alarm{At: int64(i)}}}
			ch.FieldWork = []account.FieldWork{{Agent: "a", No: 7, Record: protocol.FieldRecord{Kind: "reading", At: int64(i), Body: []byte("{}")}}}
		})
	}
	s = reopen(t, s, open, dir)
	view(t, s, func(v store.View) {
		q, err := v.Quarantine(2)
		if err != nil || len(q) != 2 || q[0].ID != 4 || q[0].At != 3 || q[1].ID != 3 || len(q[0].Data) != 1 {
			t.Errorf("quarantine %+v %v", q, err)
		}
		g, _ := v.Gaps(0)
		a, _ := v.Alarms(1)
		if len(g) != 4 || g[0].Seq != 3 || len(a) != 1 || a[0].Alarm.At != 3 {
			t.Errorf("gaps %v, alarms %v", g, a)
		}
		f, err := v.FieldWork(2)
		if err != nil || len(f) != 2 || f[0].Record.At != 3 || f[0].No != 7 || string(f[0].Record.Body) != "{}" {
			t.Errorf("field work %+v %v", f, err)
		}
	})
}

func testCounts(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	Import(t, s, 1)
	trip := func(number uint64, at int64, action protocol.Action) {
		do(t, s, func(_ account.Facts, ch *account.Changes) {
			ch.Orders = []account.OrderRecord{{No: 1, Number: number, Created: at, Order: protocol.Order{Action: action}}}
		})
	}
	trip(1, Now-4_000_000, protocol.ActionTrip)
	trip(2, Now-2_000_000, protocol.ActionTrip)
	trip(3, Now-1_000_000, protocol.ActionTrip)
	trip(3, Now-1_000_000, protocol.ActionTrip) // an outcome came: not another trip
	trip(4, Now-500_000, protocol.ActionClose)
	s = reopen(t, s, open, dir)
	do(t, s, func(facts account.Facts, _ *account.Changes) {
		same(t, "counts", facts.Counts(), account.Counts{LastTrip: Now - 1_000_000, TripsHour: 2})
		same(t, "generation", facts.Generation(), uint32(1))
	})
}
