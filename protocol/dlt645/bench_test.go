package dlt645_test

import (
	"testing"

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
