package tariff

import (
	"time"

	"feikong/billing"
)

// Band is a set of hours with a price of their own (时段): peak 峰, valley 谷.
type Band struct {
	Code string // "peak"
	Name billing.Name
	// Register is the meter's rate register that counts it, from 1; 0: the hours are told apart by hourly values alone.
	Register uint8
}

// DayKind is a set of kinds of day; a schedule's table applies on any of them.
type DayKind uint8

// Kinds of day. A day is exactly one of workday, weekend and holiday (调休 moves weekends), and may be hot besides.
const (
	Workday DayKind = 1 << iota
	Weekend
	Holiday
	HotDay // temperature day: a table that names it goes before those that do not
	AnyDay = Workday | Weekend | Holiday
)

// Schedule tells the band of every half hour. The first table that fits the month and the day holds.
type Schedule struct {
	Tables []DayTable
}

// DayTable is one day's bands by half hours, local time.
type DayTable struct {
	Months   uint16 // bit 0 January
	Weekdays uint8  // bit 0 Sunday; 0: all
	Days     DayKind
	Halves   [48]uint8 // index of the band
}

// Days tells the kind of each local day; a holiday calendar (节假日安排) does. known is false beyond what it covers: then nothing is
// priced by it.
type Days interface {
	Kind(year int, month time.Month, day int) (kind DayKind, known bool)
}

// BandAt is the index of the band at t, or false when the calendar does not cover its day, or no table fits.
func (v *Version) BandAt(t time.Time, days Days) (int, bool) {
	t = t.In(v.Location())
	year, month, day := t.Date()
	kind := Workday
	if wd := t.Weekday(); wd == time.Saturday || wd == time.Sunday {
		kind = Weekend
	}
	if days != nil {
		told, known := days.Kind(year, month, day)
		if !known {
			return 0, false
		}
		kind = told
	} else if v.Calendar != "" {
		return 0, false
	}
	half := t.Hour()*2 + t.Minute()/30
	for _, wantHot := range [...]bool{true, false} {
		if wantHot && kind&HotDay == 0 {
			continue
		}
		for i := range v.Schedule.Tables {
			d := &v.Schedule.Tables[i]
			if (d.Days&HotDay != 0) == wantHot && d.Days&kind&AnyDay != 0 && d.Months>>(month-1)&1 != 0 && (d.Weekdays == 0 || d.Weekdays>>t.Weekday()&1 != 0) {
				return int(d.Halves[half]), true
			}
		}
	}
	return 0, false
}
