package policy

import (
	"fmt"
	"time"
)

// Days is a set of weekdays, bit n for time.Weekday n.
type Days uint8

// Daily is all seven days.
const Daily Days = 1<<7 - 1

// Has reports whether d is in the set.
func (s Days) Has(d time.Weekday) bool { return s&(1<<d) != 0 }

// Minute is a time of day in minutes after midnight, 0 to 1440.
type Minute uint16

// String is "HH:MM"; the end of the day is "24:00".
func (m Minute) String() string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// ParseMinute reads "HH:MM" from 00:00 to 24:00.
func ParseMinute(s string) (Minute, error) {
	digit := func(i int) bool { return s[i] >= '0' && s[i] <= '9' }
	if len(s) == 5 && s[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4) {
		hour := int(s[0]-'0')*10 + int(s[1]-'0')
		minute := int(s[3]-'0')*10 + int(s[4]-'0')
		if minute < 60 && hour*60+minute <= 24*60 {
			return Minute(hour*60 + minute), nil
		}
	}
	return 0, fmt.Errorf("%q is not a time of day; write HH:MM from 00:00 to 24:00", s)
}

// Window is a span of hours on some days: From up to, not including, To. It
// never runs past midnight; two windows do that.
type Window struct {
	Days     Days
	From, To Minute
}

// Contains reports whether t's own calendar and clock are in the window.
func (w Window) Contains(t time.Time) bool {
	at := Minute(t.Hour()*60 + t.Minute())
	return w.Days.Has(t.Weekday()) && w.From <= at && at < w.To
}
