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
