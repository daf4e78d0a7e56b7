package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// armBudget is what the agent may weigh on an armv7 concentrator, stripped.
const armBudget = 9_000_000

// TestAgentRunsOnAnARMBoard builds the agent for armv7 and runs it under Debian's user-mode emulation: sizes of int, alignment and
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
	agent := filepath.Join(t.TempDir(), "agent")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", agent, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm", "GOARM=7")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	info, err := os.Stat(agent)
	if err != nil {
		t.Fatal(err)
	}
	if t.Logf("armv7: %d bytes", info.Size()); info.Size() > armBudget {
		t.Errorf("got %d bytes, want at most %d", info.Size(), armBudget)
	}
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
