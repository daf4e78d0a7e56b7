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
	hi, lo := bits.Mul64(magnitude(int64(e)), magnitude(int64(p)))
	divisor := pow10[EnergyDecimals+PriceDecimals-place]
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

// MulFen is MulRound to two decimals where nothing is below zero and the result
// is below 92,233 of the currency: nearly every printed line. Elsewhere it is
// not ok, and MulRound tells. It is small enough to be part of its caller, and
// its divisor is constant.
func MulFen(e Energy, p Price) (m Money, ok bool) {
	hi, lo := bits.Mul64(uint64(e), uint64(p))
	return Money((lo + 5e11) / 1e12 * 100), e|Energy(p) >= 0 && hi == 0 && lo < 1<<63
}

// MulPart is the money for the part num/den of q at p, rounded once as MulRound
// does: a demand for 10/30 of the month. num is not below zero, den above it.
// Errors are ErrOverflow and ErrPlace.
func MulPart(q Quantity, p Price, num, den int64, place int) (Money, error) {
	if place < 0 || place > MoneyDecimals {
		return 0, ErrPlace
	}
	quotient, err := mulPart(q, p, num, den, pow10[QuantityDecimals+PriceDecimals-place])
	if err != nil {
		return 0, err
	}
	if quotient.hi != 0 {
		return 0, ErrOverflow
	}
	hi, lo := bits.Mul64(quotient.lo, pow10[MoneyDecimals-place])
	v, err := whole(hi, lo, (q < 0) != (p < 0))
	return Money(v), err
}

// MulExact is the part num/den of q at p as money and what rounding to the unit
// of Money left over, in 1e-14 of the currency: half a unit at most, either
// way. Only a part beyond 1e-14 is rounded, half away from zero.
func MulExact(q Quantity, p Price, num, den int64) (m Money, fine int64, err error) {
	exact, err := mulPart(q, p, num, den, 1)
	if err != nil {
		return 0, 0, err
	}
	if exact.hi >= fineUnit {
		return 0, 0, ErrOverflow
	}
	quotient, rest := bits.Div64(exact.hi, exact.lo, fineUnit)
	if fine = int64(rest); fine >= fineUnit/2 {
		if quotient++; quotient == 0 {
			return 0, 0, ErrOverflow
		}
		fine -= fineUnit
	}
	negative := (q < 0) != (p < 0)
	if negative {
		fine = -fine
	}
	v, err := whole(0, quotient, negative)
	return Money(v), fine, err
}

// fineUnit is one unit of Money in 1e-14 of the currency.
const fineUnit = 1e10

// RoundAt is m and fine, 1e-14 of the currency, together, rounded half away
// from zero to place decimals. fine is any sum of what MulExact left over.
// Errors are ErrOverflow and ErrPlace.
func RoundAt(m Money, fine int64, place int) (Money, error) {
	if place < 0 || place > MoneyDecimals {
		return 0, ErrPlace
	}
	unit := int64(pow10[MoneyDecimals-place])
	one := unit * fineUnit // a whole place, in 1e-14: at most 1e14
	places, carried := int64(m)/unit, int64(m)%unit*fineUnit
	carried, err := add(carried, fine)
	if err != nil {
		return 0, err
	}
	rest := carried % one
	if places, err = add(places, carried/one); err != nil {
		return 0, err
	}
	step := int64(0)
	switch negative := places < 0 || places == 0 && rest < 0; {
	case !negative && rest >= one/2 || negative && rest > one/2:
		step = 1
	case negative && rest <= -one/2 || !negative && rest < -one/2:
		step = -1
	}
	if places, err = add(places, step); err != nil {
		return 0, err
	}
	v, err := Energy(places).Times(unit)
	return Money(v), err
}

// Scale is n times factor, 1e-6 of one, rounded half away from zero: 105 % of a
// demand, a price times two. It reports ErrOverflow.
func Scale(n, factor int64) (int64, error) {
	quotient, err := mulPart(Quantity(n), Price(factor), 1, 1, 1e6)
	if err != nil {
		return 0, err
	}
	return whole(quotient.hi, quotient.lo, (n < 0) != (factor < 0))
}

type uint128 struct{ hi, lo uint64 }

// mulPart is |q × p × num / den / divisor|, rounded half up. The product has at
// most 190 bits; it is divided in two steps and both rests decide.
func mulPart(q Quantity, p Price, num, den int64, divisor uint64) (uint128, error) {
	if num < 0 || den <= 0 {
		return uint128{}, ErrOverflow
	}
	hi, lo := bits.Mul64(magnitude(int64(q)), magnitude(int64(p)))
	// × num: three words.
	mid, w0 := bits.Mul64(lo, uint64(num))
	w2, w1 := bits.Mul64(hi, uint64(num))
	w1, carry := bits.Add64(w1, mid, 0)
	w2 += carry
	w2, w1, w0, rest := div192(w2, w1, w0, divisor)
	w2, w1, w0, over := div192(w2, w1, w0, uint64(den))
	if w2 != 0 {
		return uint128{}, ErrOverflow
	}
	// (over × divisor + rest) / (den × divisor) is what was cut off.
	cutHi, cutLo := bits.Mul64(over, divisor)
	cutLo, carry = bits.Add64(cutLo, rest, 0)
	cutHi += carry
	wholeHi, wholeLo := bits.Mul64(uint64(den), divisor)
	// cut >= whole - cut is cut >= whole/2 without halving an odd number.
	leftLo, borrow := bits.Sub64(wholeLo, cutLo, 0)
	leftHi, _ := bits.Sub64(wholeHi, cutHi, borrow)
	if cutHi > leftHi || cutHi == leftHi && cutLo >= leftLo {
		w0, carry = bits.Add64(w0, 1, 0)
		if w1, carry = bits.Add64(w1, 0, carry); carry != 0 {
			return uint128{}, ErrOverflow
		}
	}
	return uint128{w1, w0}, nil
}

// div192 divides three words by one.
func div192(w2, w1, w0, by uint64) (q2, q1, q0, rest uint64) {
	q2, rest = w2/by, w2%by
	q1, rest = bits.Div64(rest, w1, by)
	q0, rest = bits.Div64(rest, w0, by)
	return q2, q1, q0, rest
}

var pow10 = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
}
