package dlt645

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestValuesAreWrittenAsPeopleWriteThem(t *testing.T) {
	for _, row := range []struct {
		di    DI
		value string
		wire  string
	}{
		{0x04000306, "200", "00 02 00"},
		{0x04001003, "12.5", "50 12 00 00"},
		{0x04050101, "0.5283", "83 52 00 00"},
		{0x04000B01, "1 0", "00 01"},
		{0x04000106, "2026-05-01 00:00", "00 00 01 05 26"},
		{0x04030001, "2026-10-01 2", "02 01 10 26"},
		{0x04000402, "42", "42 00 00 00 00 00"},
		{0x04000601, "0x05", "05"},
		{0x04001104, "0102030405060708", "08 07 06 05 04 03 02 01"},
		{0x04010001, "06:00 2, 22:00 3", "02 00 06 03 00 22"},
		{0x04000403, "A-7", strings.Repeat("00", 29) + "37 2D 41"},
	} {
		got, err := EncodeItem(row.di, row.value)
		if err != nil || !bytes.Equal(got, unhex(t, row.wire)) {
			t.Errorf("%s %q: got % X, %v", row.di, row.value, got, err)
		}
	}
	if got, err := EncodeItem1997(0xC032, "123456789012"); err != nil || !bytes.Equal(got, unhex(t, "12 90 78 56 34 12")) {
		t.Errorf("1997: got % X, %v", got, err)
	}
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	for _, row := range []struct {
		di    DI
		value string
		want  error
	}{
		{0x04000306, "", ErrValue}, {0x04000306, "1e3", ErrValue}, {0x04000306, "0.5", ErrValue}, {0x04000306, "-1", ErrValue}, {0x04000306, "1000000", ErrValue}, {0x04000306, "２", ErrValue},
		{0x04001003, "1.234", ErrValue}, {0x04001003, ".5", ErrValue},
		{0x04000106, "2026-13-01 00:00", ErrValue}, {0x04000106, "2026-05-01", ErrValue}, {0x04000106, "1926-05-01 00:00", ErrValue},
		{0x04000402, "12x", ErrValue}, {0x04000601, "5", ErrValue}, {0x04000601, "0xGG", ErrValue}, {0x04000403, "电", ErrValue}, {0x04000403, strings.Repeat("x", 33), ErrValue},
		{0x04010001, strings.Repeat("06:00 1,", 15), ErrValue},
		{DIForwardTotal, "1", ErrReadOnly}, {0x04000501, "0000", ErrReadOnly}, {DIPassword0, "123456", ErrCommand}, {0x04FF0101, "1", ErrUnknownItem}, {0x0001FF00, "1", ErrUnknownItem},
	} {
		if got, err := EncodeItem(row.di, row.value); !errors.Is(err, row.want) {
			t.Errorf("%s %q: got % X, %v; want %v", row.di, row.value, got, err, row.want)
		}
	}
}

// Whatever is written reads back as what was written: its text written again gives the same bytes.
func FuzzEncodeItem(f *testing.F) {
	for _, it := range Items() {
		if it.Writable {
			for _, v := range []string{"1", "0x05", "2026-05-01 00:00", "06:00 2, 22:00 3", "01-01 1", "12 00"} {
				f.Add(uint32(it.DI), v)
			}
		}
	}
	f.Fuzz(func(t *testing.T, n uint32, value string) {
		d := DI(n)
		withinMemory(t, func() {
			b, err := EncodeItem(d, value)
			if err != nil {
				return
			}
			values, err := DecodeValues(d, b)
			if err != nil {
				t.Fatalf("%s %q: % X does not read back: %v", d, value, b, err)
			}
			var texts []string
			for _, v := range values {
				switch {
				case v.Name == "weekday", v.Null:
					return // a date's weekday is no entry, and a time that never was has no text
				case v.Text != "":
					texts = append(texts, v.Text)
				default:
					texts = append(texts, v.Decimal())
				}
			}
			again, err := EncodeItem(d, strings.Join(texts, ", "))
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%s %q: % X reads as %q, which is % X, %v", d, value, b, texts, again, err)
			}
		})
	})
}
