package meter

import (
	"testing"
	"time"

	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

func unit1(t testing.TB, model string) *Meter {
	t.Helper()
	md, ok := modbusmap.Find(model)
	if !ok {
		t.Fatalf("no model %s", model)
	}
	kind := SwitchNone
	if md.Relay != nil {
		kind = SwitchDirect
	}
	return New(Config{Address: "1", Unit: 1, Model: md, EnergymWh: 702_340_000, LoadW: 2000, Times: 1, Switch: kind, Location: time.UTC}, born2026)
}

func TestEveryModelShowsItsPoints(t *testing.T) {
	for _, md := range modbusmap.Models() {
		m := unit1(t, md.Name)
		for _, r := range md.Reads() {
			request := r.Request(1)
			reply, answered := m.AnswerModbus(request, after(0))
			if !answered || reply.Func != request.Func {
				t.Fatalf("%s %04XH: got function %02X, answered %t", md.Name, r.Addr, reply.Func, answered)
			}
			words, err := modbus.AppendRegisters(nil, reply)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Points {
				v, measured, err := p.Decode(r.Words(p, words))
				if err != nil || !measured {
					t.Errorf("%s %04XH: %v, measured %t", md.Name, p.Addr, err, measured)
				}
				if p.Quantity == protocol.ActiveImport && p.Register == 0 && v != shift(702_340_000, -6, p.Exp) {
					t.Errorf("%s: got %d x 10^%d kWh, want 702.34", md.Name, v, p.Exp)
				}
			}
		}
	}
}

func TestModbusRelayMovesAndReadsBack(t *testing.T) {
	m := unit1(t, "dds238-zn-sr")
	r := *m.cfg.Model.Relay
	for _, open := range []bool{true, false, true} {
		if reply, _ := m.AnswerModbus(r.Command(1, open), after(0)); reply.Func != r.Func {
			t.Fatalf("open %t: refused with % X", open, reply.Data)
		}
		reply, _ := m.AnswerModbus(r.StateRead().Request(1), after(0))
		words, err := modbus.AppendRegisters(nil, reply)
		if err != nil {
			t.Fatal(err)
		}
		if got, known := r.State(words[0]); got != open || !known {
			t.Errorf("got open %t, known %t; want %t", got, known, open)
		}
	}
	if v := m.View(after(time.Hour)); v.TripFrames != 2 || v.CloseFrames != 1 || v.EnergymWh != 702_340_000 {
		t.Errorf("got %d trips, %d closes, %d mWh", v.TripFrames, v.CloseFrames, v.EnergymWh)
	}
}

func TestModbusRefusesWithTheRightException(t *testing.T) {
	for _, row := range []struct {
		name    string
		model   string
		request modbus.ADU
		want    byte
	}{
		{"hole", "dds238-zn-sr", modbus.ReadRequest(1, modbus.ReadHolding, 0x0000, 4), modbus.IllegalAddress},
		{"beyond", "dds238-zn-sr", modbus.ReadRequest(1, modbus.ReadHolding, 0xFFF0, 16), modbus.IllegalAddress},
		{"wrong read function", "eastron-sdm230", modbus.ReadRequest(1, modbus.ReadHolding, 0x0048, 2), modbus.IllegalFunction},
		{"FC06 where only FC16 is known", "dds238-zn-sr", modbus.WriteRegisterRequest(1, 0x001A, 0), modbus.IllegalFunction},
		{"write to energy", "dds238-zn-sr", modbus.WriteRegistersRequest(1, 0x0000, []uint16{0, 0}), modbus.IllegalAddress},
		{"third relay value", "dds238-zn-sr", modbus.WriteRegistersRequest(1, 0x001A, []uint16{7}), modbus.IllegalValue},
		{"relay of a model without", "eastron-sdm230", modbus.WriteRegistersRequest(1, 0x001A, []uint16{0}), modbus.IllegalFunction},
		{"coil", "dds238-zn-sr", modbus.WriteCoilRequest(1, 0, true), modbus.IllegalFunction},
	} {
		reply, answered := unit1(t, row.model).AnswerModbus(row.request, after(0))
		if !answered || len(reply.Data) != 1 || reply.Data[0] != row.want || reply.Func != row.request.Func|0x80 {
			t.Errorf("%s: got %02X % X, want exception %d", row.name, reply.Func, reply.Data, row.want)
		}
	}
	if _, answered := unit1(t, "dds238-zn-sr").AnswerModbus(modbus.ReadRequest(2, modbus.ReadHolding, 0, 2), after(0)); answered {
		t.Error("answered for another unit")
	}
}

func TestPowerHoldRefusesAModbusTrip(t *testing.T) {
	m := unit1(t, "dds238-zn-sr")
	m.SetHold(true)
	if reply, _ := m.AnswerModbus(m.cfg.Model.Relay.Command(1, true), after(0)); reply.Func != modbus.WriteRegisters|0x80 || m.View(after(0)).Open {
		t.Errorf("got function %02X, want a refusal", reply.Func)
	}
}
