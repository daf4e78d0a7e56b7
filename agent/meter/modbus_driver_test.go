package meter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// slave answers Modbus requests in either framing from a table of registers; what is not in it is exception 2.
type slave struct {
	framing modbus.Framing
	units   map[byte]map[uint16]uint16
	coils   map[uint16]bool
	wrote   []modbus.Request
	fail    func(n int, q modbus.Request) (code byte) // exception for the n-th request
	before  func(id uint16, q modbus.Request) [][]byte
	n       int
}

func (s *slave) answer(t *testing.T) func(int, []byte) [][]byte {
	return func(_ int, request []byte) [][]byte {
		var id uint16
		var a modbus.ADU
		var err error
		if s.framing == modbus.TCP {
			id, a, err = modbus.DecodeTCP(request)
		} else {
			a, err = modbus.DecodeRTU(request)
		}
		if err != nil {
			t.Fatal(err)
		}
		q, err := modbus.ParseRequest(a)
		if err != nil {
			t.Fatal(err)
		}
		s.n++
		reply := s.reply(a, q)
		frame := modbus.AppendRTU(nil, reply)
		if s.framing == modbus.TCP {
			frame = modbus.AppendTCP(nil, id, reply)
		}
		var out [][]byte
		if s.before != nil {
			out = s.before(id, q)
		}
		return append(out, frame)
	}
}

func (s *slave) reply(a modbus.ADU, q modbus.Request) modbus.ADU {
	if s.fail != nil {
		if code := s.fail(s.n, q); code != 0 {
			return modbus.ExceptionReply(q.Unit, q.Func, code)
		}
	}
	regs := s.units[q.Unit]
	switch q.Func {
	case modbus.ReadHolding, modbus.ReadInput:
		var words []uint16
		for i := range q.Count {
			w, ok := regs[q.Addr+i]
			if !ok {
				return modbus.ExceptionReply(q.Unit, q.Func, modbus.IllegalAddress)
			}
			words = append(words, w)
		}
		return modbus.ReadReply(q.Unit, q.Func, words)
	case modbus.ReadCoils:
		return modbus.BitsReply(q.Unit, q.Func, []bool{s.coils[q.Addr]})
	}
	s.wrote = append(s.wrote, q)
	for i, v := range q.Registers {
		regs[q.Addr+uint16(i)] = v
	}
	return modbus.WriteReply(a)
}

func (s *slave) put(unit byte, addr uint16, words ...uint16) {
	if s.units == nil {
		s.units = map[byte]map[uint16]uint16{}
	}
	if s.units[unit] == nil {
		s.units[unit] = map[uint16]uint16{}
	}
	for i, w := range words {
		s.units[unit][addr+uint16(i)] = w
	}
}

// driver makes a driver of a model on a slave.
func driver(t *testing.T, s *slave, model, address string, channel uint8, opts ...ModbusOption) (*Modbus, *script) {
	t.Helper()
	md, ok := modbusmap.Find(model)
	if !ok {
		t.Fatalf("no model %s", model)
	}
	line := &script{t: t, answer: s.answer(t)}
	m, err := NewModbus(protocol.MeterRef{Line: "l1", Address: address, Channel: channel}, md, line, time.Second, append(opts, ModbusFraming(s.framing))...)
	if err != nil {
		t.Fatal(err)
	}
	return m, line
}

func TestModbusEnergyIsOneRequestInEitherFraming(t *testing.T) {
	for _, framing := range []modbus.Framing{modbus.RTU, modbus.TCP} {
		s := &slave{framing: framing}
		s.put(7, 0x0048, 0x42C8, 0, 0x3F80, 0, 0, 0, 0, 0) // 100.0, 1.0
		m, l := driver(t, s, "eastron-sdm230", "7", 0)
		rs, err := m.Energy(t.Context(), Call{})
		if err != nil || len(l.asked) != 1 || len(rs) != 4 {
			t.Fatalf("%s: got %+v, %v in %d requests", framing, rs, err, len(l.asked))
		}
		if rs[0].Value != 10000 || rs[0].Exp != -2 || rs[0].Side != protocol.SidePrimary || rs[1].Quantity != protocol.ActiveExport || rs[1].Value != 100 {
			t.Errorf("%s: got %+v", framing, rs)
		}
	}
}

func TestOlderRepliesOnATCPConnectionArePassedOver(t *testing.T) {
	s := &slave{framing: modbus.TCP}
	s.put(1, 0x001A, 1)
	older := uint16(0)
	s.before = func(id uint16, q modbus.Request) [][]byte { // the reply to a request that was given up: a closed relay read as open
		older = id - 1
		late := modbus.AppendTCP(nil, older, modbus.ReadReply(1, modbus.ReadHolding, []uint16{0}))
		return [][]byte{late[:5], late[5:]}
	}
	m, _ := driver(t, s, "dds238-zn-sr", "1", 0)
	for range 3 {
		if got, _, err := m.Relay(t.Context(), Call{}); err != nil || !got.Known || got.Open {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
}

func TestTransactionNumbersDifferBetweenMetersOfALine(t *testing.T) {
	seen := map[uint16]bool{}
	s := &slave{framing: modbus.TCP, before: nil}
	s.before = func(id uint16, _ modbus.Request) [][]byte {
		if seen[id] {
			t.Errorf("number %d twice", id)
		}
		seen[id] = true
		return nil
	}
	for unit := byte(1); unit < 4; unit++ {
		s.put(unit, 0x001A, 1)
		m, _ := driver(t, s, "dds238-zn-sr", fmt.Sprint(unit), 0)
		for range 3 {
			if _, _, err := m.Relay(t.Context(), Call{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestUnitIdsFollowTheFraming(t *testing.T) {
	md, _ := modbusmap.Find("dds238-zn-sr")
	for _, tt := range []struct {
		framing modbus.Framing
		address string
		ok      bool
	}{
		{modbus.RTU, "1", true}, {modbus.RTU, "247", true}, {modbus.RTU, "0", false}, {modbus.RTU, "248", false}, {modbus.RTU, "255", false},
		{modbus.TCP, "0", true}, {modbus.TCP, "255", true}, {modbus.TCP, "256", false}, {modbus.RTU, "01", false}, {modbus.RTU, "+1", false},
	} {
		_, err := NewModbus(protocol.MeterRef{Line: "l1", Address: tt.address}, md, &script{}, time.Second, ModbusFraming(tt.framing))
		if (err == nil) != tt.ok {
			t.Errorf("%s %s: got %v", tt.framing, tt.address, err)
		}
	}
}

func TestUnitZeroIsReadAndNeverWritten(t *testing.T) {
	s := &slave{framing: modbus.TCP}
	s.put(0, 0x001A, 1)
	m, _ := driver(t, s, "dds238-zn-sr", "0", 0)
	if got, _, err := m.Relay(t.Context(), Call{}); err != nil || !got.Known {
		t.Errorf("got %+v, %v", got, err)
	}
	sent, err := m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute)})
	if sent || !errors.Is(err, ErrUnsupported) || m.Can().Trip || len(s.wrote) != 0 {
		t.Errorf("sent %t, %v", sent, err)
	}
}

func TestChannelsOfABoxAreUnitsInSteps(t *testing.T) {
	s := &slave{}
	s.put(7, 0x038F, 0, 12345, 0, 0, 0, 0, 0, 0) // channel 3 of a box at 1, steps of 3
	s.put(7, 0x0440, 0, 1, 0, 2, 0, 3, 0, 4)
	m, l := driver(t, s, "acrel-adf400l-3p", "1", 3)
	rs, err := m.Energy(t.Context(), Call{})
	if err != nil || len(l.asked) != 2 || rs[0].Value != 12345 || rs[0].Side != protocol.SideSecondary || rs[0].Meter.Channel != 3 {
		t.Fatalf("got %+v, %v in %d requests", rs, err, len(l.asked))
	}
	md, _ := modbusmap.Find("acrel-adf400l-3p")
	for _, bad := range []protocol.MeterRef{{Address: "1"}, {Address: "1", Channel: 13}, {Address: "240", Channel: 12}} {
		if _, err := NewModbus(bad, md, l, time.Second); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	plain, _ := modbusmap.Find("eastron-sdm230")
	if _, err := NewModbus(protocol.MeterRef{Address: "1", Channel: 1}, plain, l, time.Second); err == nil {
		t.Error("a channel of a plain meter was taken")
	}
}

func TestSecondaryRegistersAreToldAsTheyStandOrMultipliedExactly(t *testing.T) {
	s := &slave{}
	s.put(1, 0x101E, 0x4640, 0xE400) // 12345.0 kWh
	s.put(1, 0x1028, 0, 0)
	s.put(1, 0x0006, 80, 1005) // CT 80, PT 100.5
	m, _ := driver(t, s, "chint-dtsu666", "1", 0)
	rs, err := m.Energy(t.Context(), Call{})
	if err != nil || rs[0].Value != 1234500 || rs[0].Exp != -2 || rs[0].Side != protocol.SideSecondary {
		t.Errorf("got %+v, %v", rs, err)
	}
	m, l := driver(t, s, "chint-dtsu666", "1", 0, ModbusPrimary())
	rs, err = m.Energy(t.Context(), Call{})
	if err != nil || rs[0].Value != 1234500*80*1005 || rs[0].Exp != -3 || rs[0].Side != protocol.SidePrimary || len(l.asked) != 3 {
		t.Errorf("got %+v, %v in %d requests", rs, err, len(l.asked))
	}
	s.put(1, 0x0006, 0xFFFF, 10) // a ratio that the meter does not have bills nobody
	if rs, err = m.Energy(t.Context(), Call{}); err == nil {
		t.Errorf("got %+v", rs)
	}
	md, _ := modbusmap.Find("acrel-adw300") // no ratio registers
	if _, err := NewModbus(protocol.MeterRef{Address: "1"}, md, l, time.Second, ModbusPrimary()); err == nil {
		t.Error("a model without ratio registers was told as primary")
	}
}

func TestNotMeasuredIsNoReading(t *testing.T) {
	s := &slave{}
	s.put(1, 0x0048, 0x42C8, 0, 0x7FC0, 0, 0xFF80, 0, 0xFFFF, 0xFFFF)
	m, _ := driver(t, s, "eastron-sdm120", "1", 0)
	rs, err := m.Energy(t.Context(), Call{})
	if err != nil || len(rs) != 1 || rs[0].Quantity != protocol.ActiveImport {
		t.Errorf("got %+v, %v", rs, err)
	}
}

func TestBusyDeviceIsAskedAgainAndARefusalIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			code  byte
			times int // how often it says so
			asked int
			want  error
		}{
			{modbus.DeviceBusy, 2, 3, nil},
			{modbus.DeviceBusy, 9, 3, ErrRefused},
			{modbus.Acknowledge, 1, 2, nil},
			{modbus.IllegalAddress, 1, 1, ErrRefused},
			{modbus.GatewayTarget, 1, 1, line.ErrSilent},
		} {
			s := &slave{}
			s.put(1, 0x001A, 1)
			s.fail = func(n int, _ modbus.Request) byte {
				if n <= tt.times {
					return tt.code
				}
				return 0
			}
			m, l := driver(t, s, "dds238-zn-sr", "1", 0)
			_, _, err := m.Relay(t.Context(), Call{})
			if !errors.Is(err, tt.want) || len(l.asked) != tt.asked {
				t.Errorf("exception %d: %v after %d requests, want %v after %d", tt.code, err, len(l.asked), tt.want, tt.asked)
			}
			var e *modbus.Exception
			if tt.want != nil && (!errors.As(err, &e) || e.Code != tt.code || !strings.Contains(err.Error(), modbus.ExceptionText(tt.code))) {
				t.Errorf("exception %d is not told: %v", tt.code, err)
			}
			if st := m.Status(); tt.code == modbus.GatewayTarget && (st.Silent != 1 || st.Faults != 0) {
				t.Errorf("a gateway's word counts as the meter's: %+v", st)
			}
		}
	})
}

func TestWriteIsSentOnceWhateverTheDeviceSays(t *testing.T) {
	for code, want := range map[byte]error{modbus.DeviceBusy: ErrRefused, modbus.DeviceFailure: ErrRefused, modbus.Acknowledge: nil, modbus.GatewayTarget: line.ErrSilent} {
		s := &slave{fail: func(int, modbus.Request) byte { return code }}
		m, l := driver(t, s, "dds238-zn-sr", "1", 0)
		sent, err := m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute)})
		if !sent || !errors.Is(err, want) || len(l.asked) != 1 {
			t.Errorf("exception %d: sent %t, %v, %d frames", code, sent, err, len(l.asked))
		}
	}
}

func TestRelayModeOfADDSY1352(t *testing.T) {
	s := &slave{}
	s.put(1, 0x0057, 0, 0) // its own mode: the contact is not told
	m, _ := driver(t, s, "acrel-ddsy1352", "1", 0)
	step := func(action protocol.Action, want []uint16, mode modbusmap.RelayMode, open bool) {
		t.Helper()
		if sent, err := m.Switch(t.Context(), Call{}, Command{Action: action, Deadline: time.Now().Add(time.Minute)}); !sent || err != nil {
			t.Fatal(sent, err)
		}
		if last := s.wrote[len(s.wrote)-1]; last.Func != modbus.WriteRegisters || last.Addr != 0x57 || !slices.Equal(last.Registers, want) {
			t.Errorf("wrote %+v, want %v", last, want)
		}
		got, _, err := m.RelayState(t.Context(), Call{})
		if err != nil || !got.Known || got.Open != open || got.Mode != mode {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if got, _, err := m.RelayState(t.Context(), Call{}); err != nil || got.Known || got.Mode != modbusmap.ModeOwn {
		t.Errorf("own mode: got %+v, %v", got, err)
	}
	step(protocol.ActionClose, []uint16{1, 0}, modbusmap.ModeForcedClosed, false)
	step(protocol.ActionTrip, []uint16{1, 1}, modbusmap.ModeForcedOpen, true)
	step(protocol.ActionClose, []uint16{1, 0}, modbusmap.ModeForcedClosed, false)
	if _, err := m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionPermit}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("permit: %v", err)
	}
	items, err := m.Item(t.Context(), Call{}, "relay")
	if err != nil || len(items) != 2 || items[0].Text != "closed" || items[1].Text != "forced closed" {
		t.Errorf("got %+v, %v", items, err)
	}
}

func TestBreakerIsMovedByItsOwnFunctionAndItsLockIsSeen(t *testing.T) {
	for model, fn := range map[string]byte{"lingxun-lx47le-125": modbus.WriteCoil, "lingxun-lx47le-125-fc06": modbus.WriteRegister} {
		s := &slave{}
		s.put(1, 0x0000, 0x01F0) // closed, and locked at the device
		s.put(1, 0x000D, 0)
		m, _ := driver(t, s, model, "1", 0)
		got, _, err := m.RelayState(t.Context(), Call{})
		if err != nil || !got.Known || got.Open || !got.Locked {
			t.Errorf("%s: got %+v, %v", model, got, err)
		}
		if sent, err := m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute)}); !sent || err != nil {
			t.Fatal(sent, err)
		}
		if len(s.wrote) != 1 || s.wrote[0].Func != fn {
			t.Errorf("%s: wrote %+v", model, s.wrote)
		}
	}
}

func TestItemsAreReadByNameInFewRequests(t *testing.T) {
	s := &slave{}
	s.put(1, 0x0000, make([]uint16, 0x26)...)
	s.put(1, 0x0000, 0x4366, 0x3334) // 230.2 V
	s.put(1, 0x0046, make([]uint16, 0x1A)...)
	s.put(1, 0x0048, 0x7FC0, 0)
	m, l := driver(t, s, "eastron-sdm120", "1", 0)
	items, err := m.Item(t.Context(), Call{}, "all")
	if err != nil || len(items) != 11 || len(l.asked) != 2 {
		t.Fatalf("got %d items, %v in %d requests", len(items), err, len(l.asked))
	}
	if !items[0].Null || items[0].Name != "active_import" || items[0].Text != "" {
		t.Errorf("got %+v", items[0])
	}
	items, err = m.Item(t.Context(), Call{}, "voltage")
	if err != nil || len(items) != 1 {
		t.Fatal(items, err)
	}
	want := ItemValue{ID: "0000H", Name: "voltage.1", NameZH: "电压 1", Text: "230.2", Unit: "V"}
	items[0].At = time.Time{}
	if d := cmp.Diff(want, items[0]); d != "" {
		t.Error(d)
	}
	if _, err := m.Item(t.Context(), Call{}, "current.1"); err != nil {
		t.Error(err)
	}
	if _, err := m.Item(t.Context(), Call{}, "volts"); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "voltage.1") {
		t.Errorf("got %v", err)
	}
	s = &slave{}
	s.put(1, 0x0006, 80, 10)
	m, _ = driver(t, s, "chint-dtsu666", "1", 0)
	if items, err = m.Item(t.Context(), Call{}, "ratio"); err != nil || len(items) != 2 || items[0].Text != "1.0" || items[1].Text != "80" {
		t.Errorf("got %+v, %v", items, err)
	}
}

func TestClockOfAModbusMeter(t *testing.T) {
	zone := time.FixedZone("+08:00", 8*3600)
	now := time.Now().In(zone)
	md, _ := modbusmap.Find("chint-dtsu666")
	s := &slave{}
	s.put(1, 0x002F, md.Clock.Encode(now)...)
	m, l := driver(t, s, "chint-dtsu666", "1", 0, ModbusZone(zone))
	drift, _, err := m.Clock(t.Context(), Call{})
	if err != nil || drift.Abs() > 2*time.Second || !m.Can().Clock {
		t.Errorf("got %v, %v", drift, err)
	}
	s.put(1, 0x002F, 0, 0, 0, 0, 0, 0)
	if _, _, err := m.Clock(t.Context(), Call{}); !errors.Is(err, ErrClock) {
		t.Errorf("got %v", err)
	}
	asked := len(l.asked)
	plain, l := driver(t, s, "chint-dtsu666", "1", 0) // no zone told
	if _, _, err := plain.Clock(t.Context(), Call{}); !errors.Is(err, ErrUnsupported) || len(l.asked) != 0 || asked != 2 {
		t.Errorf("got %v", err)
	}
}

func TestEnergyReadTwiceMustAgree(t *testing.T) {
	for name, tt := range map[string]struct {
		values []uint16
		asked  int
		twice  bool
		err    error
	}{
		"same":           {[]uint16{5, 5}, 2, true, nil},
		"rises once":     {[]uint16{5, 6, 6}, 3, true, nil},
		"rises all time": {[]uint16{5, 6, 7}, 3, false, nil},
		"falls":          {[]uint16{5, 9, 4}, 3, false, ErrDisagree},
	} {
		s := &slave{}
		s.put(1, 0, 0, 0)
		s.before = func(uint16, modbus.Request) [][]byte { return nil }
		s.fail = func(n int, _ modbus.Request) byte {
			s.put(1, 0, 0, tt.values[min(n, len(tt.values))-1])
			return 0
		}
		m, l := driver(t, s, "dds238-zn-sr", "1", 0)
		rs, err := m.Energy(t.Context(), Call{Twice: true})
		if !errors.Is(err, tt.err) || len(l.asked) != tt.asked {
			t.Errorf("%s: %v after %d requests", name, err, len(l.asked))
		}
		if err == nil && rs[0].Quality&protocol.QualityTwice != 0 != tt.twice {
			t.Errorf("%s: got %+v", name, rs)
		}
	}
}

func TestSecondAnswerOnASerialLineIsSeen(t *testing.T) {
	s := &slave{}
	s.put(1, 0, 0, 5)
	m, l := driver(t, s, "dds238-zn-sr", "1", 0)
	once := l.answer
	l.answer = func(n int, q []byte) [][]byte { return append(once(n, q), once(n, q)...) }
	if _, err := m.Energy(t.Context(), Call{Alone: true}); !errors.Is(err, ErrTwo) {
		t.Errorf("got %v", err)
	}
	if _, err := m.Energy(t.Context(), Call{}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestAWriteIsConfirmedAsItWasAsked(t *testing.T) {
	s := &slave{framing: modbus.TCP}
	m, l := driver(t, s, "dds238-zn-sr", "1", 0)
	l.answer = func(_ int, q []byte) [][]byte {
		a := append([]byte(nil), q[:12]...)
		binary.BigEndian.PutUint16(a[4:], 6)
		a[9]++ // another register
		return [][]byte{a}
	}
	sent, err := m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute)})
	if !sent || !errors.Is(err, modbus.ErrReply) {
		t.Errorf("sent %t, %v", sent, err)
	}
}

func TestDamagedAnswerIsNamed(t *testing.T) {
	s := &slave{}
	s.put(1, 0, 0, 5)
	m, l := driver(t, s, "dds238-zn-sr", "1", 0)
	once := l.answer
	l.answer = func(n int, q []byte) [][]byte {
		frame := once(n, q)[0]
		frame[4] ^= 1
		return [][]byte{frame}
	}
	if _, err := m.Energy(t.Context(), Call{}); !errors.Is(err, modbus.ErrCRC) || m.Status().Faults != 1 {
		t.Errorf("got %v, %+v", err, m.Status())
	}
}

// Any bytes for an answer: no panic, and nothing that is not a whole sound reply is taken.
func FuzzModbusAnswers(f *testing.F) {
	f.Add(false, []byte{1, 3, 4, 0, 0, 0x1B, 0xDD, 0xB0, 0x9F})
	f.Add(true, []byte{0, 1, 0, 0, 0, 7, 1, 3, 4, 0, 0, 0x1B, 0xDD})
	f.Add(true, []byte{0, 1, 0, 0, 0, 2, 1, 0x83})
	f.Add(false, []byte{1, 0x83, 2, 0xC0, 0xF1})
	f.Fuzz(func(t *testing.T, tcp bool, answer []byte) {
		s := &slave{}
		if tcp {
			s.framing = modbus.TCP
		}
		m, l := driver(t, s, "dds238-zn-sr", "1", 0)
		l.answer = func(_ int, q []byte) [][]byte {
			a := append([]byte(nil), answer...)
			if tcp && len(a) > 1 {
				copy(a, q[:2]) // the right number
			}
			return [][]byte{a}
		}
		deadline := time.Now().Add(time.Minute)
		_, _ = m.Energy(t.Context(), Call{Alone: true})
		_, _, _ = m.Relay(t.Context(), Call{})
		_, _ = m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionTrip, Deadline: deadline})
	})
}
