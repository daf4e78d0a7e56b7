package field

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Number is a decimal as a display shows it: Value x 10^Exp, exact, Exp from -6 to 0. In JSON it is a string, "1234.56",
// because a JSON number is a float to most readers. Digits that the display shows are kept: "5.00" stays "5.00".
type Number struct {
	Value int64
	Exp   int8
}

// Bounds of a number: more digits than any register has are a slip of the hand.
const (
	wholeMax    = 12
	fractionMax = 6
)

var errNumber = errors.New("not a number such as 1234.56")

// ParseNumber reads what a person typed: digits and a point. A comma is refused, because to some it is the point.
func ParseNumber(s string) (n Number, err error) {
	whole, fraction, dotted := strings.Cut(s, ".")
	if whole == "" || dotted && fraction == "" || len(whole) > wholeMax || len(fraction) > fractionMax {
		return n, tell(errNumber, "%q 不是示数：应如 1234.56，小数点前至多 %d 位、后至多 %d 位", "%q is not a number such as 1234.56, with at most %d digits before the point and %d behind it", s, wholeMax, fractionMax)
	}
	for _, r := range whole + fraction {
		if r < '0' || r > '9' {
			return n, notNumber(s)
		}
	}
	v, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return n, notNumber(s)
	}
	return Number{v, -int8(len(fraction))}, nil
}

func notNumber(s string) error {
	return tell(errNumber, "%q 不是示数：应如 1234.56，只有数字和小数点", "%q is not a number such as 1234.56, digits and a point", s)
}

// String is the number with all digits behind the point that it has.
func (n Number) String() string {
	if n.Exp >= 0 {
		return strconv.FormatInt(n.Value, 10)
	}
	digits := fmt.Sprintf("%0*d", 1-int(n.Exp), n.Value)
	at := len(digits) + int(n.Exp)
	return digits[:at] + "." + digits[at:]
}

// Digits counts what stands before and behind the point, leading zeros not counted.
func (n Number) Digits() (whole, fraction int) {
	s, _, _ := strings.Cut(n.String(), ".")
	return len(s), -int(n.Exp)
}

// MilliwattHours is the number as energy in kWh; false when it is finer than 1 mWh or does not fit.
func (n Number) MilliwattHours() (int64, bool) {
	v := n.Value
	for e := int(n.Exp) + 6; e > 0; e-- {
		if v > 1<<63/10-1 {
			return 0, false
		}
		v *= 10
	}
	return v, n.Exp >= -6 && n.Exp <= 0
}

// MarshalJSON writes a string.
func (n Number) MarshalJSON() ([]byte, error) { return json.Marshal(n.String()) }

// UnmarshalJSON reads a string as ParseNumber does.
func (n *Number) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s: %w, in quotes", b, errNumber)
	}
	got, err := ParseNumber(s)
	if err == nil && got.String() != s {
		err = fmt.Errorf("%q: %w without leading zeros", s, errNumber)
	}
	if err == nil {
		*n = got
	}
	return err
}

// ParseRatio reads a multiplier 倍率: "40", or as on the plates "200/5", "10000/100", or a product of both,
// "200/5*10000/100". It must come out whole to six digits behind the point.
func ParseRatio(s string) (Number, error) {
	up, down := int64(1), int64(1)
	for _, part := range strings.Split(strings.ReplaceAll(s, "x", "*"), "*") {
		over, under, fraction := strings.Cut(strings.TrimSpace(part), "/")
		a, err := strconv.ParseInt(strings.TrimSpace(over), 10, 32)
		b := int64(1)
		if err == nil && fraction {
			b, err = strconv.ParseInt(strings.TrimSpace(under), 10, 32)
		}
		if err != nil || a < 1 || b < 1 || a > 1_000_000 || b > 1_000_000 || up*a > 1e12 || down*b > 1e12 {
			return Number{}, tell(errNumber, "%q 不是倍率：应如 40、200/5 或 200/5*10000/100", "%q is not a ratio such as 40, 200/5 or 200/5*10000/100", s)
		}
		up, down = up*a, down*b
	}
	for exp := int8(0); exp >= -fractionMax; exp-- {
		if up%down == 0 {
			return Number{up / down, exp}, nil
		}
		if up > 1e17 {
			break
		}
		up *= 10
	}
	return Number{}, tell(errNumber, "倍率 %q 除不尽，直接写倍数", "ratio %q does not come out even; give the multiplier itself", s)
}
