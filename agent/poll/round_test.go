package poll

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// requests counts what is sent to each meter, and how often the port is retuned.
type requests struct {
	to    map[string]int
	tunes int
	baud  int
}

func (r *rig) count() *requests {
	q := &requests{to: map[string]int{}}
	r.line.Trace(func(e line.TraceEvent) {
		if e.Kind != line.TraceSent {
			return
		}
		q.to[dlt645.Address(e.Bytes[5:11]).String()]++
		if q.baud != 0 && e.Baud != q.baud {
			q.tunes++
		}
		q.baud = e.Baud
	})
	return q
}

func addresses(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%012d", 101+i))
	}
	return out
}

func TestBadMeterTakesNoMoreOfARoundThanItsNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := street(t, addresses(4), func(i int, c *simmeter.Config) {
			if i == 1 {
				c.LateShare, c.LateBy = 0.5, 5*time.Second
			}
		}, func(o *Options) { o.Relay, o.Clock = 24*time.Hour, 24*time.Hour })
		q := r.count()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		bad, good := q.to["000000000102"], q.to["000000000101"]
		if good < 700 || bad > good*5/4 || bad < good/4 {
			t.Errorf("%d requests to the bad meter, %d to a good one", bad, good)
		}
	})
}

// A cut cable is mended: the first meter that answers its probe brings the others with it.
func TestMetersThatComeBackTogetherAreReadInOneRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := dlt(t, addresses(12)...)
		time.Sleep(time.Minute)
		r.bus.SetPlugged(false)
		time.Sleep(time.Hour)
		before := r.count()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(before.to); n == 0 || before.to["000000000101"] > 6 {
			t.Errorf("probes in ten minutes: %v", before.to)
		}
		r.bus.SetPlugged(true)
		mended := time.Now()
		time.Sleep(backoffMax + time.Minute)
		synctest.Wait()
		var back []int64
		for _, s := range r.poll.Status() {
			if s.BackoffUntil != 0 || time.Since(time.UnixMilli(s.LastReply)) > 20*time.Second {
				t.Errorf("got %+v %v after the cable was mended", s, time.Since(mended))
			}
		}
		for _, e := range r.entries() {
			if v := e.Reading; e.Gap == nil && v.Quantity == protocol.ActiveImport && v.Register == 0 && v.TakenAt >= mended.UnixMilli() && len(back) < 12 {
				back = append(back, v.TakenAt)
			}
		}
		if len(back) < 12 || time.Duration(slices.Max(back)-back[0])*time.Millisecond > 30*time.Second {
			t.Errorf("from the first to the last: %v ms", back)
		}
	})
}

func TestRelayAndClockReadsAreSpreadOverRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := street(t, addresses(16), nil, func(o *Options) { o.Interval, o.Relay, o.Clock = time.Second, 5*time.Minute, 20*time.Minute })
		time.Sleep(30 * time.Minute)
		var at []int64
		times := map[string]int{}
		for _, e := range r.entries() {
			if v := e.Reading; v.Quantity == protocol.RelayState {
				at = append(at, v.TakenAt)
				times[v.Meter.Address]++
			}
		}
		for i := 3; i < len(at); i++ {
			if at[i]-at[i-3] < 4000 { // a round of 16 meters takes 5.3 s
				t.Fatalf("four relay reads within %d ms", at[i]-at[i-3])
			}
		}
		for _, a := range addresses(16) {
			if times[a] < 5 || times[a] > 7 {
				t.Errorf("the relay of %s was read %d times in 30 minutes, want 6", a, times[a])
			}
		}
	})
}

// halfMute does not answer to its relay nor its clock, as old meters do to an item that they do not know.
type halfMute struct {
	meter.Driver
	relays, clocks int
}

func (m *halfMute) Relay(context.Context, meter.Call) (protocol.RelayReport, time.Time, error) {
	m.relays++
	time.Sleep(700 * time.Millisecond)
	return protocol.RelayReport{}, time.Time{}, line.ErrSilent
}

func (m *halfMute) Clock(context.Context, meter.Call) (time.Duration, time.Time, error) {
	m.clocks++
	time.Sleep(700 * time.Millisecond)
	return 0, time.Time{}, line.ErrSilent
}

func TestMetersThatDoNotAnswerToTheirRelayKeepNobodyElseFromIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sims []simmeter.Config
		for i, s := range addresses(16) {
			a, _ := dlt645.ParseAddress(s)
			sims = append(sims, simmeter.Config{Address: s, Wire: a, EnergymWh: int64(i+1) * 5_000_000, Switch: simmeter.SwitchDirect, Location: time.Local})
		}
		var mute []*halfMute
		r := start(t, at2400, sims, func(l *line.Line, ref protocol.MeterRef, _ simmeter.Config) (meter.Driver, error) {
			d, err := meter.NewDLT645(ref, l, 600*time.Millisecond, time.Local)
			if len(mute) == 8 || err != nil {
				return d, err
			}
			mute = append(mute, &halfMute{Driver: d})
			return mute[len(mute)-1], nil
		}, func(o *Options) { o.Interval, o.Relay, o.Clock = time.Second, 5*time.Minute, 40*time.Minute })
		time.Sleep(40*time.Minute + 30*time.Second)
		synctest.Wait()
		got := r.entries()
		for _, a := range addresses(16)[8:] {
			if n := count(got, a, protocol.RelayState); n < 6 || n > 9 {
				t.Errorf("the relay of %s was read %d times in 40 minutes, want 8", a, n)
			}
			if n := count(got, a, protocol.ClockDrift); n < 1 || n > 2 {
				t.Errorf("the clock of %s was read %d times in 40 minutes", a, n)
			}
		}
		for i, m := range mute {
			if m.relays < 4 || m.relays > 18 || m.clocks < 4 || m.clocks > 18 { // eight turns, two tries each
				t.Errorf("meter %d was asked %d times for its relay, %d times for its clock", i, m.relays, m.clocks)
			}
		}
	})
}

func TestMetersOfOneFramingAreVisitedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := street(t, addresses(8), func(i int, c *simmeter.Config) {
			if i%2 == 1 {
				c.Baud, c.Parity = 9600, "even"
			}
		}, func(o *Options) { o.Relay, o.Clock = 24*time.Hour, 24*time.Hour })
		time.Sleep(time.Minute)
		q := r.count()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if rounds := q.to["000000000101"]; rounds < 55 || q.tunes > 2*rounds || q.to["000000000102"] < rounds-1 {
			t.Errorf("%d retunings in %d rounds: %v", q.tunes, rounds, q.to)
		}
		for _, s := range r.poll.Status() {
			if s.Silent > 0 {
				t.Errorf("got %+v", s)
			}
		}
	})
}

// past is a history that counts.
type past struct {
	seen, asked int
	left        int           // pieces of work
	each        time.Duration // how long one takes
}

func (p *past) Seen(meter.Driver, time.Time, []protocol.Reading) { p.seen++ }

func (p *past) Work(context.Context) (bool, error) {
	p.asked++
	if p.left == 0 {
		return false, nil
	}
	p.left--
	time.Sleep(p.each)
	return true, nil
}

func TestHistoryWorksBetweenRounds(t *testing.T) {
	for _, c := range []struct {
		name               string
		interval           time.Duration
		past               past
		seen, asked, askAt int // at least seen; asked between
	}{
		{"idle line: once a minute", 5 * time.Minute, past{}, 6, 14, 20},
		{"work that fits between two rounds", 5 * time.Minute, past{left: 100, each: time.Second}, 6, 110, 120},
		{"work that takes no time does not spin", 5 * time.Minute, past{left: 1 << 30}, 6, 14, 20},
		{"line that is never idle: once a round", 100 * time.Millisecond, past{left: 1 << 30, each: 300 * time.Millisecond}, 1000, 500, 1100},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := c.past
				street(t, addresses(2), nil, func(o *Options) { o.Interval, o.History = c.interval, &p })
				time.Sleep(14*time.Minute + 30*time.Second)
				synctest.Wait()
				if p.seen < c.seen || p.asked < c.asked || p.asked > c.askAt {
					t.Errorf("seen %d, asked %d; want %d, %d to %d", p.seen, p.asked, c.seen, c.asked, c.askAt)
				}
			})
		})
	}
}
