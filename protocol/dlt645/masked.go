package dlt645

import "bytes"

// maskedByte replaces each byte of a password on the line in evidence that leaves an agent. As plain data it is CCH, which is not
// BCD, so that no real password reads like it.
const maskedByte = 0xFF

// passwordAt is where the three password digits begin in the data of a master's request, behind the level: PA P0 P1 P2 in a
// control request (1CH) and in the clearings 1AH and 1BH; after the DI in a write (14H). Those of a password change (18H)
// hold two passwords and are masked whole.
func passwordAt(f Frame) (from, to int) {
	switch f.Control {
	case 0x1C, 0x1A, 0x1B, 0x19:
		return 1, 4
	case 0x14:
		return 5, 8
	case 0x18:
		return 0, len(f.Data)
	}
	return 0, 0
}

// AppendMasked appends the wire bytes of f with every password byte replaced by FFH, and the checksum too when there is
// one: it is a sum, and with all other bytes known it would leave a few thousand passwords of a million. It is the form
// for evidence, which is read by many people and kept for years.
func AppendMasked(dst []byte, f Frame) []byte {
	at := len(dst) + headLen
	dst = AppendFrame(dst, f)
	from, to := passwordAt(f)
	from, to = min(from, len(f.Data), maxData), min(to, len(f.Data), maxData)
	for i := from; i < to; i++ {
		dst[at+i] = maskedByte
	}
	if from < to {
		dst[len(dst)-2] = maskedByte
	}
	return dst
}

// maskedRelay gives the relay request (C = 1C, plain form) in w whose password was masked for evidence: the checksum does not fit.
func maskedRelay(w []byte) (Frame, bool) {
	const relayLen = 0x10 // PA P0 P1 P2, C0..C3, N1..N8
	const total = headLen + relayLen + 2
	if len(w) != total || w[0] != start || w[7] != start || w[8] != 0x1C || w[9] != relayLen || w[total-1] != end {
		return Frame{}, false
	}
	for _, b := range w[headLen+1 : headLen+4] {
		if b != maskedByte {
			return Frame{}, false
		}
	}
	f := Frame{Addr: Address(w[1:7]), Control: w[8], Data: bytes.Clone(w[headLen : total-2])}
	takeOffset(f.Data)
	return f, true
}
