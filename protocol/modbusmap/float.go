package modbusmap

import (
	"math"
	"math/big"
	"math/bits"
)

var pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// fromFloat is the IEEE 754 single b times 10^k (k from -9 to 9), rounded half away from zero, in integers only, so that
// every machine gives the same energy. ok is false when it does not fit an int64.
func fromFloat(b uint32, k int) (value int64, measured, ok bool) {
	exp := int(b>>23) & 0xFF
	mant := uint64(b & (1<<23 - 1))
	switch {
	case exp == 0xFF:
		return 0, false, true // NaN, infinity
	case exp == 0:
		exp = 1 // denormal
	default:
		mant |= 1 << 23
	}
	exp -= 127 + 23 // the number is mant x 2^exp
	if k < -9 || k > 9 {
		return 0, false, false
	}
	den := uint64(1)
	if k >= 0 {
		mant *= pow10[k] // 24 + 30 bits
	} else {
		den = pow10[-k]
	}
	switch {
	case exp >= 0:
		if bits.Len64(mant)+exp > 63 {
			return 0, false, false
		}
		mant <<= exp
	case exp < -60: // mant below 2^54, so far below one half
		mant = 0
	case k >= 0:
		den = 1 << -exp
	case exp <= -26: // mant below 2^24, so below a quarter before the division by ten or more
		mant = 0
	default:
		den <<= -exp // 30 + 25 bits
	}
	n := mant / den
	if rest := mant % den; rest >= den-rest {
		n++
	}
	value = int64(n)
	if b>>31 != 0 {
		value = -value
	}
	return value, true, true
}

// fromDouble is fromFloat for an IEEE 754 double. Few meters have them, so big numbers may do the work.
func fromDouble(b uint64, k int) (value int64, measured, ok bool) {
	f := math.Float64frombits(b)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false, true
	}
	if k < -9 || k > 9 {
		return 0, false, false
	}
	x := new(big.Rat).SetFloat64(f)
	x.Mul(x, scale(k))
	half := big.NewRat(1, 2)
	if x.Sign() < 0 {
		half.Neg(half)
	}
	x.Add(x, half)
	n := new(big.Int).Quo(x.Num(), x.Denom())
	if !n.IsInt64() {
		return 0, false, false
	}
	return n.Int64(), true, true
}

func scale(k int) *big.Rat {
	r := new(big.Rat).SetInt(new(big.Int).SetUint64(pow10[max(k, -k)]))
	if k < 0 {
		r.Inv(r)
	}
	return r
}
