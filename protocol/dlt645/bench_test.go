package dlt645_test

import (
	"testing"

	"feikong/protocol/dlt645"
	"feikong/protocol/dlt645/decodebench"
)

func BenchmarkBlockDecode(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(decodebench.Wire)))
	if _, err := decodebench.Decode(b.N); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkOnePass(b *testing.B) {
	b.SetBytes(int64(len(decodebench.Wire)))
	decodebench.Pass(b.N)
}

func TestParserAndBlockDecodeDoNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if sum, err := decodebench.Decode(10); err != nil || sum != 10*12345678 {
			t.Fatal(sum, err)
		}
	}); n != 0 {
		t.Fatalf("got %v allocations, want 0", n)
	}
}

// BenchmarkDecodeBlockAlone is the decoding without the parser: total and four
// rates of a reply already found and checked.
func BenchmarkDecodeBlockAlone(b *testing.B) {
	data := decodebench.Wire[14 : len(decodebench.Wire)-2]
	plain := make([]byte, len(data))
	for i, v := range data {
		plain[i] = v - 0x33
	}
	var into [8]dlt645.Value
	b.ReportAllocs()
	for b.Loop() {
		if n, err := dlt645.DecodeBlock(dlt645.DIForwardBlock, plain, into[:]); err != nil || n != 5 {
			b.Fatal(n, err)
		}
	}
}
