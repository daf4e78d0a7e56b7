package oracle

import (
	"math/big"
	"sort"
)

// Scales of the exact numbers: money of a line is held in 1e-14 of the currency, what a quantity in 1e-6 times a price in 1e-8 gives.
const (
	moneyDecimals = 4
	exactDecimals = 14
)

// powers of ten up to 1e28, read only.
var powers = func() (p [29]*big.Int) {
	p[0] = big.NewInt(1)
	for i := range p[1:] {
		p[i+1] = new(big.Int).Mul(p[i], big.NewInt(10))
	}
	return p
}()

var one6 = powers[6]

func number[N ~int64 | ~int | ~int32](n N) *big.Int { return big.NewInt(int64(n)) }

func plus(a, b *big.Int) *big.Int  { return new(big.Int).Add(a, b) }
func minus(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }
func times(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }

// floor is a/b cut, of numbers that are not negative.
func floor(a, b *big.Int) *big.Int { return new(big.Int).Quo(a, b) }

// round is a/b to the nearest whole number, half away from zero 四舍五入. b is above zero.
func round(a, b *big.Int) *big.Int {
	twice := new(big.Int).Abs(a)
	twice.Lsh(twice, 1).Add(twice, b)
	twice.Quo(twice, new(big.Int).Lsh(b, 1))
	if a.Sign() < 0 {
		twice.Neg(twice)
	}
	return twice
}

func lower(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func higher(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

// atPlace rounds an exact sum of money to decimals, and gives it in 1/10,000.
func atPlace(exact *big.Int, decimals int) *big.Int {
	return times(round(exact, powers[exactDecimals-decimals]), powers[moneyDecimals-decimals])
}

func total(list []*big.Int) *big.Int {
	sum := new(big.Int)
	for _, n := range list {
		sum.Add(sum, n)
	}
	return sum
}

// share gives each of weights its part of amount; the last units go to the largest remainders, among equal ones to the first.
func share(amount *big.Int, weights []*big.Int) []*big.Int {
	parts, rests, order := make([]*big.Int, len(weights)), make([]*big.Int, len(weights)), make([]int, len(weights))
	all, given := total(weights), new(big.Int)
	for i, w := range weights {
		parts[i], rests[i], order[i] = new(big.Int), new(big.Int), i
		if all.Sign() > 0 {
			parts[i].QuoRem(times(amount, w), all, rests[i])
		}
		given.Add(given, parts[i])
	}
	if all.Sign() == 0 {
		return parts
	}
	sort.SliceStable(order, func(a, b int) bool { return rests[order[a]].Cmp(rests[order[b]]) > 0 })
	// Bands that do not add up to the energy leave more over than they are; then no price is by band.
	for i := 0; given.Cmp(amount) < 0 && i < len(order); i++ {
		parts[order[i]].Add(parts[order[i]], powers[0])
		given.Add(given, powers[0])
	}
	return parts
}
