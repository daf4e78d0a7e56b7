package outbox

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"feikong/protocol"
)

// Why a file does not open. None of them is answered by deleting anything: that is for a person to decide.
var (
	ErrLocked  = errors.New("outbox is in use by another process")
	ErrDamaged = errors.New("outbox file is damaged")
	ErrFormat  = errors.New("outbox file has another format")
)

// format 2 seals the values of meta; 1 did not, and is read and rewritten.
const (
	format   = 2
	unsealed = 1
)

var (
	bucketMeta = []byte("meta")
	keyFormat  = []byte("format") // 4, never sealed: it says whether the others are
	keyEpoch   = []byte("epoch")
	keyHole    = []byte("hole") // open hole: from (8, unix ms), polls (8)
)

// buckets of the lanes, by lane.
var buckets = map[protocol.Lane][]byte{protocol.LaneReadings: []byte("readings"), protocol.LaneEvidence: []byte("evidence")}

func keyAcked(l protocol.Lane) []byte { return append([]byte("acked/"), byte('0'+l)) }

// lockWait is short: a second agent on the same file is a mistake to be told at once, not waited for.
const lockWait = time.Second

// Open opens the file, or makes it under a temporary name, complete and synced, before it gets its own: a power cut
// during the first start leaves no half file behind. Every stored value is checked.
func Open(path string, o Options) (*Box, error) {
	o = o.withDefaults()
	fresh := false
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if fresh, err = makeAlone(path); err != nil {
			return nil, fmt.Errorf("create outbox %s: %w", path, err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	b := &Box{path: path, opt: o, changed: make(chan struct{}, 1), Fresh: fresh}
	err := inspect(path)
	if err == nil {
		err = b.load()
	}
	if err == nil {
		return b, b.Release()
	}
	if b.db != nil {
		b.db.Close() // nothing was written; the first error is the one to tell
	}
	switch {
	case errors.Is(err, ErrDamaged):
		return nil, fmt.Errorf("open outbox %s: %w. Nothing was changed. Move the file aside (keep it: what was not yet sent is in it) and start again: "+
			"a new file begins, the gateway records a gap, and trips wait until it has told the highest orders", path, err)
	case errors.Is(err, ErrFormat):
		return nil, fmt.Errorf("open outbox %s: %w. Nothing was changed. Use the program that wrote the file, or move it aside and start again", path, err)
	}
	return nil, fmt.Errorf("open outbox %s: %w", path, err)
}

// makeAlone creates the file unless another process has done so meanwhile: a technician's command and an agent may both find
// none, and the second to rename would put an empty file over what the first has stored. The lock is on the directory.
func makeAlone(path string) (made bool, err error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return false, err
	}
	defer dir.Close() // lets go of the lock
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return true, create(path)
}

func create(path string) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(temp, 0o600, &bolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		meta, err := tx.CreateBucket(bucketMeta)
		if err != nil {
			return err
		}
		return errors.Join(meta.Put(keyFormat, binary.BigEndian.AppendUint32(nil, format)), putSealed(meta, keyEpoch, newEpoch()))
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err = errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// load opens the database and reads everything once. What inspect let pass should not make bbolt panic, nor the kernel
// fault; if it does, that is damage too.
func (b *Box) load() (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			b.db, err = nil, fmt.Errorf("%w: %v", ErrDamaged, r) // closing such a map may fault again; the process ends anyway
		}
	}()
	b.db, err = bolt.Open(b.path, 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType, NoFreelistSync: true, MaxSize: b.opt.fileMax()})
	if err != nil {
		return named(err)
	}
	version := uint32(0)
	err = b.db.View(func(tx *bolt.Tx) (err error) { version, err = b.scan(tx); return err })
	if err != nil || version == format {
		return err
	}
	if err = b.commit(b.putMeta); errors.Is(err, ErrFull) {
		return nil // it is read as it is once more
	}
	return err
}

// named gives bbolt's errors our names.
func named(err error) error {
	switch {
	case errors.Is(err, bolterr.ErrTimeout):
		return ErrLocked
	case errors.Is(err, bolterr.ErrInvalid), errors.Is(err, bolterr.ErrChecksum), errors.Is(err, bolterr.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func (b *Box) scan(tx *bolt.Tx) (version uint32, err error) {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return 0, fmt.Errorf("%w: no meta", ErrFormat)
	}
	v := meta.Get(keyFormat)
	if len(v) == 4 {
		version = binary.BigEndian.Uint32(v)
	}
	if version != format && version != unsealed {
		return 0, fmt.Errorf("%w: version % x, this program writes %d", ErrFormat, v, format)
	}
	if err := b.scanMeta(meta, version); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for lane, name := range buckets {
		bk := tx.Bucket(name)
		if bk == nil {
			return 0, fmt.Errorf("%w: no lane %s", ErrDamaged, name)
		}
		l := b.lane(lane)
		l.next = bk.Sequence() + 1
		l.tail = l.next
		want := uint64(0)
		c := bk.Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			ch, err := decodeChunk(k, v)
			if err != nil {
				return 0, fmt.Errorf("lane %s: %w: %w", name, ErrDamaged, err)
			}
			if want == 0 {
				l.tail = ch.first
			} else if ch.first != want {
				return 0, fmt.Errorf("lane %s: %w: sequence %d follows %d", name, ErrDamaged, ch.first, want-1)
			}
			want = ch.last() + 1
			l.bytes += int64(len(k) + len(v))
		}
		if want != 0 && want != l.next || l.acked >= l.next || l.acked+1 < l.tail {
			return 0, fmt.Errorf("lane %s: %w: holds %d..%d, next %d, acknowledged %d", name, ErrDamaged, l.tail, want, l.next, l.acked)
		}
		l.sent = l.acked
	}
	return version, nil
}

func newEpoch() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return max(binary.BigEndian.Uint64(b[:]), 1)
}
