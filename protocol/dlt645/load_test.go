package dlt645

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawRecord is any record a meter may keep.
func drawRecord(t *rapid.T) LoadRecord {
	r := LoadRecord{At: time.Unix(rapid.Int64Range(1.6e9, 4e9).Draw(t, "at"), 0).In(shanghai).Truncate(time.Minute)}
	for n := 1; n <= 6; n++ {
		if !rapid.Bool().Draw(t, "kept") {
			continue
		}
		r.Classes = r.Classes.With(n)
		for i, slot := range r.slots(n) {
			it := loadClasses[n-1][i]
			digits := 2 * it.Bytes
			low, high := int64(0), int64(1)
			for range digits {
				high *= 10
			}
			if it.Signed {
				low, high = -high*8/10+1, high*8/10 // the top bit is the sign
			}
			*slot = rapid.Int64Range(low, high-1).Draw(t, "value")
			if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
				*slot = NotMeasured
			}
		}
	}
	return r
}

func TestLoadRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var wire []byte
		var want []LoadRecord
		for range rapid.IntRange(1, 5).Draw(t, "records") {
			r := drawRecord(t)
			if rapid.IntRange(0, 4).Draw(t, "odd") == 0 {
				r.doubt(doubtMarked)
			}
			from := len(wire)
			wire = AppendLoadRecord(wire, r)
			r.Raw = wire[from:]
			want = append(want, r)
		}
		for i, end := 0, 0; i < len(want); i++ { // the appends above may have moved the bytes
			n := len(want[i].Raw)
			want[i].Raw = wire[end : end+n]
			end += n
		}
		got, err := ParseLoadRecords(wire, shanghai)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}

func TestTheRecordOfTheVectorIsReadWhole(t *testing.T) {
	data := unhex(t, "A0 A0 1C 15 22 22 11 26 01 23 95 22 88 22 23 51 00 00 40 00 00 30 00 01 50 AA AA AA AA AA AA A2 E5")
	got, err := ParseLoadRecords(data, shanghai)
	want := []LoadRecord{{At: at(t, "2026-11-22 22:15"), Classes: LoadClasses(0).With(1), Voltages: [3]int64{2301, 2295, 2288},
		Currents: [3]int64{5123, 4000, 3000}, Frequency: 5001, Raw: data}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, ok := got[0].Energy(0); ok || got[0].Values()[4].String() != "current A 5.123 A" {
		t.Errorf("got %v", got[0].Values())
	}
	if again := AppendLoadRecord(nil, got[0]); !bytes.Equal(again, data) {
		t.Errorf("got % X", again)
	}
}

func TestOddRecordsAreSuspectAndNeverLost(t *testing.T) {
	r := LoadRecord{At: at(t, "2026-11-22 22:15"), Classes: LoadClasses(0).With(4), Energies: [4]int64{12345, 0, -7, NotMeasured}}
	good := AppendLoadRecord(nil, r)
	edit := func(f func([]byte) []byte) []byte { return f(bytes.Clone(good)) }
	for _, tc := range []struct {
		name    string
		data    []byte
		records int // before a good one at the end
		why     string
		energy  bool // the first record's energy could be read
	}{
		{"marked by the meter", AppendLoadRecord(nil, LoadRecord{At: r.At, Classes: r.Classes, Energies: r.Energies, Suspect: true}), 1, "marked by the meter", true},
		{"checksum", edit(func(b []byte) []byte { b[len(b)-2]++; return b }), 1, "checksum wrong", true},
		{"length", edit(func(b []byte) []byte { b[2] += 3; b[len(b)-2] += 3; return b }), 1, "length byte wrong", true},
		{"time", edit(func(b []byte) []byte { b[6] = 0x13; b[len(b)-2] += 2; return b }), 1, "time invalid", true},
		{"a digit A", edit(func(b []byte) []byte { b[12] = 0x0A; return b }), 1, "class 4: not a number", false},
		{"cut", good[:14], 1, "cut or damaged", false},
		{"noise before", append([]byte{1, 2, 3}, good...), 2, "bytes before a record", false},
		{"a class too long", edit(func(b []byte) []byte { return append(b[:12:12], append([]byte{0x11}, b[12:]...)...) }), 1, "cut or damaged", false},
	} {
		data := append(bytes.Clone(tc.data), good...)
		if tc.name == "cut" {
			data = tc.data
		}
		got, err := ParseLoadRecords(data, shanghai)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var joined []byte
		for _, g := range got {
			joined = append(joined, g.Raw...)
		}
		if !bytes.Equal(joined, data) {
			t.Errorf("%s: bytes were lost: % X of % X", tc.name, joined, data)
		}
		if !got[0].Suspect || !strings.Contains(got[0].Why, tc.why) {
			t.Errorf("%s: got %v %q, want %q", tc.name, got[0].Suspect, got[0].Why, tc.why)
		}
		if v, ok := got[0].Energy(0); ok != tc.energy || ok && v != 12345 {
			t.Errorf("%s: energy %d, %v", tc.name, v, ok)
		}
		if last := got[len(got)-1]; tc.name != "cut" && tc.name != "a class too long" && (last.Suspect || last.Energies != r.Energies) {
			t.Errorf("%s: the good record behind it: %+v", tc.name, last)
		}
	}
	if got, err := ParseLoadRecords([]byte{1, 2, 3}, shanghai); err == nil {
		t.Errorf("got %v", got)
	}
	if got, err := ParseLoadRecords(nil, shanghai); err != nil || got != nil {
		t.Errorf("no record: got %v, %v", got, err)
	}
}

func TestOneClassAloneIsRead(t *testing.T) {
	for _, end := range []string{"", "AA"} {
		data := append([]byte{0xA0, 0xA0, 0}, unhex(t, "15 22 22 11 26 45 23 01 00 00 00 00 00 07 00 00 80 FF FF FF FF"+end)...)
		data[2] = byte(len(data) - 3)
		data = append(data, checksum(data), 0xE5)
		got, err := ParseClassRecords(4, data, shanghai)
		if err != nil || len(got) != 1 || got[0].Suspect || got[0].Energies != [4]int64{12345, 0, -7, NotMeasured} {
			t.Errorf("%q: got %+v, %v", end, got, err)
		}
	}
}

func TestNoiseDoesNotBecomeManyRecords(t *testing.T) {
	data := bytes.Repeat([]byte{0xA0, 0xA0, 0xE5}, 5000)
	got, err := ParseLoadRecords(data, shanghai)
	if err != nil || len(got) > loadRecordsMax {
		t.Errorf("got %d records, %v", len(got), err)
	}
	n := 0
	for _, r := range got {
		n += len(r.Raw)
	}
	if n != len(data) {
		t.Errorf("got %d bytes, want %d", n, len(data))
	}
}

func TestWhyARecordIsSuspectIsSaidInChinese(t *testing.T) {
	var r LoadRecord
	r.doubt(doubtSum)
	r.doubtClass(4, doubtNumber)
	r.doubtClass(4, doubtNumber)
	if got := r.WhyIn("zh"); got != "校验和错误；第4类不是数字" {
		t.Errorf("got %s", got)
	}
	if got := r.WhyIn("en"); got != r.Why || got != "checksum wrong; class 4: not a number" {
		t.Errorf("got %s", got)
	}
}
