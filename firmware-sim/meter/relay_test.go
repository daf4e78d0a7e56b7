package meter

import (
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

const (
	bitOpen, bitCommand, bitAlarm, bitHold = dlt645.WordRelayOpen, dlt645.WordCommandOpen, dlt645.WordPreTripAlarm, dlt645.WordPowerHold
)

// recover sends 1D or 1E.
func sendRecover(t testing.TB, m *Meter, c dlt645.RelayCommand, n2 byte, now time.Time) dlt645.Frame {
	t.Helper()
	f, err := dlt645.RelayRequest(m.cfg.Wire, password, operator, dlt645.Trip, now.Add(time.Minute))
	f.Data[8], f.Data[9] = byte(c), n2
	return talk(t, m, f, err, now)
}

func TestATripWaitsForItsDelay(t *testing.T) {
	m := hundred(t, func(c *Config) { c.TripDelay = 10 })
	send(t, m, after(0), dlt645.Trip, after(time.Minute), password)
	for _, row := range []struct {
		at   time.Duration
		want dlt645.StatusWord3
	}{{time.Second, bitCommand | bitAlarm}, {10*time.Minute - time.Second, bitCommand | bitAlarm}, {10 * time.Minute, bitOpen | bitCommand}} {
		if got := word3(t, m, after(row.at)); got != row.want {
			t.Errorf("after %s: got word %016b, want %016b", row.at, got, row.want)
		}
	}
	drawn := m.View(after(time.Hour)).EnergymWh - 100_000_000
	if drawn < 5_900_000 || drawn > 6_100_000 { // 36 kW for ten minutes
		t.Errorf("drew %d mWh before it opened, want about 6,000,000", drawn)
	}
	record, _ := ask(t, m, 0x1D00FF01, after(time.Hour))
	if at, err := dlt645.DateTime6(record[:6], time.UTC); err != nil || !at.Equal(after(10*time.Minute)) {
		t.Errorf("recorded at %s, %v", at, err)
	}
	t.Run("a close calls it off", func(t *testing.T) {
		m := hundred(t, func(c *Config) { c.TripDelay = 10 })
		send(t, m, after(0), dlt645.Trip, after(time.Minute), password)
		send(t, m, after(time.Minute), dlt645.Close, after(2*time.Minute), password)
		if got := word3(t, m, after(time.Hour)); got != 0 {
			t.Errorf("got word %016b", got)
		}
	})
	t.Run("it survives a restart", func(t *testing.T) {
		m := hundred(t, func(c *Config) { c.TripDelay = 10 })
		send(t, m, after(0), dlt645.Trip, after(time.Minute), password)
		back := hundred(t, func(c *Config) { c.TripDelay = 10 })
		if err := back.Restore(m.State(after(5 * time.Minute))); err != nil {
			t.Fatal(err)
		}
		if got := word3(t, back, after(11*time.Minute)); got != bitOpen|bitCommand {
			t.Errorf("got word %016b", got)
		}
	})
	t.Run("it waits for the power", func(t *testing.T) {
		m := hundred(t, func(c *Config) { c.TripDelay = 10 })
		send(t, m, after(0), dlt645.Trip, after(time.Minute), password)
		m.SetPowered(false, after(time.Minute))
		if m.View(after(time.Hour)).Open {
			t.Error("it opened without power")
		}
		m.SetPowered(true, after(time.Hour))
		if !m.View(after(time.Hour)).Open {
			t.Error("it did not open when the power came back")
		}
	})
}

func TestATripWaitsForTheCurrent(t *testing.T) {
	m := hundred(t, func(c *Config) { c.TripCurrent, c.Words2014 = 60_000, true }) // 36 kW at 220 V are 170 A
	f, err := dlt645.RelayRequest(m.cfg.Wire, password, operator, dlt645.Trip, after(time.Minute))
	reply := talk(t, m, f, err, after(0))
	if len(reply.Data) != 2 || reply.Data[0] != didCurrent {
		t.Errorf("got %s, want the current named", reply)
	}
	if got := word3(t, m, after(time.Hour)); got != bitCommand|bitAlarm {
		t.Errorf("got word %016b, want it to wait", got)
	}
	m.SetLoad(100, after(time.Hour)) // 1 kW
	if got := word3(t, m, after(time.Hour+time.Second)); got != bitCommand|bitOpen {
		t.Errorf("got word %016b, want it open", got)
	}
}

func TestTheButtonMustBeHeld(t *testing.T) {
	m := hundred(t, func(c *Config) { c.Switch = SwitchPermit })
	send(t, m, after(0), dlt645.Trip, after(time.Minute), password)
	send(t, m, after(0), dlt645.ClosePermit, after(time.Minute), password)
	if m.PressFor(2*time.Second, after(time.Second)) || !m.PressFor(3*time.Second, after(5*time.Second)) {
		t.Error("want 2 s too short and 3 s enough")
	}
}

func TestATripRecoversByItself(t *testing.T) {
	for _, row := range []struct {
		name    string
		command dlt645.RelayCommand
		kind    Switch
		want    dlt645.StatusWord3
	}{
		{"1D closes", dlt645.TripAutoClose, SwitchDirect, 0},
		{"1E permits", dlt645.TripAutoPermit, SwitchDirect, bitOpen},
		{"1D of a meter with a button permits", dlt645.TripAutoClose, SwitchPermit, bitOpen},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := hundred(t, func(c *Config) { c.Switch = row.kind })
			if reply := sendRecover(t, m, row.command, 0x10, after(0)); reply.IsError() {
				t.Fatalf("refused: %s", reply)
			}
			if got := word3(t, m, after(50*time.Minute-time.Second)); got != bitOpen|bitCommand {
				t.Errorf("got word %016b before", got)
			}
			if got := word3(t, m, after(50*time.Minute)); got != row.want {
				t.Errorf("got word %016b after, want %016b", got, row.want)
			}
		})
	}
}

func TestRefusalsHaveTheirOwnBits(t *testing.T) {
	closed := func(*Meter) {}
	for _, row := range []struct {
		name    string
		prepare func(m *Meter)
		command dlt645.RelayCommand
		n2      byte
		pw      dlt645.Password
		err     byte
		word    uint16
	}{
		{"trip under hold", func(m *Meter) { m.SetHold(true) }, dlt645.Trip, 0, password, errOther, wordTripHold},
		{"1D under hold", func(m *Meter) { m.SetHold(true) }, dlt645.TripAutoClose, 1, password, errOther, wordAutoHold},
		{"1D without a time", closed, dlt645.TripAutoClose, 0, password, errOther, wordAutoTime},
		{"1E of an open relay", func(m *Meter) { m.contact(true) }, dlt645.TripAutoPermit, 1, password, errOther, wordAutoOpen},
		{"password", closed, dlt645.Trip, 0, dlt645.Password{Level: 2}, errPassword, wordPassword},
		{"deadline", func(m *Meter) { m.offset = time.Hour }, dlt645.Trip, 0, password, errPassword, wordTime},
	} {
		for _, words := range []bool{false, true} {
			m := hundred(t, func(c *Config) { c.Words2014 = words })
			row.prepare(m)
			f, err := dlt645.RelayRequest(m.cfg.Wire, row.pw, operator, dlt645.Trip, after(time.Minute))
			f.Data[8], f.Data[9] = byte(row.command), row.n2
			reply := talk(t, m, f, err, after(0))
			_, err = dlt645.ParseRelayReply(reply, m.cfg.Wire)
			var e *dlt645.ReplyError
			if !errors.As(err, &e) || !words && (e.Err != row.err || e.Word != 0) || words && e.Word != row.word {
				t.Errorf("%s, words %t: got %v (%s)", row.name, words, err, reply)
			}
		}
	}
}

func TestFaultyRelaysShowTheirFaults(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Config)
		want   dlt645.StatusWord3 // after a trip
		draws  bool
	}{
		{"sound", nil, bitOpen | bitCommand, false},
		{"welded", func(c *Config) { c.Welded = true }, bitCommand, true},
		{"inverted bit", func(c *Config) { c.ContactBit = ContactInverted }, bitCommand, false},
		{"no bit", func(c *Config) { c.ContactBit = ContactNever }, bitCommand, false},
		{"first edition", func(c *Config) { c.FirstWords = true }, bitOpen, false},
		{"closes by itself", func(c *Config) { c.RecloseAfter = 30 * time.Second }, bitCommand, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := hundred(t, row.change)
			if err := send(t, m, after(0), dlt645.Trip, after(time.Minute), password); err != nil {
				t.Fatal(err)
			}
			if got := word3(t, m, after(time.Minute)); got != row.want {
				t.Errorf("got word %016b, want %016b", got, row.want)
			}
			faults, err := ask(t, m, 0x03360000, after(time.Minute))
			if err != nil || (faults[0] == 1) != row.draws {
				t.Errorf("got % X relay faults, %v", faults, err)
			}
			if draws := m.View(after(2*time.Minute)).LoadW > 0; draws != row.draws {
				t.Errorf("got draws %t", draws)
			}
		})
	}
	old := hundred(t, func(c *Config) { c.CloseAsPermit = true })
	send(t, old, after(0), dlt645.Trip, after(time.Minute), password)
	if err := send(t, old, after(0), dlt645.Close, after(time.Minute), password); err != nil || !old.View(after(0)).Open || !old.View(after(0)).Permitted {
		t.Errorf("an older meter obeyed 1C with %v and %+v, want a permit", err, old.View(after(0)))
	}
	if reply := sendRecover(t, hundred(t, func(c *Config) { c.NoRecover = true }), dlt645.TripAutoClose, 1, after(0)); !reply.IsError() {
		t.Error("1D was obeyed by a meter without it")
	}
}

func TestAMeterThatKeepsTheMoneyOpensWhenItIsUsedUp(t *testing.T) {
	const unit = 10_000 // of the currency
	m := hundred(t, func(c *Config) {
		c.Switch = SwitchPermit
		c.Money = &Money{Balance: 18 * unit, Price: [rates]int64{unit, unit, unit, unit}, Alarm1: 10 * unit, Overdraft: 2 * unit}
	})
	left := func(d dlt645.DI, now time.Time) int64 { return kwh(t, read(t, m, d, now)) }
	now := after(15 * time.Minute) // 36 kW: 9 kWh
	if got := left(0x00900200, now); got < 890 || got > 910 {
		t.Errorf("got %d x 0.01 left, want about 9.00", got)
	}
	if got := word3(t, m, now); got != bitAlarm|1<<9 {
		t.Errorf("got word %016b, want the alarm of amount 1", got)
	}
	if got := left(0x00900201, after(32*time.Minute)); got < 100 || got > 140 {
		t.Errorf("owes %d x 0.01, want about 1.20", got)
	}
	v := m.View(after(2 * time.Hour))
	if owed := -v.MoneyE4; !v.Open || owed < 2*unit || owed > 2*unit+2000 { // one slot later at most: 0.1 kWh
		t.Fatalf("got %+v, want it open at 2.00 owed", v)
	}
	if m.Press(after(2 * time.Hour)) {
		t.Error("the button closed it without money")
	}
	if err := m.Charge(10*unit, after(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if !m.Press(after(2 * time.Hour)) {
		t.Error("the button does not close it after a purchase")
	}
	record, err := ask(t, m, 0x0333FF01, after(2*time.Hour))
	if err != nil || len(record) != 23 || kwh(t, record[7:]) != 1000 {
		t.Errorf("got purchase % X, %v", record, err)
	}
	if _, err := ask(t, hundred(t, nil), 0x00900200, after(0)); !errors.Is(err, dlt645.ErrNoData) {
		t.Errorf("got %v of a meter that keeps none", err)
	}
	if err := hundred(t, nil).Charge(unit, after(0)); err == nil {
		t.Error("a meter that keeps no money took some")
	}
}

func TestAPowerCutStopsTheClockOnlyWithoutBattery(t *testing.T) {
	for _, dead := range []bool{false, true} {
		m := hundred(t, func(c *Config) { c.DeadBattery = dead })
		m.SetPowered(false, after(time.Hour))
		m.SetPowered(true, after(3*time.Hour))
		want := after(3 * time.Hour)
		if dead {
			want = after(time.Hour)
		}
		if v := m.View(after(3 * time.Hour)); !v.Clock.Equal(want) {
			t.Errorf("dead %t: clock is %s, want %s", dead, v.Clock, want)
		}
		w, _ := ask(t, m, 0x04000501, after(3*time.Hour))
		if fault := w[1]&0x80 != 0; fault != dead {
			t.Errorf("dead %t: clock fault %t", dead, fault)
		}
		drawn := m.View(after(4*time.Hour)).EnergymWh - 100_000_000
		if drawn < 71_000_000 || drawn > 73_000_000 {
			t.Errorf("dead %t: drew %d mWh in two hours with power", dead, drawn)
		}
		if record := read(t, m, 0x03110001, after(4*time.Hour)); len(record) != 12 {
			t.Errorf("got power-down record % X", record)
		}
	}
}

// A self-recloser opens by its own judgement and closes again; nobody has commanded anything.
func TestAMeterOpensAndReclosesByItself(t *testing.T) {
	m := hundred(t, func(c *Config) { c.LoadW, c.OpensAbove, c.RecloseAfter = 300, 30_000, 2*time.Minute })
	if m.View(after(time.Minute)).Open {
		t.Fatal("open below its limit")
	}
	m.SetLoad(1000, after(time.Minute))
	if v := m.View(after(61 * time.Second)); !v.Open || !v.Permitted || v.LoadW != 0 || v.TripFrames != 0 {
		t.Fatalf("above its limit: got %+v", v)
	}
	if got := word3(t, m, after(62*time.Second)); got != bitOpen {
		t.Errorf("got word %016b, want an open contact that nobody commanded", got)
	}
	m.SetLoad(300, after(2*time.Minute))
	if v := m.View(after(4 * time.Minute)); v.Open || v.LoadW == 0 {
		t.Errorf("after its time: got %+v", v)
	}
	if faults, err := ask(t, m, 0x03360000, after(4*time.Minute)); err != nil || faults[0] != 0 {
		t.Errorf("got % X relay faults, %v", faults, err)
	}
	trips, err := ask(t, m, 0x1D000001, after(4*time.Minute))
	closes, err2 := ask(t, m, 0x1E000001, after(4*time.Minute))
	if err != nil || err2 != nil || trips[0] != 1 || closes[0] != 1 {
		t.Errorf("got % X trips and % X closes, %v, %v", trips, closes, err, err2)
	}
	m.SetHold(true)
	m.SetLoad(1000, after(5*time.Minute))
	if m.View(after(6 * time.Minute)).Open {
		t.Error("opened in spite of power hold")
	}
}

func TestHoldAtTheMeterCallsOffATripThatWaits(t *testing.T) {
	m := hundred(t, func(c *Config) { c.TripDelay = 2 })
	if err := send(t, m, after(0), dlt645.Trip, after(time.Minute), password); err != nil {
		t.Fatal(err)
	}
	m.SetHold(true)
	if v := m.View(after(5 * time.Minute)); v.Open || v.TripPending {
		t.Errorf("opened in spite of power hold: %+v", v)
	}
}

// With a trip delay the warning opens late; the button must close it all the same.
func TestAWarningThatOpensLateIsEndedByTheButton(t *testing.T) {
	m := hundred(t, func(c *Config) {
		c.TripDelay = 2
		c.Money = &Money{Balance: 50_000, Alarm2: 100_000, Price: [rates]int64{5000, 5000, 5000, 5000}}
	})
	m.SetLoad(100, after(0))
	if v := m.View(after(time.Minute)); v.Open {
		t.Fatalf("open before its delay: %+v", v)
	}
	if v := m.View(after(5 * time.Minute)); !v.Open || !v.Permitted || !m.Press(after(5*time.Minute)) {
		t.Errorf("got %+v, want an open contact that the button closes", v)
	}
}
