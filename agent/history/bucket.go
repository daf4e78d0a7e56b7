package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"feikong/protocol"
)

var (
	bucket        = []byte("history")
	keyBoundaries = []byte("boundaries")
	errDamaged    = errors.New("damaged record")
	castagnoli    = crc32.MakeTable(crc32.Castagnoli)
)

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
