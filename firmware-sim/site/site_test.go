package site

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/firmware-sim/scenario"
	"feikong/protocol/dlt645"
)

func street(t *testing.T) scenario.Scenario {
	t.Helper()
	a, err := dlt645.ParseAddress("101")
	if err != nil {
		t.Fatal(err)
	}
	return scenario.Scenario{Lines: []scenario.Line{{
		Bus:    bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1},
		Meters: []meter.Config{{Address: a.String(), Wire: a, EnergymWh: 5_000_000, LoadW: 1000, Switch: meter.SwitchDirect}},
	}}}
}

func open(t *testing.T, dir string, now time.Time) (*Site, error) {
	t.Helper()
	s, err := Open(dir, street(t), now, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func TestStreetGoesOnAfterARestart(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	s, err := open(t, dir, now)
	if err != nil {
		t.Fatal(err)
	}
	m := s.Lines()[0].Meters()[0]
	m.Set(7_000_000, now)
	m.SetLoad(3600, now) // one mWh a millisecond
	m.SetHold(true)
	s.Lines()[0].ResumeCount(12)
	s.Lines()[0].SetPlugged(false)
	if err := s.Save(now); err != nil {
		t.Fatal(err)
	}
	s.Close()

	later := now.Add(time.Hour)
	s, err = open(t, dir, later)
	if err != nil {
		t.Fatal(err)
	}
	v := s.Lines()[0].Meters()[0].View(later)
	if v.EnergymWh < 10_500_000 || v.EnergymWh > 10_700_000 || !v.Hold {
		t.Errorf("got %d mWh, hold %t; want about 10.6 kWh and hold", v.EnergymWh, v.Hold)
	}
	if f := s.Lines()[0].Faults(); !bool(f.Cut) || s.Lines()[0].FrameCount() != 12 {
		t.Errorf("got faults %v, %d frames", f.Map(), s.Lines()[0].FrameCount())
	}
}

func TestRunSavesAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	s, err := open(t, dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, StateFile)); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "l1")); !os.IsNotExist(err) {
		t.Errorf("got %v, want the port gone", err)
	}
}

func TestDamagedStateIsNotReplacedByTheScenario(t *testing.T) {
	for _, text := range []string{"{", `{"version":9}`, `{"version":1,"colour":"red"}`,
		`{"version":1,"meters":{"l1/000000000101":{"energy_mwh":-5}}}`, `{"version":1,"lines":{"l1":{"noise":7}}}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, StateFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, dir, time.Now()); err == nil {
			t.Errorf("%s: got no error", text)
		}
		if _, err := os.Lstat(filepath.Join(dir, "l1")); !os.IsNotExist(err) {
			t.Errorf("%s: the port stayed", text)
		}
	}
}

func TestOneStreetAFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	first.Close()
	again, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
