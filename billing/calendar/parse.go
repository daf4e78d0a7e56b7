package calendar

import (
	"strings"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
	"feikong/internal/document"
)

// Bounds of a calendar document: what one utility keeps.
const (
	yearsMax    = 100 // of coverage; a byte a day
	holidaysMax = 255 // names, one byte each in the index; announcements have seven a year, of 30 years
	datesMax    = 4096
)

type raw struct {
	Calendar document.Of[string]   `yaml:"calendar"`
	Name     rawName               `yaml:"name"`
	Document document.Of[string]   `yaml:"document"`
	Covers   *rawSpan              `yaml:"covers"`
	Weekend  []document.Of[string] `yaml:"weekend"`
	Holidays []rawHoliday          `yaml:"holidays"`
	Workdays []document.Of[string] `yaml:"workdays"`
	RestDays []document.Of[string] `yaml:"rest_days"`
	HotDays  *rawHot               `yaml:"hot_days"`
}

type rawName struct {
	ZH string `yaml:"zh"`
	EN string `yaml:"en"`
}

type rawSpan struct {
	Line document.Line
	From document.Of[string] `yaml:"from"`
	To   document.Of[string] `yaml:"to"`
}

type rawHoliday struct {
	Line document.Line
	Name rawName             `yaml:"name"`
	On   document.Of[string] `yaml:"on"`
	From document.Of[string] `yaml:"from"`
	To   document.Of[string] `yaml:"to"`
}

type rawHot struct {
	Line document.Line
	From document.Of[string]   `yaml:"from"`
	To   document.Of[string]   `yaml:"to"`
	Days []document.Of[string] `yaml:"days"`
}

// Parse reads one calendar document, YAML or JSON, and checks that no day is two things. Errors carry line and remedy; see
// document.Error.
func Parse(name string, data []byte) (*Calendar, error) {
	var r raw
	if err := document.Decode(name, data, &r); err != nil {
		return nil, err
	}
	p := parser{name: name, raw: &r, c: &Calendar{}}
	for _, step := range []func() error{p.head, p.weekends, p.holidays, p.moved, p.hot} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p.c, nil
}

type parser struct {
	name  string
	raw   *raw
	c     *Calendar
	lines []int32 // by day: the line that gave it its kind; 0: its weekday
}

func (p *parser) fault(line int, format string, args ...any) error {
	return document.Errorf(p.name, line, format, args...)
}

func (p *parser) head() (err error) {
	r := p.raw
	switch {
	case r.Calendar.Value == "":
		return p.fault(r.Calendar.Line, "calendar is missing; give the calendar its id, such as cn, which tariffs name")
	case r.Name.ZH == "" && r.Name.EN == "":
		return p.fault(0, "name is missing; give zh or en")
	case r.Document.Value == "":
		return p.fault(r.Document.Line, "document is missing; give the announcement that sets the holidays")
	case r.Covers == nil:
		return p.fault(0, "covers is missing; give the first and the last day, such as {from: 2026-01-01, to: 2026-12-31}")
	}
	c := p.c
	c.ID, c.Name, c.Document = r.Calendar.Value, billing.Name(r.Name), r.Document.Value
	if c.From, c.To, err = p.span("covers", int(r.Covers.Line), r.Covers.From, r.Covers.To); err != nil {
		return err
	}
	if c.To.Year()-c.From.Year() > yearsMax {
		return p.fault(int(r.Covers.Line), "covers more than %d years; cut it", yearsMax)
	}
	n := index(c.From, c.To) + 1
	c.kinds, c.named, p.lines = make([]uint8, n), make([]uint8, n), make([]int32, n)
	return nil
}

// date reads a date that exists.
func (p *parser) date(key string, text document.Of[string], line int) (time.Time, error) {
	if !text.Present() {
		return time.Time{}, p.fault(line, "%s is missing; give a date such as 2026-01-01", key)
	}
	t, err := time.Parse(time.DateOnly, text.Value)
	if err != nil {
		return time.Time{}, p.fault(text.Line, "%s: %q is not a date; write it like 2026-01-01", key, text.Value)
	}
	if t.Year() < 1900 || t.Year() > 2999 {
		return time.Time{}, p.fault(text.Line, "%s: year %d is outside 1900 to 2999", key, t.Year())
	}
	return t, nil
}

// span reads two dates, both included.
func (p *parser) span(what string, line int, from, to document.Of[string]) (a, b time.Time, err error) {
	if a, err = p.date(what+": from", from, line); err != nil {
		return a, b, err
	}
	if b, err = p.date(what+": to", to, line); err != nil {
		return a, b, err
	}
	if b.Before(a) {
		return a, b, p.fault(to.Line, "%s: to is before from; to is the last day", what)
	}
	return a, b, nil
}

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// weekends gives every day the kind of its weekday.
func (p *parser) weekends() error {
	free := [7]bool{0: true, 6: true}
	if p.raw.Weekend != nil {
		free = [7]bool{}
	}
next:
	for _, w := range p.raw.Weekend {
		for i, word := range weekdays {
			if w.Value == word {
				free[i] = true
				continue next
			}
		}
		return p.fault(w.Line, "weekend: %q is not one of %s", w.Value, strings.Join(weekdays[:], ", "))
	}
	first := int(p.c.From.Weekday())
	for i := range p.c.kinds {
		kind := tariff.Workday
		if free[(first+i)%7] {
			kind = tariff.Weekend
		}
		p.c.kinds[i] = uint8(kind)
	}
	return nil
}

// set gives one day another kind, once.
func (p *parser) set(t time.Time, kind tariff.DayKind, line int, what string) (int, error) {
	i := index(p.c.From, t)
	if t.Before(p.c.From) || t.After(p.c.To) {
		return 0, p.fault(line, "%s: %s is outside what the calendar covers, %s to %s; widen covers or remove it", what, day(t), day(p.c.From), day(p.c.To))
	}
	if p.lines[i] != 0 {
		return 0, p.fault(line, "overlap: %s: %s is told on line %d already; keep one", what, day(t), p.lines[i])
	}
	p.lines[i] = int32(max(line, 1))
	p.c.kinds[i] = uint8(kind)
	return i, nil
}

func (p *parser) holidays() error {
	if n := len(p.raw.Holidays); n > holidaysMax {
		return p.fault(int(p.raw.Holidays[holidaysMax].Line), "%d holidays, at most %d; begin a new calendar", n, holidaysMax)
	}
	for k := range p.raw.Holidays {
		r := &p.raw.Holidays[k]
		line := int(r.Line)
		if r.Name.ZH == "" && r.Name.EN == "" {
			return p.fault(line, "holiday: name is missing; give zh or en")
		}
		from, to := r.From, r.To
		if r.On.Present() {
			if from.Present() || to.Present() {
				return p.fault(r.On.Line, "holiday: on is one day, from and to are several; keep one of the two")
			}
			from, to = r.On, r.On
		}
		a, b, err := p.span("holiday", line, from, to)
		if err != nil {
			return err
		}
		p.c.words = append(p.c.words, billing.Name(r.Name))
		// Each day is set once or refused, so the loop ends with the coverage.
		for t := a; !t.After(b); t = t.AddDate(0, 0, 1) {
			i, err := p.set(t, tariff.Holiday, line, "holiday")
			if err != nil {
				return err
			}
			p.c.named[i] = uint8(k + 1)
		}
	}
	return nil
}

// moved reads the weekends that are worked and the workdays that are free for it.
func (p *parser) moved() error {
	for _, list := range []struct {
		key   string
		dates []document.Of[string]
		kind  tariff.DayKind
		was   tariff.DayKind
		say   string
	}{
		{"workdays", p.raw.Workdays, tariff.Workday, tariff.Weekend, "a workday anyway"},
		{"rest_days", p.raw.RestDays, tariff.Weekend, tariff.Workday, "a weekend anyway"},
	} {
		if len(list.dates) > datesMax {
			return p.fault(list.dates[datesMax].Line, "%s: %d dates, at most %d", list.key, len(list.dates), datesMax)
		}
		for _, text := range list.dates {
			t, err := p.date(list.key, text, text.Line)
			if err != nil {
				return err
			}
			if i := index(p.c.From, t); i >= 0 && i < len(p.c.kinds) && p.lines[i] == 0 && p.c.kinds[i] != uint8(list.was) {
				return p.fault(text.Line, "%s: %s is %s; check the date or remove it", list.key, day(t), list.say)
			}
			if _, err := p.set(t, list.kind, text.Line, list.key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *parser) hot() (err error) {
	r := p.raw.HotDays
	if r == nil {
		return nil
	}
	c := p.c
	if c.HotFrom, c.HotTo, err = p.span("hot_days", int(r.Line), r.From, r.To); err != nil {
		return err
	}
	if c.HotFrom.Before(c.From) || c.HotTo.After(c.To) {
		return p.fault(int(r.Line), "hot_days: %s to %s is not within what the calendar covers; widen covers", day(c.HotFrom), day(c.HotTo))
	}
	if len(r.Days) > datesMax {
		return p.fault(r.Days[datesMax].Line, "hot_days: %d dates, at most %d", len(r.Days), datesMax)
	}
	for _, text := range r.Days {
		t, err := p.date("hot_days", text, text.Line)
		if err != nil {
			return err
		}
		if t.Before(c.HotFrom) || t.After(c.HotTo) {
			return p.fault(text.Line, "hot_days: %s is outside %s to %s; widen from and to, the days for which the temperature is known", day(t), day(c.HotFrom), day(c.HotTo))
		}
		i := index(c.From, t)
		if c.kinds[i]&uint8(tariff.HotDay) != 0 {
			return p.fault(text.Line, "hot_days: %s stands here twice; keep one", day(t))
		}
		c.kinds[i] |= uint8(tariff.HotDay)
	}
	return nil
}
