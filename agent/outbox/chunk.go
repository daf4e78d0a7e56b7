package outbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A value of a lane's bucket is a chunk: entries with consecutive sequences, the first of them being the key. A poll
// round is one chunk or a few. Layout: CRC-32C (4, over key and the rest), stored at (8, unix ms), number of entries
// (4), then each entry with its length as a varint in front. Integers are big-endian.
const chunkHead = 4 + 8 + 4

// Bounds of a chunk: a page of the file is 4 KiB, and values above 64 KiB make free space hard to find again.
const (
	chunkBytes   = 48 << 10
	chunkEntries = 1000
	entryBytes   = 20 << 10 // one entry; a field record has up to 16 KiB, the evidence of an order with all its frames about 1 KiB
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errChunk = errors.New("damaged entry")

type chunk struct {
	first    uint64
	storedAt int64
	entries  [][]byte
}

func (c chunk) last() uint64 { return c.first + uint64(len(c.entries)) - 1 }

func seqKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// encode gives key and value.
func (c chunk) encode() (key, value []byte) {
	key = seqKey(c.first)
	value = make([]byte, 4, chunkHead+64)
	value = binary.BigEndian.AppendUint64(value, uint64(c.storedAt))
	value = binary.BigEndian.AppendUint32(value, uint32(len(c.entries)))
	for _, e := range c.entries {
		value = binary.AppendUvarint(value, uint64(len(e)))
		value = append(value, e...)
	}
	binary.BigEndian.PutUint32(value, checksum(key, value))
	return key, value
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value[4:])
}

// decodeChunk checks the sum and takes the chunk apart; entries alias value.
func decodeChunk(key, value []byte) (chunk, error) {
	if len(key) != 8 || len(value) < chunkHead {
		return chunk{}, fmt.Errorf("%w: key of %d and value of %d bytes", errChunk, len(key), len(value))
	}
	c := chunk{first: binary.BigEndian.Uint64(key), storedAt: int64(binary.BigEndian.Uint64(value[4:]))}
	if binary.BigEndian.Uint32(value) != checksum(key, value) {
		return c, fmt.Errorf("%w: sequence %d: checksum", errChunk, c.first)
	}
	n := binary.BigEndian.Uint32(value[12:])
	if n == 0 || n > chunkEntries || c.first == 0 || c.first > 1<<63 {
		return c, fmt.Errorf("%w: sequence %d: %d entries", errChunk, c.first, n)
	}
	rest := value[chunkHead:]
	for range n {
		size, k := binary.Uvarint(rest)
		if k <= 0 || size > uint64(len(rest)-k) {
			return c, fmt.Errorf("%w: sequence %d: entry %d cut off", errChunk, c.first, len(c.entries))
		}
		c.entries = append(c.entries, rest[k:k+int(size)])
		rest = rest[k+int(size):]
	}
	if len(rest) != 0 {
		return c, fmt.Errorf("%w: sequence %d: %d bytes too many", errChunk, c.first, len(rest))
	}
	return c, nil
}

// pack cuts entries into chunks that begin at first.
func pack(first uint64, now int64, entries [][]byte) (out []chunk) {
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && n < chunkEntries && (n == 0 || size+len(entries[n]) <= chunkBytes) {
			size += len(entries[n])
			n++
		}
		out = append(out, chunk{first: first, storedAt: now, entries: entries[:n]})
		first += uint64(n)
		entries = entries[n:]
	}
	return out
}
