package billing

// Quantity (数量) is an amount in 1e-6 of a Unit: 26.3 kVA is 26,300,000. Of
// kWh it is the same number as an Energy.
type Quantity int64

// QuantityDecimals is the number of decimals a Quantity holds.
const QuantityDecimals = 6

// ParseQuantity reads decimal text, at most six decimals. Errors wrap
// ErrSyntax, ErrDecimals or ErrOverflow.
func ParseQuantity(s string) (Quantity, error) {
	v, err := parseDecimal(s, QuantityDecimals)
	return Quantity(v), err
}

// String is the quantity without needless zeros: "900", "0.333333".
func (q Quantity) String() string { return string(appendDecimal(nil, int64(q), QuantityDecimals, 0)) }

// Add is q + r, or ErrOverflow.
func (q Quantity) Add(r Quantity) (Quantity, error) {
	v, err := add(int64(q), int64(r))
	return Quantity(v), err
}

// Sub is q - r, or ErrOverflow.
func (q Quantity) Sub(r Quantity) (Quantity, error) {
	v, err := sub(int64(q), int64(r))
	return Quantity(v), err
}

// MarshalText writes String, so JSON and YAML carry a quantity as decimal text.
func (q Quantity) MarshalText() ([]byte, error) {
	return appendDecimal(nil, int64(q), QuantityDecimals, 0), nil
}

// UnmarshalText reads what ParseQuantity reads.
func (q *Quantity) UnmarshalText(text []byte) (err error) {
	*q, err = ParseQuantity(string(text))
	return err
}

// Unit is what a Quantity counts.
type Unit uint8

// Units of printed lines. The zero Unit is the kilowatt-hour, the unit of most.
const (
	UnitKWh   Unit = iota
	UnitKW         // of demand, for a month
	UnitKVA        // of transformer capacity, for a month
	UnitDay        // of a fixed charge
	UnitMonth      // of a fixed charge
	UnitMoney      // of the currency: what a percentage is taken of
)

// String is the unit as printed; UnitMoney gives "currency", which the version
// names.
func (u Unit) String() string {
	if int(u) < len(unitNames) {
		return unitNames[u]
	}
	return "?"
}

var unitNames = [...]string{"kWh", "kW", "kVA", "day", "month", "currency"}
