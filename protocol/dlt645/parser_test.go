package dlt645

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const answer = "68 01 00 15 08 26 20 68 91 08 33 33 34 33 AB 89 67 45 7A 16"

func TestParserFindsTheFrameBehindAnything(t *testing.T) {
	for _, tc := range []struct {
		name, before string
		silence      bool
	}{
		{"nothing", "", false},
		{"wake-up bytes", "FE FE FE FE FE FE FE", false},
		{"doubled start", "68", false},
		{"own echo without its first bytes", "26 20 68 11 04 33 33 34 33 16 16", false},
		{"echo cut short", "68 01 00 15 08 26 20 68 11 04 33", true},
		{"a start that claims 255 bytes", "68 00 00 00 00 00 00 68 91 FF", true},
		{"wildcard noise", "AA AA AA 00 16", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wire := unhex(t, tc.before+answer)
			for size := 1; size <= len(wire); size++ {
				var p Parser
				var got []string
				drain := func() {
					for f, ok := p.Next(); ok; f, ok = p.Next() {
						got = append(got, f.String())
					}
				}
				for rest := wire; len(rest) > 0; {
					n := min(size, len(rest))
					p.Write(rest[:n])
					rest = rest[n:]
					drain()
				}
				if tc.silence {
					p.Silence()
					drain()
				}
				if len(got) != 1 || got[0] != "202608150001 91 00 00 01 00 78 56 34 12" {
					t.Fatalf("in pieces of %d: got %v", size, got)
				}
			}
		})
	}
}

func TestParserSaysWhatItStillNeedsAndWhatWasWrong(t *testing.T) {
	wire := unhex(t, answer)
	var p Parser
	p.Write(wire[:9])
	if _, ok := p.Next(); ok || p.Need() != 0 || p.Fault() != ErrTruncated {
		t.Fatalf("got need %d fault %v", p.Need(), p.Fault())
	}
	p.Write(wire[9:12])
	if _, ok := p.Next(); ok || p.Need() != 8 {
		t.Fatalf("got need %d, want 8", p.Need())
	}
	bad := bytes.Clone(wire[12:])
	bad[len(bad)-2]++
	p.Write(bad)
	if _, ok := p.Next(); ok || !errors.Is(p.Fault(), ErrChecksum) {
		t.Fatalf("got fault %v, want checksum", p.Fault())
	}
	p.Write(wire)
	if _, ok := p.Next(); !ok || p.Fault() != nil {
		t.Fatalf("got fault %v after a good frame", p.Fault())
	}
}

func TestParserBufferIsBoundedAndKeepsTheNewest(t *testing.T) {
	var p Parser
	p.Write(bytes.Repeat([]byte{0x68, 0x55}, 5*bufferMax))
	p.Write(unhex(t, answer))
	p.Silence()
	if f, ok := p.Next(); !ok || f.Control != 0x91 {
		t.Fatalf("lost the newest frame: %v %v", f, ok)
	}
}

func TestAppendFrameIsTheInverseAndDoesNotAllocate(t *testing.T) {
	wire := unhex(t, answer)
	frames, err := Decode(wire)
	if err != nil || len(frames) != 1 {
		t.Fatal(frames, err)
	}
	if got := AppendFrame(nil, frames[0]); !bytes.Equal(got, wire) {
		t.Fatalf("got % X, want % X", got, wire)
	}
	dst := make([]byte, 0, MaxFrame)
	if n := testing.AllocsPerRun(100, func() { dst = AppendFrame(dst[:0], frames[0]) }); n != 0 {
		t.Fatalf("got %v allocations, want 0", n)
	}
}

func TestEightBytesAtOnceAreAsOneByOne(t *testing.T) {
	for n := 0; n <= MaxFrame; n++ {
		for seed := range 16 {
			b := make([]byte, n)
			var sum byte
			for i := range b {
				b[i] = byte(i*(2*seed+1) + seed*37)
				sum += b[i]
			}
			if got := checksum(b); got != sum {
				t.Fatalf("checksum of %d bytes: got %02X, want %02X", n, got, sum)
			}
			got := bytes.Clone(b)
			takeOffset(got)
			for i := range b {
				if got[i] != b[i]-offset {
					t.Fatalf("byte %d of %d: got %02X, want %02X", i, n, got[i], b[i]-offset)
				}
			}
		}
	}
	full := bytes.Repeat([]byte{0xFF}, MaxFrame)
	if got, want := checksum(full), byte(255*MaxFrame&0xFF); got != want {
		t.Fatalf("got %02X, want %02X", got, want)
	}
}
