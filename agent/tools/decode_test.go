package tools

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// about are the fields of a vector that are not said by a decoder.
var about = []string{"id", "kind", "source", "expect", "note", "valid_frames_in_wire", "answer_index"}

func TestDecodeJSONAgreesWithEveryVector(t *testing.T) {
	b, err := os.ReadFile("../../protocol/dlt645/testdata/dlt645-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []map[string]any }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 124 {
		t.Fatalf("got %d vectors, want 124", len(file.Vectors))
	}
	for _, want := range file.Vectors {
		var out bytes.Buffer
		if err := Decode(&out, strings.Fields(want["wire"].(string)), true, ""); err != nil {
			t.Errorf("%v: %v", want["id"], err)
			continue
		}
		lines := objects(t, &out)
		got := lines[len(lines)-1]
		if i, ok := want["answer_index"].(float64); ok {
			got = lines[int(i)]
			delete(got, "wire") // each object has its own stretch of the capture
			delete(want, "wire")
		}
		id := want["id"]
		if want["expect"] == "error" {
			for _, field := range []string{"error", "layer", "address", "control"} {
				if got[field] != want[field] {
					t.Errorf("%v: %s: got %v, want %v", id, field, got[field], want[field])
				}
			}
			continue
		}
		for _, field := range about {
			delete(want, field)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v:\n%s", id, diff)
		}
	}
}

func objects(t *testing.T, r io.Reader) (out []map[string]any) {
	t.Helper()
	for dec := json.NewDecoder(r); ; {
		var m map[string]any
		if err := dec.Decode(&m); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
}

const trip = "68010015082620681C10358967454A3333334D33838C5663445992" + "16"

func TestDecodeCommandMasksThePasswordUnlessAsked(t *testing.T) {
	for _, row := range []struct {
		args  []string
		shown bool
	}{
		{[]string{trip}, false},
		{[]string{"--show-password", trip}, true},
		{[]string{"--show-password", "--json", trip}, true},
	} {
		var out bytes.Buffer
		c := DecodeCommand()
		c.SetArgs(row.args)
		c.SetOut(&out)
		if err := c.Execute(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "89 67 45"); got != row.shown {
			t.Errorf("%v: password shown %v, want %v:\n%s", row.args, got, row.shown, &out)
		}
	}
}

func TestDecodeSpeaksTheLanguageOfTheTerminal(t *testing.T) {
	for lang, want := range map[string]string{"zh_CN.UTF-8": "拉闸", "en_GB.UTF-8": "command 1A: trip", "C": "command 1A: trip"} {
		t.Setenv("LC_ALL", lang)
		var out bytes.Buffer
		c := DecodeCommand()
		c.SetArgs([]string{trip})
		c.SetOut(&out)
		if err := c.Execute(); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: want %q in\n%s%v", lang, want, &out, err)
		}
	}
}

func TestDecodeReadsHexAsPeopleWriteIt(t *testing.T) {
	for _, args := range [][]string{
		{"68AAAAAAAAAAAA681300DF16"}, {"68 AA AA AA AA AA AA 68 13 00 DF 16"}, {"68", "aa:aa:aa", "AA-AA-AA", "0x68,0x13,0x00", "DF16"},
	} {
		var out bytes.Buffer
		if err := Decode(&out, args, true, ""); err != nil || !strings.Contains(out.String(), `"control":"13"`) {
			t.Errorf("%v: got %s, %v", args, &out, err)
		}
	}
	for _, args := range [][]string{nil, {""}, {"6"}, {"68 8967xx"}, {"拉闸"}} {
		err := Decode(io.Discard, args, false, "en")
		if err == nil || strings.Contains(err.Error(), "8967") {
			t.Errorf("%q: got error %v", args, err)
		}
	}
}

func TestDecodeSaysThatTwoMetersAnswered(t *testing.T) {
	const wire = "68 01 00 15 08 26 20 68 93 06 34 33 48 3B 59 53 63 16 68 02 00 15 08 26 20 68 93 06 35 33 48 3B 59 53 65 16"
	var out bytes.Buffer
	if err := Decode(&out, []string{wire}, true, ""); err != nil {
		t.Fatal(err)
	}
	if lines := objects(t, &out); len(lines) != 3 || lines[2]["error"] != "two_replies" || lines[2]["layer"] != "bus" {
		t.Errorf("got %v", lines)
	}
}
