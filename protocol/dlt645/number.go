package dlt645

import (
	"fmt"
	"strings"
)

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
