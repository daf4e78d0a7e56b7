package rate

import (
	"fmt"
	"math/bits"
	"slices"

	"feikong/billing"
	"feikong/billing/tariff"
)

// step is a stretch of a printed table: from the power factor From, in
// hundredths, downward, the rate begins at At and grows by Each for every
// hundredth below From. Rates are in 1e-6; a reward is below zero.
type step struct {
	From     int
	At, Each int64
}

// tables of (83)水电财字第215号, by standard. Each stretch holds down to the one
// after it.
var (
	table90 = []step{{100, -7_500, 0}, {95, -7_500, 1_500}, {90, 0, 5_000}, {70, 100_000, 10_000}, {65, 150_000, 20_000}}
	table85 = []step{{100, -11_000, 0}, {94, -11_000, 1_500}, {90, -5_000, 1_000}, {85, 0, 5_000}, {65, 100_000, 10_000}, {60, 150_000, 20_000}}
	table80 = []step{{100, -13_000, 0}, {92, -13_000, 1_500}, {90, -10_000, 1_000}, {80, 0, 5_000}, {60, 100_000, 10_000}, {55, 150_000, 20_000}}
)

// adjustment is the rate, 1e-6, for the power factor cos, in hundredths.
func adjustment(standard, cos int) (int64, bool) {
	var table []step
	switch standard {
	case 90:
		table = table90
	case 85:
		table = table85
	case 80:
		table = table80
	default:
		return 0, false
	}
	i := len(table) - 1
	for cos > table[i].From {
		i--
	}
	return table[i].At + int64(table[i].From-cos)*table[i].Each, true
}

// factor adds the power-factor adjustment (力调电费) on basic and energy charge
// without government funds.
func (e *engine) factor(f *tariff.Factor) error {
	facts := e.u.Facts
	if facts == nil || !facts.ReactiveKnown {
		return fmt.Errorf("%w: the reactive energy", ErrFacts)
	}
	active := facts.FactorEnergy
	if active == 0 {
		active = e.all.energy
	}
	cos, err := cosine(active, facts.Reactive, facts.ReactiveBack)
	if err != nil {
		return err
	}
	rate, known := adjustment(f.Standard, cos)
	if !known {
		return fmt.Errorf("%w: no table for the standard 0.%d", ErrVersion, f.Standard)
	}
	base, err := e.base(f.Of)
	if err != nil {
		return err
	}
	funds, err := e.funds(f)
	if err != nil {
		return err
	}
	if base, err = base.Sub(funds); err != nil {
		return fmt.Errorf("base without funds: %w", err)
	}
	if err := e.addRate(base, rate); err != nil {
		return err
	}
	e.c.Cos, e.c.Funds, e.c.ToDate = cos, funds, e.c.ToDate || facts.ToDate
	return nil
}

// cosine is the power factor of the period in hundredths, half up, exactly:
// P/√(P²+Q²), Q what was taken and what was sent back. Nothing at all gives 1.00.
func cosine(active, taken, back billing.Energy) (int, error) {
	if active < 0 {
		return 0, fmt.Errorf("%w: active energy of the power factor below zero", ErrUsage)
	}
	p, q := uint64(active), magnitude(taken)+magnitude(back)
	if q < magnitude(back) {
		return 0, fmt.Errorf("reactive energy: %w", billing.ErrOverflow)
	}
	if p == 0 && q == 0 {
		return 100, nil
	}
	// The largest c with P/√(P²+Q²) >= (c-½)/100, that is with
	// P²·(40000-k²) >= Q²·k² for k = 2c-1.
	low, high := 0, 100
	for low < high {
		c := (low + high + 1) / 2
		k := uint64(2*c - 1)
		if notLess(p, 40_000-k*k, q, k*k) {
			low = c
		} else {
			high = c - 1
		}
	}
	return low, nil
}

func magnitude(e billing.Energy) uint64 {
	if e < 0 {
		return -uint64(e)
	}
	return uint64(e)
}

// notLess is a²·m >= b²·n, in three words.
func notLess(a, m, b, n uint64) bool {
	a2, a1, a0 := squareTimes(a, m)
	b2, b1, b0 := squareTimes(b, n)
	switch {
	case a2 != b2:
		return a2 > b2
	case a1 != b1:
		return a1 > b1
	}
	return a0 >= b0
}

func squareTimes(a, m uint64) (w2, w1, w0 uint64) {
	hi, lo := bits.Mul64(a, a)
	mid, w0 := bits.Mul64(lo, m)
	w2, w1 = bits.Mul64(hi, m)
	w1, carry := bits.Add64(w1, mid, 0)
	return w2 + carry, w1, w0
}

// less is a·b < c·d, exactly, for factors not below zero.
func less(a, b, c, d int64) bool {
	h1, l1 := bits.Mul64(uint64(a), uint64(b))
	h2, l2 := bits.Mul64(uint64(c), uint64(d))
	return h1 < h2 || h1 == h2 && l1 < l2
}

// funds is the government funds inside the base (政府性基金): levies that the
// printed prices include, or the funds among the parts that a price is built of.
func (e *engine) funds(f *tariff.Factor) (funds billing.Money, err error) {
	levied := false
	for i := range e.v.Components {
		levied = levied || isFund(&e.v.Components[i])
	}
	var all billing.Energy // priced by the base, the shares' rest counted once
	rest := false
	add := func(energy billing.Energy, price billing.Price) error {
		part, err := billing.MulRound(energy, price, e.v.Decimals)
		if err == nil {
			funds, err = funds.Add(part)
		}
		if err != nil {
			return fmt.Errorf("funds of %s kWh × %s: %w", energy, price, err)
		}
		return nil
	}
	own := e.at
	defer func() { e.at = own }()
	for i := range e.v.Components {
		p := &e.v.Components[i]
		if p.Energy == nil || i > own || len(f.Of) > 0 && !slices.Contains(f.Of, p.Code) {
			continue
		}
		e.at = i
		a, err := e.own()
		if err != nil {
			return 0, err
		}
		// Free energy has no price, and so no funds in it.
		free, err := e.free(p.Energy.Free, a.energy)
		if err != nil {
			return 0, err
		}
		a.energy -= free
		if p.Energy.Share != nil || !rest {
			all += a.energy // at most the period's
		}
		rest = rest || p.Energy.Share == nil
		if levied || p.Energy.Built == nil {
			continue
		}
		price, err := fundsOf(p.Energy.Built)
		if err != nil {
			return 0, err
		}
		if err := add(a.energy, price); err != nil {
			return 0, err
		}
	}
	for i := range e.v.Components {
		if p := &e.v.Components[i]; isFund(p) {
			if err := add(all, p.Levy.Price); err != nil {
				return 0, err
			}
		}
	}
	return funds, nil
}

// isFund reports a fund that the energy prices include.
func isFund(p *tariff.Component) bool { return p.Levy != nil && p.Levy.Included && p.Levy.Fund }

// fundsOf is the price of the funds among the fixed parts of a built price.
func fundsOf(b *tariff.Built) (sum billing.Price, err error) {
	for i := range b.Fixed {
		if !b.Fixed[i].Fund {
			continue
		}
		if sum, err = sum.Add(b.Fixed[i].Price); err != nil {
			return 0, fmt.Errorf("funds of a built price: %w", err)
		}
	}
	return sum, nil
}
