// Package policy holds the baseline policies (基准策略): when an account is
// warned, reminded, tripped and restored, as data. A policy is never edited; a
// change is a higher version.
package policy

import (
	"time"

	"feikong/billing"
)

// RestoreMode says how power returns once the balance allows it.
type RestoreMode uint8

const (
	// RestoreClose (自动复电): the meter closes by itself (control code 1CH).
	RestoreClose RestoreMode = 1 + iota
	// RestorePermit (安全复电): the customer presses the meter's button after
	// the permission (control code 1BH).
	RestorePermit
)

// String is "close" or "permit", as the document writes it.
func (m RestoreMode) String() string {
	switch m {
	case RestoreClose:
		return "close"
	case RestorePermit:
		return "permit"
	}
	return "none"
}

// Policy is one version of a baseline policy. It is immutable and safe to
// share.
type Policy struct {
	ID      string
	Version int // from 1
	Name    billing.Name
	// Clause of the contract (费控协议) or regulation that allows the trip.
	Clause string

	// WarnBelow (预警): an available balance below it opens a warning; the
	// warning ends at WarnBelow + WarnMargin, so that it cannot flutter.
	WarnBelow  billing.Money
	WarnMargin billing.Money
	// TripBelow (停电): an available balance below it begins the way to a trip.
	TripBelow billing.Money
	// Credit (透支额度) is the credit limit inside the available balance.
	Credit billing.Money

	// NoticeGrace is the time between the delivered notice and the trip.
	NoticeGrace time.Duration
	// Windows are the hours in which a trip may go out; without any, none may.
	Windows []Window
	// MaxReadingAge and MaxClockDrift: beyond either, no trip.
	MaxReadingAge time.Duration
	MaxClockDrift time.Duration
	// MinGapBetweenTrips is the least time between two trips of one switch.
	MinGapBetweenTrips time.Duration
	// TripsPerHour is the pace of trips over all accounts of the policy.
	TripsPerHour int

	RestoreMode RestoreMode
	// OrderTTL is how long an order lives before it expires unsent or undone.
	OrderTTL time.Duration

	// Hash is the SHA-256 of all fields above.
	Hash [32]byte
}

// Open reports whether a trip may go out at t, by the calendar of loc.
func (p *Policy) Open(t time.Time, loc *time.Location) bool {
	t = t.In(loc)
	for _, w := range p.Windows {
		if w.Contains(t) {
			return true
		}
	}
	return false
}
