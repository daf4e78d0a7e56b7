// Package usage holds what a bill rests on beside prices: usage documents, and
// the way from readings to the energy of each part of a period. The total
// register is the authority, a fall of a register is held unless a rollover is
// proven, segments of replaced meters add up, sub-meters are subtracted.
package usage

import (
	"errors"
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// ErrHold: the readings do not prove the energy; the period is held, not
// billed, until a person or a further reading settles it.
var ErrHold = errors.New("held, not billed")

// Bounds of a document: far above any account, so that a mistake in a file is
// told before it costs time.
const (
	periodsMax  = 600 // fifty years by the month
	metersMax   = 256
	segmentsMax = 64
	readingsMax = 10_000
	registerMax = 63  // rate registers of DL/T 645-2007
	monthsMax   = 120 // of one period: nobody bills more than ten years at once
)

// Document is one account's usage: periods to bill in their order, earlier ones
// corrected, money paid in advance, bills to share out, sums paid late.
type Document struct {
	ID, Account string
	Name        string // of the file, for errors
	Periods     []Period
	Corrections []Correction // of periods above, which were billed
	Sale        *Sale        // nil: nothing is sold in advance
	Allocate    *Allocate    // nil: no bill is shared out
	Late        []Late
}

// Period is what one account used from From up to, not including, To.
type Period struct {
	From, To time.Time
	// Counter is what the tier cycle had used before From; it matters only where
	// CounterKnown, or From begins the cycle.
	Counter      billing.Energy
	CounterKnown bool
	NewOwner     bool // the owner changed (过户) at From
	FreeBefore   billing.Energy
	FreeStock    billing.Energy // of a daily allowance, stacked up before From
	ToDate       bool           // the month still runs
	// BilledWith is the highest number of a version that was known when the period
	// was billed; 0: all that are known now.
	BilledWith int
	Meters     []Meter

	Persons  int
	Words    []string
	Since    time.Time // when the supply was opened; zero: before the tier cycle
	Supplies []Supply

	Taken, Back   billing.Energy // reactive energy, mvarh, beside what meters counted
	ReactiveKnown bool
	Active        billing.Energy // of the power factor; 0: the period's
	Loss          billing.Energy // of the transformer, joins the remainder's band
	LossBands     []Count

	Line int    // in the document
	Name string // of the document
}

// Meter is one metering point: its segments follow each other.
type Meter struct {
	ID       string
	Subtract bool // it sits behind the others, and another account pays for it
	Segments []Segment
	Line     int
}

// Segment is a stretch with one device and one multiplier. Its energy comes
// from readings, from counts, from hourly values, or from hours below a total.
type Segment struct {
	From, To   time.Time
	Serial     string // of the device; may be empty
	Digits     int    // of its registers; 0: not known, then no rollover is proven
	Multiplier int64
	MaxRate    billing.Energy // that the contract capacity draws in an hour; 0: not known
	Readings   []Reading      // rising in time
	Total      billing.Energy
	TotalKnown bool
	Counts     []Count // by band
	Hours      *Hours
	Line       int
}

// Reading is the registers of a device at one instant.
type Reading struct {
	At     time.Time
	Method Method
	Values []Value
	Line   int
}

// Value is one register (示数), as the device shows it.
type Value struct {
	Register string // total, reactive, reactive-back, a band's code or a rate register's number
	Value    billing.Energy
	Line     int
}

// Count is energy of one band, by its code or by its register's number.
type Count struct {
	Register string
	Energy   billing.Energy
	Line     int
}

// Hours is energy by equal steps of time.
type Hours struct {
	From time.Time
	Step time.Duration // 5, 10, 15, 30 or 60 minutes
	KWh  []billing.Energy
	Line int
}

// Supply is one incoming line with its transformers.
type Supply struct {
	Mode                         tariff.BasicMode
	Capacity, Declared, Measured billing.Quantity
	From, To                     time.Time // of its use; zero: the period's
	Days                         int       // in use, when told; -1: by From and To
	Line                         int
}

// Correction replaces an earlier period. From is that of the period it replaces.
type Correction struct {
	Period Period
	Reason string
	Form   Form
}

// Form is how a correction is written.
type Form uint8

// Forms of a correction.
const (
	Rebill     Form = iota // the mirror of the old bill, and a new one
	Difference             // one line with the difference (退补)
)

// Method says how a reading came about, in the order that policies allow them (B12).
type Method uint8

// Methods. Freeze to Interpolated issue automatically; an estimate (估抄) never trips.
const (
	Told         Method = iota // the document gives the energy without readings
	Freeze                     // the meter's own daily freeze (日冻结)
	Snapshot                   // the agent's, within five minutes
	Interpolated               // between good readings at most six hours apart
	Hand                       // by hand, with a photo
	Estimate
)

var methodWords = [...]string{"told", "freeze", "snapshot", "interpolation", "hand", "estimate"}

// String is the word of documents.
func (m Method) String() string {
	if int(m) < len(methodWords) {
		return methodWords[m]
	}
	return fmt.Sprintf("method %d", uint8(m))
}

// fault is an error at a line of the document the period came from.
func (p *Period) fault(line int, kind error, format string, args ...any) error {
	return fmt.Errorf("%s: line %d: %s: %w", p.Name, line, fmt.Sprintf(format, args...), kind)
}

// lacks is a fault for what the tariff needs and the usage does not tell.
func (p *Period) lacks(line int, format string, args ...any) error {
	return p.fault(line, rate.ErrFacts, format, args...)
}
