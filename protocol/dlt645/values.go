package dlt645

import (
	"fmt"
	"strings"
	"time"
)

// Value is one decoded item. A number is Int × 10^Exp in Unit; what is not a
// number (times, digits, text, status words) is in Text, status words also in
// Int. Null means the meter does not measure it (filled with FF).
type Value struct {
	Name string
	DI   DI
	Int  int64
	Exp  int8
	Unit string
	Null bool
	Text string
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
	case v.Null:
		return v.Name + " not measured"
	case v.Text != "":
		return v.Name + " " + v.Text
	}
	return strings.TrimRight(v.Name+" "+v.Decimal()+" "+v.Unit, " ")
}

// DecodeValues reads the data of a 2007 read reply (without the identifier):
// one item, or a block by its length, as meters with fewer rates or phases
// send shorter ones. Errors wrap ErrBCD, ErrDateTime, ErrLength or
// ErrUnknownItem; then there are no values.
func DecodeValues(d DI, data []byte) ([]Value, error) {
	read := func() ([]Value, error) { return decodeParts(layout(d), data) }
	if d>>24 == 0x06 {
		read = func() ([]Value, error) { return loadTimes(d, data) }
	}
	values, err := read()
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", d, err)
	}
	return values, nil
}

// DecodeValues1997 is DecodeValues for a four-digit identifier of 1997.
func DecodeValues1997(d DI, data []byte) ([]Value, error) {
	values, err := decodeParts(layout1997(d), data)
	if err != nil {
		return nil, fmt.Errorf("decode %04X: %w", uint32(d), err)
	}
	return values, nil
}

// decodeParts reads parts one behind the other. A reply may end early, between
// parts, but not be empty or longer.
func decodeParts(parts []ItemInfo, data []byte) ([]Value, error) {
	if parts == nil {
		return nil, ErrUnknownItem
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("no data: %w", ErrLength)
	}
	var values []Value
	for _, it := range parts {
		if len(data) == 0 {
			return values, nil
		}
		if len(data) < it.Bytes {
			return nil, fmt.Errorf("%s: %d bytes, want %d: %w", it.Name, len(data), it.Bytes, ErrLength)
		}
		vs, err := it.decode(data[:it.Bytes])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Name, err)
		}
		values = append(values, vs...)
		data = data[it.Bytes:]
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%d bytes too many: %w", len(data), ErrLength)
	}
	return values, nil
}

// decode reads exactly one item. A date with its weekday makes two values.
func (it ItemInfo) decode(b []byte) ([]Value, error) {
	v := Value{Name: it.Name, DI: it.DI, Unit: it.Unit}
	if it.Format != FormatASCII && it.Format != FormatBinary && it.Format != FormatSecret && allFF(b) {
		v.Null = true
		return []Value{v}, nil
	}
	var err error
	var t time.Time
	switch it.Format {
	case FormatASCII:
		v.Text = reversedText(b)
	case FormatBinary:
		v.Text = "0x"
		for i := len(b) - 1; i >= 0; i-- {
			v.Text += fmt.Sprintf("%02X", b[i])
			if len(b) < 8 { // longer ones are in Text only
				v.Int = v.Int<<8 | int64(b[i])
			}
		}
	case FormatSecret:
		v.Text = redacted
	case FormatDigits:
		v.Text, err = reversedDigits(b)
	case FormatDate4:
		if t, err = Date4(b, time.UTC); err == nil {
			v.Text = t.Format("2006-01-02")
			return []Value{v, {Name: "weekday", DI: it.DI, Text: fmt.Sprintf("%02X", b[0])}}, nil
		}
	case FormatTime3:
		if t, err = stamp([6]byte{b[0], b[1], b[2], 1, 1, 0}, 0, time.UTC); err == nil {
			v.Text = t.Format(time.TimeOnly)
		}
	case FormatDateTime5:
		if t, err = DateTime5(b, time.UTC); err == nil {
			v.Text = t.Format("2006-01-02 15:04")
		}
	case FormatDateTime6:
		if t, err = DateTime6(b, time.UTC); err == nil {
			v.Text = t.Format(time.DateTime)
		}
	case FormatDateTime7:
		if t, err = DateTime7(b, time.UTC); err == nil {
			v.Text = t.Format(time.DateTime)
			return []Value{v, {Name: "weekday", DI: it.DI, Text: fmt.Sprintf("%02X", b[3])}}, nil
		}
	default:
		if it.Format.fields() {
			v.Text, err = it.Format.readFields(b)
			break
		}
		v.Exp = it.Format.exp()
		v.Int, err = number(b, it.Signed)
	}
	if err != nil {
		return nil, err
	}
	return []Value{v}, nil
}

// DecodeBlock reads the present energies of a single item or a block with its
// rates (0001FF00) into `into` and returns how many there were; it does not
// allocate. Errors are bare sentinels: ErrUnknownItem when d is no energy of
// the whole meter, ErrLength when data are no whole items or `into` is too
// short, ErrBCD.
func DecodeBlock(d DI, data []byte, into []Value) (int, error) {
	family, rate := d>>16, d>>8&0xFF
	if family >= DI(len(energyNames)) || d&0xFF > 12 { // twelve settlement days are kept
		return 0, ErrUnknownItem
	}
	names := &energyNames[family]
	n := len(data) / 4
	switch {
	case n == 0 || len(data)%4 != 0 || n > len(into):
		return 0, ErrLength
	case rate == 0xFF:
		if n > len(names) {
			return 0, ErrLength
		}
		rate = 0
	case rate >= DI(len(names)):
		return 0, ErrUnknownItem
	case n != 1:
		return 0, ErrLength
	}
	unit, signed := energyFamilies[family].Unit, energyFamilies[family].Signed
	into = into[:n]
	for i := range into {
		b := data[4*i : 4*i+4 : 4*i+4]
		raw := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		v := &into[i]
		v.Name, v.Unit, v.Text = names[int(rate)+i], unit, ""
		v.DI = d&^0xFF00 | (rate+DI(i))<<8
		v.Exp = -2
		if v.Null = raw == 0xFFFFFFFF; v.Null {
			v.Int = 0
			continue
		}
		negative := signed && raw&0x80000000 != 0
		if negative {
			raw &^= 0x80000000
		}
		x, ok := fromBCD(uint64(raw))
		if !ok {
			return 0, ErrBCD
		}
		if negative {
			x = -x
		}
		v.Int = x
	}
	return n, nil
}

// number reads BCD; in signed items the top bit of the highest byte is the
// sign, in others it is part of the digit.
func number(b []byte, signed bool) (int64, error) {
	if !signed || b[len(b)-1]&0x80 == 0 {
		return BCD(b)
	}
	var copied [8]byte
	n := copy(copied[:], b)
	copied[n-1] &^= 0x80
	v, err := BCD(copied[:n])
	return -v, err
}

func allFF(b []byte) bool {
	for _, v := range b {
		if v != 0xFF {
			return false
		}
	}
	return true
}

// reversedText reads ASCII sent last character first; padding is cut off and
// what cannot be printed becomes a dot.
func reversedText(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := len(b) - 1; i >= 0; i-- {
		switch c := b[i]; {
		case c == 0 || c == 0xFF:
		case c < ' ' || c > '~':
			out = append(out, '.')
		default:
			out = append(out, c)
		}
	}
	return strings.TrimSpace(string(out))
}

func reversedDigits(b []byte) (string, error) {
	var s strings.Builder
	for i := len(b) - 1; i >= 0; i-- {
		if !isBCD(b[i]) {
			return "", fmt.Errorf("digits % X: %w", b, ErrBCD)
		}
		fmt.Fprintf(&s, "%02X", b[i])
	}
	return s.String(), nil
}
