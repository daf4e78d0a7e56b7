package bus

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTerminalOutlivesItsMasters(t *testing.T) {
	link := filepath.Join(t.TempDir(), "l1")
	cfg := l645
	cfg.Baud, cfg.Delay = 115200, 0
	line, err := Pty(cfg, link, meter645(t, "101"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- line.Run(ctx) }()
	for i := range 3 {
		port, err := os.OpenFile(link, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := port.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := port.Write(readTotal("101")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 24)
		if _, err := io.ReadFull(port, got); err != nil {
			t.Fatalf("master %d: %v", i, err)
		}
		if err := port.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(link); !os.IsNotExist(err) {
		t.Errorf("got %v, want the link gone", err)
	}
}

func TestTerminalReplacesOnlyLinks(t *testing.T) {
	dir := t.TempDir()
	stale, file := filepath.Join(dir, "stale"), filepath.Join(dir, "file")
	if err := os.Symlink("/nowhere", stale); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	line, err := Pty(l645, stale)
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Pty(l645, file); err == nil {
		t.Error("a file was replaced by a link")
	}
}
