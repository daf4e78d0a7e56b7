package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/field"
	"feikong/agent/local"
	"feikong/agent/outbox"
	"feikong/firmware-sim/bus"
	simmeter "feikong/firmware-sim/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// workshop is a folder with a configuration of two meters on one line, and a photo.
type workshop struct {
	dir, config, photo, data string
}

func newWorkshop(t *testing.T) workshop {
	t.Helper()
	t.Setenv("LC_ALL", "C")
	dir := t.TempDir()
	w := workshop{dir, filepath.Join(dir, "agent.yaml"), filepath.Join(dir, "old.jpg"), filepath.Join(dir, "data")}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(w.photo, "\xff\xd8\xff\xe0 a display")
	write(w.config, `agent: a1
data: data
relay: bench
broker: {url: "tcp://127.0.0.1:1"}
lines:
  - name: l1
    port: port
    protocol: dlt645
    baud: 9600
    meters:
      - {address: "101"}
      - {address: "102"}
`)
	return w
}

// run does one command; answers go in where a terminal would be, nil: there is none.
func (w workshop) run(c *cobra.Command, answers io.Reader, args ...string) (out, told string, err error) {
	var o, e bytes.Buffer
	c.SetOut(&o)
	c.SetErr(&e)
	c.SilenceErrors, c.SilenceUsage = true, true
	if answers == nil {
		null, oerr := os.Open(os.DevNull)
		if oerr != nil {
			return "", "", oerr
		}
		defer null.Close()
		answers = null
	}
	c.SetIn(answers)
	c.SetArgs(append(args, "--config", w.config))
	err = c.ExecuteContext(context.Background())
	return o.String(), e.String(), err
}

// stored is what the outbox holds, read with no agent on it.
func (w workshop) stored(t *testing.T) (records []field.Record, readings []protocol.Reading) {
	t.Helper()
	b, err := outbox.Open(filepath.Join(w.data, local.OutboxName), outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	evidence, err := b.Evidence(1, 100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range evidence {
		if e.Record != nil {
			r, err := field.Decode(e.Record.Body)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, r)
		}
	}
	entries, err := b.Newest(1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Gap == nil {
			readings = append(readings, e.Reading)
		}
	}
	return records, readings
}

func TestReadingByEyeIsQueuedWithItsPhotoAndWithoutAnAgent(t *testing.T) {
	w := newWorkshop(t)
	out, _, err := w.run(ReadingCommand(), nil, "enter", "101", "--person", "李工", "--register", "0=1234.56", "--register", "1=1234.56", "--photo", w.photo, "--yes", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Stored bool
		By     string
		Record field.HandReading
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || !got.Stored || got.By != "outbox" || got.Record.Photo == nil {
		t.Errorf("got %s, %v", out, err)
	}
	records, readings := w.stored(t)
	if len(records) != 1 || records[0].Top().ID != got.Record.ID || len(readings) != 2 || readings[0].Method != protocol.MethodHand || readings[0].Value != 123456 ||
		readings[0].Quality != protocol.QualityClockUntrusted {
		t.Errorf("got %+v\n%+v", records, readings)
	}
	if _, err := os.Stat(filepath.Join(w.data, "photos", got.Record.Photo.Name)); err != nil {
		t.Error(err)
	}
}

func TestNonsenseIsRefusedWithTheRemedy(t *testing.T) {
	w := newWorkshop(t)
	base := []string{"enter", "101", "--person", "x", "--yes", "--register"}
	if _, _, err := w.run(ReadingCommand(), nil, append(base, "1000.00")...); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"falling", append(base, "999.99"), "--why"},
		{"jumping", append(base, "5000.00"), "rises"},
		{"too many digits", append(base, "1234567.0", "--why", "x"), "at most 6 digits"},
		{"no number", append(base, "12a"), "not a number"},
		{"no such register", append(base, "99=1"), "write 0=1234.56"},
		{"total missing", append(base, "1=100"), "total, is missing"},
		{"photo missing", append(base, "1000.00", "--photo", filepath.Join(w.dir, "none.jpg")), "no such file"},
		{"no photo at all", append(base, "1000.00", "--photo", w.config), "not a JPEG"},
		{"in the future", append(base, "1000.00", "--at", "2099-01-01 00:00"), "in the future"},
		{"long ago", append(base, "1000.00", "--at", "2001-01-01 00:00"), "days ago"},
		{"no time", append(base, "1000.00", "--at", "noon"), "such as"},
		{"side", append(base, "1000.00", "--side", "left"), "primary or secondary"},
		{"no person", []string{"enter", "101", "--register", "1", "--yes"}, "--person"},
		{"no register", []string{"enter", "101", "--person", "x", "--yes"}, "--register"},
		{"unknown meter", []string{"enter", "110", "--person", "x", "--register", "1", "--yes"}, "nearest is l1/000000000101"},
		{"no meter named", []string{"enter", "--person", "x", "--register", "1", "--yes"}, "METER"},
	} {
		if _, _, err := w.run(ReadingCommand(), nil, row.args...); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
	if records, _ := w.stored(t); len(records) != 1 {
		t.Errorf("%d records", len(records))
	}
	if _, _, err := w.run(ReadingCommand(), nil, append(base, "999.99", "--why", "misread last time")...); err != nil {
		t.Errorf("with a reason: %v", err)
	}
}

func TestQuestionsAreAskedAgainUntilTheAnswerFits(t *testing.T) {
	w := newWorkshop(t)
	answers := "101\n\nLi Wei\nabc\n1234.56\n\n\nleft\n\ny\n" // meter, no person, person, no number, register, no rate, no photo, no side, side's default, yes
	out, told, err := w.run(ReadingCommand(), strings.NewReader(answers), "enter")
	if err != nil || !strings.Contains(out, "1234.56 kWh  by eye") || !strings.Contains(told, "an answer is needed") || !strings.Contains(told, "not a number") {
		t.Errorf("%v\n%s\n%s", err, out, told)
	}
	if records, _ := w.stored(t); len(records) != 1 || records[0].Top().Person != "Li Wei" {
		t.Errorf("got %+v", records)
	}
	if _, _, err := w.run(ReadingCommand(), strings.NewReader("101\nLi Wei\n1234.56\n\n\n\nn\n"), "enter"); err != nil {
		t.Errorf("a person who says no: %v", err)
	}
	if records, _ := w.stored(t); len(records) != 1 {
		t.Errorf("%d records, the second was not wanted", len(records))
	}
}

func exchangeArgs(w workshop, more ...string) []string {
	return append([]string{"101", "--person", "李工", "--reason", "display dead", "--old-register", "0=1234.56", "--photo", w.photo, "--new-address", "201", "--new-serial", "3130000201",
		"--new-register", "0=0.02", "--ratio", "200/5", "--relay-untested", "no load", "--yes"}, more...)
}

func TestExchangeByFlagsIsOneRecordWithBothMeters(t *testing.T) {
	w := newWorkshop(t)
	_, told, err := w.run(ExchangeCommand(), nil, exchangeArgs(w, "--json")...)
	if err != nil || !strings.Contains(told, "000000000201") {
		t.Fatalf("%v\n%s", err, told)
	}
	records, readings := w.stored(t)
	if len(records) != 1 || len(readings) != 2 {
		t.Fatalf("%d records, %d readings", len(records), len(readings))
	}
	e := records[0].(*field.Exchange)
	if e.Meter.Address != "000000000201" || e.Old.Meter.Address != "000000000101" || e.New.Ratio.Multiplier.String() != "40" || e.Photo == nil || readings[0].Meter.Address != "000000000101" || readings[1].Meter.Address != "000000000201" {
		t.Errorf("got %+v", e)
	}
	if drafts, _ := filepath.Glob(filepath.Join(w.data, "drafts", "*.json")); len(drafts) != 0 {
		t.Errorf("drafts are left: %v", drafts)
	}
}

func TestExchangeRefusesNonsense(t *testing.T) {
	for _, row := range []struct {
		name       string
		drop, with string
		want       string
	}{
		{"address of a neighbour", "201", "102", "already"},
		{"address of everybody", "201", "AAAAAAAAAAAA", "more than one"},
		{"used meter", "0=0.02", "0=4711.00", "--new-why"},
		{"too many digits", "0=0.02", "0=0.123456", "digits"},
		{"ratio", "200/5", "200/0", "is not a ratio"},
		{"photo", "", "--photo=/nonexistent.jpg", "no such file"},
	} {
		w := newWorkshop(t)
		args := exchangeArgs(w)
		if row.drop == "" {
			args = append(args, row.with)
		}
		for i := range args {
			if args[i] == row.drop {
				args[i] = row.with
			}
		}
		if _, _, err := w.run(ExchangeCommand(), nil, args...); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
	w := newWorkshop(t)
	args := exchangeArgs(w)
	for i := range args {
		if args[i] == "--photo" {
			args = append(args[:i:i], args[i+2:]...)
			break
		}
	}
	if _, _, err := w.run(ExchangeCommand(), nil, args...); err == nil || !strings.Contains(err.Error(), "--no-photo") {
		t.Errorf("without a photo: got %v", err)
	}
}

// halfAnswers end in the middle: person, reason, old serial, not over the line, register, no rate, photo.
func halfAnswers(w workshop) string {
	return "李工\ndisplay dead\n3130000101\nn\n1234.56\n\n" + w.photo + "\n"
}

func TestInterruptedExchangeGoesOn(t *testing.T) {
	w := newWorkshop(t)
	if _, _, err := w.run(ExchangeCommand(), strings.NewReader(halfAnswers(w)), "101"); err == nil || !strings.Contains(err.Error(), "in a draft") {
		t.Fatalf("got %v", err)
	}
	var d exchangeDraft
	if found, err := field.LoadDraft(w.data, field.KindExchange, field.Ref{Line: "l1", Address: "000000000101"}, &d); !found || err != nil || d.Photo == nil || d.Old[0].KWh.String() != "1234.56" {
		t.Fatalf("draft %+v, %v", d, err)
	}
	// go on, new serial: the old one is refused, the address, first registers, no rate, ratio, side, relay, why, keep
	out, told, err := w.run(ExchangeCommand(), strings.NewReader("\n3130000101\n3130000201\n201\n0.02\n\n200/5\n\n\n\n\n"), "101")
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, told)
	}
	if records, _ := w.stored(t); len(records) != 1 || records[0].Top().ID != d.ID || records[0].(*field.Exchange).Old.Serial != "3130000101" {
		t.Errorf("got %+v", records)
	}
}

// exchangeChild makes this test's binary do half an exchange and then wait to be killed.
const exchangeChild = "FEIKONG_TEST_EXCHANGE"

type forever struct{}

func (forever) Read([]byte) (int, error) { select {} }

func TestExchangeKilledBetweenPhotoAndRecordLeavesNoHalf(t *testing.T) {
	if dir := os.Getenv(exchangeChild); dir != "" {
		w := workshop{dir, filepath.Join(dir, "agent.yaml"), filepath.Join(dir, "old.jpg"), filepath.Join(dir, "data")}
		_, _, err := w.run(ExchangeCommand(), io.MultiReader(strings.NewReader(halfAnswers(w)), forever{}), "101")
		t.Fatal(err) // it does not come here
	}
	w := newWorkshop(t)
	child := exec.Command(os.Args[0], "-test.run=^TestExchangeKilledBetweenPhotoAndRecordLeavesNoHalf$")
	child.Env = append(os.Environ(), exchangeChild+"="+w.dir)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var d exchangeDraft
	for end := time.Now().Add(20 * time.Second); d.Photo == nil; {
		if _, err := field.LoadDraft(w.data, field.KindExchange, field.Ref{Line: "l1", Address: "000000000101"}, &d); err != nil || time.Now().After(end) {
			t.Fatalf("the child made no draft: %v", err)
		}
	}
	if _, _, err := w.run(ExchangeCommand(), nil, exchangeArgs(w)...); !errors.Is(err, field.ErrDraftBusy) {
		t.Errorf("a second command on the same meter: got %v", err)
	}
	if err := child.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	if _, err := os.Stat(filepath.Join(w.data, "photos", d.Photo.Name)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(w.data, local.OutboxName)); !errors.Is(err, os.ErrNotExist) {
		if records, readings := w.stored(t); len(records)+len(readings) != 0 {
			t.Errorf("half an exchange: %+v, %+v", records, readings)
		}
	}
	if _, _, err := w.run(ExchangeCommand(), nil, "101", "--new-address", "201", "--new-serial", "3130000201", "--new-register", "0=0.02", "--ratio", "1", "--relay-untested", "x", "--yes"); err != nil {
		t.Fatal(err)
	}
	if records, readings := w.stored(t); len(records) != 1 || records[0].Top().ID != d.ID || len(readings) != 2 {
		t.Errorf("got %+v, %+v", records, readings)
	}
}

// runAgent is an agent on two simulated meters behind a pseudo-terminal, without a broker.
func (w workshop) runAgent(t *testing.T) {
	t.Helper()
	var meters []*simmeter.Meter
	for _, s := range []string{"101", "102"} {
		a, err := dlt645.ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		meters = append(meters, simmeter.New(simmeter.Config{Address: a.String(), Wire: a, EnergymWh: 5_000_000_000, LoadW: 1000, Switch: simmeter.SwitchDirect, Location: time.Local,
			Password: dlt645.Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}}, time.Now()))
	}
	sim, err := bus.Pty(bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 9600, Parity: "even", StopBits: 1, Delay: 20 * time.Millisecond, Preamble: 4}, filepath.Join(w.dir, "port"), meters...)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := edge.Load(w.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- sim.Run(ctx) }()
	go func() { done <- edge.Run(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() { cancel(); <-done; <-done })
	for end := time.Now().Add(20 * time.Second); ; {
		c, err := local.Dial(w.data)
		if err == nil {
			c.Close()
			return
		}
		select {
		case err := <-done:
			t.Fatalf("the agent ended: %v", err)
		default:
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestTechnicianWorksThroughTheRunningAgent(t *testing.T) {
	w := newWorkshop(t)
	w.runAgent(t)
	out, told, err := w.run(CommissionCommand(), nil, "101", "--person", "李工", "--printed", "101", "--ratio", "1", "--relay-tested-by", "李工", "--yes", "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	var got struct {
		By     string
		Record field.Commission
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.By != "agent" {
		t.Fatalf("got %s, %v", out, err)
	}
	for _, it := range got.Record.Items {
		if it.State == field.Failed || it.State == field.Skipped && it.Item != field.ItemVoltage {
			t.Errorf("%s: %s, %s", it.Item, it.State, it.Why)
		}
	}
	if out, _, err = w.run(CommissionCommand(), nil, "102", "--person", "x", "--printed", "999", "--yes", "--skip-signal"); err != nil || !strings.Contains(out, "FAILED    999") {
		t.Errorf("another address on the plate: %v\n%s", err, out)
	}
	if out, _, err = w.run(StatusCommand(), nil); err != nil || !strings.Contains(out, "l1/000000000101") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, _, err := w.run(RelayCommand(), nil, "101", "trip", "--yes"); err == nil || !strings.Contains(err.Error(), "--mode on") {
		t.Errorf("without commissioning mode: got %v", err)
	}
	if _, _, err := w.run(CommissionCommand(), nil, "--mode", "on", "--person", "李工", "--minutes", "5"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.run(RelayCommand(), nil, "101", "trip", "--yes"); err == nil || !strings.Contains(err.Error(), PasswordVariable) {
		t.Errorf("without a password: got %v", err)
	}
	t.Setenv(PasswordVariable, "02123456")
	if _, _, err := w.run(RelayCommand(), nil, "101", "trip"); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("without a confirmation: got %v", err)
	}
	if _, _, err := w.run(RelayCommand(), strings.NewReader("no\n"), "101", "trip"); err == nil {
		t.Error("a no was taken for a yes")
	}
	if _, _, err := w.run(RelayCommand(), nil, "999999999999", "trip", "--yes"); err == nil || !strings.Contains(err.Error(), "no meter") {
		t.Errorf("broadcast: got %v", err)
	}
	if out, _, err := w.run(RelayCommand(), strings.NewReader("y\n"), "101", "trip"); err != nil || !strings.Contains(out, "done") || strings.Contains(out, "896745") {
		t.Errorf("%v\n%s", err, out)
	}
	// The exchange reads the old meter itself, and the one that came at its address.
	if out, told, err = w.run(ExchangeCommand(), nil, "102", "--person", "李工", "--reason", "recall", "--no-photo", "telephone empty", "--new-serial", "313", "--new-why", "used meter", "--ratio", "1", "--relay-untested", "x", "--yes"); err != nil ||
		strings.Count(out, "5000.0") < 2 || !strings.Contains(out, "telephone empty") {
		t.Errorf("%v\n%s\n%s", err, out, told)
	}
}

func TestEveryCommandExplainsItselfInBothLanguages(t *testing.T) {
	for _, lang := range []string{"C", "zh_CN.UTF-8"} {
		t.Setenv("LC_ALL", lang)
		for _, c := range []*cobra.Command{StatusCommand(), CommissionCommand(), ExchangeCommand(), ReadingCommand(), RelayCommand(), MaintainCommand()} {
			if c.Short == "" || c.Example == "" || (lang == "C") != (strings.IndexFunc(c.Short, func(r rune) bool { return r > 0x2E80 }) < 0) {
				t.Errorf("%s, %s: %q", c.Name(), lang, c.Short)
			}
			for _, l := range strings.Split(c.Example, "\n") {
				if l = strings.TrimSpace(l); !strings.HasPrefix(l, "agent "+c.Name()) && !strings.HasPrefix(l, "read -rs ") && !strings.HasPrefix(l, "--") {
					t.Errorf("%s: example %q", c.Name(), l)
				}
			}
		}
	}
}
