package meter

import (
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
	"pgregory.net/rapid"
)

// kwh reads the first four bytes as 0.01 kWh.
func kwh(t testing.TB, b []byte) int64 {
	t.Helper()
	v, err := dlt645.BCD(b[:4])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func freezeAt(t testing.TB, m *Meter, kind dlt645.FreezeKind, nth int, now time.Time) (time.Time, int64, bool) {
	t.Helper()
	b, err := ask(t, m, dlt645.FreezeDI(kind, dlt645.FreezeContentTime, nth), now)
	if errors.Is(err, dlt645.ErrNoData) {
		return time.Time{}, 0, false
	}
	if err != nil {
		t.Fatal(err)
	}
	at, err := dlt645.DateTime5(b, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	b, err = ask(t, m, dlt645.FreezeDI(kind, dlt645.FreezeContentForward, nth), now)
	if err != nil {
		t.Fatal(err)
	}
	return at, kwh(t, b), true
}

func TestMidnightIsFrozenAsItWasRead(t *testing.T) {
	m := hundred(t, nil)
	midnight := time.Date(2026, 7, 3, 0, 0, 0, 0, time.UTC)
	before := m.View(midnight).EnergymWh / 10_000
	m.View(after(90 * time.Hour))
	at, v, ok := freezeAt(t, m, dlt645.FreezeDailyKind, 3, after(90*time.Hour))
	if !ok || !at.Equal(midnight) || v != before {
		t.Errorf("got %s %d %t, want %s %d", at, v, ok, midnight, before)
	}
}

func TestFreezesEndWhereTheMemoryDoes(t *testing.T) {
	m := full(t, nil)
	now := after(0)
	for _, row := range []struct {
		kind dlt645.FreezeKind
		have int
	}{{dlt645.FreezeDailyKind, 62}, {dlt645.FreezeHourlyKind, 254}, {dlt645.FreezeInstant, 0}, {dlt645.FreezeTimed, 0}} {
		if _, _, ok := freezeAt(t, m, row.kind, max(row.have, 1), now); ok != (row.have > 0) {
			t.Errorf("%s: record %d: got %t", row.kind, row.have, ok)
		}
		if _, _, ok := freezeAt(t, m, row.kind, row.have+1, now); ok && row.have < 254 {
			t.Errorf("%s: has a record %d", row.kind, row.have+1)
		}
	}
	none := full(t, func(c *Config) { c.DailyDepth, c.HourlyDepth = -1, 3 })
	if _, _, ok := freezeAt(t, none, dlt645.FreezeDailyKind, 1, now); ok {
		t.Error("a meter without daily freezes has one")
	}
	if _, _, ok := freezeAt(t, none, dlt645.FreezeHourlyKind, 4, now); ok {
		t.Error("a meter of three hourly freezes has a fourth")
	}
}

func TestNobodyFreezesWithoutPower(t *testing.T) {
	for _, row := range []struct {
		name     string
		backfill int
		days     []int // of July, newest first
	}{{"missing", 0, []int{6, 2}}, {"filled in", 7, []int{6, 5, 4, 3, 2}}, {"two filled in", 2, []int{6, 5, 4, 2}}} {
		t.Run(row.name, func(t *testing.T) {
			m := hundred(t, func(c *Config) { c.Backfill = row.backfill })
			m.SetPowered(false, after(30*time.Hour)) // 2 July 15:00
			if _, answered := m.AnswerDLT645(dlt645.ReadRequest(m.cfg.Wire, 0x00010000), after(31*time.Hour)); answered {
				t.Fatal("a meter without power answered")
			}
			m.SetPowered(true, after(100*time.Hour)) // 5 July 13:00
			now := after(120 * time.Hour)            // 6 July 09:00
			for i, d := range row.days {
				at, _, ok := freezeAt(t, m, dlt645.FreezeDailyKind, i+1, now)
				if !ok || at.Day() != d {
					t.Errorf("freeze %d: got %s %t, want day %d", i+1, at, ok, d)
				}
			}
			if at, _, ok := freezeAt(t, m, dlt645.FreezeDailyKind, len(row.days)+1, now); ok {
				t.Errorf("got a further freeze of %s", at)
			}
			hours := map[time.Time]bool{}
			for n := 1; ; n++ {
				at, _, ok := freezeAt(t, m, dlt645.FreezeHourlyKind, n, now)
				if !ok {
					break
				}
				if hours[at] {
					t.Errorf("hour %s twice", at)
				}
				hours[at] = true
				if at.After(after(30*time.Hour)) && at.Before(after(100*time.Hour)) {
					t.Errorf("hour %s was frozen without power", at)
				}
			}
			if len(hours) < 48 || len(hours) > 52 {
				t.Errorf("got %d hours, want those with power", len(hours))
			}
		})
	}
}

func TestFreezeCommands(t *testing.T) {
	m := hundred(t, nil)
	order := func(to dlt645.Address, at dlt645.FreezeTime, now time.Time) (dlt645.Frame, bool) {
		return m.AnswerDLT645(dlt645.FreezeRequest(to, at), now)
	}
	if _, answered := order(dlt645.Broadcast, dlt645.FreezeTime{0x99, 0x99, 0x99, 0x99}, after(time.Minute)); answered {
		t.Error("a broadcast freeze was answered")
	}
	for range 4 {
		reply, _ := order(m.cfg.Wire, dlt645.FreezeTime{0x99, 0x99, 0x99, 0x99}, after(2*time.Minute))
		if err := dlt645.ParseFreezeReply(reply, m.cfg.Wire); err != nil {
			t.Fatal(err)
		}
	}
	if at, _, ok := freezeAt(t, m, dlt645.FreezeInstant, 3, after(3*time.Minute)); !ok || at.Minute() != 2 {
		t.Errorf("third instant freeze: got %s %t", at, ok)
	}
	if reply, _ := order(m.cfg.Wire, dlt645.FreezeTime{0x60, 0x99, 0x99, 0x99}, after(3*time.Minute)); !reply.IsError() {
		t.Error("minute 60 was accepted")
	}
	order(m.cfg.Wire, dlt645.FreezeDaily(18, 30), after(3*time.Minute))
	now := after(3 * day)
	for n, want := range []int{3, 2, 1} {
		at, _, ok := freezeAt(t, m, dlt645.FreezeTimed, n+1, now)
		if !ok || at.Day() != want || at.Hour() != 18 || at.Minute() != 30 {
			t.Errorf("timed freeze %d: got %s %t, want %d July 18:30", n+1, at, ok, want)
		}
	}
}

func TestALoadProfileAnswersInWholeRecords(t *testing.T) {
	m := hundred(t, func(c *Config) { c.Profile.Classes = 0x3F })
	now := after(5 * time.Hour)
	get := func(request dlt645.Frame, d dlt645.DI) []dlt645.LoadRecord {
		t.Helper()
		b, err := collect(t, m, request, d, now)
		if err != nil {
			t.Fatal(err)
		}
		records, err := dlt645.ParseLoadRecords(b, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Suspect || r.Classes != 0x3F {
				t.Errorf("record %s: suspect %q, classes %b", r.At, r.Why, r.Classes)
			}
		}
		return records
	}
	from := after(2 * time.Hour)
	records := get(dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadFrom, 8, from), dlt645.DILoadFrom)
	if len(records) != 8 || !records[0].At.Equal(from) || !records[7].At.Equal(from.Add(7*quarter)) {
		t.Fatalf("got %d records from %s on", len(records), records[0].At)
	}
	for i := range records[1:] {
		if d := records[i+1].Energies[0] - records[i].Energies[0]; d < 880 || d > 920 { // 36 kW: 9 kWh
			t.Errorf("got %d x 0.01 kWh in a quarter of an hour, want about 900", d)
		}
	}
	latest := get(dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadLatest, 1, time.Time{}), dlt645.DILoadLatest)
	if len(latest) != 1 || !latest[0].At.Equal(now) {
		t.Errorf("latest: got %v, want %s", latest, now)
	}
	earliest := get(dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadEarliest, 1, time.Time{}), dlt645.DILoadEarliest)
	if len(earliest) != 1 || !earliest[0].At.Equal(after(0)) {
		t.Errorf("earliest: got %v, want %s", earliest, after(0))
	}
	if b, err := collect(t, m, dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadFrom, 1, after(day)), dlt645.DILoadFrom, now); err != nil || len(b) != 0 {
		t.Errorf("from tomorrow: got % X, %v; want the identifier alone", b, err)
	}
	off := hundred(t, func(c *Config) { c.Profile.Off = true })
	if _, err := collect(t, off, dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadLatest, 1, time.Time{}), dlt645.DILoadLatest, now); !errors.Is(err, dlt645.ErrNoData) {
		t.Errorf("got %v of a meter without a profile", err)
	}
}

func TestTheProfileKnowsWhenTheContactWasOpenAndThePowerOff(t *testing.T) {
	m := hundred(t, nil)
	send(t, m, after(time.Hour), dlt645.Trip, after(2*time.Hour), password)
	send(t, m, after(2*time.Hour), dlt645.Close, after(3*time.Hour), password)
	m.SetPowered(false, after(3*time.Hour+time.Minute))
	m.SetPowered(true, after(4*time.Hour+time.Minute))
	now := after(6 * time.Hour)
	b, err := collect(t, m, dlt645.LoadRequest(m.cfg.Wire, dlt645.DILoadFrom, 40, after(0)), dlt645.DILoadFrom, now)
	if err != nil {
		t.Fatal(err)
	}
	records, err := dlt645.ParseLoadRecords(b, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 21 { // 0:00 .. 6:00 are 25, four of them without power
		t.Errorf("got %d records, want 21", len(records))
	}
	at := map[time.Time]int64{}
	for _, r := range records {
		at[r.At] = r.Energies[0]
	}
	if a, b := at[after(time.Hour)], at[after(2*time.Hour)]; a != b || a == 0 {
		t.Errorf("drew from %d to %d while open", a, b)
	}
	if a, b := at[after(3*time.Hour)], at[after(4*time.Hour+quarter)]; b-a < 800 || b-a > 1000 { // 15 minutes of 75 with power
		t.Errorf("drew from %d to %d around the power cut", a, b)
	}
	last, ok := at[now]
	if want := m.View(now).EnergymWh / 10_000; !ok || last != want {
		t.Errorf("the last record is %d, the register %d", last, want)
	}
}

// The meter is looked at now and then, and things happen to it; what it then says about each hour is what was read there.
func TestHistoryIsWhatWasRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := hundredConfig()
		c.FeedW = rapid.Int64Range(0, 8000).Draw(t, "feed")
		c.Seed = rapid.Uint64().Draw(t, "seed")
		c.Offset = time.Duration(rapid.Int64Range(-3600, 3600).Draw(t, "offset")) * time.Second
		m := New(c, born2026)
		read := map[int64]int64{} // wall ns of whole hours: mWh
		look := func(now time.Time) {
			m.do(now, func() {
				if wall := m.wall(m.at); !m.dark && mod(wall, time.Hour) == 0 {
					read[wall] = sum(&m.regs.fwd)
				}
			})
		}
		now := born2026
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(1, int64(5*time.Hour)).Draw(t, "d")))
			if rapid.Bool().Draw(t, "hour") { // look exactly on the hour of the meter's clock
				m.mu.Lock()
				now = now.Add(time.Duration(int64(time.Hour) - mod(m.wall(now.UnixNano()), time.Hour)))
				m.mu.Unlock()
			}
			look(now)
			switch rapid.IntRange(0, 5).Draw(t, "act") {
			case 0:
				m.SetLoad(rapid.Int64Range(0, 20_000).Draw(t, "w"), now)
			case 1:
				m.do(now, func() { m.contact(!m.relay.open) })
			case 2:
				m.SetPowered(m.dark, now)
			case 3:
				if err := m.Restore(m.State(now)); err != nil {
					t.Fatal(err)
				}
			}
		}
		m.do(now, func() {
			for nth := 1; nth <= hoursKept; nth++ {
				k, ok := m.frozen(freezeHour, nth)
				if !ok {
					break
				}
				wall := k.at + int64(m.shiftOf(k.at, k.offset))
				if want, known := read[wall]; known && want != sum(&k.regs.fwd) {
					t.Fatalf("hour %s: got %d mWh, read %d", m.wallTime(wall), sum(&k.regs.fwd), want)
				}
			}
		})
	})
}
