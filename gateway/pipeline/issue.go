package pipeline

import (
	"fmt"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/billing/rate"
	"feikong/gateway/account"
)

// applyIssues issues bills, after the registers of this run are in.
func (r *run) applyIssues(w *work) {
	for _, i := range w.issues {
		r.issue(w, &r.events[i], &r.out.Receipts[i])
	}
}

// issue 发行 closes the open period: the estimate becomes a bill by the same code, to the last unit, so the available balance does
// not move. What audit holds is not billed.
func (r *run) issue(w *work, ev *account.Event, receipt *account.Receipt) {
	s := w.state
	if ev.Issue.Label == "" {
		refuse(receipt, "no-label", "the bill has no label, such as 2026-11")
		return
	}
	if s.PeriodStart == 0 {
		refuse(receipt, "nothing-to-bill", "no reading was accepted yet")
		return
	}
	if s.Hold != "" {
		refuse(receipt, "held", "the fee is held by audit: "+s.Hold)
		return
	}
	end := int64(0)
	for i := range s.Points {
		if s.Points[i].Hold != "" {
			refuse(receipt, "held", fmt.Sprintf("metering point %s is held by audit: %s", w.profile.Points[i].ID, s.Points[i].Hold))
			return
		}
		end = max(end, s.Points[i].Current.At)
	}
	if s.Period > 1 && end <= s.PeriodStart {
		refuse(receipt, "nothing-to-bill", "no reading was accepted since the last bill")
		return
	}
	if w.tariff == nil {
		refuse(receipt, "no-tariff", "no tariff version is valid at the start of the period")
		return
	}
	p, d := r.price(w, end)
	if d != nil {
		refuse(receipt, "no-charge", d.detail)
		return
	}
	bill := account.Bill{
		No: w.no, ID: account.BillID(w.profile.ID, ev.Issue.Label), Period: s.Period, From: s.PeriodStart, To: end, Issued: ev.Now, Energy: s.Energy, Amount: p.total,
		Lines: p.lines(), Explain: p.explain("en"), ExplainZH: p.explain("zh"),
	}
	bill.Tariff, bill.Document = p.versions()
	// Postings first: when one is refused nothing of the period has moved.
	balances, chain, entries := s.Balances, s.Chain, len(r.out.Entries)
	if p.total > 0 {
		if err := r.post(w, ledger.NewIssue(p.total, bill.ID, ev.Now)); err != nil {
			s.Balances, s.Chain, r.out.Entries = balances, chain, r.out.Entries[:entries]
			refuse(receipt, "not-posted", err.Error())
			return
		}
		r.settleReceivables(w, bill.ID, ev.Now)
	}
	for i := range s.Points {
		point := &s.Points[i]
		bill.Registers = append(bill.Registers, account.BillRegister{Point: w.profile.Points[i].ID, Start: point.Anchor, End: point.Current, Carried: point.Carried, Multiplier: w.profile.Points[i].Multiplier})
		point.Anchor, point.Carried, point.Before = point.Current, 0, nil
	}
	s.CycleBefore, s.CycleStart, s.Energy, s.Estimate = p.after, p.cycle, 0, 0
	s.Period, s.PeriodStart = s.Period+1, end
	w.touched = true
	r.out.Bills = append(r.out.Bills, bill)
	receipt.Ref, receipt.Detail = bill.ID, fmt.Sprintf("%s %s for %s kWh", bill.Amount, w.profile.Currency, bill.Energy)
	r.note(w, ev.Actor, "bill", receipt.Detail, bill.ID)
}

// billLines prints the lines of a charge. What other prices include is told in the explanation and is no line of the bill, so that the lines
// add up to it.
func billLines(c *rate.Charge) (lines []account.BillLine) {
	items := c.Items()
	for i := range items {
		l := &items[i]
		if l.Included {
			continue
		}
		line := account.BillLine{Code: l.Code(), Quantity: l.Charged(), Unit: l.Unit, Price: l.Price, Amount: l.Amount}
		if l.Kind != 0 {
			line.Name = billing.Name{ZH: c.NameOf(l, "zh"), EN: c.NameOf(l, "en")}
		}
		lines = append(lines, line)
	}
	if rest := c.Rounding(); rest != 0 {
		lines = append(lines, account.BillLine{Code: "rounding", Name: billing.Name{ZH: "尾数舍入", EN: "rounding"}, Amount: rest})
	}
	return lines
}
