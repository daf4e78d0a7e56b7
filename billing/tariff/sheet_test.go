package tariff_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"feikong/billing"
	"feikong/billing/tariff"

	"github.com/google/go-cmp/cmp"
)

// columns counts what a terminal shows, apart from the code under test: CJK and fullwidth characters are two wide.
func columns(s string) (n int) {
	for _, r := range s {
		if n++; unicode.In(r, unicode.Han) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xff60 {
			n++
		}
	}
	return n
}

func ready(t testing.TB) (files []string) {
	t.Helper()
	files, err := filepath.Glob("../../configs/tariffs/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d ready tariffs, %v", len(files), err)
	}
	return files
}

func parseFile(t testing.TB, file string) []tariff.Version {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	versions, err := tariff.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

func TestSheetsFitATerminalInBothLanguages(t *testing.T) {
	for _, file := range append(ready(t), "testdata/everything.yaml", "testdata/shandong-joint.yaml") {
		for _, v := range parseFile(t, file) {
			for _, lang := range []string{"zh", "en"} {
				sheet := v.Sheet(lang)
				text := sheet.Text(lang)
				for _, line := range strings.Split(text, "\n") {
					if columns(line) > 80 {
						t.Errorf("%s, %s: %d columns: %s", file, lang, columns(line), line)
					}
					if strings.TrimRight(line, " ") != line {
						t.Errorf("%s, %s: blanks at the end of %q", file, lang, line)
					}
				}
				keys := map[string]bool{}
				for _, r := range sheet.Rows {
					if keys[r.Key] {
						t.Errorf("%s: key %s stands twice", file, r.Key)
					}
					keys[r.Key] = true
					if r.Label == "" || r.Value == "" {
						t.Errorf("%s, %s: row %+v is empty", file, lang, r)
					}
				}
			}
		}
	}
}

func TestThePictureShowsTheDay(t *testing.T) {
	v := &parseFile(t, "../../configs/tariffs/shandong-two-part-10kv.yaml")[0]
	sheet := v.Sheet("en")
	if len(sheet.Days) != 5 {
		t.Fatalf("got %d day tables", len(sheet.Days))
	}
	// December to February: valley 02-06 and 10-15 (deep 11-14), peak 07-09 and 16-21 (sharp 16-19).
	if got, want := sheet.Days[0].Picture, "----........--++++--..______..--######++++------"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := sheet.Days[0].Label, "months 1-2, 12"; got != want {
		t.Errorf("got label %q, want %q", got, want)
	}
	text := sheet.Text("en")
	for _, want := range []string{"# sharp 1.19566875", "_ deep valley 0.27910875", "0   2   4   6   8", "sharp 16:00-19:00; peak 07:00-09:00, 19:00-21:00"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// Each picture says what BandAt says.
	for k := range sheet.Days {
		month := time.Month(sheet.Days[k].Months[0])
		for half := range 48 {
			i, ok := v.BandAt(time.Date(2026, month, 6, half/2, half%2*30, 0, 0, v.Zone), nil)
			if !ok {
				t.Fatalf("no band in month %d at half hour %d", month, half)
			}
			named := false
			for _, h := range sheet.Days[k].Hours {
				for _, at := range h.At {
					from, to, _ := strings.Cut(at, "-")
					clock := time.Date(2026, 1, 1, half/2, half%2*30, 0, 0, time.UTC).Format("15:04")
					if h.Band == v.Bands[i].Code && from <= clock && clock < to {
						named = true
					}
				}
			}
			if !named {
				t.Errorf("month %d, half hour %d: %s is not in the hours", month, half, v.Bands[i].Code)
			}
		}
	}
}

func TestASheetSaysWhatTheVersionSays(t *testing.T) {
	sheet := everything(t).Sheet("en")
	got := map[string]string{}
	for _, r := range sheet.Rows {
		got[r.Key] = r.Value
	}
	for key, want := range map[string]string{
		"rounding": "2 decimals, each line", "cycle": "1 months from 01-01 (month-day)", "calendar": "cn", "new_owner": "the tier counter restarts",
		"band.valley": "register 4", "band.hot-peak": "no register", "remainder": "to valley, up to 2 kWh or 0.25%", "household": "0.5550 CNY/kWh",
		"household.share": "8% of the energy", "lamps.share": "20 kWh a period", "energy.peak": "0.9000 CNY/kWh (printed; +0.0120 beside its parts)",
		"energy.hot-peak": "1.2000 CNY/kWh", "energy.tier.2": "+0.0500 CNY/kWh", "energy.notation": "banded", "energy.in_service": "limits by the days in service",
		"energy.household": "limits 100 kWh a month higher", "energy.limits.5": "260 / 600 kWh", "energy.limits.11": "no tiers",
		"energy.free":       "0.5 kWh a day, carried on up to 1.5 kWh, for low-income only, counted for the tiers",
		"energy.floating.2": "-0.0100 CNY/kWh", "energy.fixed.1": "0.0300 CNY/kWh, government fund", "energy.ratio.valley": "1",
		"funds": "0.0300 CNY/kWh, government fund, inside the prices", "fuel": "0.0100 CNY/kWh", "basic.per_kva": "26.3000 CNY/kVA a month",
		"basic.contract": "at least 40% of the kVA; up to 105% by the contract, above it 2 times the price",
		"basic.high_use": "from 260 kWh a kVA and month the demand price x 0.9", "basic.days_of_month": "1/30 of the month a day",
		"access": "2.0000 CNY/month, a part of a month by its days", "meter": "0.0500 CNY/day", "factor": "standard 0.90, of Energy, Basic",
		"discount": "-5% of Energy", "surcharge": "1% of all above", "vat": "13% of Energy, Basic, on each line", "tax": "1% of all above",
		"split": "by day, in whole 1 kWh", "late": "0.2% a day in the year, 0.3% a day after it, at least 1.00", "published_on": "2025-12-20",
	} {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
	if len(sheet.Notes) != 3 || !strings.Contains(sheet.Notes[0], "printed 0.9000, its parts make 0.8880, difference 0.0120") ||
		!strings.Contains(sheet.Notes[1], "valley: printed 0.423625, its parts make 0.4200") || sheet.Notes[2] != "needs the holiday calendar cn" {
		t.Errorf("got notes %q", sheet.Notes)
	}
	days := []string{}
	for _, d := range sheet.Days {
		days = append(days, d.Label)
	}
	if diff := cmp.Diff([]string{"months 5-9, workdays, hot days", "all months, workdays", "all months, Sat, weekends, holidays", "all months, Sun Mon Tue Wed Thu Fri, weekends, holidays"}, days); diff != "" {
		t.Error(diff)
	}
	zh := everything(t).Sheet("zh")
	if got := zh.Days[2].Label; got != "全年，周六，周末、节假日" {
		t.Errorf("got %q", got)
	}
}

func TestNotesOfHoursThatOnlyTheMeterKnows(t *testing.T) {
	_, err := tariff.Parse("t", []byte(small("    bands: [{code: a, register: 1}, {code: b, register: 2}]\n    remainder: {band: b}\n    split: {forbid: true}\n",
		"      - energy: {prices: [{band: a, price: 1}, {band: b, price: 2}], built: {decimals: 2, floating: [{name: {en: x}, price: 1}], ratios: [{band: a, ratio: 1}, {band: b, ratio: 2.5}]}}\n"+
			"      - energy: {code: part, price: 0.3, share: {ratio: 1%}, built: {decimals: 2, floating: [{name: {en: x}, price: 1}]}}\n")))
	if err == nil {
		t.Fatal("price and built side by side were taken")
	}
	versions, err := tariff.Parse("t", []byte(small("    bands: [{code: a, register: 1}, {code: b, register: 2}]\n    remainder: {band: b}\n    split: {forbid: true}\n",
		"      - energy: {prices: [{band: a, price: 1}, {band: b, price: 2}], built: {decimals: 2, floating: [{name: {en: x}, price: 1}], ratios: [{band: a, ratio: 1}, {band: b, ratio: 2.5}]}}\n")))
	if err != nil {
		t.Fatal(err)
	}
	sheet := versions[0].Sheet("en")
	if len(sheet.Notes) != 2 || !strings.Contains(sheet.Notes[1], "no schedule") {
		t.Errorf("got %q", sheet.Notes)
	}
	if d, differs := versions[0].Components[0].Energy.Difference(1); !differs || d != -50_000_000 {
		t.Errorf("got difference %s, %t", d, differs)
	}
	text := sheet.Text("en")
	if !strings.Contains(text, "by reading only") || !strings.Contains(text, "energy energy, b") {
		t.Errorf("got\n%s", text)
	}
}

func TestASheetCannotSteerATerminal(t *testing.T) {
	doc := strings.Replace(small("", plain), "name: {en: T}", `name: {en: "T\e[31m\x9b31m red"}`, 1)
	versions, err := tariff.Parse("t", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	sheet := versions[0].Sheet("en")
	if text := sheet.Text("en"); strings.ContainsAny(text, "\x1b\u009b") {
		t.Errorf("got %q", text)
	}
}

// The Hubei table of January 2026: its rows add up, or the difference is told.
func TestHubeiTableIsBilledAsPrinted(t *testing.T) {
	for name, want := range map[string][]string{
		"hubei-single-lv":      {"Energy, flat: printed 0.735686, its parts make 0.735886, difference -0.0002; the printed price is billed"},
		"hubei-single-10kv":    {"Energy, flat: printed 0.715686, its parts make 0.715886, difference -0.0002; the printed price is billed"},
		"hubei-two-part-10kv":  {"Energy, peak: printed 0.848961, its parts make 0.846961, difference 0.0020; the printed price is billed"},
		"hubei-two-part-35kv":  nil,
		"hubei-two-part-110kv": nil, "hubei-two-part-220kv": nil,
	} {
		v := &parseFile(t, "../../configs/tariffs/"+name+".yaml")[0]
		if diff := cmp.Diff(want, v.Notes("en")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if v.Remainder != 2 {
			t.Errorf("%s: the remainder goes to %d", name, v.Remainder)
		}
	}
}

func TestShandongPricesAreBuilt(t *testing.T) {
	e := parseFile(t, "../../configs/tariffs/shandong-two-part-10kv.yaml")[0].Components[0].Energy
	// 0.4824 floats; 0.1491 + 0.0546 + 0.02716875 does not.
	want := []billing.Price{119_566_875, 105_094_875, 71_326_875, 37_558_875 - 0, 27_910_875}
	want[3] = 14_472_000 + 23_086_875
	if !slices.Equal(e.Prices, want) {
		t.Errorf("got %v, want %v", e.Prices, want)
	}
	if _, differs := e.Difference(0); differs {
		t.Error("a built price differs from itself")
	}
	if _, differs := e.Difference(99); differs {
		t.Error("a band that is not there differs")
	}
}

func TestBuiltRoundsHalfAwayFromZero(t *testing.T) {
	for _, test := range []struct {
		floating string
		ratio    int64
		decimals int
		want     string
	}{
		{"0.000001", 500_000, 6, "0.000001"},
		{"0.000001", 499_999, 6, "0"},
		{"-0.000001", 500_000, 6, "-0.000001"},
		{"0.398113", 1_490_000, 6, "0.593188"}, // 0.59318837
		{"0.5", 1_000_000, 0, "1"},
		{"0.12345678", 1_000_000, 8, "0.12345678"},
	} {
		price, err := billing.ParsePrice(test.floating)
		if err != nil {
			t.Fatal(err)
		}
		want, err := billing.ParsePrice(test.want)
		if err != nil {
			t.Fatal(err)
		}
		b := tariff.Built{Floating: []tariff.PricePart{{Price: price}}, Ratios: []int64{test.ratio}, Decimals: test.decimals}
		got, err := b.Prices()
		if err != nil || got[0] != want {
			t.Errorf("%s x %d: got %v, %v, want %s", test.floating, test.ratio, got, err, want)
		}
	}
}

func TestDiffTellsWhatChanged(t *testing.T) {
	a := parseFile(t, "../../configs/tariffs/hubei-two-part-35kv.yaml")
	if got := tariff.Diff(a, a, "en"); got != nil {
		t.Errorf("a document differs from itself: %v", got)
	}
	data, err := os.ReadFile("../../configs/tariffs/hubei-two-part-35kv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	for _, edit := range [][2]string{
		{"band: sharp, price: 1.030199", "band: sharp, price: 1.040199"},
		{"[20:00-22:00]", "[20:30-22:00]"},
		{"at: [16:00-20:00,", "at: [16:00-20:30,"},
		{"          high_use: {kwh_per_kva: 260, factor: 0.9}\n", ""},
		{"split: {quantum: 1}", "new_owner: restart"},
	} {
		if !strings.Contains(doc, edit[0]) {
			t.Fatalf("no %q", edit[0])
		}
		doc = strings.Replace(doc, edit[0], edit[1], 1)
	}
	b, err := tariff.Parse("b", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	want := []tariff.Change{
		{Version: 1, Against: 1, Key: "new_owner", What: "new owner", New: "the tier counter restarts"},
		{Version: 1, Against: 1, Key: "energy.sharp", What: "Energy, sharp", Old: "1.030199 CNY/kWh", New: "1.040199 CNY/kWh (printed; +0.0100 beside its parts)"},
		{Version: 1, Against: 1, Key: "hours.months 7-8.sharp", What: "months 7-8, sharp", Old: "20:00-22:00", New: "20:30-22:00"},
		{Version: 1, Against: 1, Key: "hours.months 7-8.peak", What: "months 7-8, peak", Old: "16:00-20:00 22:00-24:00", New: "16:00-20:30 22:00-24:00"},
		{Version: 1, Against: 1, Key: "basic.high_use", What: "Basic charge, high use", Old: "from 260 kWh a kVA and month the demand price x 0.9"},
		{Version: 1, Against: 1, Key: "split", What: "split", Old: "by day, in whole 1 kWh"},
	}
	if diff := cmp.Diff(want, tariff.Diff(a, b, "en")); diff != "" {
		t.Error(diff)
	}
}

func TestDiffComparesAMonthWithTheOneBefore(t *testing.T) {
	january, err := tariff.Parse("a", []byte(flat))
	if err != nil {
		t.Fatal(err)
	}
	february := strings.NewReplacer("number: 1", "number: 2", "2024-01-01", "2024-02-01", "0.5}", "0.6}", "document: D", "document: E, valid_to: 2024-03-01").Replace(flat)
	b, err := tariff.Parse("b", []byte(february))
	if err != nil {
		t.Fatal(err)
	}
	got := tariff.Diff(january, b, "en")
	want := []tariff.Change{
		{Version: 2, Against: 1, Key: "version", What: "new version", New: "from 2024-02-01, E"},
		{Version: 2, Against: 1, Key: "valid_from", What: "valid from", Old: "2024-01-01", New: "2024-02-01"},
		{Version: 2, Against: 1, Key: "valid_to", What: "valid to", New: "2024-03-01"},
		{Version: 2, Against: 1, Key: "document", What: "document", Old: "D", New: "E"},
		{Version: 2, Against: 1, Key: "price", What: "price", Old: "0.5000 CNY/kWh", New: "0.6000 CNY/kWh"},
		{Version: 1, Key: "version", What: "version is gone", Old: "from 2024-01-01, D"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The other way round nothing stands before.
	if got := tariff.Diff(b, january, "zh"); len(got) != 1 || got[0].What != "新版本" || got[0].Against != 0 {
		t.Errorf("got %+v", got)
	}
	// A price becomes tiers, in another currency.
	tiered := strings.Replace(string(read(t, "shandong-household.yaml")), "CNY", "USD", 1)
	c, err := tariff.Parse("c", []byte(tiered))
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, change := range tariff.Diff(january, c, "zh") {
		keys = append(keys, change.Key)
	}
	if diff := cmp.Diff([]string{"tariff", "name", "currency", "kind", "valid_from", "document", "cycle", "notation", "tier.1", "tier.2", "tier.3", "price"}, keys); diff != "" {
		t.Error(diff)
	}
}

// The published schema is the one of the code, knows each key, and takes each ready tariff.
func TestSchemaIsPublishedAndFits(t *testing.T) {
	published, err := os.ReadFile("../../docs/tariff.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(published) != string(tariff.Schema()) {
		t.Error("docs/tariff.schema.json is old; write it anew with: gateway tariff schema > docs/tariff.schema.json")
	}
	var schema map[string]any
	if err := json.Unmarshal(published, &schema); err != nil {
		t.Fatal(err)
	}
	c := checker{root: schema, used: map[string]bool{}}
	for _, file := range append(ready(t), "testdata/everything.yaml", "testdata/shandong-joint.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range c.check(schema, asWritten(t, data), "") {
			t.Errorf("%s: %s", file, fault)
		}
	}
	// What Parse refuses by its form, the schema refuses too.
	for _, edit := range [][2]string{
		{"tariff: everything", "tarif: everything"}, {"kind: composed", "kind: compose"}, {"price: 0.9}", "price: 0.123456789}"}, {"days: [workday, hot]", "days: [workday, warm]"},
		{"{code: fuel, price: 0.01}", "{code: fuel}"}, {"rate: 13%", "rate: 13 percent"}, {"standard: 0.90", "standard: 0.95"}, {"      - tax: {rate: 1%}", "      - {}"},
		{"prorate: true", "prorate: yes please"}, {"register: 4", "register: four"}, {"in_service: days", "in_service: weeks"},
	} {
		doc := string(read(t, "everything.yaml"))
		if !strings.Contains(doc, edit[0]) {
			t.Fatalf("no %q", edit[0])
		}
		doc = strings.Replace(doc, edit[0], edit[1], 1)
		if _, err := tariff.Parse("t", []byte(doc)); err == nil {
			t.Errorf("Parse takes %q", edit[1])
		}
		if faults := c.check(schema, asWritten(t, []byte(doc)), ""); len(faults) == 0 {
			t.Errorf("the schema takes %q", edit[1])
		}
	}
}

// Each key of the schema is explained in the documentation, in both languages, and stands in some example or ready tariff.
func TestEveryKeyIsDocumented(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(tariff.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	var gather func(v any)
	gather = func(v any) {
		node, ok := v.(map[string]any)
		if !ok {
			return
		}
		if properties, ok := node["properties"].(map[string]any); ok {
			for key, value := range properties {
				keys[key] = true
				if m, ok := value.(map[string]any); !ok || m["description"] == nil {
					t.Errorf("key %s has no description", key)
				}
			}
		}
		for name, value := range node {
			if name == "$defs" {
				for _, d := range value.(map[string]any) {
					gather(d)
				}
			}
		}
	}
	gather(schema)
	if len(keys) < 70 {
		t.Errorf("only %d keys", len(keys))
	}
	for _, file := range []string{"../../docs/tariffs.md", "../../docs/tariffs.zh.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			if !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("%s does not explain `%s`", file, key)
			}
		}
	}
}

// The complete examples of the documentation are right, in both languages the same.
func TestExamplesOfTheDocumentationParse(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	var first [][]string
	for _, file := range []string{"../../docs/tariffs.md", "../../docs/tariffs.zh.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		var hashes []string
		for _, m := range blocks.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(m[1], "tariff:") {
				continue
			}
			versions, err := tariff.Parse(file, []byte(m[1]))
			if err != nil {
				t.Errorf("%s: %v in\n%s", file, err, m[1])
				continue
			}
			n++
			hashes = append(hashes, versions[0].ID+string(versions[0].Hash[:]))
		}
		if n < 8 {
			t.Errorf("%s has %d complete examples", file, n)
		}
		first = append(first, hashes)
	}
	if !reflect.DeepEqual(first[0], first[1]) {
		t.Error("the examples differ between the languages")
	}
}

// checker is as much of JSON schema as the published one uses.
type checker struct {
	root map[string]any
	used map[string]bool
}

func (c *checker) check(schema map[string]any, value any, path string) (faults []string) {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/$defs/")
		faults = append(faults, c.check(c.root["$defs"].(map[string]any)[name].(map[string]any), value, path)...)
	}
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	if isNumber {
		text = number.String()
	}
	if enum, ok := schema["enum"].([]any); ok {
		found := false
		for _, e := range enum {
			s, _ := e.(string)
			found = found || e == value || isText && s == text || isNumber && s == text
		}
		if !found {
			faults = append(faults, path+": not one of the words")
		}
	}
	if pattern, ok := schema["pattern"].(string); ok && (isText || isNumber) && !regexp.MustCompile(pattern).MatchString(text) {
		faults = append(faults, path+": "+text+" does not fit "+pattern)
	}
	switch typ := schema["type"]; {
	case typ == nil:
	case typ == "object":
		m, ok := value.(map[string]any)
		if !ok {
			return append(faults, path+": not an object")
		}
		properties := schema["properties"].(map[string]any)
		for key, v := range m {
			p, known := properties[key].(map[string]any)
			if !known {
				faults = append(faults, path+": unknown key "+key)
				continue
			}
			faults = append(faults, c.check(p, v, path+"."+key)...)
		}
		if required, ok := schema["required"].([]any); ok {
			for _, key := range required {
				if _, there := m[key.(string)]; !there {
					faults = append(faults, path+": no "+key.(string))
				}
			}
		}
		if least, ok := schema["minProperties"].(float64); ok && len(m) < int(least) {
			faults = append(faults, path+": empty")
		}
	case typ == "array":
		list, ok := value.([]any)
		if !ok {
			return append(faults, path+": not a list")
		}
		for _, v := range list {
			faults = append(faults, c.check(schema["items"].(map[string]any), v, path+"[]")...)
		}
	default:
		if _, isBool := value.(bool); !isText && !isNumber && !isBool {
			faults = append(faults, path+": not one value")
		}
	}
	return faults
}
