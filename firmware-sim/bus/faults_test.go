package bus

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
)

// on sets faults by their names, as YAML and ctl do.
func on(t *testing.T, line *Line, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := line.Change(func(f *Faults) error { return f.Set(pairs[i], pairs[i+1]) }); err != nil {
			t.Fatal(err)
		}
	}
}

// What each fault does to a reply when it always happens.
func TestEachFaultOfAReply(t *testing.T) {
	good := len(readTotal("101")) + 4
	for _, row := range []struct {
		name  string
		set   []string
		check func(got []byte, last time.Duration) bool
	}{
		{"silent", []string{"silent", "1"}, func(got []byte, _ time.Duration) bool { return len(got) == 0 }},
		{"late", []string{"late", "1", "late_by", "700ms"}, func(got []byte, last time.Duration) bool {
			return whole(got) && last == l645.Framing().Span(20)+750*time.Millisecond+l645.Framing().Span(24)
		}},
		{"late by itself", []string{"late", "1"}, func(got []byte, last time.Duration) bool {
			return whole(got) && last == l645.Framing().Span(20)+650*time.Millisecond+l645.Framing().Span(24)
		}},
		{"half", []string{"half", "1"}, func(got []byte, _ time.Duration) bool { return len(got) < good && !whole(got) }},
		{"doubled start", []string{"doubled_start", "1"}, func(got []byte, _ time.Duration) bool {
			return bytes.HasPrefix(got, []byte{0xFE, 0xFE, 0xFE, 0xFE, 0x68, 0x68}) && whole(got[5:])
		}},
		{"trailing FF", []string{"trailing_ff", "1"}, func(got []byte, _ time.Duration) bool {
			return len(got) > good && got[good-1] == 0x16 && got[good] == 0xFF
		}},
		{"FE lost", []string{"fe_lost", "1"}, func(got []byte, _ time.Duration) bool { return len(got) < good && whole(got) }},
		{"stray bytes", []string{"stray", "1"}, func(got []byte, _ time.Duration) bool { return len(got) > good }},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				port, line := running(t, l645, meter645(t, "101"))
				on(t, line, row.set...)
				for range 5 {
					got, at := ask(t, port, readTotal("101"))
					var last time.Duration
					if len(at) > 0 {
						last = at[len(at)-1]
					}
					if !row.check(got, last) {
						t.Errorf("got % X, the last after %v", got, last)
					}
				}
				line.SetFaults(Faults{})
				if got, _ := ask(t, port, readTotal("101")); len(got) != good || !whole(got) {
					t.Errorf("healed: got % X", got)
				}
			})
		})
	}
}

func TestEchoIsHeardBeforeTheReply(t *testing.T) {
	request := readTotal("101")
	for loses := range 5 {
		synctest.Test(t, func(t *testing.T) {
			port, line := running(t, l645, meter645(t, "101"))
			on(t, line, "echo", "on", "echo_loses", fmt.Sprint(loses))
			got, _ := ask(t, port, request)
			if !bytes.HasPrefix(got, request[loses:]) || !whole(got[len(request)-loses:]) {
				t.Errorf("%d lost: got % X", loses, got)
			}
			on(t, line, "cut", "on")
			if got, _ := ask(t, port, request); !bytes.Equal(got, request[loses:]) {
				t.Errorf("cut, %d lost: got % X, want the echo alone", loses, got)
			}
		})
	}
}

// Single bit errors on 8E1: the parity turns the character into 00, and a meter drops the frame. Without parity they pass.
func TestParityFindsOddNumbersOfFlippedBits(t *testing.T) {
	for _, f := range []Framing{{2400, "even", 1}, {2400, "odd", 1}, {2400, "none", 1}} {
		h := hiss{rng: rand.New(rand.NewPCG(1, 2))}
		odd, even, passed := 0, 0, 0
		for range 200_000 {
			c := character{value: 0x5A}
			h.spoil(Faults{BitErrors: 0.02}, f, &c)
			flips := 0
			for b := c.value ^ 0x5A; b != 0; b &= b - 1 {
				flips++
			}
			switch {
			case c.bad && f.Parity == "none":
				t.Fatal("a line without parity found an error")
			case c.bad:
				odd++
			case flips == 0:
				passed++
			default:
				even++
			}
		}
		if f.Parity != "none" && (odd < 25_000 || even < 1000 || even > 5000) || f.Parity == "none" && even < 25_000 {
			t.Errorf("%v: %d found, %d undetected, %d good", f, odd, even, passed)
		}
	}
}

func TestBitErrorsHaveTheirRate(t *testing.T) {
	for _, rate := range []Share{0.0001, 0.001, 0.05, 1} {
		h := hiss{rng: rand.New(rand.NewPCG(3, 4))}
		flips := 0
		const n = 1_000_000
		for range n {
			for m := h.single(rate, 8); m != 0; m &= m - 1 {
				flips++
			}
		}
		if want := float64(rate) * 8 * n; float64(flips) < 0.8*want || float64(flips) > 1.2*want {
			t.Errorf("rate %v: %d flips, want about %.0f", rate, flips, want)
		}
	}
}

func TestBurstsSpoilSeveralCharactersInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, line := running(t, l645, meter645(t, "101"))
		on(t, line, "bursts", "0.02", "burst_bytes", "6")
		bad := 0
		for range 40 {
			if got, _ := ask(t, port, readTotal("101")); !whole(got) {
				bad++
			}
		}
		if bad < 10 || bad == 40 {
			t.Errorf("%d of 40 exchanges were spoiled", bad)
		}
	})
}

// Two meters with one address answer at their own delays: what overlaps is spoiled, what does not is two whole replies.
func TestRepliesCollideWhereTheirTimesOverlap(t *testing.T) {
	for _, row := range []struct {
		first, second time.Duration
		whole         int
		note          string
	}{
		{30 * time.Millisecond, 30 * time.Millisecond, 0, "collision"},
		{30 * time.Millisecond, 45 * time.Millisecond, 0, "collision"},
		{30 * time.Millisecond, 120 * time.Millisecond, 0, "collision"},
		{30 * time.Millisecond, 200 * time.Millisecond, 2, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			one, two := meterAt(t, "101", row.first, 0, ""), meterAt(t, "101", row.second, 0, "")
			two.Set(222_000_000, time.Now())
			port, line := running(t, l645, one, two)
			got, _ := ask(t, port, readTotal("101"))
			frames, _ := dlt645.Decode(got)
			if len(frames) != row.whole || len(got) == 0 {
				t.Errorf("%v and %v: got % X, %d frames, want %d", row.first, row.second, got, len(frames), row.whole)
			}
			kept := line.Frames(0)
			if len(kept) != 3 || kept[1].Note != row.note {
				t.Errorf("%v and %v: kept %+v", row.first, row.second, kept)
			}
			if m, ok := line.Meter("101#2"); !ok || m != two {
				t.Error("the second meter is not found")
			}
		})
	}
}

// The first half of a late collision is whole: the master hears the beginning of the first reply as it was sent.
func TestACollisionBeginsWhereTheSecondReplyBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meterAt(t, "101", 30*time.Millisecond, 0, ""), meterAt(t, "101", 100*time.Millisecond, 0, ""))
		got, _ := ask(t, port, readTotal("101"))
		want := dlt645.AppendPreamble(nil)
		want = append(want, 0x68, 0x01, 0x01, 0, 0, 0, 0, 0x68, 0x91) // 70 ms are 15 characters
		if !bytes.HasPrefix(got, want) {
			t.Errorf("got % X, want it to begin % X", got, want)
		}
	})
}

func TestSecondMasterTalksAndReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meter645(t, "101")
		port, line := running(t, l645, m)
		if err := line.Replay(); err == nil {
			t.Error("replayed what never was")
		}
		on(t, line, "second_master", "2s")
		time.Sleep(20 * time.Second)
		second := 0
		for _, f := range line.Frames(0) {
			if f.From == FromSecond {
				second++
			}
		}
		if second < 8 || second > 11 {
			t.Errorf("the other master polled %d times in 20s, want about 10", second)
		}
		on(t, line, "second_master", "off")
		port.ResetInputBuffer()
		time.Sleep(time.Second)

		a, _ := dlt645.ParseAddress("101")
		trip, err := dlt645.RelayRequest(a, dlt645.Password{}, [4]byte{}, dlt645.Trip, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := ask(t, port, dlt645.AppendFrame(nil, trip)); len(got) == 0 {
			t.Fatal("no reply to the trip")
		}
		if err := line.Replay(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if v := m.View(time.Now()); v.TripFrames != 2 {
			t.Errorf("the meter has seen %d trip frames, want 2", v.TripFrames)
		}
		kept := line.Frames(0)
		if last := kept[len(kept)-2]; last.From != FromSecond || !bytes.Equal(last.Wire, dlt645.AppendFrame(nil, trip)) {
			t.Errorf("got %+v", last)
		}
		on(t, line, "replay", "3s")
		time.Sleep(31 * time.Second)
		if v := m.View(time.Now()); v.TripFrames < 11 || v.TripFrames > 13 {
			t.Errorf("the meter has seen %d trip frames after half a minute", v.TripFrames)
		}
	})
}

// The same seed gives the same bytes, whatever is wrong.
func TestFaultsAreTheSameForTheSameSeed(t *testing.T) {
	talk := func(seed uint64) (out string) {
		synctest.Test(t, func(t *testing.T) {
			cfg := l645
			cfg.Seed = seed
			cfg.DTU = DTU{Jitter: 30 * time.Millisecond, Split: 0.3}
			port, line := running(t, cfg, meter645(t, "101"), meter645(t, "102"))
			on(t, line, "bit_errors", "0.002", "bursts", "0.002", "late", "0.1", "half", "0.1", "silent", "0.1", "stray", "0.1",
				"trailing_ff", "0.1", "fe_lost", "0.3", "doubled_start", "0.1", "second_master", "7s", "noise", "0.05")
			for i := range 40 {
				got, at := ask(t, port, readTotal(fmt.Sprint(101+i%2)))
				out += fmt.Sprintf("%X %v\n", got, at)
			}
		})
		return out
	}
	first := talk(5)
	if again := talk(5); first != again {
		t.Error("two runs of one seed differ")
	}
	if talk(6) == first {
		t.Error("another seed gives the same faults")
	}
}

// When the process wakes must not change what anybody hears, also where master and meters hear at once.
func TestFaultsDoNotDependOnWakeUps(t *testing.T) {
	talk := func(poke time.Duration) (out string) {
		synctest.Test(t, func(t *testing.T) {
			port, line := running(t, l645, meter645(t, "101"))
			on(t, line, "echo", "on", "bit_errors", "0.003", "bursts", "0.003")
			go func() {
				tick := time.NewTicker(poke)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
						line.wake()
					case <-t.Context().Done():
						return
					}
				}
			}()
			for range 40 {
				got, _ := ask(t, port, readTotal("101"))
				out += fmt.Sprintf("%X\n", got)
			}
		})
		return out
	}
	if talk(7*time.Millisecond) != talk(time.Hour) {
		t.Error("two runs of one seed differ")
	}
}

func TestFaultsAreSetByName(t *testing.T) {
	var f Faults
	for _, row := range FaultTable() {
		value := map[string]string{"share": "0.25", "count": "3", "time": "1.5s", "on|off": "on"}[row.Value]
		if err := f.Set(row.Name, value); err != nil {
			t.Error(err)
		}
		if f.Map()[row.Name] != value {
			t.Errorf("%s: got %q, want %q", row.Name, f.Map()[row.Name], value)
		}
		if row.ZH == "" || row.EN == "" {
			t.Errorf("%s is not explained", row.Name)
		}
		for _, wrong := range []string{"", "x", "-1", "1e99"} {
			if err := f.Set(row.Name, wrong); err == nil || !strings.Contains(err.Error(), row.Name) {
				t.Errorf("%s took %q: %v", row.Name, wrong, err)
			}
		}
	}
	if len(f.Map()) != len(FaultTable()) {
		t.Errorf("got %v", f.Map())
	}
	for _, row := range FaultTable() {
		if err := f.Set(row.Name, "off"); err != nil {
			t.Error(err)
		}
	}
	if (f != Faults{}) {
		t.Errorf("got %v, want a good line", f.Map())
	}
}

// A baud rate changed by command takes effect after its reply, which still goes at the old rate.
func TestAMeterFollowsABaudChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meter645(t, "101"), meter645(t, "102"))
		a, _ := dlt645.ParseAddress("101")
		request, err := dlt645.BaudRequest(a, 9600)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := ask(t, port, dlt645.AppendFrame(nil, request)); !whole(got) {
			t.Fatalf("got % X at the old rate", got)
		}
		for _, row := range []struct {
			baud    int
			address string
			want    bool
		}{{2400, "101", false}, {2400, "102", true}, {9600, "101", true}, {9600, "102", false}} {
			port.SetFraming(row.baud, "even", 1)
			if got, _ := ask(t, port, readTotal(row.address)); whole(got) != row.want {
				t.Errorf("%d baud: meter %s gave % X", row.baud, row.address, got)
			}
		}
	})
}

func TestADyingMeterEndsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := dlt645.ParseAddress("101")
		m := meter.New(meter.Config{Address: a.String(), Wire: a, Dying: time.Minute, Trailing: 2, FEs: 1}, time.Now())
		port, _ := running(t, l645, m)
		if got, _ := ask(t, port, readTotal("101")); len(got) == 0 || !bytes.HasSuffix(got, []byte{0x16, 0xFF, 0xFF}) || got[0] != 0xFE || got[1] != 0x68 {
			t.Errorf("young: got % X", got)
		}
		time.Sleep(2 * time.Minute)
		if got, _ := ask(t, port, readTotal("101")); len(got) != 0 {
			t.Errorf("dead: got % X", got)
		}
	})
}
