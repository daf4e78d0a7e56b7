package ledger_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"feikong/billing"
	"feikong/billing/ledger"

	"pgregory.net/rapid"
)

const yuan = 10_000

func TestPaid100Billed80Leaves20BeforeAndAfterIssue(t *testing.T) {
	book, err := ledger.Fold([]ledger.Entry{ledger.NewPayment(100*yuan, "pay-1", 1)})
	if err != nil {
		t.Fatal(err)
	}
	available := func(estimate billing.Money) billing.Money {
		t.Helper()
		m, err := ledger.Available(book, 0, estimate)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if got := available(80 * yuan); got != 20*yuan {
		t.Errorf("got %s before the issue, want 20.00", got)
	}
	for _, e := range []ledger.Entry{ledger.NewIssue(80*yuan, "bill-1", 2), ledger.NewSettlement(80*yuan, "bill-1", 3)} {
		if err := book.Apply(e); err != nil {
			t.Fatal(err)
		}
		if got := available(0); got != 20*yuan {
			t.Errorf("got %s after the %s, want 20.00", got, e.Kind)
		}
	}
	if want := (ledger.Balances{Advances: 20 * yuan, Cash: 100 * yuan, Revenue: 80 * yuan}); book != want {
		t.Errorf("got %+v, want %+v", book, want)
	}
}

func TestHeldMoneyIsNotAvailable(t *testing.T) {
	book, err := ledger.Fold([]ledger.Entry{
		ledger.NewPayment(100*yuan, "p", 1), ledger.NewHold(30*yuan, "h", 2), ledger.NewRelease(10*yuan, "h", 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (ledger.Balances{Advances: 80 * yuan, Held: 20 * yuan, Cash: 100 * yuan}); book != want {
		t.Errorf("got %+v, want %+v", book, want)
	}
	if got, err := ledger.Available(book, 5*yuan, 90*yuan); err != nil || got != -5*yuan {
		t.Errorf("got %s, %v, want -5.00: 80 advances + 5 credit - 90 estimate", got, err)
	}
}

func TestReversalIsTheMirror(t *testing.T) {
	for _, e := range []ledger.Entry{
		ledger.NewPayment(7, "a", 1), ledger.NewIssue(7, "a", 1), ledger.NewSettlement(7, "a", 1), ledger.NewHold(7, "a", 1), ledger.NewRelease(7, "a", 1),
	} {
		book, err := ledger.Fold([]ledger.Entry{e, ledger.NewReversal(e, "r", 2)})
		if err != nil || book != (ledger.Balances{}) {
			t.Errorf("%s: got %+v, %v, want nothing left", e.Kind, book, err)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	good := ledger.NewPayment(1, "k", 1)
	with := func(edit func(*ledger.Entry)) ledger.Entry { e := good; edit(&e); return e }
	for _, test := range []struct {
		name  string
		entry ledger.Entry
		want  error
	}{
		{"zero", with(func(e *ledger.Entry) { e.Amount = 0 }), ledger.ErrEntry},
		{"negative", with(func(e *ledger.Entry) { e.Amount = -1 }), ledger.ErrEntry},
		{"books of another kind", with(func(e *ledger.Entry) { e.Debit = ledger.Held }), ledger.ErrEntry},
		{"no kind", with(func(e *ledger.Entry) { e.Kind = 0 }), ledger.ErrEntry},
		{"unknown kind", with(func(e *ledger.Entry) { e.Kind = 7 }), ledger.ErrEntry},
		{"mirror of nothing", with(func(e *ledger.Entry) { e.Kind = ledger.Reversal }), ledger.ErrEntry},
		{"long reference", with(func(e *ledger.Entry) { e.Ref = strings.Repeat("x", ledger.RefMax+1) }), ledger.ErrEntry},
		{"beyond int64", with(func(e *ledger.Entry) { e.Amount = math.MaxInt64 }), billing.ErrOverflow},
	} {
		t.Run(test.name, func(t *testing.T) {
			book := ledger.Balances{Cash: 5, Advances: 5}
			if err := book.Apply(test.entry); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if book != (ledger.Balances{Cash: 5, Advances: 5}) {
				t.Errorf("a refused entry left %+v", book)
			}
			if _, err := ledger.Fold([]ledger.Entry{good, test.entry}); test.want == ledger.ErrEntry && err == nil {
				t.Error("Fold took it")
			}
		})
	}
}

func TestAvailableReportsOverflow(t *testing.T) {
	for _, test := range []struct {
		book             ledger.Balances
		credit, estimate billing.Money
	}{
		{ledger.Balances{Advances: math.MaxInt64}, 1, 0},
		{ledger.Balances{Advances: -2, Receivables: math.MaxInt64}, 0, 0},
		{ledger.Balances{}, 0, math.MinInt64},
	} {
		if got, err := ledger.Available(test.book, test.credit, test.estimate); !errors.Is(err, billing.ErrOverflow) || got != 0 {
			t.Errorf("got %s, %v, want ErrOverflow", got, err)
		}
	}
}

func chain(t *testing.T, account uint64) (ledger.Chain, []ledger.Entry) {
	t.Helper()
	var c ledger.Chain
	entries := []ledger.Entry{
		ledger.NewPayment(100*yuan, "pay-1", 1), ledger.NewIssue(80*yuan, "bill-1", 2), ledger.NewSettlement(80*yuan, "bill-1", 3),
		ledger.NewPayment(10*yuan, "pay-2", 4), ledger.NewHold(5*yuan, "hold-1", 5),
	}
	for i := range entries {
		c.Append(account, &entries[i])
	}
	return c, entries
}

func TestVerifyTellsWhatBroke(t *testing.T) {
	const account = 42
	rehash := func(e *ledger.Entry) { e.Hash = e.Sum(account) }
	for _, test := range []struct {
		name   string
		edit   func([]ledger.Entry) []ledger.Entry
		reason error
		seq    uint64
	}{
		{"intact", func(e []ledger.Entry) []ledger.Entry { return e }, nil, 0},
		{"amount", func(e []ledger.Entry) []ledger.Entry { e[2].Amount++; return e }, ledger.ErrAltered, 3},
		{"reference", func(e []ledger.Entry) []ledger.Entry { e[1].Ref = "bill-2"; return e }, ledger.ErrAltered, 2},
		{"time", func(e []ledger.Entry) []ledger.Entry { e[0].At++; return e }, ledger.ErrAltered, 1},
		{"kind", func(e []ledger.Entry) []ledger.Entry { e[0].Kind = ledger.Issue; return e }, ledger.ErrAltered, 1},
		{"hash", func(e []ledger.Entry) []ledger.Entry { e[4].Hash[31] ^= 1; return e }, ledger.ErrAltered, 5},
		{"amount with a new hash", func(e []ledger.Entry) []ledger.Entry { e[2].Amount++; rehash(&e[2]); return e }, ledger.ErrAltered, 4},
		{"last amount with a new hash", func(e []ledger.Entry) []ledger.Entry { e[4].Amount++; rehash(&e[4]); return e }, ledger.ErrAltered, 5},
		{"end cut off", func(e []ledger.Entry) []ledger.Entry { return e[:3] }, ledger.ErrTruncated, 4},
		{"all cut off", func(e []ledger.Entry) []ledger.Entry { return nil }, ledger.ErrTruncated, 1},
		{"two exchanged", func(e []ledger.Entry) []ledger.Entry { e[1], e[2] = e[2], e[1]; return e }, ledger.ErrReordered, 2},
		{"last comes first", func(e []ledger.Entry) []ledger.Entry { return append([]ledger.Entry{e[4]}, e[:4]...) }, ledger.ErrReordered, 1},
		{"one twice", func(e []ledger.Entry) []ledger.Entry { return slices.Insert(e, 2, e[1]) }, ledger.ErrReordered, 3},
		{"one gone", func(e []ledger.Entry) []ledger.Entry { return slices.Delete(e, 1, 2) }, ledger.ErrMissing, 2},
		{"beginning gone", func(e []ledger.Entry) []ledger.Entry { return e[1:] }, ledger.ErrMissing, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			head, entries := chain(t, account)
			err := head.Verify(account, test.edit(entries))
			if test.reason == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var broken *ledger.ChainError
			if !errors.As(err, &broken) || !errors.Is(err, ledger.ErrChain) || !errors.Is(err, test.reason) || broken.Seq != test.seq || broken.Account != account {
				t.Errorf("got %v, want entry %d %v", err, test.seq, test.reason)
			}
		})
	}
}

func TestVerifyBeyondTheHead(t *testing.T) {
	head, entries := chain(t, 1)
	next := head
	more := ledger.NewPayment(1, "x", 9)
	next.Append(1, &more)
	if err := head.Verify(1, append(entries, more)); !errors.Is(err, ledger.ErrBeyond) {
		t.Errorf("got %v, want ErrBeyond", err)
	}
	if err := ledger.Verify(1, append(entries, more)); err != nil {
		t.Errorf("got %v, want a whole chain", err)
	}
}

func TestEntriesDoNotFitAnotherAccount(t *testing.T) {
	_, entries := chain(t, 1)
	if err := ledger.Verify(2, entries); !errors.Is(err, ledger.ErrAltered) {
		t.Errorf("got %v, want ErrAltered", err)
	}
}

func TestFollowStandsStillAfterAnError(t *testing.T) {
	_, entries := chain(t, 1)
	var c ledger.Chain
	if err := c.Follow(1, entries[1]); !errors.Is(err, ledger.ErrMissing) || c != (ledger.Chain{}) {
		t.Errorf("got %v and %+v, want ErrMissing and the empty chain", err, c)
	}
}

// Whatever is posted, both sides stay equal, and the chain tells any change of
// one bit in one hash.
func TestBooksBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var book ledger.Balances
		var c ledger.Chain
		var entries []ledger.Entry
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			amount := billing.Money(rapid.Int64Range(1, 1e12).Draw(t, "amount"))
			make := rapid.SampledFrom([]func(billing.Money, string, int64) ledger.Entry{
				ledger.NewPayment, ledger.NewIssue, ledger.NewSettlement, ledger.NewHold, ledger.NewRelease,
			}).Draw(t, "kind")
			e := make(amount, rapid.StringN(0, 20, -1).Draw(t, "ref"), rapid.Int64().Draw(t, "at"))
			if err := book.Apply(e); err != nil {
				t.Fatal(err)
			}
			c.Append(9, &e)
			entries = append(entries, e)
		}
		if book.Cash+book.Receivables != book.Advances+book.Held+book.Revenue {
			t.Fatalf("books do not balance: %+v", book)
		}
		if err := c.Verify(9, entries); err != nil {
			t.Fatal(err)
		}
		if folded, err := ledger.Fold(entries); err != nil || folded != book {
			t.Fatalf("got %+v, %v, want %+v", folded, err, book)
		}
		i := rapid.IntRange(0, len(entries)-1).Draw(t, "which")
		entries[i].At ^= 1
		if err := c.Verify(9, entries); !errors.Is(err, ledger.ErrAltered) {
			t.Fatalf("got %v, want ErrAltered", err)
		}
	})
}

func TestAppendAndApplyAllocateNothing(t *testing.T) {
	var c ledger.Chain
	var book ledger.Balances
	e := ledger.NewPayment(1, "a key of common length, 36 characters", 1)
	if got := testing.AllocsPerRun(100, func() {
		if err := book.Apply(e); err != nil {
			t.Fatal(err)
		}
		c.Append(1, &e)
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func TestWords(t *testing.T) {
	if got := ledger.Payment.String() + " " + ledger.Advances.String() + " " + ledger.Kind(9).String() + " " + ledger.Book(0).String(); got != "payment advances kind 9 book 0" {
		t.Errorf("got %s", got)
	}
}
