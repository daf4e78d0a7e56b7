package line

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// answered asks meter 101 n times and says how often it answered; what other meters say is passed over, as drivers do.
func answered(t *testing.T, l *Line, n int) (good int) {
	t.Helper()
	for range n {
		x, _ := read("101")
		var p dlt645.Parser
		x.Take = func(b []byte) bool {
			if p.Write(b); len(b) == 0 {
				p.Silence()
			}
			for f, ok := p.Next(); ok; f, ok = p.Next() {
				if f.FromMeter() && f.Addr.String() == "000000000101" {
					return true
				}
			}
			return false
		}
		switch err := l.Do(t.Context(), x); {
		case err == nil:
			good++
		case !errors.Is(err, ErrSilent):
			t.Fatal(err)
		}
	}
	return good
}

func TestFaultsOfTheWireCostTheirExchangesAndNoOthers(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults bus.Faults
		least  int // of 200 exchanges
		foe    int // at most so many told as foreign
	}{
		{"good line", bus.Faults{}, 200, 0},
		{"echo", bus.Faults{Echo: true}, 200, 0},
		{"echo without its first bytes", bus.Faults{Echo: true, EchoLoses: 3}, 200, 0},
		{"doubled start", bus.Faults{DoubledStart: 1}, 200, 0},
		{"trailing FF", bus.Faults{TrailingFF: 1}, 200, 0},
		{"bytes in front", bus.Faults{Stray: 1}, 200, 0},
		{"lost FE", bus.Faults{FELost: 1}, 200, 0},
		{"half replies", bus.Faults{Half: 0.2}, 140, 0},
		{"late replies", bus.Faults{Late: 0.2, LateBy: bus.Span(700 * time.Millisecond)}, 120, 0}, // each may spoil the next, too
		{"noise", bus.Faults{Noise: 0.1}, 140, 0},
		{"silent now and then", bus.Faults{Silent: 0.2}, 140, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
				sim.SetFaults(c.faults)
				foe := 0
				l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings, Watch(func(f Foreign) { foe++; t.Logf("%+v", f) }))
				if good := answered(t, l, 200); good < c.least || foe > c.foe {
					t.Errorf("%d of 200 answered, want %d; %d frames told as foreign", good, c.least, foe)
				}
			})
		})
	}
}

// A DTU on a mobile network splits a reply into segments, holds one back and merges it with the next.
func TestSplitAndMergedSegmentsAreOneReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := simConfig()
		cfg.DTU = bus.DTU{Latency: 200 * time.Millisecond, Jitter: 200 * time.Millisecond, Split: 0.5, Merge: 0.5}
		port, sim := bus.Memory(cfg, simMeter(t, "101"))
		set := settings
		set.Path = "tcp://192.0.2.1:8899" // that it is behind a network is all that the path says here
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, set)
		if good := answered(t, l, 100); good != 100 {
			t.Errorf("%d of 100 answered", good)
		}
	})
}

// On an adapter that hears itself, the echo of FC05 is the same bytes as its answer: a meter that is away must not seem to
// have obeyed.
func TestEchoOfAWriteIsNotItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model, _ := modbusmap.Find("dds238-zn-sr")
		m := meter.New(meter.Config{Address: "1", Unit: 1, Model: model, EnergymWh: 5_000_000, Switch: meter.SwitchDirect}, time.Now())
		port, sim := bus.Memory(bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 20 * time.Millisecond}, m)
		sim.SetFaults(bus.Faults{Echo: true})
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, Settings{Name: "l2", Path: "x", Baud: 9600, Parity: "none", StopBits: 1})
		ask := func(a modbus.ADU) error {
			var got []byte
			return l.Do(t.Context(), &Exchange{Request: modbus.AppendRTU(nil, a), ReplyLen: modbus.ReplyLength(a), Delay: 300 * time.Millisecond, Blind: true,
				Take: func(b []byte) bool {
					got = append(got, b...)
					for len(got) > 0 {
						n := modbus.ReplyNeed(got, a)
						if n >= 0 {
							return n == 0
						}
						got = got[min(-n, len(got)):]
					}
					return false
				}})
		}
		for range 3 { // the line learns that its adapter echoes
			if err := ask(modbus.ReadRequest(1, modbus.ReadHolding, 0, 2)); err != nil {
				t.Fatal(err)
			}
		}
		write := modbus.WriteRegisterRequest(1, model.Relay.Addr, model.Relay.Close[0])
		if err := ask(write); err != nil {
			t.Errorf("the meter's own answer: %v", err)
		}
		m.SetPlugged(false)
		if err := ask(write); !errors.Is(err, ErrSilent) {
			t.Errorf("got %v from a meter that is away, want ErrSilent", err)
		}
	})
}

// The rule of the line: an order's first byte leaves at most one exchange and 10 ms after it arrived, dead meters included.
func TestOrderWaitsForOneExchangeAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"), simMeter(t, "102"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		var longest time.Duration
		go func() {
			defer close(ended)
			for i := 0; ctx.Err() == nil; i++ {
				x, _ := read([]string{"101", "999", "102"}[i%3]) // 999 is dead
				x.Order = false
				l.Do(ctx, x)
				longest = max(longest, time.Since(x.SentAt))
			}
		}()
		var worst time.Duration
		for i := range 300 {
			time.Sleep(time.Duration(i*37%1000) * time.Millisecond) // virtual: at every moment of an exchange
			x, _ := read("101")
			x.Order = true
			came := time.Now()
			if err := l.Do(ctx, x); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, x.SentAt.Sub(came))
		}
		stop()
		<-ended
		t.Logf("an order waited %v at most, the longest exchange took %v", worst, longest)
		if worst > longest+10*time.Millisecond {
			t.Errorf("an order waited %v, the longest exchange took %v", worst, longest)
		}
	})
}

// After a Modbus meter was silent its late answer is waited for before it is asked again. An order does not wait for that.
func TestOrderGoesBeforeAPollThatStillWaitsForTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model, _ := modbusmap.Find("eastron-sdm230")
		m := meter.New(meter.Config{Address: "1", Unit: 1, Model: model, EnergymWh: 5_000_000, Switch: meter.SwitchDirect}, time.Now())
		port, sim := bus.Memory(bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 20 * time.Millisecond}, m)
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, Settings{Name: "l2", Path: "x", Baud: 9600, Parity: "none", StopBits: 1})
		ask := func(unit byte, order bool) *Exchange {
			a := modbus.ReadRequest(unit, modbus.ReadInput, 0, 2)
			var got []byte
			return &Exchange{Request: modbus.AppendRTU(nil, a), ReplyLen: modbus.ReplyLength(a), Delay: 800 * time.Millisecond, Blind: true, Order: order,
				Take: func(b []byte) bool { got = append(got, b...); return len(got) >= 9 }}
		}
		ctx, stop := context.WithCancel(t.Context())
		polled := make(chan int)
		go func() {
			n := 0
			for ; ctx.Err() == nil; n++ {
				l.Do(ctx, ask(9, false)) // dead
			}
			polled <- n
		}()
		const exchange = 920 * time.Millisecond // request, 800 ms, margin
		for i := range 100 {
			time.Sleep(time.Duration(i*97%2000) * time.Millisecond) // virtual
			x := ask(1, true)
			came := time.Now()
			if err := l.Do(ctx, x); err != nil {
				t.Fatal(err)
			}
			if d := x.SentAt.Sub(came); d > exchange+10*time.Millisecond {
				t.Errorf("an order waited %v", d)
			}
		}
		stop()
		if n := <-polled; n < 50 {
			t.Errorf("only %d polls beside the orders", n)
		}
	})
}

func TestBroadcastEndsWithItsLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		x := &Exchange{Request: dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.BroadcastTime(time.Now(), time.UTC)), Broadcast: true}
		start := time.Now()
		if err := l.Do(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if d, want := time.Since(start), settings.CharTime(len(x.Request)); d < want || d > want+10*time.Millisecond+quiet {
			t.Errorf("took %v, the bytes alone %v", d, want)
		}
		if answered(t, l, 1) != 1 {
			t.Error("the next meter is not read")
		}
	})
}

func TestMetersOfTwoFramingsShareALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := dlt645.ParseAddress("102")
		fast := meter.New(meter.Config{Address: a.String(), Wire: a, EnergymWh: 1, Baud: 9600, Parity: "none", Switch: meter.SwitchDirect}, time.Now())
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"), fast)
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		for range 5 {
			if answered(t, l, 1) != 1 {
				t.Error("101 at the line's own framing is not read")
			}
			x, _ := read("102")
			x.Baud, x.Parity = 9600, "none"
			if err := l.Do(t.Context(), x); err != nil {
				t.Error(err)
			}
		}
	})
}

// fixed is a port without SetFraming, as a serial server's is.
type fixed struct{ Port }

func TestPortThatCannotRetuneSaysSoAndSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return fixed{port}, nil }, settings)
		x, _ := read("101")
		x.Baud = 9600
		if err := l.Do(t.Context(), x); !errors.Is(err, ErrFraming) || x.Wrote {
			t.Errorf("got %v, wrote %t", err, x.Wrote)
		}
		if answered(t, l, 1) != 1 {
			t.Error("the line does not go on")
		}
	})
}

// failing is a port that opens well and is lost at once.
type failing struct{ Port }

func (failing) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestPortThatOpensAndIsLostAtOnceIsNotOpenedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		opened := 0
		l := run(t, sim, func(Settings) (Port, error) { opened++; return failing{port}, nil }, settings)
		time.Sleep(time.Minute) // virtual
		if x, _ := read("101"); l.Do(t.Context(), x) == nil || opened > 12 {
			t.Errorf("opened %d times in a minute", opened)
		}
	})
}

// hangsUp is a serial server that has another client already: it says so, in words, and closes.
type hangsUp struct {
	Port
	said bool
}

func (p *hangsUp) Read(b []byte) (int, error) {
	if p.said {
		return 0, io.EOF
	}
	p.said = true
	return copy(b, "another client is connected\r\n"), nil
}

func TestServerThatSaysSomethingAndHangsUpIsNotCalledForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		opened := 0
		l := run(t, sim, func(Settings) (Port, error) { opened++; return &hangsUp{Port: port}, nil }, settings)
		time.Sleep(time.Minute) // virtual
		if x, _ := read("101"); l.Do(t.Context(), x) == nil || opened > 12 {
			t.Errorf("opened %d times in a minute", opened)
		}
	})
}

func TestTraceTellsWhatWasSentAndWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		answered(t, l, 1)
		var kinds []string
		var ends []TraceEvent
		stop := l.Trace(func(e TraceEvent) {
			if len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind {
				kinds = append(kinds, e.Kind)
			}
			if e.Kind == TraceEnd {
				ends = append(ends, e)
			}
		})
		answered(t, l, 1)
		x, _ := read("999")
		l.Do(t.Context(), x)
		stop()
		answered(t, l, 1)
		if got := strings.Join(kinds, " "); got != "sent received end sent end" {
			t.Errorf("got %s", got)
		}
		if len(ends) != 2 || ends[0].Err != nil || ends[0].Delay < 50*time.Millisecond || ends[0].Delay > 80*time.Millisecond || !errors.Is(ends[1].Err, ErrSilent) {
			t.Errorf("got %+v", ends)
		}
	})
}
