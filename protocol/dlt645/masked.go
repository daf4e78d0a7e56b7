package dlt645

import "bytes"

// maskedByte replaces each byte of a password on the line in evidence that
// leaves an agent. As plain data it is CCH, which is not BCD, so that no real
// password reads like it.
const maskedByte = 0xFF

// secrets gives the ranges of the data field that hold a password, by the
// control byte and, where a password is an item, by the identifier.
func (f Frame) secrets() (at [][2]int) {
	password := len(f.Data) >= 4 && isPasswordItem(wireDI(f.Data))
	switch f.Control &^ more {
	case 0x14: // DI PA P0 P1 P2 C0..C3, data
		at = [][2]int{{5, 8}}
		if password {
			at = [][2]int{{5, 8}, {12, maxData}}
		}
	case 0x91, 0x92: // no meter should answer this
		if password {
			at = [][2]int{{4, maxData}}
		}
	case 0x18: // DI, old, new
		at = [][2]int{{5, 8}, {9, 12}}
	case 0x19, 0x1A, 0x1B, 0x1C, 0x98, 0x8F: // PA P0 P1 P2
		at = [][2]int{{1, 4}}
	case 0x0F: // 1997, old and new
		at = [][2]int{{1, 4}, {5, 8}}
	case 0x04: // 1997: some meters take a password after the identifier, we cannot know which
		at = [][2]int{{2, maxData}}
	}
	return at
}

func (f Frame) secret(i int) bool {
	for _, r := range f.secrets() {
		if i >= r[0] && i < r[1] {
			return true
		}
	}
	return false
}

// holdsSecret reports whether any byte of the data field is a password's.
func (f Frame) holdsSecret() bool {
	for i := range f.Data {
		if f.secret(i) {
			return true
		}
	}
	return false
}

// AppendMasked appends the wire bytes of f with every password byte replaced
// by FFH, and the checksum too when there is one: it is a sum, and with all
// other bytes known it would leave a few thousand passwords of a million. It is
// the form for evidence, which is read by many people and kept for years.
func AppendMasked(dst []byte, f Frame) []byte {
	at := len(dst) + headLen
	dst = AppendFrame(dst, f)
	hidden := false
	for i := range min(len(f.Data), maxData) {
		if f.secret(i) {
			dst[at+i], hidden = maskedByte, true
		}
	}
	if hidden {
		dst[len(dst)-2] = maskedByte
	}
	return dst
}

// maskedFrame gives the frame in w, which is all of it, whose password was
// masked for evidence: the checksum does not fit, and every byte of a password
// is FFH. The password in the frame it gives is CC CC CC.
func maskedFrame(w []byte) (Frame, bool) {
	if len(w) < overhead || len(w) != overhead+int(w[9]) || w[0] != start || w[7] != start || w[len(w)-1] != end {
		return Frame{}, false
	}
	if checksum(w[:len(w)-2]) == w[len(w)-2] {
		return Frame{}, false
	}
	f := Frame{Addr: Address(w[1:7]), Control: w[8], Data: bytes.Clone(w[headLen : len(w)-2])}
	takeOffset(f.Data)
	hidden := 0
	for i := range f.Data {
		if f.secret(i) {
			if w[headLen+i] != maskedByte {
				return Frame{}, false
			}
			hidden++
		}
	}
	return f, hidden >= 3
}
