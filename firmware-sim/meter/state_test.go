package meter

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

// asFile is the way of a state through the file.
func asFile(t testing.TB, s State) State {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var back State
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestAStateOfAnOlderSimulatorIsStillGood(t *testing.T) {
	const before = `{"energy_mwh":123450000,"rates_mwh":[10000000,40000000,43450000,30000000],"at":"2026-07-01T10:00:00Z","relay_open":true,
		"command_open":false,"permitted":true,"hold":true,"alarm":false,"plugged":true,"clock_offset_ns":90000000000,"load_w":77,"trip_frames":3,
		"close_frames":2,"wrong_passwords":5,"locked_at":"2026-07-01T09:59:00Z"}`
	var s State
	if err := json.Unmarshal([]byte(before), &s); err != nil {
		t.Fatal(err)
	}
	m := hundred(t, nil)
	if err := m.Restore(s); err != nil {
		t.Fatal(err)
	}
	v := m.View(after(time.Hour))
	if v.EnergymWh != 123_450_000 || !v.Open || !v.Permitted || !v.Hold || !v.Powered || v.TripFrames != 3 || !v.Clock.Equal(after(time.Hour+90*time.Second)) {
		t.Errorf("got %+v", v)
	}
	if err := send(t, m, after(time.Hour), dlt645.Close, after(2*time.Hour), password); !errors.Is(err, dlt645.ErrPassword) {
		t.Errorf("got %v, want the level locked", err)
	}
}

func TestARestartChangesNothingThatAMasterCanRead(t *testing.T) {
	change := func(c *Config) { c.Passwords = []dlt645.Password{{Level: 4, Digits: [3]byte{4, 4, 4}}} }
	m := full(t, change)
	send(t, m, after(time.Hour), dlt645.Trip, after(2*time.Hour), password)
	send(t, m, after(2*time.Hour), dlt645.Close, after(3*time.Hour), password)
	if err := write(t, m, 0x04010001, password, []byte{0x01, 0, 0, 0x02, 0x30, 0x11, 0x04, 0, 0x22}, after(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := write(t, m, 0x04050102, password, []byte{0, 0x99, 0, 0}, after(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	f, _ := dlt645.ClearDemandRequest(m.cfg.Wire, password, operator)
	m.AnswerDLT645(f, after(2*time.Hour))
	m.State(after(2 * time.Hour)) // what is kept ready for the next must not be what it then gives
	m.AnswerDLT645(dlt645.FreezeRequest(m.cfg.Wire, dlt645.FreezeDaily(12, 10)), after(2*time.Hour))
	m.AnswerDLT645(dlt645.FreezeRequest(m.cfg.Wire, dlt645.FreezeTime{0x99, 0x99, 0x99, 0x99}), after(2*time.Hour))
	m.SetPowered(false, after(30*time.Hour))
	m.SetPowered(true, after(31*time.Hour))
	m.Charge(10_0000, after(32*time.Hour))
	back := full(t, change)
	if err := back.Restore(asFile(t, m.State(after(50*time.Hour)))); err != nil {
		t.Fatal(err)
	}
	now := after(60 * time.Hour)
	for _, it := range dlt645.Items() {
		if it.DI>>24 == 0x06 {
			continue
		}
		want, errWant := ask(t, m, it.DI, now)
		got, err := ask(t, back, it.DI, now)
		if !bytes.Equal(got, want) || (err == nil) != (errWant == nil) {
			t.Errorf("%s %s: got % X, %v; want % X, %v", it.DI, it.Name, got, err, want, errWant)
		}
	}
	for _, d := range []dlt645.DI{0x0506FF01, 0x0506FF02, 0x0506FF3E, 0x0504FF40, 0x0504FFFE, 0x0500FF01, 0x0501FF01, 0x0001FF03, 0x03300201} {
		want, _ := ask(t, m, d, now)
		got, err := ask(t, back, d, now)
		if !bytes.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s: got % X, %v; want % X", d, got, err, want)
		}
	}
	request := dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadFrom, 50, after(20*time.Hour))
	want, err := collect(t, m, request, dlt645.DILoadFrom, now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(t, back, request, dlt645.DILoadFrom, now)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the load profile is another one: %v", err)
	}
}

func TestADamagedHistoryIsRefused(t *testing.T) {
	m := full(t, nil)
	good := m.State(after(time.Hour))
	for i := 1; i < len(good.History); i += 7 {
		s := good
		s.History = s.History[:i]
		if err := m.Restore(s); !errors.Is(err, ErrState) {
			t.Fatalf("cut after %d bytes: got %v, want %v", i, err, ErrState)
		}
	}
	later := good
	later.At = after(-10 * time.Hour) // before the newest midnight
	if err := full(t, nil).Restore(later); !errors.Is(err, ErrState) {
		t.Errorf("a history from after the state: got %v, want %v", err, ErrState)
	}
	unknown := good
	unknown.History = append([]byte{99}, good.History[1:]...)
	if err := full(t, nil).Restore(unknown); err != nil {
		t.Errorf("an unknown form: got %v, want it left out", err)
	}
}

// short is full without the cost of its three months.
func short(t testing.TB) *Meter {
	return full(t, func(c *Config) { c.History = 2 * day })
}

func FuzzStateTakesAnyBytes(f *testing.F) {
	for _, m := range []*Meter{hundred(f, nil), short(f)} {
		b, err := json.Marshal(m.State(after(time.Hour)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"plugged":true,"relay_pending":{"trip_at":1,"recover_for":-5},"events":{"clear_events":{"last":[{}]}},"written":{"04000A05":"YQ=="}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s State
		if json.Unmarshal(b, &s) != nil {
			return
		}
		m := short(t)
		if m.Restore(s) != nil {
			return
		}
		now := after(40 * day)
		for _, d := range []dlt645.DI{0x0001FF00, 0x0101FF00, 0x0506FF01, 0x0504FF01, 0x1D00FF01, 0x03300201, 0x03300301, 0x0333FF01, 0x04000503, 0x04010001} {
			m.AnswerDLT645(dlt645.ReadRequest(m.wire, d), now)
		}
		m.AnswerDLT645(dlt645.LoadRequest(m.wire, dlt645.DILoadLatest, 99, time.Time{}), now)
		if err := short(t).Restore(m.State(now)); err != nil {
			t.Errorf("a meter's own state is refused: %v", err)
		}
	})
}

func TestManneredMetersStaySoThroughARestart(t *testing.T) {
	change := func(c *Config) { c.Dying = time.Hour }
	m := hundred(t, change)
	m.SetDelay(300 * time.Millisecond)
	m.SetFraming(9600, "none")
	text, err := json.Marshal(m.State(after(50 * time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	again := hundred(t, change)
	again.SetDying(time.Hour, after(50*time.Minute)) // as a meter that is made then
	if err := again.Restore(s); err != nil {
		t.Fatal(err)
	}
	if got := again.Manner(after(50*time.Minute), Manner{}); got.Delay < time.Second {
		t.Errorf("a meter that has died for 50 minutes is young again: %+v", got)
	}
	if baud, parity := again.Framing(2400, "even", after(50*time.Minute)); baud != 9600 || parity != "none" {
		t.Errorf("got %d %s", baud, parity)
	}
	s.Manner.Delay = new(time.Duration)
	*s.Manner.Delay = -1
	if err := again.Restore(s); !errors.Is(err, ErrState) {
		t.Errorf("a delay below zero: %v", err)
	}
}
