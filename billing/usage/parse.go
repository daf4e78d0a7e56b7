package usage

import (
	"slices"
	"strconv"
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

// Parse reads one usage document. name is what errors call it, zone whose
// midnight a date without an offset means: that of the tariff. What a tariff
// needs and the document does not tell is found out when it is measured.
//
// Errors carry line and remedy; see document.Error.
func Parse(name string, data []byte, zone *time.Location) (*Document, error) {
	var r raw
	if err := document.Decode(name, data, &r); err != nil {
		return nil, err
	}
	p := parser{name: name, zone: zone}
	return p.document(&r)
}

type parser struct {
	name string
	zone *time.Location
}

func (p *parser) fault(line int, format string, args ...any) error {
	return document.Errorf(p.name, line, format, args...)
}

func (p *parser) document(r *raw) (*Document, error) {
	d := &Document{ID: r.Usage.Value, Account: r.Account.Value, Name: p.name}
	top := r.period()
	list := r.Periods
	switch line := top.present(); {
	case line > 0 && len(list) > 0:
		return nil, p.fault(line, "keys of a period stand at the top, and periods are listed too; move them into the list")
	case line > 0:
		list = []rawPeriod{top}
	case len(r.Periods) == 0 && r.Sale == nil && r.Allocate == nil && len(r.Late) == 0:
		return nil, p.fault(0, "nothing is told; give from, to and energy, or one of periods, sale, allocate, late")
	case len(r.Periods) > periodsMax:
		return nil, p.fault(int(r.Periods[periodsMax].Line), "%d periods, at most %d", len(r.Periods), periodsMax)
	}
	for i := range list {
		one, err := p.period(&list[i])
		if err != nil {
			return nil, err
		}
		if list[i].Reason.Present() || list[i].Form.Present() {
			return nil, p.fault(int(list[i].Line), "reason and form belong to corrections; move the corrected period there")
		}
		if i > 0 && one.From.Before(d.Periods[i-1].To) {
			return nil, p.fault(list[i].From.Line, "period begins at %s, before the one above ends; put periods in their order", shown(one.From))
		}
		d.Periods = append(d.Periods, one)
	}
	for _, step := range []func(*Document, *raw) error{p.corrections, p.sale, p.allocate, p.late} {
		if err := step(d, r); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (p *parser) period(r *rawPeriod) (u Period, err error) {
	line := max(1, int(r.Line))
	if u.From, err = p.instant("from", r.From, line); err != nil {
		return u, err
	}
	if u.To, err = p.instant("to", r.To, line); err != nil {
		return u, err
	}
	switch {
	case !u.To.After(u.From):
		return u, p.fault(r.To.Line, "to: the period ends at %s, when or before it begins; `to` is the first instant after it", shown(u.To))
	case u.To.After(u.From.AddDate(0, monthsMax, 0)):
		return u, p.fault(r.To.Line, "to: the period is longer than ten years; split it")
	}
	u.Line, u.Name = line, p.name
	for _, e := range []struct {
		key string
		of  document.Of[billing.Energy]
		to  *billing.Energy
	}{{"counter", r.Counter, &u.Counter}, {"free_before", r.FreeBefore, &u.FreeBefore}, {"free_stock", r.FreeStock, &u.FreeStock}} {
		if *e.to = e.of.Value; e.of.Value < 0 {
			return u, p.fault(e.of.Line, "%s: %s kWh is negative; give zero or more", e.key, e.of.Value)
		}
	}
	u.CounterKnown, u.NewOwner, u.ToDate, u.BilledWith = r.Counter.Present(), r.NewOwner.Value, r.ToDate.Value, r.BilledWith.Value
	if r.BilledWith.Present() && u.BilledWith < 1 {
		return u, p.fault(r.BilledWith.Line, "billed_with is %d; give the number of the newest version of the tariff when the period was billed", u.BilledWith)
	}
	for _, step := range []func(*Period, *rawPeriod) error{p.meters, p.household, p.supplies, p.reactive, p.loss} {
		if err := step(&u, r); err != nil {
			return u, err
		}
	}
	return u, nil
}

// instant reads a local date, a date and time in the tariff's zone, or one with an offset.
func (p *parser) instant(key string, text document.Of[string], line int) (time.Time, error) {
	if !text.Present() {
		return time.Time{}, p.fault(line, "%s is missing; give a date such as 2026-01-01, or a date and time such as 2026-01-01T08:30", key)
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		t, err := time.ParseInLocation(layout, text.Value, p.zone)
		if err != nil {
			continue
		}
		if t.Year() < 1900 || t.Year() > 2999 {
			return time.Time{}, p.fault(text.Line, "%s: year %d is outside 1900 to 2999", key, t.Year())
		}
		return t.In(p.zone), nil
	}
	return time.Time{}, p.fault(text.Line, "%s: %q is not a date; write it like 2026-01-01 or 2026-01-01T08:30, in the tariff's own time", key, text.Value)
}

// shown is an instant as documents write it.
func shown(t time.Time) string {
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02T15:04:05")
}

// corrections finds the period that each one replaces.
func (p *parser) corrections(d *Document, r *raw) error {
	if len(r.Corrects) > periodsMax {
		return p.fault(int(r.Corrects[periodsMax].Line), "%d corrections, at most %d", len(r.Corrects), periodsMax)
	}
	for i := range r.Corrects {
		raw := &r.Corrects[i]
		one, err := p.period(raw)
		if err != nil {
			return err
		}
		c := Correction{Period: one, Reason: raw.Reason.Value}
		switch raw.Form.Value {
		case "", "rebill":
		case "difference":
			c.Form = Difference
		default:
			return p.fault(raw.Form.Line, "form is %q; give rebill (the mirror and a new bill) or difference (one line)", raw.Form.Value)
		}
		at := slices.IndexFunc(d.Periods, func(u Period) bool { return u.From.Equal(one.From) && u.To.Equal(one.To) })
		if at < 0 {
			return p.fault(raw.From.Line, "no period above is from %s to %s; a correction replaces a period that was billed", shown(one.From), shown(one.To))
		}
		if slices.ContainsFunc(d.Corrections, func(o Correction) bool { return o.Period.From.Equal(one.From) }) {
			return p.fault(raw.From.Line, "the period from %s is corrected twice; keep the last correction", shown(one.From))
		}
		d.Corrections = append(d.Corrections, c)
	}
	slices.SortStableFunc(d.Corrections, func(a, b Correction) int { return a.Period.From.Compare(b.Period.From) })
	return nil
}

// energy checks a count of kWh.
func (p *parser) energy(key string, of document.Of[billing.Energy], line int) (billing.Energy, error) {
	switch {
	case !of.Present():
		return 0, p.fault(line, "%s is missing; give the kWh", key)
	case of.Value < 0:
		return 0, p.fault(of.Line, "%s: %s kWh is negative; give zero or more", key, of.Value)
	}
	return of.Value, nil
}

// register checks the name of a register: a band's code, or a number.
func (p *parser) register(key string, of document.Of[string], line int) (string, error) {
	if !of.Present() || of.Value == "" || len(of.Value) > 40 {
		return "", p.fault(max(of.Line, line), "%s is missing; give a band's code such as peak, or a rate register's number such as 2", key)
	}
	if n, err := strconv.Atoi(of.Value); err == nil {
		if n < 1 || n > registerMax {
			return "", p.fault(of.Line, "%s: register %d is outside 1 to %d; the total is written total", key, n, registerMax)
		}
		return strconv.Itoa(n), nil
	}
	return of.Value, nil
}
