package bolt

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"

	"feikong/gateway/store"

	"go.etcd.io/bbolt"
)

// inspect checks a file before anything trusts it: every page that can be reached is whole, in its place, reached once
// and in order; every value holds its seal; and each bucket has as many values, with the sum of seals, as the head says.
// What passes cannot make bbolt panic. A file larger than scrubMax is not read as far as the values of old readings.
func inspect(path string, scrubMax int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	// The lock keeps a writer out while we look; opening for reading does not walk the tree.
	db, err := openBolt(path, true)
	if err != nil {
		return err
	}
	defer db.Close() // nothing was written
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "solaris" && runtime.GOOS != "aix" { // there, closing any descriptor gives up the lock
		defer f.Close()
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	meta, err := readMetas(f, info.Size())
	if err != nil {
		return err
	}
	if meta.high < 2 || meta.high > uint64(info.Size())/512+4 || meta.pageSize < 512 {
		return damaged("the root names %d pages of %d bytes", meta.high, meta.pageSize)
	}
	t := &tree{f: f, meta: meta, seen: make([]uint64, meta.high/64+1), shallow: info.Size() > scrubMax}
	return t.check(db)
}

// tree walks a bbolt file by its bytes.
type tree struct {
	f       io.ReaderAt
	meta    boltMeta
	seen    []uint64 // a bit for each page
	shallow bool
	tallies [buckets]tally
	found   [buckets]bool
}

// depthMax is far above any tree: a branch has two children at least.
const depthMax = 48

func (t *tree) check(db *bbolt.DB) error {
	err := t.page(t.meta.root, nil, nil, depthMax, t.top)
	if err != nil {
		return err
	}
	tx, err := db.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of a reading transaction
	h, _, err := loadHead(tx)
	if err != nil {
		return err
	}
	for b := range buckets {
		if !t.found[b] {
			return damaged("%s is not there", bucketNames[b])
		}
		if b == bucketMeta {
			continue
		}
		got, want := t.tallies[b], h.Tally[b]
		if got.N != want.N {
			return damaged("%s has %d values, the head says %d", bucketNames[b], got.N, want.N)
		}
		if got.Sum != want.Sum && !(t.shallow && b == bucketReadings) {
			return damaged("%s holds values of another commit", bucketNames[b])
		}
	}
	return nil
}

// top visits the elements of the root: one for each bucket.
func (t *tree) top(flags uint32, key, value []byte) error {
	for b := range buckets {
		if bucketNames[b] != string(key) {
			continue
		}
		if flags&bucketValue == 0 || len(value) < bucketHeader {
			return damaged("%s is not a bucket", key)
		}
		t.found[b] = true
		visit := func(flags uint32, key, value []byte) error { return t.value(b, flags, key, value) }
		if root := native.Uint64(value); root != 0 {
			return t.page(root, nil, nil, depthMax, visit)
		}
		return t.elements(value[bucketHeader:], nil, nil, depthMax, visit) // a small bucket stands inline
	}
	if !t.found[bucketMeta] && !anyFound(&t.found) {
		return errStrange
	}
	return damaged("there is an unknown bucket %q", key)
}

// errStrange is a sound bbolt file with other buckets.
var errStrange = errors.Join(store.ErrFormat, errors.New("it is a bbolt file, but not of a gateway"))

func anyFound(found *[buckets]bool) bool {
	for _, f := range found {
		if f {
			return true
		}
	}
	return false
}

func (t *tree) value(b bucket, flags uint32, key, value []byte) error {
	if flags != 0 {
		return damaged("value %x of %s is a bucket", key, bucketNames[b])
	}
	if b == bucketMeta && string(key) == string(keyMagic) {
		return nil // loadHead compares it
	}
	if len(value) < sealSize {
		return damaged("value %x of %s fails its checksum", key, bucketNames[b])
	}
	if !(t.shallow && b == bucketReadings) {
		if _, err := unseal(b, key, value); err != nil {
			return err
		}
	}
	t.tallies[b].add(sealRead(value))
	return nil
}

// page checks the page with number id and what is below it. Its keys are at least low and below high, nil is no bound.
func (t *tree) page(id uint64, low, high []byte, depth int, visit func(flags uint32, key, value []byte) error) error {
	if id < 2 || id >= t.meta.high {
		return damaged("page %d is outside the file", id)
	}
	head := make([]byte, pageHeader)
	at := int64(id) * int64(t.meta.pageSize)
	if _, err := t.f.ReadAt(head, at); err != nil {
		return damaged("page %d cannot be read: %v", id, err)
	}
	overflow := uint64(native.Uint32(head[12:]))
	if native.Uint64(head) != id || overflow >= t.meta.high-id {
		return damaged("page %d says it is page %d with %d more", id, native.Uint64(head), overflow)
	}
	for p := id; p <= id+overflow; p++ {
		if t.seen[p/64]&(1<<(p%64)) != 0 {
			return damaged("page %d is used twice", p)
		}
		t.seen[p/64] |= 1 << (p % 64)
	}
	data := make([]byte, (overflow+1)*uint64(t.meta.pageSize))
	if _, err := t.f.ReadAt(data, at); err != nil {
		return damaged("page %d cannot be read: %v", id, err)
	}
	return t.elements(data, low, high, depth, visit)
}

func (t *tree) elements(data []byte, low, high []byte, depth int, visit func(flags uint32, key, value []byte) error) error {
	if len(data) < pageHeader || depth == 0 {
		return damaged("a page is cut short")
	}
	id, flags, count := native.Uint64(data), native.Uint16(data[8:]), int(native.Uint16(data[10:]))
	if flags != flagLeaf && flags != flagBranch || flags == flagBranch && count == 0 {
		return damaged("page %d has flags %x and %d elements", id, flags, count)
	}
	next := pageHeader + count*elementSize // where the next key must stand: bbolt writes them without gaps
	if next > len(data) {
		return damaged("page %d has %d elements", id, count)
	}
	var last, key []byte
	var children []child
	for i := range count {
		at := pageHeader + i*elementSize
		e := data[at : at+elementSize]
		var pos, keySize, valueSize uint32
		if flags == flagLeaf {
			pos, keySize, valueSize = native.Uint32(e[4:]), native.Uint32(e[8:]), native.Uint32(e[12:])
		} else {
			pos, keySize = native.Uint32(e), native.Uint32(e[4:])
		}
		end := uint64(next) + uint64(keySize) + uint64(valueSize)
		if uint64(at)+uint64(pos) != uint64(next) || keySize == 0 || end > uint64(len(data)) {
			return damaged("element %d of page %d is out of place", i, id)
		}
		key = data[next : next+int(keySize)]
		value := data[next+int(keySize) : end]
		next = int(end)
		if low != nil && bytes.Compare(key, low) < 0 || high != nil && bytes.Compare(key, high) >= 0 || i > 0 && bytes.Compare(key, last) <= 0 {
			return damaged("key %x of page %d is out of order", key, id)
		}
		last = key
		if flags == flagBranch {
			children = append(children, child{key, native.Uint64(e[8:])})
			continue
		}
		if err := visit(native.Uint32(e), key, value); err != nil {
			return err
		}
	}
	for i, c := range children {
		upper := high
		if i+1 < len(children) {
			upper = children[i+1].key
		}
		if err := t.page(c.page, c.key, upper, depth-1, visit); err != nil {
			return err
		}
	}
	return nil
}

type child struct {
	key  []byte
	page uint64
}
