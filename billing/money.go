package billing

// Money is an amount in 1/10,000 of the currency: 150.69 is 1,506,900. The
// currency is named by the tariff version, never by the number.
type Money int64

// MoneyDecimals is the number of decimals a Money holds.
const MoneyDecimals = 4

// ParseMoney reads decimal text such as "12.34" or "-0.5", at most four
// decimals. Errors wrap ErrSyntax, ErrDecimals or ErrOverflow.
func ParseMoney(s string) (Money, error) {
	v, err := parseDecimal(s, MoneyDecimals)
	return Money(v), err
}

// String is the amount with at least two decimals: "12.00", "12.3456".
func (m Money) String() string { return string(appendDecimal(nil, int64(m), MoneyDecimals, 2)) }

// Add is m + n, or ErrOverflow.
func (m Money) Add(n Money) (Money, error) {
	v, err := add(int64(m), int64(n))
	return Money(v), err
}

// Sub is m - n, or ErrOverflow.
func (m Money) Sub(n Money) (Money, error) {
	v, err := sub(int64(m), int64(n))
	return Money(v), err
}

// MarshalText writes String, so JSON and YAML carry money as decimal text.
func (m Money) MarshalText() ([]byte, error) {
	return appendDecimal(nil, int64(m), MoneyDecimals, 2), nil
}

// UnmarshalText reads what ParseMoney reads.
func (m *Money) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMoney(string(text))
	return err
}
