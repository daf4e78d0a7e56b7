// Package billing holds the units of the trade: money, energy and price as
// whole numbers, their decimal text, and the one multiplication that turns
// energy into money. Its sub-packages are the rules: register, tariff, rate,
// ledger, audit and policy.
//
// Everything below billing is pure: no files, no clock, no goroutines, no
// floating point. "Now" is an argument, documents arrive as bytes. Nothing
// here wraps: a result that does not fit is ErrOverflow.
package billing

import "errors"

var (
	// ErrOverflow reports a result beyond int64. The operands are untouched.
	ErrOverflow = errors.New("amount is beyond the range of the unit")
	// ErrSyntax reports text that is not a plain decimal number.
	ErrSyntax = errors.New("not a decimal number")
	// ErrDecimals reports text with more decimals than the unit holds.
	ErrDecimals = errors.New("too many decimals")
	// ErrPlace reports a rounding place outside 0 to MoneyDecimals.
	ErrPlace = errors.New("rounding place is outside 0 to 4")
)
