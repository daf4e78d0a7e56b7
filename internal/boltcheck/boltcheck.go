// Package boltcheck looks through a bbolt file before bbolt does. On a damaged page bbolt panics, and when it opens a file
// for writing it walks the pages in a goroutine of its own, where nobody can catch that: the process dies, and says neither
// which file it was nor what to do. A page that is reached twice, or free and in use, does not even panic: the next commit
// writes over it. So every page is read here first, with plain reads and no memory map; what passes bbolt can open, walk
// and write. Nothing here writes, locks, panics, or takes more memory than a bit a page and the pages on the way to a leaf.
//
// What stands in a value is not looked at: bbolt keeps no checksum of it. Whoever stores values seals them, and checks
// the seals in Options.Value or later.
package boltcheck

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// Options say what the owner of a file knows about it. The zero value is good.
type Options struct {
	// NodeMax is the most bytes one page with its overflow pages may fill; 0: 256 MiB.
	NodeMax int64
	// Bucket is called with the name of each bucket before its values; nil: any name will do. An error ends the walk
	// and is returned as it is.
	Bucket func(name []byte) error
	// Value is called for each value, in the order of the keys; nil: not at all. The slices are valid until it returns.
	// An error ends the walk and is returned as it is.
	Value func(bucket, key, value []byte) error
}

const (
	nodeMax = 256 << 20
	// depthMax is far above any tree, two of which stand on each other: a branch has two children as a rule.
	depthMax = 96
)

// File checks the file at path; see Check. Whoever may write to it must be kept out meanwhile.
func File(path string, o Options) error {
	return with(path, func(f io.ReaderAt, size int64) error { return Check(f, size, o) })
}

// FileHead checks the roots of the file at path and that it is as long as they say: enough to map it and read its roots.
func FileHead(path string) error {
	return with(path, func(f io.ReaderAt, size int64) error { _, err := readRoot(f, size); return err })
}

func with(path string, check func(io.ReaderAt, int64) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() { // a pipe would keep us waiting
		return &Error{Kind: ErrNotBolt, Found: "it is not a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	if info, err = f.Stat(); err != nil {
		return err
	}
	return check(f, info.Size())
}

// Check reads every page of f that its newest root leads to. A file of this project has buckets at the root alone, and
// no bucket in a bucket. Errors are *Error, of one kind each and all but ErrNotBolt also ErrDamaged, or those of o.
func Check(f io.ReaderAt, size int64, o Options) error {
	if o.NodeMax == 0 {
		o.NodeMax = nodeMax
	}
	r, err := readRoot(f, size)
	if err != nil {
		return err
	}
	w := &walk{f: f, root: r, opt: o, seen: make([]uint64, r.high/64+1)}
	if err := w.page(r.page, nil, nil, 0, w.top); err != nil {
		return err
	}
	return w.freelist()
}

// walk is one way through a file.
type walk struct {
	f    io.ReaderAt
	root root
	opt  Options
	seen []uint64         // a bit for each page
	bufs [depthMax][]byte // the page at each depth, used again for the next one there
}

type visit func(page uint64, depth int, flags uint32, key, value []byte) error

// take marks a page and its overflow pages as used.
func (w *walk) take(id, overflow uint64) error {
	if id < 2 || id >= w.root.high || overflow >= w.root.high-id {
		return broken(id, "with %d overflow pages it is outside the %d pages of the file", overflow, w.root.high)
	}
	for p := id; p <= id+overflow; p++ {
		if w.seen[p/64]&(1<<(p%64)) != 0 {
			return broken(p, "it is used twice")
		}
		w.seen[p/64] |= 1 << (p % 64)
	}
	return nil
}

// read fills buf from the beginning of page id.
func (w *walk) read(buf []byte, id uint64) error {
	n, err := w.f.ReadAt(buf, int64(id)*int64(w.root.pageSize)) // below the size of the file, so within int64
	switch {
	case n == len(buf):
		return nil
	case errors.Is(err, io.EOF):
		return &Error{Kind: ErrShort, Page: id, Found: "the file ends in it"}
	}
	return &Error{Kind: ErrUnreadable, Page: id, Found: "it cannot be read", Err: err}
}

// page checks page id and what is below it. Its keys are at least low and below high, nil is no bound.
func (w *walk) page(id uint64, low, high []byte, depth int, see visit) error {
	if depth >= depthMax {
		return broken(id, "it lies %d levels deep", depth)
	}
	if id < 2 || id >= w.root.high {
		return broken(id, "it is outside the %d pages of the file", w.root.high)
	}
	if w.bufs[depth] == nil {
		w.bufs[depth] = make([]byte, w.root.pageSize)
	}
	data := w.bufs[depth][:w.root.pageSize]
	if err := w.read(data, id); err != nil {
		return err
	}
	h := headOf(data)
	if h.id != id {
		return broken(id, "it says it is page %d", h.id)
	}
	if err := w.take(id, h.overflow); err != nil {
		return err
	}
	run := int64(h.overflow+1) * int64(w.root.pageSize)
	table := pageHead + int64(h.count)*elementSize
	if table > run || table > w.opt.NodeMax {
		return broken(id, "it has no room for %d elements", h.count)
	}
	data, err := w.grow(data, id, depth, table)
	if err != nil {
		return err
	}
	end := h.end(data)
	if end > run || end > w.opt.NodeMax {
		return broken(id, "its last element ends at byte %d", end)
	}
	if data, err = w.grow(data, id, depth, max(end, table)); err != nil {
		return err
	}
	return w.elements(id, h, data, low, high, depth, see)
}

// grow reads on when a page has more than stands in data.
func (w *walk) grow(data []byte, id uint64, depth int, need int64) ([]byte, error) {
	if need <= int64(len(data)) {
		return data, nil
	}
	if int64(cap(w.bufs[depth])) < need {
		w.bufs[depth] = make([]byte, need)
	}
	data = w.bufs[depth][:need]
	return data, w.read(data, id)
}

// elements checks what a page holds. data has all of it, the table of elements in any case.
func (w *walk) elements(id uint64, h head, data, low, high []byte, depth int, see visit) error {
	if h.flags != flagLeaf && h.flags != flagBranch || h.flags == flagBranch && h.count == 0 {
		return broken(id, "it has flags %#x and %d elements", h.flags, h.count)
	}
	next := int64(pageHead + h.count*elementSize) // where the next key must stand: bbolt writes them without gaps
	var last []byte
	for i := range h.count {
		e := h.element(data, i)
		if e.at != next || e.keySize == 0 || e.end() > int64(len(data)) {
			return broken(id, "its element %d is out of place", i)
		}
		next = e.end()
		key := data[e.at : e.at+e.keySize]
		if low != nil && bytes.Compare(key, low) < 0 || high != nil && bytes.Compare(key, high) >= 0 || i > 0 && bytes.Compare(key, last) <= 0 {
			return broken(id, "its key %.64x is out of order", key)
		}
		last = key
		if h.flags == flagLeaf {
			if err := see(id, depth, e.flags, key, data[e.at+e.keySize:next]); err != nil {
				return err
			}
		}
	}
	if h.flags == flagLeaf {
		return nil
	}
	for i := range h.count {
		e, upper := h.element(data, i), high
		if i+1 < h.count {
			n := h.element(data, i+1)
			upper = data[n.at : n.at+n.keySize]
		}
		if err := w.page(e.child, data[e.at:e.at+e.keySize], upper, depth+1, see); err != nil {
			return err
		}
	}
	return nil
}

// top sees the elements of the root: a bucket each.
func (w *walk) top(page uint64, depth int, flags uint32, name, value []byte) error {
	if flags != bucketFlag || len(value) < bucketHead {
		return broken(page, "%.64q is not a bucket", name)
	}
	if w.opt.Bucket != nil {
		if err := w.opt.Bucket(name); err != nil {
			return err
		}
	}
	see := func(page uint64, _ int, flags uint32, key, value []byte) error {
		if flags != 0 {
			return broken(page, "value %.64x of bucket %.64q has flags %#x", key, name, flags)
		}
		if w.opt.Value == nil {
			return nil
		}
		return w.opt.Value(name, key, value)
	}
	root, inline := native.Uint64(value), value[bucketHead:]
	if root != 0 {
		if len(inline) != 0 {
			return broken(page, "bucket %.64q stands in two places", name)
		}
		return w.page(root, nil, nil, depth+1, see)
	}
	// A small bucket stands inline, as a page without a number: bbolt frees the page of that number at the next change.
	if len(inline) < pageHead {
		return broken(page, "bucket %.64q is cut short", name)
	}
	h := headOf(inline)
	if h.id != 0 || h.overflow != 0 || h.flags != flagLeaf || pageHead+h.count*elementSize > len(inline) || h.end(inline) != int64(len(inline)) {
		return broken(page, "the inline page of bucket %.64q makes no sense", name)
	}
	return w.elements(page, h, inline, nil, nil, depth, see)
}

// freelist checks the list of free pages, where the file has one: a page that is in use and on the list would be
// written over. Most files have none, and bbolt takes as free what it does not reach.
func (w *walk) freelist() error {
	id := w.root.freelist
	if id == noFreelist {
		return nil
	}
	if id < 2 || id >= w.root.high {
		return broken(id, "the list of free pages is outside the %d pages of the file", w.root.high)
	}
	buf := make([]byte, w.root.pageSize)
	if err := w.read(buf, id); err != nil {
		return err
	}
	h := headOf(buf)
	if h.id != id || h.flags != flagFreelist {
		return broken(id, "it says it is page %d with flags %#x, not the list of free pages", h.id, h.flags)
	}
	if err := w.take(id, h.overflow); err != nil {
		return err
	}
	at, count := uint64(pageHead), uint64(h.count)
	if count == 0xFFFF { // the count stands in front of the list
		at, count = at+8, native.Uint64(buf[pageHead:])
	}
	run := (h.overflow + 1) * uint64(w.root.pageSize)
	if count > w.root.high || at+8*count > run {
		return broken(id, "the list of free pages has no room for %d", count)
	}
	if at+8*count > uint64(len(buf)) { // at most eight bytes a page of the file
		buf = make([]byte, at+8*count)
		if err := w.read(buf, id); err != nil {
			return err
		}
	}
	last := uint64(0)
	for ; count > 0; count, at = count-1, at+8 {
		free := native.Uint64(buf[at:])
		if free <= last {
			return broken(id, "the list of free pages is out of order")
		}
		last = free
		if err := w.take(free, 0); err != nil {
			return err
		}
	}
	return nil
}
