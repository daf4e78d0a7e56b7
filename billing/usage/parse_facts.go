package usage

import (
	"math/big"
	"strings"

	"feikong/billing"
	"feikong/billing/tariff"
)

func (p *parser) household(u *Period, r *rawPeriod) (err error) {
	h := r.Household
	if h == nil {
		return nil
	}
	if h.Persons.Present() && (h.Persons.Value < 1 || h.Persons.Value > 1000) {
		return p.fault(h.Persons.Line, "persons is %d; give 1 to 1000", h.Persons.Value)
	}
	u.Persons = h.Persons.Value
	for _, w := range h.Words {
		if w.Value == "" || strings.Trim(w.Value, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(u.Words) == 32 {
			return p.fault(w.Line, "words: %q; use lower-case letters, digits and hyphens, such as low-income, at most 32 words", w.Value)
		}
		u.Words = append(u.Words, w.Value)
	}
	if !h.Since.Present() {
		return nil
	}
	if u.Since, err = p.instant("since", h.Since, int(h.Line)); err != nil {
		return err
	}
	if u.Since.After(u.From) {
		return p.fault(h.Since.Line, "since: the supply was opened on %s, after the period began; begin the period then", shown(u.Since))
	}
	return nil
}

var modeWords = map[string]tariff.BasicMode{"capacity": tariff.ByCapacity, "contract": tariff.ByContract, "measured": tariff.ByMeasured}

func (p *parser) supplies(u *Period, r *rawPeriod) (err error) {
	if len(r.Supplies) > 32 {
		return p.fault(int(r.Supplies[32].Line), "%d supplies, at most 32", len(r.Supplies))
	}
	for i := range r.Supplies {
		raw := &r.Supplies[i]
		line := int(raw.Line)
		s := Supply{Mode: modeWords[raw.Mode.Value], Capacity: raw.Capacity.Value, Declared: raw.Declared.Value, Measured: raw.Measured.Value, From: u.From, To: u.To, Days: -1, Line: line}
		switch {
		case s.Mode == 0:
			return p.fault(max(raw.Mode.Line, line), "mode is %q; give capacity, contract or measured, what the customer chose", raw.Mode.Value)
		case s.Capacity < 0 || s.Declared < 0 || s.Measured < 0:
			return p.fault(line, "capacity or demand is negative; give kVA and kW of zero or more")
		case s.Mode == tariff.ByCapacity && s.Capacity == 0:
			return p.fault(max(raw.Capacity.Line, line), "capacity is missing; give the transformers' kVA")
		case s.Mode == tariff.ByContract && s.Declared == 0:
			return p.fault(max(raw.Declared.Line, line), "declared is missing; give the contract demand in kW")
		case s.Mode != tariff.ByCapacity && !raw.Measured.Present():
			return p.fault(line, "measured is missing; give the highest demand of the month in kW")
		case raw.Days.Present() && (raw.From.Present() || raw.To.Present()):
			return p.fault(raw.Days.Line, "days stand beside from or to; keep one way to say when the supply was in use")
		}
		if raw.From.Present() {
			if s.From, err = p.instant("from", raw.From, line); err != nil {
				return err
			}
		}
		if raw.To.Present() {
			if s.To, err = p.instant("to", raw.To, line); err != nil {
				return err
			}
		}
		if s.From.Before(u.From) || s.To.After(u.To) || !s.To.After(s.From) {
			return p.fault(line, "supply is in use from %s to %s; give a time within the period", shown(s.From), shown(s.To))
		}
		if raw.Days.Present() {
			if s.Days = raw.Days.Value; s.Days < 0 || s.Days > 31 {
				return p.fault(raw.Days.Line, "days is %d; give the days of use in the month, 0 to 31", s.Days)
			}
		}
		u.Supplies = append(u.Supplies, s)
	}
	return nil
}

func (p *parser) reactive(u *Period, r *rawPeriod) error {
	q := r.Reactive
	if q == nil {
		return nil
	}
	u.ReactiveKnown = q.Taken.Present() || q.Back.Present()
	u.Taken, u.Back, u.Active = q.Taken.Value, q.Back.Value, q.Active.Value
	if u.Active < 0 {
		return p.fault(q.Active.Line, "active: %s kWh is negative; give zero or more", u.Active)
	}
	return nil
}

// loss reads the transformer's loss (变损), or makes it of the formula
// ΔP0·h + (load ratio)²·ΔPk·h, rounded half up to the mWh.
func (p *parser) loss(u *Period, r *rawPeriod) (err error) {
	l := r.Loss
	if l == nil {
		return nil
	}
	line := int(l.Line)
	if l.Reactive.Value < 0 {
		return p.fault(l.Reactive.Line, "reactive: the transformer's own kvarh are not below zero")
	}
	if u.Taken, err = u.Taken.Add(l.Reactive.Value); err != nil {
		return p.fault(l.Reactive.Line, "reactive: %v", err)
	}
	if u.LossBands, err = p.counts(l.Bands); err != nil {
		return err
	}
	formula := l.NoLoadKW.Present() || l.LoadKW.Present() || l.Load.Present() || l.Hours.Present()
	given := 0
	for _, there := range []bool{l.Energy.Present(), len(l.Bands) > 0, formula} {
		if there {
			given++
		}
	}
	switch {
	case given != 1 && !(given == 0 && l.Reactive.Present()):
		return p.fault(line, "loss: give energy, or bands, or no_load_kw, load_kw, load_ratio and hours")
	case l.Energy.Present():
		u.Loss, err = p.energy("loss: energy", l.Energy, line)
		return err
	case !formula:
		return nil
	case !l.NoLoadKW.Present() || !l.LoadKW.Present() || !l.Load.Present() || !l.Hours.Present():
		return p.fault(line, "loss: the formula needs no_load_kw, load_kw, load_ratio and hours")
	case l.NoLoadKW.Value < 0 || l.LoadKW.Value < 0 || l.Load.Value < 0 || l.Hours.Value < 0:
		return p.fault(line, "loss: a part of the formula is negative; give zero or more")
	}
	big1 := func(n int64) *big.Int { return big.NewInt(n) }
	unit := big1(1e12)
	ratio := big1(int64(l.Load.Value))
	watts := new(big.Int).Mul(big1(int64(l.LoadKW.Value)), ratio.Mul(ratio, ratio))
	watts.Add(watts, new(big.Int).Mul(big1(int64(l.NoLoadKW.Value)), unit))
	watts.Mul(watts, big1(int64(l.Hours.Value)))
	watts.Add(watts, big1(5e11)).Div(watts, unit)
	if !watts.IsInt64() {
		return p.fault(line, "loss: %v", billing.ErrOverflow)
	}
	u.Loss = billing.Energy(watts.Int64())
	return nil
}
