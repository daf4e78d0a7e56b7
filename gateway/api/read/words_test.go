package read

import "testing"

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
