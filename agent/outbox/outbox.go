// Package outbox keeps what the agent must not lose until the gateway has it on disk: one bbolt file with two lanes,
// readings and evidence. A lane's sequence is contiguous from 1 and goes on across restarts; the epoch, a random
// number, names the file. Three cursors walk a lane: tail (oldest held), sent, acknowledged. The file is bounded:
// acknowledged entries go first, then polls are no longer stored, and the hole gets a name.
package outbox

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/bits"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"feikong/protocol"
)

// ErrFull says that there is no space: readings were counted into the open hole, evidence was not stored.
var ErrFull = errors.New("outbox is full")

// Answers to an acknowledgement that the file cannot follow.
var (
	ErrOtherLane  = errors.New("acknowledgement of a lane that does not exist")
	ErrOtherEpoch = errors.New("acknowledgement of another epoch")
	ErrBehind     = errors.New("the gateway asks for entries that are no longer held")
	ErrAhead      = errors.New("the gateway has entries this file never wrote")
)

// Options bound the file.
type Options struct {
	MaxBytes int64         // of stored entries in both lanes; 0: 64 MiB
	Keep     time.Duration // how long acknowledged entries are kept while there is space; 0: 7 days
}

const (
	defaultMax  = 64 << 20
	defaultKeep = 7 * 24 * time.Hour
	// MinBytes is the least MaxBytes that makes sense: a reserve for evidence and some hours of readings.
	MinBytes = 256 << 10
)

func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMax
	}
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	return o
}

// reserve is kept free of readings, for evidence: at 1 KiB an order, a sixteenth of 64 MiB are 4,000 orders.
func (o Options) reserve() int64 { return max(o.MaxBytes/16, 64<<10) }

// fileMax bounds the file itself: bbolt copies pages on write, fills them by half at worst and grows by 16 MiB.
func (o Options) fileMax() int { return int(min(2*o.MaxBytes+32<<20, math.MaxInt32)) } // 32-bit boards have an int of their own

// Box is an open outbox. Its methods may be called from any goroutine.
type Box struct {
	path    string
	opt     Options
	db      *bolt.DB
	changed chan struct{}

	// Fresh says that this start made the file: there was none.
	Fresh bool

	mu       sync.Mutex // guards all below, and makes one writer
	epoch    uint64
	readings cursors
	evidence cursors
	hole     hole
	stored   uint64 // entries since start
	dropped  uint64 // polls since start
	dirty    bool   // acknowledged cursors are newer than the file
	broken   error  // a failed commit: what the disk holds is unknown until the next start
}

type cursors struct {
	tail, sent, acked, next uint64
	bytes                   int64
}

// hole is a run of polls that were not stored; from 0 means there is none.
type hole struct {
	from  int64
	polls uint64
}

func (b *Box) lane(l protocol.Lane) *cursors {
	if l == protocol.LaneEvidence {
		return &b.evidence
	}
	return &b.readings
}

// Close writes what is only in memory (cursors) and closes the file.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if b.broken == nil && (b.dirty || b.hole.from != 0) {
		err = b.db.Update(b.putCursors)
	}
	return errors.Join(err, b.db.Close())
}

// Changed gets a word when entries were stored; it holds one.
func (b *Box) Changed() <-chan struct{} { return b.changed }

// Epoch names the file's run of sequences.
func (b *Box) Epoch() uint64 { b.mu.Lock(); defer b.mu.Unlock(); return b.epoch }

// Lanes tells where both lanes stand.
func (b *Box) Lanes() []protocol.LaneState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []protocol.LaneState
	for _, l := range []protocol.Lane{protocol.LaneReadings, protocol.LaneEvidence} {
		c := b.lane(l)
		out = append(out, protocol.LaneState{Lane: l, Epoch: b.epoch, Tail: c.tail, Next: c.next, Acked: c.acked})
	}
	return out
}

// Usage is what the status message tells: bytes held and allowed, entries stored and polls not stored since start.
func (b *Box) Usage() (bytes, limit int64, stored, dropped uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.readings.bytes + b.evidence.bytes, b.opt.MaxBytes, b.stored, b.dropped
}

// Append stores the entries of a poll round in one transaction and returns once they are on disk. ErrFull: nothing
// was stored and the hole has grown; it is closed by a Gap entry in front of the next readings that find space. Any
// other error is final: the process must end and start again.
func (b *Box) Append(entries []protocol.Entry) error { return b.take(entries, true) }

// Offer is Append for entries that can be had again, from what a meter keeps: when they find no space (ErrFull) nothing is
// lost, and no hole grows.
func (b *Box) Offer(entries []protocol.Entry) error { return b.take(entries, false) }

func (b *Box) take(entries []protocol.Entry, once bool) error {
	if len(entries) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	now := time.Now().UnixMilli()
	raw := make([][]byte, 0, len(entries)+1)
	if b.hole.from != 0 {
		raw = append(raw, protocol.AppendEntry(nil, &protocol.Entry{Gap: &protocol.Gap{From: b.hole.from, To: now, Reason: "outbox full", Count: b.hole.polls}}))
	}
	for i := range entries {
		raw = append(raw, protocol.AppendEntry(nil, &entries[i]))
	}
	need := size(raw)
	limit := b.opt.MaxBytes - b.opt.reserve()
	if b.hole.from != 0 {
		limit -= limit / 8 // wait until there is room for more than one round: one hole, one name
	}
	closing := b.hole
	err := b.commit(func(tx *bolt.Tx) error {
		if err := b.makeRoom(tx, need, limit, protocol.LaneReadings); err != nil {
			return err
		}
		if closing.from != 0 {
			if err := tx.Bucket(bucketMeta).Delete(keyHole); err != nil {
				return err
			}
			b.hole = hole{}
		}
		return b.put(tx, protocol.LaneReadings, now, raw)
	})
	if once && errors.Is(err, ErrFull) {
		return errors.Join(err, b.widen(entries, now))
	}
	return err
}

// widen counts polls that are not stored. The file learns the count at 1, 2, 4, 8 …: a hole of a week costs twenty
// commits, and after a crash the count is at least half of the truth.
func (b *Box) widen(entries []protocol.Entry, now int64) error {
	polls := uint64(0)
	for i := range entries {
		if i == 0 || entries[i].Reading.Meter != entries[i-1].Reading.Meter || entries[i].Reading.Quantity != entries[i-1].Reading.Quantity {
			polls++
		}
	}
	if b.hole.from == 0 {
		b.hole.from = now
		if entries[0].Gap == nil {
			b.hole.from = min(now, entries[0].Reading.TakenAt)
		}
	}
	before := bits.Len64(b.hole.polls)
	b.hole.polls += polls
	b.dropped += polls
	if bits.Len64(b.hole.polls) == before {
		return nil
	}
	if err := b.commit(b.putCursors); err != nil && !errors.Is(err, ErrFull) {
		return err
	}
	return nil
}

// AppendEvidence stores evidence in one transaction, together with what also does there: the journal of the relay is
// in the same file. also may be nil.
func (b *Box) AppendEvidence(evidence []protocol.Evidence, also func(*bolt.Tx) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	raw := make([][]byte, 0, len(evidence))
	for i := range evidence {
		raw = append(raw, protocol.AppendEvidence(nil, &evidence[i]))
	}
	return b.commit(func(tx *bolt.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if len(raw) == 0 {
			return nil
		}
		if err := b.makeRoom(tx, size(raw), b.opt.MaxBytes, protocol.LaneEvidence); err != nil {
			return err
		}
		return b.put(tx, protocol.LaneEvidence, time.Now().UnixMilli(), raw)
	})
}

// View reads the file; for the relay's journal.
func (b *Box) View(f func(*bolt.Tx) error) error { return b.db.View(f) }

func size(raw [][]byte) (n int64) {
	for _, e := range raw {
		n += int64(len(e)) + 2
	}
	return n + (n/chunkBytes+1)*(chunkHead+8)
}

// commit runs f in one durable transaction. What f did to the cursors is undone when it fails. A full disk is ErrFull;
// any other failure of the commit itself leaves the disk in an unknown state, so the box is closed for good.
func (b *Box) commit(f func(*bolt.Tx) error) error {
	was := *b.snapshot()
	var inner error
	err := b.db.Update(func(tx *bolt.Tx) error { inner = f(tx); return inner })
	if err == nil {
		select {
		case b.changed <- struct{}{}:
		default:
		}
		return nil
	}
	b.restore(was)
	switch {
	case full(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case inner != nil:
		return inner
	}
	b.broken = fmt.Errorf("outbox %s: commit failed: %w", b.path, err)
	return b.broken
}

// full says that a write found no space, so that nothing has changed. The same word from a sync is no such thing: what
// has reached the disk is then unknown, as after any failed sync.
func full(err error) bool {
	if errors.Is(err, bolterr.ErrMaxSizeReached) {
		return true
	}
	var at *fs.PathError
	return errors.As(err, &at) && at.Op != "sync" && (errors.Is(at.Err, syscall.ENOSPC) || errors.Is(at.Err, syscall.EDQUOT))
}

type state struct {
	epoch              uint64
	readings, evidence cursors
	hole               hole
	stored             uint64
	dirty              bool
}

func (b *Box) snapshot() *state {
	return &state{b.epoch, b.readings, b.evidence, b.hole, b.stored, b.dirty}
}

func (b *Box) restore(s state) {
	b.epoch, b.readings, b.evidence, b.hole, b.stored, b.dirty = s.epoch, s.readings, s.evidence, s.hole, s.stored, s.dirty
}

// put writes raw entries at the end of a lane, and the cursors that changed since.
func (b *Box) put(tx *bolt.Tx, lane protocol.Lane, now int64, raw [][]byte) error {
	l, bk := b.lane(lane), tx.Bucket(buckets[lane])
	for _, e := range raw {
		if len(e) > entryBytes {
			return fmt.Errorf("entry of %d bytes, the limit is %d", len(e), entryBytes)
		}
	}
	for _, c := range pack(l.next, now, raw) {
		k, v := c.encode()
		if err := bk.Put(k, v); err != nil {
			return err
		}
		l.bytes += int64(len(k) + len(v))
		l.next = c.last() + 1
	}
	b.stored += uint64(len(raw))
	if err := bk.SetSequence(l.next - 1); err != nil {
		return err
	}
	return b.putCursors(tx)
}

// AppendAlarm stores one alarm in the evidence lane.
func (b *Box) AppendAlarm(a protocol.Alarm) error {
	return b.AppendEvidence([]protocol.Evidence{{Alarm: &a}}, nil)
}

// Waiting estimates the bytes that are not yet acknowledged, from the share of sequences.
func (b *Box) Waiting() (n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range []*cursors{&b.readings, &b.evidence} {
		if held := l.next - l.tail; held > 0 {
			n += l.bytes / int64(held) * int64(l.next-1-l.acked)
		}
	}
	return n
}
