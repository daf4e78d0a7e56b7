package bolt

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
)

// writer puts values into one transaction and keeps the tallies.
type writer struct {
	tx    *bbolt.Tx
	head  head // a copy; the engine's own moves after the commit
	open  [buckets]*bbolt.Bucket
	bytes int64
}

func newWriter(tx *bbolt.Tx, h head) *writer { return &writer{tx: tx, head: h} }

func (w *writer) bucket(b bucket) *bbolt.Bucket {
	if w.open[b] == nil {
		w.open[b] = w.tx.Bucket([]byte(bucketNames[b]))
		switch b {
		case bucketReadings, bucketStates, bucketAudit, bucketQuarantine, bucketGaps, bucketAlarms, bucketFieldWork:
			w.open[b].FillPercent = 1 // appended only: half-full pages would never fill
		}
	}
	return w.open[b]
}

// put stores a value with room for its seal in front. old is the seal of the value it replaces, when there is one.
func (w *writer) put(b bucket, key, value []byte, old uint32, replaces bool) (uint32, error) {
	sum := seal(b, key, value)
	if replaces {
		w.head.Tally[b].remove(old)
	}
	w.head.Tally[b].add(sum)
	w.bytes += int64(len(value))
	if err := w.bucket(b).Put(key, value); err != nil {
		return 0, fmt.Errorf("put into %s: %w", bucketNames[b], err)
	}
	return sum, nil
}

// set stores payload under key, whether or not something is there.
func (w *writer) set(b bucket, key, payload []byte) error {
	sum, found := w.sealOf(b, key)
	value := append(make([]byte, sealSize, sealSize+len(payload)), payload...)
	_, err := w.put(b, key, value, sum, found)
	return err
}

func (w *writer) sealOf(b bucket, key []byte) (uint32, bool) {
	old := w.bucket(b).Get(key)
	if len(old) < sealSize {
		return 0, false
	}
	return binary.LittleEndian.Uint32(old), true
}

func (w *writer) setJSON(b bucket, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a value of %s: %w", bucketNames[b], err)
	}
	return w.set(b, key, data)
}

// add appends payload under the next number of the bucket, from 1, and returns the number.
func (w *writer) next(b bucket) uint64 {
	k, _ := w.bucket(b).Cursor().Last()
	if len(k) != 8 {
		return 1
	}
	return binary.BigEndian.Uint64(k) + 1
}

func (w *writer) delete(b bucket, key []byte) error {
	sum, found := w.sealOf(b, key)
	if !found {
		return nil
	}
	w.head.Tally[b].remove(sum)
	if err := w.bucket(b).Delete(key); err != nil {
		return fmt.Errorf("delete from %s: %w", bucketNames[b], err)
	}
	return nil
}

// mark keeps an index of open things: the key is there as long as open is true.
func (w *writer) mark(b bucket, key []byte, open bool) error {
	if !open {
		return w.delete(b, key)
	}
	return w.set(b, key, nil)
}

// get reads a sealed value; nil without an error when there is none.
func get(tx *bbolt.Tx, b bucket, key []byte) ([]byte, error) {
	v := tx.Bucket([]byte(bucketNames[b])).Get(key)
	if v == nil {
		return nil, nil
	}
	return unseal(b, key, v)
}

// getJSON reads a sealed JSON value into v and tells whether there is one.
func getJSON(tx *bbolt.Tx, b bucket, key []byte, v any) (bool, error) {
	data, err := get(tx, b, key)
	if err != nil || data == nil {
		return false, err
	}
	return true, parse(b, key, data, v)
}
