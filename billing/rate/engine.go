package rate

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// engine rates one period. It lives on the stack of one call; its methods are
// called by name and not from a table, so that it stays there.
type engine struct {
	c *Charge
	v *tariff.Version
	u *Usage

	all       amount // of the period, with the transformer's loss
	at        int    // index of the component that is rated
	kind      tariff.ComponentKind
	banded    bool // some component is priced by bands
	shares    bool // some component takes a share
	exact     bool // the sum is rounded and not the line
	fen       bool // lines are rounded, to two decimals
	tierTaken bool // a component has moved the tier counter
}

// composed lets each component add its lines.
func (e *engine) composed() error {
	if err := e.measure(); err != nil {
		return err
	}
	for i := range e.v.Components {
		p := &e.v.Components[i]
		e.at, e.kind = i, p.Kind
		if err := e.component(p); err != nil {
			return fmt.Errorf("component %s: %w", p.Code, err)
		}
	}
	return nil
}

func (e *engine) component(p *tariff.Component) error {
	switch {
	case p.Kind == tariff.EnergyCharge && p.Energy != nil:
		return e.price(p.Energy)
	case p.Kind == tariff.LevyCharge && p.Levy != nil:
		return e.levy(p.Levy)
	case p.Kind == tariff.BasicCharge && p.Basic != nil:
		return e.basic(p.Basic)
	case p.Kind == tariff.FixedCharge && p.Fixed != nil:
		return e.fixed(p.Fixed)
	case p.Kind == tariff.FactorCharge && p.Factor != nil:
		return e.factor(p.Factor)
	case p.Kind == tariff.PercentCharge && p.Percent != nil:
		return e.percent(p.Percent)
	case p.Kind == tariff.TaxCharge && p.Percent != nil:
		return e.tax(p.Percent)
	}
	return fmt.Errorf("%w: kind %d without its price", ErrVersion, p.Kind)
}

// measure checks the version's size and makes the energy of the period, by band
// where a component asks for it, the transformer's loss included.
func (e *engine) measure() error {
	v, u := e.v, e.u
	if len(v.Components) == 0 || len(v.Components) > tariff.ComponentsMax || len(v.Bands) > tariff.BandsMax {
		return fmt.Errorf("%w: %d components, %d bands", ErrVersion, len(v.Components), len(v.Bands))
	}
	if v.Decimals < 0 || v.Decimals > billing.MoneyDecimals {
		return fmt.Errorf("%w: rounding place %d", ErrVersion, v.Decimals)
	}
	if u.To.Sub(u.From) > daysMax*24*time.Hour {
		return fmt.Errorf("%w: a period of more than %d days", ErrUsage, daysMax)
	}
	for i := range v.Components {
		if p := v.Components[i].Energy; p != nil {
			e.banded = e.banded || byBand(v, p)
			e.shares = e.shares || p.Share != nil
		}
	}
	if e.banded {
		e.all.bands = u.Bands
		if err := e.addUp(); err != nil {
			return err
		}
	}
	f := u.Facts
	if f == nil {
		return nil
	}
	if f.Days < 0 || f.Days > daysMax || f.Months < 0 || f.Months > daysMax*1e6 {
		return fmt.Errorf("%w: a period of %d days and %s months", ErrUsage, f.Days, f.Months)
	}
	return e.loss(f)
}

// addUp checks that the bands are the energy.
func (e *engine) addUp() error {
	left, bands := e.all.energy, len(e.v.Bands)
	for i, energy := range e.all.bands {
		if i >= bands {
			if energy != 0 {
				return fmt.Errorf("%w: energy in band %d, the version has %d", ErrUsage, i+1, bands)
			}
			continue
		}
		if uint64(energy) > uint64(left) { // below zero is far above
			return fmt.Errorf("%w: band %d is %s kWh, of %s that are left of the total", ErrUsage, i+1, energy, left)
		}
		left -= energy
	}
	if left != 0 {
		return fmt.Errorf("%w: the bands are %s kWh below the total of %s", ErrUsage, left, e.all.energy)
	}
	return nil
}

// loss adds what the transformer lost (B1.6), and moves the counter with it.
func (e *engine) loss(f *Facts) (err error) {
	join := func(band int, loss billing.Energy) {
		if loss < 0 {
			err = fmt.Errorf("%w: transformer loss below zero", ErrUsage)
		}
		if err != nil || loss == 0 {
			return
		}
		if e.banded {
			if band < 0 || band >= len(e.v.Bands) {
				err = fmt.Errorf("%w: transformer loss in band %d, the version has %d", ErrUsage, band+1, len(e.v.Bands))
				return
			}
			if e.all.bands[band], err = e.all.bands[band].Add(loss); err != nil {
				return
			}
		}
		if e.all.energy, err = e.all.energy.Add(loss); err == nil {
			e.c.CycleAfter, err = e.c.CycleAfter.Add(loss)
			e.c.Loss += loss // no more than the energy it is in
		}
	}
	join(e.v.Remainder, f.Loss)
	for band, loss := range f.LossBands {
		join(band, loss)
	}
	if err != nil {
		return fmt.Errorf("transformer loss: %w", err)
	}
	return nil
}

// kwh appends the line energy × price.
func (e *engine) kwh(p part, n int, energy billing.Energy, price billing.Price) error {
	c := e.c
	amount, ok := billing.MulFen(energy, price)
	if !ok || !e.fen || c.N >= linesInline {
		return e.add(p, n, billing.UnitKWh, billing.Quantity(energy), price, 0, 0)
	}
	// Nearly all lines are these. A literal would be made elsewhere and copied, which costs more than the rest of the line.
	l := &c.lines[c.N]
	c.N++
	l.Quantity, l.Price, l.Amount, l.Fine = billing.Quantity(energy), price, amount, 0
	l.Num, l.Den, l.Unit, l.Included, l.part, l.n = 0, 0, billing.UnitKWh, false, p, uint16(n)
	e.mark(l)
	return nil
}

// add appends the line for num/den of quantity × price; den 0 is all of it.
func (e *engine) add(p part, n int, unit billing.Unit, quantity billing.Quantity, price billing.Price, num, den int64) error {
	l, err := e.line(p, n, unit, quantity, price)
	if err != nil {
		return err
	}
	l.Num, l.Den = int32(num), int32(den)
	if den == 0 {
		num, den = 1, 1
	}
	switch {
	case e.exact:
		l.Amount, l.Fine, err = billing.MulExact(quantity, price, num, den)
	case den == 1:
		l.Amount, err = billing.MulRound(billing.Energy(quantity), price, e.v.Decimals)
	default:
		l.Amount, err = billing.MulPart(quantity, price, num, den, e.v.Decimals)
	}
	if err != nil {
		return misfit(l, err)
	}
	e.c.N++
	return nil
}

// line is the next line with everything but its amount, not yet counted.
func (e *engine) line(p part, n int, unit billing.Unit, quantity billing.Quantity, price billing.Price) (*Line, error) {
	l, err := e.c.next()
	if err != nil {
		return nil, err
	}
	*l = Line{part: p, n: uint16(n), Unit: unit, Quantity: quantity, Price: price}
	e.mark(l)
	return l, nil
}

// mark says of which component the line is.
func (e *engine) mark(l *Line) {
	l.by, l.at, l.Kind = e.c.By, uint8(e.at), e.kind
}

// misfit names the line whose amount cannot be told.
func misfit(l *Line, err error) error {
	return fmt.Errorf("line %s, %s %s × %s: %w", l.Code(), l.Quantity, l.Unit, l.Price, err)
}

// total adds the lines up. A version that rounds the sum rounds it here, once,
// and adds the taxes, which are round.
func (e *engine) total() error {
	var sum, taxes billing.Money
	var fine int64 // at most LinesMax times half a unit
	var err error
	items := e.c.Items()
	for i := range items {
		l := &items[i]
		switch {
		case l.Included:
		case e.exact && l.Kind == tariff.TaxCharge:
			taxes, err = taxes.Add(l.Amount)
		default:
			sum, err = sum.Add(l.Amount)
			fine += l.Fine
		}
		if err != nil {
			return fmt.Errorf("total at line %s: %w", l.Code(), err)
		}
	}
	if e.exact {
		if sum, err = billing.RoundAt(sum, fine, e.v.Decimals); err == nil {
			sum, err = sum.Add(taxes)
		}
		if err != nil {
			return fmt.Errorf("total: %w", err)
		}
	}
	e.c.Total = sum
	return nil
}
