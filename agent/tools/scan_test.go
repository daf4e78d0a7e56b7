package tools

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/scan"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol/modbusmap"
)

func TestScanWritesAConfigurationThatLoads(t *testing.T) {
	w := newWorkshop(t)
	w.runLine(t)
	path := filepath.Join(w.dir, "new.yaml")
	args := []string{"--port", filepath.Join(w.dir, "port"), "--protocol", "dlt645", "--baud", "9600", "--parity", "even", "--count", "2", "--write", path, "--json"}
	out, err := command(ScanCommand(), args...)
	if err != nil {
		t.Fatal(err)
	}
	var report scan.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Found) != 2 || report.Found[0].Baud != 9600 {
		t.Errorf("got %s, %v", out, err)
	}
	cfg, err := edge.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if l := cfg.Lines[0]; len(l.Meters) != 2 || l.Meters[1].Ref.Address != "000000000102" || l.Baud != 9600 || l.Parity != "even" {
		t.Errorf("got %+v", l)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: a password will stand in it", info.Mode(), err)
	}
	if _, err := command(ScanCommand(), args...); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("the file was overwritten: %v", err)
	}
}

func TestScanOfModbusNamesProbableModels(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	path := filepath.Join(t.TempDir(), "l2")
	var meters []*simmeter.Meter
	for unit, name := range map[byte]string{1: "dds238-zn-sr", 3: "eastron-sdm230"} {
		model, ok := modbusmap.Find(name)
		if !ok {
			t.Fatal(name)
		}
		meters = append(meters, simmeter.New(simmeter.Config{Address: "1", Unit: unit, Model: model, LoadW: 500}, time.Now()))
	}
	runPty(t, bus.Config{Name: "l2", Protocol: bus.Modbus, Baud: 9600, Parity: "none", StopBits: 1, Delay: 20 * time.Millisecond}, path, meters...)
	file := filepath.Join(t.TempDir(), "new.yaml")
	out, err := command(ScanCommand(), "--port", path, "--protocol", "modbus", "--baud", "9600", "--parity", "none", "--ids", "1-4", "--window", "100ms", "--write", file)
	if err != nil || !strings.Contains(out, "dds238-zn-sr") || !strings.Contains(out, "eastron-sdm230") || !strings.Contains(out, "2 meters found") {
		t.Errorf("got %s, %v", out, err)
	}
	if cfg, err := edge.Load(file); err != nil || len(cfg.Lines[0].Meters) != 2 {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

func TestScanLeavesThePortOfARunningAgentAlone(t *testing.T) {
	w := newWorkshop(t)
	w.runAgent(t)
	_, _, err := w.run(ScanCommand(), nil, "--line", "l1")
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "stop") {
		t.Errorf("got %v", err)
	}
}

// A meter with 8N1 among others with 8E1 is found without being asked for: nobody would know that it is missing.
func TestBothParitiesAreLookedAtWhateverTheFirstFinds(t *testing.T) {
	f := scanFlags{place: place{protocol: "auto"}, ids: "1-247", tries: 2}
	set := line.Settings{Path: "/dev/ttyUSB0", Baud: 2400, Parity: "even", StopBits: 1}
	steps, err := f.steps(set, nil, nil)
	if err != nil || len(steps) != 2 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	for _, want := range []scan.Framing{{Baud: 2400, Parity: "even"}, {Baud: 9600, Parity: "even"}, {Baud: 1200, Parity: "even"}, {Baud: 2400, Parity: "none"}} {
		if !slices.Contains(steps[0].DLT645, want) {
			t.Errorf("%v is not looked at: %v", want, steps[0].DLT645)
		}
	}
	if f.parities = []string{"even"}; true {
		steps, err = f.steps(set, nil, nil)
		if err != nil || slices.ContainsFunc(steps[0].DLT645, func(x scan.Framing) bool { return x.Parity != "even" }) {
			t.Errorf("got %+v, %v", steps, err)
		}
	}
}

func TestScanRefusesWhatCannotBeMeant(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	for _, args := range [][]string{
		{}, {"--port", "/dev/none"}, {"--port", "/dev/none", "--protocol", "dlms"}, {"--port", "/dev/none", "--ids", "0-9"}, {"--port", "/dev/none", "--parity", "mark"},
		{"--port", "/dev/none", "--baud", "1"}, {"--line", "l1"},
	} {
		if _, err := command(ScanCommand(), args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestWrittenConfigurationExplainsWhatIsLeftOut(t *testing.T) {
	r := scan.Report{Complete: true, Found: []scan.Found{
		{Protocol: scan.DLT645, Edition: "2007", Address: "000000000101", Framing: scan.Framing{Baud: 2400, Parity: "even"}},
		{Protocol: scan.DLT645, Edition: "2007", Address: "000000000102", Framing: scan.Framing{Baud: 2400, Parity: "even"}},
		{Protocol: scan.DLT645, Edition: "2007", Address: "000000000103", Framing: scan.Framing{Baud: 2400, Parity: "even"}, Clash: true},
		{Protocol: scan.DLT645, Edition: "1997", Address: "000000000104", Framing: scan.Framing{Baud: 1200, Parity: "even"}},
		{Protocol: scan.Modbus, Address: "7", Framing: scan.Framing{Baud: 9600, Parity: "none"}, Model: "eastron-sdm230", Probable: true},
	}}
	for _, lang := range []string{"zh", "en"} {
		text, err := scan.Config(r, scan.Site{Agent: "site-1", Line: "l1", Port: "/dev/ttyUSB0", Lang: lang})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "agent.yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := edge.Load(path)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if n := len(cfg.Lines[0].Meters); n < 2 {
			t.Errorf("%d meters in\n%s", n, text)
		}
		for _, a := range []string{"000000000103", "000000000104", "eastron", "9600 none"} {
			if a != "eastron" && !strings.Contains(string(text), a) {
				t.Errorf("no word of %s in\n%s", a, text)
			}
		}
	}
	if _, err := scan.Config(scan.Report{}, scan.Site{}); !errors.Is(err, scan.ErrNothing) {
		t.Errorf("got %v", err)
	}
}

var _ scan.Bus = (*line.Line)(nil)
