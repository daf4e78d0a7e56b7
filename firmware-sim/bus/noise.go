package bus

import (
	"bytes"
	"math"
	"math/rand/v2"
	"time"

	"feikong/firmware-sim/meter"
)

// Defaults of faults that come in two keys.
const (
	lateBy     = 600 * time.Millisecond // beyond the 500 ms of the standard, below what most masters take for the next request
	burstBytes = 4
)

// damage spoils the given share of frames in one of the ways lines do: a flipped bit, a lost byte, garbage in front, an
// early end. The input is not changed.
func damage(rng *rand.Rand, frame []byte, share Share) []byte {
	if len(frame) == 0 || !chance(rng, share) {
		return frame
	}
	at := rng.IntN(len(frame))
	switch rng.IntN(4) {
	case 0:
		out := append([]byte(nil), frame...)
		out[at] ^= 1 << rng.IntN(8)
		return out
	case 1:
		return append(append([]byte(nil), frame[:at]...), frame[at+1:]...)
	case 2:
		return append(garbage(rng, 1+rng.IntN(8)), frame...)
	}
	return append([]byte(nil), frame[:at]...)
}

// chance draws only when there is something to draw for, so that one fault does not change what another's seed gives.
func chance(rng *rand.Rand, share Share) bool { return share > 0 && rng.Float64() < float64(share) }

func garbage(rng *rand.Rand, n int) []byte {
	out := make([]byte, n, n+64)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

// shaped is a reply as a meter on a bad line sends it.
type shaped struct {
	preamble int    // FE bytes
	before   []byte // stray bytes, ahead of the preamble
	frame    []byte // nil: nothing is sent
	delay    time.Duration
	note     string
}

// shape puts a reply through the faults of its meter's end of the line.
func shape(rng *rand.Rand, f Faults, p Protocol, manner meter.Manner, frame []byte) shaped {
	s := shaped{preamble: manner.FEs, frame: frame, delay: manner.Delay}
	if manner.Silent || chance(rng, f.Silent) {
		return shaped{}
	}
	if manner.Damage != 0 {
		s.frame = append([]byte(nil), frame...)
		own := rand.New(rand.NewPCG(manner.Damage, 0))
		for range 1 + own.IntN(3) {
			s.frame[own.IntN(len(s.frame))] ^= 1 << own.IntN(8)
		}
		s.note = "damaged by the meter"
	}
	if manner.Trailing > 0 {
		s.frame = append(append([]byte(nil), s.frame...), bytes.Repeat([]byte{0xFF}, manner.Trailing)...)
	}
	if chance(rng, f.Late) {
		by := lateBy
		if f.LateBy > 0 {
			by = time.Duration(f.LateBy)
		}
		s.delay, s.note = s.delay+by, "late"
	}
	if s.preamble > 0 && chance(rng, f.FELost) {
		s.preamble = rng.IntN(s.preamble)
	}
	if p == DLT645 && chance(rng, f.DoubledStart) {
		s.frame, s.note = append([]byte{s.frame[0]}, s.frame...), "doubled start"
	}
	if chance(rng, f.Half) {
		s.frame, s.note = s.frame[:1+rng.IntN(len(s.frame)-1)], "half"
	} else if chance(rng, f.TrailingFF) {
		s.frame, s.note = append([]byte(nil), s.frame...), "trailing FF"
		for range 1 + rng.IntN(3) {
			s.frame = append(s.frame, 0xFF)
		}
	}
	if chance(rng, f.Stray) {
		s.before, s.note = garbage(rng, 1+rng.IntN(8)), "stray bytes"
	}
	if spoiled := damage(rng, s.frame, f.Noise); f.Noise > 0 && (len(spoiled) != len(s.frame) || string(spoiled) != string(s.frame)) {
		s.frame, s.note = spoiled, "damaged"
	}
	return s
}

// wire is all that is sent.
func (s shaped) wire() []byte {
	out := make([]byte, 0, len(s.before)+s.preamble+len(s.frame))
	out = append(out, s.before...)
	for range s.preamble {
		out = append(out, 0xFE)
	}
	return append(out, s.frame...)
}

// hiss is the noise of single bits at one receiver.
// Each receiver draws for itself: which of two hears first depends on when the process wakes, and must not change what either hears.
type hiss struct {
	rng   *rand.Rand
	rate  Share
	gap   int // good bits before the next flipped one
	burst int // characters that the burst will still spoil
}

// spoil flips bits of a character, its parity bit included, as the faults say. An odd number of flips is found by the parity; an even
// number passes it. Start and stop bits are left alone: losing one is what `noise` does.
func (h *hiss) spoil(f Faults, line Framing, c *character) {
	bits := 8
	if line.Parity != "none" {
		bits = 9
	}
	flips := h.single(f.BitErrors, bits)
	if h.burst == 0 && chance(h.rng, f.Bursts) {
		mean := int(f.BurstBytes)
		if mean == 0 {
			mean = burstBytes
		}
		h.burst = 1 + h.rng.IntN(2*mean-1)
	}
	if h.burst > 0 {
		h.burst--
		flips ^= uint16(h.rng.Uint32()) & (1<<bits - 1)
	}
	if flips == 0 {
		return
	}
	c.value ^= byte(flips)
	if odd := onesOdd(byte(flips) ^ byte(flips>>8)); odd && bits == 9 {
		c.bad = !c.bad
	}
}

// single draws how far it is to the next flipped bit instead of asking for each bit: good lines are mostly good.
func (h *hiss) single(rate Share, bits int) (flips uint16) {
	if rate != h.rate {
		h.rate, h.gap = rate, apart(h.rng, rate)
	}
	if rate == 0 {
		return 0
	}
	for h.gap < bits {
		flips |= 1 << h.gap
		h.gap += 1 + apart(h.rng, rate)
	}
	h.gap -= bits
	return flips
}

// apart is a number of good bits in a row, geometric.
func apart(rng *rand.Rand, rate Share) int {
	switch {
	case rate <= 0:
		return 0
	case rate >= 1:
		return 0
	}
	return int(min(math.Log(1-rng.Float64())/math.Log1p(-float64(rate)), 1e9))
}
