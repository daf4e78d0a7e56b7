package outbox

import (
	"path/filepath"
	"syscall"

	bolt "go.etcd.io/bbolt"

	"feikong/protocol"
)

// diskReserve is what the disk itself must have free before a relay is opened: the file grows while the evidence of a
// trip is written, and other programs fill the same disk.
const diskReserve = 1 << 20

// HasRoom says whether n more bytes of evidence surely find space, as things stand: in the file's own bounds, where what
// is acknowledged gives way, and on the disk.
func (b *Box) HasRoom(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return false
	}
	readings, err := b.held(protocol.LaneReadings)
	if err != nil {
		return false
	}
	evidence, err := b.held(protocol.LaneEvidence)
	if err != nil {
		return false
	}
	if evidence+min(readings, b.opt.MaxBytes-b.opt.reserve())+n > b.opt.MaxBytes {
		return false
	}
	free, err := DiskFree(filepath.Dir(b.path))
	return err == nil && free >= diskReserve+n
}

// held is how many bytes of a lane cannot be dropped: chunks with an entry that is not acknowledged.
func (b *Box) held(lane protocol.Lane) (bytes int64, err error) {
	acked := b.lane(lane).acked
	err = b.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(buckets[lane]).Cursor()
		for k, v := c.Last(); k != nil; k, v = c.Prev() {
			ch, err := decodeChunk(k, v)
			if err != nil {
				return err
			}
			if ch.last() <= acked {
				return nil
			}
			bytes += int64(len(k) + len(v))
		}
		return nil
	})
	return bytes, err
}

// DiskFree is what an ordinary user may still write on the disk of a directory.
func DiskFree(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
