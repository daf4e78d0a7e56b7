package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"feikong/agent/outbox"
	"feikong/protocol"
)

// TestRunOnADamagedOutboxSaysWhatToDo runs this binary as the agent: bbolt's panic would come from a goroutine that no
// test of a package can see, with exit status 2 and a page of goroutines.
func TestRunOnADamagedOutboxSaysWhatToDo(t *testing.T) {
	if file := os.Getenv("AGENT_RUN"); file != "" {
		os.Args = []string{"agent", "run", "--config", file}
		main()
		os.Exit(0)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "outbox.db")
	b, err := outbox.Open(path, outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	entries := make([]protocol.Entry, 500)
	for i := range entries {
		entries[i].Reading = protocol.Reading{Meter: protocol.MeterRef{Line: "l1", Address: "101"}, Quantity: protocol.ActiveImport, Value: int64(i), TakenAt: int64(i + 1)}
	}
	if err := errors.Join(b.Append(entries), b.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 12288; at < len(data); at += 3000 {
		data[at] ^= 0xFF
	}
	for at := 12288; at < len(data); at += os.Getpagesize() { // and the number of every page
		data[at] ^= 0x80
	}
	config := filepath.Join(dir, "agent.yaml")
	text := "agent: a1\ndata: " + dir + "\nbroker: {url: \"tcp://127.0.0.1:1\"}\nlines:\n  - name: l1\n    port: /dev/ttyNone\n    protocol: dlt645\n    meters:\n      - {address: \"101\"}\n"
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRunOnADamagedOutboxSaysWhatToDo$")
	c.Env = append(os.Environ(), "AGENT_RUN="+config)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("exit %v:\n%s", err, out)
	}
	for _, want := range []string{path, "page ", "damaged", "aside"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "goroutine ") {
		t.Errorf("it panicked:\n%s", out)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
		t.Errorf("the file was changed: %v", err)
	}
}
