package console

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

func TestBothLanguagesHaveTheSameWords(t *testing.T) {
	verbs := regexp.MustCompile(`%[a-z]`)
	for key, en := range english {
		zh, ok := chinese[key]
		if !ok || zh == "" || en == "" {
			t.Errorf("%s is missing in one language", key)
		}
		if a, b := verbs.FindAllString(en, -1), verbs.FindAllString(zh, -1); strings.Join(a, "") != strings.Join(b, "") {
			t.Errorf("%s: arguments %v and %v", key, a, b)
		}
	}
	for key := range chinese {
		if _, ok := english[key]; !ok {
			t.Errorf("%s is missing in English", key)
		}
	}
}

func TestEveryWordOfThePagesIsInTheDictionary(t *testing.T) {
	word := regexp.MustCompile(`\.T "([^"]+)"`)
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(templates, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range word.FindAllStringSubmatch(string(data), -1) {
			if _, ok := english[m[1]]; !ok {
				t.Errorf("%s: %s is in no dictionary", name, m[1])
			}
		}
	}
	for name, a := range actions {
		if _, ok := english[a.done]; !ok {
			t.Errorf("form %s: %s is in no dictionary", name, a.done)
		}
	}
}

func TestARedirectStaysHere(t *testing.T) {
	for _, row := range []struct{ next, want string }{
		{"/accounts/1001", "/accounts/1001"}, {"", "/"}, {"//evil.example", "/"}, {"https://evil.example", "/"}, {`/\evil.example`, "/"}, {"/sign-out", "/"}, {"/a\r\nb", "/"},
	} {
		if got := local(row.next); got != row.want {
			t.Errorf("%q: got %q, want %q", row.next, got, row.want)
		}
	}
}
