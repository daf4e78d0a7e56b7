package dlt645

import "bytes"

// AppendLoadRecord appends r as a meter sends it: start, length, time in the
// location of r.At, the classes each ended by AA, checksum, E5. A suspect
// record begins with E0 E0. Why and Raw are not written.
func AppendLoadRecord(dst []byte, r LoadRecord) []byte {
	at, s := len(dst), byte(loadStart)
	if r.Suspect {
		s = loadOdd
	}
	dst = append(dst, s, s, 0)
	dst = AppendDateTime5(dst, r.At, r.At.Location())
	for n := 1; n <= len(loadClasses); n++ {
		if r.Classes.Has(n) {
			for i, slot := range r.slots(n) {
				dst = appendNumber(dst, *slot, loadClasses[n-1][i])
			}
		}
		dst = append(dst, loadSep)
	}
	dst[at+2] = byte(len(dst) - at - loadHead)
	return append(dst, checksum(dst[at:]), loadEnd)
}

// appendNumber writes v as the item's digits, the sign in the top bit.
func appendNumber(dst []byte, v int64, it ItemInfo) []byte {
	if v == NotMeasured {
		return append(dst, bytes.Repeat([]byte{0xFF}, it.Bytes)...)
	}
	negative := v < 0
	if negative {
		v = -v
	}
	dst = AppendBCD(dst, uint64(v), it.Bytes)
	if negative && it.Signed {
		dst[len(dst)-1] |= 0x80
	}
	return dst
}
