package bus

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.bug.st/serial"
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

// A master that sets another baud on the device hears the meters of that baud, and garbage of the others.
func TestTerminalFollowsTheBaudOfItsMaster(t *testing.T) {
	link := filepath.Join(t.TempDir(), "l1")
	cfg := l645
	cfg.Baud, cfg.Delay = 19200, 0
	line, err := Pty(cfg, link, meterAt(t, "101", 0, 0, ""), meterAt(t, "102", 0, 9600, ""))
	work(t, line, err)
	for _, row := range []struct {
		baud    int
		address string
		want    bool
	}{{19200, "101", true}, {9600, "101", false}, {9600, "102", true}, {19200, "102", false}} {
		port, err := serial.Open(link, &serial.Mode{BaudRate: row.baud, DataBits: 8, Parity: serial.EvenParity})
		if err != nil {
			t.Fatal(err)
		}
		if err := port.SetReadTimeout(300 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if _, err := port.Write(readTotal(row.address)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for buf := make([]byte, 64); ; {
			n, err := port.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			got = append(got, buf[:n]...)
		}
		if whole(got) != row.want {
			t.Errorf("%d baud: meter %s gave % X", row.baud, row.address, got)
		}
		if err := port.Close(); err != nil {
			t.Error(err)
		}
	}
}
