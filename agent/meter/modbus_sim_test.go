package meter_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// running is a line with its simulated other side, until the test ends.
func running(t *testing.T, wires *bus.Line, l *line.Line) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { wires.Run(ctx); done <- struct{}{} }()
	go func() { l.Run(ctx); done <- struct{}{} }()
	t.Cleanup(func() { cancel(); <-done; <-done })
}

func simulated(md modbusmap.Model, unit byte) simmeter.Config {
	kind := simmeter.SwitchNone
	if md.Relay != nil {
		kind = simmeter.SwitchDirect
	}
	return simmeter.Config{Address: "1", Unit: unit, Model: md, EnergymWh: 702_340_000, LoadW: 0, Times: 1, Switch: kind, Location: time.UTC}
}

// total is the energy register of a reading in mWh; -1 when there is none.
func total(rs []protocol.Reading) int64 {
	for _, r := range rs {
		if r.Quantity != protocol.ActiveImport || r.Register != 0 {
			continue
		}
		v := r.Value
		for e := r.Exp; e > -6; e-- {
			v *= 10
		}
		return v
	}
	return -1
}

// try does with a meter all that its model says it can.
func try(t *testing.T, d *meter.Modbus, md modbusmap.Model) {
	t.Helper()
	ctx := t.Context()
	rs, err := d.Energy(ctx, meter.Call{Twice: true})
	if err != nil {
		t.Fatalf("%s: %v", md.Name, err)
	}
	if got := total(rs); got != -1 && (got < 702_300_000 || got > 702_340_000) || got == -1 && len(md.Named("active_import")) > 0 {
		t.Errorf("%s: got %d mWh of %+v", md.Name, got, rs)
	}
	if items, err := d.Item(ctx, meter.Call{}, "all"); err != nil || len(items) != len(md.Points) {
		t.Errorf("%s: %d items, %v", md.Name, len(items), err)
	}
	if md.PT != nil || md.CT != nil {
		if _, err := d.Item(ctx, meter.Call{}, "ratio"); err != nil {
			t.Errorf("%s: %v", md.Name, err)
		}
	}
	if md.Relay == nil {
		return
	}
	for _, action := range []protocol.Action{protocol.ActionClose, protocol.ActionTrip, protocol.ActionClose} {
		sent, err := d.Switch(ctx, meter.Call{}, meter.Command{Action: action, Deadline: time.Now().Add(time.Minute)})
		if !sent || err != nil {
			t.Fatalf("%s, action %d: sent %t, %v", md.Name, action, sent, err)
		}
		r, _, err := d.Relay(ctx, meter.Call{})
		if err != nil || !r.Known || r.Open != (action == protocol.ActionTrip) {
			t.Errorf("%s, action %d: read back %+v, %v", md.Name, action, r, err)
		}
	}
}

func TestEveryModelWorksOverALine(t *testing.T) {
	for _, md := range modbusmap.Models() {
		synctest.Test(t, func(t *testing.T) {
			sim := simmeter.New(simulated(md, 1), time.Now())
			port, wires := bus.Memory(bus.Config{Name: "l1", Protocol: bus.Modbus, Baud: md.Baud, Parity: md.Parity, StopBits: int(md.StopBits), Delay: 20 * time.Millisecond}, sim)
			l := line.New(line.Settings{Name: "l1", Baud: md.Baud, Parity: md.Parity, StopBits: int(md.StopBits)},
				func(line.Settings) (line.Port, error) { return port, nil }, slog.New(slog.DiscardHandler))
			running(t, wires, l)
			ref := protocol.MeterRef{Line: "l1", Address: "1"}
			if md.Box != nil {
				ref.Channel = 1
			}
			d, err := meter.NewModbus(ref, md, l, 300*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			try(t, d, md)
		})
	}
}

// The same over a real TCP connection to a gateway that speaks RTU on its wires.
func TestModelsWorkBehindAModbusTCPGateway(t *testing.T) {
	var sims []*simmeter.Meter
	var models []modbusmap.Model
	for i, name := range []string{"acrel-ddsy1352", "lingxun-lx47le-125", "lingxun-lx47le-125-fc06", "chint-dtsu666"} {
		md, ok := modbusmap.Find(name)
		if !ok {
			t.Fatal(name)
		}
		models = append(models, md)
		sims = append(sims, simmeter.New(simulated(md, byte(i+1)), time.Now()))
	}
	wires, err := bus.ModbusTCP(bus.Config{Name: "l1", Protocol: bus.Modbus, Baud: 115200, Parity: "none", StopBits: 1, Delay: time.Millisecond}, "127.0.0.1:0", sims...)
	if err != nil {
		t.Fatal(err)
	}
	set := line.Settings{Name: "l1", Path: "tcp://" + wires.Place().Address, Baud: 115200, Parity: "none", StopBits: 1}
	l := line.New(set, line.Open, slog.New(slog.DiscardHandler))
	running(t, wires, l)
	driver := func(unit string, md modbusmap.Model) *meter.Modbus {
		d, err := meter.NewModbus(protocol.MeterRef{Line: "l1", Address: unit}, md, l, 3*time.Second, meter.ModbusFraming(modbus.TCP))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	connected(t, driver("1", models[0]))
	for i, md := range models {
		try(t, driver(string(rune('1'+i)), md), md)
	}
	_, err = driver("9", models[3]).Energy(t.Context(), meter.Call{}) // nobody is there: the gateway says so
	var e *modbus.Exception
	if !errors.Is(err, line.ErrSilent) || !errors.As(err, &e) || e.Code != modbus.GatewayTarget {
		t.Errorf("got %v", err)
	}
}

// connected waits until the line has its connection.
func connected(t *testing.T, d *meter.Modbus) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		_, err := d.Energy(t.Context(), meter.Call{})
		if !errors.Is(err, line.ErrDown) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}
