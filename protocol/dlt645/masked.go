package dlt645

import "bytes"

// maskedByte replaces each byte of a password on the line in evidence that leaves an agent. As plain data it is CCH, which is not
// BCD, so that no real password reads like it.
const maskedByte = 0xFF

// maskedRelay gives the relay request (C = 1C, plain form) in w whose password was masked for evidence: the checksum still is that of
// the frame as it was sent, and no longer fits.
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
