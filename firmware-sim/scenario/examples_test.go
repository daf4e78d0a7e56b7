package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/modbusmap"
)

// Every example of the repository is read as it stands.
func TestExamplesAreSound(t *testing.T) {
	want := map[string][2]int{ // lines, meters
		"ten-thousand.yaml": {100, 10_000}, "faults.yaml": {10, 31}, "commercial-1997.yaml": {1, 16},
	}
	files, err := filepath.Glob("../../configs/scenarios/*.yaml")
	if err != nil || len(files) < len(want) {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		s, err := Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		meters := 0
		for _, l := range s.Lines {
			meters += len(l.Meters)
		}
		if w, known := want[filepath.Base(file)]; known && w != [2]int{len(s.Lines), meters} {
			t.Errorf("%s: got %d lines, %d meters, want %v", file, len(s.Lines), meters, w)
		}
	}
}

func TestRangesAreWrittenOut(t *testing.T) {
	s, err := Load("../../configs/scenarios/ten-thousand.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, l := range s.Lines {
		for _, m := range l.Meters {
			if seen[m.Address] || m.Wire.String() != m.Address {
				t.Fatalf("address %s twice", m.Address)
			}
			seen[m.Address] = true
		}
	}
	if a, b := s.Lines[0].Bus, s.Lines[99].Bus; a.Name != "l001" || b.Name != "l100" || a.Seed == b.Seed {
		t.Errorf("got %s and %s", a.Name, b.Name)
	}
	if got := s.Lines[99].Meters[99].Address; got != "000000020000" {
		t.Errorf("the last meter is %s", got)
	}
}

func TestFaultsAndPlacesReachTheLine(t *testing.T) {
	s, err := Load("../../configs/scenarios/faults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]Line{}
	for _, l := range s.Lines {
		lines[l.Bus.Name] = l
	}
	if f := lines["manners"].Faults; f.Late != 0.05 || time.Duration(f.LateBy) != 700*time.Millisecond || f.Stray != 0.1 {
		t.Errorf("got %v", f.Map())
	}
	if f := lines["echo"].Faults; !bool(f.Echo) || f.EchoLoses != 2 {
		t.Errorf("got %v", f.Map())
	}
	if l := lines["dtu"]; l.Place != (bus.Place{Kind: "tcp", Address: "127.0.0.1:0"}) || l.Bus.DTU.Split != 0.5 {
		t.Errorf("got %+v, %+v", l.Place, l.Bus.DTU)
	}
	if m := lines["clash"].Meters; len(m) != 2 || m[0].Address != m[1].Address || m[0].Seed == m[1].Seed || m[1].Delay != 45*time.Millisecond {
		t.Errorf("got %+v", m)
	}
	if m := lines["framing"].Meters; m[1].Baud != 9600 || m[2].Parity != "none" || m[3].Edition != meter.Edition1997 {
		t.Errorf("got %+v", m)
	}
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	const head = "lines:\n  - name: l1\n    protocol: dlt645\n    baud: 2400\n"
	for _, row := range []struct {
		name, text string
		want       []string
	}{
		{"unknown fault", head + "    faults: {bit_error: \"0.1\"}", []string{"line 5", "bit_error", `"bit_errors"`}},
		{"share", head + "    faults: {late: \"2\"}", []string{"line 5", "late:", "between 0 and 1"}},
		{"switch", head + "    faults: {echo: maybe}", []string{"echo:", "on nor off"}},
		{"time", head + "    faults: {late_by: soon}", []string{"late_by:", "600ms"}},
		{"noise twice", head + "    noise: 0.1\n    faults: {noise: 0.1}", []string{"keep one"}},
		{"two places", head + "    tcp: 127.0.0.1:0\n    port: /dev/ttyS0", []string{"one place"}},
		{"open to the network", head + "    tcp: 0.0.0.0:0", []string{"loopback"}},
		{"modbus tcp of a 645 line", head + "    modbus_tcp: 127.0.0.1:0", []string{"only a modbus line"}},
		{"one port for many lines", head + "    count: 2\n    port: /dev/ttyS0", []string{"one port"}},
		{"a port beyond the last", head + "    count: 200\n    tcp: 127.0.0.1:65400", []string{"65535"}},
		{"too many lines", head + "    count: 300", []string{"count 300"}},
		{"half a range", head + "    meters: [{first: \"1\"}]", []string{"first and count"}},
		{"range and address", head + "    meters: [{first: \"1\", count: 2, address: \"1\"}]", []string{"either"}},
		{"range off the end", head + "    meters: [{first: \"999999999990\", count: 20}]", []string{"first"}},
		{"too many meters", head + "    meters: [{first: \"1\", count: 200}, {first: \"1001\", count: 100}]", []string{"a line carries 256"}},
		{"twin unasked", head + "    meters: [{address: \"1\"}, {address: \"1\"}]", []string{"twin: true"}},
		{"meter's baud", head + "    meters: [{address: \"1\", baud: 2401}]", []string{"baud 2401"}},
		{"meter's parity", head + "    meters: [{address: \"1\", parity: mark}]", []string{"even, odd, none"}},
		{"edition", head + "    meters: [{address: \"1\", edition: \"1998\"}]", []string{"2007, 1997, both"}},
		{"status bytes", head + "    meters: [{address: \"1\", status_bytes: 7}]", []string{"status_bytes 7"}},
		{"power factor", head + "    meters: [{address: \"1\", power_factor: \"1.5\"}]", []string{"power_factor"}},
		{"opens above", head + "    meters: [{address: \"1\", opens_above: \"5A\"}]", []string{"line 5", "opens_above", "amperes like 5.0"}},
		{"a DTU on a real port", head + "    port: /dev/ttyS0\n    faults: {dtu_split: \"0.5\"}", []string{"dtu", "real port"}},
		{"trip delay", head + "    meters: [{address: \"1\", trip_delay: 90s}]", []string{"whole minutes"}},
		{"prices", head + "    meters: [{address: \"1\", money: {price: [\"0.5\", \"0.6\"]}}]", []string{"money", "price"}},
		{"profile", head + "    meters: [{address: \"1\", profile: {interval: 90s}}]", []string{"profile", "whole minutes"}},
		{"freezes", head + "    meters: [{address: \"1\", daily_freezes: 63}]", []string{"daily_freezes 63"}},
		{"passwords", head + "    meters: [{address: \"1\", passwords: [\"x\"]}]", []string{"LEVEL:DIGITS"}},
		{"history", head + "    meters: [{address: \"1\", history: 10000h}]", []string{"history"}},
		{"dtu", head + "    dtu: {latency: 1h}", []string{"dtu", "latency"}},
		{"modbus with an edition", "lines: [{name: l1, protocol: modbus, baud: 9600, meters: [{address: \"1\", model: dds238-zn-sr, edition: \"1997\"}]}]", []string{"edition"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := load(t, row.text)
			if err == nil {
				t.Fatal("got no error")
			}
			contains(t, err.Error(), row.want...)
		})
	}
}

// A model of the user's own, and a box whose channels share a unit id.
func TestModelsBesideTheScenarioAndBoxes(t *testing.T) {
	dir := t.TempDir()
	model, ok := modbusmap.Find("eastron-sdm120")
	if !ok {
		t.Fatal("no such model")
	}
	model.Name = "acme-m3"
	if err := os.WriteFile(filepath.Join(dir, "acme.yaml"), modbusmap.Format(model), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sim.yaml")
	text := `models: [acme.yaml]
lines:
  - name: l1
    protocol: modbus
    baud: 9600
    meters:
      - {address: "1", model: acme-m3}
      - {address: "2", model: acrel-adf400l-1p, channel: 1}
      - {address: "2", model: acrel-adf400l-1p, channel: 2}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	m := s.Lines[0].Meters
	if m[0].Model.Name != "acme-m3" || m[1].Seed == m[2].Seed {
		t.Errorf("got %+v", m)
	}
	for _, row := range []struct{ old, new, want string }{
		{"acme.yaml", "none.yaml", "none.yaml"}, {"[acme.yaml]", "[acme.yaml, acme.yaml]", "twice"}, {"[acme.yaml]", "[.]", "no model"},
		{"acme-m3", "acme-m4", "acme-m3"}, {"channel: 2", "channel: 1", "stands here again"}, {"channel: 2", "channel: 200", "channel 200"},
	} {
		if err := os.WriteFile(file, []byte(strings.Replace(text, row.old, row.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v", row.new, err)
		}
	}
	if _, err := Read("memory", []byte(text)); err == nil {
		t.Error("a scenario in memory read files")
	}
}

// The most that a scenario may hold is bounded, whatever its counts say.
func TestTwentyThousandMetersAreEnough(t *testing.T) {
	text := "lines: [{name: l, count: 100, protocol: dlt645, baud: 9600, meters: [{first: \"1\", count: 250}]}]"
	_, err := load(t, text)
	if err == nil {
		t.Fatal("25,000 meters were taken")
	}
	contains(t, err.Error(), "20000")
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("got %q, want %q in it", text, w)
		}
	}
}

// What stands at the top of a file is named with its line too.
func TestFaultsAtTheTopHaveTheirLine(t *testing.T) {
	const line = "lines:\n  - {name: l1, protocol: dlt645, baud: 2400}\n"
	for text, want := range map[string]string{
		"seed: 1\nutc_offset: \"8\"\n" + line:     "line 2: utc_offset",
		"seed: 1\n\nmodels: [nope.yaml]\n" + line: "line 3: models",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
