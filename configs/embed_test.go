package configs

import (
	"io/fs"
	"strings"
	"testing"
)

// What a program left behind in the folder must never travel inside another program.
func TestTheStreetHoldsConfigurationOnly(t *testing.T) {
	n := 0
	err := fs.WalkDir(Street, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if n++; !strings.HasSuffix(path, ".yaml") {
				t.Errorf("%s is embedded", path)
			}
		}
		return err
	})
	if err != nil || n < 8 {
		t.Errorf("%d files, %v", n, err)
	}
}
