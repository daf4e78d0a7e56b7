// Package storetest is the teeth of the contract in package store: every engine runs it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"

	"github.com/google/go-cmp/cmp"
)

// Opener opens the store in dir, made when it is not there. fault, when it is not nil, is asked at the points of a commit:
// "begin", "apply", "commit" (an error instead of it) and "committed" (an error although it happened).
type Opener func(t *testing.T, dir string, fault func(point string) error) store.Store

// Run runs the whole suite.
func Run(t *testing.T, open Opener) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, open Opener)
	}{
		{"a new store is empty and has a name", testNew},
		{"an archive makes accounts and keeps their numbers", testArchive},
		{"an archive that drops a metering point changes nothing", testArchiveKeepsPoints},
		{"what was settled is there after reopening", testReopen},
		{"a key that comes again gets the first receipt", testKeys},
		{"a refused event leaves its key free", testRefused},
		{"cursors are compared by think and never go back", testCursors},
		{"a panic of think commits nothing", testPanic},
		{"changes that do not fit commit nothing", testUnfit},
		{"a view sees what is durable, and one commit only", testView},
		{"views beside settlements see whole commits", testViewsBeside},
		{"failed, yet committed", testFailedYetCommitted},
		{"failed, and not committed", testFailed},
		{"a fault before the commit leaves the store usable", testFaultBefore},
		{"history has the neighbours of a late reading", testHistory},
		{"readings are the newest of a range", testReadings},
		{"open orders, notices and findings end", testOpen},
		{"due accounts come in their order", testDue},
		{"audit is a chain", testAudit},
		{"side tables are put, listed and deleted", testSide},
		{"quarantine, gaps and alarms are listed newest first", testLists},
		{"trips are counted over restarts", testCounts},
		{"a closed store says so", testClosed},
		{"an ended context settles nothing", testContext},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// Now is the suite's clock, unix ms.
const Now = 1_800_000_000_000

var errFault = errors.New("injected")

// accept answers every event with Accepted and changes nothing else.
func accept(events []account.Event) account.Changes {
	ch := account.Changes{}
	for range events {
		ch.Receipts = append(ch.Receipts, account.Receipt{Status: account.Accepted})
	}
	return ch
}

func settle(t *testing.T, s store.Store, events []account.Event, think func(account.Facts, []account.Event) account.Changes) []account.Receipt {
	t.Helper()
	r, err := s.Settle(t.Context(), events, think)
	if err != nil {
		t.Fatalf("settle: %v", err)
	}
	return r
}

// do settles one event without a key whose effect is f's.
func do(t *testing.T, s store.Store, f func(facts account.Facts, ch *account.Changes)) {
	t.Helper()
	settle(t, s, []account.Event{{Now: Now}}, func(facts account.Facts, ev []account.Event) account.Changes {
		ch := accept(ev)
		f(facts, &ch)
		return ch
	})
}

func view(t *testing.T, s store.Store, f func(v store.View)) {
	t.Helper()
	if err := s.View(t.Context(), func(v store.View) error { f(v); return nil }); err != nil {
		t.Fatalf("view: %v", err)
	}
}

func reopen(t *testing.T, s store.Store, open Opener, dir string) store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return start(t, open, dir)
}

func start(t *testing.T, open Opener, dir string) store.Store {
	t.Helper()
	s := open(t, dir, nil)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Profile is account "acc-<i>" with one metering point on agent "street-1".
func Profile(i int) account.Profile {
	return account.Profile{ID: fmt.Sprintf("acc-%05d", i), Customer: "王", Currency: "CNY", TariffID: "t", PolicyID: "p",
		Points: []account.PointProfile{{ID: "main", Agent: "street-1", Multiplier: 1, Digits: 6,
			Meter: protocol.MeterRef{Line: "l1", Address: fmt.Sprintf("%012d", i)}}}}
}

// Import settles an archive of n accounts and one document.
func Import(t testing.TB, s store.Store, n int) {
	t.Helper()
	a := &account.Archive{Documents: []account.Document{{Region: "tariff", Name: "t.yaml", Body: []byte("x")}}}
	for i := range n {
		a.Profiles = append(a.Profiles, Profile(i))
	}
	if err := archive(context.Background(), s, a); err != nil {
		t.Fatalf("import: %v", err)
	}
}

func archive(ctx context.Context, s store.Store, a *account.Archive) error {
	_, err := s.Settle(ctx, []account.Event{{Now: Now, Archive: a}}, func(_ account.Facts, ev []account.Event) account.Changes {
		ch := accept(ev)
		ch.Archive = ev[0].Archive
		return ch
	})
	return err
}

// next is the account's state to change, with its version raised.
func next(facts account.Facts, no account.No) *account.State {
	s := *facts.State(no)
	s.Version++
	s.Points = append([]account.Point(nil), s.Points...)
	return &s
}

// pay is a think that posts each payment to its account.
func pay(facts account.Facts, events []account.Event) account.Changes {
	ch := account.Changes{}
	states := map[account.No]*account.State{}
	for _, ev := range events {
		no, ok := facts.ByID(ev.Account)
		if !ok {
			ch.Receipts = append(ch.Receipts, account.Receipt{Status: account.Refused, Rule: "unknown-account"})
			continue
		}
		st := states[no]
		if st == nil {
			st = next(facts, no)
			states[no] = st
			ch.States = append(ch.States, st)
		}
		e := ledger.NewPayment(ev.Payment.Amount, ev.Key, ev.Now)
		_ = st.Balances.Apply(e)
		st.Chain.Append(uint64(no), &e)
		ch.Entries = append(ch.Entries, account.LedgerEntry{No: no, Entry: e})
		ch.Receipts = append(ch.Receipts, account.Receipt{Status: account.Accepted, Ref: fmt.Sprint(e.Seq)})
	}
	return ch
}

func payment(key, id string, amount int64) account.Event {
	return account.Event{Key: key, Now: Now, Account: id, Actor: "admin", Payment: &account.Payment{Method: "cash", Amount: billing.Money(amount) * 10_000}}
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// books checks that an account's ledger, state and balances are one.
func books(t *testing.T, v store.View, id string, entries int) {
	t.Helper()
	no, ok := v.ByID(id)
	if !ok {
		t.Fatalf("account %s is not there", id)
	}
	lines, err := v.Ledger(no)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]ledger.Entry, len(lines))
	for i := range lines {
		list[i] = lines[i].Entry
	}
	if len(list) != entries {
		t.Errorf("account %s has %d entries, want %d", id, len(list), entries)
	}
	st := v.State(no)
	if err := st.Chain.Verify(uint64(no), list); err != nil {
		t.Error(err)
	}
	sum, err := ledger.Fold(list)
	if err != nil {
		t.Error(err)
	}
	same(t, "balances", st.Balances, sum)
}
