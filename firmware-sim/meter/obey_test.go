package meter

import (
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

var operator = [4]byte{1, 2, 3, 4}

// talk puts a request to the meter and wants an answer.
func talk(t testing.TB, m *Meter, f dlt645.Frame, err error, now time.Time) dlt645.Frame {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	reply, answered := m.AnswerDLT645(f, now)
	if !answered {
		t.Fatalf("meter is silent to %s", f)
	}
	return reply
}

func write(t testing.TB, m *Meter, d dlt645.DI, p dlt645.Password, data []byte, now time.Time) error {
	t.Helper()
	f, err := dlt645.WriteRequest(m.cfg.Wire, d, p, operator, data)
	if err != nil { // what our own master would not send is sent all the same
		b := append(d.Append(nil), p.Level)
		b = append(append(b, p.Digits[:]...), operator[:]...)
		f, err = dlt645.Frame{Addr: m.cfg.Wire, Control: 0x14, Data: append(b, data...)}, nil
	}
	return dlt645.ParseWriteReply(talk(t, m, f, err, now), m.cfg.Wire)
}

func errBits(err error) byte {
	var e *dlt645.ReplyError
	if errors.As(err, &e) {
		return e.Err
	}
	return 0
}

func TestWritesAreJudgedLikeAMeterJudgesThem(t *testing.T) {
	weak := dlt645.Password{Level: 6, Digits: [3]byte{6, 6, 6}}
	four := dlt645.Password{Level: 4, Digits: [3]byte{4, 4, 4}}
	wrong := dlt645.Password{Level: 4, Digits: [3]byte{9, 9, 9}}
	for _, row := range []struct {
		name string
		di   dlt645.DI
		pw   dlt645.Password
		data []byte
		want byte
	}{
		{"trip delay by level 4", 0x04001401, four, []byte{0x05, 0x00}, 0},
		{"a stronger level", 0x04001401, password, []byte{0x05, 0x00}, 0},
		{"a weaker level", 0x04001401, weak, []byte{0x05, 0x00}, errPassword},
		{"a wrong password", 0x04001401, wrong, []byte{0x05, 0x00}, errPassword},
		{"a level without password", 0x04001401, dlt645.Password{Level: 7}, []byte{0x05, 0x00}, errPassword},
		{"a ciphered level", 0x04001401, dlt645.Password{Level: 0x98}, []byte{0x05, 0x00}, errPassword},
		{"customer number needs level 2", 0x0400040E, four, []byte{1, 2, 3, 4, 5, 6}, errPassword},
		{"customer number", 0x0400040E, password, []byte{1, 2, 3, 4, 5, 6}, 0},
		{"no such item", 0x04009999, password, []byte{1}, errNoData},
		{"wrong length", 0x04001401, password, []byte{5}, errOther},
		{"no BCD", 0x04001401, password, []byte{0x0A, 0}, errOther},
		{"read only", 0x04000409, password, []byte{0, 0, 1}, errPassword},
		{"an address without the button", 0x04000401, password, []byte{1, 2, 3, 4, 5, 6}, errPassword},
		{"too many rates", 0x04000204, password, []byte{0x08}, errTooManyRates},
		{"too many slots", 0x04010001, password, make([]byte, 45), errTooManySlots},
		{"a time that cannot be", 0x04000102, password, []byte{0x99, 0, 0}, errOther},
		{"the clock", 0x0400010C, password, []byte{0, 0, 0x12, 3, 1, 7, 0x26}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := hundred(t, func(c *Config) { c.Passwords = []dlt645.Password{weak, four} })
			err := write(t, m, row.di, row.pw, row.data, after(time.Minute))
			if got := errBits(err); got != row.want || (err == nil) != (row.want == 0) {
				t.Fatalf("got %v, want ERR %02X", err, row.want)
			}
			if row.want != 0 {
				return
			}
			if row.di != 0x0400010C {
				if got := read(t, m, row.di, after(time.Minute)); string(got) != string(row.data) {
					t.Errorf("reads % X, wrote % X", got, row.data)
				}
			}
			record := dlt645.DI(0x03300001)
			if row.di == 0x0400010C {
				record = 0x03300401
			}
			if got := read(t, m, record, after(time.Minute)); string(got[6:10]) != string(operator[:]) && string(got[:4]) != string(operator[:]) {
				t.Errorf("no record of who wrote: % X", got)
			}
		})
	}
}

func TestPasswordLevelsAreCountedAndLockedEachForItself(t *testing.T) {
	four := dlt645.Password{Level: 4, Digits: [3]byte{4, 4, 4}}
	m := hundred(t, func(c *Config) { c.Passwords = []dlt645.Password{four} })
	for range guessesMax {
		if err := write(t, m, 0x04001401, dlt645.Password{Level: 4}, []byte{1, 0}, after(0)); !errors.Is(err, dlt645.ErrPassword) {
			t.Fatal(err)
		}
	}
	if err := write(t, m, 0x04001401, four, []byte{1, 0}, after(time.Hour)); !errors.Is(err, dlt645.ErrPassword) {
		t.Errorf("got %v, want level 4 locked", err)
	}
	back := hundred(t, func(c *Config) { c.Passwords = []dlt645.Password{four} })
	if err := back.Restore(m.State(after(2 * time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := write(t, back, 0x04001401, four, []byte{1, 0}, after(2*time.Hour)); !errors.Is(err, dlt645.ErrPassword) {
		t.Errorf("got %v after a restart, want level 4 still locked", err)
	}
	if err := write(t, m, 0x04001401, password, []byte{1, 0}, after(time.Hour)); err != nil {
		t.Errorf("got %v, want level 2 open", err)
	}
	if err := write(t, m, 0x04001401, four, []byte{1, 0}, after(lockFor)); err != nil {
		t.Errorf("got %v a day later", err)
	}
}

func TestAPasswordIsChangedByTheOldOne(t *testing.T) {
	m := hundred(t, nil)
	next := dlt645.Password{Level: 2, Digits: [3]byte{7, 7, 7}}
	change := func(before, after_ dlt645.Password) error {
		f, err := dlt645.PasswordRequest(m.cfg.Wire, 0x04000C03, before, after_)
		got, err := dlt645.ParsePasswordReply(talk(t, m, f, err, after(0)), m.cfg.Wire)
		if err == nil && (got.Level != after_.Level || got.Digits != after_.Digits) {
			t.Errorf("the reply carries another password")
		}
		return err
	}
	if err := change(next, next); !errors.Is(err, dlt645.ErrPassword) {
		t.Errorf("got %v with a wrong old one", err)
	}
	if err := change(password, next); err != nil {
		t.Fatal(err)
	}
	if err := write(t, m, 0x04001401, password, []byte{1, 0}, after(0)); !errors.Is(err, dlt645.ErrPassword) {
		t.Errorf("got %v: the old password is still good", err)
	}
	if err := write(t, m, 0x04001401, next, []byte{1, 0}, after(0)); err != nil {
		t.Error(err)
	}
}

func TestBroadcastTimeKeepsItsRules(t *testing.T) {
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name   string
		offset time.Duration
		at     time.Time // meter's clock
		by     time.Duration
		obeyed bool
	}{
		{"a little", 0, noon, 30 * time.Second, true},
		{"five minutes", 0, noon, -5 * time.Minute, true},
		{"more", 0, noon, 5*time.Minute + time.Second, false},
		{"four minutes before midnight", 0, noon.Add(12*time.Hour - 4*time.Minute), time.Second, false},
		{"four minutes after midnight", 0, noon.Add(12*time.Hour + 4*time.Minute), time.Second, false},
		{"six minutes after midnight", 0, noon.Add(12*time.Hour + 6*time.Minute), time.Second, true},
		{"the meter's midnight, not ours", -30 * time.Minute, noon.Add(12 * time.Hour), time.Second, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := hundred(t, func(c *Config) { c.Offset = row.offset })
			now := row.at.Add(-row.offset)
			if _, answered := m.AnswerDLT645(dlt645.BroadcastTime(row.at.Add(row.by), time.UTC), now); answered {
				t.Error("a broadcast was answered")
			}
			want := row.at
			if row.obeyed {
				want = want.Add(row.by)
			}
			if got := m.View(now).Clock; !got.Equal(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	t.Run("once a day", func(t *testing.T) {
		m := hundred(t, nil)
		for i, want := range []time.Duration{time.Minute, time.Minute, 2 * time.Minute} {
			now := noon.Add([]time.Duration{0, time.Hour, day}[i])
			m.AnswerDLT645(dlt645.BroadcastTime(m.View(now).Clock.Add(time.Minute), time.UTC), now)
			if got := m.View(now).Clock.Sub(now); got != want {
				t.Errorf("broadcast %d: clock is %s ahead, want %s", i+1, got, want)
			}
		}
	})
	t.Run("a settlement in the middle of the day", func(t *testing.T) {
		m := hundred(t, nil)
		if err := write(t, m, 0x04000B01, password, []byte{0x12, 0x01}, after(time.Minute)); err != nil { // 1st, 12 o'clock
			t.Fatal(err)
		}
		m.AnswerDLT645(dlt645.BroadcastTime(noon.Add(time.Minute), time.UTC), noon)
		if got := m.View(noon).Clock; !got.Equal(noon) {
			t.Errorf("got %s: the clock was set at a settlement", got)
		}
	})
}

func TestAddressesAreWrittenWithTheButtonOnly(t *testing.T) {
	other, _ := dlt645.ParseAddress("202")
	for _, old := range []bool{false, true} {
		m := hundred(t, func(c *Config) { c.OldAddress = old })
		f, err := dlt645.WriteAddressRequest(other)
		if _, answered := m.AnswerDLT645(f, after(0)); answered || err != nil {
			t.Fatal("answered without the button", err)
		}
		m.Program(after(0))
		from, err := dlt645.ParseWriteAddressReply(talk(t, m, f, err, after(time.Hour)))
		want := other
		if old {
			want = m.cfg.Wire
		}
		if err != nil || from != want {
			t.Errorf("old %t: got %s, %v; want the answer from %s", old, from, err, want)
		}
		if got, err := dlt645.ParseReadAddressReply(talk(t, m, dlt645.ReadAddressRequest(), nil, after(time.Hour))); err != nil || got != other {
			t.Errorf("got %s, %v; want the new address", got, err)
		}
		back := hundred(t, nil)
		if err := back.Restore(m.State(after(time.Hour))); err != nil {
			t.Fatal(err)
		}
		if got, _ := dlt645.ParseReadAddressReply(talk(t, back, dlt645.ReadAddressRequest(), nil, after(time.Hour))); got != other {
			t.Errorf("got %s after a restart", got)
		}
		m.Program(after(time.Hour))
		if _, answered := m.AnswerDLT645(f, after(6*time.Hour)); answered {
			t.Error("the button was pressed for ever")
		}
	}
}

func TestClearingsAndWhatIsLeftOfThem(t *testing.T) {
	m := full(t, nil)
	now := after(time.Minute)
	send(t, m, now, dlt645.Trip, after(time.Hour), password)
	f, err := dlt645.ClearDemandRequest(m.cfg.Wire, password, operator)
	if err := dlt645.ParseClearDemandReply(talk(t, m, f, err, now), m.cfg.Wire); err != nil {
		t.Fatal(err)
	}
	if kw, _ := dlt645.BCD(read(t, m, 0x01010000, now)[:3]); kw != 0 {
		t.Errorf("demand is %d after it was cleared", kw)
	}
	record, err := ask(t, m, 0x03300201, now) // 202 bytes: two frames
	if err != nil || len(record) != 202 || string(record[6:10]) != string(operator[:]) {
		t.Errorf("got %d bytes, %v", len(record), err)
	}
	f, err = dlt645.ClearEventsRequest(m.cfg.Wire, password, operator, 0x1D00FFFF)
	if err := dlt645.ParseClearEventsReply(talk(t, m, f, err, now), m.cfg.Wire); err != nil {
		t.Fatal(err)
	}
	if n, _ := dlt645.BCD(read(t, m, 0x1D000001, now)); n != 0 {
		t.Errorf("got %d trips after they were cleared", n)
	}
	if n, _ := dlt645.BCD(read(t, m, 0x03300200, now)); n != 1 {
		t.Errorf("got %d demand clearings, want 1: another class was cleared", n)
	}
	f, err = dlt645.ClearEventsRequest(m.cfg.Wire, password, operator, dlt645.DIAllEvents)
	talk(t, m, f, err, now)
	if n, _ := dlt645.BCD(read(t, m, 0x03300300, now)); n != 2 {
		t.Errorf("got %d event clearings, want 2: they are never cleared", n)
	}
	clear := dlt645.Frame{Addr: m.cfg.Wire, Control: 0x1A, Data: append([]byte{2, 0x56, 0x34, 0x12}, operator[:]...)}
	if reply := talk(t, m, clear, nil, now); !reply.IsError() || m.View(now).EnergymWh < 49_000_000_000 {
		t.Error("the meter was cleared")
	}
}

func TestBaudChangesForTheSession(t *testing.T) {
	m := hundred(t, nil)
	f, err := dlt645.BaudRequest(m.cfg.Wire, 9600)
	if got, err := dlt645.ParseBaudReply(talk(t, m, f, err, after(0)), m.cfg.Wire); err != nil || got != 9600 {
		t.Fatalf("got %d, %v", got, err)
	}
	for _, row := range []struct {
		at   time.Duration
		want int
	}{{time.Second, 9600}, {baudSession - time.Second, 9600}, {baudSession + time.Second, 2400}} {
		if got, parity := m.Framing(2400, "even", after(row.at)); got != row.want || parity != "even" {
			t.Errorf("after %s: got %d %s, want %d", row.at, got, parity, row.want)
		}
	}
	if reply := talk(t, m, dlt645.Frame{Addr: m.cfg.Wire, Control: 0x17, Data: []byte{0x03}}, nil, after(0)); !reply.IsError() || reply.Data[0] != errBaud {
		t.Errorf("got %s for a Z of two bits", reply)
	}
	if err := write(t, m, 0x04000703, password, []byte{1 << 4}, after(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.Framing(2400, "even", after(2*time.Hour)); got != 4800 {
		t.Errorf("got %d after the baud word was written, want 4800", got)
	}
}

func TestALongAnswerComesInPartsAndASEQTwiceIsTheSamePart(t *testing.T) {
	m := full(t, nil)
	now := after(time.Minute)
	first := talk(t, m, dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadFrom, 20, after(-day)), nil, now)
	if !first.More() || first.Control != 0xB1 {
		t.Fatalf("got control %02X, want B1", first.Control)
	}
	one := talk(t, m, dlt645.SubsequentRequest(m.cfg.Wire, dlt645.DILoadFrom, 1), nil, now)
	two := talk(t, m, dlt645.SubsequentRequest(m.cfg.Wire, dlt645.DILoadFrom, 2), nil, now)
	again := talk(t, m, dlt645.SubsequentRequest(m.cfg.Wire, dlt645.DILoadFrom, 1), nil, now)
	if string(one.Data) != string(again.Data) || string(one.Data) == string(two.Data) {
		t.Error("the same SEQ gave another part")
	}
	for _, f := range []dlt645.Frame{dlt645.SubsequentRequest(m.cfg.Wire, dlt645.DILoadFrom, 99), dlt645.SubsequentRequest(m.cfg.Wire, 0x0001FF00, 1)} {
		if reply := talk(t, m, f, nil, now); reply.Control != 0xD2 || reply.Data[0] != errNoData {
			t.Errorf("got %s, want D2 without data", reply)
		}
	}
	talk(t, m, dlt645.ReadRequest(m.cfg.Wire, 0x00010000), nil, now)
	if reply := talk(t, m, dlt645.SubsequentRequest(m.cfg.Wire, dlt645.DILoadFrom, 1), nil, now); !reply.IsError() {
		t.Error("another read did not end the old answer")
	}
}

func TestSecurityIsRefusedInItsOwnWords(t *testing.T) {
	for _, row := range []struct {
		sealed bool
		want   uint16
	}{{false, serrOther}, {true, serrAuthentication}} {
		m := hundred(t, func(c *Config) { c.Sealed = row.sealed })
		f, err := dlt645.IdentityRequest(m.cfg.Wire, dlt645.Identity{})
		var e *dlt645.ReplyError
		if _, err := dlt645.ParseIdentityReply(talk(t, m, f, err, after(0)), m.cfg.Wire); !errors.As(err, &e) || e.Word != row.want {
			t.Errorf("sealed %t: got %v", row.sealed, err)
		}
		if err := send(t, m, after(0), dlt645.Trip, after(time.Minute), password); (err == nil) == row.sealed {
			t.Errorf("sealed %t: plain trip: %v", row.sealed, err)
		}
		if err := send(t, m, after(0), dlt645.Close, after(time.Minute), password); err != nil {
			t.Errorf("sealed %t: plain close: %v", row.sealed, err)
		}
	}
}

func TestThirteenCanBeStrict(t *testing.T) {
	partial := dlt645.Frame{Addr: dlt645.Address{0x01, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}, Control: 0x13}
	for _, strict := range []bool{false, true} {
		m := hundred(t, func(c *Config) { c.StrictWild = strict })
		if _, answered := m.AnswerDLT645(partial, after(0)); answered == strict {
			t.Errorf("strict %t: answered a partial wildcard: %t", strict, answered)
		}
		if _, answered := m.AnswerDLT645(dlt645.ReadAddressRequest(), after(0)); !answered {
			t.Errorf("strict %t: silent to AA×6", strict)
		}
	}
}
