package tariff

import (
	"fmt"
	"strings"

	"feikong/internal/document"
)

const (
	tablesMax = 96 // day tables of a schedule: each month with eight kinds of day
	halves    = 48 // half hours of a day
)

// schedule reads the day tables and proves that each half hour of each kind of day has one band.
func (p *parser) schedule(v *Version, r *rawVersion) error {
	v.Calendar = r.Calendar.Value
	switch {
	case len(v.Bands) == 0 && len(r.Schedule) > 0:
		return p.fault(int(r.Schedule[0].Line), "schedule stands here, but the version has no bands; name them under bands")
	case r.Calendar.Present() && !isCode(v.Calendar):
		return p.fault(r.Calendar.Line, "calendar: %q; give the id of a calendar document, such as cn", v.Calendar)
	case len(r.Schedule) > tablesMax:
		return p.fault(int(r.Schedule[tablesMax].Line), "%d tables, at most %d", len(r.Schedule), tablesMax)
	case len(v.Bands) == 0 && r.Calendar.Present():
		return p.fault(r.Calendar.Line, "calendar stands here, but the version has no bands; remove it")
	case len(v.Bands) == 0:
		return nil
	case len(r.Schedule) == 0:
		return p.scheduleOfMeter(v, r)
	}
	used := [BandsMax]bool{}
	kinds := 0
	for i := range r.Schedule {
		t, err := p.table(v, &r.Schedule[i])
		if err != nil {
			return err
		}
		for _, b := range t.Halves {
			used[b] = true
		}
		if r.Schedule[i].Days != nil {
			if kinds++; !r.Calendar.Present() {
				return p.fault(int(r.Schedule[i].Line), "calendar is missing; days are told apart by a holiday calendar, name it at the version: calendar: cn")
			}
		}
		v.Schedule.Tables = append(v.Schedule.Tables, t)
	}
	if r.Calendar.Present() && kinds == 0 {
		return p.fault(r.Calendar.Line, "calendar stands here, but no table of the schedule has days; remove it, or give days to the tables")
	}
	for i := range v.Bands {
		if !used[i] {
			return p.fault(int(r.Bands[i].Line), "gap: band %s is in no table of the schedule; give its hours or remove it", v.Bands[i].Code)
		}
	}
	return p.days(v, r)
}

// scheduleOfMeter allows bands without hours when the meter's own registers count them.
func (p *parser) scheduleOfMeter(v *Version, r *rawVersion) error {
	for i := range v.Bands {
		if v.Bands[i].Register == 0 && i != v.Remainder {
			return p.fault(int(r.Bands[i].Line), "schedule is missing and band %s has no register; give the hours under schedule, or the meter's register", v.Bands[i].Code)
		}
	}
	if r.Calendar.Present() {
		return p.fault(r.Calendar.Line, "calendar stands here, but there is no schedule; remove it or give the hours")
	}
	return nil
}

var weekdayWords = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var dayWords = [...]string{"workday", "weekend", "holiday", "hot"}

func (p *parser) table(v *Version, r *rawTable) (t DayTable, err error) {
	if t.Months, err = p.months(r.Months); err != nil {
		return t, err
	}
	if t.Months == 0 {
		t.Months = 1<<12 - 1
	}
	weekdays, err := p.words(r.Weekdays, "weekdays", weekdayWords[:])
	if err != nil {
		return t, err
	}
	t.Weekdays = uint8(weekdays)
	days, err := p.words(r.Days, "days", dayWords[:])
	if err != nil {
		return t, err
	}
	if t.Days = DayKind(days); t.Days&AnyDay == 0 {
		t.Days |= AnyDay
	}
	return t, p.hours(v, r, &t)
}

// words makes a set of words, bit 0 the first.
func (p *parser) words(list []document.Of[string], key string, all []string) (set int, err error) {
next:
	for _, w := range list {
		for i, word := range all {
			if w.Value != word {
				continue
			}
			if set>>i&1 != 0 {
				return 0, p.fault(w.Line, "%s: %s stands here twice; keep one", key, word)
			}
			set |= 1 << i
			continue next
		}
		return 0, p.fault(w.Line, "%s: %q is not one of %s", key, w.Value, strings.Join(all, ", "))
	}
	return set, nil
}

// hours fills the half hours of a table, each once.
func (p *parser) hours(v *Version, r *rawTable, t *DayTable) error {
	const free = 0xff
	for i := range t.Halves {
		t.Halves[i] = free
	}
	rest, restLine := -1, 0
	for i := range r.Hours {
		h := &r.Hours[i]
		band, err := p.bandOf(v, h.Band, int(h.Line))
		if err != nil {
			return err
		}
		if len(h.At) == 0 {
			return p.fault(int(h.Line), "band %s: at is missing; give spans such as 08:00-22:00, or rest", h.Band.Value)
		}
		for _, at := range h.At {
			if at.Value == "rest" {
				if rest >= 0 {
					return p.fault(at.Line, "overlap: the rest is given on line %d already; give spans here", restLine)
				}
				rest, restLine = band, at.Line
				continue
			}
			from, to, err := parseSpan(at.Value)
			if err != nil {
				return p.fault(at.Line, "band %s: %v", h.Band.Value, err)
			}
			for half := from; half != to; half = (half + 1) % (halves + 1) {
				if half == halves {
					continue // over midnight: the same table's morning
				}
				if other := t.Halves[half]; other != free {
					return p.fault(at.Line, "overlap: %s and %s both have %s-%s", v.Bands[other].Code, v.Bands[band].Code, clock(half), clock(half+1))
				}
				t.Halves[half] = uint8(band)
			}
		}
	}
	left := 0
	for half := range t.Halves {
		if t.Halves[half] != free {
			continue
		}
		if left++; rest >= 0 {
			t.Halves[half] = uint8(rest)
			continue
		}
		end := half
		for end < halves && t.Halves[end] == free {
			end++
		}
		return p.fault(int(r.Line), "gap: no band has %s-%s; add the span to a band, or write at: [rest] for one", clock(half), clock(end))
	}
	if rest >= 0 && left == 0 {
		return p.fault(restLine, "overlap: nothing is left for %s, the other bands have the whole day; remove it", v.Bands[rest].Code)
	}
	return nil
}

// parseSpan reads "07:30-09:00" as half hours of the day; "22:00-08:00" goes over midnight.
func parseSpan(s string) (from, to int, err error) {
	a, b, ok := strings.Cut(s, "-")
	if ok {
		if from, ok = parseClock(a); ok {
			to, ok = parseClock(b)
		}
	}
	switch {
	case !ok:
		return 0, 0, fmt.Errorf("%q is not a span of the day; write it like 07:30-09:00, on full or half hours", s)
	case from == halves:
		return 0, 0, fmt.Errorf("%q begins at 24:00; write 00:00", s)
	case from == to:
		return 0, 0, fmt.Errorf("%q is empty; for the whole day write 00:00-24:00", s)
	}
	if to == 0 {
		to = halves
	}
	return from, to, nil
}

// parseClock reads "07:30" as a number of half hours, 0 to 48.
func parseClock(s string) (half int, ok bool) {
	if len(s) != 5 || s[2] != ':' || strings.Trim(s[:2]+s[3:], "0123456789") != "" {
		return 0, false
	}
	half = (int(s[0]-'0')*10 + int(s[1]-'0')) * 2
	switch s[3:] {
	case "00":
	case "30":
		half++
	default:
		return 0, false
	}
	return half, half <= halves
}

// clock is the start of a half hour: "07:30".
func clock(half int) string { return fmt.Sprintf("%02d:%02d", half/2, half%2*30) }

// days proves that every kind of day of every month has one table. Without a calendar the weekday tells the kind.
func (p *parser) days(v *Version, r *rawVersion) error {
	for month := range 12 {
		for weekday := range 7 {
			for kind := range 3 {
				if weekend := weekday == 0 || weekday == 6; v.Calendar == "" && (kind == 2 || weekend != (kind == 1)) {
					continue
				}
				if err := p.oneTable(v, r, month, weekday, kind); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *parser) oneTable(v *Version, r *rawVersion, month, weekday, kind int) error {
	ordinary, hot := -1, -1
	for i := range v.Schedule.Tables {
		t := &v.Schedule.Tables[i]
		if t.Months>>month&1 == 0 || t.Days>>kind&1 == 0 || t.Weekdays != 0 && t.Weekdays>>weekday&1 == 0 {
			continue
		}
		seen, word := &ordinary, ""
		if t.Days&HotDay != 0 {
			seen, word = &hot, "hot "
		}
		if *seen >= 0 {
			return p.fault(int(r.Schedule[i].Line), "overlap: this table and the one on line %d both hold on a %s%s of month %d that is a %s; narrow months, weekdays or days of one",
				int(r.Schedule[*seen].Line), word, weekdayWords[weekday], month+1, dayWords[kind])
		}
		*seen = i
	}
	if ordinary < 0 {
		return p.fault(int(r.Schedule[0].Line), "gap: no table holds on a %s of month %d that is a %s; add one, or widen months, weekdays or days",
			weekdayWords[weekday], month+1, dayWords[kind])
	}
	return nil
}
