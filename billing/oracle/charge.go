package oracle

import (
	"fmt"
	"math/big"
	"slices"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// Wrong is a set of reasons for which a period has no price.
type Wrong uint8

// Reasons. A period may have several; which of them an engine names first is its own affair.
const (
	Overflow Wrong = 1 << iota // a number that a bill prints is beyond int64
	BadUsage                   // bands that do not add up
	NoFacts                    // the tariff charges for what is not told
	Crossed                    // the period goes past the end of a tier cycle
	LongBill                   // more lines than a charge holds
	Strained                   // a sum on the way is beyond int64, though its end is not: an engine may give up, or go on
)

// Line is one line of a charge, as a bill prints it. The numbers that do not fit are cut, and then the charge is Wrong.
type Line struct {
	Code     string
	Unit     billing.Unit
	Quantity billing.Quantity
	Num, Den int64 // the part of the quantity that is charged, in lowest terms
	Price    billing.Price
	Amount   billing.Money
	Fine     int64 // 1e-14 of the currency that Amount leaves out
	Included bool

	component int
	tax       bool
	exact     *big.Int // 1e-14 of the currency, as far as the version rounds the line
	amount    *big.Int
}

// Charge is what a period costs.
type Charge struct {
	Lines      []Line
	Total      billing.Money
	CycleAfter billing.Energy
	Tier       int
	Cos        int
	Funds      billing.Money
	ToDate     bool           // demand or power factor may still change
	Loss       billing.Energy // of the transformer, in the energy
	Wrong      Wrong
}

// String has a line for each line, for a failed test.
func (c *Charge) String() string {
	s := ""
	for i := range c.Lines {
		l := &c.Lines[i]
		s += fmt.Sprintf("  %s %s x %d/%d %s x %s = %s fine %d included %v\n", l.Code, l.Quantity, l.Num, l.Den, l.Unit, l.Price, l.Amount, l.Fine, l.Included)
	}
	return s + fmt.Sprintf("  total %s counter %s tier %d cos %d funds %s wrong %b\n", c.Total, c.CycleAfter, c.Tier, c.Cos, c.Funds, c.Wrong)
}

// sheet is a charge being made.
type sheet struct {
	Charge
	v     *tariff.Version
	u     *rate.Usage
	facts rate.Facts

	energy  *big.Int     // mWh of the period, loss included
	taken   []*big.Int   // by component: mWh that an energy component has
	paid    []*big.Int   // by component: of them those that are not free
	banded  [][]*big.Int // by component: taken by band
	counter *big.Int     // after the period
	from    [3]int       // local date of the first day
	to      [3]int       // and of the day after the last
}

// Price is what u costs by v, a version that Parse has made.
func Price(v *tariff.Version, u *rate.Usage) Charge {
	s := &sheet{v: v, u: u}
	if u.Facts != nil {
		s.facts = *u.Facts
	}
	s.dates()
	if s.crosses() {
		s.Wrong |= Crossed
	}
	switch v.Kind {
	case tariff.Flat, tariff.Tiered:
		s.alone()
	default:
		s.composed()
	}
	s.add()
	if len(s.Lines) > rate.LinesMax {
		s.Wrong |= LongBill
	}
	s.CycleAfter = billing.Energy(s.fit(s.counter))
	return s.Charge
}

// composed goes through the components in the order of print.
func (s *sheet) composed() {
	s.divide()
	for i := range s.v.Components {
		c := &s.v.Components[i]
		switch c.Kind {
		case tariff.EnergyCharge:
			s.energyCharge(i, c)
		case tariff.LevyCharge:
			s.put(Line{Included: c.Levy.Included, component: i}, "", s.energy, number(c.Levy.Price))
		case tariff.BasicCharge:
			s.basic(i, c.Basic)
		case tariff.FixedCharge:
			s.fixed(i, c.Fixed)
		case tariff.FactorCharge:
			s.factor(i, c.Factor)
		case tariff.PercentCharge:
			s.percent(i, c.Percent)
		case tariff.TaxCharge:
			s.tax(i, c.Percent)
		}
	}
	if s.counter == nil {
		s.counter = plus(number(s.u.CycleBefore), s.energy)
	}
}

// put adds a line of a quantity in 1e-6 at a price in 1e-8.
func (s *sheet) put(l Line, part string, quantity, price *big.Int) *Line {
	if l.Den == 0 {
		l.Num, l.Den = 1, 1
	}
	product, place := times(times(quantity, price), number(l.Num)), s.v.Decimals
	if s.v.Rounding == tariff.RoundLine || l.tax {
		l.amount = times(round(product, times(number(l.Den), powers[exactDecimals-place])), powers[moneyDecimals-place])
		l.exact = times(l.amount, powers[exactDecimals-moneyDecimals])
	} else {
		l.exact = round(product, number(l.Den))
		l.amount = round(l.exact, powers[exactDecimals-moneyDecimals])
	}
	l.Code = part
	if s.v.Kind == tariff.Composed {
		l.Code = s.v.Components[l.component].Code
		if part != "" {
			l.Code += "." + part
		}
	}
	l.Quantity, l.Price = billing.Quantity(s.fit(quantity)), billing.Price(s.fit(price))
	s.Lines = append(s.Lines, l)
	return s.settle(&s.Lines[len(s.Lines)-1])
}

// settle writes the amount of a line from its exact numbers.
func (s *sheet) settle(l *Line) *Line {
	l.Amount = billing.Money(s.fit(l.amount))
	l.Fine = minus(l.exact, times(l.amount, powers[exactDecimals-moneyDecimals])).Int64()
	return l
}

// fit is n as the int64 that a bill prints.
func (s *sheet) fit(n *big.Int) int64 {
	if !n.IsInt64() {
		s.Wrong |= Overflow
	}
	return n.Int64()
}

// way looks at a sum on the way.
func (s *sheet) way(exact *big.Int) {
	if !round(exact, powers[exactDecimals-moneyDecimals]).IsInt64() {
		s.Wrong |= Strained
	}
}

// add is the total: the lines, rounded each or as one sum, and the taxes.
func (s *sheet) add() {
	sum, taxes := new(big.Int), new(big.Int)
	for i := range s.Lines {
		l := &s.Lines[i]
		switch {
		case l.Included:
			continue
		case l.tax:
			taxes.Add(taxes, l.amount)
		default:
			sum.Add(sum, l.exact)
		}
		s.way(plus(sum, times(taxes, powers[exactDecimals-moneyDecimals])))
		s.way(sum)
	}
	s.Total = billing.Money(s.fit(plus(atPlace(sum, s.v.Decimals), taxes)))
}

// named are the lines of the components in of, or of all above component at; lines that are inside others are in no base.
func (s *sheet) named(at int, of []string, otherwise func(*tariff.Component) bool) (lines []*Line) {
	for i := range s.Lines {
		l := &s.Lines[i]
		c := &s.v.Components[l.component]
		if l.Included || l.component >= at || len(of) > 0 && !slices.Contains(of, c.Code) || len(of) == 0 && !otherwise(c) {
			continue
		}
		lines = append(lines, l)
	}
	return lines
}

// base is the exact sum of lines.
func (s *sheet) base(lines []*Line) *big.Int {
	sum := new(big.Int)
	for _, l := range lines {
		sum.Add(sum, l.exact)
		s.way(sum)
	}
	return sum
}
