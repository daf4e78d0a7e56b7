package dlt645

import (
	"fmt"
	"strconv"
	"strings"
)

// Format is how an item is written: a BCD number as X or N, with its point
// (XXXXXX.XX), a time of BCD fields in reading order (MMDDhhmm), or one of the
// constants. A record joins the formats of its parts with "+"; "14*MMDDNN"
// is an entry repeated up to 14 times; inside both, formats whose length does
// not follow from themselves carry it (digits:4).
type Format string

// Formats that are not numbers. Times are named in reading order.
const (
	FormatDate4     Format = "YYMMDDWW"
	FormatTime3     Format = "hhmmss"
	FormatDateTime5 Format = "YYMMDDhhmm"
	FormatDateTime6 Format = "YYMMDDhhmmss"
	FormatDateTime7 Format = "YYMMDDWWhhmmss"
	FormatDigits    Format = "digits"
	FormatASCII     Format = "ASCII"
	FormatBinary    Format = "binary"
	FormatSecret    Format = "secret" // a password: never shown
	FormatLoad      Format = "load"   // load records, see ParseLoadRecords
)

// partsMax bounds a record or table: the largest are those of 14 entries.
const partsMax = 64

func (f Format) exp() int8 {
	if _, decimals, found := strings.Cut(string(f), "."); found {
		return int8(-len(decimals))
	}
	return 0
}

// number reports whether f is a BCD number.
func (f Format) number() bool { return f != "" && strings.Trim(string(f), "XN.") == "" }

// fields reports whether f is BCD fields of a date, a time or a table.
func (f Format) fields() bool {
	if f.number() || len(f) == 0 || len(f)%2 != 0 {
		return false
	}
	for i := 0; i < len(f); i += 2 {
		if !strings.Contains("YY MM DD WW hh mm ss NN", string(f[i:i+2])) {
			return false
		}
	}
	return true
}

// composite reports whether f has several parts.
func (f Format) composite() bool { return strings.ContainsAny(string(f), "+*") }

// size is the bytes of one part, and the format without its ":n".
func (f Format) size() (Format, int, error) {
	if name, n, found := strings.Cut(string(f), ":"); found {
		size, err := strconv.Atoi(n)
		if err != nil || size < 1 || size > maxData {
			return "", 0, fmt.Errorf("format %q: %w", f, ErrTable)
		}
		return Format(name), size, nil
	}
	if !f.number() && !f.fields() {
		return "", 0, fmt.Errorf("format %q: %w", f, ErrTable)
	}
	digits := len(f) - strings.Count(string(f), ".")
	return f, (digits + 1) / 2, nil
}

// readFields shows BCD fields in reading order, a table's number behind them:
// "2026-05-01 2". Only the digits are checked, since unused entries of tables
// are zeros and "any" is 99.
func (f Format) readFields(b []byte) (string, error) {
	var s strings.Builder
	for i := range len(f) / 2 {
		v := b[len(b)-1-i]
		if !isBCD(v) {
			return "", fmt.Errorf("%s % X: %w", f, b, ErrBCD)
		}
		field := f[2*i : 2*i+2]
		switch {
		case i == 0:
		case strings.Contains("hhmmss", string(field)) && strings.Contains("hhmmss", string(f[2*i-2:2*i])):
			s.WriteByte(':')
		case strings.Contains("MMDD", string(field)):
			s.WriteByte('-')
		default:
			s.WriteByte(' ')
		}
		if field == "YY" {
			s.WriteString("20")
		}
		fmt.Fprintf(&s, "%02X", v)
	}
	return s.String(), nil
}
