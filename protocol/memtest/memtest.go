// Package memtest lets a fuzz target prove that no bytes from outside make a decoder take much memory.
package memtest

import (
	"runtime/metrics"
	"testing"
)

// Max is what no bytes from a line or a broker may make a decoder allocate.
const Max = 1 << 20

// Within runs f and fails when it allocated more than max bytes in all. The runtime counts by span and for the whole
// process, so that a run may be charged with what others allocated: only three runs in a row convict. f is run again then
// and must not mind.
func Within(t testing.TB, max uint64, f func()) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	var n uint64
	for range 3 {
		metrics.Read(sample)
		before := sample[0].Value.Uint64()
		f()
		metrics.Read(sample)
		if n = sample[0].Value.Uint64() - before; n <= max {
			return
		}
	}
	t.Fatalf("allocated %d bytes, at most %d", n, max)
}
