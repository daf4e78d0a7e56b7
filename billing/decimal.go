package billing

import (
	"fmt"
	"math"
)

// decimalMax bounds the text of one number: sign, 19 digits, point and room
// for leading zeros. Longer text is a mistake, not a number.
const decimalMax = 40

// parseDecimal reads "-12.34" as whole units of 10^-scale. It takes digits, an
// optional leading minus and one point between digits; no exponent, plus sign,
// blank or group separator, so that a number has one reading only.
func parseDecimal(s string, scale int) (int64, error) {
	if len(s) > decimalMax {
		return 0, fmt.Errorf("%w: %d characters", ErrSyntax, len(s))
	}
	rest, negative := s, false
	if rest != "" && rest[0] == '-' {
		rest, negative = rest[1:], true
	}
	var value uint64
	point := -1
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if c == '.' && point < 0 && i > 0 && i < len(rest)-1 {
			point = i
			continue
		}
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: %q", ErrSyntax, s)
		}
		if value > (math.MaxUint64-9)/10 {
			return 0, fmt.Errorf("%w: %q", ErrOverflow, s)
		}
		value = value*10 + uint64(c-'0')
	}
	if rest == "" {
		return 0, fmt.Errorf("%w: %q", ErrSyntax, s)
	}
	decimals := 0
	if point >= 0 {
		decimals = len(rest) - point - 1
	}
	if decimals > scale {
		return 0, fmt.Errorf("%w: %q has %d, the unit holds %d", ErrDecimals, s, decimals, scale)
	}
	for ; decimals < scale; decimals++ {
		if value > math.MaxUint64/10 {
			return 0, fmt.Errorf("%w: %q", ErrOverflow, s)
		}
		value *= 10
	}
	return signed(value, negative, s)
}

func signed(value uint64, negative bool, s string) (int64, error) {
	switch {
	case negative && value <= 1<<63:
		return -int64(value), nil // int64(1<<63) is MinInt64, its own negative
	case !negative && value <= math.MaxInt64:
		return int64(value), nil
	}
	return 0, fmt.Errorf("%w: %q", ErrOverflow, s)
}

// appendDecimal writes v, in units of 10^-scale, with at least least decimals;
// zeros after those are cut.
func appendDecimal(b []byte, v int64, scale, least int) []byte {
	u := magnitude(v)
	if v < 0 {
		b = append(b, '-')
	}
	var digits [24]byte
	n := len(digits)
	for i := 0; u > 0 || i <= scale; i++ {
		n--
		digits[n] = byte('0' + u%10)
		u /= 10
	}
	text := digits[n:]
	whole, fraction := text[:len(text)-scale], text[len(text)-scale:]
	for len(fraction) > least && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	b = append(b, whole...)
	if len(fraction) > 0 {
		b = append(b, '.')
		b = append(b, fraction...)
	}
	return b
}

// magnitude is |v|, right for MinInt64 too.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func add(a, b int64) (int64, error) {
	c := a + b
	if (c > a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return c, nil
}

func sub(a, b int64) (int64, error) {
	c := a - b
	if (c < a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return c, nil
}
