// Package bill makes bills of usage: it cuts a period at changes of version and
// at ends of the tier cycle, rates each part, and joins them; it corrects what
// was billed, and re-rates what followed.
package bill

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// Bill is what one period costs. It is a value: nothing in it is shared with
// another bill but the versions.
type Bill struct {
	From, To time.Time
	Currency string
	Decimals int
	Parts    []Part
	Lines    []Line // of all parts, in the order of print
	Notes    []usage.Note
	Total    billing.Money
	Energy   billing.Energy // of all parts, without the transformer's loss

	CounterBefore, CounterAfter billing.Energy // of the tier cycle, at From and at To
	Estimated                   bool           // a reading is an estimate (估抄), or the month still runs: never trip by it
}

// Part is a stretch of the period within one version and one tier cycle.
type Part struct {
	From, To time.Time
	By       *tariff.Version
	Method   Method // how its energy was told from that of its neighbours
	Start    usage.Method
	End      usage.Method
	Charge   rate.Charge
	Energy   billing.Energy
}

// Line is a printed line: Quantity × Price, rounded, is Amount.
type Line struct {
	Part int // index of the part that it belongs to
	// Component is what subtotals add up: the component's code, or energy in a version that has no components.
	Component string
	Code      string
	Name      billing.Name
	Unit      billing.Unit
	// Quantity is what is charged: of a part of a month, Num/Den of what is
	// there, to six decimals. Amount comes of the exact part.
	Quantity billing.Quantity
	Price    billing.Price
	Num, Den int32 // Den 0: the whole month
	Amount   billing.Money
	Included bool // inside other prices: shown, and not in the total
}

// Method says how the energy of a part was found.
type Method uint8

// Methods of a part.
const (
	Whole     Method = iota // the period is one part
	ByReading               // readings stand at its ends
	ByDay                   // the days between the readings gave their share
)

// String is the word of printed bills.
func (m Method) String() string {
	switch m {
	case Whole:
		return "whole"
	case ByReading:
		return "reading"
	}
	return "day"
}

// partsMax bounds the parts of a period of ten years: a change of version and
// an end of a cycle each month.
const partsMax = 512

// Rate is the bill of a period under the versions of one tariff. days tells
// holidays; nil where the tariff needs none. It is a pure function.
//
// Errors name the place in the usage document and wrap usage.ErrHold,
// rate.ErrFacts, tariff.ErrNoVersion or billing.ErrOverflow, among others.
func Rate(versions []tariff.Version, days tariff.Days, u *usage.Period) (Bill, error) {
	return rated(versions, days, u, nil)
}

// rated is Rate with the counter that the period before left, if any.
func rated(versions []tariff.Version, days tariff.Days, u *usage.Period, carried *billing.Energy) (Bill, error) {
	cells, err := cut(versions, u)
	if err != nil {
		return Bill{}, err
	}
	for i := range cells {
		if err := needs(cells[i].By, u); err != nil {
			return Bill{}, err
		}
	}
	before, err := counter(cells[0].By, u, carried)
	if err != nil {
		return Bill{}, err
	}
	m, err := u.Measure(cells, days)
	if err != nil {
		return Bill{}, err
	}
	j := joiner{u: u, m: &m, b: Bill{From: u.From, To: u.To, Currency: cells[0].By.Currency, Decimals: cells[0].By.Decimals, Notes: m.Notes, CounterBefore: before, Estimated: u.ToDate}}
	return j.join(before)
}

// cut makes a cell for each stretch within one version and one tier cycle.
func cut(versions []tariff.Version, u *usage.Period) (cells []usage.Cell, err error) {
	for at := u.From; at.Before(u.To); {
		v, err := tariff.At(versions, at)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w; begin the period later, or add the version to the tariff", u.Name, u.Line, err)
		}
		end := u.To
		if !v.ValidTo.IsZero() && v.ValidTo.Before(end) {
			end = v.ValidTo
		}
		for i := range versions { // a version built by hand may not know its end
			if next := versions[i].ValidFrom; next.After(at) && next.Before(end) {
				end = next
			}
		}
		if _, cycle := v.CycleOf(at); !cycle.IsZero() && cycle.Before(end) {
			end = cycle
		}
		if len(cells) == partsMax {
			return nil, fmt.Errorf("%s: line %d: the period has more than %d parts; split it", u.Name, u.Line, partsMax)
		}
		cells = append(cells, usage.Cell{From: at, To: end, By: v})
		at = end
	}
	return cells, nil
}

// tiered reports whether the version has a tier counter.
func tiered(v *tariff.Version) bool {
	return v.Kind == tariff.Tiered || slices.ContainsFunc(v.Components, func(c tariff.Component) bool { return c.Energy != nil && len(c.Energy.Tiers) > 0 })
}

// counter is what the tier cycle had used before the period.
func counter(v *tariff.Version, u *usage.Period, carried *billing.Energy) (billing.Energy, error) {
	start, _ := v.CycleOf(u.From)
	begins := tiered(v) && start.Equal(u.From)
	switch {
	case u.NewOwner && v.NewOwnerRestarts:
		return 0, nil
	case begins && u.CounterKnown && u.Counter != 0:
		return 0, fmt.Errorf("%s: line %d: %w: counter is %s kWh, but the tier cycle begins on %s, where it is 0; correct counter or from", u.Name, u.Line, rate.ErrUsage, u.Counter, start.Format(time.DateOnly))
	case begins:
		return 0, nil
	case u.CounterKnown:
		return u.Counter, nil
	case carried != nil:
		return *carried, nil
	case !tiered(v) || v.Cycle.Months == 0 || u.Since.Equal(u.From):
		return 0, nil
	}
	return 0, fmt.Errorf("%s: line %d: %w: counter is missing; tariff %s has tiers by the cycle that began on %s, give counter: the kWh used from then to %s",
		u.Name, u.Line, rate.ErrFacts, v.ID, start.Format(time.DateOnly), u.From.Format(time.DateOnly))
}

// joiner rates the parts of one bill, one after the other.
type joiner struct {
	u *usage.Period
	m *usage.Measured
	b Bill
}

func (j *joiner) join(counter billing.Energy) (Bill, error) {
	cells := j.m.Cells
	for i := range cells {
		c := &cells[i]
		if i > 0 {
			if start, _ := c.By.CycleOf(c.From); start.Equal(c.From) && tiered(c.By) {
				counter = 0 // the cycle ended: unused room does not carry over
			}
		}
		facts, v, err := j.facts(i, counter)
		if err != nil {
			return Bill{}, err
		}
		charge, err := rate.Estimate(v, rate.Usage{From: c.From, To: c.To, Energy: c.Energy, CycleBefore: counter, Bands: bandsOf(c), Facts: facts})
		if err != nil {
			return Bill{}, fmt.Errorf("%s: line %d: %w", j.u.Name, j.u.Line, err)
		}
		charge.By = c.By
		counter = charge.CycleAfter
		if err := j.add(c, charge); err != nil {
			return Bill{}, err
		}
	}
	j.b.CounterAfter = counter
	return j.b, nil
}

// bandsOf is the cell's bands, where the version prices by them.
func bandsOf(c *usage.Cell) (bands [tariff.BandsMax]billing.Energy) {
	if usage.Banded(c.By) {
		bands = c.Bands
	}
	return bands
}

func (j *joiner) add(c *usage.Cell, charge rate.Charge) (err error) {
	p := Part{From: c.From, To: c.To, By: c.By, Start: c.Start, End: c.End, Charge: charge, Energy: c.Energy}
	switch {
	case c.ByDays:
		p.Method = ByDay
	case len(j.m.Cells) > 1:
		p.Method = ByReading
	}
	j.b.Lines = append(j.b.Lines, LinesOf(&charge, len(j.b.Parts))...)
	j.b.Estimated = j.b.Estimated || c.Start == usage.Estimate || c.End == usage.Estimate
	j.b.Parts = append(j.b.Parts, p)
	if j.b.Total, err = j.b.Total.Add(charge.Total); err == nil {
		j.b.Energy, err = j.b.Energy.Add(c.Energy)
	}
	if err != nil {
		return fmt.Errorf("%s: line %d: total of the period: %w", j.u.Name, j.u.Line, err)
	}
	return nil
}

// LinesOf is the lines of a charge as a bill prints them, in the part that is
// told: where the version rounds the sum, with a line for what that did, so that
// those not included in others add up to the total.
func LinesOf(c *rate.Charge, part int) []Line {
	lines := make([]Line, 0, c.N)
	items := c.Items()
	for i := range items {
		l := &items[i]
		lines = append(lines, Line{
			Part: part, Component: cmp.Or(l.Component(), "energy"), Code: l.Code(), Name: billing.Name{ZH: c.NameOf(l, "zh"), EN: c.NameOf(l, "en")},
			Unit: l.Unit, Quantity: l.Charged(), Price: l.Price, Num: l.Num, Den: l.Den, Amount: l.Amount, Included: l.Included,
		})
	}
	if rest := c.Rounding(); rest != 0 {
		l := Line{Part: part, Component: "rounding", Code: "rounding", Name: billing.Name{ZH: "尾数舍入", EN: "rounding"}, Unit: billing.UnitMoney, Amount: rest}
		l.Quantity, l.Price = billing.Quantity(rest)*100, 1e8 // at most half a unit of the currency for each line
		lines = append(lines, l)
	}
	return lines
}
