package relay

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"feikong/protocol"
)

// The journal is a bucket of the outbox file: an order's end and its outcome are one commit. It holds the newest order
// of each switch, so it never grows beyond the number of switches.

var (
	bucketJournal = []byte("journal")
	bucketFloors  = []byte("floors")
	keyTold       = []byte("told") // in bucketFloors: the gateway has told the floors since this journal exists

	errJournal = errors.New("damaged journal entry")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// entry is the record of one switch's newest order. Armed: a frame may have left since; without it, the order is at
// its end. No password is in it.
type entry struct {
	Generation uint32               `json:"generation"`
	SlotEpoch  uint32               `json:"slot_epoch"`
	Number     uint64               `json:"number"`
	Action     protocol.Action      `json:"action"`
	Armed      bool                 `json:"armed"`
	Frames     int                  `json:"frames"`      // relay frames that may have left for this order
	DeadlineMS int64                `json:"deadline_ms"` // gateway's clock
	AtMS       int64                `json:"at_ms"`
	Before     protocol.RelayReport `json:"before"`
	EnergyMWh  int64                `json:"energy_mwh"`
}

func (e entry) id() protocol.OrderID {
	return protocol.OrderID{Generation: e.Generation, SlotEpoch: e.SlotEpoch, Number: e.Number}
}

func entryFor(o protocol.OrderID) entry {
	return entry{Generation: o.Generation, SlotEpoch: o.SlotEpoch, Number: o.Number}
}

func switchKey(m protocol.MeterRef) []byte {
	return []byte(m.Line + "\x00" + m.Address + "\x00" + strconv.Itoa(int(m.Channel)))
}

// seal puts a CRC-32C over key and value in front, as in the lanes.
func seal(key, value []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
	return append(binary.BigEndian.AppendUint32(nil, sum), value...)
}

func unseal(key, sealed []byte) ([]byte, error) {
	if len(sealed) < 4 || binary.BigEndian.Uint32(sealed) != crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, sealed[4:]) {
		return nil, errJournal
	}
	return sealed[4:], nil
}

func decodeEntry(key, sealed []byte) (e entry, err error) {
	b, err := unseal(key, sealed)
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		return e, fmt.Errorf("switch %q: %w: %w", key, errJournal, err)
	}
	return e, nil
}

func putEntry(tx *bolt.Tx, m protocol.MeterRef, e entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	key := switchKey(m)
	return tx.Bucket(bucketJournal).Put(key, seal(key, b))
}

// journal is the bucket's content in memory; the file is written first.
type journal struct {
	box     Box
	entries map[protocol.MeterRef]entry
	floors  map[protocol.MeterRef]protocol.OrderID // of the gateway, kept only when told to a new journal
	told    bool
	damaged []error // of entries that could not be read
}

// openJournal reads the journal, or makes an empty one that waits for the floors. An entry that is damaged is forgotten,
// and the journal is as good as new: an agent that did not start could not bring anybody's supply back, and trips wait.
func openJournal(box Box, refs []protocol.MeterRef) (*journal, error) {
	j := &journal{box: box, entries: map[protocol.MeterRef]entry{}, floors: map[protocol.MeterRef]protocol.OrderID{}}
	err := box.AppendEvidence(nil, func(tx *bolt.Tx) error {
		entries, err := tx.CreateBucketIfNotExists(bucketJournal)
		if err != nil {
			return err
		}
		floors, err := tx.CreateBucketIfNotExists(bucketFloors)
		if err != nil {
			return err
		}
		j.told = floors.Get(keyTold) != nil
		for _, ref := range refs {
			key := switchKey(ref)
			if v := entries.Get(key); v != nil {
				if e, err := decodeEntry(key, v); err == nil {
					j.entries[ref] = e
				} else if err := j.forget(entries, key, err); err != nil {
					return err
				}
			}
			if v := floors.Get(key); v != nil {
				if e, err := decodeEntry(key, v); err == nil {
					j.floors[ref] = e.id()
				} else if err := j.forget(floors, key, err); err != nil {
					return err
				}
			}
		}
		if j.damaged == nil {
			return nil
		}
		j.told = false
		return floors.Delete(keyTold)
	})
	if err != nil {
		return nil, fmt.Errorf("open the journal of the relay: %w", err)
	}
	return j, nil
}

// forget takes a damaged record out, so that it is told once.
func (j *journal) forget(b *bolt.Bucket, key []byte, why error) error {
	j.damaged = append(j.damaged, why)
	return b.Delete(key)
}

// put makes e the switch's newest order, durable before it returns, together with evidence in the same commit.
func (j *journal) put(m protocol.MeterRef, e entry, evidence ...protocol.Evidence) error {
	if err := j.box.AppendEvidence(evidence, func(tx *bolt.Tx) error { return putEntry(tx, m, e) }); err != nil {
		return err
	}
	return nil
}

// untell makes the journal wait for floors again.
func (j *journal) untell() error {
	return j.box.AppendEvidence(nil, func(tx *bolt.Tx) error { return tx.Bucket(bucketFloors).Delete(keyTold) })
}

// tell stores the floors of a new journal, once.
func (j *journal) tell(floors []protocol.OrderFloor) error {
	return j.box.AppendEvidence(nil, func(tx *bolt.Tx) error {
		bk := tx.Bucket(bucketFloors)
		for _, f := range floors {
			b, err := json.Marshal(entryFor(f.Order))
			if err != nil {
				return err
			}
			key := switchKey(f.Meter)
			if err := bk.Put(key, seal(key, b)); err != nil {
				return err
			}
		}
		return bk.Put(keyTold, []byte{1})
	})
}
