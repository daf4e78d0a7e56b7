package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/control"
)

// Masters that we did not write: Debian's mbpoll, and a C program against libmodbus. `make deps` installs both.

const strangers = `seed: 7
lines:
  - name: m
    protocol: modbus
    baud: 9600
    parity: none
    meters:
      - {address: "1", model: dds238-zn-sr, kwh: "655.37", load_w: 2000}
      - {address: "2", model: eastron-sdm230, kwh: "1510.00", load_w: 2400}
      - {address: "3", model: lingxun-lx47le-125}
      - {address: "4", model: lingxun-lx47le-125-fc06}
`

// need finds programs that a test runs. On a machine of ours they are missed loudly; in CI they must be there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed: run `make deps`", p)
			}
			t.Skipf("SKIPPED: %s is not installed; `make deps` installs it", p)
		}
	}
}

// reached is one line, over the serial device and over TCP.
func reached(t *testing.T) (dir string, ways map[string]control.Endpoint) {
	t.Helper()
	file := written(t, strangers)
	dir, pty := servedFile(t, file)
	_, tcp := servedFile(t, file, "--modbus-tcp", "127.0.0.1:0")
	return dir, map[string]control.Endpoint{"rtu": pty, "tcp": tcp}
}

// mbpoll runs it against the line, once; it reads when there is nothing to write.
func mbpoll(t *testing.T, at bus.Place, write []string, args ...string) (string, error) {
	t.Helper()
	all := []string{"-0", "-1", "-o", "2"}
	if at.Kind == "pty" {
		all = append(all, "-m", "rtu", "-b", "9600", "-P", "none")
	} else {
		all = append(all, "-m", "tcp", "-p", at.Address[strings.LastIndexByte(at.Address, ':')+1:])
	}
	host := at.Address
	if at.Kind != "pty" {
		host = "127.0.0.1"
	}
	all = append(append(append(all, args...), host), write...)
	out, err := exec.CommandContext(t.Context(), "mbpoll", all...).CombinedOutput()
	return string(out), err
}

// value is a row of mbpoll's table: "[0]: \t123".
var value = regexp.MustCompile(`(?m)^\[(\d+)\]:\s+(\S+)`)

func values(out string) (all []string) {
	for _, m := range value.FindAllStringSubmatch(out, -1) {
		all = append(all, m[2])
	}
	return all
}

func TestMbpollReadsRegistersAndMovesRelays(t *testing.T) {
	need(t, "mbpoll")
	_, ways := reached(t)
	for way, e := range ways {
		t.Run(way, func(t *testing.T) {
			at := e.Lines["m"]
			k := control.At(e.Control)
			out, err := mbpoll(t, at, nil, "-a", "1", "-t", "4", "-r", "0", "-c", "2")
			if got := values(out); err != nil || len(got) != 2 || got[0] != "1" && got[0] != "0" {
				t.Fatalf("holding registers: %v\n%s", err, out)
			}
			hi, lo := number(t, values(out)[0]), number(t, values(out)[1])
			if e := hi<<16 | lo; e < 65537 || e > 65637 {
				t.Errorf("energy: got %d, want 655.37 kWh and little more", e)
			}
			out, err = mbpoll(t, at, nil, "-a", "2", "-t", "3:float", "-B", "-r", "0", "-c", "1")
			if got := values(out); err != nil || len(got) != 1 {
				t.Fatalf("input registers: %v\n%s", err, out)
			} else if v, err := strconv.ParseFloat(got[0], 64); err != nil || v < 200 || v > 240 {
				t.Errorf("voltage: got %s", got[0])
			}
			if out, err = mbpoll(t, at, nil, "-a", "2", "-t", "3", "-r", "9000", "-c", "2"); err == nil || !strings.Contains(out, "Illegal data address") {
				t.Errorf("a hole: %v\n%s", err, out)
			}
			for _, row := range []struct{ unit, table, register, open, closed string }{
				{"3", "0", "1", "0", "1"},      // FC05
				{"4", "4", "13", "0", "65280"}, // FC06
			} {
				for _, step := range []struct {
					write string
					open  bool
				}{{row.open, true}, {row.closed, false}} {
					out, err := mbpoll(t, at, []string{step.write}, "-a", row.unit, "-t", row.table, "-r", row.register)
					if err != nil || !strings.Contains(out, "Written") {
						t.Fatalf("unit %s: write %s: %v\n%s", row.unit, step.write, err, out)
					}
					if m := meterOf(t, k, row.unit); m.RelayOpen != step.open {
						t.Errorf("unit %s: relay open %t after %s", row.unit, m.RelayOpen, step.write)
					}
				}
			}
			// FC16 of two registers, where the table has one.
			if out, err = mbpoll(t, at, []string{"0", "0"}, "-a", "1", "-t", "4", "-r", "26"); err == nil {
				t.Errorf("two registers were written\n%s", out)
			}
			if out, err = mbpoll(t, at, nil, "-a", "9", "-t", "4", "-r", "0", "-c", "1"); err == nil {
				t.Errorf("nobody is unit 9\n%s", out)
			}
		})
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func meterOf(t *testing.T, k *control.Client, address string) control.Meter {
	t.Helper()
	all, err := k.Meters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Address == address {
			return m
		}
	}
	t.Fatalf("no meter %s", address)
	return control.Meter{}
}

func TestLibmodbusIsSatisfied(t *testing.T) {
	need(t, "gcc")
	dir := t.TempDir()
	program := filepath.Join(dir, "client")
	out, err := exec.CommandContext(t.Context(), "gcc", "-I/usr/include/modbus", "-o", program, "testdata/client.c", "-lmodbus").CombinedOutput()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("libmodbus-dev is not installed (run `make deps`): %v\n%s", err, out)
		}
		t.Skipf("SKIPPED: libmodbus-dev is not installed; `make deps` installs it: %v", err)
	}
	_, ways := reached(t)
	for way, e := range ways {
		t.Run(way, func(t *testing.T) {
			at := e.Lines["m"].Address
			args := []string{"rtu", at, "9600", "2"}
			if way == "tcp" {
				host, port, _ := strings.Cut(at, ":")
				args = []string{"tcp", host, port, "2"}
			}
			out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got := strings.SplitN(strings.TrimSpace(string(out)), "\n", 2)
			if v, err := strconv.ParseFloat(got[0], 64); err != nil || v < 200 || v > 240 || len(got) < 2 || got[1] != "Illegal data address" {
				t.Errorf("got %q", got)
			}
		})
	}
}
