package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// asYAML makes JSON of any spelling readable for the YAML reader, which holds tabs, `\/` and escaped surrogate pairs for faults though
// they are JSON. Lines stay where they are. What is not JSON is returned as it came.
func asYAML(data []byte) []byte {
	start := bytes.TrimLeft(data, " \t\r\n")
	if len(start) == 0 || start[0] != '{' || !json.Valid(data) {
		return data
	}
	out := make([]byte, 0, len(data))
	inText := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case c == '"':
			inText = !inText
			out = append(out, c)
		case !inText && c == '\t':
			out = append(out, ' ')
		case inText && c == '\\':
			var used int
			out, used = escape(out, data[i:])
			i += used - 1
		case inText && c >= 0x7f:
			r, size := utf8.DecodeRune(data[i:])
			switch {
			case r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff: // YAML breaks lines at some and refuses the others
				out = fmt.Appendf(out, `\u%04x`, r)
			default:
				out = append(out, data[i:i+size]...)
			}
			i += size - 1
		default:
			out = append(out, c)
		}
	}
	return out
}

// escape copies one escape of a valid JSON text, and tells how many bytes it took.
func escape(out, rest []byte) ([]byte, int) {
	switch rest[1] {
	case '/':
		return append(out, '/'), 2
	case 'u':
		first := unit(rest)
		if !utf16.IsSurrogate(first) {
			return append(out, rest[:6]...), 6
		}
		// A half without its other half becomes U+FFFD, as in encoding/json.
		if len(rest) >= 12 && rest[6] == '\\' && rest[7] == 'u' {
			if r := utf16.DecodeRune(first, unit(rest[6:])); r != utf8.RuneError {
				return utf8.AppendRune(out, r), 12
			}
		}
		return utf8.AppendRune(out, utf8.RuneError), 6
	}
	return append(out, rest[:2]...), 2
}

// unit is the number of a \uXXXX.
func unit(escape []byte) (r rune) {
	for _, c := range escape[2:6] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c&^0x20 - 'A' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
