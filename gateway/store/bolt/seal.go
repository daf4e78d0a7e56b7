package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"feikong/gateway/store"
)

// Every value starts with the CRC-32C of its bucket, its key and the rest: bbolt cannot see a flipped bit, and a value
// under another's key is damage too.
const sealSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sealSum(b bucket, key, payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte{byte(b)})
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, payload)
}

// seal fills in the checksum of a value whose first sealSize bytes were left free.
func seal(b bucket, key, value []byte) uint32 {
	sum := sealSum(b, key, value[sealSize:])
	binary.LittleEndian.PutUint32(value, sum)
	return sum
}

// unseal returns the payload of a stored value, or an error that wraps store.ErrDamaged.
func unseal(b bucket, key, value []byte) ([]byte, error) {
	if len(value) < sealSize || binary.LittleEndian.Uint32(value) != sealSum(b, key, value[sealSize:]) {
		return nil, damaged("value %x of %s fails its checksum", key, bucketNames[b])
	}
	return value[sealSize:], nil
}

// damaged is an error with what was found and what to do about it.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s; keep the file aside and restore the newest backup", store.ErrDamaged, fmt.Sprintf(format, args...))
}

// tally is how many values a bucket has and the sum of their checksums. The head carries them, so that a value which is
// missing or of an older commit is seen at start-up, not only one that is altered.
type tally struct {
	N   uint64
	Sum uint64 // of the values' CRCs, modulo 2^64
}

func (t *tally) add(sum uint32)    { t.N++; t.Sum += uint64(sum) }
func (t *tally) remove(sum uint32) { t.N--; t.Sum -= uint64(sum) }

// sealRead is the checksum a stored value carries.
func sealRead(value []byte) uint32 { return binary.LittleEndian.Uint32(value) }
