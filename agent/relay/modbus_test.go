package relay

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

var unit1 = protocol.MeterRef{Line: "l2", Address: "1"}

// modbusBench is a bench with a Modbus meter whose relay is a holding register. Its frames carry neither password nor
// deadline: what keeps them from being sent late or twice is the agent alone.
func modbusBench(t *testing.T, open func(line.Port) line.Port, f func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		md, ok := modbusmap.Find("dds238-zn-sr")
		if !ok {
			t.Fatal("no model")
		}
		time.Sleep(100 * 24 * time.Hour)
		b := &bench{t: t, path: filepath.Join(t.TempDir(), "outbox.db"), log: slog.New(slog.DiscardHandler)}
		b.sim = simmeter.New(simmeter.Config{Address: "1", Unit: 1, Model: md, EnergymWh: 5_000_000, LoadW: 0, Switch: simmeter.SwitchDirect}, time.Now())
		b.port, b.bus = bus.Memory(bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 20 * time.Millisecond}, b.sim)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{}, 3)
		var err error
		if b.box, err = outbox.Open(b.path, outbox.Options{}); err != nil {
			t.Fatal(err)
		}
		l := line.New(line.Settings{Name: "l2", Baud: 9600, Parity: "none", StopBits: 1}, func(line.Settings) (line.Port, error) {
			if open != nil {
				return open(b.port), nil
			}
			return b.port, nil
		}, b.log)
		d, err := meter.NewModbus(unit1, md, l, 300*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if b.exec, err = New(Options{Agent: "a1", Mode: Bench}, map[string][]meter.Driver{"l2": {d}}, b.box, clock{}, b.log); err != nil {
			t.Fatal(err)
		}
		for _, run := range []func(context.Context) error{b.bus.Run, l.Run, b.exec.Run} {
			go func() { run(ctx); done <- struct{}{} }()
		}
		t.Cleanup(func() { cancel(); <-done; <-done; <-done; b.box.Close() })
		if err := b.exec.Floors(nil); err != nil {
			t.Fatal(err)
		}
		f(b)
	})
}

func (b *bench) modbusOrder(n uint64, a protocol.Action) protocol.Order {
	o := b.order(n, a)
	o.Meter = unit1
	return o
}

func (b *bench) writes() (n int) {
	for _, f := range b.bus.Frames(0) {
		if a, err := modbus.DecodeRTU(f.Wire); err == nil && f.From == "master" && a.Func == modbus.WriteRegisters {
			n++
		}
	}
	return n
}

func TestModbusRelayIsTrippedAndClosedAndReadBack(t *testing.T) {
	modbusBench(t, nil, func(b *bench) {
		o := b.modbusOrder(1, protocol.ActionTrip)
		o.MinEnergy = 4_000_000
		b.offer(o)
		b.offer(o)
		got := b.outcome(1)
		if got.State != protocol.OutcomeDone || got.Before.Open || !got.After.Open || got.Energy != 5_000_000 {
			b.t.Errorf("got %+v", got)
		}
		b.offer(b.modbusOrder(2, protocol.ActionClose))
		if got := b.outcome(2); got.State != protocol.OutcomeDone || got.After.Open {
			b.t.Errorf("got %+v", got)
		}
		b.offer(b.modbusOrder(3, protocol.ActionPermit))
		if got := b.outcome(3); got.Rule != "capability" {
			b.t.Errorf("got %+v", got)
		}
		o = b.modbusOrder(4, protocol.ActionTrip)
		o.MinEnergy = 6_000_000
		b.offer(o)
		if got := b.outcome(4); got.Rule != "energy" {
			b.t.Errorf("got %+v", got)
		}
		b.sim.SetHold(true) // the meter refuses by an exception
		b.offer(b.modbusOrder(5, protocol.ActionTrip))
		if got := b.outcome(5); got.State != protocol.OutcomeFailed || got.Rule != "refused" || got.After.Open {
			b.t.Errorf("got %+v", got)
		}
		if v, n := b.sim.View(time.Now()), b.writes(); n != 3 || v.TripFrames != 2 || v.CloseFrames != 1 {
			b.t.Errorf("%d writes on the line, %d trips, %d closes", n, v.TripFrames, v.CloseFrames)
		}
	})
}

func TestModbusTripWithoutAnAnswerIsReadBackNotRepeated(t *testing.T) {
	modbusBench(t, func(p line.Port) line.Port { return &deafToWrites{Port: p} }, func(b *bench) {
		b.offer(b.modbusOrder(1, protocol.ActionTrip))
		got := b.outcome(1)
		if got.State != protocol.OutcomeDone || !got.After.Open || b.writes() != 1 {
			b.t.Errorf("got %+v after %d writes", got, b.writes())
		}
	})
}

// deafToWrites loses the meter's answer to a register write.
type deafToWrites struct {
	line.Port
	lose atomic.Bool // reads run beside writes
}

func (p *deafToWrites) Write(b []byte) (int, error) {
	p.lose.Store(b[1] == modbus.WriteRegisters)
	return p.Port.Write(b)
}

func (p *deafToWrites) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	if p.lose.Load() {
		return 0, err
	}
	return n, err
}

// Modbus replies do not say which register they hold. A load of 0 W that is told late must not pass for a relay that is
// open: both are one register of zero.
func TestLateModbusReplyIsNotTakenForTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		md, _ := modbusmap.Find("dds238-zn-sr")
		sim := simmeter.New(simmeter.Config{Address: "1", Unit: 1, Model: md, EnergymWh: 5_000_000, LoadW: 0, Switch: simmeter.SwitchDirect}, time.Now())
		port, b := bus.Memory(bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 550 * time.Millisecond}, sim)
		l := line.New(line.Settings{Name: "l2", Baud: 9600, Parity: "none", StopBits: 1}, func(line.Settings) (line.Port, error) { return port, nil }, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{}, 2)
		go func() { b.Run(ctx); done <- struct{}{} }()
		go func() { l.Run(ctx); done <- struct{}{} }()
		defer func() { cancel(); <-done; <-done }()
		patient, err := meter.NewModbus(unit1, md, l, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		x := &line.Exchange{Request: modbus.AppendRTU(nil, modbus.ReadRequest(1, modbus.ReadHolding, 0x000E, 1)), ReplyLen: 7, Delay: 300 * time.Millisecond, Blind: true,
			Take: func([]byte) bool { return false }}
		if err := l.Do(ctx, x); err == nil {
			t.Fatal("not late") // the power, of 0 W; its reply is on its way
		}
		got, _, err := patient.Relay(ctx, meter.Call{})
		if err != nil || got.Open {
			t.Errorf("a closed relay was read as %+v, %v", got, err)
		}
	})
}
