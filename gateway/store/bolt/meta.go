package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"feikong/gateway/store"
)

// The layout of a bbolt file, version 2, as bbolt's internal/common writes it in the machine's byte order: 16 bytes of page
// header (id, flags, count, overflow), then elements, then their keys and values without gaps.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader   = 16
	elementSize  = 16
	bucketHeader = 16 // root page, sequence
	metaSize     = 64

	flagBranch  = 0x01
	flagLeaf    = 0x02
	bucketValue = 0x01 // of a leaf element: the value is a bucket
)

var native = binary.NativeEndian

// boltMeta is one of the two roots of a bbolt file; commits write them by turns.
type boltMeta struct {
	pageSize uint32
	root     uint64
	high     uint64 // pages from here on were never used
	txid     uint64
}

// readMetas finds the root in force. The other one must be the root of the commit before: when it is unreadable, and may
// have been the newer one, the last commit is lost, and that is damage, although bbolt would go on without a word.
func readMetas(f io.ReaderAt, size int64) (boltMeta, error) {
	buf := make([]byte, pageHeader+metaSize)
	type slot struct {
		ok   bool
		meta boltMeta
		raw  []byte
	}
	var slots [2]slot
	seen := false // our magic, or bbolt's, stands somewhere: a damaged file, not a strange one
	look := func(i int, at int64) {
		if _, err := f.ReadAt(buf, at); err != nil && !errors.Is(err, io.EOF) {
			return
		}
		raw := append([]byte(nil), buf[pageHeader:]...)
		if native.Uint32(raw) == boltMagic {
			seen = true
		}
		slots[i] = slot{validMeta(raw), parseMeta(raw), raw}
	}
	if size < pageHeader+metaSize {
		return boltMeta{}, damaged("the file has %d bytes", size)
	}
	look(0, 0)
	pageSize := int64(slots[0].meta.pageSize)
	if !slots[0].ok {
		// Page sizes are powers of two; the second root stands at the first of them that fits.
		for pageSize = 1024; pageSize <= 1<<16 && !slots[1].ok; pageSize *= 2 {
			look(1, pageSize)
		}
		pageSize /= 2
	} else {
		look(1, pageSize)
	}
	switch a, b := &slots[0], &slots[1]; {
	case a.ok && b.ok && a.meta.txid > b.meta.txid:
		return a.meta, nil
	case a.ok && b.ok:
		return b.meta, nil
	case a.ok:
		return a.meta, onlyOne(a.meta, b.raw)
	case b.ok && int64(b.meta.pageSize) == pageSize:
		return b.meta, onlyOne(b.meta, a.raw)
	case seen:
		return boltMeta{}, damaged("both roots of the file fail their checksum")
	}
	return boltMeta{}, fmt.Errorf("%w: it is not a file of a gateway", store.ErrFormat)
}

// onlyOne decides whether the other root, which fails its checksum, was the older one.
func onlyOne(good boltMeta, other []byte) error {
	if len(other) == metaSize && native.Uint64(other[48:]) == good.txid-1 {
		newer := append([]byte(nil), other...)
		native.PutUint64(newer[48:], good.txid+1)
		if !validMeta(newer) {
			return nil // the commit before the last: the next commit writes it anew
		}
	}
	return damaged("a root of the file fails its checksum, and with it the last commit may be lost")
}

func validMeta(raw []byte) bool {
	h := fnv.New64a()
	h.Write(raw[:metaSize-8])
	return native.Uint32(raw) == boltMagic && native.Uint32(raw[4:]) == boltVersion && h.Sum64() == native.Uint64(raw[metaSize-8:])
}

func parseMeta(raw []byte) boltMeta {
	return boltMeta{pageSize: native.Uint32(raw[8:]), root: native.Uint64(raw[16:]), high: native.Uint64(raw[40:]), txid: native.Uint64(raw[48:])}
}
