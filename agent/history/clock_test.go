package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"feikong/agent/outbox"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
)

var errFull = fmt.Errorf("test: %w", outbox.ErrFull)

func (r *rig) broadcasts() (n int) {
	for _, f := range r.wires.sent {
		if f.Control == 0x08 {
			n++
		}
	}
	return n
}

func (r *rig) off() time.Duration {
	return time.Until(r.wires.sims[0].View(time.Now()).Clock)
}

func TestClockIsSetByBroadcastOnlyWhereItIsAllowed(t *testing.T) {
	for _, row := range []struct {
		name    string
		offset  time.Duration
		allowed bool
		want    int
		alarms  []string
	}{
		{"report only", 40 * time.Second, false, 0, nil},
		{"allowed", 40 * time.Second, true, 1, nil},
		{"small enough", 4 * time.Second, true, 0, nil},
		{"too large", 6 * time.Minute, true, 0, []string{"clock-off"}},
	} {
		try(t, func(c *simmeter.Config) { c.Offset = row.offset }, func(r *rig) {
			r.opt.Broadcast = row.allowed
			r.stop()
			r.start()
			r.run(4 * time.Hour)
			if n := r.broadcasts(); n != row.want {
				t.Errorf("%s: %d broadcasts, want %d", row.name, n, row.want)
			}
			if row.want == 1 && r.off().Abs() > 2*time.Second {
				t.Errorf("%s: the meter is still %v off", row.name, r.off())
			}
			if got := r.alarms(); !slices.Equal(got, row.alarms) {
				t.Errorf("%s: alarms %v, want %v", row.name, got, row.alarms)
			}
			read := 0
			for _, e := range r.entries() {
				if e.Gap == nil && e.Reading.Quantity == protocol.ClockDrift {
					read++
				}
			}
			if read != row.want {
				t.Errorf("%s: read back %d times", row.name, read)
			}
		})
	}
}

func TestTimeIsNotTouchedNearMidnightOrABoundary(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.Offset = 40 * time.Second }, func(r *rig) {
		r.opt.Broadcast = true
		r.stop()
		r.start()
		r.mem.SetBoundaries([]int64{time.Now().Add(20 * time.Minute).UnixMilli()})
		time.Sleep(8 * time.Minute)
		r.run(25 * time.Minute)
		if n := r.broadcasts(); n != 0 {
			t.Errorf("%d broadcasts near a boundary", n)
		}
		r.run(20 * time.Minute)
		if n := r.broadcasts(); n != 1 {
			t.Errorf("%d broadcasts behind it", n)
		}
	})
}

func TestTimeIsNotTouchedWhileAnOrderIsAtWork(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.Offset = 40 * time.Second }, func(r *rig) {
		busy := true
		r.opt.Broadcast, r.opt.Busy = true, func() bool { return busy }
		r.stop()
		r.start()
		r.run(time.Hour)
		if n := r.broadcasts(); n != 0 {
			t.Errorf("%d broadcasts", n)
		}
		busy = false
		r.run(time.Hour)
		if n := r.broadcasts(); n != 1 {
			t.Errorf("%d broadcasts", n)
		}
	})
}

// A meter that obeys nobody is told once a day, across restarts too.
func TestOneBroadcastADay(t *testing.T) {
	try(t, func(c *simmeter.Config) { c.Offset, c.NoClockSet = 40*time.Second, true }, func(r *rig) {
		r.opt.Broadcast = true
		for range 4 {
			r.stop()
			r.start()
			r.run(5 * time.Hour)
		}
		if n := r.broadcasts(); n != 1 {
			t.Errorf("%d broadcasts in a day", n)
		}
		r.run(10 * time.Hour)
		if n := r.broadcasts(); n != 2 {
			t.Errorf("%d broadcasts in two days", n)
		}
	})
}

func TestClockThatSomebodySetIsAnAlarm(t *testing.T) {
	try(t, nil, func(r *rig) {
		r.run(2 * time.Hour)
		r.wires.sims[0].SetOffset(3*time.Minute, time.Now())
		r.run(26 * time.Hour)
		if got := r.alarms(); !slices.Equal(got, []string{"clock-step"}) {
			t.Errorf("got %v", got)
		}
	})
}
