package tariff

import (
	"fmt"
	"time"
)

// Cycle is the period after which the tier counter goes back to zero: by the
// year from 1 January in Shandong, from 1 December in Guizhou, by the month in
// Shenzhen. The zero Cycle never ends.
type Cycle struct {
	Month  int // 1 to 12: a month in which a cycle starts
	Day    int // 1 to 28: the day of the month, so that each month has it
	Months int // 1, 2, 3, 4, 6 or 12: its length
}

// Check reports a month, day or length that makes no calendar.
func (c Cycle) Check() error {
	switch {
	case c.Month < 1 || c.Month > 12:
		return fmt.Errorf("cycle month is %d; give the starting month, 1 to 12", c.Month)
	case c.Day < 1 || c.Day > 28:
		return fmt.Errorf("cycle day is %d; give 1 to 28, days that every month has", c.Day)
	case c.Months < 1 || c.Months > 12 || 12%c.Months != 0:
		return fmt.Errorf("cycle is %d months long; give 1, 2, 3, 4, 6 or 12, so that years fit", c.Months)
	}
	return nil
}

// Around is the cycle that t lies in, by t's own calendar: from start up to,
// not including, end. The cycle must have passed Check.
func (c Cycle) Around(t time.Time) (start, end time.Time) {
	year, month, day := t.Date()
	months := year*12 + int(month) - 1
	if day < c.Day {
		months-- // still the month that began with Day of the month before
	}
	into := (months - (c.Month - 1)) % c.Months
	if into < 0 {
		into += c.Months
	}
	first := months - into
	// time.Date carries months beyond a year and below zero.
	start = time.Date(0, time.Month(first+1), c.Day, 0, 0, 0, 0, t.Location())
	end = time.Date(0, time.Month(first+c.Months+1), c.Day, 0, 0, 0, 0, t.Location())
	return start, end
}
