// Package rate prices energy by a tariff version. The estimate (测算) and the
// bill are one function: a bill is the Charge of a period, issued, and so
// equals the last estimate to the fen.
//
// Each component of a version adds its lines in turn, in the order of print.
// What is printed is what is multiplied: quantities have six decimals, prices
// eight, and a percentage is taken of a base that is rounded first.
package rate

import (
	"errors"
	"fmt"
	"math"
	"time"

	"feikong/billing/tariff"
)

var (
	// ErrCycleCrossed: the period goes past the end of the tier cycle; price
	// the part before and the part after it, split by a reading.
	ErrCycleCrossed = errors.New("period crosses the end of a tier cycle")
	// ErrVersionCrossed: the period is not within the version's validity; price
	// each version's part on its own.
	ErrVersionCrossed = errors.New("period crosses the end of a tariff version")
	// ErrUsage: energy or time below zero, or bands that do not add up.
	ErrUsage = errors.New("usage is not valid")
	// ErrFacts: the version charges for what the usage does not tell.
	ErrFacts = errors.New("usage lacks what the tariff needs")
	// ErrVersion: a version that Parse did not make.
	ErrVersion = errors.New("tariff version is not valid")
)

// Estimate prices a period under v. It is a pure function of its arguments and
// allocates nothing for a household unless it fails. v is kept in the charge.
//
// Errors name the component and wrap ErrCycleCrossed, ErrVersionCrossed,
// ErrUsage, ErrFacts, ErrVersion or billing.ErrOverflow.
func Estimate(v *tariff.Version, u Usage) (c Charge, err error) {
	if err := c.rate(v, &u); err != nil {
		return Charge{}, err
	}
	return c, nil
}

// Rate is Estimate into c, whose memory it uses again: for long runs over many
// accounts. After an error c is empty. Copies of c made before share its lines.
func (c *Charge) Rate(v *tariff.Version, u *Usage) error {
	c.reset()
	if err := c.rate(v, u); err != nil {
		c.reset()
		return err
	}
	return nil
}

// reset empties c and keeps the memory of its lines.
func (c *Charge) reset() {
	c.N, c.Total, c.Tier, c.ToDate, c.Loss, c.Cos, c.Funds = 0, 0, 0, false, 0, 0, 0
	c.CycleBefore, c.CycleAfter, c.By = 0, 0, nil
}

func (c *Charge) rate(v *tariff.Version, u *Usage) error {
	if err := c.within(v, u); err != nil {
		return err
	}
	if c.quick(v, u) {
		return nil
	}
	c.N, c.Tier = 0, 0
	after, err := u.CycleBefore.Add(u.Energy)
	if err != nil {
		return fmt.Errorf("energy of the tier cycle: %w", err)
	}
	c.CycleBefore, c.CycleAfter, c.By = u.CycleBefore, after, v
	e := engine{c: c, v: v, u: u, exact: v.Kind == tariff.Composed && v.Rounding == tariff.RoundSum}
	e.all.energy, e.fen = u.Energy, !e.exact && v.Decimals == 2
	switch v.Kind {
	case tariff.Flat:
		err = e.kwh(partFlat, 0, u.Energy, v.Price)
	case tariff.Tiered:
		err = e.tiered()
	case tariff.Composed:
		err = e.composed()
	}
	if err == nil {
		err = e.total()
	}
	if err != nil {
		return fmt.Errorf("price %s kWh by version %d of tariff %s: %w", u.Energy, v.Number, v.ID, err)
	}
	return nil
}

// within checks the period against version and cycle. What it found holds for
// other periods of the same stretch, which are told by comparing seconds.
func (c *Charge) within(v *tariff.Version, u *Usage) error {
	from, to := u.From.Unix(), u.To.Unix()
	if k := &c.known; k.by == v && k.from <= from && from < to && to < k.to && u.Energy|u.CycleBefore >= 0 {
		return nil
	}
	switch {
	case u.To.Before(u.From):
		return fmt.Errorf("%w: the period ends before it begins", ErrUsage)
	case u.Energy < 0 || u.CycleBefore < 0:
		return fmt.Errorf("%w: energy below zero", ErrUsage)
	case u.From.Before(v.ValidFrom) || !v.ValidTo.IsZero() && u.To.After(v.ValidTo):
		return fmt.Errorf("%w: version %d of tariff %s", ErrVersionCrossed, v.Number, v.ID)
	}
	found := window{by: v, from: from, to: math.MaxInt64}
	if v.Cycle.Months != 0 {
		if least := leastLeft(v, u.From); to-from < least {
			found.to = from + least
		} else {
			start, end := v.CycleOf(u.From)
			if u.To.After(end) {
				return fmt.Errorf("%w, %s", ErrCycleCrossed, end.Format("2006-01-02"))
			}
			found.from, found.to = max(start.Unix(), v.ValidFrom.Unix()+1), end.Unix()
		}
	}
	if !v.ValidTo.IsZero() {
		found.to = min(found.to, v.ValidTo.Unix())
	}
	c.known = found
	return nil
}

// leastLeft is the seconds that are left of t's cycle at least, by its whole
// months of 28 days or more: building dates costs more than pricing a household.
func leastLeft(v *tariff.Version, t time.Time) int64 {
	if v.Cycle.Check() != nil {
		return 0
	}
	_, month, day := t.In(v.Location()).Date()
	into := int(month) - v.Cycle.Month
	if day < v.Cycle.Day {
		into--
	}
	left := v.Cycle.Months - 1 - (into+24)%v.Cycle.Months // whole months after the one of t, which may be over in no time
	return int64(left)*28*86_400 - 3600                   // an hour is for a change of clocks
}
