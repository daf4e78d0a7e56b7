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
		case ev.Failure != nil:
			r.undelivered(w, ev, receipt)
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
	n, ok := r.findNotice(w, ev.Receipt.Notice, receipt)
	if !ok {
		return
	}
	r.arrived(w, n, *ev.Receipt, ev.Now)
}

// findNotice is a notice of the account as this run has left it; without one the event is refused.
func (r *run) findNotice(w *work, number uint64, receipt *account.Receipt) (account.NoticeRecord, bool) {
	n, ok := r.facts.Notice(w.no, number)
	for i := range r.out.Notices {
		if r.out.Notices[i].No == w.no && r.out.Notices[i].Number == number {
			n, ok = r.out.Notices[i], true
		}
	}
	if !ok {
		refuse(receipt, "unknown-notice", fmt.Sprintf("account %s has no notice %d", w.profile.ID, number))
	}
	return n, ok
}

// undelivered takes it that nobody confirmed a notice, however often it was sent. Where a trip waits for it, a person has to bring it.
func (r *run) undelivered(w *work, ev *account.Event, receipt *account.Receipt) {
	n, ok := r.findNotice(w, ev.Failure.Notice, receipt)
	if !ok || n.State != account.NoticeQueued {
		return
	}
	n.State = account.NoticeFailed
	r.putNotice(n)
	if e := &w.state.Episode; e.Reminder == n.Number && e.DeliveredAt == 0 && e.Task == "" {
		e.Task = taskNotify
	}
	w.touched = true
	r.note(w, ev.Actor, "notice", fmt.Sprintf("%s: %d attempts, %s", n.Notice.ID, ev.Failure.Attempts, ev.Failure.Detail), "not confirmed")
}

// broughtByHand is a person's record that the reminder was brought: evidence as good as any other channel's (fee-control.md B12).
func (r *run) broughtByHand(w *work, ev *account.Event) {
	if n, ok := r.findNotice(w, w.state.Episode.Reminder, &account.Receipt{}); ok {
		r.arrived(w, n, account.NoticeReceipt{Notice: n.Number, Channel: "person", Detail: ev.Actor + ": " + ev.Decision.Note}, ev.Now)
	}
	w.state.Episode.Task = ""
}

// arrived records the evidence that a notice arrived.
func (r *run) arrived(w *work, n account.NoticeRecord, evidence account.NoticeReceipt, at int64) {
	const receiptsMax = 8 // channels of one notice; more would be a terminal that repeats itself
	if len(n.Receipts) < receiptsMax {
		n.Receipts = append(append([]account.NoticeReceipt(nil), n.Receipts...), evidence)
	}
	if n.State != account.NoticeDelivered {
		n.State, n.Delivered = account.NoticeDelivered, at
	}
	r.putNotice(n)
	if e := &w.state.Episode; e.Reminder == n.Number && e.DeliveredAt == 0 {
		e.DeliveredAt = at
		if e.Task == taskNotify {
			e.Task = ""
		}
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
