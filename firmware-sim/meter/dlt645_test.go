package meter

import (
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

// send gives a relay command and returns the refusal, if any.
func send(t *testing.T, m *Meter, now time.Time, c dlt645.RelayCommand, deadline time.Time, p dlt645.Password) error {
	t.Helper()
	f, err := dlt645.RelayRequest(m.cfg.Wire, p, [4]byte{1, 2, 3, 4}, c, deadline)
	if err != nil {
		t.Fatal(err)
	}
	reply, answered := m.AnswerDLT645(f, now)
	if !answered {
		t.Fatal("meter is silent to a relay command")
	}
	_, err = dlt645.ParseRelayReply(reply, m.cfg.Wire)
	return err
}

func read(t *testing.T, m *Meter, d dlt645.DI, now time.Time) []byte {
	t.Helper()
	reply, answered := m.AnswerDLT645(dlt645.ReadRequest(m.cfg.Wire, d), now)
	if !answered {
		t.Fatalf("meter is silent to %s", d)
	}
	data, err := dlt645.ParseReadReply(reply, m.cfg.Wire, d)
	if err != nil {
		t.Fatalf("%s: %v", d, err)
	}
	return data
}

func word3(t *testing.T, m *Meter, now time.Time) dlt645.StatusWord3 {
	t.Helper()
	w, err := dlt645.ParseStatusWord3(read(t, m, 0x04000503, now))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestRelayObeysItsRules(t *testing.T) {
	const open, command, hold = dlt645.WordRelayOpen, dlt645.WordCommandOpen, dlt645.WordPowerHold
	type step struct {
		do     dlt645.RelayCommand // 0: the button
		accept bool
		word   dlt645.StatusWord3
	}
	for _, row := range []struct {
		name  string
		kind  Switch
		steps []step
	}{
		{"trip and direct close", SwitchDirect, []step{{dlt645.Trip, true, open | command}, {dlt645.Close, true, 0}}},
		{"trip twice", SwitchDirect, []step{{dlt645.Trip, true, open | command}, {dlt645.Trip, true, open | command}}},
		{"permit waits for the button", SwitchPermit, []step{{dlt645.Trip, true, open | command}, {dlt645.ClosePermit, true, open}, {0, true, 0}}},
		{"direct meter can permit too", SwitchDirect, []step{{dlt645.Trip, true, open | command}, {dlt645.ClosePermit, true, open}, {0, true, 0}}},
		{"permit-only refuses direct close", SwitchPermit, []step{{dlt645.Trip, true, open | command}, {dlt645.Close, false, open | command}}},
		{"button does nothing unpermitted", SwitchPermit, []step{{dlt645.Trip, true, open | command}, {0, false, open | command}}},
		{"a trip takes the permit back", SwitchPermit, []step{{dlt645.Trip, true, open | command}, {dlt645.ClosePermit, true, open}, {dlt645.Trip, true, open | command}, {0, false, open | command}}},
		{"permit of a closed relay", SwitchPermit, []step{{dlt645.ClosePermit, true, 0}, {0, false, 0}}},
		{"hold refuses the trip", SwitchDirect, []step{{dlt645.HoldOn, true, hold}, {dlt645.Trip, false, hold}, {dlt645.HoldOff, true, 0}, {dlt645.Trip, true, open | command}}},
		{"hold lets close", SwitchDirect, []step{{dlt645.Trip, true, open | command}, {dlt645.HoldOn, true, open | command | hold}, {dlt645.Close, true, hold}}},
		{"alarm", SwitchDirect, []step{{dlt645.AlarmOn, true, dlt645.WordPreTripAlarm}, {dlt645.AlarmOff, true, 0}}},
		{"no switch", SwitchNone, []step{{dlt645.Trip, false, 0}, {dlt645.Close, false, 0}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := hundred(t, func(c *Config) { c.Switch = row.kind })
			for i, s := range row.steps {
				var accepted bool
				if s.do == 0 {
					accepted = m.Press(after(time.Second))
				} else {
					accepted = send(t, m, after(time.Second), s.do, after(time.Minute), password) == nil
				}
				if got := word3(t, m, after(time.Second)); accepted != s.accept || got != s.word {
					t.Errorf("step %d (%s): got accepted %t, word %016b; want %t, %016b", i, s.do, accepted, got, s.accept, s.word)
				}
			}
		})
	}
}

func TestDeadlineIsJudgedByTheMetersClock(t *testing.T) {
	for _, row := range []struct {
		name     string
		offset   time.Duration
		deadline time.Duration
		accept   bool
	}{
		{"in time", 0, time.Minute, true},
		{"late", 0, -time.Second, false},
		{"meter is ahead", time.Hour, time.Minute, false},
		{"meter is behind", -time.Hour, -time.Minute, true},
	} {
		m := hundred(t, func(c *Config) { c.Offset = row.offset })
		if err := send(t, m, after(0), dlt645.Trip, after(row.deadline), password); (err == nil) != row.accept {
			t.Errorf("%s: got %v, want accepted %t", row.name, err, row.accept)
		}
	}
}

func TestWrongPasswordsAreRefusedAndLockTheLevelForADay(t *testing.T) {
	m := hundred(t, nil)
	wrong := dlt645.Password{Level: 2, Digits: [3]byte{1, 2, 3}}
	for range guessesMax {
		if err := send(t, m, after(0), dlt645.Trip, after(time.Minute), wrong); !errors.Is(err, dlt645.ErrPassword) {
			t.Fatalf("got %v, want %v", err, dlt645.ErrPassword)
		}
	}
	if err := send(t, m, after(0), dlt645.Trip, after(time.Minute), password); !errors.Is(err, dlt645.ErrPassword) {
		t.Errorf("got %v, want the level locked", err)
	}
	if err := send(t, m, after(lockFor), dlt645.Trip, after(lockFor+time.Minute), password); err != nil {
		t.Errorf("got %v a day later, want accepted", err)
	}
	other := dlt645.Password{Level: 4, Digits: password.Digits}
	if err := send(t, m, after(lockFor), dlt645.Close, after(lockFor+time.Minute), other); !errors.Is(err, dlt645.ErrPassword) {
		t.Errorf("got %v for another level, want %v", err, dlt645.ErrPassword)
	}
}

func TestItemsReadAsTheStandardSays(t *testing.T) {
	m := hundred(t, func(c *Config) { c.Offset = 90 * time.Second })
	now := after(time.Second)
	for _, row := range []struct {
		di   dlt645.DI
		size int
	}{{0x00010000, 4}, {0x0001FF00, 20}, {0x02030000, 3}, {0x02010100, 2}, {0x02020100, 3}, {0x04000101, 4}, {0x04000102, 3}, {0x0400010C, 7}, {0x04000503, 2}} {
		if got := len(read(t, m, row.di, now)); got != row.size {
			t.Errorf("%s: got %d bytes, want %d", row.di, got, row.size)
		}
	}
	if v, err := dlt645.BCD(read(t, m, 0x00010000, now)); v != 10_000 && v != 10_001 || err != nil {
		t.Errorf("got %d, %v; want 100.00 kWh", v, err)
	}
	clock, err := dlt645.DateTime7(read(t, m, 0x0400010C, now), time.UTC)
	if want := now.Add(90 * time.Second); err != nil || !clock.Equal(want) {
		t.Errorf("got %v, %v; want %v", clock, err, want)
	}
}

func TestAnswersOnlyWhatIsMeantForIt(t *testing.T) {
	m := hundred(t, nil)
	other, _ := dlt645.ParseAddress("102")
	trip, _ := dlt645.RelayRequest(m.cfg.Wire, password, [4]byte{}, dlt645.Trip, after(time.Minute))
	toAll := trip
	toAll.Addr = dlt645.Wildcard
	for _, row := range []struct {
		name string
		f    dlt645.Frame
		want bool
	}{
		{"itself", dlt645.ReadRequest(m.cfg.Wire, 0x00010000), true},
		{"wildcard", dlt645.ReadRequest(dlt645.Wildcard, 0x00010000), true},
		{"read address", dlt645.ReadAddressRequest(), true},
		{"another", dlt645.ReadRequest(other, 0x00010000), false},
		{"broadcast", dlt645.ReadRequest(dlt645.Broadcast, 0x00010000), false},
		{"a meter's reply", dlt645.RelayReply(m.cfg.Wire), false},
		{"relay to a wildcard", toAll, false},
		{"a function it lacks", dlt645.Frame{Addr: m.cfg.Wire, Control: 0x1F, Data: []byte{0}}, false},
	} {
		if _, got := m.AnswerDLT645(row.f, after(0)); got != row.want {
			t.Errorf("%s: got answered %t, want %t", row.name, got, row.want)
		}
	}
	reply, _ := m.AnswerDLT645(dlt645.ReadRequest(m.cfg.Wire, 0x00999999), after(0))
	if _, err := dlt645.ParseReadReply(reply, m.cfg.Wire, 0x00999999); !errors.Is(err, dlt645.ErrNoData) || reply.Control != 0xD1 {
		t.Errorf("unknown item: got control %02X, %v; want D1 and %v", reply.Control, err, dlt645.ErrNoData)
	}
}

func TestRelayFramesAreCountedEvenWhenNobodyObeys(t *testing.T) {
	m := hundred(t, nil)
	saved := 0
	m.OnRelay(func() { saved++ })
	m.SetPlugged(false)
	trip, _ := dlt645.RelayRequest(m.cfg.Wire, password, [4]byte{}, dlt645.Trip, after(time.Minute))
	if _, answered := m.AnswerDLT645(trip, after(0)); answered {
		t.Error("an unplugged meter answered")
	}
	if v := m.View(after(0)); v.TripFrames != 1 || v.Open || saved != 1 {
		t.Errorf("got %d trip frames, open %t, %d saves; want 1, false, 1", v.TripFrames, v.Open, saved)
	}
}
