// Package calendar holds holiday calendars (节假日安排): which days are holidays, which weekends are worked (调休), which days were hot.
// Tariffs name a calendar and tell the bands of a day by it.
package calendar

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// Calendar tells the kind of each local day that it covers. It is immutable and safe to share; it implements tariff.Days.
type Calendar struct {
	ID       string // what tariffs write under calendar
	Name     billing.Name
	Document string    // the announcement, as printed
	From, To time.Time // the first and the last day covered, midnight UTC as a plain date
	// HotFrom and HotTo are the days for which it is known whether they were hot; zero when the calendar keeps no hot days.
	HotFrom, HotTo time.Time

	kinds []uint8 // by day from From: a tariff.DayKind, HotDay included
	named []uint8 // by day from From: index of the holiday's name plus 1
	words []billing.Name
}

var _ tariff.Days = (*Calendar)(nil)

// Kind is the kind of a local day. known is false outside what the calendar covers, and outside its hot days when it keeps any: a band
// for hot days cannot be told before it is known whether the day was one.
func (c *Calendar) Kind(year int, month time.Month, day int) (kind tariff.DayKind, known bool) {
	t := date(year, month, day)
	i := index(c.From, t)
	if i < 0 || i >= len(c.kinds) || !c.HotFrom.IsZero() && (t.Before(c.HotFrom) || t.After(c.HotTo)) {
		return 0, false
	}
	return tariff.DayKind(c.kinds[i]), true
}

// Holiday is the name of the holiday on a local day; both languages empty on other days.
func (c *Calendar) Holiday(year int, month time.Month, day int) billing.Name {
	i := index(c.From, date(year, month, day))
	if i < 0 || i >= len(c.named) || c.named[i] == 0 {
		return billing.Name{}
	}
	return c.words[c.named[i]-1]
}

// Serves reports what keeps a version from being priced with the calendar at all: another calendar's name, or no hot days where the
// schedule asks for them. A version without a calendar is served by any.
func (c *Calendar) Serves(v *tariff.Version) error {
	hot := false
	for i := range v.Schedule.Tables {
		hot = hot || v.Schedule.Tables[i].Days&tariff.HotDay != 0
	}
	switch {
	case v.Calendar == "":
		return nil
	case v.Calendar != c.ID:
		return fmt.Errorf("version %d of tariff %s needs calendar %s, this one is %s; give that one", v.Number, v.ID, v.Calendar, c.ID)
	case hot && c.HotFrom.IsZero():
		return fmt.Errorf("version %d of tariff %s has bands for hot days, but calendar %s keeps none; add hot_days to it", v.Number, v.ID, c.ID)
	}
	return nil
}

// Covers reports days of the version's validity that the calendar does not know. until bounds a version without an end: the days up to
// it, not included, must be known; zero asks for the first day alone.
func (c *Calendar) Covers(v *tariff.Version, until time.Time) error {
	if v.Calendar == "" {
		return nil
	}
	if !v.ValidTo.IsZero() && (until.IsZero() || v.ValidTo.Before(until)) {
		until = v.ValidTo
	}
	from, to := c.From, c.To
	if !c.HotFrom.IsZero() {
		from, to = later(from, c.HotFrom), earlier(to, c.HotTo)
	}
	first := plain(v.ValidFrom.In(v.Location()))
	last := first
	if until.After(v.ValidFrom) {
		last = plain(until.Add(-time.Nanosecond).In(v.Location()))
	}
	if first.Before(from) || last.After(to) {
		return fmt.Errorf("calendar %s covers %s to %s, version %d of tariff %s needs %s to %s; add the missing years to the calendar",
			c.ID, day(from), day(to), v.Number, v.ID, day(first), day(last))
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// date is a plain date, counted in UTC where every day has 24 hours.
func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// plain is t's own date.
func plain(t time.Time) time.Time { return date(t.Date()) }

// index is the number of days from a to b.
func index(a, b time.Time) int {
	const daySeconds = 24 * 3600
	return int((b.Unix() - a.Unix()) / daySeconds)
}

func day(t time.Time) string { return t.Format(time.DateOnly) }
