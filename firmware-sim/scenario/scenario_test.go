package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/configs"
	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
)

func load(t testing.TB, text string) (Scenario, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sim.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

const small = `lines:
  - name: l1
    protocol: dlt645
    baud: 2400
    meters:
      - {address: "101", kwh: "12.5", load_w: 1000}
`

func TestTheStreetIsTheOneEveryoneExpects(t *testing.T) {
	text, err := configs.Street.ReadFile("street/sim.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Lines) != 2 || len(s.Lines[0].Meters) != 8 || len(s.Lines[1].Meters) != 4 {
		t.Fatalf("got %d lines", len(s.Lines))
	}
	if c := s.Lines[0].Bus; c.Baud != 2400 || c.Parity != "even" || c.Preamble != 4 || c.CharTime() != 11*time.Second/2400 {
		t.Errorf("l1: got %+v", c)
	}
	if c := s.Lines[1].Bus; c.Baud != 9600 || c.Parity != "none" || c.Protocol != bus.Modbus || c.CharTime() != 10*time.Second/9600 {
		t.Errorf("l2: got %+v", c)
	}
	for i, m := range s.Lines[0].Meters {
		if want := "00000000010" + string(rune('1'+i)); m.Address != want {
			t.Errorf("got address %s, want %s", m.Address, want)
		}
		if m.Password.Level != 2 || m.Password.Digits != [3]byte{0x56, 0x34, 0x12} {
			t.Errorf("meter %s: not the street's password", m.Address)
		}
	}
	if got := s.Lines[0].Meters[1].Switch; got != meter.SwitchPermit {
		t.Errorf("102: got switch %s, want permit only", got)
	}
	for i, want := range []meter.Switch{meter.SwitchDirect, meter.SwitchDirect, meter.SwitchNone, meter.SwitchNone} {
		if got := s.Lines[1].Meters[i].Switch; got != want {
			t.Errorf("unit %d: got switch %s, want %s", i+1, got, want)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, row := range []struct {
		name, old, new string
		want           []string
	}{
		{"unknown key", "load_w", "load_v", []string{"line 6", "load_v", `"load_w"`}},
		{"unknown key of a line", "baud", "bauds", []string{"line 4", `"baud"`}},
		{"no lines", small, "seed: 3", []string{"lines: have 0"}},
		{"odd baud", "2400", "2401", []string{"baud 2401"}},
		{"protocol", "dlt645", "dlt698", []string{"dlt645", "modbus"}},
		{"address", `"101"`, `"1x1"`, []string{"meter 1", "1x1"}},
		{"wildcard", `"101"`, `"AAAAAAAAAAAA"`, []string{"wildcard"}},
		{"duplicate address", `load_w: 1000}`, "load_w: 1000}\n      - {address: \"000101\"}", []string{"000000000101", "line 7: ", "first on line 6"}},
		{"duplicate line", "lines:", "lines:\n  - {name: l1, protocol: dlt645, baud: 2400}", []string{`name "l1"`, "two lines"}},
		{"name with a path", "l1", "../l1", []string{"file name"}},
		{"kwh", `"12.5"`, `"12.5kWh"`, []string{"kwh", "12.5kWh"}},
		{"negative load", "1000", "-1", []string{"load_w -1"}},
		{"model on dlt645", "load_w: 1000", "model: dds238-zn-sr", []string{"model"}},
		{"switch", "load_w: 1000", "switch: auto", []string{"direct, permit, none"}},
		{"password", "load_w: 1000", `password: "12345"`, []string{"six digits"}},
		{"unknown model", "dlt645\n    baud: 2400\n    meters:\n      - {address: \"101\", kwh: \"12.5\", load_w: 1000}", "modbus\n    baud: 9600\n    meters:\n      - {address: \"1\", model: sdm999}", []string{"sdm999", "eastron-sdm230"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := strings.Replace(small, row.old, row.new, 1)
			if text == small {
				t.Fatal("the row changes nothing")
			}
			_, err := load(t, text)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, w := range row.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %q, want %q in it", err, w)
				}
			}
		})
	}
}

func TestKWhIsExact(t *testing.T) {
	for _, row := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"12.5", 12_500_000, true}, {"0.000001", 1, true}, {"999999.99", 999_999_990_000, true},
		{"1.", 0, false}, {".5", 0, false}, {"-1", 0, false}, {"1e3", 0, false}, {"0.0000001", 0, false}, {"99999999999", 0, false}, {"", 0, false},
	} {
		got, err := KWh(row.in)
		if (err == nil) != row.ok || row.ok && got != row.want {
			t.Errorf("%q: got %d, %v; want %d, ok %t", row.in, got, err, row.want, row.ok)
		}
	}
}

func FuzzLoadTakesAnyBytes(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range []string{"faults", "commercial-1997"} {
		text, err := os.ReadFile("../../configs/scenarios/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("lines: [{name: l2, protocol: modbus, baud: 9600, meters: [{address: '1', model: eastron-sdm230}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Read("fuzz", text)
		if err != nil {
			return
		}
		for _, l := range s.Lines {
			if l.Bus.CharTime() <= 0 {
				t.Errorf("line %s: a character takes %v", l.Bus.Name, l.Bus.CharTime())
			}
			for _, c := range l.Meters[:min(len(l.Meters), 4)] {
				meter.New(c, time.Now()).View(time.Now().Add(time.Hour))
			}
		}
	})
}
