package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAgentRunsOnAnARMBoard builds the agent for armv7 within its budget and runs it under Debian's user-mode emulation: sizes of int, alignment and
// atomics differ there, and concentrators are such boards.
func TestAgentRunsOnAnARMBoard(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	qemu, err := exec.LookPath("qemu-arm")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("qemu-arm is missing: make deps")
		}
		t.Skip("NOT RUN: qemu-arm is missing: make deps")
	}
	dir := t.TempDir()
	agent := filepath.Join(dir, "agent-armv7")
	build := exec.CommandContext(t.Context(), filepath.Join("tools", "build-all.sh"), dir, "-s -w", "armv7")
	build.Dir = ".."
	out, err := build.CombinedOutput() // fails over its budget
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	runs := []struct {
		name string
		args []string
		want string
	}{
		{"decode", []string{"decode", "--json", "68AAAAAAAAAAAA681300DF16"}, `"control"`},
		{"check", []string{"config", "check", "--config", filepath.Join("..", "configs", "agent.yaml")}, "sound"},
	}
	for _, run := range runs {
		c := exec.CommandContext(t.Context(), qemu, append([]string{agent}, run.args...)...)
		c.Env = append(os.Environ(), "LANG=C.UTF-8")
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), run.want) {
			t.Errorf("%s: %v, got %s, want %q in it", run.name, err, out, run.want)
		}
	}
}
