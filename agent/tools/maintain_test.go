package tools

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/agent/field"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
)

// alone is the workshop's line with one meter, and no agent; the configuration has only it.
func (w workshop) alone(t *testing.T) *simmeter.Meter {
	t.Helper()
	a, err := dlt645.ParseAddress("101")
	if err != nil {
		t.Fatal(err)
	}
	m := simmeter.New(simmeter.Config{Address: a.String(), Wire: a, EnergymWh: 5_000_000_000, LoadW: 1000, Switch: simmeter.SwitchDirect, Location: time.Local, History: time.Hour,
		Password: dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}}, time.Now())
	runPty(t, bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Delay: 20 * time.Millisecond, Preamble: 4}, filepath.Join(w.dir, "port"), m)
	return m
}

// keepOne takes the second meter out of the configuration.
func (w workshop) keepOne(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(w.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.config, []byte(strings.Replace(string(text), "      - {address: \"102\"}\n", "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestClearingIsConfirmedTwice(t *testing.T) {
	w := newWorkshop(t)
	w.runAgent(t)
	t.Setenv(PasswordVariable, "02123456")
	if _, _, err := w.run(MaintainCommand(), nil, "101", "clear-demand", "--yes", "--confirm", "101"); err == nil || !strings.Contains(err.Error(), "--mode on") {
		t.Fatalf("without commissioning mode: got %v", err)
	}
	if _, _, err := w.run(CommissionCommand(), nil, "--mode", "on", "--person", "李工", "--minutes", "5"); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name    string
		answers string
		args    []string
		want    string
	}{
		{"--yes alone", "", []string{"--yes"}, "--confirm"},
		{"--confirm alone", "", []string{"--confirm", "101"}, "not confirmed"},
		{"another address", "", []string{"--yes", "--confirm", "102"}, "nothing was cleared"},
		{"a no", "n\n", nil, "not confirmed"},
		{"yes twice", "y\ny\n", nil, "nothing was cleared"},
		{"another address typed", "y\n102\n", nil, "nothing was cleared"},
		{"nothing typed", "y\n\n", nil, "nothing was cleared"},
	} {
		for _, act := range []string{"clear-demand", "clear-events"} {
			args := append([]string{"101", act}, row.args...)
			var err error
			var told string
			if row.answers == "" {
				_, told, err = w.run(MaintainCommand(), nil, args...)
			} else {
				_, told, err = w.run(MaintainCommand(), strings.NewReader(row.answers), args...)
			}
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(told, "erased from the meter for good") {
				t.Errorf("%s, %s: got %v\n%s", act, row.name, err, told)
			}
		}
	}
	out, told, err := w.run(MaintainCommand(), strings.NewReader("y\n101\n"), "101", "clear-demand")
	if err != nil || !strings.Contains(out, "lost") || !strings.Contains(out, "done") || strings.Contains(out, "896745") || !strings.Contains(told, "forward active") {
		t.Errorf("typed: %v\n%s\n%s", err, out, told)
	}
	out, _, err = w.run(MaintainCommand(), nil, "101", "clear-events", "trip", "--yes", "--confirm", "000000000101", "--json")
	var got struct {
		By     string
		Record field.Maintenance
	}
	if jerr := json.Unmarshal([]byte(out), &got); err != nil || jerr != nil || got.By != "agent" || got.Record.State != "done" || got.Record.What != "trip" || got.Record.Person != "李工" {
		t.Errorf("in a script: %v, %v\n%s", err, jerr, out)
	}
	if _, _, err := w.run(MaintainCommand(), nil, "101", "address", "103", "--yes"); err == nil || !strings.Contains(err.Error(), "other meters") {
		t.Errorf("an address on a line with two meters: got %v", err)
	}
}

func TestMeterIsMaintainedWithoutAnAgent(t *testing.T) {
	w := newWorkshop(t)
	w.keepOne(t)
	w.alone(t)
	t.Setenv(PasswordVariable, "02123456")
	who := []string{"--person", "李工", "--yes", "--json"}
	for _, args := range [][]string{
		{"freeze"}, {"write", "CT ratio", "40"}, {"clear-demand", "--confirm", "101"}, {"clear-events", "--confirm", "101"}, {"baud", "2400"},
	} {
		out, told, err := w.run(MaintainCommand(), nil, append(append([]string{"101"}, args...), who...)...)
		var got struct {
			By     string
			Record field.Maintenance
		}
		if jerr := json.Unmarshal([]byte(out), &got); err != nil || jerr != nil || got.By != "outbox" || got.Record.State != "done" {
			t.Errorf("%s: %v, %v\n%s%s", args, err, jerr, out, told)
		}
	}
	records, _ := w.stored(t)
	if len(records) != 10 {
		t.Errorf("%d records, want an intention and a result of each", len(records))
	}
}

func TestNewPasswordAndAddressAreSetWithoutAnAgent(t *testing.T) {
	w := newWorkshop(t)
	w.keepOne(t)
	sim := w.alone(t)
	t.Setenv(PasswordVariable, "02123456")
	if _, _, err := w.run(MaintainCommand(), strings.NewReader("y\n02000001\n02000002\n"), "101", "password", "--person", "x"); err == nil || !strings.Contains(err.Error(), "two ways") {
		t.Errorf("typed in two ways: got %v", err)
	}
	for _, bad := range []string{"123456", "0212345x", "021234567"} {
		t.Setenv(NewPasswordVariable, bad)
		if _, _, err := w.run(MaintainCommand(), nil, "101", "password", "--person", "x", "--yes"); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	t.Setenv(NewPasswordVariable, "02000001")
	if out, _, err := w.run(MaintainCommand(), nil, "101", "password", "--person", "x", "--yes"); err != nil || !strings.Contains(out, "done") || !strings.Contains(out, "FFFFFF35FFFFFF") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, _, err := w.run(MaintainCommand(), nil, "101", "write", "CT ratio", "7", "--person", "x", "--yes"); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("the old password: got %v", err)
	}
	if _, _, err := w.run(MaintainCommand(), nil, "101", "address", "103", "--person", "x"); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("not confirmed: got %v", err)
	}
	sim.Program(time.Now())
	if out, told, err := w.run(MaintainCommand(), nil, "101", "address", "103", "--person", "x", "--yes"); err != nil || !strings.Contains(out, "000000000103") || !strings.Contains(told, "change it to 000000000103") {
		t.Errorf("%v\n%s%s", err, out, told)
	}
}

func TestMaintenanceIsUnderstoodOrRefused(t *testing.T) {
	w := newWorkshop(t)
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"101", "clear-meter"}, "there is no act"},
		{[]string{"101", "1A"}, "there is no act"},
		{[]string{"101", "address"}, "1 to 1 words"},
		{[]string{"101", "write", "CT ratio"}, "2 to 2 words"},
		{[]string{"101", "freeze", "now", "and then"}, "0 to 1 words"},
		{[]string{"AAAAAAAAAAAA", "freeze"}, "no meter"},
		{[]string{"999999999999", "clear-demand", "--yes", "--confirm", "999999999999"}, "no meter"},
	} {
		if _, _, err := w.run(MaintainCommand(), nil, row.args...); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v", row.args, err)
		}
	}
	if c := MaintainCommand(); strings.Contains(c.Long+c.Example, "clear-meter") || c.Flags().Lookup("password") != nil {
		t.Error("a meter clear or a password on the command line is offered")
	}
}
