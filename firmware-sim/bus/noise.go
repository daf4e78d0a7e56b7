package bus

// overlap is two transmissions at once: a driver that pulls to 0 wins over one that lets the line at 1.
func overlap(a, b []byte) []byte {
	if len(b) > len(a) {
		a, b = b, a
	}
	out := append([]byte(nil), a...)
	for i, v := range b {
		out[i] &= v
	}
	return out
}

// damage spoils the given share of frames in one of the ways lines do: a flipped bit, a lost byte, garbage in front, an
// early end. The input is not changed.
func (l *Line) damage(frame []byte, share float64) []byte {
	if share <= 0 || len(frame) == 0 || l.rng.Float64() >= share {
		return frame
	}
	at := l.rng.IntN(len(frame))
	switch l.rng.IntN(4) {
	case 0:
		out := append([]byte(nil), frame...)
		out[at] ^= 1 << l.rng.IntN(8)
		return out
	case 1:
		return append(append([]byte(nil), frame[:at]...), frame[at+1:]...)
	case 2:
		out := make([]byte, 0, len(frame)+8)
		for range 1 + l.rng.IntN(8) {
			out = append(out, byte(l.rng.Uint32()))
		}
		return append(out, frame...)
	}
	return append([]byte(nil), frame[:at]...)
}
