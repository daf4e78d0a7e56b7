package edge

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"feikong/agent/outbox"
)

// After a power cut one adapter may be dead: the other lines, and what waits in the outbox, must not wait for it. Only
// the first start insists, because there a missing port is a misspelt one.
func TestMissingPortStopsTheFirstStartOnly(t *testing.T) {
	c, err := Load(writeFile(t, strings.Replace(small, "/dev/ttyS0", "/dev/ttyNone", 1)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	log := slog.New(slog.DiscardHandler)
	if err := Run(ctx, c, log); err == nil || !strings.Contains(err.Error(), "lines[0].port") {
		t.Errorf("first start: %v", err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := outbox.Open(filepath.Join(c.Data, "outbox.db"), c.Outbox)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Run(ctx, c, log); err != nil {
			t.Errorf("later start: %v", err)
		}
	}
	// A new file names what an older one may have held, once.
	if b, err = outbox.Open(filepath.Join(c.Data, "outbox.db"), c.Outbox); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got, err := b.Readings(1, 10, 1<<20)
	if err != nil || len(got) != 1 || got[0].Gap == nil || got[0].Gap.Reason != "outbox new" {
		t.Errorf("got %+v, %v", got, err)
	}
}
