package meter

import (
	"errors"
	"testing"
	"time"

	"feikong/protocol/dlt645"
)

var (
	born2026 = time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	password = dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}
)

// hundred is a meter at 100.00 kWh that draws 36 kW: 10 Wh a second.
func hundred(t testing.TB, change func(*Config)) *Meter {
	t.Helper()
	c := hundredConfig()
	if change != nil {
		change(&c)
	}
	return New(c, born2026)
}

func hundredConfig() Config {
	a := dlt645.Address{0x01, 0x01}
	return Config{Address: a.String(), Wire: a, EnergymWh: 100_000_000, LoadW: 3600, Times: 10, Switch: SwitchDirect,
		Password: password, Seed: 7, Location: time.UTC}
}

func after(d time.Duration) time.Time { return born2026.Add(d) }

func TestRegistersRunWithTheMultipliedLoad(t *testing.T) {
	m := hundred(t, nil)
	got := m.View(after(time.Hour)).EnergymWh - 100_000_000
	if got < 35_280_000 || got > 36_720_000 { // 36 kWh, 2 % either way
		t.Errorf("got %d mWh in an hour, want about 36,000,000", got)
	}
	again := hundred(t, nil).View(after(time.Hour)).EnergymWh - 100_000_000
	if again != got {
		t.Errorf("got %d mWh with the same seed, want %d", again, got)
	}
}

func TestRatesAddUpToTheTotal(t *testing.T) {
	m := hundred(t, nil)
	for h := range 24 {
		s := m.State(after(time.Duration(h) * time.Hour))
		sum := int64(0)
		for _, r := range s.RatesmWh {
			sum += r
		}
		if sum != s.EnergymWh {
			t.Fatalf("hour %d: rates %d, total %d", h, sum, s.EnergymWh)
		}
	}
}

func TestHowOftenAMeterIsLookedAtDoesNotMatter(t *testing.T) {
	seldom, often := hundred(t, nil), hundred(t, nil)
	for d := time.Duration(0); d < 10*time.Minute; d += 137 * time.Millisecond {
		often.View(after(d))
	}
	got, want := often.View(after(10*time.Minute)).EnergymWh, seldom.View(after(10*time.Minute)).EnergymWh
	if got != want {
		t.Errorf("got %d mWh, want %d", got, want)
	}
}

func TestConsumptionStopsWhileOpen(t *testing.T) {
	m := hundred(t, nil)
	send(t, m, after(0), dlt645.Trip, after(time.Minute), password)
	if v := m.View(after(time.Hour)); v.EnergymWh != 100_000_000 || v.LoadW != 0 || !v.Open {
		t.Errorf("got %d mWh, %d W, open %t; want nothing drawn", v.EnergymWh, v.LoadW, v.Open)
	}
}

func TestStateGoesOnFromWhereItStoodAndNeverBackwards(t *testing.T) {
	m := hundred(t, nil)
	send(t, m, after(0), dlt645.HoldOn, after(time.Minute), password)
	saved := m.State(after(time.Hour))
	back := hundred(t, nil)
	if err := back.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if v := back.View(after(30 * time.Minute)); v.EnergymWh != saved.EnergymWh || !v.Hold {
		t.Errorf("got %d mWh, hold %t; want %d and hold", v.EnergymWh, v.Hold, saved.EnergymWh)
	}
	back = hundred(t, nil)
	if err := back.Restore(saved); err != nil {
		t.Fatal(err)
	}
	got, want := back.View(after(2*time.Hour)).EnergymWh, m.View(after(2*time.Hour)).EnergymWh
	if got != want {
		t.Errorf("got %d mWh after the stop, want %d as without one", got, want)
	}
}

func TestDamagedStateIsRefused(t *testing.T) {
	good := hundred(t, nil).State(born2026)
	for name, spoil := range map[string]func(*State){
		"negative":           func(s *State) { s.EnergymWh = -1 },
		"rates do not add":   func(s *State) { s.RatesmWh[0]++ },
		"beyond any counter": func(s *State) { s.EnergymWh = 1 << 62 },
	} {
		s := good
		spoil(&s)
		if err := hundred(t, nil).Restore(s); !errors.Is(err, ErrState) {
			t.Errorf("%s: got %v, want %v", name, err, ErrState)
		}
	}
}

func TestSetBackMovesTotalAndRates(t *testing.T) {
	m := hundred(t, nil)
	m.Set(40_000_000, after(0))
	s := m.State(after(0))
	if sum := s.RatesmWh[0] + s.RatesmWh[1] + s.RatesmWh[2] + s.RatesmWh[3]; s.EnergymWh != 40_000_000 || sum != 40_000_000 {
		t.Errorf("got total %d, rates %d", s.EnergymWh, sum)
	}
}

func TestAYearOfALargeLoadDoesNotOverflow(t *testing.T) {
	m := hundred(t, func(c *Config) { c.LoadW, c.Times = LoadMaxW, TimesMax })
	for y := range 50 {
		v := m.View(after(time.Duration(y) * 8760 * time.Hour))
		if v.EnergymWh < 100_000_000 || v.EnergymWh > EnergyMaxmWh {
			t.Fatalf("got %d mWh", v.EnergymWh)
		}
	}
}
