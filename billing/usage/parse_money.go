package usage

import (
	"slices"
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

// Sale is money paid in advance for kWh (预购电).
type Sale struct {
	Quantum  billing.Energy // kWh are sold in multiples of it; 0.1 kWh when not told
	Bought   billing.Energy // in the tier cycle before the first payment
	Taken    billing.Money  // of the month's fixed sums before
	Below    billing.Money  // payments below it are split
	Share    int64          // 1e-6 of such a payment that fixed sums take at most
	Debts    []Debt
	Payments []Payment
	Line     int
}

// Debt is a sum that payments settle before energy is sold: an appliance's
// instalment, an old bill.
type Debt struct {
	Code        string
	Amount      billing.Money
	Share       int64  // 1e-6 of each payment at most; 0: in full, in the order of the list
	Electricity bool   // a debt for electricity needs no consent
	Consent     string // the clause by which the customer agreed (B12); empty: none
	Line        int
}

// Payment is money at one time.
type Payment struct {
	At     time.Time
	Amount billing.Money
	Line   int
}

// Allocate is a bill to share out among tenants by kWh (B9).
type Allocate struct {
	Bill      billing.Money
	BillKnown bool // false: the bill is that of the document's periods
	Shares    []Share
	Line      int
}

// Share is one tenant's kWh, or those of the common parts, which all carry by
// their own kWh.
type Share struct {
	Tenant string
	Energy billing.Energy
	Common bool
}

// Late is a sum that was due on one date and paid on another (违约金).
type Late struct {
	Amount    billing.Money
	Due, Paid time.Time
	Line      int
}

// quantumUsual is the step that tokens are sold in.
const quantumUsual = billing.KWh / 10

func (p *parser) money(key string, of document.Of[billing.Money], line int) (billing.Money, error) {
	switch {
	case !of.Present():
		return 0, p.fault(line, "%s is missing; give the sum", key)
	case of.Value < 0:
		return 0, p.fault(of.Line, "%s: %s is negative; give zero or more", key, of.Value)
	}
	return of.Value, nil
}

func (p *parser) share(key string, of document.Of[part]) (int64, error) {
	if of.Present() && (of.Value <= 0 || of.Value > 1e6) {
		return 0, p.fault(of.Line, "%s must lie above 0 and at most 100%%", key)
	}
	return int64(of.Value), nil
}

func (p *parser) sale(d *Document, r *raw) (err error) {
	if r.Sale == nil {
		return nil
	}
	line := int(r.Sale.Line)
	s := &Sale{Quantum: quantumUsual, Bought: r.Sale.Bought.Value, Line: line}
	if r.Sale.Quantum.Present() {
		s.Quantum = r.Sale.Quantum.Value
	}
	switch {
	case s.Quantum <= 0:
		return p.fault(r.Sale.Quantum.Line, "quantum is %s; give the step of a sale in kWh, such as 0.1", s.Quantum)
	case s.Bought < 0:
		return p.fault(r.Sale.Bought.Line, "bought: %s kWh is negative; give zero or more", s.Bought)
	case len(r.Sale.Payments) == 0:
		return p.fault(line, "payments is empty; give at least one with at and amount")
	case len(r.Sale.Payments) > readingsMax:
		return p.fault(line, "%d payments, at most %d", len(r.Sale.Payments), readingsMax)
	}
	if f := r.Sale.Fixed; f != nil {
		s.Taken, s.Below = f.Taken.Value, f.Below.Value
		if s.Taken < 0 || s.Below < 0 {
			return p.fault(int(f.Line), "fixed: a sum is negative; give zero or more")
		}
		if s.Share, err = p.share("fixed: share", f.Share); err != nil {
			return err
		}
		if f.Below.Present() != f.Share.Present() {
			return p.fault(int(f.Line), "fixed: below and share go together: payments below the one give at most the other to fixed sums")
		}
	}
	for i := range r.Sale.Debts {
		raw := &r.Sale.Debts[i]
		debt := Debt{Code: raw.Code.Value, Electricity: raw.Electricity.Value, Consent: raw.Consent.Value, Line: int(raw.Line)}
		if debt.Amount, err = p.money("amount", raw.Amount, debt.Line); err != nil {
			return err
		}
		if debt.Share, err = p.share("share", raw.Share); err != nil {
			return err
		}
		if debt.Code == "" || slices.ContainsFunc(s.Debts, func(o Debt) bool { return o.Code == debt.Code }) {
			return p.fault(max(raw.Code.Line, debt.Line), "code %q of a debt is missing or stands here twice; give each its own", debt.Code)
		}
		s.Debts = append(s.Debts, debt)
	}
	for i := range r.Sale.Payments {
		raw := &r.Sale.Payments[i]
		one := Payment{Line: int(raw.Line)}
		if one.At, err = p.instant("at", raw.At, one.Line); err != nil {
			return err
		}
		if one.Amount, err = p.money("amount", raw.Amount, one.Line); err != nil {
			return err
		}
		if i > 0 && one.At.Before(s.Payments[i-1].At) {
			return p.fault(raw.At.Line, "at: %s is before the payment above; put payments in their order", shown(one.At))
		}
		s.Payments = append(s.Payments, one)
	}
	d.Sale = s
	return nil
}

func (p *parser) allocate(d *Document, r *raw) (err error) {
	if r.Allocate == nil {
		return nil
	}
	line := int(r.Allocate.Line)
	a := &Allocate{BillKnown: r.Allocate.Bill.Present(), Line: line}
	if a.BillKnown {
		if a.Bill, err = p.money("bill", r.Allocate.Bill, line); err != nil {
			return err
		}
	} else if len(d.Periods) == 0 {
		return p.fault(line, "bill is missing; give the sum to share out, or the periods that make it")
	}
	if len(r.Allocate.Shares) > readingsMax {
		return p.fault(line, "%d shares, at most %d", len(r.Allocate.Shares), readingsMax)
	}
	var sum billing.Energy
	for i := range r.Allocate.Shares {
		raw := &r.Allocate.Shares[i]
		s := Share{Tenant: raw.Code.Value, Common: raw.Common.Value}
		if s.Energy, err = p.energy("kwh", raw.KWh, int(raw.Line)); err != nil {
			return err
		}
		if s.Tenant == "" || slices.ContainsFunc(a.Shares, func(o Share) bool { return o.Tenant == s.Tenant }) {
			return p.fault(max(raw.Code.Line, int(raw.Line)), "tenant %q is missing or stands here twice; give each a name", s.Tenant)
		}
		if sum, err = sum.Add(s.Energy); err != nil {
			return p.fault(raw.KWh.Line, "kwh: %v", err)
		}
		a.Shares = append(a.Shares, s)
	}
	d.Allocate = a
	for _, s := range a.Shares {
		if !s.Common && s.Energy > 0 {
			return nil
		}
	}
	return p.fault(line, "shares have no kWh; give the tenants with what their meters counted")
}

func (p *parser) late(d *Document, r *raw) (err error) {
	if len(r.Late) > readingsMax {
		return p.fault(int(r.Late[readingsMax].Line), "%d sums paid late, at most %d", len(r.Late), readingsMax)
	}
	for i := range r.Late {
		raw := &r.Late[i]
		l := Late{Line: int(raw.Line)}
		if l.Amount, err = p.money("amount", raw.Amount, l.Line); err != nil {
			return err
		}
		if l.Due, err = p.instant("due", raw.Due, l.Line); err != nil {
			return err
		}
		if l.Paid, err = p.instant("paid", raw.Paid, l.Line); err != nil {
			return err
		}
		d.Late = append(d.Late, l)
	}
	return nil
}
