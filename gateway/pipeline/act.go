package pipeline

import (
	"fmt"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
)

// applyActs takes what people, customers and timers did, in the order it came.
func (r *run) applyActs(w *work) {
	for _, i := range w.acts {
		ev, receipt := &r.events[i], &r.out.Receipts[i]
		switch {
		case ev.Payment != nil:
			r.pay(w, ev, receipt)
		case ev.Receipt != nil:
			r.delivered(w, ev, receipt)
		case ev.Decision != nil:
			r.decide(w, i)
		case ev.Due != nil:
		default:
			refuse(receipt, "empty-event", "the event says nothing")
		}
	}
}

// pay posts a payment and lets it settle what is overdue.
func (r *run) pay(w *work, ev *account.Event, receipt *account.Receipt) {
	p := ev.Payment
	unit := minorUnit(w)
	switch {
	case p.Amount <= 0:
		refuse(receipt, "amount-not-positive", fmt.Sprintf("a payment of %s is not above zero", p.Amount))
		return
	case p.Amount%unit != 0:
		refuse(receipt, "amount-too-fine", fmt.Sprintf("%s is finer than the currency's smallest unit %s", p.Amount, unit))
		return
	}
	before := w.state.Balances
	entry := ledger.NewPayment(p.Amount, ev.Key, ev.Now)
	if err := r.post(w, entry); err != nil {
		w.state.Balances = before
		refuse(receipt, "not-posted", err.Error())
		return
	}
	receipt.Ref = fmt.Sprintf("%s/%d", w.profile.ID, w.state.Chain.Count)
	receipt.Detail = fmt.Sprintf("%s posted", p.Amount)
	r.settleReceivables(w, ev.Key, ev.Now)
	r.note(w, ev.Actor, "payment", fmt.Sprintf("%s %s by %s", p.Amount, w.profile.Currency, p.Method), receipt.Ref)
}

// minorUnit is the smallest unit of the account's currency; the fen when no tariff says otherwise.
func minorUnit(w *work) billing.Money {
	unit, decimals := billing.Money(10_000), 2
	if w.tariff != nil {
		decimals = w.tariff.Decimals
	}
	for range decimals {
		unit /= 10
	}
	return max(unit, 1)
}

// settleReceivables pays issued bills out of the advances, as far as both reach.
func (r *run) settleReceivables(w *work, ref string, at int64) {
	if amount := min(w.state.Balances.Advances, w.state.Balances.Receivables); amount > 0 {
		if err := r.post(w, ledger.NewSettlement(amount, ref, at)); err != nil {
			r.find(w, 0, "E03", w.state.PeriodStart, 0, false, err.Error())
		}
	}
}

// post appends one entry to the account's ledger and moves its balances; on error neither.
func (r *run) post(w *work, entry ledger.Entry) error {
	if err := w.state.Balances.Apply(entry); err != nil {
		return fmt.Errorf("post %s of account %s: %w", entry.Kind, w.profile.ID, err)
	}
	w.state.Chain.Append(uint64(w.no), &entry)
	r.out.Entries = append(r.out.Entries, account.LedgerEntry{No: w.no, Entry: entry})
	w.touched = true
	return nil
}

// delivered takes the evidence that a notice arrived. Any channel satisfies.
func (r *run) delivered(w *work, ev *account.Event, receipt *account.Receipt) {
	n, ok := r.facts.Notice(w.no, ev.Receipt.Notice)
	for i := range r.out.Notices {
		if r.out.Notices[i].No == w.no && r.out.Notices[i].Number == ev.Receipt.Notice {
			n, ok = r.out.Notices[i], true
		}
	}
	if !ok {
		refuse(receipt, "unknown-notice", fmt.Sprintf("account %s has no notice %d", w.profile.ID, ev.Receipt.Notice))
		return
	}
	const receiptsMax = 8 // channels of one notice; more would be a terminal that repeats itself
	if len(n.Receipts) < receiptsMax {
		n.Receipts = append(append([]account.NoticeReceipt(nil), n.Receipts...), *ev.Receipt)
	}
	if n.State != account.NoticeDelivered {
		n.State, n.Delivered = account.NoticeDelivered, ev.Now
	}
	r.putNotice(n)
	if e := &w.state.Episode; e.Reminder == n.Number && e.DeliveredAt == 0 {
		e.DeliveredAt = ev.Now
	}
	w.touched = true
}

func (r *run) putNotice(n account.NoticeRecord) {
	for i := range r.out.Notices {
		if r.out.Notices[i].No == n.No && r.out.Notices[i].Number == n.Number {
			r.out.Notices[i] = n
			return
		}
	}
	r.out.Notices = append(r.out.Notices, n)
}
