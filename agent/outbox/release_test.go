package outbox

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// mapped is how many KiB of a file are in this process's memory.
func mapped(t *testing.T, path string) (kib int) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	inside := false
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) > 0 && !strings.HasSuffix(fields[0], ":") {
			inside = strings.HasSuffix(s.Text(), path)
		}
		if inside && fields[0] == "Rss:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			kib += n
		}
	}
	return kib
}

func TestReleaseGivesTheFilesPagesBackAndHurtsNobodyWhoReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	b := open(t, path, Options{})
	defer b.Close()
	for i := range 100 {
		if err := b.Append(round(i*1000, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := b.Readings(1, 1<<20, 1<<30)
	if err != nil || len(want) != 100_000 {
		t.Fatal(len(want), err)
	}
	before := mapped(t, path)
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(t, path); before < 1000 || after > before/4 {
		t.Errorf("%d KiB of the file mapped, %d after", before, after)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 200 {
			if err := b.Release(); err != nil {
				t.Error(err)
			}
			if i%10 == 0 { // the file grows, and its map moves
				if err := b.Append(round((100+i)*1000, 1000)); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 20 {
		got, err := b.Readings(1, 100_000, 1<<30)
		if err != nil || fmt.Sprint(got[99_999]) != fmt.Sprint(want[99_999]) || len(got) != len(want) {
			t.Errorf("%d entries, %v", len(got), err)
		}
	}
	all.Wait()
}
