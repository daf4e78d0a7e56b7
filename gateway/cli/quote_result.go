package cli

import (
	"fmt"
	"strings"
	"time"

	"feikong/billing"
	"feikong/billing/bill"
	"feikong/billing/sale"
	"feikong/billing/usage"
	"feikong/internal/daemon"
)

// quoted is what quote prints: as JSON it is this, for people a table of it.
type quoted struct {
	Tariff    string         `json:"tariff"`
	Usage     string         `json:"usage,omitempty"`
	Account   string         `json:"account,omitempty"`
	Currency  string         `json:"currency"`
	Lines     []quotedLine   `json:"lines"`
	Included  []quotedLine   `json:"included,omitempty"` // inside the prices above, not in the total
	Subtotals []subtotal     `json:"subtotals"`
	Total     string         `json:"total"`
	Energy    billing.Energy `json:"energy"`
	Counters  quotedCounters `json:"counters"`
	Estimated bool           `json:"estimated,omitempty"`
	Bills     []quotedBill   `json:"bills,omitempty"`
	Originals []quotedBill   `json:"originals,omitempty"` // what was billed before the corrections
	Sales     []quotedSale   `json:"sales,omitempty"`
	Shares    []quotedShare  `json:"shares,omitempty"`
	Explain   []string       `json:"explain,omitempty"`

	lang     string
	explains bool
	decimals int
	total    billing.Money
	sums     []billing.Money // of Subtotals
}

type quotedLine struct {
	Code     string           `json:"code"`
	Name     string           `json:"name"`
	Quantity billing.Quantity `json:"quantity"`
	Unit     string           `json:"unit"`
	Price    billing.Price    `json:"price"`
	PartOf   string           `json:"part_of_month,omitempty"` // "10/30": quantity is this part of what was there
	Amount   string           `json:"amount"`
	Bill     int              `json:"bill"` // index in bills or sales
	Part     int              `json:"part"` // index in the parts of the bill
}

type subtotal struct {
	Code   string `json:"code"`
	Amount string `json:"amount"`
}

// quotedCounters is the tier counter in kWh, before and after.
type quotedCounters struct {
	Before billing.Energy `json:"before"`
	After  billing.Energy `json:"after"`
	Tier   int            `json:"tier,omitempty"` // of the last kWh
}

type quotedBill struct {
	Kind      string         `json:"kind,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Period    int            `json:"period"`
	From      string         `json:"from"`
	To        string         `json:"to"`
	Energy    billing.Energy `json:"energy"`
	Total     string         `json:"total"`
	Counters  quotedCounters `json:"counters"`
	Estimated bool           `json:"estimated,omitempty"`
	Parts     []quotedPart   `json:"parts"`
}

type quotedPart struct {
	From    string         `json:"from"`
	To      string         `json:"to"`
	Version int            `json:"version"`
	Method  string         `json:"method"` // whole, reading or day
	Start   string         `json:"start_reading"`
	End     string         `json:"end_reading"`
	Energy  billing.Energy `json:"energy"`
	Total   string         `json:"total"`
}

type quotedSale struct {
	At       string         `json:"at"`
	Payment  string         `json:"payment"`
	Fixed    string         `json:"fixed"`
	Debts    []quotedDebt   `json:"debts,omitempty"`
	Energy   billing.Energy `json:"energy"`
	Charge   string         `json:"charge"`
	Change   string         `json:"change"`
	Counters quotedCounters `json:"counters"`
}

type quotedDebt struct {
	Code    string `json:"code"`
	Amount  string `json:"amount"`
	Left    string `json:"left"`
	Refused bool   `json:"no_consent,omitempty"`
}

type quotedShare struct {
	Tenant string         `json:"tenant"`
	Energy billing.Energy `json:"energy"`
	Common billing.Energy `json:"common,omitempty"`
	Amount string         `json:"amount"`
}

func countersOf(b *bill.Bill) quotedCounters {
	return quotedCounters{Before: b.CounterBefore, After: b.CounterAfter, Tier: b.Parts[len(b.Parts)-1].Charge.Tier}
}

// amount is money with the decimals of the currency, and more only where it has them.
func (q *quoted) amount(m billing.Money) string {
	whole, part, _ := strings.Cut(m.String(), ".")
	part = strings.TrimRight(part, "0")
	if len(part) < q.decimals {
		part += strings.Repeat("0", q.decimals-len(part))
	}
	if part == "" {
		return whole
	}
	return whole + "." + part
}

func instant(t time.Time) string { return t.Format(time.RFC3339) }

// add puts lines of one bill or sale under the others, and their total on the sum.
func (q *quoted) add(lines []bill.Line, index int, total billing.Money) (err error) {
	for _, l := range lines {
		line := quotedLine{Code: l.Code, Name: l.Name.In(q.lang), Quantity: l.Quantity, Unit: l.Unit.String(), Price: l.Price, Amount: q.amount(l.Amount), Bill: index, Part: l.Part}
		if l.Unit == billing.UnitMoney {
			line.Unit = q.Currency
		}
		if l.Den != 0 {
			line.PartOf = fmt.Sprintf("%d/%d", l.Num, l.Den)
		}
		if l.Included {
			q.Included = append(q.Included, line)
			continue
		}
		q.Lines = append(q.Lines, line)
		if err := q.subtotal(l.Component, l.Amount); err != nil {
			return err
		}
	}
	if q.total, err = q.total.Add(total); err != nil {
		return fmt.Errorf("total: %w", err)
	}
	return nil
}

func (q *quoted) subtotal(code string, amount billing.Money) (err error) {
	i := 0
	for i < len(q.Subtotals) && q.Subtotals[i].Code != code {
		i++
	}
	if i == len(q.Subtotals) {
		q.Subtotals, q.sums = append(q.Subtotals, subtotal{Code: code}), append(q.sums, 0)
	}
	if q.sums[i], err = q.sums[i].Add(amount); err != nil {
		return fmt.Errorf("subtotal of %s: %w", code, err)
	}
	return nil
}

func (q *quoted) head(b *bill.Bill, kind string, period int, reason string) quotedBill {
	out := quotedBill{Kind: kind, Reason: reason, Period: period, From: instant(b.From), To: instant(b.To), Energy: b.Energy, Total: q.amount(b.Total), Counters: countersOf(b), Estimated: b.Estimated}
	for i := range b.Parts {
		p := &b.Parts[i]
		out.Parts = append(out.Parts, quotedPart{From: instant(p.From), To: instant(p.To), Version: p.By.Number, Method: p.Method.String(), Start: p.Start.String(), End: p.End.String(), Energy: p.Energy, Total: q.amount(p.Charge.Total)})
	}
	return out
}

// bill adds a bill; kind is empty where nothing is corrected.
func (q *quoted) bill(b *bill.Bill, kind string, period int, reason string) (err error) {
	q.decimals = b.Decimals
	index := len(q.Bills)
	q.Bills = append(q.Bills, q.head(b, kind, period, reason))
	if q.Energy, err = q.Energy.Add(b.Energy); err != nil {
		return fmt.Errorf("energy: %w", err)
	}
	q.Estimated = q.Estimated || b.Estimated
	if index == 0 {
		q.Counters.Before = b.CounterBefore
	}
	q.Counters.After, q.Counters.Tier = b.CounterAfter, countersOf(b).Tier
	q.explainBill(b, kind, reason)
	return q.add(b.Lines, index, b.Total)
}

func (q *quoted) sold(sold []sale.Sold) error {
	for i := range sold {
		s := &sold[i]
		q.decimals = s.Decimals
		out := quotedSale{At: instant(s.At), Payment: q.amount(s.Amount), Fixed: q.amount(s.Fixed), Energy: s.Energy, Charge: q.amount(s.Charge), Change: q.amount(s.Change), Counters: quotedCounters{s.CounterBefore, s.CounterAfter, s.Tier}}
		used := s.Amount - s.Change // both came from one payment
		for _, d := range s.Takings {
			out.Debts = append(out.Debts, quotedDebt{d.Code, q.amount(d.Amount), q.amount(d.Left), d.Refused})
		}
		if i == 0 {
			q.Counters.Before = s.CounterBefore
		}
		q.Counters.After, q.Counters.Tier = s.CounterAfter, s.Tier
		q.Sales = append(q.Sales, out)
		q.explainSale(s)
		if err := q.add(s.Lines, i, used); err != nil {
			return err
		}
		var err error
		if q.Energy, err = q.Energy.Add(s.Energy); err != nil {
			return fmt.Errorf("energy: %w", err)
		}
	}
	return nil
}

// allotted adds the shares of a bill; they are lines where the bill itself is not priced here.
func (q *quoted) allotted(parts []sale.Allotment, lines bool) error {
	for _, p := range parts {
		q.Shares = append(q.Shares, quotedShare{p.Tenant, p.Energy, p.Common, q.amount(p.Amount)})
		q.say("%s：%s 千瓦时，分摊 %s", "%s: %s kWh carry %s of the bill; the last pennies go to the largest remainders", p.Tenant, p.Energy, q.amount(p.Amount))
		if !lines {
			continue
		}
		l := bill.Line{Component: "share", Code: "share." + p.Tenant, Name: billing.Name{ZH: "分摊 " + p.Tenant, EN: "share of " + p.Tenant}, Unit: billing.UnitMoney, Price: 1e8, Amount: p.Amount}
		if quantity, err := billing.Energy(p.Amount).Times(100); err == nil {
			l.Quantity = billing.Quantity(quantity)
		}
		if err := q.add([]bill.Line{l}, 0, p.Amount); err != nil {
			return err
		}
	}
	return nil
}

func (q *quoted) late(lines []bill.Line, l *usage.Late) error {
	for _, line := range lines {
		q.say("%s：欠费 %s × %s = %s", "%s: overdue %s × %s = %s", line.Name.In(q.lang), billing.Money(line.Quantity/100), line.Price, q.amount(line.Amount))
		if err := q.add([]bill.Line{line}, 0, line.Amount); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		q.say("%s 应交 %s，按时交清，无违约金", "due on %s: %s, paid in time", l.Due.Format(time.DateOnly), q.amount(l.Amount))
	}
	return nil
}

// finish writes the sums.
func (q *quoted) finish() {
	for i := range q.Subtotals {
		q.Subtotals[i].Amount = q.amount(q.sums[i])
	}
	q.Total = q.amount(q.total)
	if q.Lines == nil {
		q.Lines = []quotedLine{}
	}
	if q.Subtotals == nil {
		q.Subtotals = []subtotal{}
	}
}

// say adds a sentence to the explanation.
func (q *quoted) say(zh, en string, args ...any) {
	if q.explains {
		q.Explain = append(q.Explain, fmt.Sprintf(daemon.Say(q.lang, zh, en), args...))
	}
}
