package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/outbox"
	"feikong/protocol"
)

// Box is where readings and alarms go, and the file the memory is in; *outbox.Box.
type Box interface {
	Append([]protocol.Entry) error
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

// Lane is a Box that can be read; *outbox.Box. What it holds is newer than what a killed agent had noted.
type Lane interface {
	Lanes() []protocol.LaneState
	Readings(first uint64, entries, bytes int) ([]protocol.Entry, error)
}

var (
	bucket        = []byte("history")
	keyBoundaries = []byte("boundaries")
	errDamaged    = errors.New("damaged record")
	castagnoli    = crc32.MakeTable(crc32.Castagnoli)
)

// boundariesMax bounds what is kept of the gateway's word; it tells some months of midnights and settlement days.
const boundariesMax = 4096

func meterKey(m protocol.MeterRef) []byte {
	return []byte("m\x00" + m.Line + "\x00" + m.Address + "\x00" + strconv.Itoa(int(m.Channel)))
}

func lineKey(name string) []byte { return []byte("l\x00" + name) }

// seenKey is where the newest readings' times of a line's meters are, 16 bytes each: they change each round, and what else
// is known of a meter does not.
func seenKey(line string) []byte { return []byte("s\x00" + line) }

// hash names a meter in the list of its line.
func hash(m protocol.MeterRef) uint64 {
	h := fnv.New64a()
	h.Write(meterKey(m))
	return h.Sum64()
}

func appendSeen(dst []byte, m protocol.MeterRef, at int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, hash(m)), uint64(at))
}

// newest reads the list of a line.
func newest(b *bolt.Bucket, line string) (map[uint64]int64, error) {
	key := seenKey(line)
	v, err := unseal(key, b.Get(key))
	seen := map[uint64]int64{}
	for ; err == nil && len(v) >= 16; v = v[16:] {
		seen[binary.BigEndian.Uint64(v)] = int64(binary.BigEndian.Uint64(v[8:]))
	}
	return seen, err
}

// seal puts a CRC-32C over key and value in front, as in the outbox's lanes: bbolt's pages have none.
func seal(key, value []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
	return append(binary.BigEndian.AppendUint32(nil, sum), value...)
}

// unseal takes it off; no value is nil.
func unseal(key, v []byte) ([]byte, error) {
	switch {
	case v == nil:
		return nil, nil
	case len(v) < 4 || binary.BigEndian.Uint32(v) != crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, v[4:]):
		return nil, fmt.Errorf("%q: %w", key, errDamaged)
	}
	return v[4:], nil
}

func load(b *bolt.Bucket, key []byte, into any) error {
	v, err := unseal(key, b.Get(key))
	if v == nil || err != nil {
		return err
	}
	if err := json.Unmarshal(v, into); err != nil {
		return fmt.Errorf("%q: %w: %w", key, errDamaged, err)
	}
	return nil
}

func store(tx *bolt.Tx, key []byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, seal(key, b))
}

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

// laneMax bounds what is looked through at a start: notes are keepEvery old at most, in which 2,000 meters of five registers,
// polled each minute, make this many entries.
const laneMax = 1 << 17

// catchUp finds the energy reads that were stored after their meter's record was.
func (m *Memory) catchUp() error {
	l, ok := m.box.(Lane)
	if !ok {
		return nil
	}
	m.later = map[protocol.MeterRef][]int64{}
	for _, s := range l.Lanes() {
		if s.Lane != protocol.LaneReadings {
			continue
		}
		first := s.Tail
		if s.Next > laneMax {
			first = max(first, s.Next-laneMax)
		}
		for first < s.Next {
			got, err := l.Readings(first, protocol.MaxBatch, protocol.MaxPacket)
			if err != nil {
				return err
			}
			if len(got) == 0 {
				break
			}
			first += uint64(len(got))
			for _, e := range got {
				m.stored(e)
			}
		}
	}
	return nil
}

func (m *Memory) stored(e protocol.Entry) {
	r := e.Reading
	known := m.meters[r.Meter]
	if e.Gap != nil || known == nil || known.Seen == 0 || r.TakenAt <= known.Seen || r.Method != protocol.MethodPoll ||
		r.Quantity != protocol.ActiveImport || r.Register != 0 || r.Quality&protocol.QualityClockUntrusted != 0 {
		return
	}
	m.later[r.Meter] = append(m.later[r.Meter], r.TakenAt)
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
