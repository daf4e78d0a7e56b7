package bus

import (
	"fmt"
	"time"
)

// Framing is how characters stand on the wires: one start bit, eight data bits, a parity bit if any, stop bits. Two ends that disagree
// hear garbage of each other.
type Framing struct {
	Baud     int
	Parity   string // "even", "odd", "none"
	StopBits int    // 1 or 2
}

// Check refuses what no UART can be set to.
func (f Framing) Check() error {
	switch {
	case f.Baud < 50 || f.Baud > 4_000_000:
		return fmt.Errorf("baud %d is not between 50 and 4,000,000", f.Baud)
	case f.Parity != "even" && f.Parity != "odd" && f.Parity != "none":
		return fmt.Errorf("parity %q is not even, odd or none", f.Parity)
	case f.StopBits != 1 && f.StopBits != 2:
		return fmt.Errorf("%d stop bits, want 1 or 2", f.StopBits)
	}
	return nil
}

// Span is how long n characters take. It is counted in bits and divided once, so that the end of a long frame is not off by
// the fractions of its characters.
func (f Framing) Span(n int) time.Duration { return f.bit(n * f.bits()) }

// bits of one character.
func (f Framing) bits() int {
	n := 9 + f.StopBits
	if f.Parity != "none" {
		n++
	}
	return n
}

// bit is when the k-th bit begins.
func (f Framing) bit(k int) time.Duration {
	return time.Duration(int64(k) * int64(time.Second) / int64(f.Baud))
}

// middle is when the k-th bit is sampled.
func (f Framing) middle(k int) time.Duration {
	return time.Duration((2*int64(k) + 1) * int64(time.Second) / (2 * int64(f.Baud)))
}

// at is the bit that is on the wire d after the start: the largest k with bit(k) <= d.
func (f Framing) at(d time.Duration) int {
	return int(((int64(d)+1)*int64(f.Baud) - 1) / int64(time.Second))
}

// parityBit is the bit that follows b, when there is one.
func (f Framing) parityBit(b byte) bool {
	odd := onesOdd(b)
	return odd == (f.Parity == "even")
}

func onesOdd(b byte) bool {
	b ^= b >> 4
	b ^= b >> 2
	b ^= b >> 1
	return b&1 == 1
}

// hears reports whether what is sent in g is understood. A receiver looks at one stop bit only.
func (f Framing) hears(g Framing) bool { return f.Baud == g.Baud && f.Parity == g.Parity }
