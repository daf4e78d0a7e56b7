package outbox

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/protocol"
)

// ErrOtherRecord says that a record of this ID is stored already and says something else.
var ErrOtherRecord = errors.New("another record of this id is stored already")

// recordLook is how many of the newest entries of the evidence lane are searched for a record that was stored before: a
// command that was killed is repeated within the day.
const recordLook = 4096

// AppendRecord stores what a person did at a meter and the registers in it, both lanes in one transaction: there is no
// half of it. Both may use the reserve: they cannot be polled again. A record whose ID is among the newest of the evidence
// lane is there already, and nothing is stored: nil when it says the same, else ErrOtherRecord. ErrFull: nothing was stored.
func (b *Box) AppendRecord(record protocol.FieldRecord, readings []protocol.Reading) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	switch body, err := b.recordBody(record.ID); {
	case err != nil:
		return err
	case body != nil && bytes.Equal(body, record.Body):
		return nil
	case body != nil:
		return fmt.Errorf("record %s: %w", record.ID, ErrOtherRecord)
	}
	evidence := [][]byte{protocol.AppendEvidence(nil, &protocol.Evidence{Record: &record})}
	var entries [][]byte
	for i := range readings {
		entries = append(entries, protocol.AppendEntry(nil, &protocol.Entry{Reading: readings[i]}))
	}
	now := time.Now().UnixMilli()
	return b.commit(func(tx *bolt.Tx) error {
		if err := b.makeRoom(tx, size(evidence)+size(entries), b.opt.MaxBytes, protocol.LaneEvidence); err != nil {
			return err
		}
		if len(entries) > 0 {
			if err := b.put(tx, protocol.LaneReadings, now, entries); err != nil {
				return err
			}
		}
		return b.put(tx, protocol.LaneEvidence, now, evidence)
	})
}

// recordBody looks for a record among the newest evidence, nil when it is not there; the caller holds the lock.
func (b *Box) recordBody(id string) ([]byte, error) {
	c := b.evidence
	from := c.tail
	if c.next > recordLook {
		from = max(from, c.next-recordLook)
	}
	for from < c.next {
		got, err := b.Evidence(from, 256, 1<<20)
		if err != nil || len(got) == 0 {
			return nil, err
		}
		for _, e := range got {
			if e.Record != nil && e.Record.ID == id {
				return e.Record.Body, nil
			}
		}
		from += uint64(len(got))
	}
	return nil, nil
}

// Begin marks a file that is new: what an older file held and had not sent is gone with it, and nobody else can name that
// hole. Of a file that holds readings it changes nothing.
func (b *Box) Begin() error {
	if b.Lanes()[0].Next != 1 { // not b.Fresh: the word itself may have been cut off by a crash
		return nil
	}
	return b.Append([]protocol.Entry{{Gap: &protocol.Gap{To: time.Now().UnixMilli(), Reason: "outbox new"}}})
}

// Newest gives the newest entries of the readings lane, oldest first, at most count.
func (b *Box) Newest(count int) (out []protocol.Entry, err error) {
	c := b.Lanes()[0]
	from := c.Tail
	if c.Next > uint64(count) {
		from = max(from, c.Next-uint64(count))
	}
	for from < c.Next {
		got, err := b.Readings(from, 1024, 1<<20)
		if err != nil || len(got) == 0 {
			return out, err
		}
		out, from = append(out, got...), from+uint64(len(got))
	}
	return out, nil
}
