package outbox

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
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

const format = 1

var (
	bucketMeta = []byte("meta")
	keyFormat  = []byte("format")
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
		if err := create(path); err != nil {
			return nil, fmt.Errorf("create outbox %s: %w", path, err)
		}
		fresh = true
	} else if err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	b := &Box{path: path, opt: o, changed: make(chan struct{}, 1), Fresh: fresh}
	err := b.load()
	if err == nil {
		return b, nil
	}
	if b.db != nil && !errors.Is(err, ErrDamaged) { // closing a damaged map may fault again; the process ends anyway
		b.db.Close()
	}
	if errors.Is(err, ErrDamaged) {
		return nil, fmt.Errorf("%w. Nothing was changed. Move %s aside (keep it: what was not yet sent is in it) and start again: a new file begins, "+
			"the gateway records a gap, and trips wait until it has told the highest orders", err, path)
	}
	return nil, err
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
		return errors.Join(meta.Put(keyFormat, binary.BigEndian.AppendUint32(nil, format)), putEpoch(meta, newEpoch()))
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

// load opens the database and reads everything once. bbolt panics, or the kernel faults, on pages that make no sense:
// both are damage.
func (b *Box) load() (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	b.db, err = bolt.Open(b.path, 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType, NoFreelistSync: true, MaxSize: b.opt.fileMax()})
	switch {
	case errors.Is(err, bolterr.ErrTimeout):
		return fmt.Errorf("open outbox %s: %w", b.path, ErrLocked)
	case errors.Is(err, bolterr.ErrInvalid), errors.Is(err, bolterr.ErrChecksum), errors.Is(err, bolterr.ErrVersionMismatch):
		return fmt.Errorf("open outbox %s: %w: %w", b.path, ErrDamaged, err)
	case err != nil:
		return fmt.Errorf("open outbox %s: %w", b.path, err)
	}
	return b.db.View(b.scan)
}

func (b *Box) scan(tx *bolt.Tx) error {
	if info, err := os.Stat(b.path); err != nil || info.Size() < tx.Size() {
		return fmt.Errorf("open outbox %s: %w: shorter than the %d bytes it says it has", b.path, ErrDamaged, tx.Size())
	}
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return fmt.Errorf("open outbox %s: %w: no meta", b.path, ErrFormat)
	}
	if v := meta.Get(keyFormat); len(v) != 4 || binary.BigEndian.Uint32(v) != format {
		return fmt.Errorf("open outbox %s: %w: version % x, this program writes %d", b.path, ErrFormat, v, format)
	}
	b.epoch = number(meta, keyEpoch)
	if b.epoch == 0 {
		return fmt.Errorf("open outbox %s: %w: no epoch", b.path, ErrDamaged)
	}
	if v := meta.Get(keyHole); len(v) == 16 {
		b.hole = hole{from: int64(binary.BigEndian.Uint64(v)), polls: binary.BigEndian.Uint64(v[8:])}
	}
	for lane, name := range buckets {
		bk := tx.Bucket(name)
		if bk == nil {
			return fmt.Errorf("open outbox %s: %w: no lane %s", b.path, ErrDamaged, name)
		}
		l := b.lane(lane)
		l.next, l.acked = bk.Sequence()+1, number(meta, keyAcked(lane))
		l.tail = l.next
		want := uint64(0)
		c := bk.Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			ch, err := decodeChunk(k, v)
			if err != nil {
				return fmt.Errorf("open outbox %s, lane %s: %w: %w", b.path, name, ErrDamaged, err)
			}
			if want == 0 {
				l.tail = ch.first
			} else if ch.first != want {
				return fmt.Errorf("open outbox %s, lane %s: %w: sequence %d follows %d", b.path, name, ErrDamaged, ch.first, want-1)
			}
			want = ch.last() + 1
			l.bytes += int64(len(k) + len(v))
		}
		if want != 0 && want != l.next || l.acked >= l.next || l.acked+1 < l.tail {
			return fmt.Errorf("open outbox %s, lane %s: %w: holds %d..%d, next %d, acknowledged %d", b.path, name, ErrDamaged, l.tail, want, l.next, l.acked)
		}
		l.sent = l.acked
	}
	return nil
}

func newEpoch() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return max(binary.BigEndian.Uint64(b[:]), 1)
}

func putEpoch(meta *bolt.Bucket, epoch uint64) error {
	return meta.Put(keyEpoch, binary.BigEndian.AppendUint64(nil, epoch))
}

func number(b *bolt.Bucket, key []byte) uint64 {
	if v := b.Get(key); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}
