// Package register turns two values of a meter's register (示数) into the
// energy between them, and says when that cannot be done honestly.
package register

import (
	"time"

	"feikong/billing"
)

// Rules are the facts of one register of one installation.
type Rules struct {
	// Digits before the point: 6 means the register rolls at 1,000,000 kWh.
	// Zero means unknown: then a fall is never taken for a rollover.
	Digits int
	// Multiplier (倍率) is CT ratio × PT ratio × the meter's own factor; at
	// least 1.
	Multiplier int64
	// MaxRate is the energy that the contract capacity can draw in one hour, on
	// the billed (primary) side. Zero means unknown: never a rollover.
	MaxRate billing.Energy
}

// Verdict says what a pair of register values means.
type Verdict uint8

const (
	// OK: the register rose or stood still.
	OK Verdict = iota
	// Rollover: it passed its last digit, and that is proven.
	Rollover
	// Backwards (倒走): it fell; hold, do not bill.
	Backwards
	// Overflow: the energy is beyond the unit; hold.
	Overflow
	// Invalid: a negative value, one the register cannot show, or a multiplier
	// below 1; hold.
	Invalid
)

// Billable reports whether the energy that came with the verdict may be billed.
func (v Verdict) Billable() bool { return v == OK || v == Rollover }

// String is the verdict in lower case, for logs and records.
func (v Verdict) String() string {
	switch v {
	case OK:
		return "ok"
	case Rollover:
		return "rollover"
	case Backwards:
		return "backwards"
	case Overflow:
		return "overflow"
	}
	return "invalid"
}

// digitsMax keeps 10^digits kWh inside Energy.
const digitsMax = 12

// Delta is the billed energy between two values of one register, read elapsed
// apart: (end − start) × multiplier. The energy is 0 unless the verdict is
// billable.
//
// A fall counts as a rollover only when the start stood in the last tenth of
// the register and the energy it would mean is not more than MaxRate gives in
// the elapsed time; any other fall is Backwards.
func Delta(start, end billing.Energy, elapsed time.Duration, r Rules) (billing.Energy, Verdict) {
	if start < 0 || end < 0 || r.Multiplier < 1 || r.Digits < 0 || r.Digits > digitsMax {
		return 0, Invalid
	}
	capacity := billing.Energy(0)
	if r.Digits > 0 {
		capacity = billing.KWh
		for range r.Digits {
			capacity *= 10
		}
		if start >= capacity || end >= capacity {
			return 0, Invalid
		}
	}
	if end >= start {
		return times(end-start, r.Multiplier, OK)
	}
	if capacity == 0 || r.MaxRate <= 0 || elapsed <= 0 || start < capacity-capacity/10 {
		return 0, Backwards
	}
	used, verdict := times(end+capacity-start, r.Multiplier, Rollover)
	if verdict != Rollover {
		return 0, Backwards // what overflows was never drawn
	}
	if most, err := r.MaxRate.Over(elapsed); err == nil && used > most {
		return 0, Backwards
	}
	return used, Rollover
}

func times(e billing.Energy, multiplier int64, v Verdict) (billing.Energy, Verdict) {
	used, err := e.Times(multiplier)
	if err != nil {
		return 0, Overflow
	}
	return used, v
}
