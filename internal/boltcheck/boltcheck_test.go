package boltcheck

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// build makes a file with branches, overflow pages, an inline bucket, free pages, and a list of them or not.
func build(t testing.TB, rows int, list bool) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: !list, NoSync: true, PageSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, from, n, size int) error {
		return db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(name))
			for i := from; i < from+n && err == nil; i++ {
				err = b.Put(fmt.Appendf(nil, "%06d", i), bytes.Repeat([]byte{byte(i)}, size))
			}
			return err
		})
	}
	err = errors.Join(put("a", 0, rows, 40), put("b", 0, rows/20, 3000), put("small", 0, 3, 10), put("a", rows/2, rows, 50), put("empty", 0, 0, 0))
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func check(data []byte, o Options) error { return Check(bytes.NewReader(data), int64(len(data)), o) }

func TestSoundFilesPassAndEveryValueIsSeen(t *testing.T) {
	for _, list := range []bool{false, true} {
		for _, rows := range []int{0, 10, 1000} {
			seen, names := 0, 0
			err := check(build(t, rows, list), Options{
				Bucket: func([]byte) error { names++; return nil },
				Value: func(_, key, value []byte) error {
					if len(key) != 6 || len(value) == 0 {
						return errors.New("wrong value")
					}
					seen++
					return nil
				},
			})
			if want := rows/2 + rows + rows/20 + 3; err != nil || seen != want || names != 4 {
				t.Errorf("%d rows, list %t: %v, %d values of %d in %d buckets", rows, list, err, seen, want, names)
			}
		}
	}
}

func TestErrorsOfTheOwnerComeBackAsTheyAre(t *testing.T) {
	mine, data := errors.New("mine"), build(t, 10, false)
	if err := check(data, Options{Bucket: func([]byte) error { return mine }}); err != mine {
		t.Error(err)
	}
	if err := check(data, Options{Value: func(_, _, _ []byte) error { return mine }}); err != mine {
		t.Error(err)
	}
}

func TestEachDamageHasItsKindPageAndRemedy(t *testing.T) {
	whole := build(t, 1000, true)
	r, err := readRoot(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	edit := func(f func(d []byte)) []byte { d := bytes.Clone(whole); f(d); return d }
	at := func(page uint64) int { return int(page) * 1024 }
	for _, row := range []struct {
		name string
		data []byte
		kind error
		page uint64
	}{
		{"empty", nil, ErrShort, 0},
		{"noise", bytes.Repeat([]byte("x"), 9000), ErrNotBolt, 0},
		{"both roots", edit(func(d []byte) { d[20]++; d[1024+20]++ }), ErrRoot, 0},
		{"newer root", edit(func(d []byte) { d[r.txid%2*1024+40]++ }), ErrRoot, r.txid % 2},
		{"cut", whole[:len(whole)/2], ErrShort, uint64(len(whole)/2) / 1024},
		{"number", edit(func(d []byte) { d[at(r.page)]++ }), ErrPage, r.page},
		{"flags", edit(func(d []byte) { d[at(r.page)+8] = 4 }), ErrPage, r.page},
		{"list of free pages", edit(func(d []byte) { d[at(r.freelist)+8] = 2 }), ErrPage, r.freelist},
		{"root on the list", edit(func(d []byte) { native.PutUint64(d[at(r.freelist)+pageHead:], r.page) }), ErrPage, r.page},
	} {
		err := check(row.data, Options{})
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, row.kind) || e.Page != row.page || errors.Is(err, ErrDamaged) == (row.kind == ErrNotBolt) {
			t.Errorf("%s: %v, want %v on page %d", row.name, err, row.kind, row.page)
			continue
		}
		if e.Remedy() == "" || !strings.Contains(err.Error(), e.Remedy()) {
			t.Errorf("%s: no remedy in %v", row.name, err)
		}
	}
	if err := check(edit(func(d []byte) { d[(r.txid+1)%2*1024+60]++ }), Options{}); err != nil {
		t.Errorf("the older root is written anew by the next commit: %v", err)
	}
	sector := errors.New("sector")
	err = Check(failing{bytes.NewReader(whole), int64(at(r.page)), sector}, int64(len(whole)), Options{})
	if !errors.Is(err, ErrUnreadable) || !errors.Is(err, sector) {
		t.Errorf("unreadable: %v", err)
	}
}

type failing struct {
	io.ReaderAt
	at  int64
	err error
}

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at == f.at {
		return 0, f.err
	}
	return f.ReaderAt.ReadAt(p, at)
}

// Numbers in a damaged page must not make us take memory for them.
func TestClaimsTakeNoMemory(t *testing.T) {
	whole := build(t, 1000, false)
	if err := check(whole, Options{NodeMax: 2000}); !errors.Is(err, ErrPage) {
		t.Errorf("a value of 3,000 bytes: %v", err)
	}
	r, _ := readRoot(bytes.NewReader(whole), int64(len(whole)))
	at := int(r.page) * 1024
	native.PutUint32(whole[at+12:], uint32(r.high-r.page-1))
	native.PutUint16(whole[at+10:], 0xFFFF)
	if n := testing.AllocsPerRun(1, func() { _ = check(whole, Options{}) }); n > 50 {
		t.Errorf("%v allocations", n)
	}
	if err := check(whole, Options{}); !errors.Is(err, ErrPage) {
		t.Error(err)
	}
}

// walkAll opens what passed and uses it as its owner would: a panic, wherever, is a failure of this package.
func walkAll(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		t.Fatalf("passed, and bbolt says %v", err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		names := [][]byte{}
		err := tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			names = append(names, bytes.Clone(name))
			return b.ForEach(func(_, _ []byte) error { return nil })
		})
		for _, name := range names {
			b := tx.Bucket(name)
			if k, _ := b.Cursor().First(); k != nil {
				err = errors.Join(err, b.Delete(bytes.Clone(k)))
			}
			err = errors.Join(err, b.Put([]byte("~new"), bytes.Repeat([]byte{1}, 2000)))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWhatPassesCannotMakeBboltPanic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	for seed, list := range []bool{false, true} {
		whole := build(t, 300, list)
		random := rand.New(rand.NewPCG(uint64(seed), 5))
		passed := 0
		for range 600 {
			data := bytes.Clone(whole)
			at := random.IntN(len(data))
			if random.IntN(2) == 0 { // heads and tables of pages
				at = at/1024*1024 + random.IntN(80)
			}
			data[at] ^= 1 << random.IntN(8)
			if check(data, Options{}) == nil {
				passed++
				walkAll(t, path, data)
			}
		}
		if passed < 50 || passed > 550 {
			t.Errorf("%d of 600 passed: the harness is not alive", passed)
		}
	}
}

// FuzzCheck changes a small file at will. Roots are given their checksums back, so that the walk is reached.
func FuzzCheck(f *testing.F) {
	wholes := [][]byte{build(f, 60, true), build(f, 60, false)}
	f.Add(byte(0), uint32(3*1024), []byte{1}, true)
	f.Add(byte(1), uint32(16+16), []byte{9, 0, 0, 0}, true)
	f.Add(byte(1), uint32(8*1024+10), []byte{0xff, 0xff, 1, 0, 0, 0}, false)
	f.Add(byte(2), uint32(0), []byte("noise"), false)
	f.Fuzz(func(t *testing.T, which byte, at uint32, patch []byte, mend bool) {
		data := patch
		if int(which) < len(wholes) {
			data = bytes.Clone(wholes[which])
			copy(data[int(at)%len(data):], patch)
		}
		if mend && len(data) >= 2048 {
			for _, at := range []int{16, 1024 + 16} {
				native.PutUint64(data[at+56:], sum(data[at:at+metaSize]))
			}
		}
		err := check(data, Options{NodeMax: 1 << 20, Bucket: func([]byte) error { return nil }, Value: func(_, _, _ []byte) error { return nil }})
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Remedy() == "") {
			t.Errorf("got %v", err)
		}
		if err == nil && !mend { // a root made up with a good checksum may promise what no crash and no flip does
			walkAll(t, filepath.Join(t.TempDir(), "db"), data)
		}
	})
}
