package meter

import (
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

func old(t testing.TB, change func(*Config)) *Meter {
	t.Helper()
	return hundred(t, func(c *Config) {
		c.Edition, c.Phases, c.History = Edition1997, 3, 70*day
		c.EnergymWh = 80_000_000_000
		if change != nil {
			change(c)
		}
	})
}

func TestEditionsDoNotHearEachOther(t *testing.T) {
	for _, row := range []struct {
		edition   Edition
		new_, old bool
	}{{"", true, false}, {Edition2007, true, false}, {Edition1997, false, true}, {EditionBoth, true, true}} {
		m := hundred(t, func(c *Config) { c.Edition = row.edition })
		_, new_ := m.AnswerDLT645(dlt645.ReadRequest(m.cfg.Wire, 0x00010000), after(0))
		_, old := m.AnswerDLT645(dlt645.ReadRequest1997(m.cfg.Wire, 0x9010), after(0))
		if new_ != row.new_ || old != row.old {
			t.Errorf("%q: answered 2007 %t, 1997 %t", row.edition, new_, old)
		}
	}
}

func TestEveryItemOf1997ReadsAsTheTableSays(t *testing.T) {
	m := old(t, nil)
	answered := 0
	for _, it := range dlt645.Items1997() {
		reply := talk(t, m, dlt645.ReadRequest1997(m.cfg.Wire, it.DI), nil, after(time.Hour))
		data, err := dlt645.ParseReadReply1997(reply, m.cfg.Wire, it.DI)
		if err != nil {
			t.Errorf("%04X %s: %v", uint32(it.DI), it.Name, err)
			continue
		}
		answered++
		if len(data) != it.Bytes {
			t.Errorf("%04X %s: got %d bytes, want %d", uint32(it.DI), it.Name, len(data), it.Bytes)
		}
		if values, err := dlt645.DecodeValues1997(it.DI, data); err != nil && !errors.Is(err, dlt645.ErrDateTime) {
			t.Errorf("%04X %s: % X: %v", uint32(it.DI), it.Name, data, err)
		} else {
			t.Logf("%04X %v", uint32(it.DI), values)
		}
	}
	t.Logf("%d items", answered)
	for _, d := range []dlt645.DI{0x901F, 0x90FF, 0x94FF, 0xB61F, 0xB63F, 0xC01F} {
		data, err := dlt645.ParseReadReply1997(talk(t, m, dlt645.ReadRequest1997(m.cfg.Wire, d), nil, after(time.Hour)), m.cfg.Wire, d)
		if err != nil {
			t.Errorf("%04X: %v", uint32(d), err)
		} else if values, err := dlt645.DecodeValues1997(d, data); err != nil {
			t.Errorf("%04X: % X: %v", uint32(d), data, err)
		} else {
			t.Logf("%04X %v", uint32(d), values)
		}
	}
}

func TestA1997MeterRefusesLikeOne(t *testing.T) {
	m := old(t, nil)
	reply := talk(t, m, dlt645.ReadRequest1997(m.cfg.Wire, 0xB660), nil, after(0))
	if reply.Control != 0xC1 || reply.Data[0] != err1997Item {
		t.Errorf("got %s, want C1 02", reply)
	}
	f, err := dlt645.WriteRequest1997(m.cfg.Wire, 0xC032, nil, []byte{1, 2, 3, 4, 5, 6})
	if reply := talk(t, m, f, err, after(0)); reply.Control != 0xC4 || reply.Data[0] != errPassword {
		t.Errorf("got %s for a write without the button, want C4 04", reply)
	}
	m.Program(after(0))
	if err := dlt645.ParseWriteReply1997(talk(t, m, f, err, after(0)), m.cfg.Wire); err != nil {
		t.Error(err)
	}
	got, err := dlt645.ParseReadReply1997(talk(t, m, dlt645.ReadRequest1997(m.cfg.Wire, 0xC032), nil, after(0)), m.cfg.Wire, 0xC032)
	if err != nil || string(got) != "\x01\x02\x03\x04\x05\x06" {
		t.Errorf("got % X, %v", got, err)
	}
	f, err = dlt645.WriteRequest1997(m.cfg.Wire, 0xC011, nil, []byte{0x99, 0x99, 0x99})
	if reply := talk(t, m, f, err, after(0)); reply.Data[0] != err1997Data {
		t.Errorf("got %s for a time that cannot be, want C4 01", reply)
	}
	back := old(t, nil)
	if err := back.Restore(m.State(after(0))); err != nil {
		t.Fatal(err)
	}
	if got, _ := dlt645.ParseReadReply1997(talk(t, back, dlt645.ReadRequest1997(m.cfg.Wire, 0xC032), nil, after(0)), m.cfg.Wire, 0xC032); got[0] != 1 {
		t.Error("the written number did not survive a restart")
	}
}

func TestOdditiesOf1997(t *testing.T) {
	wild := dlt645.ReadRequest1997(dlt645.Wildcard, 0x9010)
	if reply := talk(t, old(t, func(c *Config) { c.WildReply = true }), wild, nil, after(0)); reply.Addr != dlt645.Wildcard {
		t.Errorf("got an answer from %s, want the wildcard", reply.Addr)
	}
	m := old(t, nil)
	if reply := talk(t, m, wild, nil, after(0)); reply.Addr != m.cfg.Wire {
		t.Errorf("got an answer from %s", reply.Addr)
	}
	all := dlt645.ReadRequest1997(dlt645.Broadcast, 0x9010)
	if _, answered := m.AnswerDLT645(all, after(0)); answered {
		t.Error("a sound meter answered 99×6")
	}
	if reply := talk(t, old(t, func(c *Config) { c.Answers99 = true }), all, nil, after(0)); reply.Addr != m.cfg.Wire {
		t.Errorf("got an answer from %s", reply.Addr)
	}
	separated, _ := dlt645.ParseReadReply1997(talk(t, m, dlt645.ReadRequest1997(m.cfg.Wire, 0x90FF), nil, after(0)), m.cfg.Wire, 0x90FF)
	plain, _ := dlt645.ParseReadReply1997(talk(t, old(t, func(c *Config) { c.NoSeparators = true }), dlt645.ReadRequest1997(m.cfg.Wire, 0x90FF), nil, after(0)), m.cfg.Wire, 0x90FF)
	if len(separated) != 41 || len(plain) != 40 || separated[20] != separator {
		t.Errorf("got sets of %d and %d bytes, want 41 and 40", len(separated), len(plain))
	}
	secured := old(t, func(c *Config) { c.Password1997 = true })
	pw := password
	f, err := dlt645.WriteRequest1997(m.cfg.Wire, 0xC033, &pw, []byte{1, 2, 3, 4, 5, 6})
	if err := dlt645.ParseWriteReply1997(talk(t, secured, f, err, after(0)), m.cfg.Wire); err != nil {
		t.Error(err)
	}
}

func TestA1997SessionEndsWithSilence(t *testing.T) {
	m := old(t, nil)
	f, err := dlt645.BaudRequest1997(m.cfg.Wire, 4800)
	if got, err := dlt645.ParseBaudReply1997(talk(t, m, f, err, after(0)), m.cfg.Wire); err != nil || got != 4800 {
		t.Fatalf("got %d, %v", got, err)
	}
	if got, _ := m.Framing(1200, "even", after(400*time.Millisecond)); got != 4800 {
		t.Errorf("got %d in the session", got)
	}
	talk(t, m, dlt645.ReadRequest1997(m.cfg.Wire, 0x9010), nil, after(400*time.Millisecond))
	if got, _ := m.Framing(1200, "even", after(800*time.Millisecond)); got != 4800 {
		t.Errorf("got %d in the session", got)
	}
	if got, _ := m.Framing(1200, "even", after(2*time.Second)); got != 1200 {
		t.Errorf("got %d after the silence, want 1200", got)
	}
	again := talk(t, m, dlt645.RepeatRequest1997(m.cfg.Wire), nil, after(2*time.Second))
	if data, err := dlt645.ParseRepeatReply1997(again, m.cfg.Wire, 0x9010); err != nil || len(data) != 4 {
		t.Errorf("got % X, %v for the last answer again", data, err)
	}
	next := dlt645.Password{Level: 1, Digits: [3]byte{1, 1, 1}}
	f, err = dlt645.PasswordRequest1997(m.cfg.Wire, next, next)
	if _, answered := m.AnswerDLT645(f, after(3*time.Second)); answered || err != nil {
		t.Error("a wrong password was answered", err)
	}
	f, err = dlt645.PasswordRequest1997(m.cfg.Wire, password, next)
	if got, err := dlt645.ParsePasswordReply1997(talk(t, m, f, err, after(3*time.Second)), m.cfg.Wire); err != nil || got.Digits != next.Digits {
		t.Errorf("got %v", err)
	}
}
