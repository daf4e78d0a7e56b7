package calendar_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"feikong/billing/calendar"
	"feikong/billing/tariff"
	"feikong/internal/document"
)

func cn(t testing.TB) *calendar.Calendar {
	t.Helper()
	data, err := os.ReadFile("../../configs/calendars/cn.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := calendar.Parse("cn.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheYear2026(t *testing.T) {
	c := cn(t)
	for _, test := range []struct {
		day  string
		want tariff.DayKind
		name string
	}{
		{"2026-01-01", tariff.Holiday, "元旦"},
		{"2026-01-03", tariff.Holiday, "元旦"},
		{"2026-01-04", tariff.Workday, ""}, // a Sunday that is worked
		{"2026-01-05", tariff.Workday, ""},
		{"2026-01-10", tariff.Weekend, ""},
		{"2026-02-14", tariff.Workday, ""},
		{"2026-02-15", tariff.Holiday, "春节"},
		{"2026-02-23", tariff.Holiday, "春节"},
		{"2026-02-24", tariff.Workday, ""},
		{"2026-10-10", tariff.Workday, ""},
		{"2026-12-31", tariff.Workday, ""},
	} {
		at, err := time.Parse(time.DateOnly, test.day)
		if err != nil {
			t.Fatal(err)
		}
		year, month, day := at.Date()
		if got, known := c.Kind(year, month, day); !known || got != test.want {
			t.Errorf("%s: got kind %d, %t, want %d", test.day, got, known, test.want)
		}
		if got := c.Holiday(year, month, day).ZH; got != test.name {
			t.Errorf("%s: got holiday %q, want %q", test.day, got, test.name)
		}
	}
	free, worked := 0, 0
	for at := c.From; !at.After(c.To); at = at.AddDate(0, 0, 1) {
		switch kind, _ := c.Kind(at.Date()); {
		case kind == tariff.Holiday:
			free++
		case kind == tariff.Workday && (at.Weekday() == time.Saturday || at.Weekday() == time.Sunday):
			worked++
		}
	}
	if free != 3+9+3+5+3+3+7 || worked != 6 {
		t.Errorf("got %d holidays and %d worked weekends, want 33 and 6", free, worked)
	}
}

func TestBeyondTheCoverageNothingIsKnown(t *testing.T) {
	c := cn(t)
	for _, year := range []int{2025, 2027} {
		month, day := time.December, 31
		if year == 2027 {
			month, day = time.January, 1
		}
		if _, known := c.Kind(year, month, day); known {
			t.Errorf("%d-%d-%d is said to be known", year, month, day)
		}
		if got := c.Holiday(year, month, day); got.ZH != "" {
			t.Errorf("%d has holiday %v", year, got)
		}
	}
}

const small = `calendar: x
name: {en: X}
document: D
covers: {from: 2026-07-01, to: 2026-07-31}
`

func TestHotDaysAreKnownAfterwards(t *testing.T) {
	c, err := calendar.Parse("x", []byte(small+"holidays: [{on: 2026-07-06, name: {en: H}}]\nrest_days: [2026-07-07]\nweekend: [fri, sat]\nhot_days: {from: 2026-07-01, to: 2026-07-20, days: [2026-07-06, 2026-07-20]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		day   int
		want  tariff.DayKind
		known bool
	}{
		{3, tariff.Weekend, true}, // a Friday
		{5, tariff.Workday, true}, // a Sunday
		{6, tariff.Holiday | tariff.HotDay, true},
		{7, tariff.Weekend, true}, // moved
		{20, tariff.Workday | tariff.HotDay, true},
		{21, 0, false},
	} {
		if got, known := c.Kind(2026, time.July, test.day); got != test.want || known != test.known {
			t.Errorf("day %d: got %d, %t, want %d, %t", test.day, got, known, test.want, test.known)
		}
	}
}

func TestServesAndCoversNameWhatIsMissing(t *testing.T) {
	c := cn(t)
	zone := time.FixedZone("+08:00", 8*3600)
	at := func(year int, month time.Month) time.Time { return time.Date(year, month, 1, 0, 0, 0, 0, zone) }
	table := []tariff.DayTable{{Months: 1<<12 - 1, Days: tariff.AnyDay}}
	hot := []tariff.DayTable{{Months: 1<<12 - 1, Days: tariff.AnyDay | tariff.HotDay}}
	for _, test := range []struct {
		name  string
		v     tariff.Version
		until time.Time
		want  string
	}{
		{"none needed", tariff.Version{}, time.Time{}, ""},
		{"covered", tariff.Version{Calendar: "cn", ValidFrom: at(2026, 1), ValidTo: at(2027, 1)}, time.Time{}, ""},
		{"first day alone", tariff.Version{Calendar: "cn", ValidFrom: at(2026, 1)}, time.Time{}, ""},
		{"until", tariff.Version{Calendar: "cn", ValidFrom: at(2026, 1)}, at(2026, 8), ""},
		{"until after the end", tariff.Version{Calendar: "cn", ValidFrom: at(2026, 1), ValidTo: at(2026, 3)}, at(2030, 1), ""},
		{"another", tariff.Version{ID: "t", Number: 3, Calendar: "cn-sichuan", ValidFrom: at(2026, 1)}, time.Time{}, "version 3 of tariff t needs calendar cn-sichuan, this one is cn"},
		{"begins before", tariff.Version{Calendar: "cn", ValidFrom: at(2025, 12)}, time.Time{}, "covers 2026-01-01 to 2026-12-31, version 0 of tariff  needs 2025-12-01 to 2025-12-01"},
		{"ends after", tariff.Version{Calendar: "cn", ValidFrom: at(2026, 1), ValidTo: at(2027, 2)}, time.Time{}, "needs 2026-01-01 to 2027-01-31; add the missing years"},
		{"no hot days", tariff.Version{Calendar: "cn", ValidFrom: at(2026, 1), Schedule: tariff.Schedule{Tables: hot}}, time.Time{}, "keeps none; add hot_days"},
	} {
		if test.v.Schedule.Tables == nil {
			test.v.Schedule.Tables = table
		}
		test.v.Zone = zone
		err := c.Serves(&test.v)
		if err == nil {
			err = c.Covers(&test.v, test.until)
		}
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	warm, err := calendar.Parse("x", []byte(small+"hot_days: {from: 2026-07-02, to: 2026-07-20, days: []}\n"))
	if err != nil {
		t.Fatal(err)
	}
	v := tariff.Version{Calendar: "x", Zone: zone, ValidFrom: at(2026, 7), Schedule: tariff.Schedule{Tables: hot}}
	if err := warm.Covers(&v, time.Time{}); err == nil || !strings.Contains(err.Error(), "covers 2026-07-02 to 2026-07-20") {
		t.Errorf("got %v, want the hot days' coverage", err)
	}
}

func TestParseRefusesWithLineAndRemedy(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		line      int
		want      string
	}{
		{"unknown key", small + "holiday: []\n", 5, `unknown key "holiday", nearest is "holidays"`},
		{"no id", strings.Replace(small, "calendar: x\n", "", 1), 0, "calendar is missing"},
		{"no name", strings.Replace(small, "name: {en: X}\n", "", 1), 0, "name is missing"},
		{"no document", strings.Replace(small, "document: D\n", "", 1), 0, "document is missing"},
		{"no coverage", "calendar: x\nname: {en: X}\ndocument: D\n", 0, "covers is missing"},
		{"no end", strings.Replace(small, ", to: 2026-07-31", "", 1), 4, "covers: to is missing"},
		{"no start", strings.Replace(small, "from: 2026-07-01, ", "", 1), 4, "covers: from is missing"},
		{"ends before it begins", strings.Replace(small, "2026-07-31", "2026-06-30", 1), 4, "to is before from"},
		{"a thousand years", strings.Replace(small, "2026-07-31", "2999-06-30", 1), 4, "more than 100 years"},
		{"impossible date", strings.Replace(small, "2026-07-31", "2026-06-31", 1), 4, `"2026-06-31" is not a date`},
		{"far date", strings.Replace(small, "2026-07-01", "0026-07-01", 1), 4, "year 26 is outside"},
		{"weekend", small + "weekend: [saturday]\n", 5, `"saturday" is not one of sun, mon`},
		{"holiday without name", small + "holidays:\n  - {on: 2026-07-01}\n", 6, "name is missing"},
		{"holiday on and from", small + "holidays:\n  - {on: 2026-07-01, to: 2026-07-02, name: {en: H}}\n", 6, "on is one day"},
		{"holiday without end", small + "holidays:\n  - {from: 2026-07-01, name: {en: H}}\n", 6, "holiday: to is missing"},
		{"holiday outside", small + "holidays:\n  - {from: 2026-07-30, to: 2026-08-02, name: {en: H}}\n", 6, "2026-08-01 is outside what the calendar covers"},
		{"holiday twice", small + "holidays:\n  - {on: 2026-07-01, name: {en: H}}\n  - {from: 2026-07-01, to: 2026-07-02, name: {en: H}}\n", 7, "overlap: holiday: 2026-07-01 is told on line 6 already"},
		{"worked workday", small + "workdays: [2026-07-01]\n", 5, "2026-07-01 is a workday anyway"},
		{"free weekend", small + "rest_days: [2026-07-04]\n", 5, "2026-07-04 is a weekend anyway"},
		{"worked holiday", small + "holidays: [{on: 2026-07-01, name: {en: H}}]\nworkdays: [2026-07-01]\n", 6, "overlap: workdays: 2026-07-01 is told on line 5"},
		{"moved outside", small + "workdays: [2026-08-01]\n", 5, "outside what the calendar covers"},
		{"moved impossible", small + "workdays: [2026-02-30]\n", 5, "is not a date"},
		{"hot days outside", small + "hot_days: {from: 2026-06-01, to: 2026-07-02, days: []}\n", 5, "is not within what the calendar covers"},
		{"hot days without end", small + "hot_days: {from: 2026-07-01, days: []}\n", 5, "hot_days: to is missing"},
		{"hot day outside", small + "hot_days: {from: 2026-07-01, to: 2026-07-02, days: [2026-07-03]}\n", 5, "2026-07-03 is outside 2026-07-01 to 2026-07-02"},
		{"hot day twice", small + "hot_days: {from: 2026-07-01, to: 2026-07-02, days: [2026-07-01, 2026-07-01]}\n", 5, "stands here twice"},
		{"hot day impossible", small + "hot_days: {from: 2026-07-01, to: 2026-07-02, days: [x]}\n", 5, "is not a date"},
		{"too many holidays", small + "holidays:\n" + strings.Repeat("  - {on: 2026-07-01, name: {en: H}}\n", 256), 261, "256 holidays, at most 255"},
		{"too many workdays", small + "workdays:\n" + strings.Repeat("  - 2026-07-01\n", 4097), 4102, "4097 dates, at most 4096"},
		{"too many hot days", small + "hot_days:\n  from: 2026-07-01\n  to: 2026-07-02\n  days:\n" + strings.Repeat("  - 2026-07-01\n", 4097), 4105, "4097 dates, at most 4096"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := calendar.Parse("x.yaml", []byte(test.doc))
			var fault *document.Error
			if !errors.As(err, &fault) {
				t.Fatalf("got %v, want a fault of the document", err)
			}
			if fault.Line != test.line || !strings.Contains(fault.Text, test.want) {
				t.Errorf("got %v, want line %d: %s", err, test.line, test.want)
			}
		})
	}
}

func TestTheExampleOfTheDocumentationParses(t *testing.T) {
	for _, file := range []string{"../../docs/tariffs.md", "../../docs/tariffs.zh.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, found := strings.Cut(string(text), "```yaml\ncalendar:")
		doc, _, ended := strings.Cut(after, "```")
		if !found || !ended {
			t.Fatalf("%s has no calendar", file)
		}
		if _, err := calendar.Parse(file, []byte("calendar:"+doc)); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("../../configs/calendars/cn.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(small + "hot_days: {from: 2026-07-01, to: 2026-07-02, days: [2026-07-01]}\n"))
	f.Add([]byte(`{"calendar": "x", "name": {"en": "X"}, "document": "D", "covers": {"from": "2026-01-01", "to": "2026-12-31"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := calendar.Parse("fuzz", data)
		if err != nil {
			return
		}
		again, err := calendar.Parse("fuzz", data)
		if err != nil {
			t.Fatalf("the second time %v", err)
		}
		for at := c.From; !at.After(c.To); at = at.AddDate(0, 0, 1) {
			kind, known := c.Kind(at.Date())
			if other, _ := again.Kind(at.Date()); other != kind {
				t.Fatalf("%s is %d, then %d", at, kind, other)
			}
			if !known && c.HotFrom.IsZero() {
				t.Fatalf("%s is covered, but not known", at)
			}
			switch kind & tariff.AnyDay {
			case tariff.Workday, tariff.Weekend, tariff.Holiday:
			default:
				if known {
					t.Fatalf("%s is of kind %d", at, kind)
				}
			}
		}
	})
}
