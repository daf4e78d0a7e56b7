package pipeline

import (
	"testing"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
)

func TestBillEqualsTheEstimateAndMovesNothingAvailable(t *testing.T) {
	p := profile("1001", pointProfile("m1"))
	p.TariffID = "shandong-household"
	w := newWorld(t, p)
	w.pay("1001", "p1", yuan(100))
	w.read("m1", 1000)
	w.now += 10 * hour
	w.read("m1", 1146.28) // x 0.5469 = 80.000532
	if m := w.account("1001").Estimate; m != yuan(80) {
		t.Fatalf("estimate %s", m)
	}
	if m := w.available("1001"); m != yuan(20) {
		t.Fatalf("available %s", m)
	}
	issue := func(label string) account.Receipt {
		return w.do("1001", account.IssueKey("1001", label), account.Event{Issue: &account.Issue{Label: label}})
	}
	r := issue("2026-11")
	b := w.bills[1]
	if r.Status != account.Accepted || r.Ref != "1001-2026-11" || len(b) != 1 || b[0].Amount != yuan(80) || b[0].Energy != billing.Energy(kwh(146.28)) || len(b[0].Lines) == 0 || len(b[0].Explain) == 0 {
		t.Fatalf("%+v %+v", r, b)
	}
	if m := w.available("1001"); m != yuan(20) {
		t.Fatalf("available %s", m)
	}
	want := ledger.Balances{Advances: yuan(20), Cash: yuan(100), Revenue: yuan(80)}
	if s := w.account("1001"); s.Balances != want || s.Estimate != 0 || s.Period != 2 || s.CycleBefore != billing.Energy(kwh(146.28)) || s.PeriodStart != w.now {
		t.Errorf("%+v", s)
	}
	if r = issue("2026-11"); r.Status != account.Duplicate || len(w.bills[1]) != 1 {
		t.Errorf("%+v", r)
	}
	if r = issue("2026-12"); r.Rule != "nothing-to-bill" || len(w.bills[1]) != 1 {
		t.Errorf("%+v", r)
	}
	if r = issue(""); r.Rule != "no-label" {
		t.Errorf("%+v", r)
	}
	w.now += hour
	w.read("m1", 1156.28)
	if r = issue("2026-12"); r.Status != account.Accepted || w.bills[1][1].Amount != 54_700 || w.bills[1][1].From != b[0].To || w.bills[1][1].Period != 2 {
		t.Errorf("%+v", r)
	}
}

func TestUnpaidBillIsAReceivableThatAPaymentSettles(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.pay("1001", "p1", yuan(10))
	w.read("m1", 0)
	w.now += 10 * hour
	w.read("m1", 100)
	before := w.available("1001")
	w.do("1001", account.IssueKey("1001", "a"), account.Event{Issue: &account.Issue{Label: "a"}})
	if b := w.account("1001").Balances; b.Receivables != 455_000 || b.Advances != 0 || w.available("1001") != before {
		t.Fatalf("%+v", b)
	}
	w.pay("1001", "p2", yuan(100))
	if b := w.account("1001").Balances; b.Receivables != 0 || b.Advances != 545_000 {
		t.Errorf("%+v", b)
	}
}

func TestAHeldAccountIsNotBilled(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	if r := w.do("1001", "k", account.Event{Issue: &account.Issue{Label: "a"}}); r.Rule != "nothing-to-bill" {
		t.Errorf("%+v", r)
	}
	w.read("m1", 100)
	w.now += hour
	w.read("m1", 90)
	if r := w.do("1001", "k", account.Event{Issue: &account.Issue{Label: "a"}}); r.Rule != "held" || len(w.bills[1]) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestPaymentsThatAreNone(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	for amount, rule := range map[billing.Money]string{0: "amount-not-positive", -10_000: "amount-not-positive", 1: "amount-too-fine", 10_050: "amount-too-fine"} {
		if r := w.pay("1001", "bad", amount); r.Status != account.Refused || r.Rule != rule {
			t.Errorf("%d: %+v", amount, r)
		}
	}
	if len(w.entries[1]) != 0 {
		t.Error("posted")
	}
	// A refusal binds nothing; the key is then used, repeated, and refused with another amount.
	if r := w.pay("1001", "bad", yuan(5)); r.Status != account.Accepted || r.Ref != "1001/1" {
		t.Errorf("%+v", r)
	}
	if r := w.pay("1001", "bad", yuan(5)); r.Status != account.Duplicate {
		t.Errorf("%+v", r)
	}
	if r := w.pay("1001", "bad", yuan(6)); r.Status != account.Conflict {
		t.Errorf("%+v", r)
	}
	if r := w.pay("9999", "x", yuan(6)); r.Rule != "unknown-account" {
		t.Errorf("%+v", r)
	}
	if len(w.entries[1]) != 1 || w.account("1001").Balances.Advances != yuan(5) {
		t.Error("posted more than once")
	}
	w.pay("1001", "most", 1<<63-1-1<<63%100-100_000-7)
	if r := w.pay("1001", "over", (1<<63-1)/100*100); r.Rule != "not-posted" {
		t.Errorf("%+v", r)
	}
}

func TestReceiptOfAnUnknownNotice(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	if r := w.receipt("1001", 7); r.Rule != "unknown-notice" {
		t.Errorf("%+v", r)
	}
}

func TestDecisionsThatMakeNoSenseAreRefused(t *testing.T) {
	w := newWorld(t, profile("1001", pointProfile("m1")))
	w.read("m1", 1)
	for _, c := range []struct {
		d    account.Decision
		rule string
	}{
		{account.Decision{Kind: account.DecideTag, ID: "t"}, "unknown-tag"},
		{account.Decision{Kind: account.DecideUntag, ID: "t"}, "unknown-tag"},
		{account.Decision{Kind: account.DecideRelease, ID: "h"}, "unknown-hold"},
		{account.Decision{Kind: account.DecideAccept, Point: "m1"}, "nothing-held"},
		{account.Decision{Kind: account.DecideAccept, Point: "m9"}, "unknown-point"},
		{account.Decision{Kind: account.DecideClose}, "nothing-open"},
		{account.Decision{Kind: account.DecideTaskDone}, "no-task"},
		{account.Decision{Kind: "dance"}, "unknown-decision"},
	} {
		if r := w.decide("1001", c.d); r.Status != account.Refused || r.Rule != c.rule {
			t.Errorf("%s: %+v", c.d.Kind, r)
		}
	}
}
