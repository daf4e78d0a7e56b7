package daemon

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunEndsAllTasksWhenOneFails(t *testing.T) {
	boom := errors.New("boom")
	ended := make(chan struct{})
	err := Run(t.Context(),
		Task{"poller", func(ctx context.Context) error { <-ctx.Done(); close(ended); return nil }},
		Task{"store", func(context.Context) error { return boom }})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "store: boom") {
		t.Errorf("got %v, want store: boom", err)
	}
	<-ended
}

func TestRunNamesTheTaskThatStopsUnasked(t *testing.T) {
	err := Run(t.Context(), Task{"uplink", func(context.Context) error { return nil }})
	if err == nil || !strings.Contains(err.Error(), "uplink: stopped before") {
		t.Errorf("got %v", err)
	}
}

func TestLoadNamesLineAndNearestKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(file, []byte("agent: a\ntennant: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var into struct {
		Agent  string `yaml:"agent"`
		Tenant string `yaml:"tenant"`
	}
	err := Load(file, &into)
	if err == nil || !strings.Contains(err.Error(), "2") || !strings.Contains(err.Error(), "tenant") {
		t.Errorf("got %v, want line 2 and the nearest key tenant", err)
	}
}

func TestLoadRefusesADirectory(t *testing.T) {
	if err := Load(t.TempDir(), &struct{}{}); err == nil {
		t.Error("got nil, want an error")
	}
}

func TestLangFollowsTheLocale(t *testing.T) {
	for _, row := range []struct{ all, lang, want string }{
		{"", "zh_CN.UTF-8", "zh"}, {"zh_TW", "en_US", "zh"}, {"C", "zh_CN", "en"}, {"", "", "en"},
	} {
		t.Setenv("LC_ALL", row.all)
		t.Setenv("LC_MESSAGES", "")
		t.Setenv("LANG", row.lang)
		if got := Lang(); got != row.want {
			t.Errorf("LC_ALL=%q LANG=%q: got %s, want %s", row.all, row.lang, got, row.want)
		}
	}
}

func TestLoggerRefusesAnUnknownLevel(t *testing.T) {
	if _, err := Logger(&bytes.Buffer{}, "loud"); err == nil {
		t.Error("got nil, want an error")
	}
}
