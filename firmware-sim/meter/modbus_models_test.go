package meter

import (
	"slices"
	"testing"
	"time"

	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

func TestSpansAreReadThroughAndHolesAreNot(t *testing.T) {
	bridged, refused := 0, 0
	for _, md := range modbusmap.Models() {
		m := unit1(t, md.Name)
		for _, s := range md.Spans {
			count := min(s.Size, max(md.MaxRead, 1))
			reply, _ := m.AnswerModbus(modbus.ReadRequest(1, s.Func, s.Addr, count), after(0))
			if reply.Func != s.Func {
				t.Errorf("%s: span %04XH of %d refused: % X", md.Name, s.Addr, count, reply.Data)
			}
			bridged++
		}
		for _, p := range md.Points {
			if md.Readable(p.Func, p.Addr, uint16(p.Words)+1) {
				continue
			}
			reply, _ := m.AnswerModbus(modbus.ReadRequest(1, p.Func, p.Addr, uint16(p.Words)+1), after(0))
			if reply.Func != p.Func|0x80 || reply.Data[0] != modbus.IllegalAddress {
				t.Errorf("%s: a hole behind %04XH was read: %02X % X", md.Name, p.Addr, reply.Func, reply.Data)
			}
			refused++
		}
		if md.MaxRead > 0 && md.MaxRead < modbus.MaxRegisters {
			p := md.Points[0]
			reply, _ := m.AnswerModbus(modbus.ReadRequest(1, p.Func, p.Addr, md.MaxRead+1), after(0))
			if reply.Func != p.Func|0x80 || reply.Data[0] != modbus.IllegalValue {
				t.Errorf("%s: got %02X % X to more registers than it gives at once, want exception 3", md.Name, reply.Func, reply.Data)
			}
		}
	}
	if bridged == 0 || refused == 0 {
		t.Errorf("%d spans, %d holes: nothing was tried", bridged, refused)
	}
}

func TestEveryRelayMovesAndIsReadBack(t *testing.T) {
	tried := 0
	for _, md := range modbusmap.Models() {
		r := md.Relay
		if r == nil {
			continue
		}
		tried++
		m := unit1(t, md.Name)
		state := func() modbusmap.RelayState {
			reply, _ := m.AnswerModbus(r.StateRead().Request(1), after(0))
			var words []uint16
			var err error
			if r.StateFunc == modbus.ReadCoils || r.StateFunc == modbus.ReadDiscreteInputs {
				for i := range r.StateRead().Count {
					words = append(words, uint16(reply.Data[1+i/8]>>(i%8)&1))
				}
			} else if words, err = modbus.AppendRegisters(nil, reply); err != nil {
				t.Fatalf("%s: %v", md.Name, err)
			}
			return r.Judge(words)
		}
		for _, open := range []bool{true, false, true} {
			if open && !r.CanTrip || !open && !r.CanClose && !r.CanPermit {
				continue
			}
			reply, _ := m.AnswerModbus(r.Command(1, open), after(0))
			if reply.Func != r.Func {
				t.Fatalf("%s: open %t refused: % X", md.Name, open, reply.Data)
			}
			if s := state(); r.Feedback && (!s.Known || s.Open != m.View(after(0)).Open || open && !s.Open) {
				t.Errorf("%s: told open %t, got %+v", md.Name, open, s)
			}
		}
		if mode := r.Mode; mode != nil {
			own := modbus.WriteRegistersRequest(1, mode.Addr, slices.Concat([]uint16{mode.Own}, make([]uint16, len(r.Open)-1)))
			if reply, _ := m.AnswerModbus(own, after(0)); reply.Func != own.Func {
				t.Errorf("%s: its own mode was refused: % X", md.Name, reply.Data)
			}
			if s := state(); s.Mode != modbusmap.ModeOwn {
				t.Errorf("%s: got mode %s, want its own", md.Name, s.Mode)
			}
		}
	}
	if tried < 3 {
		t.Errorf("got %d models with a relay, want the three ways to move one", tried)
	}
}

func TestACoilIsAlsoWrittenInANumber(t *testing.T) {
	for _, md := range modbusmap.Models() {
		if md.Relay == nil || md.Relay.Func != modbus.WriteCoil {
			continue
		}
		m := unit1(t, md.Name)
		one := modbus.ADU{Unit: 1, Func: modbus.WriteCoils, Data: []byte{byte(md.Relay.Addr >> 8), byte(md.Relay.Addr), 0, 1, 1, 0}}
		if reply, _ := m.AnswerModbus(one, after(0)); reply.Func != modbus.WriteCoils || m.View(after(0)).Open != (md.Relay.Open[0] == 0) {
			t.Errorf("%s: FC15 of one coil: %02X % X, open %t", md.Name, reply.Func, reply.Data, m.View(after(0)).Open)
		}
	}
}

func TestClockAndRatiosAreServed(t *testing.T) {
	clocks, ratios := 0, 0
	for _, md := range modbusmap.Models() {
		m := unit1(t, md.Name)
		m.cfg.CT, m.cfg.PT = 40, 10
		m.SetOffset(90*time.Second, after(0))
		words := func(fn byte, addr, count uint16) []uint16 {
			reply, _ := m.AnswerModbus(modbus.ReadRequest(1, fn, addr, count), after(time.Hour))
			out, err := modbus.AppendRegisters(nil, reply)
			if err != nil {
				t.Errorf("%s %04XH: %v", md.Name, addr, err)
			}
			return out
		}
		if c := md.Clock; c != nil {
			clocks++
			r := c.Read()
			got, err := c.Decode(words(r.Func, r.Addr, r.Count), time.UTC)
			if want := after(time.Hour + 90*time.Second); err != nil || !got.Equal(want) {
				t.Errorf("%s: got clock %s, %v; want %s", md.Name, got, err, want)
			}
		}
		for _, row := range []struct {
			p    *modbusmap.Point
			want int64
		}{{md.CT, 40}, {md.PT, 10}} {
			if row.p == nil {
				continue
			}
			ratios++
			got, _, err := row.p.Decode(words(row.p.Func, row.p.Addr, uint16(row.p.Words)))
			if want := shift(row.want, 0, row.p.Exp); err != nil || got != want {
				t.Errorf("%s: got ratio %d, %v; want %d", md.Name, got, err, want)
			}
		}
	}
	t.Logf("%d clocks, %d ratios", clocks, ratios)
}

func TestALoadBeyondItsRegisterIsTrueInTheWiderOne(t *testing.T) {
	for _, md := range modbusmap.Models() {
		m := unit1(t, md.Name)
		m.SetLoad(150_000, after(0))
		at := after(time.Second)
		want := m.View(at).LoadW
		for _, p := range md.Points {
			if p.Quantity != protocol.ActivePower || p.Register != 0 {
				continue
			}
			reply, _ := m.AnswerModbus(modbus.ReadRequest(1, p.Func, p.Addr, uint16(p.Words)), at)
			words, err := modbus.AppendRegisters(nil, reply)
			if err != nil {
				t.Fatalf("%s: %v", md.Name, err)
			}
			got, measured, err := p.Decode(words)
			w := shift(got, p.Exp, -3)
			if err != nil || !measured || w > want {
				t.Errorf("%s %04XH: got %d W, %t, %v", md.Name, p.Addr, w, measured, err)
			}
			if p.Words > 1 && (w < want*99/100) {
				t.Errorf("%s %04XH: a wide register shows %d W of %d", md.Name, p.Addr, w, want)
			}
		}
	}
}
