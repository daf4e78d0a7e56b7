package bill

import (
	"fmt"
	"slices"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// RateAll is the bills of periods in their order, each by the versions that
// were known when it was billed. A period that begins where the one before ended
// goes on with its tier counter, unless it tells its own.
func RateAll(versions []tariff.Version, days tariff.Days, periods []usage.Period) ([]Bill, error) {
	bills := make([]Bill, 0, len(periods))
	for i := range periods {
		var carried *billing.Energy
		if i > 0 && periods[i].From.Equal(periods[i-1].To) {
			carried = &bills[i-1].CounterAfter
		}
		b, err := rated(knownThen(versions, periods[i].BilledWith), days, &periods[i], carried)
		if err != nil {
			return nil, err
		}
		bills = append(bills, b)
	}
	return bills, nil
}

// Kind says what a bill among corrections is.
type Kind uint8

// Kinds of bill. A correction is three things: the original stays, its mirror
// is posted, a new bill is posted; later bills of the tier cycle follow (B7).
const (
	Original  Kind = iota
	Mirror         // the original with its sign turned (红冲)
	Corrected      // the new bill of the period that was wrong
	Rerated        // the new bill of a later period, whose tiers moved
	Adjusted       // one line with the difference (退补)
)

var kindWords = [...]string{"original", "mirror", "corrected", "rerated", "difference"}

// String is the word of printed bills.
func (k Kind) String() string {
	if int(k) < len(kindWords) {
		return kindWords[k]
	}
	return "unknown"
}

// Posting is a bill that a correction posts; Total and Lines of a mirror have
// their signs turned.
type Posting struct {
	Kind   Kind
	Index  int // of the period
	Reason string
	Bill   Bill
}

// Correct is what corrections post: for each period that was wrong its mirror
// and its new bill, or the difference, and the same for every later period of
// the tier cycle that comes out otherwise. Net is the sum of all postings: what
// the account owes beside the originals. originals are the bills as they were.
// A period that was billed before a version was published is rated anew too, and
// posted where that comes out otherwise (退补).
func Correct(versions []tariff.Version, days tariff.Days, periods []usage.Period, corrections []usage.Correction) (originals []Bill, postings []Posting, net billing.Money, err error) {
	if originals, err = RateAll(versions, days, periods); err != nil {
		return nil, nil, 0, err
	}
	var form usage.Form
	reason := ""
	shift := billing.Energy(0) // of the counter, by the corrections before in this cycle
	for i := range periods {
		u, kind := periods[i], Rerated
		before := originals[i].CounterBefore
		if restarts(originals, i) {
			shift = 0
		}
		for k := range corrections {
			if c := &corrections[k]; c.Period.From.Equal(u.From) {
				u, kind, form, reason = c.Period, Corrected, c.Form, c.Reason
			}
		}
		if kind == Rerated && shift == 0 && u.BilledWith == 0 {
			continue
		}
		if kind == Rerated || !u.CounterKnown {
			if before, err = before.Add(shift); err != nil || before < 0 {
				return nil, nil, 0, fmt.Errorf("%s: line %d: %w: the corrections leave a tier counter of %s kWh before this period; correct the periods before it too", u.Name, u.Line, rate.ErrUsage, before)
			}
			u.Counter, u.CounterKnown = before, before != 0 || shift != 0
		}
		b, err := rated(versions, days, &u, &before)
		if err != nil {
			return nil, nil, 0, err
		}
		if shift, err = b.CounterAfter.Sub(originals[i].CounterAfter); err != nil {
			return nil, nil, 0, fmt.Errorf("%s: line %d: tier counter: %w", u.Name, u.Line, err)
		}
		if kind == Rerated && b.same(&originals[i]) {
			continue
		}
		made, err := post(originals[i], b, kind, form, i, reason)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("%s: line %d: correction: %w", u.Name, u.Line, err)
		}
		for _, p := range made {
			if net, err = net.Add(p.Bill.Total); err != nil {
				return nil, nil, 0, fmt.Errorf("%s: line %d: sum of the corrections: %w", u.Name, u.Line, err)
			}
		}
		postings = append(postings, made...)
	}
	return originals, postings, net, nil
}

// same reports a bill that comes out as it was.
func (b *Bill) same(old *Bill) bool {
	return b.Total == old.Total && b.CounterBefore == old.CounterBefore && b.CounterAfter == old.CounterAfter && slices.Equal(b.Lines, old.Lines)
}

// knownThen is the versions up to a number, as they stood then: one that a later
// publication ended had no end yet. Number 0 is all of them.
func knownThen(versions []tariff.Version, number int) []tariff.Version {
	if number == 0 {
		return versions
	}
	known := slices.DeleteFunc(slices.Clone(versions), func(v tariff.Version) bool { return v.Number > number })
	for i := range known {
		v := &known[i]
		cutShort := slices.ContainsFunc(versions, func(o tariff.Version) bool { return o.Number > number && o.ValidFrom.Equal(v.ValidTo) })
		if !cutShort {
			continue
		}
		v.ValidTo = time.Time{}
		for k := range known {
			if next := known[k].ValidFrom; next.After(v.ValidFrom) && (v.ValidTo.IsZero() || next.Before(v.ValidTo)) {
				v.ValidTo = next
			}
		}
	}
	return known
}

// restarts reports a period whose tier counter does not rest on those before it.
func restarts(bills []Bill, i int) bool {
	v := bills[i].Parts[0].By
	start, _ := v.CycleOf(bills[i].From)
	return i == 0 || !tiered(v) || bills[i-1].From.Before(start) && !bills[i-1].To.After(start)
}

// post makes the postings that turn one bill into another.
func post(old, now Bill, kind Kind, form usage.Form, i int, reason string) ([]Posting, error) {
	if form == usage.Difference {
		total, err := now.Total.Sub(old.Total)
		if err != nil {
			return nil, err
		}
		d := now
		d.Total = total
		d.Lines = []Line{{Component: "difference", Code: "difference", Name: billing.Name{ZH: "退补电费", EN: "difference"}, Unit: billing.UnitMoney, Quantity: billing.Quantity(0), Amount: total}}
		if quantity, err := billing.Energy(total).Times(100); err == nil {
			d.Lines[0].Quantity, d.Lines[0].Price = billing.Quantity(quantity), 1e8
		}
		return []Posting{{Kind: Adjusted, Index: i, Reason: reason, Bill: d}}, nil
	}
	mirror, err := old.mirror()
	if err != nil {
		return nil, err
	}
	return []Posting{{Kind: Mirror, Index: i, Reason: reason, Bill: mirror}, {Kind: kind, Index: i, Reason: reason, Bill: now}}, nil
}

// mirror is the bill with its sign turned.
func (b Bill) mirror() (Bill, error) {
	var err error
	if b.Total, err = billing.Money(0).Sub(b.Total); err != nil {
		return b, err
	}
	lines := make([]Line, len(b.Lines))
	for i, l := range b.Lines {
		if l.Amount, err = billing.Money(0).Sub(l.Amount); err != nil {
			return b, err
		}
		l.Quantity = -l.Quantity // energies and demands are not below zero
		lines[i] = l
	}
	b.Lines = lines
	b.Energy = -b.Energy
	return b, nil
}
