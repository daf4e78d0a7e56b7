package meter_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbusmap"
)

// A meter's registers are in its memory, its clock chip and its records are not: what is read seldom and slowly is never
// lost to the speed of what is read each minute, however often the quick one answers in between.
func TestSlowItemOfAMeterWithQuickRegistersIsRead(t *testing.T) {
	model, _ := modbusmap.Find("eastron-sdm230")
	for name, row := range map[string]struct {
		wire   bus.Protocol
		config simmeter.Config
		driver func(l *line.Line) (meter.Driver, error)
		slow   func(ctx context.Context, m meter.Driver) error
	}{
		"dlt645 clock": {bus.DLT645, simmeter.Config{Address: "000000000101", Wire: address(t, "101"), Switch: simmeter.SwitchDirect, Location: time.UTC},
			func(l *line.Line) (meter.Driver, error) {
				return meter.NewDLT645(protocol.MeterRef{Line: "l1", Address: "000000000101"}, l, 800*time.Millisecond, time.UTC)
			},
			func(ctx context.Context, m meter.Driver) error { _, _, err := m.Clock(ctx, meter.Call{}); return err }},
		"dlt645 relay": {bus.DLT645, simmeter.Config{Address: "000000000101", Wire: address(t, "101"), Switch: simmeter.SwitchDirect, Location: time.UTC},
			func(l *line.Line) (meter.Driver, error) {
				return meter.NewDLT645(protocol.MeterRef{Line: "l1", Address: "000000000101"}, l, 800*time.Millisecond, time.UTC)
			},
			func(ctx context.Context, m meter.Driver) error { _, _, err := m.Relay(ctx, meter.Call{}); return err }},
		"modbus item": {bus.Modbus, simmeter.Config{Address: "1", Unit: 1, Model: model, Location: time.UTC},
			func(l *line.Line) (meter.Driver, error) {
				return meter.NewModbus(protocol.MeterRef{Line: "l1", Address: "1"}, model, l, 800*time.Millisecond)
			},
			func(ctx context.Context, m meter.Driver) error {
				_, err := m.(meter.Reader).Item(ctx, meter.Call{}, "voltage")
				return err
			}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(100 * 24 * time.Hour)
				row.config.EnergymWh = 5_000_000_000
				sim := simmeter.New(row.config, time.Now())
				port, wires := bus.Memory(bus.Config{Name: "l1", Protocol: row.wire, Baud: 9600, Parity: "even", StopBits: 1, Delay: 20 * time.Millisecond}, sim)
				l := line.New(line.Settings{Name: "l1", Path: "memory", Baud: 9600, Parity: "even", StopBits: 1}, func(line.Settings) (line.Port, error) { return port, nil }, slog.New(slog.DiscardHandler))
				running(t, wires, l)
				m, err := row.driver(l)
				if err != nil {
					t.Fatal(err)
				}
				for round := range 4 {
					sim.SetDelay(20 * time.Millisecond)
					for range 140 { // nothing slow is left in what was learned
						if _, err := m.Energy(t.Context(), meter.Call{}); err != nil {
							t.Fatal(fmt.Errorf("round %d: %w", round, err))
						}
					}
					sim.SetDelay(700 * time.Millisecond)
					if err := row.slow(t.Context(), m); err != nil {
						t.Errorf("round %d: %v", round, err)
					}
				}
			})
		})
	}
}

func address(t *testing.T, digits string) dlt645.Address {
	t.Helper()
	a, err := dlt645.ParseAddress(digits)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
