package tools

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/local"
	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

func wires(t *testing.T, address string) (request, reply []byte) {
	t.Helper()
	a, err := dlt645.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	return dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(a, dlt645.DIForwardTotal)),
		dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadReply(a, dlt645.DIForwardTotal, []byte{0x56, 0x34, 0x12, 0}))
}

// told collects what an ear tells.
func told(protocol, lang string, char time.Duration) (*ear, *[]heard) {
	var got []heard
	return newEar(protocol, lang, char, func(h heard) { got = append(got, h) }), &got
}

func TestListenerPairsRequestsWithRepliesAndCountsTheRest(t *testing.T) {
	const char = 11 * time.Second / 2400
	e, got := told("", "en", char)
	request, reply := wires(t, "101")
	at := time.Unix(1_700_000_000, 0)
	say := func(b []byte, pause time.Duration) { // in pieces, as adapters hand over
		at = at.Add(pause)
		for len(b) > 0 {
			n := min(7, len(b))
			at = at.Add(time.Duration(n) * char)
			e.hear(b[:n], at)
			b = b[n:]
		}
	}
	say(request, 0)
	say(reply, 60*time.Millisecond)
	say(request, 100*time.Millisecond) // no answer
	say(request, time.Second)          // again
	spoilt := append([]byte(nil), reply...)
	spoilt[20] ^= 1
	say(spoilt, 80*time.Millisecond)
	at = at.Add(time.Second)
	e.quiet(at)
	say(request, 100*time.Millisecond)
	say(reply, 100*time.Millisecond)
	want := meterQuality{Meter: "000000000101", Asked: 4, Replies: 2, Retries: 2, Silent: 1, Damaged: 1}
	q := e.summary()
	if len(q) != 1 || q[0].Asked != want.Asked || q[0].Replies != want.Replies || q[0].Retries != want.Retries || q[0].Silent != want.Silent || q[0].Damaged != want.Damaged {
		t.Errorf("got %+v, want %+v", q, want)
	}
	if q[0].DelayMin < 55 || q[0].DelayMin > 65 || q[0].DelayMax < 95 || q[0].DelayMax > 105 {
		t.Errorf("delays %+v", q[0])
	}
	kinds := ""
	for _, h := range *got {
		kinds += string(h.Kind[0])
	}
	if kinds != "rrr"+"s"+"rg"+"rr" && kinds != "rrrsrgrr" {
		t.Errorf("got %s", kinds)
	}
	if !strings.Contains((*got)[1].Text, "1234.56") || !strings.Contains((*got)[5].Text, "checksum") {
		t.Errorf("got %+v", *got)
	}
}

func TestListenerReadsModbusAndNamesRefusals(t *testing.T) {
	e, got := told("", "en", time.Millisecond)
	at := time.Unix(1_700_000_000, 0)
	request := modbus.ReadRequest(7, modbus.ReadInput, 0x48, 2)
	for _, b := range [][]byte{
		modbus.AppendRTU(nil, request), modbus.AppendRTU(nil, modbus.ReadReply(7, modbus.ReadInput, []uint16{0x4361, 1})),
		modbus.AppendRTU(nil, request), modbus.AppendRTU(nil, modbus.ExceptionReply(7, modbus.ReadInput, 2)),
		modbus.AppendRTU(nil, modbus.WriteCoilRequest(7, 0, true)), modbus.AppendRTU(nil, modbus.WriteCoilRequest(7, 0, true)),
	} {
		at = at.Add(200 * time.Millisecond)
		e.hear(b, at)
		e.quiet(at.Add(150 * time.Millisecond))
	}
	var kinds []string
	for _, h := range *got {
		kinds = append(kinds, h.Kind)
	}
	if strings.Join(kinds, " ") != "request reply request reply request reply" {
		t.Errorf("got %v", kinds)
	}
	if q := e.summary(); len(q) != 1 || q[0].Meter != "7" || q[0].Replies != 3 || q[0].Refused != 1 {
		t.Errorf("got %+v", q)
	}
	if !strings.Contains((*got)[3].Text, "illegal data address") || !strings.Contains((*got)[1].Text, "4361") {
		t.Errorf("got %+v", *got)
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	a, _ := dlt645.ParseAddress("101")
	f, err := dlt645.RelayRequest(a, dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}, [4]byte{1, 2, 3, 4}, dlt645.Trip, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	plain := dlt645.AppendFrame(dlt645.AppendPreamble(nil), f)
	for _, wire := range [][]byte{plain, append(dlt645.AppendPreamble(nil), dlt645.AppendMasked(nil, f)...)} {
		for _, sent := range []bool{true, false} {
			e, got := told("dlt645", "en", time.Millisecond)
			at := time.Now()
			if sent {
				e.event(local.TraceEvent{At: at.UnixMicro(), Kind: "sent", Hex: strings.ReplaceAll(hexOf(wire), " ", "")})
			} else {
				e.hear(wire, at)
				e.quiet(at)
			}
			for _, h := range *got {
				if strings.Contains(h.line(), "89 67 45") || strings.Contains(h.Hex, "89 67 45") {
					t.Errorf("password shown: %s", h.line())
				}
			}
			if len(*got) != 1 || sent && !strings.Contains((*got)[0].Text, "trip") {
				t.Errorf("got %+v", *got)
			}
		}
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789ABCDEF"
	var s strings.Builder
	for _, v := range b {
		s.WriteByte(digits[v>>4])
		s.WriteByte(digits[v&15])
	}
	return s.String()
}

func TestListenerHearsAnotherMasterOnALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := dlt645.ParseAddress("101")
		m := meter.New(meter.Config{Address: a.String(), Wire: a, EnergymWh: 12_340_000}, time.Now())
		port, sim := bus.Memory(bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4, Seed: 1}, m)
		if err := sim.Change(func(f *bus.Faults) error { f.SecondMaster = bus.Span(2 * time.Second); return nil }); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { sim.Run(ctx); close(done) }()
		listening, stop := context.WithTimeout(t.Context(), time.Minute)
		e, _ := told("", "en", 11*time.Second/2400)
		if err := hearPort(listening, port, e, quietAfter); err != nil {
			t.Error(err)
		}
		stop()
		cancel()
		<-done
		q := e.summary()
		if len(q) != 1 || q[0].Asked < 25 || q[0].Replies < q[0].Asked-1 || q[0].DelayMin < 35 || q[0].DelayMax > 90 {
			t.Errorf("got %+v", q)
		}
	})
}

func FuzzListener(f *testing.F) {
	a := dlt645.Address{1}
	f.Add("", dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(a, dlt645.DIForwardTotal)), []byte{0x68, 0})
	f.Add("modbus", modbus.AppendRTU(nil, modbus.ReadRequest(7, 3, 0, 2)), modbus.AppendRTU(nil, modbus.ReadReply(7, 3, []uint16{1, 2})))
	f.Fuzz(func(t *testing.T, protocol string, one, two []byte) {
		e, _ := told(protocol, "zh", time.Millisecond)
		at := time.Unix(1_700_000_000, 0)
		e.hear(one, at)
		e.sent(two, at.Add(time.Second))
		e.hear(one, at.Add(2*time.Second))
		e.quiet(at.Add(3 * time.Second))
		if len(e.pending) != 0 {
			t.Errorf("%d bytes wait after a silence", len(e.pending))
		}
		e.summary()
	})
}

func TestMonitorOfAPortThatDoesNotOpenTellsNothingOfTheLine(t *testing.T) {
	out, err := command(MonitorCommand(), filepath.Join(t.TempDir(), "port"))
	if err == nil || out != "" {
		t.Errorf("got %q, %v", out, err)
	}
}
