package meter

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

// heap is what lives after a collection.
func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

func TestMetersStaySmallAfterAMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of meters")
	}
	const n = 1_000
	const most = 20_000 // bytes a meter: 10,000 shall stay far below 1 GB
	before := heap()
	meters := make([]*Meter, n)
	for i := range meters {
		a, err := dlt645.ParseAddress(fmt.Sprint(i + 1))
		if err != nil {
			t.Fatal(err)
		}
		meters[i] = New(Config{Address: a.String(), Wire: a, EnergymWh: 100_000_000, LoadW: 3600, Times: 10, Switch: SwitchDirect,
			Password: password, Seed: uint64(i), Location: time.UTC, Phases: 3, FeedW: 5000}, born2026)
	}
	young := (heap() - before) / n
	start := time.Now()
	const month = 30
	for d := 1; d <= month; d++ {
		now := after(time.Duration(d) * day)
		for i, m := range meters {
			if i%10 == 0 { // some live: a trip, a close, a load that changes
				m.SetLoad(int64(1000+d), now.Add(-time.Hour))
				m.trip([4]byte{})
				m.contact(false)
			}
			m.View(now)
		}
	}
	spent := time.Since(start)
	old := (heap() - before) / n
	state, err := json.Marshal(meters[1].State(after(month * day)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes a meter when new, %d after %d days; a day of a meter took %s; its state is %d bytes of JSON; 10,000 meters are %d MB",
		young, old, month, spent/(n*month), len(state), old*10_000>>20)
	if old > most {
		t.Errorf("got %d bytes a meter, want at most %d", old, most)
	}
	runtime.KeepAlive(meters)
}
