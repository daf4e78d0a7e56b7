package dlt645

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type vector struct {
	ID           string  `json:"id"`
	Wire         string  `json:"wire"`
	Expect       string  `json:"expect"`
	Address      string  `json:"address"`
	Direction    string  `json:"direction"`
	Version      string  `json:"version"`
	Control      string  `json:"control"`
	IsErrorReply bool    `json:"is_error_reply"`
	MoreFollow   bool    `json:"more_follow"`
	DI           string  `json:"di"`
	DataPlain    string  `json:"data_plain"`
	Values       []Field `json:"values"`
	Error        string  `json:"error"`
	Layer        string  `json:"layer"`
	ValidFrames  int     `json:"valid_frames_in_wire"`
	AnswerIndex  int     `json:"answer_index"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	return append(vectorFile(t, "testdata/dlt645-vectors.json", 124), vectorFile(t, "testdata/more-vectors.json", 27)...)
}

func vectorFile(t testing.TB, name string, count int) []vector {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Count   int
		Vectors []vector
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != file.Count || file.Count != count {
		t.Fatalf("%s: got %d vectors, want %d", name, len(file.Vectors), count)
	}
	return file.Vectors
}

// notYet lists the vectors that are known to fail, each with the reason. One
// that passes must leave the list; one that fails must not hide outside it.
var notYet = map[string]string{}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		diff := v.check(t)
		reason, listed := notYet[v.ID]
		switch {
		case diff != "" && !listed:
			t.Errorf("%s:\n%s", v.ID, diff)
		case diff == "" && listed:
			t.Errorf("%s passes now, take it off the list (%s)", v.ID, reason)
		case listed:
			t.Logf("%s not yet: %s", v.ID, reason)
		}
	}
}

// check decodes the wire and compares what the JSON form says with the file.
func (v vector) check(t testing.TB) string {
	out := DescribeAll(unhex(t, v.Wire))
	if v.Expect == "error" {
		b, _ := json.Marshal(out[len(out)-1])
		var got vector
		if err := json.Unmarshal(b, &got); err != nil {
			return err.Error()
		}
		return cmp.Diff([]string{v.Error, v.Layer, v.Address, v.Control}, []string{got.Error, got.Layer, got.Address, got.Control})
	}
	if want := max(v.ValidFrames, 1); len(out) != want {
		return cmp.Diff(want, len(out))
	}
	b, _ := json.Marshal(out[v.AnswerIndex])
	var got vector
	if err := json.Unmarshal(b, &got); err != nil {
		return err.Error()
	}
	want := v
	want.ID, want.Expect, want.ValidFrames, want.AnswerIndex = "", "", 0, 0
	if len(out) > 1 {
		got.Wire, want.Wire = "", ""
	}
	return cmp.Diff(want, got)
}

func TestEveryFrameOfTheVectorsEncodesToItself(t *testing.T) {
	for _, v := range vectors(t) {
		for _, p := range cut(unhex(t, v.Wire)) {
			if p.frame {
				if got := AppendFrame(nil, p.Frame); string(got) != string(p.wire) {
					t.Errorf("%s: got % X, want % X", v.ID, got, p.wire)
				}
			}
		}
	}
}
