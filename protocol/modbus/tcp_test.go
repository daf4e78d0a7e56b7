package modbus

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feikong/protocol/memtest"
)

// The first two are the read of Messaging on TCP/IP V1.0b, 4.2 and 4.3.
func TestTCPFramesMatchPrintedExamples(t *testing.T) {
	tests := []struct {
		name string
		id   uint16
		adu  ADU
		wire string
	}{
		{"read register 5", 0x1501, ReadRequest(0xFF, ReadHolding, 4, 1), "15 01 00 00 00 06 FF 03 00 04 00 01"},
		{"its answer", 0x1501, ReadReply(0xFF, ReadHolding, []uint16{5}), "15 01 00 00 00 05 FF 03 02 00 05"},
		{"exception", 7, ExceptionReply(1, ReadInput, IllegalAddress), "00 07 00 00 00 03 01 84 02"},
		{"coil", 8, WriteCoilRequest(1, 1, true), "00 08 00 00 00 06 01 05 00 01 FF 00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := unhex(t, tt.wire)
			if got := AppendTCP(nil, tt.id, tt.adu); !bytes.Equal(got, want) {
				t.Errorf("got % X, want % X", got, want)
			}
			id, back, err := DecodeTCP(want)
			if d := cmp.Diff(tt.adu, back); d != "" || id != tt.id || err != nil {
				t.Error(id, err, d)
			}
		})
	}
}

func TestDecodeTCPNamesTheFault(t *testing.T) {
	for wire, want := range map[string]error{
		"00 01 00 00 00 06 01":                ErrShort,
		"00 01 00 00 00 06 01 03 00":          ErrShort,
		"00 01 00 01 00 06 01 03 00 04 00 01": ErrHeader,
		"00 01 00 00 01 06 01 03 00 04 00 01": ErrHeader,
		"00 01 00 00 00 01 01 03 00 04 00 01": ErrHeader,
		"00 01 00 00 00 05 01 03 02 00 05 00": ErrLong,
	} {
		if _, _, err := DecodeTCP(unhex(t, wire)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", wire, err, want)
		}
	}
}

func TestReplyNeedTCPFollowsTheBytes(t *testing.T) {
	read := ReadRequest(1, ReadInput, 0, 2)
	const reply = "00 09 00 00 00 07 01 04 04 43 66 33 34"
	tests := []struct {
		name, buf string
		want      int
	}{
		{"nothing yet", "", 8},
		{"half a header", "00 09 00", 5},
		{"header", "00 09 00 00 00 07 01", 1},
		{"half", "00 09 00 00 00 07 01 04 04", 4},
		{"whole", reply, 0},
		{"whole and the next", reply + reply, 0},
		{"exception", "00 09 00 00 00 03 01 84 02", 0},
		{"an older reply, half", "00 08 00 00 00 07 01 04 04", 4},
		{"an older reply", "00 08 00 00 00 07 01 04 04 00 00 00 00", -13},
		{"another unit", "00 09 00 00 00 07 02 04 04 00 00 00 00", -13},
		{"another function", "00 09 00 00 00 07 01 03 04 00 00 00 00", -13},
		{"noise in front", "FF FF FF" + reply, -3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ReplyNeedTCP(unhex(t, tt.buf), 9, read); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestDecodeReplyTCPTakesTheReplyOnly(t *testing.T) {
	read := ReadRequest(1, ReadInput, 0, 2)
	a, err := DecodeReplyTCP(unhex(t, "00 09 00 00 00 07 01 04 04 43 66 33 34 FF"), 9, read)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := AppendRegisters(nil, a); len(got) != 2 || got[0] != 0x4366 || err != nil {
		t.Error(got, err)
	}
	var refused *Exception
	if _, err = DecodeReplyTCP(unhex(t, "00 09 00 00 00 03 01 84 06"), 9, read); !errors.As(err, &refused) || refused.Code != DeviceBusy {
		t.Errorf("got %v, want exception 6", err)
	}
	for _, wire := range []string{
		"00 08 00 00 00 07 01 04 04 43 66 33 34", // older
		"00 09 00 00 00 05 01 04 02 43 66",       // one register
		"00 09 00 00 00 07 01 04 02 43 66 33 34", // count and length disagree
		"00 09 00 00 00 04 01 84 02 02",          // long exception
	} {
		if _, err := DecodeReplyTCP(unhex(t, wire), 9, read); !errors.Is(err, ErrReply) {
			t.Errorf("%s: got %v, want %v", wire, err, ErrReply)
		}
	}
	write := WriteRegistersRequest(1, 0x57, []uint16{1, 1})
	for wire, ok := range map[string]bool{
		"00 09 00 00 00 06 01 10 00 57 00 02": true,
		"00 09 00 00 00 06 01 10 00 57 00 01": false,
		"00 09 00 00 00 06 01 10 00 58 00 02": false,
	} {
		if _, err := DecodeReplyTCP(unhex(t, wire), 9, write); (err == nil) != ok {
			t.Errorf("%s: got %v", wire, err)
		}
	}
}

func TestParserTCPFindsRequestsInPieces(t *testing.T) {
	want := []ADU{ReadRequest(0, ReadHolding, 0, 125), WriteRegistersRequest(255, 0x1A, []uint16{1}), {Unit: 3, Func: 0x2B, Data: []byte{14, 1, 0}}}
	var stream []byte
	for i, a := range want {
		stream = append(stream, bytes.Repeat([]byte{0xAA}, 3*i)...)
		stream = AppendTCP(stream, uint16(100+i), a)
	}
	for piece := 1; piece <= len(stream); piece++ {
		var p ParserTCP
		var got []ADU
		for rest := stream; len(rest) > 0; {
			n := min(piece, len(rest))
			p.Write(rest[:n])
			rest = rest[n:]
			for id, a, ok := p.Next(); ok; id, a, ok = p.Next() {
				if int(id) != 100+len(got) {
					t.Fatalf("got transaction %d after %d requests", id, len(got))
				}
				a.Data = bytes.Clone(a.Data)
				got = append(got, a)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("pieces of %d: %s", piece, d)
		}
	}
}

func TestRequestOfTheDeviceItselfIsTakenApart(t *testing.T) {
	if r, err := ParseRequest(ReadRequest(255, ReadHolding, 1, 2)); err != nil || r.Unit != 255 || r.Count != 2 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestFramingHasItsUnitsAndWords(t *testing.T) {
	for word, want := range map[string]Framing{"": RTU, "rtu": RTU, "tcp": TCP} {
		got, err := ParseFraming(word)
		if got != want || err != nil || word != "" && got.String() != word {
			t.Errorf("%q: got %v, %v", word, got, err)
		}
	}
	if _, err := ParseFraming("ascii"); err == nil {
		t.Error("ascii was taken")
	}
	if low, high := RTU.Units(); low != 1 || high != 247 {
		t.Error(low, high)
	}
	if low, high := TCP.Units(); low != 0 || high != 255 {
		t.Error(low, high)
	}
}

func TestEveryExceptionHasWordsInBothLanguages(t *testing.T) {
	for code := range 256 {
		if zh, en := ExceptionWords(byte(code)); zh == "" || en == "" {
			t.Errorf("%d: %q, %q", code, zh, en)
		}
	}
}

func TestTCPFramingAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, MaxTCP)
	request := ReadRequest(1, ReadInput, 0, 2)
	reply := unhex(t, "00 09 00 00 00 07 01 04 04 43 66 33 34")
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendTCP(buf[:0], 9, request)
		if ReplyNeedTCP(reply, 9, request) != 0 {
			t.Fatal("reply not whole")
		}
		if _, err := DecodeReplyTCP(reply, 9, request); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func FuzzDecodeTCP(f *testing.F) {
	f.Add(AppendTCP(nil, 1, ReadRequest(1, 4, 0, 2)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var id uint16
		var a ADU
		var err error
		memtest.Within(t, memtest.Max, func() { id, a, err = DecodeTCP(data) })
		if err != nil {
			return
		}
		if got := AppendTCP(nil, id, a); !bytes.Equal(got, data) {
			t.Errorf("got % X, want % X", got, data)
		}
	})
}

func FuzzReplyTCP(f *testing.F) {
	f.Add([]byte{0, 9, 0, 0, 0, 7, 1, 4, 4, 0x43, 0x66, 0x33, 0x34}, uint16(9), byte(1), byte(4), []byte{0, 0, 0, 2})
	f.Add([]byte{0, 8, 0, 0, 0, 3, 1, 0x84, 6}, uint16(9), byte(1), byte(4), []byte{0, 0, 0, 2})
	f.Add([]byte{0, 9, 0, 0, 0, 6, 1, 0x10, 0, 0x1A, 0, 1}, uint16(9), byte(1), byte(0x10), []byte{0, 0x1A, 0, 1, 2, 0, 1})
	f.Fuzz(func(t *testing.T, buf []byte, id uint16, unit, fn byte, data []byte) {
		request := ADU{unit, fn, data}
		anyReply(t, buf, request, func(buf []byte) int { return ReplyNeedTCP(buf, id, request) }, func(buf []byte) (ADU, error) { return DecodeReplyTCP(buf, id, request) })
	})
}

func FuzzParserTCP(f *testing.F) {
	f.Add([]byte{0xAA, 0, 1, 0}, AppendTCP(nil, 1, ReadRequest(1, 3, 0, 2)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		memtest.Within(t, memtest.Max, func() {
			var p ParserTCP
			for _, piece := range [][]byte{a, b} {
				p.Write(piece)
				for n := 0; ; n++ {
					id, got, ok := p.Next()
					if !ok {
						break
					}
					if _, back, err := DecodeTCP(AppendTCP(nil, id, got)); err != nil || back.Func != got.Func {
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
