package document_test

import (
	"encoding/json"
	"errors"
	"testing"

	"feikong/internal/document"
)

func TestDecodeTakesAnySpellingOfJSON(t *testing.T) {
	for _, test := range []struct{ in, title string }{
		{"{\n\t\"title\": \"x\",\n\t\"things\": [\n\t\t{\"name\":\t\"b\"}\n\t]\n}\n", "x"},
		{"\t{\"title\":\"a\\/b\"}", "a/b"},
		{`{"title":"\u4e2d\u6587"}`, "中文"},
		{`{"title":"\uD83D\ude00"}`, "😀"},
		{`{"title":"\ud83dx"}`, "\uFFFDx"},
		{`{"title":"\ud83d\u0041"}`, "\uFFFDA"},
		{`{"title":"a\"b\\"}`, `a"b\`},
		{"{\"title\":\"a \u2028b\u0085\u007f\"}", "a \u2028b\u0085\u007f"},
		{`{"title":"tab\there"}`, "tab\there"},
	} {
		var got shelf
		if err := document.Decode("s", []byte(test.in), &got); err != nil || got.Title != test.title {
			t.Errorf("%s: got %q, %v, want %q", test.in, got.Title, err, test.title)
		}
	}
}

func TestFaultsInJSONCarryTheLine(t *testing.T) {
	var got shelf
	err := document.Decode("s", []byte("{\n\t\"title\": \"x\",\n\t\"prise\": 1\n}"), &got)
	var fault *document.Error
	if !errors.As(err, &fault) || fault.Line != 3 {
		t.Errorf("got %v, want a fault on line 3", err)
	}
}

// What encoding/json reads as a text, the documents read as the same text.
func FuzzJSONText(f *testing.F) {
	for _, seed := range []string{`"a"`, `"\ud83d\ude00"`, `"\/\t"`, "\"\u2028\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want string
		if json.Unmarshal(text, &want) != nil {
			return
		}
		var got shelf
		err := document.Decode("fuzz", append(append([]byte(`{"title":`), text...), '}'), &got)
		if err == nil && got.Title != want {
			t.Errorf("%q: got %q, want %q", text, got.Title, want)
		}
	})
}
