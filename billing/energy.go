package billing

import (
	"math/bits"
	"time"
)

// Energy (电量) is an amount of energy, or the value of a register, in mWh:
// 1 kWh is 1,000,000.
type Energy int64

// EnergyDecimals is the number of decimals of a kWh that an Energy holds.
const EnergyDecimals = 6

// KWh is one kilowatt-hour (一度电).
const KWh Energy = 1_000_000

// ParseEnergy reads kWh as decimal text, at most six decimals. Errors wrap
// ErrSyntax, ErrDecimals or ErrOverflow.
func ParseEnergy(s string) (Energy, error) {
	v, err := parseDecimal(s, EnergyDecimals)
	return Energy(v), err
}

// String is the kWh as decimal text without needless zeros: "2430", "0.01".
func (e Energy) String() string { return string(appendDecimal(nil, int64(e), EnergyDecimals, 0)) }

// Add is e + f, or ErrOverflow.
func (e Energy) Add(f Energy) (Energy, error) {
	v, err := add(int64(e), int64(f))
	return Energy(v), err
}

// Sub is e - f, or ErrOverflow.
func (e Energy) Sub(f Energy) (Energy, error) {
	v, err := sub(int64(e), int64(f))
	return Energy(v), err
}

// Times is e × n, as for the multiplier of current and voltage transformers
// (倍率), or ErrOverflow.
func (e Energy) Times(n int64) (Energy, error) {
	hi, lo := bits.Mul64(magnitude(int64(e)), magnitude(n))
	v, err := whole(hi, lo, (e < 0) != (n < 0))
	return Energy(v), err
}

// Over is the energy that a steady perHour gives in d, cut to the mWh. A
// negative rate or time gives 0: nothing can have been drawn.
func (perHour Energy) Over(d time.Duration) (Energy, error) {
	if perHour <= 0 || d <= 0 {
		return 0, nil
	}
	hi, lo := bits.Mul64(uint64(perHour), uint64(d))
	if hi >= uint64(time.Hour) {
		return 0, ErrOverflow
	}
	quotient, _ := bits.Div64(hi, lo, uint64(time.Hour))
	v, err := whole(0, quotient, false)
	return Energy(v), err
}

// MarshalText writes String, so JSON and YAML carry energy as kWh text.
func (e Energy) MarshalText() ([]byte, error) {
	return appendDecimal(nil, int64(e), EnergyDecimals, 0), nil
}

// UnmarshalText reads what ParseEnergy reads.
func (e *Energy) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEnergy(string(text))
	return err
}

// whole makes an int64 of a 128-bit magnitude, or ErrOverflow.
func whole(hi, lo uint64, negative bool) (int64, error) {
	switch {
	case hi != 0:
	case negative && lo <= 1<<63:
		return -int64(lo), nil
	case !negative && lo < 1<<63:
		return int64(lo), nil
	}
	return 0, ErrOverflow
}
