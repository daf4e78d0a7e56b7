package meter

import (
	"runtime"
	"testing"
	"time"

	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
	"pgregory.net/rapid"
)

// sound wants an answer that goes over the line as one frame of a meter.
func sound(t testing.TB, reply dlt645.Frame) {
	t.Helper()
	if len(reply.Data) > 200 {
		t.Errorf("got L = %d, want at most 200", len(reply.Data))
	}
	got, err := dlt645.Decode(dlt645.AppendFrame(nil, reply))
	if err != nil || len(got) != 1 || !got[0].FromMeter() || got[0].IsError() && len(got[0].Data) == 0 {
		t.Errorf("got a reply that is no meter's frame: %v, %v", got, err)
	}
}

// strange are meters of all kinds.
func strange(t testing.TB) []*Meter {
	return []*Meter{
		full(t, func(c *Config) { c.History, c.Edition, c.Words2014, c.Profile.Classes = 3*day, EditionBoth, true, 0x3F }),
		old(t, func(c *Config) { c.History, c.WildReply, c.Answers99, c.Password1997 = 3*day, true, true, true }),
		hundred(t, func(c *Config) { c.Sealed, c.TripDelay, c.TripCurrent, c.Profile.BadShare = true, 5, 1000, 0.5 }),
		hundred(t, func(c *Config) { c.Switch, c.NoEvents, c.FirstWords, c.StatusBytes = SwitchNone, true, true, 6 }),
	}
}

func FuzzAMeterTakesAnyFrame(f *testing.F) {
	wire := hundred(f, nil).cfg.Wire
	trip, _ := dlt645.RelayRequest(wire, password, operator, dlt645.Trip, after(time.Minute))
	set, _ := dlt645.WriteRequest(wire, 0x04000102, password, operator, []byte{0, 0, 0x10})
	old, _ := dlt645.WriteRequest1997(wire, 0xC011, nil, []byte{0, 0, 0x10})
	for _, seed := range []dlt645.Frame{
		trip, set, old, dlt645.ReadRequest(wire, 0x0001FF00), dlt645.ReadRequest(wire, 0x0506FF01), dlt645.ReadAddressRequest(), {Addr: wire, Control: 0x11},
		dlt645.LoadRequest(wire, dlt645.DILoadFrom, 99, after(-5*day)), dlt645.SubsequentRequest(wire, dlt645.DILoadFrom, 1), dlt645.ReadRequest1997(wire, 0x90FF),
		dlt645.FreezeRequest(wire, dlt645.FreezeDaily(1, 2)), dlt645.BroadcastTime(after(time.Minute), time.UTC), {Addr: wire, Control: 0x03, Data: []byte{0}},
	} {
		f.Add(seed.Control, seed.Data, seed.Control, seed.Data)
	}
	f.Fuzz(func(t *testing.T, control byte, data []byte, control2 byte, data2 []byte) {
		if len(data) > 255 || len(data2) > 255 {
			return
		}
		for _, m := range strange(t) {
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			for i, f := range []dlt645.Frame{{Addr: m.wire, Control: control, Data: data}, {Addr: m.wire, Control: control2, Data: data2}, {Addr: dlt645.Wildcard, Control: control, Data: data}, {Addr: dlt645.Broadcast, Control: control2, Data: data2}} {
				f.Addr = map[bool]dlt645.Address{true: m.wire, false: f.Addr}[i < 2]
				if reply, answered := m.AnswerDLT645(f, after(time.Duration(i)*time.Minute)); answered {
					sound(t, reply)
				}
			}
			runtime.ReadMemStats(&now)
			if used := now.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("four frames took %d bytes", used)
			}
			m.View(after(3 * day))
		}
	})
}

// Every sequence of what masters and people do leaves a meter that answers soundly, whose registers never run backwards.
func TestWhateverHappensTheRegistersNeverRunBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := hundredConfig()
		c.Phases = rapid.SampledFrom([]int{1, 3}).Draw(t, "phases")
		c.TripDelay = rapid.IntRange(0, 3).Draw(t, "delay")
		c.Welded = rapid.Bool().Draw(t, "welded")
		c.RecloseAfter = time.Duration(rapid.IntRange(0, 2).Draw(t, "reclose")) * time.Minute
		if rapid.Bool().Draw(t, "money") {
			c.Money = &Money{Balance: rapid.Int64Range(0, 1_000_000).Draw(t, "left"), Price: [rates]int64{9, 8000, 7000, 1}, Overdraft: 1000, Alarm2: rapid.Int64Range(0, 50_000).Draw(t, "alarm")}
		}
		m := New(c, born2026)
		now, last := born2026, int64(0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "d")))
			switch rapid.IntRange(0, 7).Draw(t, "act") {
			case 0, 1:
				f, err := dlt645.RelayRequest(m.wire, password, operator, dlt645.Trip, m.View(now).Clock.Add(time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				f.Data[8] = rapid.SampledFrom([]byte{0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x2A, 0x2B, 0x3A, 0x3B, 0x77}).Draw(t, "command")
				f.Data[9] = rapid.Byte().Draw(t, "N2")
				m.AnswerDLT645(f, now)
			case 2:
				m.Press(now)
			case 3:
				m.SetPowered(rapid.Bool().Draw(t, "on"), now)
			case 4:
				m.SetLoad(rapid.Int64Range(0, 100_000).Draw(t, "w"), now)
			case 5:
				m.SetOffset(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "offset")), now)
			case 6:
				_ = m.Charge(rapid.Int64Range(1, 100_000).Draw(t, "money"), now)
			case 7:
				if err := m.Restore(m.State(now)); err != nil {
					t.Fatal(err)
				}
			}
			v := m.View(now)
			if v.EnergymWh < last || v.Open && v.LoadW != 0 || !v.Powered && v.LoadW != 0 || c.Welded && v.Open || v.Permitted && !v.Open {
				t.Fatalf("after %d mWh: %+v", last, v)
			}
			last = v.EnergymWh
		}
	})
}

func FuzzModbusFaceTakesAnyBytes(f *testing.F) {
	f.Add(byte(3), []byte{0, 0, 0, 2})
	f.Add(byte(16), []byte{0, 0x1A, 0, 1, 2, 0, 0})
	f.Add(byte(5), []byte{0, 0, 0xFF, 0})
	f.Add(byte(15), []byte{0, 0x0D, 0, 1, 1, 1})
	f.Add(byte(8), []byte{})
	f.Fuzz(func(t *testing.T, fn byte, data []byte) {
		for _, md := range modbusmap.Models() {
			m := unit1(t, md.Name)
			reply, answered := m.AnswerModbus(modbus.ADU{Unit: 1, Func: fn, Data: data}, after(0))
			if answered && (len(modbus.AppendRTU(nil, reply)) > modbus.MaxFrame || reply.Func&0x7F != fn&0x7F) {
				t.Errorf("%s: got a reply of %d bytes to function %02X", md.Name, len(reply.Data), fn)
			}
		}
	})
}
