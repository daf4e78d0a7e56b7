package tariff_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
	"feikong/internal/document"

	"github.com/google/go-cmp/cmp"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseShandongHousehold(t *testing.T) {
	versions, err := tariff.Parse("shandong-household.yaml", read(t, "shandong-household.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(versions) != 1 {
		t.Fatalf("got %d versions, want 1", len(versions))
	}
	v := versions[0]
	wantTiers := []tariff.Tier{
		{UpTo: 2520 * billing.KWh, Price: 54_690_000},
		{UpTo: 4800 * billing.KWh, Price: 59_690_000, Adder: 5_000_000},
		{Price: 84_690_000, Adder: 30_000_000},
	}
	if diff := cmp.Diff(wantTiers, v.Tiers); diff != "" {
		t.Error(diff)
	}
	if v.Kind != tariff.Tiered || v.Notation != tariff.Banded || v.Decimals != 2 || v.Currency != "CNY" ||
		v.Cycle != (tariff.Cycle{Month: 1, Day: 1, Months: 12}) || v.Document != "鲁发改价格〔2019〕509号" {
		t.Errorf("got %+v", v)
	}
	if got, want := v.ValidFrom.UTC().Format(time.RFC3339), "2018-12-31T16:00:00Z"; got != want {
		t.Errorf("got start %s, want %s: midnight is local", got, want)
	}
	if low, high := v.PriceRange(); low != 54_690_000 || high != 84_690_000 {
		t.Errorf("got prices %s to %s, want 0.5469 to 0.8469", low, high)
	}
}

func TestAtPicksTheVersionOfTheInstant(t *testing.T) {
	versions, err := tariff.Parse("shandong-joint.yaml", read(t, "shandong-joint.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	zone := versions[0].Zone
	change := time.Date(2026, 8, 1, 0, 0, 0, 0, zone)
	for _, test := range []struct {
		at   time.Time
		want int
	}{
		{time.Date(2019, 1, 1, 0, 0, 0, 0, zone), 1},
		{change.Add(-time.Nanosecond), 1},
		{change, 2},
		{change.AddDate(50, 0, 0), 2},
	} {
		v, err := tariff.At(versions, test.at)
		if err != nil || v.Number != test.want {
			t.Errorf("at %s got version %d, %v, want %d", test.at, v.Number, err, test.want)
		}
	}
	if _, err := tariff.At(versions, time.Date(2018, 12, 31, 23, 59, 59, 0, zone)); !errors.Is(err, tariff.ErrNoVersion) {
		t.Errorf("got %v, want ErrNoVersion before the first start", err)
	}
}

const flat = `tariff: t
name: {en: T}
currency: CNY
utc_offset: "+08:00"
versions:
  - {number: 1, valid_from: 2024-01-01, document: D, decimals: 2, kind: flat, price: 0.5}
`

func TestCorrectionWithTheSameStartWins(t *testing.T) {
	doc := flat + "  - {number: 2, valid_from: 2024-01-01, document: D2, decimals: 2, kind: flat, price: 0.6}\n" +
		"  - {number: 3, valid_from: 2025-01-01, document: D3, decimals: 2, kind: flat, price: 0.7}\n"
	versions, err := tariff.Parse("t", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for year, want := range map[int]int{2024: 2, 2025: 3} {
		if v, err := tariff.At(versions, time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)); err != nil || v.Number != want {
			t.Errorf("in %d got version %d, %v, want %d", year, v.Number, err, want)
		}
	}
}

func TestHashStaysWhenALaterVersionArrives(t *testing.T) {
	before, err := tariff.Parse("t", []byte(flat))
	if err != nil {
		t.Fatal(err)
	}
	after, err := tariff.Parse("t", []byte(flat+"  - {number: 2, valid_from: 2025-01-01, document: E, decimals: 2, kind: flat, price: 0.5}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if before[0].Hash != after[0].Hash {
		t.Error("the hash moved, want the same: nothing of version 1 was edited")
	}
	if after[0].Hash == after[1].Hash {
		t.Error("two versions share a hash")
	}
	edited, err := tariff.Parse("t", []byte(strings.Replace(flat, "0.5}", "0.50000001}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if edited[0].Hash == before[0].Hash {
		t.Error("an edited price keeps the hash")
	}
}

func TestParseRefusesWithLineAndRemedy(t *testing.T) {
	household := string(read(t, "shandong-household.yaml"))
	edit := func(doc, old, new string) string {
		if !strings.Contains(doc, old) {
			t.Fatalf("no %q in the document", old)
		}
		return strings.Replace(doc, old, new, 1)
	}
	second := "  - {number: 2, valid_from: 2025-01-01, document: D2, decimals: 2, kind: flat, price: 0.6}\n"
	for _, test := range []struct {
		name, doc string
		line      int
		want      string
	}{
		{"misspelt key", edit(flat, "price:", "prise:"), 6, `unknown key "prise", nearest is "price"`},
		{"negative price", edit(flat, "price: 0.5", "price: -0.5"), 6, "price -0.5000 is negative; give zero or more"},
		{"too many decimals", edit(flat, "0.5}", "0.123456789}"), 6, "price: too many decimals: \"0.123456789\" has 9, the unit holds 8"},
		{"price beyond int64", edit(flat, "0.5}", "99999999999999}"), 6, "beyond the range"},
		{"float notation", edit(flat, "0.5}", "5e-1}"), 6, "not a decimal number"},
		{"rounding place", edit(flat, "decimals: 2", "decimals: 5"), 6, "decimals is 5; give 0 to 4"},
		{"impossible date", edit(flat, "2024-01-01", "2024-02-30"), 6, `"2024-02-30" is not a date`},
		{"far date", edit(flat, "2024-01-01", "0024-01-01"), 6, "year 24 is outside"},
		{"impossible end", edit(flat, "document", "valid_to: 2025-13-01, document"), 6, `valid_to: "2025-13-01" is not a date`},
		{"impossible publication", edit(flat, "document", "published_on: soon, document"), 6, `published_on: "soon" is not a date`},
		{"no tiers", edit(edit(flat, "kind: flat", "kind: tiered, notation: incremental, cycle: {month: 1, day: 1, months: 12}, tiers: []"), ", price: 0.5", ""), 6, "tiers is empty; give at least one tier"},
		{"gap within a day", edit(flat, "document", "valid_to: 2024-12-31T12:30:00, document") + second, 6, "gap: version 1 ends on 2024-12-31T12:30:00"},
		{"601 versions", flat + strings.Repeat("  - {}\n", 600), 0, "601 versions, at most 600"},
		{"adder beyond", edit(edit(household, "price: 0.5969", "price: 92233720368"), "price: 0.5469", "price: 0"), 18, "adder 0.0500 does not lead"},
		{"unknown kind", edit(flat, "kind: flat", "kind: flatt"), 6, `kind is "flatt"; give flat, tiered or composed`},
		{"number below 1", edit(flat, "number: 1", "number: 0"), 6, "count the versions from 1"},
		{"no number", edit(flat, "number: 1, ", ""), 6, "number is missing"},
		{"no document", edit(flat, "document: D, ", ""), 6, "document is missing"},
		{"no start", edit(flat, "valid_from: 2024-01-01, ", ""), 6, "valid_from is missing"},
		{"no rounding", edit(flat, "decimals: 2, ", ""), 6, "decimals is missing"},
		{"no price", edit(flat, ", price: 0.5", ""), 6, "price is missing"},
		{"no id", edit(flat, "tariff: t\n", ""), 0, "tariff is missing"},
		{"no name", edit(flat, "name: {en: T}\n", ""), 0, "name is missing"},
		{"no versions", "tariff: t\nname: {en: T}\ncurrency: CNY\nutc_offset: \"+08:00\"\n", 0, "versions is empty"},
		{"currency", edit(flat, "CNY", "yuan"), 3, "three letters of ISO 4217"},
		{"offset", edit(flat, "+08:00", "Asia/Shanghai"), 4, "is not an offset"},
		{"far offset", edit(flat, "+08:00", "+15:00"), 4, "farther from UTC than 14 hours"},
		{"tiers of a flat one", edit(flat, "price: 0.5", "price: 0.5, notation: banded"), 6, "a flat version has no tiers"},
		{"end before start", edit(flat, "document", "valid_to: 2024-01-01, document"), 6, "valid_to is not after valid_from"},
		{"gap of versions", edit(flat, "document", "valid_to: 2024-12-31, document") + second, 6, "gap: version 1 ends on 2024-12-31, version 2 begins on 2025-01-01; let valid_to be that day"},
		{"overlap of versions", edit(flat, "document", "valid_to: 2025-01-02, document") + second, 6, "overlap: version 1 ends on 2025-01-02, but version 2 begins on 2025-01-01"},
		{"number twice", flat + edit(second, "number: 2", "number: 1"), 7, "number 1 is taken by the version on line 6"},

		{"tier gap", edit(household, "over: 2520", "over: 2521"), 18, "gap: tier 2 begins over 2521 kWh, what lies below ends at 2520; write over: 2520"},
		{"tier overlap", edit(household, "over: 4800", "over: 4000"), 19, "overlap: tier 3 begins over 4000 kWh, but tier 2 goes up to 4800"},
		{"first tier above zero", edit(household, "{up_to: 2520", "{over: 1, up_to: 2520"), 17, "gap: tier 1 begins over 1 kWh"},
		{"last tier ends", edit(household, "over: 4800,", "over: 4800, up_to: 9000,"), 19, "gap: no tier prices what is over 9000 kWh; remove up_to"},
		{"open tier below", edit(household, "up_to: 4800, ", ""), 18, "overlap: tier 2 has no up_to, so tier 3 is never reached"},
		{"falling limit", edit(household, "up_to: 4800", "up_to: 2500"), 18, "limit 2500 kWh is not above 2520, where it begins; limits must rise"},
		{"negative tier price", edit(household, "0.5969", "-0.5969"), 18, "tier 2: price -0.5969 is negative"},
		{"tier without price", edit(household, ", price: 0.5969", ""), 18, "tier 2 has no price"},
		{"adder of another price", edit(household, "adder: 0.05", "adder: 0.06"), 18, "adder 0.0600 does not lead from 0.5469 to 0.5969; write 0.0500"},
		{"notation", edit(household, "banded", "stepped"), 14, `notation is "stepped"; give banded or incremental`},
		{"cycle day", edit(household, "day: 1", "day: 29"), 15, "cycle day is 29; give 1 to 28"},
		{"cycle month", edit(household, "month: 1,", "month: 13,"), 15, "cycle month is 13"},
		{"cycle length", edit(household, "months: 12", "months: 5"), 15, "cycle is 5 months long"},
		{"no cycle", edit(household, "    cycle: {month: 1, day: 1, months: 12}\n", ""), 9, "cycle is missing"},
		{"price beside tiers", edit(household, "kind: tiered", "kind: tiered\n    price: 1"), 14, "has its prices in the tiers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := tariff.Parse("t.yaml", []byte(test.doc))
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

func TestParseRefusesNineTiers(t *testing.T) {
	doc := string(read(t, "shandong-household.yaml"))
	doc = strings.Replace(doc, "      - {over: 4800,", strings.Repeat("      - {up_to: 5000, price: 1}\n", 6)+"      - {over: 4800,", 1)
	if _, err := tariff.Parse("t", []byte(doc)); err == nil || !strings.Contains(err.Error(), "9 tiers, at most 8") {
		t.Errorf("got %v, want 9 tiers refused", err)
	}
}

func TestCycleAround(t *testing.T) {
	for _, test := range []struct {
		name             string
		cycle            tariff.Cycle
		at, start, until string
	}{
		{"Shandong, first instant", tariff.Cycle{1, 1, 12}, "2025-01-01", "2025-01-01", "2026-01-01"},
		{"Shandong, last day", tariff.Cycle{1, 1, 12}, "2025-12-31", "2025-01-01", "2026-01-01"},
		{"Guizhou, November", tariff.Cycle{12, 1, 12}, "2025-11-30", "2024-12-01", "2025-12-01"},
		{"Guizhou, December", tariff.Cycle{12, 1, 12}, "2025-12-01", "2025-12-01", "2026-12-01"},
		{"Shenzhen, by the month", tariff.Cycle{1, 1, 1}, "2024-02-29", "2024-02-01", "2024-03-01"},
		{"from the 15th, day before", tariff.Cycle{3, 15, 6}, "2025-03-14", "2024-09-15", "2025-03-15"},
		{"from the 15th", tariff.Cycle{3, 15, 6}, "2025-03-15", "2025-03-15", "2025-09-15"},
		{"quarters across the year", tariff.Cycle{2, 28, 3}, "2025-01-05", "2024-11-28", "2025-02-28"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := time.Parse("2006-01-02", test.at)
			if err != nil {
				t.Fatal(err)
			}
			start, end := test.cycle.Around(at)
			if got := start.Format("2006-01-02"); got != test.start {
				t.Errorf("got start %s, want %s", got, test.start)
			}
			if got := end.Format("2006-01-02"); got != test.until {
				t.Errorf("got end %s, want %s", got, test.until)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(read(f, "shandong-household.yaml"))
	f.Add(read(f, "shandong-joint.yaml"))
	f.Add(read(f, "everything.yaml"))
	f.Add([]byte(flat))
	for _, file := range ready(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"tariff": "t", "name": {"en": "T"}, "currency": "CNY", "utc_offset": "+08:00", "versions": [{"number": 1, "valid_from": "2024-01-01", "document": "D", "decimals": 2, "kind": "composed", "components": [{"energy": {"price": 0.5}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The YAML reader takes up to 600 bytes for each byte of input, nesting being the worst, and we some hundred; and a mebibyte to begin with.
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		versions, err := tariff.Parse("fuzz", data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20+uint64(len(data))*1024 {
			t.Errorf("%d bytes of input took %d bytes", len(data), used)
		}
		again, err2 := tariff.Parse("fuzz", data)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("first %v, then %v", err, err2)
		}
		if err != nil {
			return
		}
		for i := range versions {
			v := &versions[i]
			if v.Hash != again[i].Hash {
				t.Errorf("version %d has two hashes", v.Number)
			}
			if got, err := tariff.At(versions, v.ValidFrom); err != nil || !got.ValidFrom.Equal(v.ValidFrom) {
				t.Errorf("version %d is not found at its own start: %v", v.Number, err)
			}
			if start, end := v.CycleOf(v.ValidFrom); !start.IsZero() && (start.After(v.ValidFrom) || !end.After(v.ValidFrom)) {
				t.Errorf("cycle %s to %s does not hold %s", start, end, v.ValidFrom)
			}
			if low, high := v.PriceRange(); low > high {
				t.Errorf("prices from %s to %s", low, high)
			}
			if v.Calendar == "" && len(v.Schedule.Tables) > 0 {
				for half := range 48 * 7 {
					if _, ok := v.BandAt(v.ValidFrom.Add(time.Duration(half)*30*time.Minute), nil); !ok {
						t.Fatalf("no band %d half hours after the start", half)
					}
				}
			}
			for _, lang := range []string{"zh", "en"} {
				sheet := v.Sheet(lang)
				for _, line := range strings.Split(sheet.Text(lang), "\n") {
					if columns(line) > 80 {
						t.Errorf("%d columns: %q", columns(line), line)
					}
				}
			}
		}
		if changes := tariff.Diff(versions, again, "en"); len(changes) > 0 {
			t.Errorf("a document differs from itself: %v", changes)
		}
	})
}
