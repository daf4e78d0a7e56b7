package modbus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feikong/protocol/memtest"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames as printed: the SDM230 protocol document (volts 1) and the serial line guide's CRC example.
func TestFramesMatchPrintedExamples(t *testing.T) {
	tests := []struct {
		name string
		adu  ADU
		wire string
	}{
		{"read volts of an SDM230", ReadRequest(1, ReadInput, 0, 2), "01 04 00 00 00 02 71 CB"},
		{"volts 230.2", ReadReply(1, ReadInput, []uint16{0x4366, 0x3334}), "01 04 04 43 66 33 34 1B 38"},
		{"exception", ExceptionReply(1, ReadInput, 2), "01 84 02 C2 C1"},
		{"coil on", WriteCoilRequest(1, 13, true), "01 05 00 0D FF 00 1D F9"},
		{"register", WriteRegisterRequest(1, 1, 3), "01 06 00 01 00 03 98 0B"},
		{"relay of a DDS238", WriteRegistersRequest(1, 0x1A, []uint16{0}), "01 10 00 1A 00 01 02 00 00 A4 6A"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := unhex(t, tt.wire)
			got := AppendRTU(nil, tt.adu)
			if !bytes.Equal(got, want) {
				t.Errorf("got % X, want % X", got, want)
			}
			back, err := DecodeRTU(want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.adu, back); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDecodeRTUNamesTheFault(t *testing.T) {
	tests := []struct {
		wire string
		want error
	}{
		{"01 04 71", ErrShort},
		{"01 04 00 00 00 02 71 CC", ErrCRC},
		{strings.Repeat("00", 257), ErrLong},
	}
	for _, tt := range tests {
		if _, err := DecodeRTU(unhex(t, tt.wire)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.wire, err, tt.want)
		}
	}
}

func TestReplyNeedFollowsTheBytes(t *testing.T) {
	read := ReadRequest(1, ReadInput, 0, 2) // answer 01 04 04 43 66 33 34 1B 38
	write := WriteRegistersRequest(1, 0x1A, []uint16{1})
	tests := []struct {
		name    string
		request ADU
		buf     string
		want    int
	}{
		{"nothing yet", read, "", 5},
		{"unit", read, "01", 4},
		{"function", read, "01 04", 7},
		{"half", read, "01 04 04 43 66", 4},
		{"whole", read, "01 04 04 43 66 33 34 1B 38", 0},
		{"whole and noise", read, "01 04 04 43 66 33 34 1B 38 FF", 0},
		{"exception begins", read, "01 84", 3},
		{"exception", read, "01 84 02 C2 C1", 0},
		{"noise in front", read, "FF 00 01 04", -2},
		{"noise only", read, "FF FE", -2},
		{"another unit's reply", read, "02 04 04", -3},
		{"other byte count", read, "01 04 02", -3},
		{"wrong CRC", read, "01 04 04 43 66 33 34 1B 39", 0},
		{"wrong CRC, the true one begins later", read, "01 04 04 01 04 04 43 66 33", -3},
		{"own echo of a read", read, "01 04 00 00 00 02 71 CB", -8},
		{"write confirmed", write, "01 10 00 1A 00 01 20 0E", 0},
		{"write, other address", write, "01 10 00 1B", -4},
		{"unknown function", ADU{Unit: 1, Func: 0x2B}, "", 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ReplyNeed(unhex(t, tt.buf), tt.request); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestDecodeReplyTellsExceptionsAndFaults(t *testing.T) {
	read := ReadRequest(1, ReadInput, 0, 2)
	reply, err := DecodeReply(unhex(t, "01 04 04 43 66 33 34 1B 38 FF"), read)
	if err != nil {
		t.Fatal(err)
	}
	got, err := AppendRegisters(nil, reply)
	if d := cmp.Diff([]uint16{0x4366, 0x3334}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	var refused *Exception
	if _, err = DecodeReply(unhex(t, "01 84 02 C2 C1"), read); !errors.As(err, &refused) || refused.Code != 2 {
		t.Errorf("got %v, want exception 2", err)
	}
	if _, err = DecodeReply(unhex(t, "01 04 04 43 66 33 34 1B 39"), read); !errors.Is(err, ErrCRC) {
		t.Errorf("got %v, want %v", err, ErrCRC)
	}
	if _, err = DecodeReply(unhex(t, "02 04 04 43 66 33 34 1B 39"), read); !errors.Is(err, ErrReply) {
		t.Errorf("got %v, want %v", err, ErrReply)
	}
	if _, err = DecodeReply(unhex(t, "01 04 04"), read); !errors.Is(err, ErrShort) {
		t.Errorf("got %v, want %v", err, ErrShort)
	}
}

func TestParserFindsRequestsAmongNoiseAndInPieces(t *testing.T) {
	want := []ADU{
		ReadRequest(1, ReadHolding, 0, 18),
		WriteRegistersRequest(7, 0x1A, []uint16{1}),
		WriteCoilRequest(2, 0, true),
		{Unit: 3, Func: WriteCoils, Data: []byte{0, 1, 0, 10, 2, 0xFF, 3}},
		ReadRequest(247, ReadCoils, 3, 2000),
	}
	var stream []byte
	for i, a := range want {
		stream = append(stream, []byte{0xFE, 0x10, 0x03, 0x00, 0x55}[:i]...) // noise that partly looks like a request
		stream = AppendRTU(stream, a)
	}
	for piece := 1; piece <= len(stream); piece++ {
		var p Parser
		var got []ADU
		for rest := stream; len(rest) > 0; {
			n := min(piece, len(rest))
			p.Write(rest[:n])
			rest = rest[n:]
			for a, ok := p.Next(); ok; a, ok = p.Next() {
				a.Data = bytes.Clone(a.Data)
				got = append(got, a)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("pieces of %d: %s", piece, d)
		}
	}
}

func TestParseRequestTakesWritesApart(t *testing.T) {
	tests := []struct {
		adu  ADU
		want Request
	}{
		{ReadRequest(1, ReadHolding, 0x1A, 1), Request{Unit: 1, Func: ReadHolding, Addr: 0x1A, Count: 1}},
		{WriteCoilRequest(1, 2, true), Request{Unit: 1, Func: WriteCoil, Addr: 2, Count: 1, Bits: []bool{true}}},
		{WriteRegisterRequest(1, 2, 9), Request{Unit: 1, Func: WriteRegister, Addr: 2, Count: 1, Registers: []uint16{9}}},
		{WriteRegistersRequest(1, 2, []uint16{9, 8}), Request{Unit: 1, Func: WriteRegisters, Addr: 2, Count: 2, Registers: []uint16{9, 8}}},
		{ADU{1, WriteCoils, []byte{0, 0, 0, 3, 1, 5}}, Request{Unit: 1, Func: WriteCoils, Count: 3, Bits: []bool{true, false, true}}},
	}
	for _, tt := range tests {
		got, err := ParseRequest(tt.adu)
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Error(d, err)
		}
	}
	for _, bad := range []ADU{{1, ReadHolding, nil}, {1, ReadHolding, []byte{0, 0, 0, 126}}, {1, 0x2B, []byte{1, 2, 3, 4}},
		{1, WriteRegisters, []byte{0, 0, 0, 1, 2, 0}}, {1, WriteCoil, []byte{0, 0, 1, 0}}, {1, ReadCoils, []byte{0, 0, 0, 1, 0}}} {
		if _, err := ParseRequest(bad); err == nil {
			t.Errorf("%v: got no error", bad)
		}
	}
}

func TestFramingAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, MaxFrame)
	registers := make([]uint16, 0, MaxRegisters)
	request := ReadRequest(1, ReadInput, 0, 2)
	reply := unhex(t, "01 04 04 43 66 33 34 1B 38")
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendRTU(buf[:0], request)
		if ReplyNeed(reply, request) != 0 {
			t.Fatal("reply not whole")
		}
		a, err := DecodeReply(reply, request)
		if err != nil {
			t.Fatal(err)
		}
		registers, _ = AppendRegisters(registers[:0], a)
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func FuzzDecodeRTU(f *testing.F) {
	f.Add(AppendRTU(nil, ReadRequest(1, 4, 0, 2)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a ADU
		var err error
		memtest.Within(t, memtest.Max, func() {
			if a, err = DecodeRTU(data); err == nil {
				ParseRequest(a)
			}
		})
		if err != nil {
			return
		}
		if got := AppendRTU(nil, a); !bytes.Equal(got, data) {
			t.Errorf("got % X, want % X", got, data)
		}
		if r, err := ParseRequest(a); err == nil && r.Count == 0 {
			t.Errorf("request for nothing: %+v", r)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte{1, 4, 4, 0x43, 0x66, 0x33, 0x34, 0x1B, 0x38}, byte(1), byte(4), []byte{0, 0, 0, 2})
	f.Add([]byte{1, 0x84, 2, 0xC2, 0xC1}, byte(1), byte(4), []byte{0, 0, 0, 2})
	f.Add([]byte{1, 0x10, 0, 0x1A, 0, 1, 0x20, 0x0E}, byte(1), byte(0x10), []byte{0, 0x1A, 0, 1, 2, 0, 1})
	f.Fuzz(func(t *testing.T, buf []byte, unit, fn byte, data []byte) {
		request := ADU{unit, fn, data}
		anyReply(t, buf, request, func(buf []byte) int { return ReplyNeed(buf, request) }, func(buf []byte) (ADU, error) { return DecodeReply(buf, request) })
	})
}

// anyReply judges buf as a master does, whatever it is: dropping always ends, a good reply to a read has the registers that
// were asked for, and little memory is taken.
func anyReply(t *testing.T, buf []byte, request ADU, judge func([]byte) int, decode func([]byte) (ADU, error)) {
	t.Helper()
	buf = buf[:min(len(buf), 4*MaxTCP)] // a master's buffer holds no more
	memtest.Within(t, memtest.Max, func() {
		rest := buf
		for range len(buf) + 1 {
			need := judge(rest)
			switch {
			case need > 0:
				return
			case -need > len(rest):
				t.Fatalf("drop %d of %d bytes", -need, len(rest))
			case need < 0:
				rest = rest[-need:]
				continue
			}
			if a, err := decode(rest); err == nil && a.Func <= ReadInput && a.Func >= ReadHolding {
				words, err := AppendRegisters(nil, a)
				if err != nil || len(words) != word(request.Data[2:]) {
					t.Errorf("%d registers of a good reply: %v", len(words), err)
				}
			}
			return
		}
		t.Error("dropping does not end")
	})
}

func FuzzParser(f *testing.F) {
	f.Add([]byte{0xFE, 1, 3}, AppendRTU(nil, ReadRequest(1, 3, 0, 2)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		memtest.Within(t, memtest.Max, func() {
			var p Parser
			for _, piece := range [][]byte{a, b} {
				p.Write(piece)
				for n := 0; ; n++ {
					got, ok := p.Next()
					if !ok {
						break
					}
					if _, err := ParseRequest(got); err != nil {
						t.Errorf("found %v: %v", got, err)
					}
					if n > len(a)+len(b) {
						t.Fatal("Next does not end")
					}
				}
			}
		})
	})
}
