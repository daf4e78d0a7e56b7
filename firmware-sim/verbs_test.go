package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/firmware-sim/control"
	"feikong/firmware-sim/site"
)

// What the verbs say they do is what a master then meets.
func TestVerbsReachTheMeters(t *testing.T) {
	dir, e := servedText(t, `seed: 9
lines:
  - name: l1
    protocol: dlt645
    baud: 115200
    reply_delay: 0s
    meters:
      - {address: "101", kwh: "500.00", load_w: 1000, switch: permit, history: 240h, money: {balance: "50.00", price: ["0.50"]}}
      - {address: "102", kwh: "7.00"}
      - {address: "103", kwh: "1.00"}
      - {address: "103", kwh: "2.00", twin: true}
`, "--tcp", "127.0.0.1:0")
	c, err := net.Dial("tcp", e.Lines["l1"].Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	master := stranger{t, c}
	k := control.At(e.Control)
	ctl := func(args ...string) string {
		t.Helper()
		out, err := run(t, "en", append([]string{"ctl", "--dir", dir}, args...)...)
		if err != nil {
			t.Fatalf("ctl %v: %v", args, err)
		}
		return out
	}
	answers := func(address string) bool {
		a, _, _ := master.talk(wire(address, 0x11, "00 00 01 00"))
		return a != ""
	}
	const one, two = "000000000101", "000000000102"

	ctl("power", "l1/101", "off")
	if answers(one) || !answers(two) {
		t.Error("a meter without power answers, or its neighbour does not")
	}
	ctl("power", "l1", "off")
	if answers(two) {
		t.Error("a line without power answers")
	}
	ctl("power", "l1", "on")
	if !answers(one) || !answers(two) {
		t.Error("power is back, the meters are silent")
	}

	ctl("fault", "l1", "silent", "1")
	if answers(two) {
		t.Error("a silent line answers")
	}
	if out := ctl("lines"); !strings.Contains(out, "silent=1") {
		t.Errorf("got %s", out)
	}
	ctl("heal", "l1")
	if !answers(two) {
		t.Error("a healed line is silent")
	}

	until := time.Now().Add(24 * time.Hour)
	deadline := until.Format("050415020106")
	if _, c, _ := master.talk(wire(one, 0x1C, "0200000000000000"+"1A00"+deadline)); c != "9C" {
		t.Fatalf("trip: got %s", c)
	}
	if _, c, _ := master.talk(wire(one, 0x1C, "0200000000000000"+"1B00"+deadline)); c != "9C" {
		t.Fatalf("permit: got %s", c)
	}
	if _, err := run(t, "en", "ctl", "--dir", dir, "press", "l1/101", "1s"); err == nil || !strings.Contains(err.Error(), "less than 3s") {
		t.Errorf("a short press: got %v", err)
	}
	if out := ctl("press", "l1/101", "3s"); !strings.Contains(out, "closed") {
		t.Errorf("a long press: got %s", out)
	}

	ctl("time", "l1/102", "2026-03-01", "12:34:56")
	if _, c, data := master.talk(wire(two, 0x11, "01 01 00 04")); c != "91" || data[8:] != "00010326" {
		t.Errorf("date after `time`: got %s %s", c, data)
	}
	for range 5 {
		master.talk(wire(two, 0x1C, "0212345600000000"+"1A00"+deadline))
	}
	if out := ctl("lockouts", "l1/102"); !strings.Contains(out, "02") || !strings.Contains(out, "5") {
		t.Errorf("lockouts: got %s", out)
	}
	if out := ctl("freezes", "l1/101", "3"); strings.Count(out, "\n") != 4 || !strings.Contains(out, "00:00") {
		t.Errorf("freezes: got %s", out)
	}
	before := meterOf(t, k, one).Money
	if out := ctl("charge", "l1/101", "100.00"); before == "" || !strings.Contains(out, "1") || meterOf(t, k, one).Money == before {
		t.Errorf("charge: from %s, got %s", before, out)
	}
	ctl("set", "l1/103#2", "33.00")
	if a, b := meterOf(t, k, "000000000103"), meterOf(t, k, "000000000103#2"); a.KWh == b.KWh || !strings.HasPrefix(b.KWh, "33.0") {
		t.Errorf("twins: got %s and %s", a.KWh, b.KWh)
	}

	// Two meters of one address, made while the street runs: their replies collide. A meter at another baud hears nothing.
	if out := ctl("address", "l1/102", "101"); !strings.Contains(out, "answers as "+one) {
		t.Errorf("address: got %s", out)
	}
	if _, err := c.Write(wire(one, 0x11, "00 00 01 00")); err != nil {
		t.Fatal(err)
	}
	awaitFrames(t, k, "collision")
	ctl("address", "l1/102", "102")
	drain(c)
	if out := ctl("framing", "l1/102", "9600", "none"); !strings.Contains(out, "9600 baud, parity none") || answers(two) {
		t.Errorf("framing: got %s, or it answers", out)
	}
	if out := ctl("framing", "l1/102", "line", "line"); !answers(two) {
		t.Errorf("framing of the line: silent, got %s", out)
	}

	// Last, because every master on the line hears what the other one says.
	ctl("replay", "l1")
	awaitMeter(t, k, two, func(m control.Meter) bool { return m.TripFrames == 6 })
	ctl("second", "l1", "on")
	if out := ctl("lines"); !strings.Contains(out, "second_master=2s") {
		t.Errorf("got %s", out)
	}
	ctl("second", "l1", "off")
}

// drain reads what is still to come.
func drain(c net.Conn) {
	for buf := make([]byte, 256); ; {
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// awaitFrames waits for a frame of line l1 with the note.
func awaitFrames(t *testing.T, k *control.Client, note string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		frames, err := k.Frames(t.Context(), "l1", 0)
		if err != nil || time.Now().After(end) {
			t.Fatalf("no %s among %d frames, %v", note, len(frames), err)
		}
		for _, f := range frames {
			if f.Note == note {
				return
			}
		}
	}
}

func awaitMeter(t *testing.T, k *control.Client, address string, ready func(control.Meter) bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		m := meterOf(t, k, address)
		if ready(m) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("in vain: %+v", m)
		}
	}
}

// A verb that was answered outlives kill -9: what survives one is what stands in the file.
func TestWhatAVerbHasDoneIsOnDisk(t *testing.T) {
	dir, _ := servedText(t, "lines:\n  - name: l1\n    protocol: dlt645\n    baud: 9600\n    meters:\n      - {address: \"101\"}\n")
	for i, args := range [][]string{
		{"framing", "l1/101", "9600", "none"}, {"delay", "l1/101", "200ms"}, {"address", "l1/101", "102"}, {"fault", "l1", "dtu_split", "0.5"},
		{"framing", "l1/101", "line", "odd"}, {"set", "l1/101", "77.00"},
	} {
		if _, err := run(t, "en", append([]string{"ctl", "--dir", dir}, args...)...); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, site.StateFile))
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{`"none"`, "200000000", `"000000000102"`, `"dtu_split"`, `"odd"`, "77000000"}[i]; !strings.Contains(string(text), want) {
			t.Errorf("after %v: no %s in the state", args, want)
		}
	}
}
