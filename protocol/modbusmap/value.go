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
// infinity, all bits set in an unsigned register, or one of the point's Missing. A float is taken exactly as it stands in
// the register and rounded once, half away from zero.
func (p Point) Decode(words []uint16) (value int64, measured bool, err error) {
	if len(words) == 0 || len(words) != int(p.Words) || len(words) != p.Type.words() {
		return 0, false, fmt.Errorf("decode %04XH: %d registers: %w", p.Addr, len(words), ErrValue)
	}
	raw := p.Order.raw(words)
	measured = !p.missing(raw)
	switch p.Type {
	case U16, U32:
		return int64(raw), measured, nil
	case S16:
		return int64(int16(raw)), measured, nil
	case S32:
		return int64(int32(raw)), measured, nil
	case S64:
		return int64(raw), measured, nil
	case U64:
		if measured && raw > math.MaxInt64 {
			return 0, false, fmt.Errorf("decode %04XH: %d is too large: %w", p.Addr, raw, ErrValue)
		}
		return int64(raw), measured, nil
	}
	if !measured {
		return 0, false, nil
	}
	decode := fromDouble
	if p.Type == F32 {
		decode = func(b uint64, k int) (int64, bool, bool) { return fromFloat(uint32(b), k) }
	}
	value, measured, ok := decode(raw, int(p.Unit)-int(p.Exp))
	if !ok {
		return 0, false, fmt.Errorf("decode %04XH: float %XH is too large: %w", p.Addr, raw, ErrValue)
	}
	return value, measured, nil
}

// missing says whether raw is a mark of "not measured".
func (p Point) missing(raw uint64) bool {
	switch p.Type {
	case U16, U32, U64:
		if raw == math.MaxUint64>>(64-16*p.Type.words()) {
			return true
		}
	}
	for _, m := range p.Missing {
		if raw == m {
			return true
		}
	}
	return false
}

// raw is the registers as one number, in the order of the wire.
func (o WordOrder) raw(words []uint16) (v uint64) {
	for i := range words {
		w := words[i]
		if o == CDAB || o == DCBA {
			w = words[len(words)-1-i]
		}
		if o == BADC || o == DCBA {
			w = bits.ReverseBytes16(w)
		}
		v = v<<16 | uint64(w)
	}
	return v
}

// registers is the other side of raw.
func (o WordOrder) registers(v uint64, n int) []uint16 {
	words := make([]uint16, n)
	for i := range words {
		w := uint16(v >> (16 * (n - 1 - i)))
		if o == BADC || o == DCBA {
			w = bits.ReverseBytes16(w)
		}
		if o == CDAB || o == DCBA {
			words[n-1-i] = w
		} else {
			words[i] = w
		}
	}
	return words
}

// words is how many registers a value of the type takes; 0 for a type that does not exist.
func (t Type) words() int {
	switch t {
	case U16, S16:
		return 1
	case U32, S32, F32:
		return 2
	case U64, S64, F64:
		return 4
	}
	return 0
}

func (t Type) float() bool { return t == F32 || t == F64 }

// Encode is the registers a meter shows for value, in units of 10^Exp: the other side of Decode. A float keeps values
// below 2^23 (F64: 2^52) exactly. A value that would read as "not measured" is refused.
func (p Point) Encode(value int64) ([]uint16, error) {
	n := p.Type.words()
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	switch p.Type {
	case U16, U32, U64:
		low = 0
		if n < 4 {
			high = 1<<(16*n) - 1
		}
	case S16, S32:
		low, high = -1<<(16*n-1), 1<<(16*n-1)-1
	}
	if n == 0 || n != int(p.Words) || value < low || value > high {
		return nil, fmt.Errorf("encode %d at %04XH: %w", value, p.Addr, ErrValue)
	}
	raw := uint64(value)
	switch p.Type { // the wire itself is a float here
	case F32:
		raw = uint64(math.Float32bits(float32(float64(value) * math.Pow10(int(p.Exp)-int(p.Unit)))))
	case F64:
		raw = math.Float64bits(float64(value) * math.Pow10(int(p.Exp)-int(p.Unit)))
	}
	if n < 4 {
		raw &= 1<<(16*n) - 1
	}
	if p.missing(raw) {
		return nil, fmt.Errorf("encode %d at %04XH: it means not measured: %w", value, p.Addr, ErrValue)
	}
	return p.Order.registers(raw, n), nil
}

// Times multiplies value by the ratios that lie between the register and the primary side, each given as what its own
// point decoded. The result is in units of 10^exp, exact; ok is false when it does not fit, when a ratio is not above
// zero, or when the model names no register for it.
func (m Model) Times(p Point, value, pt, ct int64) (primary int64, exp int8, ok bool) {
	primary, exp = value, p.Exp
	for _, r := range []struct {
		need  bool
		point *Point
		ratio int64
	}{{p.Ratio&RatioPT != 0, m.PT, pt}, {p.Ratio&RatioCT != 0, m.CT, ct}} {
		if !r.need {
			continue
		}
		if r.point == nil || r.ratio <= 0 {
			return 0, 0, false
		}
		hi, lo := bits.Mul64(magnitude(primary), uint64(r.ratio))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, 0, false
		}
		if primary < 0 {
			lo = -lo
		}
		primary, exp = int64(lo), exp+r.point.Exp
	}
	return primary, exp, true
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
