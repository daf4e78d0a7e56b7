package outbox

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/protocol"
)

// sweepMax bounds how many chunks one transaction deletes for age alone, so that no round waits for a week's cleaning.
const sweepMax = 64

// makeRoom drops acknowledged chunks: those older than Keep, and as many more as need asks for. ErrFull when the lane
// would still be over limit: entries that are not acknowledged are never dropped.
func (b *Box) makeRoom(tx *bolt.Tx, need, limit int64, lane protocol.Lane) error {
	old := time.Now().Add(-b.opt.Keep).UnixMilli()
	for _, l := range []protocol.Lane{protocol.LaneReadings, protocol.LaneEvidence} {
		cur, c := b.lane(l), tx.Bucket(buckets[l]).Cursor()
		swept := 0
		for k, v := c.First(); k != nil; k, v = c.First() {
			ch, err := decodeChunk(k, v)
			if err != nil {
				return fmt.Errorf("outbox %s: %w: %w", b.path, ErrDamaged, err)
			}
			crowded := (l == protocol.LaneReadings || lane == protocol.LaneEvidence) && b.used(lane)+need > limit // evidence gone makes no room for readings
			if ch.last() > cur.acked || !crowded && (ch.storedAt > old || swept >= sweepMax) {
				break
			}
			n := int64(len(k) + len(v))
			if err := c.Delete(); err != nil {
				return err
			}
			cur.bytes -= n
			cur.tail = ch.last() + 1
			swept++
		}
	}
	if b.used(lane)+need > limit {
		return ErrFull
	}
	return nil
}

// used is what counts against the limit of a lane: readings may use everything but the reserve, evidence everything.
func (b *Box) used(lane protocol.Lane) int64 {
	if lane == protocol.LaneReadings {
		return b.readings.bytes
	}
	return b.readings.bytes + b.evidence.bytes
}

// Ack moves the acknowledged cursor of a lane. A lower upto than before is a rewind: the gateway lost what came after
// (a backup was restored), and sending goes on from upto+1. The file learns of it with the next Append; a crash
// before costs a repeat. Errors: ErrOtherLane, ErrOtherEpoch, ErrBehind, ErrAhead; then nothing moved.
func (b *Box) Ack(lane protocol.Lane, epoch, upto uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lane(lane)
	switch {
	case buckets[lane] == nil:
		return fmt.Errorf("lane %d: %w", lane, ErrOtherLane)
	case epoch != b.epoch:
		return fmt.Errorf("lane %d, epoch %016x: %w", lane, epoch, ErrOtherEpoch)
	case upto >= l.next:
		return fmt.Errorf("lane %d through %d, next is %d: %w", lane, upto, l.next, ErrAhead)
	case upto+1 < l.tail:
		return fmt.Errorf("lane %d from %d, oldest is %d: %w", lane, upto+1, l.tail, ErrBehind)
	}
	if upto < l.acked || l.sent < upto {
		l.sent = upto
	}
	l.acked, b.dirty = upto, true
	return nil
}

// Sent is the highest sequence sent since the last start or rewind; the next batch begins after it.
func (b *Box) Sent(lane protocol.Lane) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lane(lane).sent
}

// MarkSent moves the sent cursor: forward after a publish, back to repeat one.
func (b *Box) MarkSent(lane protocol.Lane, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lane(lane)
	l.sent = min(max(seq, l.acked), l.next-1)
}

// NewEpoch renames the run of sequences and takes all that is held as unacknowledged. It is the way out when gateway
// and file disagree about what an epoch held (an old copy of the file or of the gateway's store was put back): the
// gateway sees a new epoch that begins at the tail and records the rest as a gap; what it has already, it knows by
// meter and time.
func (b *Box) NewEpoch() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	return b.commit(func(tx *bolt.Tx) error {
		b.epoch = newEpoch()
		for _, l := range []*cursors{&b.readings, &b.evidence} {
			l.acked, l.sent = l.tail-1, l.tail-1
		}
		if err := putSealed(tx.Bucket(bucketMeta), keyEpoch, b.epoch); err != nil {
			return err
		}
		return b.putCursors(tx)
	})
}

// Readings gives entries of the readings lane from sequence from on: at most count of them and about maxBytes as
// stored, but at least one when there is one.
func (b *Box) Readings(from uint64, count, maxBytes int) (out []protocol.Entry, err error) {
	err = b.walk(protocol.LaneReadings, from, count, maxBytes, func(raw []byte) error {
		e, err := protocol.DecodeEntry(raw)
		if err == nil {
			out = append(out, *e)
		}
		return err
	})
	return out, err
}

// Evidence is Readings for the evidence lane.
func (b *Box) Evidence(from uint64, count, maxBytes int) (out []protocol.Evidence, err error) {
	err = b.walk(protocol.LaneEvidence, from, count, maxBytes, func(raw []byte) error {
		e, err := protocol.DecodeEvidence(raw)
		if err == nil {
			out = append(out, *e)
		}
		return err
	})
	return out, err
}

func (b *Box) walk(lane protocol.Lane, from uint64, count, maxBytes int, each func([]byte) error) error {
	return b.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(buckets[lane]).Cursor()
		k, _ := c.Seek(seqKey(from + 1)) // the chunk before the first that begins after from
		var v []byte
		if k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
		if k == nil {
			k, v = c.First()
		}
		n, size := 0, 0
		for ; k != nil; k, v = c.Next() {
			ch, err := decodeChunk(k, v)
			if err != nil {
				return fmt.Errorf("outbox %s: %w: %w", b.path, ErrDamaged, err)
			}
			for i, raw := range ch.entries {
				if ch.first+uint64(i) < from {
					continue
				}
				if n >= count || n > 0 && size+len(raw) > maxBytes {
					return nil
				}
				if err := each(raw); err != nil {
					return fmt.Errorf("outbox %s, sequence %d: %w: %w", b.path, ch.first+uint64(i), ErrDamaged, err)
				}
				n, size = n+1, size+len(raw)
			}
		}
		return nil
	})
}
