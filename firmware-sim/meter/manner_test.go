package meter

import (
	"testing"
	"time"
)

func TestMannerIsTheLinesUnlessTheMeterHasItsOwn(t *testing.T) {
	line := Manner{Delay: 50 * time.Millisecond, FEs: 4}
	for _, row := range []struct {
		name   string
		change func(*Config)
		want   Manner
	}{
		{"nothing", nil, line},
		{"delay", func(c *Config) { c.Delay = 300 * time.Millisecond }, Manner{Delay: 300 * time.Millisecond, FEs: 4}},
		{"no FE", func(c *Config) { c.FEs = -1 }, Manner{Delay: 50 * time.Millisecond}},
		{"FF behind", func(c *Config) { c.FEs, c.Trailing = 1, 2 }, Manner{Delay: 50 * time.Millisecond, FEs: 1, Trailing: 2}},
		{"always late", func(c *Config) { c.LateShare, c.LateBy = 1, time.Second }, Manner{Delay: 1050 * time.Millisecond, FEs: 4}},
	} {
		if got := hundred(t, row.change).Manner(after(0), line); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
}

func TestSharesAndJitterComeFromTheSeed(t *testing.T) {
	count := func(seed uint64) (late int, jitter time.Duration) {
		m := hundred(t, func(c *Config) { c.Seed, c.LateShare, c.LateBy, c.Jitter = seed, 0.2, time.Second, 10*time.Millisecond })
		for range 1000 {
			d := m.Manner(after(0), Manner{}).Delay
			if d >= time.Second {
				late++
				d -= time.Second
			}
			jitter += d
		}
		return late, jitter / 1000
	}
	late, jitter := count(1)
	if late < 150 || late > 250 || jitter < 4*time.Millisecond || jitter > 6*time.Millisecond {
		t.Errorf("got %d of 1000 late, mean jitter %s", late, jitter)
	}
	if again, j := count(1); again != late || j != jitter {
		t.Error("the same seed gave another behaviour")
	}
	if other, _ := count(2); other == late {
		t.Log("another seed gave as many late replies")
	}
}

func TestADyingMeterGetsSlowerAndThenSilent(t *testing.T) {
	m := hundred(t, func(c *Config) { c.Dying = 10 * time.Hour })
	bad := func(at time.Duration) (silent, damaged int, delay time.Duration) {
		for range 200 {
			mn := m.Manner(after(at), Manner{})
			if mn.Silent {
				silent++
			}
			if mn.Damage != 0 {
				damaged++
			}
			delay = mn.Delay
		}
		return silent, damaged, delay
	}
	s0, d0, t0 := bad(0)
	s1, d1, t1 := bad(5 * time.Hour)
	s2, _, _ := bad(11 * time.Hour)
	if s0 != 0 || d0 != 0 || t0 != 0 || s1 < 20 || s1 > 80 || d1 < 60 || d1 > 140 || t1 != 500*time.Millisecond || s2 != 200 {
		t.Errorf("got %d %d %s at first, %d %d %s half way, %d silent at the end", s0, d0, t0, s1, d1, t1, s2)
	}
	m.SetDying(0, after(12*time.Hour))
	if s, d, _ := bad(13 * time.Hour); s != 0 || d != 0 {
		t.Error("it was not healed")
	}
}
