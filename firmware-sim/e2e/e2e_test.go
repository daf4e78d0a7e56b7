// Package e2e holds no code: its tests run the three programs as a person would, over pseudo-terminals, a real broker and real
// files, and end some of them with kill -9.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/firmware-sim/story"
)

// programs is where TestMain built the three programs.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "feikong-e2e-")
	if err == nil {
		programs = dir
		err = story.Build(context.Background(), filepath.Join("..", ".."), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// TestTheWholeStory plays what `make demo` plays and asserts every claim of it.
func TestTheWholeStory(t *testing.T) {
	if testing.Short() {
		t.Skip("the story takes more than a minute")
	}
	var out strings.Builder
	start := time.Now()
	// Other packages' tests share the two cores: the demo's minute and a half is make demo's claim, not this test's.
	err := story.Play(t.Context(), &out, t.TempDir(), programs, "en", 5*time.Minute)
	t.Logf("%s", out.String())
	if err != nil {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}
