package rate

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// monthParts divides every length of a month, 28 to 31 days, so that parts of
// different months add up exactly.
const monthParts = 28 * 29 * 15 * 31

// levy adds a price on every kWh of the period (代征).
func (e *engine) levy(l *tariff.Levy) error {
	if err := e.kwh(partNone, 0, e.all.energy, l.Price); err != nil {
		return err
	}
	e.c.last().Included = l.Included
	return nil
}

// fixed adds a charge by the day or by the month.
func (e *engine) fixed(f *tariff.Fixed) error {
	switch {
	case f.PerDay != 0 && f.PerMonth != 0:
		return fmt.Errorf("%w: a price for the day and one for the month", ErrVersion)
	case f.PerDay != 0 || f.PerMonth == 0:
		return e.add(partNone, 0, billing.UnitDay, billing.Quantity(e.days())*1e6, f.PerDay, 0, 0)
	case !f.Prorate:
		return e.add(partNone, 0, billing.UnitMonth, e.months(), f.PerMonth, 0, 0)
	}
	parts := e.monthParts()
	if parts%monthParts == 0 {
		return e.add(partNone, 0, billing.UnitMonth, billing.Quantity(parts/monthParts)*1e6, f.PerMonth, 0, 0)
	}
	return e.add(partNone, 0, billing.UnitMonth, 1e6, f.PerMonth, parts, monthParts)
}

// daysMax bounds a period: nobody bills more than ten years at once, and all
// counts of days fit their lines.
const daysMax = 3660

// days of the period: as told, or the local dates from From up to To.
func (e *engine) days() int {
	if f := e.u.Facts; f != nil && f.Days != 0 {
		return f.Days
	}
	return int(e.dateOf(e.u.To) - e.dateOf(e.u.From))
}

// dateOf numbers the local dates.
func (e *engine) dateOf(t time.Time) int64 {
	year, month, day := t.In(e.v.Location()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86_400
}

// months of the period: as told, or those begun since From.
func (e *engine) months() billing.Quantity {
	if f := e.u.Facts; f != nil && f.Months != 0 {
		return f.Months
	}
	from, to := e.u.From.In(e.v.Location()), e.u.To.In(e.v.Location())
	year, month, day := from.Date()
	year2, month2, day2 := to.Date()
	n := (year2-year)*12 + int(month2-month)
	// A month from the 31st ends on the last day of a shorter one.
	day = min(day, time.Date(year2, month2+1, 0, 0, 0, 0, 0, time.UTC).Day())
	if day2 > day || day2 == day && sinceMidnight(to) > sinceMidnight(from) {
		n++
	}
	return billing.Quantity(n) * 1e6
}

func sinceMidnight(t time.Time) time.Duration {
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
}

// monthParts is the sum, over the calendar months of the period, of its days to
// the days of the month, in 1/monthParts.
func (e *engine) monthParts() (parts int64) {
	year, month, day := e.u.From.In(e.v.Location()).Date()
	left := int64(e.days())
	for left > 0 {
		length := int64(time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day())
		n := min(left, length-int64(day)+1)
		parts += n * (monthParts / length)
		left, day, month = left-n, 1, month+1
	}
	return parts
}
