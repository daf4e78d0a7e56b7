package bus

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A DTU can be put before a running line, and taken away: nothing is lost on the way.
func TestADTUComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, line := running(t, l645, meter645(t, "101"))
		last := func(at []time.Duration) time.Duration {
			if len(at) == 0 {
				t.Fatal("no reply")
			}
			return at[len(at)-1]
		}
		_, plain := ask(t, port, readTotal("101"))
		on(t, line, "dtu_latency", "200ms", "dtu_split", "1", "dtu_merge", "1")
		got, slow := ask(t, port, readTotal("101"))
		if !whole(got) || last(slow) < last(plain)+400*time.Millisecond {
			t.Errorf("got % X after %s, without a DTU it took %s", got, last(slow), last(plain))
		}
		port.Write(readTotal("101"))
		time.Sleep(last(slow) - 100*time.Millisecond)
		on(t, line, "dtu_latency", "off", "dtu_split", "off", "dtu_merge", "off")
		time.Sleep(time.Second)
		buf := make([]byte, 256)
		if n, err := port.Read(buf); err != nil || !whole(buf[:n]) {
			t.Errorf("what was on its way: got % X, %v", buf[:n], err)
		}
		if err := line.Change(func(f *Faults) error { return f.Set("dtu_latency", "1h") }); err == nil || line.Faults().DTULatency != 0 {
			t.Errorf("an hour: %v", err)
		}
	})
	if err := (Faults{DTUSplit: 0.5}).Check(Place{Kind: "serial"}); !errors.Is(err, ErrRealPort) {
		t.Errorf("a real port: %v", err)
	}
}
