package dlt645

import (
	"fmt"
	"strings"
)

// Value is one decoded item. A number is Int × 10^Exp in Unit; what is not a
// number (times, digits, text, status words) is in Text, status words also in
// Int. Null means the meter does not measure it (filled with FF), or of a time
// that it never was (filled with zeros).
type Value struct {
	Name   string
	NameZH string
	DI     DI
	Int    int64
	Exp    int8
	Unit   string
	Null   bool
	Never  bool // with Null: a time that has not been yet
	Text   string
}

// Decimal is the number as exact decimal text with all its decimals. A
// negative zero, which meters do send, has no sign.
func (v Value) Decimal() string {
	if v.Exp >= 0 {
		if v.Int == 0 {
			return "0"
		}
		return fmt.Sprintf("%d%s", v.Int, strings.Repeat("0", int(v.Exp)))
	}
	sign, n := "", uint64(v.Int)
	if v.Int < 0 {
		sign, n = "-", -n
	}
	digits := fmt.Sprintf("%0*d", 1-int(v.Exp), n)
	point := len(digits) + int(v.Exp)
	return sign + digits[:point] + "." + digits[point:]
}

// String is name, value and unit, for people.
func (v Value) String() string {
	switch {
	case v.Never:
		return v.Name + " never"
	case v.Null:
		return v.Name + " not measured"
	case v.Text != "":
		return v.Name + " " + v.Text
	}
	return strings.TrimRight(v.Name+" "+v.Decimal()+" "+v.Unit, " ")
}
