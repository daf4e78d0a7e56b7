package tools

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryModelIsListedShownAndWrittenAsAFileThatChecks(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	list, err := command(ModelCommand(), "list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(list), "\n")
	if len(rows) < 12 {
		t.Errorf("only %d models", len(rows))
	}
	name := "eastron-sdm230"
	show, err := command(ModelCommand(), "show", name)
	if err != nil || !strings.Contains(show, "voltage.1") || !strings.Contains(show, "0048H") || !strings.Contains(show, "Eastron SDM230") {
		t.Errorf("got %s, %v", show, err)
	}
	text, err := command(ModelCommand(), "show", name, "--yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mine.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	if _, err := command(ModelCommand(), "check", path); err == nil || !strings.Contains(err.Error(), "built in") {
		t.Errorf("a name that is taken passed: %v", err)
	}
	write(strings.Replace(text, name, "mine-1", 1))
	if out, err := command(ModelCommand(), "check", path); err != nil || !strings.Contains(out, "mine-1") {
		t.Errorf("got %s, %v", out, err)
	}
	write(strings.Replace(strings.Replace(text, name, "mine-1", 1), "points:", "pionts:", 1))
	if _, err := command(ModelCommand(), "check", path); err == nil || !strings.Contains(err.Error(), "points") || !strings.Contains(err.Error(), "line") {
		t.Errorf("got %v, want line and nearest key", err)
	}
	if _, err := command(ModelCommand(), "show", "eastron-sdm2300"); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v, want the nearest name", err)
	}
}
