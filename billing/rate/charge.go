// Package rate prices energy by a tariff version. The estimate (测算) and the
// bill are one function: a bill is the Charge of a period, issued, and so
// equals the last estimate to the fen.
//
// Each component of a version adds its lines in turn; see components.
package rate

import (
	"errors"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

var (
	// ErrCycleCrossed: the period goes past the end of the tier cycle; price
	// the part before and the part after it, split by a reading.
	ErrCycleCrossed = errors.New("period crosses the end of a tier cycle")
	// ErrVersionCrossed: the period is not within the version's validity; price
	// each version's part on its own.
	ErrVersionCrossed = errors.New("period crosses the end of a tariff version")
	// ErrUsage: energy or time below zero.
	ErrUsage = errors.New("usage is not valid")
	// ErrVersion: a version that Parse did not make.
	ErrVersion = errors.New("tariff version is not valid")
)

// Usage is what one account (all its meters together) used in one period.
type Usage struct {
	// From and To bound the period, To not included; both lie in one tier cycle
	// and one version.
	From, To time.Time
	// Energy of the period: the sum over the meters that share the tiers.
	Energy billing.Energy
	// CycleBefore is the consumption of the tier cycle before From.
	CycleBefore billing.Energy
}

// LinesMax bounds the lines of a charge: one for each tier.
const LinesMax = tariff.TiersMax

// Line is one printed line: Quantity × Price, rounded, is Amount.
type Line struct {
	// Code is "flat"; "tier1", "tier2", ... in the banded notation; "base",
	// "adder2", "adder3", ... in the incremental one.
	Code     string
	Quantity billing.Energy
	Price    billing.Price
	Amount   billing.Money
}

// Charge is what a period costs. It is a plain value: equal inputs give equal
// charges by ==.
type Charge struct {
	Lines [LinesMax]Line // the first N are used
	N     int
	Total billing.Money // the sum of the lines' rounded amounts

	CycleBefore billing.Energy // counter of the tier cycle before the period
	CycleAfter  billing.Energy // and after it
	Tier        int            // the tier of the last kWh, from 1; 0 when flat
}

// Items is the used lines; the slice shares the memory of c.
func (c *Charge) Items() []Line { return c.Lines[:c.N] }

// add appends one line, rounded at place.
func (c *Charge) add(code string, quantity billing.Energy, price billing.Price, place int) error {
	if c.N == len(c.Lines) {
		return ErrVersion
	}
	amount, err := billing.MulRound(quantity, price, place)
	if err != nil {
		return err
	}
	if c.Total, err = c.Total.Add(amount); err != nil {
		return err
	}
	c.Lines[c.N] = Line{Code: code, Quantity: quantity, Price: price, Amount: amount}
	c.N++
	return nil
}
