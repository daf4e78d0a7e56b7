package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

func testNew(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	info := s.Info()
	if info.Installation == "" || info.Format == 0 || info.Generation != 1 {
		t.Errorf("a new store says %+v", info)
	}
	view(t, s, func(v store.View) {
		if len(v.Accounts()) != 0 || v.NextDue() != 0 || v.Commit() != 0 || v.Config() == nil {
			t.Error("a new store is not empty")
		}
	})
	again := reopen(t, s, open, dir)
	same(t, "info", again.Info(), info)
	other := start(t, open, t.TempDir())
	if other.Info().Installation == info.Installation {
		t.Error("two stores have one installation id")
	}
}

func testArchive(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	Import(t, s, 3)
	numbers := map[string]account.No{}
	var generation uint64
	view(t, s, func(v store.View) {
		generation = v.Config().Generation
		for _, no := range v.Accounts() {
			p := v.Profile(no)
			numbers[p.ID] = no
			if st := v.State(no); p.No != no || p.Version != 1 || st.No != no || st.Version != 0 || len(st.Points) != 1 {
				t.Errorf("account %s: profile %d version %d, state %+v", p.ID, p.No, p.Version, st)
			}
		}
	})
	if len(numbers) != 3 {
		t.Fatalf("got %d accounts, want 3", len(numbers))
	}
	Import(t, s, 3)
	view(t, s, func(v store.View) {
		if v.Config().Generation != generation {
			t.Error("the same archive raised the generation")
		}
	})
	settle(t, s, []account.Event{payment("p", "acc-00001", 1)}, pay)
	changed, fresh := Profile(1), Profile(7)
	changed.Customer = "李"
	changed.Points = append([]account.PointProfile{{ID: "garage", Agent: "street-1", Meter: protocol.MeterRef{Line: "l1", Address: "99"}}}, changed.Points...)
	if err := archive(t.Context(), s, &account.Archive{Profiles: []account.Profile{changed, fresh}}); err != nil {
		t.Fatal(err)
	}
	check := func(v store.View) {
		if v.Config().Generation != generation+1 || len(v.Accounts()) != 4 || len(v.Documents()) != 1 {
			t.Errorf("generation %d, %d accounts, %d documents", v.Config().Generation, len(v.Accounts()), len(v.Documents()))
		}
		no, _ := v.ByID("acc-00001")
		p := v.Profile(no)
		if no != numbers["acc-00001"] || p.Version != 2 || p.Customer != "李" || p.Points[0].ID != "main" || p.Points[1].ID != "garage" {
			t.Errorf("changed profile: %+v", p)
		}
		if st := v.State(no); len(st.Points) != 2 || st.Version != 1 || st.Balances.Advances == 0 {
			t.Errorf("state of a changed account: %+v", st)
		}
	}
	view(t, s, check)
	do(t, s, func(facts account.Facts, _ *account.Changes) {
		no, point, ok := facts.Installation("street-1", protocol.MeterRef{Line: "l1", Address: "99"})
		if !ok || no != numbers["acc-00001"] || point != 1 {
			t.Errorf("installation: account %d point %d %v", no, point, ok)
		}
	})
	view(t, reopen(t, s, open, dir), check)
}

func testArchiveKeepsPoints(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	Import(t, s, 2)
	less := Profile(0)
	less.Points = nil
	if err := archive(t.Context(), s, &account.Archive{Profiles: []account.Profile{less}}); err == nil {
		t.Error("a metering point was removed")
	}
	twice := Profile(0)
	twice.ID = "other"
	if err := archive(t.Context(), s, &account.Archive{Profiles: []account.Profile{twice}}); err == nil {
		t.Error("one meter belongs to two accounts")
	}
	view(t, s, func(v store.View) {
		if len(v.Accounts()) != 2 || v.Commit() != 1 {
			t.Errorf("%d accounts at commit %d", len(v.Accounts()), v.Commit())
		}
	})
}

func testReopen(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	Import(t, s, 200)
	for round := range 40 {
		var events []account.Event
		for i := range 5 {
			p := Profile((round*37 + i*11) % 200)
			events = append(events, payment(p.ID+"/"+string(rune('a'+round)), p.ID, int64(i+1)))
		}
		settle(t, s, events, pay)
		if round%13 == 12 {
			s = reopen(t, s, open, dir)
		}
	}
	collect := func(s store.Store) (states []*account.State, entries [][]account.LedgerEntry, commit uint64) {
		view(t, s, func(v store.View) {
			commit = v.Commit()
			for _, no := range v.Accounts() {
				l, err := v.Ledger(no)
				if err != nil {
					t.Fatal(err)
				}
				states, entries = append(states, v.State(no)), append(entries, l)
				books(t, v, v.Profile(no).ID, len(l))
			}
		})
		return
	}
	states, entries, commit := collect(s)
	states2, entries2, commit2 := collect(reopen(t, s, open, dir))
	same(t, "states", states2, states)
	same(t, "ledgers", entries2, entries)
	same(t, "commit", commit2, commit)
}

func testKeys(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	Import(t, s, 2)
	one, other := payment("k1", "acc-00000", 5), payment("k1", "acc-00000", 6)
	first := settle(t, s, []account.Event{one, payment("k2", "acc-00001", 1)}, pay)
	if first[0].Status != account.Accepted || first[0].Key != "k1" || first[0].Commit != 2 || first[0].Digest == [32]byte{} {
		t.Fatalf("first receipt: %+v", first[0])
	}
	check := func(s store.Store) {
		t.Helper()
		late := one
		late.Now, late.Actor = Now+99, "somebody"
		got := settle(t, s, []account.Event{late, other}, func(account.Facts, []account.Event) account.Changes {
			t.Error("think was asked about a key that is committed")
			return account.Changes{}
		})
		want := []account.Receipt{first[0], first[0]}
		want[0].Status, want[1].Status = account.Duplicate, account.Conflict
		same(t, "receipts of a key that came again", got, want)
		view(t, s, func(v store.View) {
			r, ok := v.Key("k1")
			if !ok {
				t.Error("the key is not there")
			}
			same(t, "stored receipt", r, first[0])
		})
	}
	check(s)
	s = reopen(t, s, open, dir)
	check(s)
	got := settle(t, s, []account.Event{payment("k3", "acc-00001", 3), payment("k3", "acc-00001", 3), payment("k3", "acc-00001", 4), payment("k2", "acc-00001", 1)}, pay)
	for i, want := range []account.Status{account.Accepted, account.Duplicate, account.Conflict, account.Duplicate} {
		if got[i].Status != want {
			t.Errorf("receipt %d of one call: status %d, want %d", i, got[i].Status, want)
		}
	}
	view(t, s, func(v store.View) { books(t, v, "acc-00000", 1); books(t, v, "acc-00001", 2) })
}

func testRefused(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	ev := payment("k", "acc-00000", 1)
	for range 2 {
		if r := settle(t, s, []account.Event{ev, ev}, pay); r[0].Status != account.Refused || r[1].Status != account.Refused {
			t.Fatalf("receipts %+v", r)
		}
	}
	Import(t, s, 1)
	if r := settle(t, s, []account.Event{ev}, pay); r[0].Status != account.Accepted {
		t.Errorf("the reason is gone, yet %+v", r[0])
	}
}

func testCursors(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := start(t, open, dir)
	batch := func(epoch, first, last uint64) *protocol.Ack {
		t.Helper()
		r := settle(t, s, []account.Event{{Now: Now}}, func(facts account.Facts, ev []account.Event) account.Changes {
			c, known := facts.Cursor("a", protocol.LaneReadings, epoch)
			ch := accept(ev)
			if !known {
				c = account.Cursor{Agent: "a", Lane: protocol.LaneReadings, Epoch: epoch, Upto: first - 1}
			}
			if first <= c.Upto+1 && last > c.Upto {
				c.Upto = last
				ch.Cursors = append(ch.Cursors, c)
			}
			ch.Receipts[0].Ack = &protocol.Ack{Agent: "a", Lane: protocol.LaneReadings, Epoch: epoch, Upto: c.Upto}
			return ch
		})
		return r[0].Ack
	}
	for _, c := range []struct{ epoch, first, last, want uint64 }{
		{7, 1, 10, 10}, {7, 1, 10, 10}, {7, 20, 30, 10}, {7, 5, 15, 15}, {8, 1, 4, 4},
	} {
		before := s.Stats()["commit"]
		ack := batch(c.epoch, c.first, c.last)
		if ack.Upto != c.want || ack.Gateway != s.Info().Installation || int64(ack.Commit) != s.Stats()["commit"] {
			t.Errorf("batch %d-%d of epoch %d: ack %+v, want upto %d", c.first, c.last, c.epoch, *ack, c.want)
		}
		if c.last <= c.want == (s.Stats()["commit"] == before) && c.first != 1 {
			t.Errorf("batch %d-%d: commit %d -> %d", c.first, c.last, before, s.Stats()["commit"])
		}
		s = reopen(t, s, open, dir)
	}
	view(t, s, func(v store.View) {
		same(t, "cursors", v.Cursors(), []account.Cursor{
			{Agent: "a", Lane: protocol.LaneReadings, Epoch: 7, Upto: 15}, {Agent: "a", Lane: protocol.LaneReadings, Epoch: 8, Upto: 4}})
	})
	_, err := s.Settle(t.Context(), []account.Event{{}}, func(_ account.Facts, ev []account.Event) account.Changes {
		ch := accept(ev)
		ch.Cursors = []account.Cursor{{Agent: "a", Lane: protocol.LaneReadings, Epoch: 8, Upto: 3}}
		return ch
	})
	if err == nil {
		t.Error("a cursor went back")
	}
}

func testPanic(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	Import(t, s, 1)
	for name, think := range map[string]func(account.Facts, []account.Event) account.Changes{
		"panic":       func(account.Facts, []account.Event) account.Changes { panic("a bug") },
		"no receipts": func(account.Facts, []account.Event) account.Changes { return account.Changes{} },
	} {
		if _, err := s.Settle(t.Context(), []account.Event{payment("k", "acc-00000", 1)}, think); !errors.Is(err, store.ErrThink) || errors.Is(err, store.ErrBroken) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	view(t, s, func(v store.View) {
		if _, ok := v.Key("k"); ok || v.Commit() != 1 {
			t.Errorf("something was committed: commit %d", v.Commit())
		}
	})
	if r := settle(t, s, []account.Event{payment("k", "acc-00000", 1)}, pay); r[0].Status != account.Accepted {
		t.Errorf("after the panic: %+v", r[0])
	}
}

func testUnfit(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	Import(t, s, 2)
	for name, f := range map[string]func(facts account.Facts, ch *account.Changes){
		"unknown account": func(_ account.Facts, ch *account.Changes) { ch.States = []*account.State{{No: 99, Version: 1}} },
		"nil state":       func(_ account.Facts, ch *account.Changes) { ch.States = []*account.State{nil} },
		"version not up":  func(f account.Facts, ch *account.Changes) { s := *f.State(1); ch.States = []*account.State{&s} },
		"two states":      func(f account.Facts, ch *account.Changes) { ch.States = []*account.State{next(f, 1), next(f, 1)} },
		"point taken away": func(f account.Facts, ch *account.Changes) {
			s := next(f, 1)
			s.Points = nil
			ch.States = []*account.State{s}
		},
	} {
		_, err := s.Settle(t.Context(), []account.Event{{Key: "k"}}, func(facts account.Facts, ev []account.Event) account.Changes {
			ch := accept(ev)
			f(facts, &ch)
			return ch
		})
		if err == nil || errors.Is(err, store.ErrBroken) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	view(t, s, func(v store.View) {
		if _, ok := v.Key("k"); ok || v.Commit() != 1 {
			t.Error("something was committed")
		}
	})
}

func testView(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	Import(t, s, 3)
	view(t, s, func(v store.View) {
		settle(t, s, []account.Event{payment("k", "acc-00001", 1)}, func(facts account.Facts, ev []account.Event) account.Changes {
			ch := pay(facts, ev)
			view(t, s, func(inner store.View) {
				if no, _ := inner.ByID("acc-00001"); inner.State(no).Version != 0 {
					t.Error("a view sees what is not yet durable")
				}
			})
			return ch
		})
		no, _ := v.ByID("acc-00001")
		if _, ok := v.Key("k"); ok || v.State(no).Version != 0 || v.Commit() != 1 {
			t.Error("the view moved on with a commit")
		}
		books(t, v, "acc-00001", 0)
	})
	view(t, s, func(v store.View) {
		no, _ := v.ByID("acc-00001")
		v.State(no).Points[0].Hold = "mine"
		if v.State(no).Points[0].Hold != "" {
			t.Error("a state of a view is not the caller's own")
		}
		books(t, v, "acc-00001", 1)
	})
	boom := errors.New("boom")
	if err := s.View(t.Context(), func(store.View) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("error of f: %v", err)
	}
}

// testViewsBeside pays two accounts in each commit: whoever looks must see both or neither, and a commit that grows.
func testViewsBeside(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	Import(t, s, 300)
	done := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			last := uint64(0)
			for {
				select {
				case <-done:
					return
				default:
				}
				err := s.View(context.Background(), func(v store.View) error {
					a, _ := v.ByID("acc-00003")
					b, _ := v.ByID("acc-00299")
					left, right := v.State(a), v.State(b)
					lines, err := v.Ledger(a)
					if left.Version != right.Version || uint64(len(lines)) != left.Version || v.Commit() != left.Version+1 || v.Commit() < last {
						t.Errorf("commit %d after %d: versions %d and %d, %d entries", v.Commit(), last, left.Version, right.Version, len(lines))
					}
					last = v.Commit()
					return err
				})
				if err != nil {
					t.Error(err)
				}
				s.Stats()
				s.Info()
			}
		})
	}
	for i := range 60 {
		settle(t, s, []account.Event{payment(fmt.Sprint("a", i), "acc-00003", 1), payment(fmt.Sprint("b", i), "acc-00299", 1)}, pay)
	}
	close(done)
	looking.Wait()
}

func testFailedYetCommitted(t *testing.T, open Opener) {
	dir := t.TempDir()
	armed := false
	s := open(t, dir, func(point string) error {
		if armed && point == "committed" {
			return errFault
		}
		return nil
	})
	Import(t, s, 1)
	armed = true
	ev := payment("k", "acc-00000", 5)
	if _, err := s.Settle(t.Context(), []account.Event{ev}, pay); !errors.Is(err, store.ErrBroken) {
		t.Fatalf("error %v, want ErrBroken", err)
	}
	broken(t, s)
	s = reopen(t, s, open, dir)
	view(t, s, func(v store.View) {
		if r, ok := v.Key("k"); !ok || r.Status != account.Accepted {
			t.Errorf("the first receipt: %+v %v", r, ok)
		}
		books(t, v, "acc-00000", 1)
	})
	if r := settle(t, s, []account.Event{ev}, pay); r[0].Status != account.Duplicate || r[0].Ref != "1" {
		t.Errorf("the client's second try: %+v", r[0])
	}
	view(t, s, func(v store.View) { books(t, v, "acc-00000", 1) })
}

func testFailed(t *testing.T, open Opener) {
	dir := t.TempDir()
	armed := false
	s := open(t, dir, func(point string) error {
		if armed && point == "commit" {
			return errFault
		}
		return nil
	})
	Import(t, s, 1)
	armed = true
	ev := payment("k", "acc-00000", 5)
	if _, err := s.Settle(t.Context(), []account.Event{ev}, pay); !errors.Is(err, store.ErrBroken) {
		t.Fatalf("error %v, want ErrBroken", err)
	}
	broken(t, s)
	s = reopen(t, s, open, dir)
	view(t, s, func(v store.View) { books(t, v, "acc-00000", 0) })
	if r := settle(t, s, []account.Event{ev}, pay); r[0].Status != account.Accepted {
		t.Errorf("the client's second try: %+v", r[0])
	}
	view(t, s, func(v store.View) { books(t, v, "acc-00000", 1) })
}

// broken checks that nothing works on a store whose commit failed.
func broken(t *testing.T, s store.Store) {
	t.Helper()
	_, err := s.Settle(t.Context(), []account.Event{payment("other", "acc-00000", 1)}, pay)
	if !errors.Is(err, store.ErrBroken) {
		t.Errorf("settle on a broken store: %v", err)
	}
	if err := s.View(t.Context(), func(store.View) error { return nil }); !errors.Is(err, store.ErrBroken) {
		t.Errorf("view on a broken store: %v", err)
	}
	if err := s.Put(t.Context(), "users", "u", []byte("x"), account.AuditRecord{}); !errors.Is(err, store.ErrBroken) {
		t.Errorf("put on a broken store: %v", err)
	}
}

func testFaultBefore(t *testing.T, open Opener) {
	for _, at := range []string{"begin", "apply"} {
		armed := false
		s := open(t, t.TempDir(), func(point string) error {
			if armed && point == at {
				return errFault
			}
			return nil
		})
		t.Cleanup(func() { _ = s.Close() })
		Import(t, s, 1)
		armed = true
		if _, err := s.Settle(t.Context(), []account.Event{payment("k", "acc-00000", 1)}, pay); !errors.Is(err, errFault) || errors.Is(err, store.ErrBroken) {
			t.Errorf("%s: error %v", at, err)
		}
		armed = false
		if r := settle(t, s, []account.Event{payment("k", "acc-00000", 1)}, pay); r[0].Status != account.Accepted {
			t.Errorf("%s: after the fault: %+v", at, r[0])
		}
		view(t, s, func(v store.View) { books(t, v, "acc-00000", 1) })
	}
}

func testClosed(t *testing.T, open Opener) {
	s := open(t, t.TempDir(), nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := s.Settle(t.Context(), []account.Event{{}}, pay); !errors.Is(err, store.ErrClosed) {
		t.Errorf("settle: %v", err)
	}
	if err := s.View(t.Context(), func(store.View) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("view: %v", err)
	}
	if err := s.Put(t.Context(), "a", "b", nil, account.AuditRecord{}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("put: %v", err)
	}
}

func testContext(t *testing.T, open Opener) {
	s := start(t, open, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Settle(ctx, []account.Event{{Key: "k"}}, func(account.Facts, []account.Event) account.Changes { panic("asked") }); !errors.Is(err, context.Canceled) {
		t.Errorf("settle: %v", err)
	}
	if err := s.View(ctx, func(store.View) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("view: %v", err)
	}
}
