package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbusmap"
)

// runLine is the workshop's line with its meters, and no agent.
func (w workshop) runLine(t *testing.T) {
	t.Helper()
	var meters []*simmeter.Meter
	for _, s := range []string{"101", "102"} {
		a, err := dlt645.ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		meters = append(meters, simmeter.New(simmeter.Config{Address: a.String(), Wire: a, EnergymWh: 5_000_000_000, LoadW: 1000, Location: time.Local}, time.Now()))
	}
	runPty(t, bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Delay: 20 * time.Millisecond, Preamble: 4}, filepath.Join(w.dir, "port"), meters...)
}

func runPty(t *testing.T, cfg bus.Config, path string, meters ...*simmeter.Meter) {
	t.Helper()
	sim, err := bus.Pty(cfg, path, meters...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { sim.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// command runs one without the workshop's configuration.
func command(c *cobra.Command, args ...string) (string, error) {
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&bytes.Buffer{})
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	err := c.ExecuteContext(context.Background())
	return out.String(), err
}

func TestReadGivesNamesValuesAndFrames(t *testing.T) {
	w := newWorkshop(t)
	w.runLine(t)
	out, _, err := w.run(ReadCommand(), nil, "101", "voltage", "02800002", "relay", "clock", "--raw")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"02010100", "voltage A", "frequency", "Hz", "relay", "closed", "clock error", "→ 000000000101", "← 000000000101"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestReadGoesThroughTheRunningAgent(t *testing.T) {
	w := newWorkshop(t)
	w.runAgent(t)
	out, _, err := w.run(ReadCommand(), nil, "102", "--json", "--raw")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Meter  string
		Values []struct{ ID, Text, Unit string }
		Frames []struct{ Kind, Meter, Text string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Meter != "000000000102" || len(got.Values) == 0 || got.Values[0].Text < "5000.0" || got.Values[0].Unit != "kWh" {
		t.Errorf("got %s, %v", out, err)
	}
	if len(got.Frames) < 2 || got.Frames[0].Meter != got.Meter {
		t.Errorf("frames %+v", got.Frames)
	}
}

func TestMonitorShowsALineOfTheRunningAgent(t *testing.T) {
	w := newWorkshop(t)
	w.runAgent(t)
	go func() { // polls come once a minute; these do not wait
		for range 3 {
			if _, _, err := w.run(ReadCommand(), nil, "101"); err != nil {
				return
			}
		}
	}()
	out, _, err := w.run(MonitorCommand(), nil, "l1", "--count", "4", "--for", "30s", "--json")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) < 5 || !strings.Contains(lines[len(lines)-1], `"kind":"summary"`) || !strings.Contains(out, `"kind":"reply"`) || !strings.Contains(out, "delay_ms") {
		t.Errorf("got\n%s", out)
	}
}

func TestReadWithoutConfigurationTakesPortAndModel(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	model, _ := modbusmap.Find("eastron-sdm230")
	path := filepath.Join(t.TempDir(), "l2")
	runPty(t, bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 20 * time.Millisecond}, path,
		simmeter.New(simmeter.Config{Address: "3", Unit: 3, Model: model, EnergymWh: 12_340_000, LoadW: 500}, time.Now()))
	out, err := command(ReadCommand(), "3", "energy", "voltage", "--port", path, "--protocol", "modbus", "--model", "eastron-sdm230")
	if err != nil || !strings.Contains(out, "12.3") || !strings.Contains(out, "voltage.1") {
		t.Errorf("got %s, %v", out, err)
	}
	if _, err := command(ReadCommand(), "3", "--port", path, "--protocol", "modbus", "--model", "sdm999"); err == nil || !strings.Contains(err.Error(), "eastron-sdm230") {
		t.Errorf("got %v, want the models that are known", err)
	}
}

func TestReadOfASilentMeterFailsWithARemedy(t *testing.T) {
	w := newWorkshop(t)
	w.runLine(t)
	_, err := command(ReadCommand(), "999", "all", "--port", filepath.Join(w.dir, "port"), "--baud", "9600", "--timeout", "100ms")
	if err == nil || !strings.Contains(err.Error(), "does not answer") || !strings.Contains(err.Error(), "doctor") {
		t.Errorf("got %v", err)
	}
}
