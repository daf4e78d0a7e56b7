package history

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/outbox"
	"feikong/protocol"
)

// Box is where readings and alarms go, and the file the memory is in; *outbox.Box.
type Box interface {
	Offer([]protocol.Entry) error
	AppendAlarm(protocol.Alarm) error
	AppendEvidence(evidence []protocol.Evidence, also func(*bolt.Tx) error) error
}

// Memory is what an agent knows about what it has read, of all its lines: a bucket of the outbox file, so that it is as
// whole as the readings it speaks of. A record that is damaged is forgotten, and its meter is as good as new: what it
// keeps is read again, and the gateway knows it by its stamp. Its methods may be called from any goroutine.
type Memory struct {
	box Box
	log *slog.Logger

	mu         sync.Mutex // guards all below; the records belong to their lines
	meters     map[protocol.MeterRef]*record
	lines      map[string]*lineRecord
	boundaries []int64                       // unix ms, ascending
	later      map[protocol.MeterRef][]int64 // energy reads in the outbox that are newer than their meter's record
}

// boundariesMax bounds what is kept of the gateway's word; it tells some months of midnights and settlement days.
const boundariesMax = 4096

// Open reads the memory of these meters, or begins a new one.
func Open(box Box, refs []protocol.MeterRef, log *slog.Logger) (*Memory, error) {
	m := &Memory{box: box, log: log, meters: map[protocol.MeterRef]*record{}, lines: map[string]*lineRecord{}}
	err := box.AppendEvidence(nil, func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		read := func(key []byte, into any) bool {
			err := load(b, key, into)
			if err != nil {
				log.Error("record of what was read is damaged and forgotten", "error", err)
			}
			return err == nil
		}
		seen := map[string]map[uint64]int64{}
		for _, ref := range refs {
			if m.lines[ref.Line] == nil {
				l := &lineRecord{}
				if !read(lineKey(ref.Line), l) {
					l = &lineRecord{Broadcast: time.Now().UnixMilli()} // perhaps today: meters obey once a day
				}
				m.lines[ref.Line] = l
				if seen[ref.Line], err = newest(b, ref.Line); err != nil {
					log.Error("record of what was read is damaged and forgotten", "error", err)
				}
			}
			r := &record{}
			if !read(meterKey(ref), r) || !r.sound() {
				r = &record{}
			} else {
				r.Seen = max(r.Seen, seen[ref.Line][hash(ref)])
			}
			m.meters[ref] = r
		}
		if !read(keyBoundaries, &m.boundaries) || len(m.boundaries) > boundariesMax {
			m.boundaries = nil
		}
		return nil
	})
	if errors.Is(err, outbox.ErrFull) { // a full disk: nothing could be written, and nothing was read
		for _, ref := range refs {
			m.meters[ref], m.lines[ref.Line] = &record{}, &lineRecord{Broadcast: time.Now().UnixMilli()}
		}
		log.Error("memory of what was read not opened, beginning without", "error", err)
		return m, nil
	}
	if err == nil {
		err = m.catchUp()
	}
	if err != nil {
		return nil, fmt.Errorf("open the memory of what was read: %w", err)
	}
	return m, nil
}

// SetBoundaries takes the instants (unix ms) at which the gateway must know registers, and keeps them across restarts.
// A full disk keeps them in memory only: the gateway tells them again at the next hello.
func (m *Memory) SetBoundaries(instants []int64) {
	told := slices.Clone(instants)
	slices.Sort(told)
	told = slices.Compact(told)
	if len(told) > boundariesMax {
		told = told[:boundariesMax]
	}
	m.mu.Lock()
	same := slices.Equal(told, m.boundaries)
	m.boundaries = told
	m.mu.Unlock()
	if same {
		return
	}
	if err := m.save(func(tx *bolt.Tx) error { return store(tx, keyBoundaries, told) }); err != nil {
		m.log.Error("boundaries not stored", "error", err)
	}
}

// told are the gateway's boundaries in [from, to].
func (m *Memory) told(from, to int64) []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	lo, _ := slices.BinarySearch(m.boundaries, from)
	hi, _ := slices.BinarySearch(m.boundaries, to+1)
	return slices.Clone(m.boundaries[lo:hi])
}

// save makes a change of the bucket durable. A full disk is no error: what is not written is found out again.
func (m *Memory) save(change func(*bolt.Tx) error) error {
	err := m.box.AppendEvidence(nil, func(tx *bolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucket); err != nil {
			return err
		}
		return change(tx)
	})
	if errors.Is(err, outbox.ErrFull) {
		m.log.Warn("memory of what was read not stored", "error", err)
		return nil
	}
	return err
}
