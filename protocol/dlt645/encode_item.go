package dlt645

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// valueMax bounds what a person may write for a value: fourteen entries of a
// table take 200 characters.
const valueMax = 512

// EncodeItem writes a value as people write it in the form that item d of 2007
// has on the wire: decimal numbers ("200", "12.34"), times and tables as they
// are shown ("2026-05-01 00:00"; entries of a table divided by commas: "06:00
// 2, 22:00 3"), digits, text, and binary words in hexadecimal, high byte first
// ("0x0F"). What it gives reads back as the same value. The error wraps
// ErrUnknownItem, ErrReadOnly, ErrValue, or ErrCommand for passwords, which
// have a request of their own.
func EncodeItem(d DI, value string) ([]byte, error) {
	it, ok := Item(d)
	return encodeItem(it, ok, d.String(), layout(d), value, func(b []byte) error { _, err := DecodeValues(d, b); return err })
}

// EncodeItem1997 is EncodeItem for a four-digit identifier.
func EncodeItem1997(d DI, value string) ([]byte, error) {
	it, ok := Item1997(d)
	return encodeItem(it, ok, fmt.Sprintf("%04X", uint32(d)), layout1997(d), value, func(b []byte) error { _, err := DecodeValues1997(d, b); return err })
}

func encodeItem(it ItemInfo, known bool, name string, parts []ItemInfo, value string, decodes func([]byte) error) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("value of %s: %w", name, err) }
	switch {
	case !known || len(parts) == 0:
		return fail(ErrUnknownItem)
	case !it.Writable:
		return fail(ErrReadOnly)
	case it.Format == FormatSecret:
		return fail(fmt.Errorf("a password: %w", ErrCommand))
	}
	values := []string{value}
	if len(parts) > 1 {
		values = strings.Split(value, ",")
	}
	if len(values) > len(parts) || len(value) > valueMax {
		return fail(fmt.Errorf("%d entries of %d characters, the item has %d: %w", len(values), len(value), len(parts), ErrValue))
	}
	var out []byte
	for i, v := range values {
		b, err := parts[i].encode(strings.TrimSpace(v))
		if err != nil {
			return fail(err)
		}
		out = append(out, b...)
	}
	if err := decodes(out); err != nil { // a date that no calendar has
		return fail(fmt.Errorf("%w: %w", ErrValue, err))
	}
	return out, nil
}

// encode is decode backwards, of one part.
func (it ItemInfo) encode(v string) ([]byte, error) {
	wrong := func(form string, args ...any) ([]byte, error) {
		return nil, fmt.Errorf("%q is not "+form+": %w", append(append([]any{v}, args...), ErrValue)...)
	}
	switch {
	case it.Format == FormatASCII:
		if len(v) > it.Bytes || v == "" || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			return wrong("1 to %d printable characters of ASCII", it.Bytes)
		}
		b := make([]byte, it.Bytes)
		copy(b, v)
		slices.Reverse(b)
		return b, nil
	case it.Format == FormatBinary:
		digits := strings.TrimPrefix(strings.TrimPrefix(v, "0x"), "0X")
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) != it.Bytes {
			return wrong("%d hexadecimal digits", 2*it.Bytes)
		}
		slices.Reverse(b)
		return b, nil
	case it.Format == FormatDigits:
		if v == "" || len(v) > 2*it.Bytes || !decimal(v) {
			return wrong("1 to %d digits", 2*it.Bytes)
		}
		return packed(strings.Repeat("0", 2*it.Bytes-len(v)) + v), nil
	case it.Format.fields():
		if digits, ok := it.Format.fieldDigits(v); ok {
			return packed(digits), nil
		}
		return wrong("written as %s", it.Format.example())
	case it.Format.number():
		return it.encodeNumber(v)
	}
	return nil, fmt.Errorf("format %s cannot be written: %w", it.Format, ErrReadOnly)
}

// encodeNumber takes a decimal number of at most the item's digits and decimals.
func (it ItemInfo) encodeNumber(v string) ([]byte, error) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(v, "-"), ".")
	negative, decimals := strings.HasPrefix(v, "-"), -int(it.Format.exp())
	digits := strings.TrimLeft(whole, "0") + fraction + strings.Repeat("0", max(decimals-len(fraction), 0))
	if whole == "" || !decimal(whole+fraction) || len(fraction) > decimals || len(digits) > 2*it.Bytes || negative && !it.Signed {
		return nil, fmt.Errorf("%q is not a number written as %s: %w", v, it.Format, ErrValue)
	}
	b := packed(strings.Repeat("0", 2*it.Bytes-len(digits)) + digits)
	if top := &b[len(b)-1]; it.Signed && *top&0x80 != 0 {
		return nil, fmt.Errorf("%q is beyond the item's digits: %w", v, ErrValue)
	} else if negative {
		*top |= 0x80
	}
	return b, nil
}

// fieldDigits takes "2026-05-01 2", one group of digits a field, or all digits
// at once. The century is not on the wire.
func (f Format) fieldDigits(v string) (digits string, ok bool) {
	if !decimal(strings.Map(func(r rune) rune {
		if strings.ContainsRune("-: ", r) {
			return '0'
		}
		return r
	}, v)) {
		return "", false
	}
	groups := strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("-: ", r) })
	if len(groups) == 1 && len(groups[0]) == len(f) {
		return groups[0], true
	}
	if 2*len(groups) != len(f) {
		return "", false
	}
	for i, g := range groups {
		if f[2*i:2*i+2] == "YY" && len(g) == 4 && strings.HasPrefix(g, "20") {
			g = g[2:]
		}
		if len(g) > 2 {
			return "", false
		}
		digits += strings.Repeat("0", 2-len(g)) + g
	}
	return digits, true
}

// example is how a value of BCD fields is written.
func (f Format) example() string {
	names := map[string]string{"YY": "2026", "MM": "05", "DD": "01", "hh": "06", "mm": "30", "ss": "00", "WW": "05", "NN": "02"}
	var s strings.Builder
	for i := 0; i < len(f); i += 2 {
		field := string(f[i : i+2])
		switch {
		case i == 0:
		case strings.Contains("mm ss", field) && f[i-2] != 'D':
			s.WriteByte(':')
		case strings.Contains("MM DD", field):
			s.WriteByte('-')
		default:
			s.WriteByte(' ')
		}
		s.WriteString(names[field])
	}
	return s.String()
}

// packed is digits in reading order as BCD, the low byte first; there are
// digits only, and an even number of them.
func packed(digits string) []byte {
	b := make([]byte, len(digits)/2)
	for i := range b {
		b[len(b)-1-i] = (digits[2*i]-'0')<<4 | (digits[2*i+1] - '0')
	}
	return b
}

func decimal(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
