package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// example is the call that the head of a shipped usage document tells, and the total it promises.
func example(t *testing.T, path string) (args []string, total string) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(body), "# gateway ")
	line, _, _ := strings.Cut(rest, "\n")
	call, total, told := strings.Cut(line, ": total ")
	if !ok || !told {
		t.Fatalf("%s does not tell how it is priced", path)
	}
	for _, word := range strings.Fields(call) {
		if strings.HasPrefix(word, "configs/") {
			word = filepath.Join("..", "..", word)
		}
		args = append(args, word)
	}
	return args, total
}

func TestEveryShippedUsageIsPricedAndPrintedInTheDocuments(t *testing.T) {
	paths, err := filepath.Glob("../../configs/usage/*.yaml")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d usage documents, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			args, want := example(t, path)
			code, out, errOut := call(t, "en_GB.UTF-8", append(args, "--json", "--explain")...)
			var q quoted
			if err := json.Unmarshal([]byte(out), &q); code != 0 || err != nil {
				t.Fatalf("exit %d, %v: %s%s", code, err, out, errOut)
			}
			if q.Total != want || len(q.Lines) == 0 || len(q.Explain) == 0 || len(q.Subtotals) == 0 {
				t.Errorf("got %s with %d lines and %d sentences, want %s", q.Total, len(q.Lines), len(q.Explain), want)
			}
			for _, lang := range []string{"zh_CN.UTF-8", "en_GB.UTF-8"} {
				if code, out, errOut := call(t, lang, append(args, "--explain")...); code != 0 || !strings.Contains(out, want) {
					t.Errorf("%s: exit %d: %s%s", lang, code, out, errOut)
				}
			}
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, doc := range []string{"usage.md", "usage.zh.md"} {
				text, err := os.ReadFile(filepath.Join("..", "..", "docs", doc))
				if err != nil || !strings.Contains(string(text), "```yaml\n"+string(body)+"```") {
					t.Errorf("docs/%s does not print %s as it is: %v", doc, path, err)
				}
			}
		})
	}
}

func TestQuoteSpeaksChinese(t *testing.T) {
	args, _ := example(t, "../../configs/usage/correction.yaml")
	_, out, _ := call(t, "zh_CN.UTF-8", append(args, "--explain")...)
	for _, want := range []string{"红冲", "更正后账单", "重算账单", "小计", "合计", "阶梯累计", "红冲 2026-05-01 00:00 至 2026-06-01 00:00 的原账单：-173.07"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestQuoteNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	usages := map[string]string{
		"bad.yaml":     "from: 2026-02-30\nto: 2026-03-01\nenergy: 1\n",
		"lacks.yaml":   "from: 2026-07-01\nto: 2026-08-01\nenergy: 1\n",
		"huge.yaml":    "from: 2026-01-01\nto: 2026-12-31\nenergy: 9223372036854\n",
		"huger.yaml":   "from: 2026-01-01\nto: 2026-12-31\nmeters: [{meter: a, energy: 9223372036854}, {meter: b, energy: 9223372036854}]\n",
		"typo.yaml":    "form: 2026-01-01\nto: 2026-12-31\nenergy: 9\n",
		"sale.yaml":    "sale: {payments: [{at: 2023-07-02, amount: 5}]}\n",
		"counter.yaml": "from: 2026-01-01\nto: 2026-02-01\ncounter: 5\nenergy: 1\n",
	}
	for name, body := range usages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tariffs := "../../configs/tariffs/"
	for _, test := range []struct{ tariff, usage, want string }{
		{"flat.yaml", "bad.yaml", `line 1: from: "2026-02-30" is not a date`},
		{"flat.yaml", "typo.yaml", `line 1: unknown key "form", nearest is "from"`},
		{"shandong-household.yaml", "lacks.yaml", "counter is missing; tariff shandong-household has tiers"},
		{"shandong-household.yaml", "counter.yaml", "counter is 5 kWh, but the tier cycle begins on 2026-01-01"},
		{"kenya-domestic.yaml", "lacks.yaml", "no version of the tariff is valid"},
		{"flat.yaml", "huger.yaml", "beyond the range of the unit"},
		{"johannesburg-prepaid.yaml", "missing.yaml", "no such file"},
		{"missing.yaml", "lacks.yaml", "no such file"},
		{"hubei-single-lv.yaml", "sale.yaml", "no version of the tariff is valid"},
	} {
		t.Run(test.tariff+" "+test.usage, func(t *testing.T) {
			code, out, errOut := call(t, "en_GB.UTF-8", "quote", "--tariff", tariffs+test.tariff, "--usage", filepath.Join(dir, test.usage))
			if code != 1 || out != "" || !strings.Contains(errOut, test.want) {
				t.Errorf("exit %d, %s%s, want %s", code, out, errOut, test.want)
			}
		})
	}
	if code, _, errOut := call(t, "en_GB.UTF-8", "quote", "--tariff", tariffs+"flat.yaml"); code != 1 || !strings.Contains(errOut, "give --tariff FILE and --usage FILE") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if code, out, errOut := call(t, "en_GB.UTF-8", "quote", "--tariff", tariffs+"flat.yaml", "--usage", filepath.Join(dir, "huge.yaml"), "--json"); code != 0 || !strings.Contains(out, `"total": "5044262166955.45"`) {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}
}

const feastTariff = `tariff: h
name: {en: H}
currency: CNY
utc_offset: "+08:00"
versions:
  - number: 1
    valid_from: 2026-01-01
    document: D
    decimals: 2
    kind: composed
    calendar: cn
    bands: [{code: day}, {code: feast}]
    remainder: {band: day}
    schedule:
      - {days: [workday, weekend], hours: [{band: day, at: [00:00-24:00]}]}
      - {days: [holiday], hours: [{band: feast, at: [00:00-24:00]}]}
    components:
      - energy: {prices: [{band: day, price: 1}, {band: feast, price: 0.1}]}
`

func TestQuoteTellsHolidaysByTheCalendar(t *testing.T) {
	dir := t.TempDir()
	prices := write(t, dir, "h.yaml", feastTariff)
	// The National Day's eve is a workday, then the holiday begins.
	use := write(t, dir, "u.yaml", "from: 2026-09-30\nto: 2026-10-02\nhours: {kwh: ["+strings.Repeat("1, ", 47)+"1]}\n")
	late := write(t, dir, "late.yaml", "from: 2027-01-01\nto: 2027-01-01T01:00\nhours: {kwh: [1]}\n")
	code, _, errOut := call(t, "en_GB.UTF-8", "quote", "--tariff", prices, "--usage", use)
	if code != 1 || !strings.Contains(errOut, "holiday calendar cn; give it with --calendar") {
		t.Errorf("without a calendar: exit %d, %s", code, errOut)
	}
	code, out, errOut := call(t, "en_GB.UTF-8", "quote", "--tariff", prices, "--usage", use, "--calendar", "../../configs/calendars/cn.yaml", "--json")
	if code != 0 || !strings.Contains(out, `"total": "26.40"`) {
		t.Errorf("with it: exit %d, %s%s", code, out, errOut)
	}
	code, _, errOut = call(t, "en_GB.UTF-8", "quote", "--tariff", prices, "--usage", late, "--calendar", "../../configs/calendars/cn.yaml")
	if code != 1 || !strings.Contains(errOut, "calendar cn does not cover 2027-01-01; give one that does") {
		t.Errorf("beyond it: exit %d, %s", code, errOut)
	}
	other := write(t, dir, "two.yaml", feastTariff+strings.Replace(feastTariff[strings.Index(feastTariff, "  - number"):], "number: 1\n    valid_from: 2026-01-01", "number: 2\n    valid_from: 2026-02-01", 1))
	mixed := write(t, dir, "mixed.yaml", strings.Replace(readText(t, other), "calendar: cn", "calendar: xx", 1))
	xx := write(t, dir, "xx.yaml", "calendar: xx\nname: {en: X}\ndocument: D\ncovers: {from: 2026-01-01, to: 2026-12-31}\n")
	code, _, errOut = call(t, "en_GB.UTF-8", "quote", "--tariff", mixed, "--usage", use, "--calendar", "../../configs/calendars/cn.yaml", "--calendar", xx)
	if code != 1 || !strings.Contains(errOut, "the versions name the calendars") {
		t.Errorf("two calendars: exit %d, %s", code, errOut)
	}
	if code, _, errOut = call(t, "en_GB.UTF-8", "quote", "--tariff", prices, "--usage", use, "--calendar", filepath.Join(dir, "none.yaml")); code != 1 || !strings.Contains(errOut, "no such file") {
		t.Errorf("no calendar: exit %d, %s", code, errOut)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
