package boltcheck

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
)

// The layout of a bbolt file, version 2, as bbolt's internal/common writes it in the machine's byte order: 16 bytes of page
// head (number, flags, count, overflow), then elements, then their keys and values without gaps. Pages 0 and 1 are the roots.
const (
	magic   = 0xED0CDAED
	version = 2

	pageHead    = 16
	elementSize = 16
	bucketHead  = 16 // root page, sequence
	metaSize    = 64

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	bucketFlag   = 0x01 // of a leaf element: the value is a bucket

	noFreelist = 1<<64 - 1

	pageSizeMin, pageSizeMax = 1 << 9, 1 << 16
)

var native = binary.NativeEndian

// head is the head of a page.
type head struct {
	id, overflow uint64
	flags        uint16
	count        int
}

func headOf(b []byte) head {
	return head{native.Uint64(b), uint64(native.Uint32(b[12:])), native.Uint16(b[8:]), int(native.Uint16(b[10:]))}
}

// element is one entry of a page's table; at counts from the beginning of the page.
type element struct {
	at, keySize, valueSize int64
	flags                  uint32 // of a leaf
	child                  uint64 // of a branch
}

func (e element) end() int64 { return e.at + e.keySize + e.valueSize } // four 32-bit numbers: it cannot overflow

func (h head) element(data []byte, i int) element {
	at := pageHead + i*elementSize
	b := data[at : at+elementSize]
	if h.flags == flagBranch {
		return element{at: int64(at) + int64(native.Uint32(b)), keySize: int64(native.Uint32(b[4:])), child: native.Uint64(b[8:])}
	}
	return element{at: int64(at) + int64(native.Uint32(b[4:])), keySize: int64(native.Uint32(b[8:])), valueSize: int64(native.Uint32(b[12:])), flags: native.Uint32(b)}
}

// end is where the last element ends; data has the whole table.
func (h head) end(data []byte) int64 {
	if h.count == 0 {
		return pageHead
	}
	return h.element(data, h.count-1).end()
}

// root is one of the two roots of a file; commits write them by turns.
type root struct {
	pageSize uint32
	page     uint64
	freelist uint64
	high     uint64 // pages from here on were never used
	txid     uint64
}

func rootOf(raw []byte) root {
	return root{native.Uint32(raw[8:]), native.Uint64(raw[16:]), native.Uint64(raw[32:]), native.Uint64(raw[40:]), native.Uint64(raw[48:])}
}

func sum(raw []byte) uint64 {
	h := fnv.New64a()
	h.Write(raw[:metaSize-8])
	return h.Sum64()
}

func valid(raw []byte) bool {
	return native.Uint32(raw) == magic && native.Uint32(raw[4:]) == version && sum(raw) == native.Uint64(raw[metaSize-8:])
}

// readRoot finds the root in force and checks it against the size of the file.
func readRoot(f io.ReaderAt, size int64) (root, error) {
	r, err := newest(f, size)
	if err != nil {
		return r, err
	}
	if r.pageSize < pageSizeMin || r.pageSize > pageSizeMax || r.pageSize&(r.pageSize-1) != 0 {
		return r, &Error{Kind: ErrRoot, Found: "the root speaks of pages of " + decimal(uint64(r.pageSize)) + " bytes"}
	}
	if have := uint64(size) / uint64(r.pageSize); r.high > have {
		return r, &Error{Kind: ErrShort, Page: have, Found: "the file ends here, its root speaks of " + decimal(r.high) + " pages"}
	}
	if r.high < 4 { // two roots, a page of free ones, a leaf
		return r, &Error{Kind: ErrRoot, Found: "the root speaks of " + decimal(r.high) + " pages"}
	}
	return r, nil
}

// newest finds the root in force. The other one must be the root of the commit before: when it is unreadable, and may
// have been the newer one, the last commit is lost, and that is damage, although bbolt would go on without a word.
func newest(f io.ReaderAt, size int64) (root, error) {
	if size == 0 {
		return root{}, &Error{Kind: ErrShort, Found: "the file is empty"}
	}
	var a, b [metaSize]byte
	seen := false // bbolt's mark stands somewhere: a damaged file, not a strange one
	look := func(into *[metaSize]byte, at int64) (bool, error) {
		n, err := f.ReadAt(into[:], at+pageHead)
		if n < metaSize {
			clear(into[n:])
			if err != nil && !errors.Is(err, io.EOF) {
				return false, &Error{Kind: ErrUnreadable, Page: uint64(min(at, 1)), Found: "the root cannot be read", Err: err}
			}
		}
		seen = seen || native.Uint32(into[:]) == magic
		return n == metaSize && valid(into[:]), nil
	}
	aOK, err := look(&a, 0)
	if err != nil {
		return root{}, err
	}
	bOK := false
	if aOK {
		if bOK, err = look(&b, int64(rootOf(a[:]).pageSize)); err != nil {
			return root{}, err
		}
	}
	for at := int64(pageSizeMin); !aOK && !bOK && at <= pageSizeMax; at *= 2 { // the second root stands at the page size, which the first would tell
		if bOK, err = look(&b, at); err != nil {
			return root{}, err
		}
		bOK = bOK && int64(rootOf(b[:]).pageSize) == at
	}
	switch ra, rb := rootOf(a[:]), rootOf(b[:]); {
	case aOK && bOK && ra.pageSize != rb.pageSize:
		return root{}, &Error{Kind: ErrRoot, Found: "the two roots are of two files"}
	case aOK && bOK && ra.txid > rb.txid:
		return ra, nil
	case aOK && bOK:
		return rb, nil
	case aOK:
		return ra, older(ra, b[:], 1)
	case bOK:
		return rb, older(rb, a[:], 0)
	case seen:
		return root{}, &Error{Kind: ErrRoot, Found: "both roots of the file fail their checksum"}
	}
	return root{}, &Error{Kind: ErrNotBolt, Found: "no root stands at its beginning"}
}

// older says whether the other root, which fails its checksum, was the older one.
func older(good root, other []byte, page uint64) error {
	if native.Uint64(other[48:]) == good.txid-1 {
		newer := append([]byte(nil), other...)
		native.PutUint64(newer[48:], good.txid+1)
		if !valid(newer) {
			return nil // the commit before the last: the next commit writes it anew
		}
	}
	return &Error{Kind: ErrRoot, Page: page, Found: "this root fails its checksum, and with it the last commit may be lost"}
}
