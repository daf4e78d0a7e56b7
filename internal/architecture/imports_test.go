// Package architecture holds no code: its tests keep the walls of the house. They read the tree with go/parser, in-process, so
// a result is never taken from the test cache of an older tree.
package architecture

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// room is a part of the tree and what of our own it may import. A room's own sub-packages are always allowed.
type room struct {
	path string
	may  []string
}

// rooms, the narrowest first: the first that fits a package is its room.
var rooms = []room{
	{"internal/boltcheck", nil},
	{"internal/document", nil},
	{"internal/daemon", []string{"internal/document"}},
	{"internal/architecture", nil},
	{"configs", nil},
	{"billing", []string{"internal/document"}},
	{"protocol", []string{"internal/document"}},
	{"agent", []string{"protocol", "internal/boltcheck", "internal/daemon", "internal/document", "configs"}},
	{"firmware-sim", []string{"protocol", "internal/daemon", "internal/document", "configs"}},

	{"gateway/account", []string{"protocol", "billing"}},
	{"gateway/pipeline", []string{"gateway/account", "protocol", "billing"}},
	{"gateway/verify", []string{"gateway/api/wire", "gateway/account", "gateway/store", "protocol", "billing"}},
	{"gateway/archive", []string{"gateway/account", "protocol", "billing", "internal"}},
	{"gateway/store/storetest", []string{"gateway/store", "gateway/account", "protocol", "billing"}},
	{"gateway/store/bolt", []string{"gateway/store", "gateway/account", "protocol", "billing", "internal/boltcheck"}},
	{"gateway/store", []string{"gateway/account", "protocol"}},
	{"gateway/settle", []string{"gateway/account", "gateway/pipeline", "gateway/store", "protocol"}},
	{"gateway/cache", []string{"gateway/account", "gateway/store", "billing", "protocol", "internal/document"}},
	{"gateway/mqtt", []string{"protocol"}},
	{"gateway/intake", []string{"gateway/account", "gateway/store", "gateway/settle", "protocol", "internal/daemon"}},
	{"gateway/relay", []string{"gateway/account", "gateway/store", "gateway/settle", "protocol", "internal/daemon"}},
	{"gateway/notify", []string{"gateway/account", "gateway/store", "gateway/settle", "protocol", "internal/daemon"}},
	{"gateway/identity", []string{"gateway/account", "gateway/store"}},
	{"gateway/api/apitest", []string{"gateway", "protocol", "billing", "configs"}},
	{"gateway/api", []string{"gateway/account", "gateway/store", "gateway/settle", "gateway/identity", "gateway/verify", "protocol", "billing", "internal/daemon"}},
	{"gateway/client", []string{"gateway/api/wire"}},
	{"gateway/console", []string{"gateway/account", "gateway/store", "gateway/settle", "gateway/api", "gateway/identity", "gateway/verify", "protocol", "billing", "internal/daemon"}},
	{"gateway/headend", []string{"gateway", "protocol", "billing", "internal", "configs"}},
	{"gateway/cli", []string{"gateway/headend", "gateway/client", "gateway/api/wire", "gateway/store", "gateway/account", "gateway/verify", "gateway/cache", "gateway/archive", "gateway/identity", "billing", "protocol", "internal", "configs"}},
	{"gateway", []string{"gateway/cli", "internal/daemon"}}, // main.go
}

// pure rooms do no I/O and know no clock of their own.
var pure = []string{"billing", "protocol", "gateway/account", "gateway/pipeline", "internal/document"}

// impure is what a pure room may not import.
var impure = []string{"os", "net", "net/http", "io/fs", "os/exec", "path/filepath", "database/sql", "go.etcd.io/bbolt", "github.com/eclipse/paho.mqtt.golang"}

// alone: libraries that may have to be replaced, and the only files that may import them.
var alone = map[string][]string{
	"github.com/goburrow/modbus":          {"agent/meter/"},
	"github.com/mochi-mqtt/server/v2":     {"gateway/mqtt/"},
	"github.com/eclipse/paho.mqtt.golang": {"agent/uplink/", "gateway/mqtt/", "firmware-sim/"},
	"github.com/dgraph-io/ristretto/v2":   {"gateway/cache/"},
	"go.bug.st/serial":                    {"agent/line/", "firmware-sim/bus/"},
	"github.com/danielgtaylor/huma/v2":    {"gateway/api/"},
	"go.etcd.io/bbolt":                    {"gateway/store/bolt/", "agent/outbox/", "agent/relay/", "agent/history/"},
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	walk(t, func(file, dir string, imports []string) {
		r := roomOf(dir)
		if r == nil {
			t.Errorf("%s: no room of the house; name it in rooms", file)
			return
		}
		for _, path := range imports {
			own, ours := strings.CutPrefix(path, "feikong/")
			if !ours || within(own, r.path) && r.path != "gateway" || allowed(own, r.may) {
				continue
			}
			t.Errorf("%s: %s may not import %s", file, r.path, own)
		}
	})
}

func TestPureRoomsDoNoIO(t *testing.T) {
	walk(t, func(file, dir string, imports []string) {
		for _, p := range pure {
			if !within(dir, p) {
				continue
			}
			for _, path := range imports {
				for _, bad := range impure {
					if path == bad {
						t.Errorf("%s: a pure room may not import %s", file, path)
					}
				}
			}
		}
	})
}

// support is packages for tests: they import package testing, or judge what a program does, and no program should carry them.
var support = []string{"billing/oracle", "gateway/api/apitest", "gateway/store/storetest", "protocol/memtest"}

func TestNoProgramCarriesTestSupport(t *testing.T) {
	walk(t, func(file, dir string, imports []string) {
		for _, path := range imports {
			for _, s := range support {
				if path == "feikong/"+s {
					t.Errorf("%s: %s is for tests alone", file, path)
				}
			}
		}
	})
}

func TestReplaceableLibrariesStayInTheirFile(t *testing.T) {
	files := map[string][]string{}
	walk(t, func(file, dir string, imports []string) {
		for _, path := range imports {
			for lib, places := range alone {
				if path != lib && !strings.HasPrefix(path, lib+"/") {
					continue
				}
				files[lib] = append(files[lib], file)
				ok := false
				for _, place := range places {
					ok = ok || strings.HasPrefix(file, place)
				}
				if !ok {
					t.Errorf("%s: %s belongs in %v alone", file, lib, places)
				}
			}
		}
	})
	for lib := range alone {
		if len(files[lib]) == 0 {
			t.Errorf("%s is imported nowhere: the owner fixed it, or this table is old", lib)
		}
	}
}

// walk calls f for each Go file that is not a test, with its folder and imports.
func walk(t *testing.T, f func(file, dir string, imports []string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if base := d.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin" || base == "tools" || base == "node_modules" || base == "data") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, spec := range parsed.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, p)
		}
		seen++
		f(name, filepath.ToSlash(filepath.Dir(name)), imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Fatalf("only %d files were read: is the tree elsewhere?", seen)
	}
}

func roomOf(dir string) *room {
	for i := range rooms {
		if within(dir, rooms[i].path) {
			return &rooms[i]
		}
	}
	return nil
}

func within(dir, path string) bool { return dir == path || strings.HasPrefix(dir, path+"/") }

func allowed(own string, may []string) bool {
	for _, m := range may {
		if within(own, m) {
			return true
		}
	}
	return false
}
