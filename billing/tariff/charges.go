package tariff

import (
	"slices"
	"strings"

	"feikong/internal/document"
)

func (p *parser) levy(r *rawLevy) (*Levy, error) {
	if err := p.price(int(r.Line), r.Price, "levy: price"); err != nil {
		return nil, err
	}
	return &Levy{Price: r.Price.Value, Fund: r.Fund.Value, Included: r.Included.Value}, nil
}

func (p *parser) basic(r *rawBasic) (b *Basic, err error) {
	line := int(r.Line)
	b = &Basic{PerKVA: r.PerKVA.Value, PerKW: r.PerKW.Value, DaysOfMonth: 30}
	if !r.PerKVA.Present() && !r.PerKW.Present() {
		return nil, p.fault(line, "basic: no price; give per_kva, per_kw or both")
	}
	if r.PerKVA.Present() {
		if err := p.price(line, r.PerKVA, "basic: per_kva"); err != nil {
			return nil, err
		}
	}
	if r.PerKW.Present() {
		if err := p.price(line, r.PerKW, "basic: per_kw"); err != nil {
			return nil, err
		}
	} else {
		for _, k := range []struct {
			key  string
			line int
		}{{"tolerance", r.Tolerance.Line}, {"excess", r.Excess.Line}, {"floor", r.Floor.Line}} {
			if k.line > 0 {
				return nil, p.fault(k.line, "basic: %s belongs to demand, but per_kw is missing; give it or remove %s", k.key, k.key)
			}
		}
	}
	// What 发改办价格〔2016〕1583号 says: 105%, double, 40%.
	if b.Tolerance, err = p.part(r.Tolerance, 1_050_000, one, 10*one, "basic: tolerance"); err != nil {
		return nil, err
	}
	if b.Excess, err = p.part(r.Excess, 2*one, 0, 100*one, "basic: excess"); err != nil {
		return nil, err
	}
	if b.Floor, err = p.part(r.Floor, 400_000, 0, one, "basic: floor"); err != nil {
		return nil, err
	}
	if h := r.HighUse; h != nil {
		switch {
		case !r.PerKW.Present():
			return nil, p.fault(int(h.Line), "basic: high_use is a discount on the demand price, but per_kw is missing; give it or remove high_use")
		case h.KWhPerKVA.Value <= 0 || h.KWhPerKVA.Value > noTiersFrom:
			return nil, p.fault(or(h.KWhPerKVA.Line, int(h.Line)), "high_use: kwh_per_kva is %s; give the kWh a kVA and month, such as 260", h.KWhPerKVA.Value)
		case h.Factor.Value <= 0 || h.Factor.Value > one:
			return nil, p.fault(or(h.Factor.Line, int(h.Line)), "high_use: factor is %s; give more than 0 and at most 1, such as 0.9", h.Factor.Value)
		}
		b.HighUse, b.HighFactor = h.KWhPerKVA.Value, int64(h.Factor.Value)
	}
	if r.DaysOfMonth.Present() {
		if b.DaysOfMonth = int64(r.DaysOfMonth.Value); b.DaysOfMonth < 28 || b.DaysOfMonth > 31 {
			return nil, p.fault(r.DaysOfMonth.Line, "basic: days_of_month is %d; give 28 to 31, 30 by 供电营业规则", b.DaysOfMonth)
		}
	}
	return b, nil
}

func (p *parser) fixed(r *rawFixed) (*Fixed, error) {
	line := int(r.Line)
	f := &Fixed{PerDay: r.PerDay.Value, PerMonth: r.PerMonth.Value, Prorate: r.Prorate.Value}
	switch {
	case r.PerDay.Present() == r.PerMonth.Present():
		return nil, p.fault(line, "fixed: give per_day or per_month, one of them")
	case r.PerDay.Present() && r.Prorate.Present():
		return nil, p.fault(r.Prorate.Line, "fixed: prorate goes with per_month; days are counted as they are")
	case r.PerDay.Present():
		if err := p.price(line, r.PerDay, "fixed: per_day"); err != nil {
			return nil, err
		}
	default:
		if err := p.price(line, r.PerMonth, "fixed: per_month"); err != nil {
			return nil, err
		}
	}
	// Zero is how the engine tells the two apart.
	if f.PerDay == 0 && f.PerMonth == 0 {
		return nil, p.fault(line, "fixed: the sum is 0; give the sum or remove the component")
	}
	return f, nil
}

func (p *parser) factor(v *Version, r *rawFactor) (f *Factor, err error) {
	f = &Factor{}
	switch r.Standard.Value {
	case "0.90", "0.9":
		f.Standard = 90
	case "0.85":
		f.Standard = 85
	case "0.80", "0.8":
		f.Standard = 80
	default:
		return nil, p.fault(or(r.Standard.Line, int(r.Line)), "factor: standard is %q; give 0.90, 0.85 or 0.80, the class of the customer", r.Standard.Value)
	}
	f.Of, err = p.of(v, r.Of, int(r.Line), "factor")
	return f, err
}

func (p *parser) percent(v *Version, line int, rate document.Of[ratio], of []document.Of[string]) (q *Percent, err error) {
	if !rate.Present() {
		return nil, p.fault(line, "rate is missing; give one, such as 5%%")
	}
	q = &Percent{}
	// A discount is a negative percentage; below -100% it would pay the customer.
	if q.Rate, err = p.part(rate, 0, -one, 10*one, "rate"); err != nil {
		return nil, err
	}
	q.Of, err = p.of(v, of, line, "percent")
	return q, err
}

func (p *parser) tax(v *Version, r *rawTax) (*Percent, error) {
	if r.Rate.Present() && r.Rate.Value < 0 {
		return nil, p.fault(r.Rate.Line, "tax: rate %s is negative; give zero or more", r.Rate.Value)
	}
	q, err := p.percent(v, int(r.Line), r.Rate, r.Of)
	if err != nil {
		return nil, err
	}
	if q.ByLine = r.ByLine.Value; q.ByLine && v.Rounding == RoundSum {
		return nil, p.fault(r.ByLine.Line, "tax: by_line, but the version rounds the sum; remove by_line or write rounding: line")
	}
	return q, nil
}

// of checks that the components named stand above.
func (p *parser) of(v *Version, names []document.Of[string], line int, what string) ([]string, error) {
	if len(v.Components) == 0 {
		return nil, p.fault(line, "%s: no component stands above it; put it below what it is computed from", what)
	}
	codes := make([]string, len(v.Components))
	for i := range v.Components {
		codes[i] = v.Components[i].Code
	}
	var of []string
	for _, name := range names {
		switch {
		case slices.Contains(of, name.Value):
			return nil, p.fault(name.Line, "%s: %s stands in of twice; keep one", what, name.Value)
		case !slices.Contains(codes, name.Value):
			return nil, p.fault(name.Line, "%s of an unknown line: no component above has the code %q; there are %s", what, name.Value, strings.Join(codes, ", "))
		}
		of = append(of, name.Value)
	}
	return of, nil
}
