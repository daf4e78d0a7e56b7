package modbusmap

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// ErrValue is wrapped by errors of Decode and Encode: registers that cannot hold the point.
var ErrValue = errors.New("registers do not hold the value")

// Decode is the value of the point, in units of 10^Exp. measured is false where the meter says that it has none: NaN or
// infinity, or all bits set in an unsigned register. A float is taken exactly as it stands in the register and rounded
// once, half away from zero.
func (p Point) Decode(words []uint16) (value int64, measured bool, err error) {
	if len(words) == 0 || len(words) != int(p.Words) || len(words) != p.Type.words() {
		return 0, false, fmt.Errorf("decode %04XH: %d registers: %w", p.Addr, len(words), ErrValue)
	}
	if p.Type.words() == 1 {
		if p.Type == S16 {
			return int64(int16(words[0])), true, nil
		}
		return int64(words[0]), words[0] != math.MaxUint16, nil
	}
	hi, lo := words[0], words[1]
	if p.Order == CDAB {
		hi, lo = lo, hi
	}
	v := uint32(hi)<<16 | uint32(lo)
	switch p.Type {
	case U32:
		return int64(v), v != math.MaxUint32, nil
	case S32:
		return int64(int32(v)), true, nil
	}
	value, measured, ok := fromFloat(v, int(p.Unit)-int(p.Exp))
	if !ok {
		return 0, false, fmt.Errorf("decode %04XH: float %08XH is too large: %w", p.Addr, v, ErrValue)
	}
	return value, measured, nil
}

func (t Type) words() int {
	switch t {
	case U16, S16:
		return 1
	case U32, S32, F32:
		return 2
	}
	return 0
}

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

// Encode is the registers a meter shows for value, in units of 10^Exp: the other side of Decode. A float keeps values
// below 2^23 exactly.
func (p Point) Encode(value int64) ([]uint16, error) {
	low, high := int64(0), int64(math.MaxUint16)-1 // all bits set means "not measured"
	switch p.Type {
	case S16:
		low, high = math.MinInt16, math.MaxInt16
	case U32:
		high = math.MaxUint32 - 1
	case S32:
		low, high = math.MinInt32, math.MaxInt32
	case F32:
		low, high = math.MinInt64, math.MaxInt64
	}
	if value < low || value > high || p.Words == 0 || p.Type.words() != int(p.Words) {
		return nil, fmt.Errorf("encode %d at %04XH: %w", value, p.Addr, ErrValue)
	}
	if p.Type.words() == 1 {
		return []uint16{uint16(value)}, nil
	}
	v := uint32(value)
	if p.Type == F32 { // the wire itself is a float here
		v = math.Float32bits(float32(float64(value) * math.Pow10(int(p.Exp)-int(p.Unit))))
	}
	words := []uint16{uint16(v >> 16), uint16(v)}
	if p.Order == CDAB {
		words[0], words[1] = words[1], words[0]
	}
	return words, nil
}
