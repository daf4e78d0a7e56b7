package line

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
)

func TestLostReplyOfAQuickMeterCostsLittleAndASlowOneIsNeverLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := simMeter(t, "101")
		port, sim := bus.Memory(simConfig(), m)
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		var pace Pace
		ask := func() (time.Duration, error) {
			x, _ := read("101")
			x.Pace, x.Delay = &pace, time.Second
			err := l.Do(t.Context(), x)
			return time.Since(x.SentAt), err
		}
		for range paceAfter {
			if _, err := ask(); err != nil {
				t.Fatal(err)
			}
		}
		if d := pace.Delay(); d < 50*time.Millisecond || d > 80*time.Millisecond {
			t.Errorf("learned %v, the meter takes 50 ms and its first bytes are handed over together", d)
		}
		m.SetPlugged(false)
		if d, err := ask(); !errors.Is(err, ErrSilent) || d > 400*time.Millisecond {
			t.Errorf("took %v, %v; want a short wait", d, err)
		}
		if d, err := ask(); !errors.Is(err, ErrSilent) || d < time.Second {
			t.Errorf("took %v, %v; want the full wait after one in vain", d, err)
		}
		m.SetPlugged(true)
		m.SetDelay(700 * time.Millisecond) // it became slow
		lost := 0
		for range 20 {
			if _, err := ask(); err != nil {
				lost++
			}
		}
		if lost > 1 {
			t.Errorf("%d of 20 replies of a meter that became slow were lost", lost)
		}
	})
}

func TestMeterWhoseDelayVariesLosesNothingToWhatWasLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := dlt645.ParseAddress("101")
		m := meter.New(meter.Config{Address: a.String(), Wire: a, EnergymWh: 1, Switch: meter.SwitchDirect, Delay: 20 * time.Millisecond, Jitter: 480 * time.Millisecond, Seed: 7}, time.Now())
		port, sim := bus.Memory(simConfig(), m)
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		var pace Pace
		lost := 0
		for range 2000 {
			x, _ := read("101")
			x.Pace, x.Delay = &pace, 800*time.Millisecond
			if l.Do(t.Context(), x) != nil {
				lost++
			}
		}
		if lost > 4 { // the first window may be lucky
			t.Errorf("%d of 2000 replies lost", lost)
		}
	})
}

func TestOrdersAreGivenTheFullTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := simMeter(t, "101")
		port, sim := bus.Memory(simConfig(), m)
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		pace := Pace{delay: [2]time.Duration{20 * time.Millisecond}, seen: paceAfter, believed: true}
		m.SetDelay(900 * time.Millisecond)
		x, _ := read("101")
		x.Pace, x.Order, x.Delay = &pace, true, time.Second
		if err := l.Do(t.Context(), x); err != nil {
			t.Error(err)
		}
	})
}

// still is a port that answers every request with the same bytes.
type still struct {
	reply []byte
	go_   chan struct{}
	end   chan struct{}
}

func (s *still) Write(b []byte) (int, error) { s.go_ <- struct{}{}; return len(b), nil }
func (s *still) Read(b []byte) (int, error) {
	select {
	case <-s.go_:
		return copy(b, s.reply), nil
	case <-s.end:
		return 0, errors.New("closed")
	}
}
func (s *still) SetReadTimeout(time.Duration) error { return nil }
func (s *still) ResetInputBuffer() error            { return nil }
func (s *still) Close() error                       { close(s.end); return nil }

func TestExchangeAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig())
		_ = port
		p := &still{reply: []byte{1, 2, 3, 4}, go_: make(chan struct{}, 1), end: make(chan struct{})}
		l := run(t, sim, func(Settings) (Port, error) { return p, nil }, settings, Watch(func(Foreign) {}))
		x := &Exchange{Request: []byte{9, 9, 9, 9}, ReplyLen: 4, Delay: time.Second, Take: func(b []byte) bool { return len(b) > 0 }}
		if err := l.Do(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(200, func() { l.Do(t.Context(), x) }); n != 0 && !raceEnabled {
			t.Errorf("%v allocations an exchange", n)
		}
	})
}

// What a technician sets for a line holds: a repeater that needs a pause, a link that answers late.
func TestGapAndLatencyOfALineAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := simMeter(t, "101")
		port, sim := bus.Memory(simConfig(), m)
		set := settings
		set.Gap, set.Latency = 80*time.Millisecond, 2*time.Second
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, set)
		answered(t, l, 1)
		x, _ := read("101")
		if err := l.Do(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		ended := time.Now()
		x, _ = read("101")
		if err := l.Do(t.Context(), x); err != nil || x.SentAt.Sub(ended) < set.Gap {
			t.Errorf("%v, sent %v after the reply before, want %v", err, x.SentAt.Sub(ended), set.Gap)
		}
		m.SetDelay(1800 * time.Millisecond)
		if x, _ = read("101"); l.Do(t.Context(), x) != nil {
			t.Error("a reply within the line's latency is lost")
		}
	})
}
