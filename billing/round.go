package billing

import "math/bits"

// MulRound is the money for e at p, from the exact 128-bit product, rounded
// once, half away from zero (四舍五入), to place decimals of the currency: 2 is
// the fen. Errors are ErrOverflow and ErrPlace.
func MulRound(e Energy, p Price, place int) (Money, error) {
	if place < 0 || place > MoneyDecimals {
		return 0, ErrPlace
	}
	// mWh × 1e-8/kWh is 1e-14 of the currency; one divisor brings that to the
	// place, one factor brings the place back to the unit of Money.
	divisor := pow10[EnergyDecimals+PriceDecimals-place]
	hi, lo := bits.Mul64(magnitude(int64(e)), magnitude(int64(p)))
	if hi >= divisor {
		return 0, ErrOverflow
	}
	quotient, rest := bits.Div64(hi, lo, divisor)
	if rest >= divisor/2 { // every divisor is even
		quotient++
		if quotient == 0 {
			return 0, ErrOverflow
		}
	}
	hi, lo = bits.Mul64(quotient, pow10[MoneyDecimals-place])
	v, err := whole(hi, lo, (e < 0) != (p < 0))
	return Money(v), err
}

var pow10 = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
}
