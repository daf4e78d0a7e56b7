package billing

import "math/bits"

// Apportion divides energy over parts in proportion to weights, exactly: each
// gets its share cut to the mWh, and the mWh that are left go one each to the
// largest remainders (最大余数法), the earlier one first among equals. Weights are
// not below zero and their sum fits an int64; with no weight at all, nothing is
// given. energy is not below zero. parts and weights have one length.
func Apportion(parts, weights []Energy, energy Energy) {
	var sum uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	left := uint64(energy)
	for i := range parts {
		parts[i] = 0
		if sum == 0 {
			continue
		}
		hi, lo := bits.Mul64(uint64(energy), uint64(weights[i]))
		share, _ := bits.Div64(hi, lo, sum) // hi < sum, as no weight is above it
		parts[i] = Energy(share)
		left -= share
	}
	if sum == 0 {
		return
	}
	remainder := func(i int) uint64 {
		hi, lo := bits.Mul64(uint64(energy), uint64(weights[i]))
		_, rest := bits.Div64(hi, lo, sum)
		return rest
	}
	// Fewer are left than there are parts with a remainder. One pass for each is
	// enough for the few bands and meters there are, and needs no memory.
	given, last := uint64(0), -1
	bound := ^uint64(0)
	for ; given < left; given++ {
		best := -1
		for i := range parts {
			r := remainder(i)
			after := r < bound || r == bound && i > last // not given yet, in the order of remainders
			if after && (best < 0 || r > remainder(best)) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		parts[best]++
		bound, last = remainder(best), best
	}
}

// Part is num/den of e, cut to the mWh: the limit of a tier for five months of
// twelve. num is not below zero, den above it. It reports ErrOverflow.
func (e Energy) Part(num, den int64) (Energy, error) {
	if num < 0 || den <= 0 {
		return 0, ErrOverflow
	}
	hi, lo := bits.Mul64(magnitude(int64(e)), uint64(num))
	if hi >= uint64(den) {
		return 0, ErrOverflow
	}
	quotient, _ := bits.Div64(hi, lo, uint64(den))
	v, err := whole(0, quotient, e < 0)
	return Energy(v), err
}
