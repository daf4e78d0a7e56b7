package oracle

import (
	"math/big"

	"feikong/billing"
	"feikong/billing/tariff"
)

func every(*tariff.Component) bool { return true }

// of puts a line that takes a rate in 1e-6 of a base in 1/10,000 of the currency.
func (s *sheet) of(l Line, base, rate *big.Int) *Line {
	l.Unit = billing.UnitMoney
	return s.put(l, "", times(base, powers[2]), times(rate, powers[2]))
}

// percent is a rate on the sum of lines, which is rounded before it is printed as the base.
func (s *sheet) percent(at int, p *tariff.Percent) {
	s.of(Line{component: at}, atPlace(s.base(s.named(at, p.Of, every)), s.v.Decimals), number(p.Rate))
}

// tax rounds at the place of the version always: on the rounded sum, or line by line.
func (s *sheet) tax(at int, p *tariff.Percent) {
	lines := s.named(at, p.Of, every)
	if !p.ByLine {
		s.of(Line{component: at, tax: true}, atPlace(s.base(lines), s.v.Decimals), number(p.Rate))
		return
	}
	base, sum := new(big.Int), new(big.Int)
	for _, l := range lines {
		rounded := atPlace(l.exact, s.v.Decimals)
		base.Add(base, rounded)
		s.way(times(rounded, powers[exactDecimals-moneyDecimals+2])) // a base in 1e-6, were it printed
		// 1e-4 of the line at 1e-6 is 1e-10 of the currency.
		sum.Add(sum, atPlace(times(times(rounded, number(p.Rate)), powers[exactDecimals-moneyDecimals-6]), s.v.Decimals))
		s.way(times(base, powers[exactDecimals-moneyDecimals]))
		s.way(times(sum, powers[exactDecimals-moneyDecimals]))
	}
	l := s.of(Line{component: at, tax: true}, base, number(p.Rate))
	l.amount, l.exact = sum, times(sum, powers[exactDecimals-moneyDecimals])
	s.settle(l)
}
