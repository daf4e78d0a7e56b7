package dlt645

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDecodeValuesRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		d    DI
		data string
		want error
	}{
		{"digit A", DIForwardTotal, "1A 00 00 00", ErrBCD},
		{"digit A below the sign bit", DIPowerTotal, "00 00 FA", ErrBCD},
		{"short", DIForwardTotal, "00 00 00", ErrLength},
		{"long", DIForwardTotal, "00 00 00 00 00", ErrLength},
		{"empty", DIForwardBlock, "", ErrLength},
		{"block with half an item", DIForwardBlock, "00 00 00 00 00", ErrLength},
		{"month 13", DIDate, "01 01 13 26", ErrDateTime},
		{"30 February", DIDate, "01 30 02 26", ErrDateTime},
		{"hour 24", DITime, "00 00 24", ErrDateTime},
		{"a digit A in a time", DITime, "0A 00 00", ErrBCD},
		{"unknown", 0x04FFFFFF, "00", ErrUnknownItem},
		{"relay record that is cut", 0x1D00FF01, "15 30 22 22 11 26 17 00", ErrLength},
	} {
		if got, err := DecodeValues(tc.d, unhex(t, tc.data)); !errors.Is(err, tc.want) || got != nil {
			t.Errorf("%s: got %v, %v, want %v", tc.name, got, err, tc.want)
		}
	}
}

func TestATimeThatNeverWasIsNullAndAClockOfZerosIsNot(t *testing.T) {
	for _, tc := range []struct {
		name string
		d    DI
		data string
		at   int // of the value that is null
	}{
		{"demand after a clear", 0x01010000, "00 00 00 00 00 00 00 00", 1},
		{"second rate of a demand block", 0x0101FF00, "56 34 12 30 22 22 11 26 00 00 00 00 00 00 00 00", 3},
		{"settled demand", 0x01010001, "00 00 00 00 00 00 00 00", 1},
		{"switch time nobody set", 0x04000106, "00 00 00 00 00", 0},
		{"place of a freeze not yet taken", 0x05060001, "00 00 00 00 00", 0},
		{"trip that never was", 0x1D00FF01, "00 00 00 00 00 00 17 00 00 00", 0},
		{"demand of a frozen record", 0x05060901, "00 00 00 00 00 00 00 00", 1},
		{"power-down that goes on", 0x03110001, "15 30 22 22 11 26 00 00 00 00 00 00", 1},
		{"purchase that never was", 0x03330101, "00 00 00 00 00", 0},
	} {
		got, err := DecodeValues(tc.d, unhex(t, tc.data))
		if err != nil || len(got) <= tc.at || !got[tc.at].Null || got[tc.at].Text != "" {
			t.Errorf("%s: got %v, %v, want value %d to be null", tc.name, got, err, tc.at)
		}
	}
	if got, err := DecodeValues1997(0xB010, unhex(t, "00 00 00 00")); err != nil || !got[0].Null {
		t.Errorf("demand time of 1997: got %v, %v", got, err)
	}
	for d, n := range map[DI]int{DIDate: 4, 0x0400010C: 7} {
		if got, err := DecodeValues(d, make([]byte, n)); !errors.Is(err, ErrDateTime) {
			t.Errorf("clock %s of zeros: got %v, %v, want ErrDateTime", d, got, err)
		}
	}
	if got, err := DecodeValues(DITime, []byte{0, 0, 0}); err != nil || got[0].Null || got[0].Text != "00:00:00" {
		t.Errorf("midnight: got %v, %v", got, err)
	}
	if got, err := DecodeValues(0x01010000, unhex(t, "00 00 00 00 00 01 00 00")); !errors.Is(err, ErrDateTime) {
		t.Errorf("a month that does not exist: got %v, %v, want ErrDateTime", got, err)
	}
}

func TestDecimalIsExact(t *testing.T) {
	for _, tc := range []struct {
		int  int64
		exp  int8
		want string
	}{
		{0, -2, "0.00"}, {5, -2, "0.05"}, {-5, -2, "-0.05"}, {-123, -2, "-1.23"}, {99999999, -2, "999999.99"},
		{7, 0, "7"}, {-7, 0, "-7"}, {0, 2, "0"}, {-9223372036854775808, -4, "-922337203685477.5808"},
	} {
		if got := (Value{Int: tc.int, Exp: tc.exp}).Decimal(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestDecodeBlockAgreesWithDecodeValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := DI(rapid.SampledFrom([]uint32{0x0001FF00, 0x0000FF00, 0x00010000, 0x00000300, 0x0002FF01, 0x000AFF00, 0x00013F00}).Draw(t, "di"))
		n := rapid.IntRange(0, 9).Draw(t, "values")
		var data []byte
		for range n {
			data = AppendBCD(data, rapid.Uint64Range(0, 99999999).Draw(t, "value"), 4)
			if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
				copy(data[len(data)-4:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
			}
		}
		data = append(data, rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "rest")...)
		var into [16]Value
		got, err := DecodeBlock(d, data, into[:])
		want, wantErr := DecodeValues(d, data)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("got %v, want %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if got != len(want) {
			t.Fatalf("got %d values, want %d", got, len(want))
		}
		for i := range want {
			if into[i].Name != want[i].Name || into[i].NameZH != want[i].NameZH || into[i].DI != want[i].DI || into[i].Unit != want[i].Unit ||
				into[i].Null != want[i].Null || !want[i].Null && (into[i].Int != want[i].Int || into[i].Exp != want[i].Exp) {
				t.Fatalf("got %+v, want %+v", into[i], want[i])
			}
		}
	})
}

func TestNumbersOfTheTableRoundTrip(t *testing.T) {
	var numbers []ItemInfo
	for _, it := range Items() {
		if it.Format.number() {
			numbers = append(numbers, it)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		it := rapid.SampledFrom(numbers).Draw(t, "item")
		most := int64(1)
		for range 2 * it.Bytes {
			most *= 10
		}
		low := int64(0)
		if it.Signed { // the top bit of the highest digit is the sign
			most = most / 10 * 8
			low = 1 - most
		}
		v := rapid.Int64Range(low, most-1).Draw(t, "v")
		data := appendNumber(nil, v, it)
		if allFF(data) {
			t.Skip()
		}
		got, err := DecodeValues(it.DI, data)
		if err != nil || len(got) != 1 || got[0].Int != v || got[0].Unit != it.Unit || got[0].Exp != it.Format.exp() {
			t.Fatalf("%s % X: got %+v, %v, want %d", it.Name, data, got, err, v)
		}
	})
}

func TestBCDRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "bytes")
		most := uint64(1)
		for range n {
			most *= 100
		}
		v := rapid.Uint64Range(0, most-1).Draw(t, "v")
		if got, err := BCD(AppendBCD(nil, v, n)); err != nil || uint64(got) != v {
			t.Fatalf("got %d, %v, want %d", got, err, v)
		}
	})
}

func TestTimesRoundTripInTheMetersLocation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(946684800, 4102415999).Draw(t, "unix"), 0).In(shanghai)
		if at.Year() < 2000 || at.Year() > 2099 {
			t.Skip()
		}
		if got, err := DateTime7(AppendDateTime7(nil, at, shanghai), shanghai); err != nil || !got.Equal(at) {
			t.Fatalf("got %v, %v, want %v", got, err, at)
		}
		if got, err := MeterClock(AppendDate4(nil, at, shanghai), AppendTime3(nil, at, shanghai), shanghai); err != nil || !got.Equal(at) {
			t.Fatalf("got %v, %v, want %v", got, err, at)
		}
		f := BroadcastTime(at, shanghai)
		if got, err := ParseBroadcastTime(f, shanghai); err != nil || !got.Equal(at) {
			t.Fatalf("got %v, %v, want %v", got, err, at)
		}
	})
}

func TestAddresses(t *testing.T) {
	for _, tc := range []struct {
		in, out string
		wire    string
		exact   bool
	}{
		{"123456789012", "123456789012", "12 90 78 56 34 12", true},
		{"1", "000000000001", "01 00 00 00 00 00", true},
		{"aaAA0001", "0000AAAA0001", "01 00 AA AA 00 00", false},
		{"999999999999", "999999999999", "99 99 99 99 99 99", false},
	} {
		a, err := ParseAddress(tc.in)
		if err != nil || a.String() != tc.out || a.Exact() != tc.exact || !bytes.Equal(a[:], unhex(t, tc.wire)) {
			t.Errorf("%s: got %s % X exact %v, %v", tc.in, a, a[:], a.Exact(), err)
		}
	}
	for _, bad := range []string{"", "1234567890123", "12345678901B", "1A", "A", "12 34", "١"} {
		if _, err := ParseAddress(bad); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: got %v, want ErrAddress", bad, err)
		}
	}
	if one := (Address{1}); !one.Match(Wildcard) || !Wildcard.Match(one) || one.Match(Address{2}) {
		t.Error("wildcards must match on either side, and nothing else")
	}
}

func TestEveryValueHasItsNameInBothLanguages(t *testing.T) {
	check := func(values []Value, err error) {
		t.Helper()
		if err != nil || len(values) == 0 {
			t.Errorf("got %v, %v", values, err)
		}
		for _, v := range values {
			if v.NameZH == "" || v.NameZH == v.Name {
				t.Errorf("%s %q has the Chinese name %q", v.DI, v.Name, v.NameZH)
			}
		}
	}
	for _, it := range Items() {
		if it.Format == FormatLoad {
			continue
		}
		data := make([]byte, it.Bytes)
		if it.Format == FormatDate4 || it.Format == FormatDateTime7 { // a clock is always some time
			data[len(data)-2], data[len(data)-3] = 1, 1
		}
		check(DecodeValues(it.DI, data))
	}
	for _, it := range Items1997() {
		data := make([]byte, it.Bytes)
		if it.Format == FormatDate4 {
			data[1], data[2] = 1, 1
		}
		check(DecodeValues1997(it.DI, data))
	}
	at := time.Date(2026, 11, 22, 22, 15, 0, 0, time.UTC)
	r := LoadRecord{At: at, Classes: 0x3F, Suspect: true}
	check(DecodeValues(DILoadLatest, AppendLoadRecord(nil, r)))
	check(r.Values(), nil)
}
