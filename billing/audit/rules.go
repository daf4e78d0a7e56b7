// Package audit checks each reading and each fee before it may be billed or
// cause a trip (电费审核). The rules are data: each can be switched off, change
// its action and its parameter. Their codes are the trade's, A01 to A24; those
// that one reading and its neighbours can decide are here.
package audit

import (
	"time"

	"feikong/billing"
)

// Action is what a finding does.
type Action uint8

const (
	// Flag: bill, and let a person review.
	Flag Action = 1 + iota
	// HoldTrip: bill, but no trip may rest on it.
	HoldTrip
	// Hold (挂起): store the reading, do not bill it, do not trip.
	Hold
)

// String is "flag", "hold-trip" or "hold", as documents write it.
func (a Action) String() string {
	switch a {
	case Flag:
		return "flag"
	case HoldTrip:
		return "hold-trip"
	case Hold:
		return "hold"
	}
	return "none"
}

// Rule is what every rule has.
type Rule struct {
	Enabled bool
	Action  Action
}

// Rules are the rules with their parameters. It is a plain value, safe to
// share; DefaultRules gives the trade's numbers.
type Rules struct {
	Backwards    Rule // A01 倒走: the register fell and no rollover is proven
	Negative     Rule // A05: energy below zero after corrections
	Unbillable   Rule // A05: the register gave no energy (overflow, impossible value)
	Capacity     Rule // A06 超容: more than the contract capacity could draw
	Bands        Rule // A07: the bands do not add up to the total
	Speed        Rule // A09 飞走: more than the meter could carry
	Stale        Rule // A12: the reading is old
	ClockFlag    Rule // A13 时钟超差: the meter's clock is off,
	ClockTrip    Rule // A13: so far off that no trip may rest on it,
	ClockAhead   Rule // A13: or the reading is from the future
	Multiplier   Rule // A15: the meter's ratio is not the archived one
	FeeRange     Rule // A20: fee per kWh outside the tariff's prices
	DuplicateKey Rule // A22: the same reading again with other content

	CapacityPercent int            // A06: of the contract capacity over the time
	BandsLimit      billing.Energy // A07: the larger of this
	BandsPermille   int            // A07: and this share of the total
	MaxAge          time.Duration  // A12
	ClockFlagAt     time.Duration  // A13: either way
	ClockTripAt     time.Duration  // A13: either way
	AheadAt         time.Duration  // A13: reading after now
	// A20: what rounding by line may add. A currency without decimals needs a
	// wider one.
	FeeTolerance billing.Money
}

// DefaultRules are the trade's defaults.
func DefaultRules() Rules {
	hold, trip, flag := Rule{true, Hold}, Rule{true, HoldTrip}, Rule{true, Flag}
	return Rules{
		Backwards: hold, Negative: hold, Unbillable: hold, Capacity: hold, Bands: hold, Speed: hold, Stale: trip,
		ClockFlag: flag, ClockTrip: trip, ClockAhead: hold, Multiplier: hold, FeeRange: hold, DuplicateKey: hold,

		CapacityPercent: 110,
		BandsLimit:      billing.KWh,
		BandsPermille:   5,
		MaxAge:          26 * time.Hour,
		ClockFlagAt:     5 * time.Minute,
		ClockTripAt:     10 * time.Minute,
		AheadAt:         5 * time.Minute,
		FeeTolerance:    400, // eight lines, each half a fen off
	}
}
