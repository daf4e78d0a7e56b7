package bolt

import (
	"path/filepath"
	"testing"

	"feikong/gateway/store"
	"feikong/gateway/store/storetest"
)

func TestEngineKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string, fault func(string) error) store.Store {
		e, err := Open(filepath.Join(dir, "gateway.db"), Options{Fault: fault})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

// One trip by a clock that ran ahead must neither open the pace nor close it for good.
func TestPaceOutlivesAClockThatRanAhead(t *testing.T) {
	const now, year = int64(1_800_000_000_000), 365 * 24 * hourMs
	p := pace{}
	for _, at := range []int64{now, now + hourMs/2, now + year, now + hourMs/2 + 1, now + hourMs/2 + 2} {
		p = p.add(at)
	}
	for i := range int64(10) {
		p = p.add(now + hourMs/2 + 10 + i)
	}
	if c := p.counts(now + hourMs/2 + 30); c.TripsHour < 12 {
		t.Errorf("%d trips in the hour, want 12 or more", c.TripsHour)
	}
	if c := p.counts(now + 3*hourMs); c.TripsHour != 0 {
		t.Errorf("%d trips hours later, want none", c.TripsHour)
	}
}
