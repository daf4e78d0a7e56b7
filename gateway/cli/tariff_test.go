package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const tariffs = "../../configs/tariffs/"

// write puts a document into a directory.
func write(t *testing.T, dir, name, body string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const holidayTariff = `tariff: t
name: {en: T}
currency: CNY
utc_offset: "+08:00"
versions:
  - number: 1
    valid_from: 2025-06-01
    document: D
    decimals: 2
    kind: composed
    calendar: home
    bands: [{code: a}, {code: b}]
    remainder: {band: a}
    schedule:
      - {days: [holiday], hours: [{band: b, at: [00:00-24:00]}]}
      - {days: [workday, weekend], hours: [{band: a, at: [00:00-24:00]}]}
    components: [{energy: {prices: [{band: a, price: 1}, {band: b, price: 2}]}}]
`

const homeCalendar = "calendar: home\nname: {en: H}\ndocument: D\ncovers: {from: 2026-01-01, to: 2026-12-31}\n"

func TestTariffCheckTellsLineAndRemedy(t *testing.T) {
	good := tariffs + "hubei-single-lv.yaml"
	code, out, _ := call(t, "en_US", "tariff", "check", good, tariffs+"flat.yaml")
	if code != 0 || !strings.Contains(out, "right: "+good+", hubei-single-lv, versions: 1") || !strings.Contains(out, "note: version 1: Energy, flat: printed 0.735686") {
		t.Errorf("got %d:\n%s", code, out)
	}
	dir := t.TempDir()
	bad := write(t, dir, "bad.yaml", "tariff: x\nname: {en: X}\ncurrency: CNY\nutc_offset: \"+08:00\"\nversions:\n  - {number: 1, valid_from: 2026-02-30, document: D, decimals: 2, kind: flat, price: 1}\n")
	code, out, errOut := call(t, "en_US", "tariff", "check", bad, good)
	if code != 1 || !strings.Contains(out, "wrong: "+bad+": line 6: valid_from: \"2026-02-30\" is not a date") || !strings.Contains(out, "right: ") || errOut != "" {
		t.Errorf("got %d:\n%s%s", code, out, errOut)
	}
	code, out, _ = call(t, "zh_CN", "tariff", "check", bad, "--json")
	var all []checked
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 1 || len(all) != 1 || all[0].OK || all[0].Line != 6 {
		t.Errorf("got %d, %v:\n%s", code, err, out)
	}
	code, out, _ = call(t, "zh_CN", "tariff", "check", good)
	if code != 0 || !strings.Contains(out, "正确：") || !strings.Contains(out, "按印刷价计费") {
		t.Errorf("got %d:\n%s", code, out)
	}
	if code, out, _ = call(t, "en_US", "tariff", "check", dir); code != 1 || !strings.Contains(out, "is a directory") {
		t.Errorf("got %d:\n%s", code, out)
	}
	if code, out, _ = call(t, "en_US", "tariff", "check", filepath.Join(dir, "none.yaml")); code != 1 || !strings.Contains(out, "no such file") {
		t.Errorf("got %d:\n%s", code, out)
	}
	big := write(t, dir, "big.yaml", strings.Repeat("#", 1<<20+1))
	if code, out, _ = call(t, "en_US", "tariff", "check", big); code != 1 || !strings.Contains(out, "a document has at most") {
		t.Errorf("got %d:\n%s", code, out)
	}
	if code, _, errOut = call(t, "en_US", "tariff", "check"); code != 2 || errOut == "" {
		t.Errorf("got %d: %s", code, errOut)
	}
}

func TestTariffCheckFindsTheCalendar(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tariffs"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := write(t, dir, "tariffs/t.yaml", holidayTariff)
	code, out, _ := call(t, "en_US", "tariff", "check", path)
	if code != 1 || !strings.Contains(out, "version 1 needs the holiday calendar home, which is not there: give --calendar FILE, or put it into ../calendars/home.yaml") {
		t.Errorf("got %d:\n%s", code, out)
	}
	given := write(t, dir, "mine.yaml", homeCalendar)
	code, out, _ = call(t, "en_US", "tariff", "check", path, "--calendar", given)
	if code != 0 || !strings.Contains(out, "calendar home covers 2026-01-01 to 2026-12-31, version 1 of tariff t needs 2025-06-01") {
		t.Errorf("got %d:\n%s", code, out)
	}
	if err := os.MkdirAll(filepath.Join(dir, "calendars"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "tariffs/home.yaml", strings.Replace(homeCalendar, "calendar: home", "calendar: other", 1)) // another one of that name
	write(t, dir, "calendars/home.yaml", homeCalendar)
	if code, out, _ = call(t, "en_US", "tariff", "check", path); code != 0 {
		t.Errorf("got %d:\n%s", code, out)
	}
	write(t, dir, "calendars/home.yaml", "calendar: [")
	if code, out, _ = call(t, "en_US", "tariff", "check", path); code != 1 || !strings.Contains(out, "not readable as YAML") {
		t.Errorf("got %d:\n%s", code, out)
	}
	hot := write(t, dir, "hot.yaml", strings.Replace(holidayTariff, "      - {days: [holiday]", "      - {days: [hot], hours: [{band: b, at: [00:00-24:00]}]}\n      - {days: [holiday]", 1))
	if code, out, _ = call(t, "en_US", "tariff", "check", hot, "--calendar", given); code != 1 || !strings.Contains(out, "keeps none; add hot_days") {
		t.Errorf("got %d:\n%s", code, out)
	}
	if code, _, errOut := call(t, "en_US", "tariff", "check", path, "--calendar", filepath.Join(dir, "none")); code != 1 || !strings.Contains(errOut, "no such file") {
		t.Errorf("got %d: %s", code, errOut)
	}
}

func TestTariffDiff(t *testing.T) {
	a, b := tariffs+"hubei-two-part-35kv.yaml", tariffs+"hubei-two-part-110kv.yaml"
	code, out, _ := call(t, "en_US", "tariff", "diff", a, b)
	if code != 0 || !strings.Contains(out, "Energy, sharp") || !strings.Contains(out, "1.030199 CNY/kWh") || !strings.Contains(out, "1.012099 CNY/kWh") {
		t.Errorf("got %d:\n%s", code, out)
	}
	if code, out, _ = call(t, "zh_CN", "tariff", "diff", a, a); code != 0 || out != "没有不同\n" {
		t.Errorf("got %d: %q", code, out)
	}
	if code, out, _ = call(t, "en_US", "tariff", "diff", a, a, "--json"); code != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("got %d: %q", code, out)
	}
	dir := t.TempDir()
	next := write(t, dir, "next.yaml", "tariff: flat\nname: {zh: 单一电价, en: Flat price}\ncurrency: CNY\nutc_offset: \"+08:00\"\nversions:\n  - {number: 2, valid_from: 2026-01-01, document: D, decimals: 2, kind: flat, price: 0.6}\n")
	if code, out, _ = call(t, "en_US", "tariff", "diff", tariffs+"flat.yaml", next); code != 0 || !strings.Contains(out, "1 → 2") || !strings.Contains(out, "0.5469 CNY/kWh") || !strings.Contains(out, "new version") {
		t.Errorf("got %d:\n%s", code, out)
	}
	for _, args := range [][]string{{filepath.Join(dir, "none"), a}, {a, filepath.Join(dir, "none")}} {
		if code, _, errOut := call(t, "en_US", append([]string{"tariff", "diff"}, args...)...); code != 1 || !strings.Contains(errOut, "no such file") {
			t.Errorf("got %d: %s", code, errOut)
		}
	}
}

func TestTariffShow(t *testing.T) {
	code, out, _ := call(t, "en_US", "tariff", "show", tariffs+"shandong-commercial-10kv.yaml")
	if code != 0 || !strings.Contains(out, "the day by bands") || !strings.Contains(out, "----........--++++--..______..--######++++------") {
		t.Errorf("got %d:\n%s", code, out)
	}
	code, out, _ = call(t, "zh_CN", "tariff", "show", tariffs+"shandong-household.yaml", "--on", "2026-07-01")
	if code != 0 || !strings.Contains(out, "第 2 档（2520 至 4800 kWh）  0.5969 CNY/kWh") {
		t.Errorf("got %d:\n%s", code, out)
	}
	code, out, _ = call(t, "en_US", "tariff", "show", tariffs+"kenya-domestic.yaml", "--json")
	var sheets []struct {
		Tariff string `json:"tariff"`
		Rows   []struct{ Key, Label, Value string }
	}
	if err := json.Unmarshal([]byte(out), &sheets); err != nil || code != 0 || sheets[0].Tariff != "kenya-domestic" || len(sheets[0].Rows) < 8 {
		t.Errorf("got %d, %v:\n%s", code, err, out)
	}
	dir := t.TempDir()
	two := write(t, dir, "two.yaml", "tariff: t\nname: {en: T}\ncurrency: CNY\nutc_offset: \"+08:00\"\nversions:\n"+
		"  - {number: 1, valid_from: 2025-01-01, document: D1, decimals: 2, kind: flat, price: 0.5}\n  - {number: 2, valid_from: 2026-01-01, document: D2, decimals: 2, kind: flat, price: 0.6}\n")
	if code, out, _ = call(t, "en_US", "tariff", "show", two); code != 0 || strings.Count(out, "hash ") != 2 {
		t.Errorf("got %d:\n%s", code, out)
	}
	if code, out, _ = call(t, "en_US", "tariff", "show", two, "--on", "2025-12-31"); code != 0 || !strings.Contains(out, "D1") || strings.Contains(out, "D2") {
		t.Errorf("got %d:\n%s", code, out)
	}
	for _, test := range []struct{ on, want string }{{"2024-12-31", "no version of the tariff is valid"}, {"31.12.2025", "--on takes a date"}} {
		if code, _, errOut := call(t, "en_US", "tariff", "show", two, "--on", test.on); code != 1 || !strings.Contains(errOut, test.want) {
			t.Errorf("got %d: %s", code, errOut)
		}
	}
	if code, _, errOut := call(t, "en_US", "tariff", "show", filepath.Join(dir, "none")); code != 1 || errOut == "" {
		t.Errorf("got %d: %s", code, errOut)
	}
}

func TestTariffSchemaIsThePublishedOne(t *testing.T) {
	want, err := os.ReadFile("../../docs/tariff.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if code, out, _ := call(t, "en_US", "tariff", "schema"); code != 0 || out != string(want) {
		t.Errorf("got %d and another schema", code)
	}
}
