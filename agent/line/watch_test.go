package line

import (
	"testing"
	"testing/synctest"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

// overheard runs a line while f happens, and gives what was told.
func overheard(t *testing.T, f func(t *testing.T, l *Line, sim *bus.Line)) (got []Foreign) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * 24 * time.Hour) // a relay frame's deadline has two digits of the year
		a, _ := dlt645.ParseAddress("101")
		m := meter.New(meter.Config{Address: a.String(), Wire: a, EnergymWh: 5_000_000, Switch: meter.SwitchDirect, Password: dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}}, time.Now())
		port, sim := bus.Memory(simConfig(), m, simMeter(t, "102"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings, Watch(func(f Foreign) { got = append(got, f) }))
		time.Sleep(time.Second + pause) // what may still come to a port just opened is over
		f(t, l, sim)
		synctest.Wait()
	})
	return got
}

func kinds(all []Foreign) map[string]int {
	n := map[string]int{}
	for _, f := range all {
		n[f.Kind]++
	}
	return n
}

func TestSecondMasterIsToldOnceAMinute(t *testing.T) {
	for _, busy := range []bool{false, true} {
		got := overheard(t, func(t *testing.T, l *Line, sim *bus.Line) {
			time.Sleep(15 * time.Second)
			sim.SetFaults(bus.Faults{SecondMaster: bus.Span(2300 * time.Millisecond)})
			for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
				if busy {
					answered(t, l, 1)
					time.Sleep(200 * time.Millisecond)
				} else {
					time.Sleep(time.Second)
				}
			}
			least := uint64(60) // a request each 2.3 s, and its reply
			if busy {
				least = 10 // most of its frames fall on ours
			}
			if n := l.Status().Foreign; n < least {
				t.Errorf("%d foreign frames counted, want %d", n, least)
			}
		})
		n := kinds(got)
		if n[ForeignMaster] < 2 || n[ForeignMaster] > 4 || n[ForeignReply] < 1 || n[ForeignRelay] != 0 {
			t.Errorf("busy %t: got %v", busy, n)
		}
		if !busy && (len(got) == 0 || got[0].Note != "control 11H to meter 000000000101") {
			t.Errorf("got %+v", got)
		}
	}
}

func TestReplayedRelayFrameIsToldAtOnceWithoutItsPassword(t *testing.T) {
	var trip []byte
	var at time.Time
	got := overheard(t, func(t *testing.T, l *Line, sim *bus.Line) {
		a, _ := dlt645.ParseAddress("101")
		f, err := dlt645.RelayRequest(a, dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}, [4]byte{1}, dlt645.Trip, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		x, _ := read("101")
		x.Order = true
		x.Request = dlt645.AppendFrame(dlt645.AppendPreamble(nil), f)
		trip = dlt645.AppendMasked(nil, f)
		if err := l.Do(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		at = time.Now()
		if err := sim.Replay(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	})
	if kinds(got)[ForeignRelay] != 1 || string(got[0].Bytes) != string(trip) || got[0].At.Sub(at) > 500*time.Millisecond {
		t.Errorf("got %+v, want the frame % X without its password", got, trip)
	}
}

// heard gives a watcher bytes after a silence.
func heard(w *watcher, at *time.Time, frames ...[]byte) {
	*at = at.Add(time.Second)
	for _, f := range frames {
		w.hear(f, *at)
	}
}

func TestModbusFramesOfOthersAreTold(t *testing.T) {
	var got []Foreign
	w := newWatcher(func(f Foreign) { got = append(got, f) })
	at := time.Unix(1e9, 0)
	request := func(unit byte) []byte {
		return modbus.AppendRTU(nil, modbus.ReadRequest(unit, modbus.ReadHolding, 0, 2))
	}
	reply := func(unit byte) []byte {
		return modbus.AppendRTU(nil, modbus.ReadReply(unit, modbus.ReadHolding, []uint16{1, 2}))
	}
	own := request(7)
	ask := func() { w.sent(own, at, at.Add(200*time.Millisecond), false, false) }

	ask()
	w.hear(own, at) // echo
	w.hear(reply(7)[:4], at)
	w.hear(reply(7)[4:], at)
	heard(w, &at, reply(7)) // late, but asked
	if len(got) != 0 {
		t.Fatalf("our own exchange is told: %+v", got)
	}
	heard(w, &at, append(request(3), reply(3)...)) // another master and its meter, merged
	if k := kinds(got); k[ForeignMaster] != 1 || k[ForeignReply] != 1 {
		t.Errorf("got %v", k)
	}
	own = modbus.AppendRTU(nil, modbus.WriteRegisterRequest(7, 0x10, 1))
	ask()
	w.hear(own, at) // its answer
	before := kinds(got)[ForeignRelay]
	heard(w, &at, []byte{0xFF, 0x00}, own) // noise in front: nothing can be said
	if kinds(got)[ForeignRelay] != before {
		t.Error("a frame behind noise is told")
	}
	at = at.Add(5 * time.Second)
	heard(w, &at, own) // replayed, byte for byte
	heard(w, &at, modbus.AppendRTU(nil, modbus.WriteCoilRequest(9, 0, true)))
	heard(w, &at, modbus.AppendRTU(nil, modbus.WriteRegistersRequest(9, 0, []uint16{1, 2})))
	if n := kinds(got)[ForeignRelay]; n != 3 {
		t.Errorf("%d relay frames told, want 3: %+v", n, got)
	}
}

func TestTellingIsBounded(t *testing.T) {
	told := map[string]int{}
	frames := 0
	w := newWatcher(func(f Foreign) { told[f.Kind]++; frames += f.Count })
	at := time.Unix(1e9, 0)
	a, _ := dlt645.ParseAddress("101")
	for range 1000 {
		at = at.Add(10 * time.Millisecond)
		w.hear(dlt645.AppendFrame(nil, dlt645.ReadRequest(a, dlt645.DIForwardTotal)), at)
		w.hear(dlt645.AppendFrame(nil, dlt645.Frame{Addr: a, Control: 0x1C, Data: make([]byte, 16)}), at)
	}
	if told[ForeignMaster] != 1 || told[ForeignRelay] != relaysMax {
		t.Errorf("got %v", told)
	}
}

func FuzzWatcher(f *testing.F) {
	a, _ := dlt645.ParseAddress("101")
	f.Add([]byte{}, uint8(1))
	f.Add(dlt645.AppendFrame(nil, dlt645.ReadRequest(a, dlt645.DIForwardTotal)), uint8(5))
	f.Add(modbus.AppendRTU(nil, modbus.ReadRequest(1, modbus.ReadHolding, 0, 2)), uint8(3))
	f.Add(modbus.AppendRTU(nil, modbus.WriteRegistersRequest(9, 0, []uint16{1, 2})), uint8(200))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		w := newWatcher(func(f Foreign) {
			if len(f.Bytes) == 0 || len(f.Bytes) > 512 || f.Count < 1 {
				t.Errorf("got %+v", f)
			}
		})
		at := time.Unix(1e9, 0)
		for n := int(step)%32 + 1; len(b) > 0; b = b[min(n, len(b)):] {
			at = at.Add(time.Duration(step) * time.Millisecond)
			w.hear(b[:min(n, len(b))], at)
		}
	})
}
