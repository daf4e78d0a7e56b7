// Package wire holds no code: its tests say how much of a simulated line's time carries answered exchanges. Bytes take exactly
// the time that they take at the line's baud, and time is virtual, so the figures are the same on every machine.
package wire

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/poll"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbusmap"
)

// wire is one simulated line with 32 meters, whose reply delays lie evenly between 20 and 500 ms.
type wire struct {
	name   string
	bus    bus.Config
	dead   int           // meters without power
	least  float64       // of the limit
	delay  time.Duration // of every meter; zero: 20 to 500 ms, each its own
	faults bus.Faults
}

var wires = []wire{
	{name: "bus/dlt645:2400", bus: bus.Config{Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Preamble: 4}, least: 0.98},
	{name: "bus/dlt645:9600", bus: bus.Config{Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Preamble: 4}, least: 0.98},
	{name: "bus/modbus:2400", bus: bus.Config{Protocol: bus.Modbus, Baud: 2400, Parity: "even", StopBits: 1}, least: 0.98},
	{name: "bus/modbus:9600", bus: bus.Config{Protocol: bus.Modbus, Baud: 9600, Parity: "even", StopBits: 1}, least: 0.98},
	{name: "bus/dlt645:2400:20ms", bus: bus.Config{Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Preamble: 4}, delay: 20 * time.Millisecond, least: 0.98},
	{name: "bus/dlt645:9600:20ms", bus: bus.Config{Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Preamble: 4}, delay: 20 * time.Millisecond, least: 0.98},
	{name: "bus/dlt645:2400:4-dead", bus: bus.Config{Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Preamble: 4}, dead: 4, least: 0.90},
	{name: "bus/dlt645:9600:4-dead", bus: bus.Config{Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Preamble: 4}, dead: 4, least: 0.90},
	{name: "bus/dlt645:2400:5%-lost", bus: bus.Config{Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Preamble: 4}, faults: bus.Faults{Silent: 0.05}, least: 0.85},
	{name: "bus/dlt645:9600:5%-lost", bus: bus.Config{Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Preamble: 4}, faults: bus.Faults{Silent: 0.05}, least: 0.85},
}

const (
	wireMeters = 32
	warmRounds = 20 // before anything is measured
	fullRounds = 20
	pollWait   = 800 * time.Millisecond // poll.timeout of the example configuration
	flash      = 300 * time.Millisecond // that a commit takes on a bad SD card
)

// used is what a line did while it was measured.
type used struct {
	took, limit time.Duration // wall clock of the line; the same exchanges with nothing between them but what is mandated
	exchanges   int           // answered
	silent      int
	chars       int // of the answered ones, both ways
	delay       time.Duration
}

// ratio is limit over time: 1.00 would be a wire that carries nothing but answered exchanges, each right after the other.
func (u used) ratio() float64 { return float64(u.limit) / float64(u.took) }

// measure runs a line in virtual time. The limit of an exchange is its request, this meter's own delay, its reply, and
// the gap that the protocol mandates: 3.5 characters for Modbus, none for DL/T 645.
func measure(t *testing.T, w wire, rounds int) (u used) {
	char := time.Duration(11) * time.Second / time.Duration(w.bus.Baud)
	gap := time.Duration(0)
	if w.bus.Protocol == bus.Modbus {
		gap = 7 * char / 2
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * 24 * time.Hour) // virtual time begins in 2000
		r := newRig(t, w)
		answered := 0
		defer func() {
			r.end()
			if stored := int(r.box.reads.Load()); stored < answered-1 || stored > answered {
				t.Errorf("%d exchanges were answered and %d brought something to store: the others used the wire for nothing", answered, stored)
			}
		}()
		// The order in which meters are visited does not change on a line of one framing: the first one begins a round.
		seen, measuring, began := 0, false, time.Time{}
		over := make(chan struct{})
		var request, reply int
		var asked string
		r.line.Trace(func(e line.TraceEvent) {
			switch e.Kind {
			case line.TraceSent:
				before := asked
				request, reply, asked = len(e.Bytes), 0, whom(e.Bytes)
				if asked == r.order[0] && before != asked {
					if seen++; seen == warmRounds+1 {
						measuring, began = true, e.At
					} else if seen == warmRounds+rounds+1 {
						measuring = false
						u.took = e.At.Sub(began)
						close(over)
					}
				}
			case line.TraceReceived:
				reply += len(e.Bytes)
			case line.TraceEnd:
				if e.Err == nil {
					answered++
				}
				switch {
				case !measuring:
				case e.Err != nil:
					u.silent++
				default:
					u.exchanges++
					u.chars += request + reply
					u.delay += r.delays[asked]
					u.limit += time.Duration(request+reply)*char + r.delays[asked] + gap
				}
			}
		})
		r.start()
		select {
		case <-over:
		case <-time.After(12 * time.Hour):
			t.Error("the rounds did not end")
		}
	})
	return u
}

// rig is a line, its poller and what they stand on.
type rig struct {
	line   *line.Line
	sim    *bus.Line
	poll   *poll.Poller
	box    slowBox
	order  []string
	delays map[string]time.Duration
	cancel context.CancelFunc
	ctx    context.Context
	all    sync.WaitGroup
}

func newRig(t *testing.T, w wire) *rig {
	r := &rig{delays: map[string]time.Duration{}}
	var sims []*simmeter.Meter
	model, _ := modbusmap.Find("eastron-sdm230")
	for i := range wireMeters {
		c := simmeter.Config{Address: fmt.Sprintf("%d", i+1), Unit: byte(i + 1), Model: model, EnergymWh: 5_000_000_000, LoadW: 300, Switch: simmeter.SwitchDirect, Location: time.Local}
		if w.bus.Protocol == bus.DLT645 {
			a, err := dlt645.ParseAddress(fmt.Sprintf("%012d", 202400+i))
			if err != nil {
				t.Fatal(err)
			}
			c.Address, c.Wire = a.String(), a
		}
		c.Delay = 20*time.Millisecond + time.Duration(i*7%wireMeters)*480*time.Millisecond/(wireMeters-1)
		if w.delay != 0 {
			c.Delay = w.delay
		}
		r.order = append(r.order, c.Address)
		r.delays[c.Address] = c.Delay
		m := simmeter.New(c, time.Now())
		if i >= 1 && i <= w.dead {
			m.SetPlugged(false)
		}
		sims = append(sims, m)
	}
	w.bus.Name, w.bus.Delay = "l1", 50*time.Millisecond
	port, sim := bus.Memory(w.bus, sims...)
	r.sim = sim
	sim.SetFaults(w.faults)
	log := slog.New(slog.DiscardHandler)
	r.line = line.New(line.Settings{Name: "l1", Path: "memory", Baud: w.bus.Baud, Parity: w.bus.Parity, StopBits: 1},
		func(line.Settings) (line.Port, error) { return port, nil }, log, line.Watch(func(f line.Foreign) { t.Errorf("foreign frame on a line with one master: %+v", f) }))
	var drivers []meter.Driver
	for _, a := range r.order {
		var d meter.Driver
		var err error
		if w.bus.Protocol == bus.DLT645 {
			d, err = meter.NewDLT645(protocol.MeterRef{Line: "l1", Address: a}, r.line, pollWait, time.Local)
		} else {
			d, err = meter.NewModbus(protocol.MeterRef{Line: "l1", Address: a}, model, r.line, pollWait)
		}
		if err != nil {
			t.Fatal(err)
		}
		drivers = append(drivers, d)
	}
	r.poll = poll.New("l1", drivers, poll.Options{Interval: time.Second, Relay: 15 * time.Minute, Clock: 24 * time.Hour}, &r.box, func() bool { return true }, log)
	return r
}

func (r *rig) start() {
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.all.Go(func() { r.sim.Run(r.ctx) })
	r.all.Go(func() { r.line.Run(r.ctx) })
	r.all.Go(func() { r.poll.Run(r.ctx) })
}

func (r *rig) end() { r.cancel(); r.all.Wait() }

// slowBox is an outbox on a bad SD card. It counts the reads that were worth something: total register, relay, clock.
type slowBox struct{ reads atomic.Int64 }

func (b *slowBox) Append(es []protocol.Entry) error {
	for _, e := range es {
		if q := e.Reading.Quantity; e.Gap == nil && (q == protocol.RelayState || q == protocol.ClockDrift || q == protocol.ActiveImport && e.Reading.Register == 0) {
			b.reads.Add(1)
		}
	}
	time.Sleep(flash)
	return nil
}

func (*slowBox) AppendAlarm(protocol.Alarm) error { time.Sleep(flash); return nil }

// whom is the meter that a request asks.
func whom(request []byte) string {
	for len(request) > 0 && request[0] == 0xFE {
		request = request[1:]
	}
	if len(request) > 7 && request[0] == 0x68 && request[7] == 0x68 {
		return dlt645.Address(request[1:7]).String()
	}
	return fmt.Sprintf("%d", request[0])
}

// TestBusIsUsedToItsLimit asserts a short version of what make bench prints; time is virtual, so it is exact.
func TestBusIsUsedToItsLimit(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			if u := measure(t, w, 4); u.ratio() < w.least || u.ratio() > 1 {
				t.Errorf("%.4f of the limit, want %.2f at least and 1 at most: %+v", u.ratio(), w.least, u)
			}
		})
	}
}

// TestRatioBus prints how much of a line's time carries answered exchanges, and the arithmetic.
func TestRatioBus(t *testing.T) {
	if os.Getenv("FEIKONG_BENCH") == "" {
		t.Skip("set FEIKONG_BENCH=1, or run make bench: TestBusIsUsedToItsLimit asserts the same")
	}
	for _, w := range wires {
		u := measure(t, w, fullRounds)
		fmt.Printf("RATIO %-30s %.4f %.4f %.4f\n", w.name, u.ratio(), u.ratio(), u.ratio())
		char := time.Duration(11) * time.Second / time.Duration(w.bus.Baud)
		n := time.Duration(max(u.exchanges, 1))
		gap := u.limit - time.Duration(u.chars)*char - u.delay
		fmt.Printf("COST  %-30s %d answered exchanges in %v: each %.1f characters of %.3f ms + %.1f ms delay + %.2f ms mandated gap = %.1f ms; got %.1f ms; %d silent; limit %.1f a minute, got %.1f\n", w.name,
			u.exchanges, u.took.Round(time.Millisecond), float64(u.chars)/float64(n), ms(char), ms(u.delay/n), ms(gap/n), ms(u.limit/n), ms(u.took/n), u.silent,
			60*float64(n)/u.limit.Seconds(), 60*float64(n)/u.took.Seconds())
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
