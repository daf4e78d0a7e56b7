package bus

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
)

func meterAt(t testing.TB, address string, delay time.Duration, baud int, parity string) *meter.Meter {
	t.Helper()
	a, err := dlt645.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	return meter.New(meter.Config{
		Address: a.String(), Wire: a, EnergymWh: 100_000_000, LoadW: 1000, Switch: meter.SwitchDirect, Location: time.UTC,
		Delay: delay, Baud: baud, Parity: parity,
	}, time.Now())
}

func whole(got []byte) bool {
	f, err := dlt645.Decode(got)
	return err == nil && len(f) == 1
}

func TestEachMeterTakesItsOwnDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meterAt(t, "101", 0, 0, ""), meterAt(t, "102", 20*time.Millisecond, 0, ""), meterAt(t, "103", 444*time.Millisecond, 0, ""))
		for address, delay := range map[string]time.Duration{"101": 50 * time.Millisecond, "102": 20 * time.Millisecond, "103": 444 * time.Millisecond} {
			got, at := ask(t, port, readTotal(address))
			if !whole(got) {
				t.Fatalf("%s: got % X", address, got)
			}
			f := l645.Framing()
			if last, want := at[len(at)-1], f.Span(20)+delay+f.Span(24); last != want {
				t.Errorf("%s: the last byte came after %v, want %v", address, last, want)
			}
		}
	})
}

// A line with meters of three framings: each is found only by the master that uses it.
func TestAMasterHearsOnlyMetersOfItsFraming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meterAt(t, "101", 0, 0, ""), meterAt(t, "102", 0, 9600, ""), meterAt(t, "103", 0, 0, "none"), meterAt(t, "104", 0, 1200, "odd"))
		for _, row := range []struct {
			baud   int
			parity string
			want   string
		}{{2400, "even", "101"}, {9600, "even", "102"}, {2400, "none", "103"}, {1200, "odd", "104"}, {4800, "even", ""}, {19200, "none", ""}, {2400, "even", "101"}} {
			if err := port.SetFraming(row.baud, row.parity, 1); err != nil {
				t.Fatal(err)
			}
			for _, address := range []string{"101", "102", "103", "104"} {
				got, _ := ask(t, port, readTotal(address))
				if whole(got) != (address == row.want) {
					t.Errorf("%d %s: meter %s gave % X", row.baud, row.parity, address, got)
				}
			}
		}
		if err := port.SetFraming(0, "even", 1); err == nil {
			t.Error("0 baud was taken")
		}
	})
}

// The request is understood, then the master turns its ear elsewhere: the reply comes as garbage, as on real wires.
func TestAReplyInAnotherFramingIsGarbage(t *testing.T) {
	for _, row := range []struct {
		baud   int
		parity string
		low    int // fewest characters that a real receiver would make of 24 at 2400
	}{{1200, "even", 6}, {4800, "even", 20}, {9600, "even", 24}, {2400, "odd", 24}, {2400, "none", 20}} {
		synctest.Test(t, func(t *testing.T) {
			port, _ := running(t, l645, meter645(t, "101"))
			request := readTotal("101")
			go func() {
				time.Sleep(l645.Framing().Span(len(request)) + 10*time.Millisecond)
				port.SetFraming(row.baud, row.parity, 1)
			}()
			got, _ := ask(t, port, request)
			if whole(got) || len(got) < row.low {
				t.Errorf("%d %s: got % X", row.baud, row.parity, got)
			}
		})
	}
}

func TestOddParityIsHeardByEvenAsWrongInEveryCharacter(t *testing.T) {
	f, g := Framing{2400, "even", 1}, Framing{2400, "odd", 1}
	start := time.Unix(0, 0)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	talks := []*talk{newTalk(FromMeter, start, g, all)}
	yes, no := func(*talk) bool { return true }, func(*talk) bool { return false }
	var u uart
	u.at = start
	got := u.take(air{talks, yes, yes, no}, f, start.Add(time.Hour), nil)
	if len(got) != 256 {
		t.Fatalf("got %d characters", len(got))
	}
	for i, c := range got {
		if !c.bad || c.value != byte(i) {
			t.Errorf("character %02X came as %02X, bad %t", i, c.value, c.bad)
		}
	}
}

// What the bit sampler takes of one sender in the right framing is what the short cut gives.
func TestSamplingAgreesWithTheShortCut(t *testing.T) {
	start := time.Unix(1000, 0)
	yes, no := func(*talk) bool { return true }, func(*talk) bool { return false }
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i * 7)
	}
	for _, f := range []Framing{{300, "even", 1}, {1200, "none", 2}, {2400, "even", 1}, {9600, "odd", 2}, {115200, "none", 1}} {
		words := []*talk{newTalk(FromMeter, start, f, all)}
		quick := uart{at: start}
		want := quick.take(air{words, yes, yes, no}, f, start.Add(time.Hour), nil)
		if len(want) != 256 {
			t.Fatalf("%v: got %d characters", f, len(want))
		}
		for i, c := range want {
			if c.value != all[i] || c.bad || !c.at.Equal(start.Add(f.Span(i+1))) {
				t.Fatalf("%v: character %d is %+v", f, i, c)
			}
		}
		slow := uart{at: start}
		around := air{words, yes, yes, no}
		var got []byte
		for slow.at.Before(words[0].end) {
			_, s := around.next(slow.at)
			if s.IsZero() {
				break
			}
			c := slow.sample(around, f, s, s.Add(f.Span(1)))
			if c.bad {
				t.Fatalf("%v: character %d is bad", f, len(got))
			}
			got = append(got, c.value)
		}
		if !bytes.Equal(got, all) {
			t.Errorf("%v: sampled % X", f, got)
		}
	}
}

func TestReadTotalAtBaudRatesThatDivideBadly(t *testing.T) {
	for _, baud := range []int{300, 600, 1200, 4800, 19200, 38400, 57600, 115200} {
		synctest.Test(t, func(t *testing.T) {
			cfg := l645
			cfg.Baud = baud
			port, _ := running(t, cfg, meter645(t, "101"))
			got, at := ask(t, port, readTotal("101"))
			f := cfg.Framing()
			if want := f.Span(20) + cfg.Delay + f.Span(24); !whole(got) || at[len(at)-1] != want {
				t.Errorf("%d baud: got % X, the last after %v, want %v", baud, got, at[len(at)-1], want)
			}
		})
	}
}
