package dlt645

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"feikong/protocol/memtest"
)

// withinMemory runs f and fails when it allocated more than outside bytes may.
func withinMemory(t *testing.T, f func()) { t.Helper(); memtest.Within(t, memtest.Max, f) }

// longest is what an assembled answer may have; fuzzed input is cut there.
func longest(b []byte) []byte { return b[:min(len(b), assemblerBytes)] }

func FuzzDecodeValues1997(f *testing.F) {
	for _, v := range vectors(f) {
		for _, p := range cut(unhex(f, v.Wire)) {
			if len(p.Data) >= 2 && p.Func() == funcRead1997 {
				f.Add(uint16(wireDI1997(p.Data)), p.Data[2:])
			}
		}
	}
	f.Add(uint16(0x90FF), []byte{3, 0, 0, 0, 0xAA, 5, 0, 0, 0, 0xAA})
	f.Add(uint16(0xB6FF), []byte{0x20, 2, 0xAA, 0, 0})
	f.Fuzz(func(t *testing.T, d uint16, data []byte) {
		data = longest(data)
		withinMemory(t, func() {
			values, err := DecodeValues1997(DI(d), data)
			if err != nil && values != nil {
				t.Fatalf("got values %v with error %v", values, err)
			}
			for _, v := range values {
				_ = v.String()
			}
		})
	})
}

func FuzzFreezeRecords(f *testing.F) {
	f.Add(byte(6), unhex(f, "00 00 22 11 26 AA 00 50 34 12 00 00 00 04 AA 00 01 00 00 AA AA AA AA AA AA AA AA AA AA"))
	f.Add(byte(4), unhex(f, "00 00 22 11 26 00 50 34 12 00 01 00 00"))
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		data = longest(data)
		withinMemory(t, func() {
			if values, err := DecodeValues(FreezeDI(FreezeKind(kind), FreezeContentAll, 1), data); err != nil && values != nil {
				t.Fatalf("got values %v with error %v", values, err)
			}
		})
	})
}

func FuzzLoadRecords(f *testing.F) {
	r := LoadRecord{At: time.Date(2026, 11, 22, 22, 15, 0, 0, shanghai), Classes: LoadClasses(0).With(1).With(4), Energies: [4]int64{1, 2, -3, NotMeasured}}
	two := AppendLoadRecord(AppendLoadRecord(nil, r), r)
	f.Add(0, two)
	f.Add(0, two[3:])
	f.Add(4, two[:len(two)-9])
	f.Add(0, unhex(f, "E0 E0 1C 15 22 22 11 26 01 23 95 22 88 22 23 51 00 00 40 00 00 30 00 01 50 AA AA AA AA AA AA A2 E5"))
	f.Fuzz(func(t *testing.T, class int, data []byte) {
		data = longest(data)
		var records []LoadRecord
		withinMemory(t, func() { records, _ = ParseClassRecords(class, data, shanghai) })
		var joined []byte
		for _, r := range records {
			joined = append(joined, r.Raw...)
			if r.Suspect != (r.Why != "") {
				t.Fatalf("suspect %v because %q", r.Suspect, r.Why)
			}
			_ = r.Values()
			if !r.Suspect && class == 0 { // what is sound is written as it was read
				if got := AppendLoadRecord(nil, r); !bytes.Equal(negativeZeros(got), negativeZeros(r.Raw)) {
					t.Fatalf("got % X, want % X", got, r.Raw)
				}
			}
		}
		if len(records) > 0 && !bytes.Equal(joined, data) {
			t.Fatalf("bytes were lost: % X of % X", joined, data)
		}
	})
}

// negativeZeros takes the sign off minus zero, which meters send and nobody
// writes again, and the checksum with it.
func negativeZeros(record []byte) []byte {
	out := bytes.Clone(record[:len(record)-loadFoot])
	at := loadHead + loadTime
	for n := 1; n <= len(loadClasses) && at < len(out); n++ {
		if out[at] == loadSep {
			at++
			continue
		}
		for _, it := range loadClasses[n-1] {
			b := out[at : at+it.Bytes]
			if v, err := number(b, it.Signed); err == nil && v == 0 {
				clear(b)
			}
			at += it.Bytes
		}
		at++
	}
	return out
}

// FuzzOrders gives any frame to every parser of a request or an answer.
func FuzzOrders(f *testing.F) {
	for _, v := range vectors(f) {
		for _, p := range cut(unhex(f, v.Wire)) {
			if p.frame {
				f.Add(p.Addr[:], p.Control, p.Data, uint32(DIForwardTotal))
			}
		}
	}
	f.Fuzz(func(t *testing.T, addr []byte, control byte, data []byte, item uint32) {
		in := Frame{Control: control, Data: data[:min(len(data), maxData)]}
		copy(in.Addr[:], addr)
		d := DI(item)
		withinMemory(t, func() {
			for _, parse := range parsers {
				parse(in, d)
			}
			for _, lang := range []string{"en", "zh"} {
				for _, p := range Explain(lang, AppendFrame(nil, in)) {
					_ = p.String()
				}
			}
			_ = in.String()
			Describe(in)
		})
		sameOrder(t, in)
		for _, part := range Explain("en", AppendMasked(nil, in)) {
			if part.Text == "" {
				t.Fatalf("%v: part %v says nothing", in, part)
			}
		}
	})
}

// parsers is everything that takes a frame.
var parsers = []func(Frame, DI){
	func(f Frame, d DI) { ParseReadRequest(f); ParseReadReply(f, f.Addr, d); ParseSubsequentRequest(f) },
	func(f Frame, d DI) { ParseSubsequentReply(f, f.Addr, d, 1); ParseReadAddressReply(f) },
	func(f Frame, d DI) { ParseWriteRequest(f); ParseWriteReply(f, f.Addr) },
	func(f Frame, d DI) { ParseWriteAddressRequest(f); ParseWriteAddressReply(f) },
	func(f Frame, d DI) { ParseFreezeRequest(f); ParseFreezeReply(f, f.Addr) },
	func(f Frame, d DI) { ParseBaudRequest(f); ParseBaudReply(f, f.Addr) },
	func(f Frame, d DI) { ParsePasswordRequest(f); ParsePasswordReply(f, f.Addr) },
	func(f Frame, d DI) { ParseClearDemandRequest(f); ParseClearEventsRequest(f); ParseClearMeterRequest(f) },
	func(f Frame, d DI) { ParseRelayRequest(f, shanghai); ParseRelayReply(f, f.Addr); ParseRelayStatus(f) },
	func(f Frame, d DI) { ParseOutputRequest(f); ParseOutputReply(f, f.Addr) },
	func(f Frame, d DI) { ParseSealedRequest(f); ParseSecurityReply(f, f.Addr, d) },
	func(f Frame, d DI) { ParseIdentityRequest(f); ParseIdentityReply(f, f.Addr) },
	func(f Frame, d DI) { ParseLoadRequest(f, shanghai); ParseBroadcastTime(f, shanghai) },
	func(f Frame, d DI) { ParseReadRequest1997(f); ParseReadReply1997(f, f.Addr, d) },
	func(f Frame, d DI) { ParseSubsequentRequest1997(f); ParseSubsequentReply1997(f, f.Addr, d) },
	func(f Frame, d DI) { ParseRepeatRequest1997(f); ParseRepeatReply1997(f, f.Addr, d) },
	func(f Frame, d DI) { ParseWriteRequest1997(f, true); ParseWriteRequest1997(f, false) },
	func(f Frame, d DI) { ParseWriteAddressRequest1997(f); ParseWriteAddressReply1997(f) },
	func(f Frame, d DI) { ParseBaudRequest1997(f); ParseBaudReply1997(f, f.Addr) },
	func(f Frame, d DI) { ParsePasswordRequest1997(f); ParsePasswordReply1997(f, f.Addr) },
	func(f Frame, d DI) { ParseStatusWord(d, f.Data); ParseStatusWords(f.Data); ParseStatusWord3(f.Data) },
	func(f Frame, d DI) {
		for _, read := range []Frame{ReadRequest(f.Addr, d), ReadRequest1997(f.Addr, d&0xFFFF)} {
			if s, err := NewAssembler(read); err == nil {
				s.Take(f)
				s.Repeat()
			}
		}
	},
}

// sameOrder: what a meter understood and a master may send is, written again,
// the same frame.
func sameOrder(t *testing.T, in Frame) {
	same := func(out Frame, err error) {
		t.Helper()
		if err == nil && (out.Control != in.Control || !bytes.Equal(out.Data, in.Data)) {
			t.Fatalf("read and written again: got %v, want %v", out, in)
		}
	}
	if o, err := ParseWriteRequest(in); err == nil {
		same(WriteRequest(in.Addr, o.Item, o.Password, o.Operator, o.Data))
	}
	if o, err := ParseClearEventsRequest(in); err == nil {
		same(ClearEventsRequest(in.Addr, o.Password, o.Operator, o.Item))
	}
	if o, err := ParseClearDemandRequest(in); err == nil {
		same(ClearDemandRequest(in.Addr, o.Password, o.Operator))
	}
	if d, old, new, err := ParsePasswordRequest(in); err == nil {
		same(PasswordRequest(in.Addr, d, old, new))
	}
	if v, err := ParseFreezeRequest(in); err == nil {
		same(FreezeRequest(in.Addr, v), nil)
	}
	if v, err := ParseBaudRequest(in); err == nil {
		same(BaudRequest(in.Addr, v))
	}
	if v, err := ParseOutputRequest(in); err == nil {
		same(OutputRequest(in.Addr, v))
	}
	if o, sealed, err := ParseSealedRequest(in); err == nil && o.Control != funcRelay { // of a relay order the level's password is always zero
		same(o.Frame(sealed))
	}
	if o, err := ParseLoadRequest(in, shanghai); err == nil && len(in.Data) > 4 {
		same(LoadRequest(in.Addr, o.Item, byte(o.Records), o.From), nil)
	}
}

func FuzzItemTable(f *testing.F) {
	for _, line := range strings.Split(itemsCSV, "\n")[:40] {
		f.Add(line)
	}
	f.Add("04010000,zone table 1 entry,第1套时区表,14*MMDDNN,42,,,y")
	f.Add("033000FF,a|b|c,甲|乙|丙,99*NN+digits:4,255,kWh,y,y")
	f.Fuzz(func(t *testing.T, line string) {
		line = line[:min(len(line), assemblerBytes)]
		withinMemory(t, func() {
			it, err := row(line)
			if err != nil {
				return
			}
			n := 0
			for _, p := range it.parts() {
				n += p.Bytes
				p.decode(make([]byte, p.Bytes))
			}
			if n != it.Bytes && it.Format != FormatLoad {
				t.Fatalf("%q: %d bytes, its parts %d", line, it.Bytes, n)
			}
			if found, ok := find("DI\n"+line+"\n", it.DI); !strings.Contains(line, "\n") && (!ok || found != it) {
				t.Fatalf("%q: looked up %+v", line, found)
			}
			rows(line)
		})
	})
}
