package oracle

import (
	"math/big"
	"slices"

	"feikong/billing"
	"feikong/billing/tariff"
)

// table is one of (83)水电财字第215号, as printed: in 1/100 %, each row holds from its cosφ in hundredths down to the row below.
// A row's adjustment is at + step x (cos - from); steps below zero make it rise as cosφ falls.
type row struct{ from, at, step int64 }

var tables = map[int][]row{
	90: {{95, -75, 0}, {91, -15, -15}, {90, 0, 0}, {70, 1000, -50}, {65, 1500, -100}, {0, 1500 + 65*200, -200}},
	85: {{94, -110, 0}, {91, -65, -15}, {86, -10, -10}, {85, 0, 0}, {65, 1000, -50}, {60, 1500, -100}, {0, 1500 + 60*200, -200}},
	80: {{92, -130, 0}, {91, -115, 0}, {81, -10, -10}, {80, 0, 0}, {60, 1000, -50}, {55, 1500, -100}, {0, 1500 + 55*200, -200}},
}

// adjustment is the part of the base that is added, in 1e-6.
func adjustment(standard, cos int) int64 {
	for _, r := range tables[standard] {
		if int64(cos) >= r.from {
			return 100 * (r.at + r.step*(int64(cos)-r.from))
		}
	}
	panic("no such power factor") // cos is 0 to 100
}

// cosine is P/√(P²+Q²) to two decimals, half up, in hundredths: the largest c with P/√… >= (c - ½)/100, compared in squares.
func cosine(p, q *big.Int) int {
	if p.Sign() == 0 && q.Sign() == 0 {
		return 100
	}
	pp := times(p, p)
	left, all := times(pp, number(200*200)), plus(pp, times(q, q))
	for c := 100; c > 0; c-- {
		if left.Cmp(times(all, number((2*c-1)*(2*c-1)))) >= 0 {
			return c
		}
	}
	return 0
}

// factor is 力调电费 on energy and basic charge without the government funds in them.
func (s *sheet) factor(at int, f *tariff.Factor) {
	if !s.facts.ReactiveKnown {
		s.Wrong |= NoFacts
	}
	s.ToDate = s.ToDate || s.facts.ToDate
	active := number(s.facts.FactorEnergy)
	if s.facts.FactorEnergy == 0 {
		active = s.energy
	}
	abs := func(e billing.Energy) *big.Int { n := number(e); return n.Abs(n) }
	s.Cos = cosine(active, plus(abs(s.facts.Reactive), abs(s.facts.ReactiveBack)))

	lines := s.named(at, f.Of, func(c *tariff.Component) bool { return c.Kind == tariff.EnergyCharge || c.Kind == tariff.BasicCharge })
	lines = slices.DeleteFunc(lines, func(l *Line) bool {
		levy := s.v.Components[l.component].Levy
		return levy != nil && levy.Fund // charged apart, and still no base
	})
	funds := s.funds(at, f.Of)
	s.Funds = billing.Money(s.fit(funds))
	// Rounded first, as any base is; the funds are rounded of themselves.
	s.of(Line{component: at}, minus(atPlace(s.base(lines), s.v.Decimals), funds), number(adjustment(f.Standard, s.Cos)))
}

// funds is the government funds inside the energy charges of the base: by the levies that are included in prices, or else by the parts that
// a price was built of. kWh without a price carry none.
func (s *sheet) funds(at int, of []string) *big.Int {
	var inside []int
	rest := false
	for i := range s.v.Components[:at] {
		c := &s.v.Components[i]
		if c.Energy == nil || len(of) > 0 && !slices.Contains(of, c.Code) {
			continue
		}
		if c.Energy.Share == nil {
			if rest {
				continue // the same kWh once more
			}
			rest = true
		}
		inside = append(inside, i)
	}
	kWh, sum, told := new(big.Int), new(big.Int), false
	for _, i := range inside {
		kWh = plus(kWh, s.paid[i])
	}
	for i := range s.v.Components {
		if l := s.v.Components[i].Levy; l != nil && l.Fund && l.Included {
			sum, told = plus(sum, s.money(kWh, number(l.Price))), true
		}
	}
	for _, i := range inside {
		b := s.v.Components[i].Energy.Built
		if told || b == nil {
			continue
		}
		price := new(big.Int)
		for _, part := range slices.Concat(b.Floating, b.Fixed) {
			if part.Fund {
				price = plus(price, number(part.Price))
			}
		}
		sum = plus(sum, s.money(s.paid[i], price))
	}
	return sum
}

// money is kWh at a price, rounded at the place.
func (s *sheet) money(kWh, price *big.Int) *big.Int {
	return atPlace(times(kWh, price), s.v.Decimals)
}
