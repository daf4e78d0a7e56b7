package billing

// Price (电价) is the price of a kWh in 1e-8 of the currency: 0.5469 is
// 54,690,000. Eight decimals hold the six that provincial tables print.
type Price int64

// PriceDecimals is the number of decimals a Price holds.
const PriceDecimals = 8

// ParsePrice reads decimal text, at most eight decimals. Errors wrap
// ErrSyntax, ErrDecimals or ErrOverflow.
func ParsePrice(s string) (Price, error) {
	v, err := parseDecimal(s, PriceDecimals)
	return Price(v), err
}

// String is the price with at least the four decimals that Chinese catalogues
// print: "0.5550".
func (p Price) String() string { return string(appendDecimal(nil, int64(p), PriceDecimals, 4)) }

// Add is p + q, or ErrOverflow.
func (p Price) Add(q Price) (Price, error) {
	v, err := add(int64(p), int64(q))
	return Price(v), err
}

// Sub is p - q, or ErrOverflow.
func (p Price) Sub(q Price) (Price, error) {
	v, err := sub(int64(p), int64(q))
	return Price(v), err
}

// MarshalText writes String, so JSON and YAML carry a price as decimal text.
func (p Price) MarshalText() ([]byte, error) {
	return appendDecimal(nil, int64(p), PriceDecimals, 4), nil
}

// UnmarshalText reads what ParsePrice reads.
func (p *Price) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePrice(string(text))
	return err
}
