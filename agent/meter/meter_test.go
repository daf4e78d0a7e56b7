package meter

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// script is a line whose replies are written by the test: the bytes come in the pieces given, then the line is silent.
type script struct {
	t      *testing.T
	asked  [][]byte
	answer func(n int, request []byte) [][]byte
	last   *line.Exchange
}

func (s *script) Settings() line.Settings {
	return line.Settings{Name: "l1", Baud: 2400, Parity: "even", StopBits: 1}
}

func (s *script) Do(_ context.Context, x *line.Exchange) error {
	if x.Before != nil {
		if err := x.Before(); err != nil {
			return err
		}
	}
	x.Wrote, x.SentAt, s.last = true, time.Now(), x
	whole := false
	s.asked = append(s.asked, append([]byte(nil), x.Request...))
	for _, piece := range s.answer(len(s.asked), x.Request) {
		if x.Broadcast {
			s.t.Error("somebody answers a broadcast")
		}
		x.Received += len(piece)
		if x.RepliedAt.IsZero() {
			x.RepliedAt = time.Now()
		}
		whole = x.Take(piece) || whole
		if whole && x.Linger == 0 {
			return nil
		}
	}
	if whole || x.Broadcast {
		return nil
	}
	if x.Received > 0 && x.Take(nil) {
		return nil
	}
	return fmt.Errorf("script: %w", line.ErrSilent)
}

var meterRef = protocol.MeterRef{Line: "l1", Address: "000000000101"}

var shanghai = time.FixedZone("+08:00", 8*3600)

// meter645 answers by item; nil data is "no such item", an item that is not in the table is silence.
func meter645(t *testing.T, items map[dlt645.DI][]byte) (*DLT645, *script) {
	t.Helper()
	s := &script{t: t}
	s.answer = func(_ int, request []byte) [][]byte {
		frames, _ := dlt645.Decode(request)
		if len(frames) != 1 {
			t.Fatalf("not one request: % X", request)
		}
		d, _, err := dlt645.ParseReadRequest(frames[0])
		if err != nil {
			t.Fatal(err)
		}
		data, ok := items[d]
		switch {
		case !ok:
			return nil
		case data == nil:
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ErrorReply(frames[0].Addr, 0x11, 1<<1))}
		}
		return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(frames[0].Addr, d, data))}
	}
	m, err := NewDLT645(meterRef, s, time.Second, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func TestClockIsReadInTwoWhereTheMeterDoesNotKnowOneItem(t *testing.T) {
	now := time.Now().In(shanghai)
	for name, row := range map[string]struct {
		items map[dlt645.DI][]byte
		asked int
		want  error
	}{
		"one item":  {map[dlt645.DI][]byte{dlt645.DIDateTime: dlt645.AppendDateTime7(nil, now, shanghai)}, 1, nil},
		"in two":    {map[dlt645.DI][]byte{dlt645.DIDateTime: nil, dlt645.DIDate: dlt645.AppendDate4(nil, now, shanghai), dlt645.DITime: dlt645.AppendTime3(nil, now, shanghai)}, 3, nil},
		"no clock":  {map[dlt645.DI][]byte{dlt645.DIDateTime: nil, dlt645.DIDate: nil}, 2, ErrRefused},
		"silent":    {nil, 1, line.ErrSilent},
		"flat":      {map[dlt645.DI][]byte{dlt645.DIDateTime: make([]byte, 7)}, 1, ErrClock},
		"flat, two": {map[dlt645.DI][]byte{dlt645.DIDateTime: nil, dlt645.DIDate: make([]byte, 4), dlt645.DITime: {0x99, 0x99, 0x99}}, 3, ErrClock},
	} {
		if now.Hour() == 0 && now.Minute() == 0 {
			t.Skip("midnight asks once more")
		}
		m, s := meter645(t, row.items)
		drift, _, err := m.Clock(t.Context(), Call{})
		if !errors.Is(err, row.want) || len(s.asked) != row.asked {
			t.Errorf("%s: %v after %d requests, want %v after %d", name, err, len(s.asked), row.want, row.asked)
		}
		if row.want == nil && drift.Abs() > 2*time.Second {
			t.Errorf("%s: drift %v", name, drift)
		}
	}
}

func TestMidnightBetweenDateAndTimeIsSeen(t *testing.T) {
	yesterday := time.Date(2026, 11, 22, 23, 59, 59, 0, shanghai)
	midnight := yesterday.Add(2 * time.Second)
	m, s := meter645(t, nil)
	dates := 0
	s.answer = func(_ int, request []byte) [][]byte {
		frames, _ := dlt645.Decode(request)
		d, _, _ := dlt645.ParseReadRequest(frames[0])
		data := dlt645.AppendTime3(nil, midnight, shanghai)
		if d == dlt645.DIDate {
			dates++
			data = dlt645.AppendDate4(nil, map[bool]time.Time{true: yesterday, false: midnight}[dates == 1], shanghai)
		}
		return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(frames[0].Addr, d, data))}
	}
	got, _, err := m.clockInTwo(t.Context(), Call{}, way{})
	if err != nil || !got.Equal(midnight) {
		t.Errorf("got %v, %v; want %v", got, err, midnight)
	}
}

func TestEnergyFallsBackToTheTotalAndLeavesOutWhatIsNotKept(t *testing.T) {
	block := append(append([]byte{0x34, 0x12, 0, 0}, 0xFF, 0xFF, 0xFF, 0xFF), 0x34, 0x12, 0, 0)
	m, _ := meter645(t, map[dlt645.DI][]byte{dlt645.DIForwardBlock: block})
	rs, err := m.Energy(t.Context(), Call{})
	if err != nil || len(rs) != 2 || rs[0].Value != 1234 || rs[0].Exp != -2 || rs[1].Register != 2 {
		t.Errorf("got %+v, %v", rs, err)
	}
	m, _ = meter645(t, map[dlt645.DI][]byte{dlt645.DIForwardBlock: nil, dlt645.DIForwardTotal: {0x34, 0x12, 0, 0}})
	if rs, err = m.Energy(t.Context(), Call{}); err != nil || len(rs) != 1 || rs[0].Register != 0 {
		t.Errorf("got %+v, %v", rs, err)
	}
	m, _ = meter645(t, map[dlt645.DI][]byte{dlt645.DIForwardBlock: {0xAB, 0xCD, 0, 0}})
	if rs, err = m.Energy(t.Context(), Call{}); err == nil {
		t.Errorf("took digits that are none: %+v", rs)
	}
}

// Noise, echo, another meter's answer, an answer to another item and a false start: the one right frame among them is
// found, and nothing else is taken for it.
func TestRightReplyIsFoundAmongEverythingElse(t *testing.T) {
	other, err := dlt645.ParseAddress("000000000202")
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]func(request, right []byte, f dlt645.Frame) [][]byte{
		"echo": func(q, r []byte, _ dlt645.Frame) [][]byte { return [][]byte{q, r} },
		"byte by byte": func(_, r []byte, _ dlt645.Frame) (out [][]byte) {
			for i := range r {
				out = append(out, r[i:i+1])
			}
			return out
		},
		"noise in front": func(_, r []byte, _ dlt645.Frame) [][]byte { return [][]byte{{0x00, 0xFF, 0x16}, r} },
		"another meter's": func(_, r []byte, _ dlt645.Frame) [][]byte {
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(other, dlt645.DIStatusWord3, []byte{0x10, 0})), r}
		},
		"a wildcard's": func(_, r []byte, _ dlt645.Frame) [][]byte {
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(dlt645.Wildcard, dlt645.DIStatusWord3, []byte{0x10, 0})), r}
		},
		"another item's": func(_, r []byte, f dlt645.Frame) [][]byte {
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(f.Addr, dlt645.DIForwardTotal, []byte{1, 0, 0, 0})), r}
		},
		"late trip reply": func(_, r []byte, f dlt645.Frame) [][]byte {
			return [][]byte{dlt645.AppendFrame(nil, dlt645.RelayReply(f.Addr)), r}
		},
		"bad checksum": func(_, r []byte, _ dlt645.Frame) [][]byte {
			bad := append([]byte(nil), r...)
			bad[len(bad)-2]++
			return [][]byte{bad, r}
		},
		// A false start that promises 255 bytes: the frame behind it is whole, and nothing more comes.
		"false 68H": func(_, r []byte, _ dlt645.Frame) [][]byte {
			return [][]byte{{0x68, 1, 2, 3, 4, 5, 6, 0x68, 0x91, 0xFF}, r}
		},
		"lone 68H": func(_, r []byte, _ dlt645.Frame) [][]byte { return [][]byte{{0x68}, r} },
	} {
		s := &script{t: t}
		s.answer = func(_ int, q []byte) [][]byte {
			frames, _ := dlt645.Decode(q)
			return answer(q, dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadReply(frames[0].Addr, dlt645.DIStatusWord3, []byte{0, 0})), frames[0])
		}
		m, err := NewDLT645(meterRef, s, time.Second, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := m.Relay(t.Context(), Call{})
		if err != nil || !got.Known || got.Open {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestAddressThatNamesSeveralMetersIsNoDriver(t *testing.T) {
	for _, a := range []string{"AAAAAAAAAAAA", "999999999999", "A", "x", ""} {
		if _, err := NewDLT645(protocol.MeterRef{Line: "l1", Address: a}, &script{}, time.Second, time.UTC); err == nil {
			t.Errorf("%q was taken", a)
		}
	}
	for _, a := range []string{"0", "248", "-1", "255", ""} {
		if _, err := NewModbus(protocol.MeterRef{Line: "l1", Address: a}, modbusmap.Model{}, &script{}, time.Second); err == nil {
			t.Errorf("unit %q was taken", a)
		}
	}
}

func TestFrameThatWasStoppedWasNotSent(t *testing.T) {
	stop := errors.New("stop")
	md, _ := modbusmap.Find("dds238-zn-sr")
	s := &script{t: t, answer: func(int, []byte) [][]byte { return nil }}
	a, err := NewDLT645(meterRef, s, time.Second, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewModbus(protocol.MeterRef{Line: "l1", Address: "1"}, md, s, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []Driver{a, b} {
		cmd := Command{Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute), Before: func() error { return stop }}
		sent, err := d.Switch(t.Context(), Call{}, cmd)
		if sent || !errors.Is(err, stop) || len(s.asked) != 0 {
			t.Errorf("%T: sent %t, %v", d, sent, err)
		}
		cmd.Before, cmd.Action = nil, 99
		if sent, err := d.Switch(t.Context(), Call{}, cmd); sent || !errors.Is(err, ErrUnsupported) {
			t.Errorf("%T: action 99: sent %t, %v", d, sent, err)
		}
	}
}

// The echo of a Modbus write is byte for byte its normal reply: accepted is never done, and the driver says no more.
func TestModbusExceptionIsARefusal(t *testing.T) {
	md, _ := modbusmap.Find("dds238-zn-sr")
	s := &script{t: t, answer: func(_ int, q []byte) [][]byte {
		a, err := modbus.DecodeRTU(q)
		if err != nil {
			t.Fatal(err)
		}
		return [][]byte{modbus.AppendRTU(nil, modbus.ExceptionReply(a.Unit, a.Func, 4))}
	}}
	m, err := NewModbus(protocol.MeterRef{Line: "l1", Address: "1"}, md, s, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionTrip, Deadline: time.Now().Add(time.Minute)})
	if !sent || !errors.Is(err, ErrRefused) {
		t.Errorf("sent %t, %v", sent, err)
	}
	if _, _, err = m.Relay(t.Context(), Call{}); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestSecondAnswerIsNoticedWhereItMatters(t *testing.T) {
	s := &script{t: t}
	s.answer = func(_ int, q []byte) [][]byte {
		frames, _ := dlt645.Decode(q)
		one := dlt645.AppendFrame(nil, dlt645.ReadReply(frames[0].Addr, dlt645.DIStatusWord3, []byte{0, 0}))
		two := dlt645.AppendFrame(nil, dlt645.ReadReply(frames[0].Addr, dlt645.DIStatusWord3, []byte{0x10, 0}))
		return [][]byte{q, one, two}
	}
	m, err := NewDLT645(meterRef, s, time.Second, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Relay(t.Context(), Call{Alone: true}); !errors.Is(err, ErrTwo) {
		t.Errorf("got %v", err)
	}
	if got, _, err := m.Relay(t.Context(), Call{}); err != nil || got.Open {
		t.Errorf("got %+v, %v", got, err)
	}
}
