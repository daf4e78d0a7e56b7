package read

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// What the pipeline refuses, a person at the console reads in words, not as the name of a rule.
func TestEveryRefusalOfThePipelineHasWords(t *testing.T) {
	files, err := filepath.Glob("../../pipeline/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	// These are the rules of programs, not of people: an event nobody at a page can make.
	programs := []string{"empty-batch", "empty-event", "no-label", "unknown-decision", "unknown-notice", "amount-not-positive", "amount-too-fine"}
	rule := regexp.MustCompile(`refuse\(receipt, "([a-z-]+)"`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range rule.FindAllStringSubmatch(string(source), -1) {
			_, refusal := Refusals[m[1]]
			_, block := Blocks[m[1]]
			if !refusal && !block && !slices.Contains(programs, m[1]) {
				t.Errorf("%s: %q has no words", file, m[1])
			}
		}
	}
}

func TestEveryWordIsInBothLanguages(t *testing.T) {
	for name, table := range Tables {
		for word, p := range table {
			if p.EN == "" || p.ZH == "" {
				t.Errorf("%s: %s is missing in one language", name, word)
			}
		}
	}
	for word := range Checks {
		if _, ok := Blocks[word]; !ok {
			t.Errorf("interlock %s has no reason in words", word)
		}
	}
}

func TestAcceptLanguagePicksTheHeavier(t *testing.T) {
	for _, row := range []struct{ header, want string }{
		{"", "en"}, {"zh", "zh"}, {"zh-CN,zh;q=0.9,en;q=0.8", "zh"}, {"en-US,en;q=0.9,zh;q=0.8", "en"}, {"fr, zh;q=0.3", "zh"}, {"fr", "en"},
		{"en;q=0.2, ZH-Hant;q=0.25", "zh"}, {"zh;q=0", "en"}, {";;;,,,q=", "en"},
	} {
		if got := Accept(row.header); got != row.want {
			t.Errorf("%q: got %s, want %s", row.header, got, row.want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("zh-CN,zh;q=0.9,en;q=0.8")
	f.Add(",,,;q=1.5")
	f.Fuzz(func(t *testing.T, header string) {
		if got := Accept(header); got != "zh" && got != "en" {
			t.Errorf("%q: got %q", header, got)
		}
	})
}
