package rate

import (
	"fmt"
	"slices"

	"feikong/billing"
	"feikong/billing/tariff"
)

// base is the sum of the lines of the components in of, rounded at the version's
// place. Lines included in others are never in it.
func (e *engine) base(of []string) (billing.Money, error) {
	var sum billing.Money
	var fine int64
	var err error
	items := e.c.Items()
	for i := range items {
		l := &items[i]
		if l.Included || !e.named(of, l) {
			continue
		}
		if sum, err = sum.Add(l.Amount); err != nil {
			return 0, fmt.Errorf("base at line %s: %w", l.Code(), err)
		}
		fine += l.Fine
	}
	if !e.exact {
		return sum, nil
	}
	if sum, err = billing.RoundAt(sum, fine, e.v.Decimals); err != nil {
		return 0, fmt.Errorf("base: %w", err)
	}
	return sum, nil
}

// named reports whether the line belongs to a component of the list. An empty
// list names all; that of a power factor, energy and basic charges. Funds are
// not in the base of a power factor, even where they are charged apart and named.
func (e *engine) named(of []string, l *Line) bool {
	switch {
	case e.kind == tariff.FactorCharge && l.Kind == tariff.LevyCharge && e.v.Components[l.at].Levy.Fund:
		return false
	case len(of) > 0:
		return slices.Contains(of, l.Component())
	case e.kind == tariff.FactorCharge:
		return l.Kind == tariff.EnergyCharge || l.Kind == tariff.BasicCharge
	}
	return true
}

// percent adds a percentage of lines named.
func (e *engine) percent(p *tariff.Percent) error {
	base, err := e.base(p.Of)
	if err != nil {
		return err
	}
	return e.addRate(base, p.Rate)
}

// addRate appends the line for rate, 1e-6, on base.
func (e *engine) addRate(base billing.Money, rate int64) error {
	quantity, price, err := rated(base, rate)
	if err != nil {
		return err
	}
	return e.add(partNone, 0, billing.UnitMoney, quantity, price, 0, 0)
}

// rated is base as a quantity and rate as a price, so that their product is the
// amount as in every other line.
func rated(base billing.Money, rate int64) (billing.Quantity, billing.Price, error) {
	quantity, err := billing.Energy(base).Times(100)
	if err != nil {
		return 0, 0, fmt.Errorf("base %s: %w", base, err)
	}
	price, err := billing.Energy(rate).Times(100)
	if err != nil {
		return 0, 0, fmt.Errorf("rate of %s: %w", base, err)
	}
	return billing.Quantity(quantity), billing.Price(price), nil
}

// tax adds VAT (增值税) on the rounded sum of the lines named, or on each of them.
// Its amount is rounded at the version's place wherever the version rounds.
func (e *engine) tax(p *tariff.Percent) error {
	base, err := e.base(p.Of)
	if err != nil {
		return err
	}
	amount, err := e.taxOf(base, p.Rate)
	if err != nil {
		return err
	}
	if p.ByLine {
		amount = 0
		items := e.c.Items()
		for i := range items {
			l := &items[i]
			if l.Included || !e.named(p.Of, l) {
				continue
			}
			round, err := billing.RoundAt(l.Amount, l.Fine, e.v.Decimals)
			if err != nil {
				return misfit(l, err)
			}
			part, err := e.taxOf(round, p.Rate)
			if err == nil {
				amount, err = amount.Add(part)
			}
			if err != nil {
				return misfit(l, err)
			}
		}
	}
	quantity, price, err := rated(base, p.Rate)
	if err != nil {
		return err
	}
	l, err := e.line(partNone, 0, billing.UnitMoney, quantity, price)
	if err != nil {
		return err
	}
	l.Amount = amount
	e.c.N++
	return nil
}

func (e *engine) taxOf(base billing.Money, rate int64) (billing.Money, error) {
	quantity, price, err := rated(base, rate)
	if err != nil {
		return 0, err
	}
	return billing.MulRound(billing.Energy(quantity), price, e.v.Decimals)
}
