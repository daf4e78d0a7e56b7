package outbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"
)

// The values of meta are numbers of 8 bytes, big-endian, followed by the CRC-32C of key and numbers: one flipped bit in an
// acknowledged cursor would let go of readings that nobody has.

var errMeta = errors.New("damaged meta")

// putSealed stores numbers under key.
func putSealed(meta *bolt.Bucket, key []byte, numbers ...uint64) error {
	var v []byte
	for _, n := range numbers {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	return meta.Put(key, binary.BigEndian.AppendUint32(v, sealSum(key, v)))
}

func sealSum(key, numbers []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, numbers)
}

// decodeMeta reads n numbers. Version 1 had no seals, but may have got some from a rewrite that the disk had no room for.
func decodeMeta(key, v []byte, n int, version uint32) ([]uint64, error) {
	switch {
	case len(v) == 8*n && version == unsealed:
	case len(v) == 8*n+4 && binary.BigEndian.Uint32(v[8*n:]) == sealSum(key, v[:8*n]):
	default:
		return nil, fmt.Errorf("%w: value of %s fails its checksum", errMeta, key)
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = binary.BigEndian.Uint64(v[8*i:])
	}
	return out, nil
}

// scanMeta reads epoch, hole and acknowledged cursors. A key that nobody knows is a flipped one: another format has another number.
func (b *Box) scanMeta(meta *bolt.Bucket, version uint32) error {
	err := meta.ForEach(func(key, v []byte) error {
		var into []*uint64
		var from uint64
		switch string(key) {
		case string(keyFormat):
			return nil
		case string(keyEpoch):
			into = []*uint64{&b.epoch}
		case string(keyHole):
			into = []*uint64{&from, &b.hole.polls}
		default:
			for lane := range buckets {
				if string(key) == string(keyAcked(lane)) {
					into = []*uint64{&b.lane(lane).acked}
				}
			}
		}
		if into == nil {
			return fmt.Errorf("%w: unknown key %q", errMeta, key)
		}
		numbers, err := decodeMeta(key, v, len(into), version)
		if err != nil {
			return err
		}
		for i, n := range numbers {
			*into[i] = n
		}
		if from != 0 {
			b.hole.from = int64(from)
		}
		return nil
	})
	if err == nil && b.epoch == 0 {
		err = fmt.Errorf("%w: no epoch", errMeta)
	}
	return err
}

// putMeta writes all of meta, sealed, in the format of today.
func (b *Box) putMeta(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	return errors.Join(meta.Put(keyFormat, binary.BigEndian.AppendUint32(nil, format)), putSealed(meta, keyEpoch, b.epoch), b.putCursors(tx))
}

// putCursors writes acknowledged cursors and the open hole.
func (b *Box) putCursors(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	for lane := range buckets {
		if err := putSealed(meta, keyAcked(lane), b.lane(lane).acked); err != nil {
			return err
		}
	}
	b.dirty = false
	if b.hole.from == 0 {
		return nil
	}
	return putSealed(meta, keyHole, uint64(b.hole.from), b.hole.polls)
}
