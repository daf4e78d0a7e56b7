package bus

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

var l645 = Config{Name: "l1", Protocol: DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4, Seed: 1}

func meter645(t testing.TB, address string) *meter.Meter {
	t.Helper()
	a, err := dlt645.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	return meter.New(meter.Config{Address: a.String(), Wire: a, EnergymWh: 100_000_000, LoadW: 1000, Switch: meter.SwitchDirect, Location: time.UTC}, time.Now())
}

// running starts a line in memory and ends it with the test's bubble.
func running(t *testing.T, cfg Config, meters ...*meter.Meter) (*Port, *Line) {
	t.Helper()
	port, line := Memory(cfg, meters...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- line.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if err := port.SetReadTimeout(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	return port, line
}

// ask writes a frame and collects bytes until the line is silent for the read timeout. at holds when each came.
func ask(t *testing.T, p *Port, wire []byte) (got []byte, at []time.Duration) {
	t.Helper()
	start := time.Now()
	if _, err := p.Write(wire); err != nil {
		t.Fatal(err)
	}
	for {
		var b [64]byte
		n, err := p.Read(b[:])
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return got, at
		}
		got = append(got, b[:n]...)
		for range n {
			at = append(at, time.Since(start))
		}
	}
}

func readTotal(address string) []byte {
	a, _ := dlt645.ParseAddress(address)
	return dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(a, 0x00010000))
}

func TestBytesTakeTheirTimeOnTheWires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meter645(t, "101"))
		request := readTotal("101") // 20 bytes
		got, at := ask(t, port, request)
		if len(got) != 4+20 || !bytes.Equal(got[:4], []byte{0xFE, 0xFE, 0xFE, 0xFE}) {
			t.Fatalf("got % X, want four FE and 20 bytes", got)
		}
		for i, d := range at {
			passed := l645.Framing().Span(len(request)) + l645.Framing().Span(i+1) + 50*time.Millisecond
			if d < passed || d > passed+stepMax {
				t.Errorf("byte %d came after %v, it passed after %v", i, d, passed)
			}
		}
		if last, want := at[len(at)-1], l645.Framing().Span(len(request))+l645.Framing().Span(len(got))+50*time.Millisecond; last != want {
			t.Errorf("the last byte came after %v, want %v", last, want)
		}
	})
}

func TestFastLinesSendInBurstsButNotFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := l645
		cfg.Baud = 115200
		port, _ := running(t, cfg, meter645(t, "101"))
		got, at := ask(t, port, readTotal("101"))
		if last, want := at[len(at)-1], cfg.Framing().Span(20)+cfg.Framing().Span(24)+50*time.Millisecond; len(got) != 24 || last != want {
			t.Errorf("got %d bytes, the last after %v; want 24 after %v", len(got), last, want)
		}
	})
}

func TestSilence(t *testing.T) {
	bad := readTotal("101")
	bad[len(bad)-2]++
	for _, row := range []struct {
		name string
		wire []byte
		prep func(*Line, *meter.Meter)
	}{
		{"another address", readTotal("102"), nil},
		{"bad checksum", bad, nil},
		{"unplugged meter", readTotal("101"), func(_ *Line, m *meter.Meter) { m.SetPlugged(false) }},
		{"cut line", readTotal("101"), func(l *Line, _ *meter.Meter) { l.SetPlugged(false) }},
		{"half a frame", readTotal("101")[:12], nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := meter645(t, "101")
				port, line := running(t, l645, m)
				if row.prep != nil {
					row.prep(line, m)
				}
				if got, _ := ask(t, port, row.wire); len(got) != 0 {
					t.Errorf("got % X, want silence", got)
				}
				line.SetPlugged(true)
				m.SetPlugged(true)
				time.Sleep(time.Second)
				if got, _ := ask(t, port, readTotal("101")); len(got) != 24 {
					t.Errorf("got % X afterwards, want a reply", got)
				}
			})
		})
	}
}

func TestRequestInPiecesIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meter645(t, "101"))
		wire := readTotal("101")
		for _, b := range wire[:len(wire)-1] {
			if _, err := port.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if got, _ := ask(t, port, wire[len(wire)-1:]); len(got) != 24 {
			t.Errorf("got % X, want a reply", got)
		}
	})
}

func TestTwoMetersAtOnceSpoilEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meter645(t, "101"), meter645(t, "202"))
		got, _ := ask(t, port, dlt645.AppendFrame(nil, dlt645.ReadAddressRequest()))
		if frames, err := dlt645.Decode(got); len(got) == 0 || err == nil {
			t.Errorf("got % X (%v), want bytes that are no frame", got, frames)
		}
	})
}

func TestAMasterThatTalksOverAReplySpoilsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, line := running(t, l645, meter645(t, "101"))
		go func() {
			time.Sleep(200 * time.Millisecond) // 92 ms request, 50 ms Td, then the reply
			port.Write(readTotal("101"))
		}()
		got, _ := ask(t, port, readTotal("101"))
		if frames, _ := dlt645.Decode(got); len(frames) != 0 {
			t.Errorf("got %v, want a spoiled reply", frames)
		}
		if n := len(line.Frames(0)); n != 2 {
			t.Errorf("got %d frames, want the request and the spoiled reply", n)
		}
	})
}

func TestNoiseIsTheSameForTheSameSeed(t *testing.T) {
	talk := func() (out string) {
		synctest.Test(t, func(t *testing.T) {
			port, line := running(t, l645, meter645(t, "101"))
			if err := line.SetNoise(0.5); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				got, _ := ask(t, port, readTotal("101"))
				out += fmt.Sprintf("%X\n", got)
			}
		})
		return out
	}
	first := talk()
	if again := talk(); first != again {
		t.Errorf("got\n%s\nwant\n%s", again, first)
	}
}

func TestNoiseSpoilsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, line := running(t, l645, meter645(t, "101"))
		for _, row := range []struct {
			rate     float64
			low, top int
		}{{0, 40, 40}, {1, 0, 20}} {
			if err := line.SetNoise(row.rate); err != nil {
				t.Fatal(err)
			}
			good := 0
			for range 40 {
				got, _ := ask(t, port, readTotal("101"))
				if f, err := dlt645.Decode(got); err == nil && len(f) == 1 {
					good++
				}
			}
			if good < row.low || good > row.top {
				t.Errorf("rate %v: %d of 40 came through, want %d to %d", row.rate, good, row.low, row.top)
			}
		}
	})
	if _, line := Memory(l645); line.SetNoise(1.5) == nil {
		t.Error("a rate above 1 was taken")
	}
}

func TestFramesAreKeptAndNumbered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, line := running(t, l645, meter645(t, "101"))
		line.ResumeCount(40)
		got, _ := ask(t, port, readTotal("101"))
		frames := line.Frames(0)
		if len(frames) != 2 || frames[0].N != 41 || frames[0].From != FromMaster || frames[1].From != FromMeter {
			t.Fatalf("got %+v", frames)
		}
		if !bytes.Equal(frames[0].Wire, readTotal("101")[4:]) || !bytes.Equal(frames[1].Wire, got[4:]) {
			t.Errorf("got % X and % X", frames[0].Wire, frames[1].Wire)
		}
		if after := line.Frames(41); len(after) != 1 || after[0].N != 42 {
			t.Errorf("got %+v after 41", after)
		}
	})
}

func TestRingDropsTheOldest(t *testing.T) {
	_, line := Memory(l645)
	for range FramesMax + 5 {
		line.log(time.Time{}, FromMaster, []byte{1}, "")
	}
	got := line.Frames(0)
	if len(got) != FramesMax || got[0].N != 6 || got[len(got)-1].N != FramesMax+5 {
		t.Errorf("got %d frames, %d to %d", len(got), got[0].N, got[len(got)-1].N)
	}
}

func TestPortSurvivesItsMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, _ := running(t, l645, meter645(t, "101"))
		port.Close()
		if _, err := port.Write([]byte{1}); err == nil {
			t.Error("a closed port took bytes")
		}
		port = port.Reopen()
		port.SetReadTimeout(500 * time.Millisecond)
		if got, _ := ask(t, port, readTotal("101")); len(got) != 24 {
			t.Errorf("got % X, want a reply", got)
		}
	})
}

func TestModbusLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model, _ := modbusmap.Find("dds238-zn-sr")
		m := meter.New(meter.Config{Address: "1", Unit: 1, Model: model, EnergymWh: 1_000_000, Switch: meter.SwitchDirect, Location: time.UTC}, time.Now())
		cfg := Config{Name: "l2", Protocol: Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 20 * time.Millisecond}
		port, _ := running(t, cfg, m)
		request := modbus.ReadRequest(1, modbus.ReadHolding, 0, 2)
		got, _ := ask(t, port, modbus.AppendRTU(nil, request))
		reply, err := modbus.DecodeReply(got, request)
		if err != nil {
			t.Fatal(err)
		}
		if want := []byte{4, 0, 0, 0, 100}; !bytes.Equal(reply.Data, want) {
			t.Errorf("got % X, want % X", reply.Data, want)
		}
	})
}

func FuzzLineTakesAnyBytes(f *testing.F) {
	f.Add(readTotal("101"), true)
	f.Add(modbus.AppendRTU(nil, modbus.ReadRequest(1, 3, 0, 2)), false)
	f.Add(append([]byte{0x68, 0x68}, readTotal("101")...), true)
	f.Fuzz(func(t *testing.T, wire []byte, is645 bool) {
		cfg := Config{Protocol: Modbus}
		if is645 {
			cfg.Protocol = DLT645
		}
		model, _ := modbusmap.Find("dds238-zn-sr")
		m := meter645(t, "101")
		if !is645 {
			m = meter.New(meter.Config{Address: "1", Unit: 1, Model: model, Switch: meter.SwitchDirect}, time.Now())
		}
		face := newFace(cfg)
		face.hear(wire)
		for r, ok := face.next(); ok; r, ok = face.next() {
			r.ask(m, time.Now())
		}
	})
}
