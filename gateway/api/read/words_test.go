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

// Whatever else the pipeline writes for people to read has words too: findings, tasks, interlocks.
func TestFindingsTasksAndInterlocksOfThePipelineHaveWords(t *testing.T) {
	var sources []byte
	files, err := filepath.Glob("../../pipeline/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if source, err := os.ReadFile(file); err == nil && !regexp.MustCompile(`_test\.go$`).MatchString(file) {
			sources = append(sources, source...)
		}
	}
	seen := 0
	each := func(pattern string, known func(string) bool) {
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(sources, -1) {
			seen++
			if word := string(m[1]); !known(word) {
				t.Errorf("%s has no words", word)
			}
		}
	}
	each(`"([ACERT][0-9][0-9])"`, func(code string) bool { return finding("zh", code) != code && finding("en", code) != code })
	each(`task[A-Z][A-Za-z]* += "([a-z-]+)"`, func(task string) bool { _, ok := Tasks[task]; return ok })
	each(`say\("([a-z-]+)"`, func(rule string) bool { _, ok := Checks[rule]; return ok })
	if seen < 30 {
		t.Errorf("only %d words were found: is the pipeline written otherwise now?", seen)
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
