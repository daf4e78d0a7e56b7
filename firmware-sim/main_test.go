package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/control"
)

// served runs the street of configs in this process and waits for its one line of JSON.
func served(t *testing.T, flags ...string) (string, control.Endpoint) {
	t.Helper()
	return servedFile(t, "../configs/street/sim.yaml", flags...)
}

// written is a file with the text in it.
func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func servedFile(t *testing.T, file string, flags ...string) (string, control.Endpoint) {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	out := &firstLine{ready: make(chan string, 1)}
	done := make(chan error, 1)
	go func() {
		c := root("en")
		c.SetArgs(append([]string{"serve", "--scenario", file, "--dir", dir}, flags...))
		c.SetOut(out)
		done <- c.ExecuteContext(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case line := <-out.ready:
		var e control.Endpoint
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		return dir, e
	case err := <-done:
		done <- nil
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("serve said nothing")
	}
	return "", control.Endpoint{}
}

type firstLine struct{ ready chan string }

func (f *firstLine) Write(b []byte) (int, error) {
	select {
	case f.ready <- string(b):
	default:
	}
	return len(b), nil
}

// Programs read where the lines are from one line of JSON.
func TestServeOnTCPPrintsWhereItListens(t *testing.T) {
	_, e := served(t, "--tcp", "127.0.0.1:0", "--modbus-tcp", "127.0.0.1:0")
	if e.Lines["l1"].Kind != "tcp" || e.Lines["l2"].Kind != "modbus-tcp" {
		t.Fatalf("got %v", e.Lines)
	}
	for _, at := range e.Lines {
		c, err := net.Dial("tcp", at.Address)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	for _, flag := range []string{"--tcp", "--modbus-tcp"} {
		if _, err := run(t, "en", "serve", flag, "0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s on all addresses: got %v", flag, err)
		}
	}
}

func run(t *testing.T, lang string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := root(lang)
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// Every verb's example must work as printed, whatever the order: press is the exception, the button needs a permit.
func TestEveryExampleWorks(t *testing.T) {
	dir, e := served(t)
	if len(e.Lines) != 2 || e.Lines["l1"] != (bus.Place{Kind: "pty", Address: filepath.Join(dir, "l1")}) {
		t.Errorf("got lines %v", e.Lines)
	}
	for _, v := range verbs {
		if v.example == "" {
			continue // needs what the street does not have
		}
		for _, form := range []string{"--json", "--json=false"} {
			got, err := run(t, "en", append([]string{"ctl", "--dir", dir, form}, strings.Fields(v.example)...)...)
			if strings.HasPrefix(v.use, "press") {
				if err == nil || !strings.Contains(err.Error(), "not open and permitted") {
					t.Errorf("%s: got %v", v.example, err)
				}
				continue
			}
			if err != nil || got == "" && !strings.HasPrefix(v.use, "fr") {
				t.Errorf("%s: got %q, %v", v.example, got, err)
			}
			if form == "--json" && !json.Valid([]byte(got)) {
				t.Errorf("%s: got %q, want JSON", v.example, got)
			}
		}
	}
	k, _, err := control.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	meters, err := k.Meters(t.Context())
	if err != nil || len(meters) != 12 {
		t.Fatalf("got %d meters, %v", len(meters), err)
	}
	if m := meters[4]; !strings.HasPrefix(m.KWh, "100.0") || m.Line != "l1" || m.Address != "000000000105" {
		t.Errorf("got %+v after set", m)
	}
	if m := meters[2]; !m.Hold {
		t.Errorf("got %+v after hold", m)
	}
}

func TestSecondStreetInAFolderIsRefused(t *testing.T) {
	dir, _ := served(t)
	if _, err := run(t, "en", "serve", "--scenario", "../configs/street/sim.yaml", "--dir", dir); err == nil || !strings.Contains(err.Error(), "another street") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, control.EndpointFile)); err != nil {
		t.Errorf("the first street lost its file: %v", err)
	}
}

func TestMistakesOfAPersonAreExplained(t *testing.T) {
	dir, _ := served(t)
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"press", "102"}, "LINE/ADDRESS"},
		{[]string{"press", "l9/102"}, `line "l9"`},
		{[]string{"press", "l1/999"}, `meter "999"`},
		{[]string{"set", "l1/101", "many"}, "decimal number"},
		{[]string{"load", "l1/101", "2kW"}, "whole number"},
		{[]string{"load", "l1/101", "--", "-5"}, "load: want"},
		{[]string{"hold", "l1/101", "maybe"}, "on or off"},
		{[]string{"clock", "l1/101", "late"}, "90s"},
		{[]string{"noise", "l1", "5"}, "between 0 and 1"},
		{[]string{"frames", "l1", "x"}, "number of a frame"},
		{[]string{"power", "l1", "maybe"}, "on or off"},
		{[]string{"fault", "l1", "nois", "0.5"}, "bit_errors"},
		{[]string{"fault", "l1", "late", "2"}, "between 0 and 1"},
		{[]string{"second", "l1", "maybe"}, "on or off"},
		{[]string{"replay", "l1"}, "no relay frame"},
		{[]string{"freezes", "l2/1"}, "does not speak DL/T 645"},
		{[]string{"freezes", "l1/101", "many"}, "number of days"},
		{[]string{"charge", "l1/101", "1.00"}, "charge"},
		{[]string{"time", "l1/101", "noon", "tomorrow"}, "2026-07-01"},
		{[]string{"dying", "l1/101", "soon"}, "not a time"},
	} {
		if _, err := run(t, "en", append([]string{"ctl", "--dir", dir}, row.args...)...); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v: got %v, want %q in it", row.args, err, row.want)
		}
	}
	if _, err := run(t, "en", "ctl", "--dir", t.TempDir(), "meters"); err == nil || !strings.Contains(err.Error(), "running?") {
		t.Errorf("no street: got %v", err)
	}
	if _, err := run(t, "en", "serve", "--scenario", "../configs/street/sim.yaml", "--dir", t.TempDir(), "--control", "0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("open control address: got %v", err)
	}
}

func TestControlAnswersOnlyLoopbackNames(t *testing.T) {
	_, e := served(t)
	for _, row := range []struct {
		host string
		want int
	}{{"", http.StatusOK}, {"localhost:1", http.StatusOK}, {"street.example", http.StatusMisdirectedRequest}} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.Control+"/meters", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Host = row.host
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != row.want {
			t.Errorf("host %q: got %d, want %d", row.host, r.StatusCode, row.want)
		}
	}
}

func TestHelpSpeaksBothLanguages(t *testing.T) {
	for lang, want := range map[string]string{"zh": "可用命令：", "en": "Available Commands:"} {
		if got, err := run(t, lang, "--help"); err != nil || !strings.Contains(got, want) || lang == "zh" && strings.Contains(got, "Usage") {
			t.Errorf("%s: got %q, %v", lang, got, err)
		}
	}
	for lang, want := range map[string]string{"zh": "仿真", "en": "simulated"} {
		if got, err := run(t, lang, "--help"); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, %v", lang, got, err)
		}
		for _, v := range verbs {
			got, err := run(t, lang, "ctl", strings.Fields(v.use)[0], "--help")
			if err != nil || !strings.Contains(got, v.example) || !strings.Contains(got, "--dir /tmp/street "+strings.Fields(v.use)[0]) {
				t.Errorf("%s %s: got %q, %v", lang, v.use, got, err)
			}
		}
	}
}
