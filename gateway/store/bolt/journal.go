package bolt

import (
	"encoding/binary"

	"feikong/gateway/account"
	"feikong/protocol"
)

// Bounds of one chunk of readings: about four pages of the file, so that a late reading that looks for its neighbours
// decodes little, and the tree over the chunks stays shallow.
const (
	chunkReadings = 340
	chunkBytes    = 16 << 10
)

const chunkVersion = 1

// chunkHead is what a search needs to know of a chunk without decoding it.
type chunkHead struct {
	commit       uint64
	count        int
	minAt, maxAt int64
	minNo, maxNo account.No
	// runMax is the newest trusted time in this chunk and all before it: a search that goes back from the end may stop at
	// a chunk whose runMax is older than what it has. Times of untrusted clocks stay out, one of them would end that for ever.
	runMax int64
}

func appendChunkHead(dst []byte, h *chunkHead) []byte {
	dst = append(dst, chunkVersion)
	dst = binary.AppendUvarint(dst, h.commit)
	dst = binary.AppendUvarint(dst, uint64(h.count))
	for _, v := range []int64{h.minAt, h.maxAt - h.minAt, h.runMax - h.maxAt} {
		dst = binary.AppendVarint(dst, v)
	}
	dst = binary.AppendUvarint(dst, uint64(h.minNo))
	return binary.AppendUvarint(dst, uint64(h.maxNo))
}

func (c *cut) chunkHead() (h chunkHead) {
	if c.byte() != chunkVersion {
		c.bad = true
		return h
	}
	h.commit = c.uint()
	count := c.uint()
	if count > chunkReadings {
		c.bad = true
		return h
	}
	h.count = int(count)
	h.minAt = c.int()
	h.maxAt = h.minAt + c.int()
	h.runMax = h.maxAt + c.int()
	h.minNo, h.maxNo = account.No(c.uint()), account.No(c.uint())
	return h
}

// chunk encodes as many of records as one chunk may hold, behind room for the seal, and returns how many. runMax moves on.
func chunk(records []account.ReadingRecord, commit uint64, runMax *int64) (value []byte, n int) {
	n = min(len(records), chunkReadings)
	h := chunkHead{commit: commit, count: n, minAt: records[0].TakenAt, maxAt: records[0].TakenAt, minNo: records[0].No, maxNo: records[0].No}
	for i := range records[:n] {
		r := &records[i]
		h.minAt, h.maxAt = min(h.minAt, r.TakenAt), max(h.maxAt, r.TakenAt)
		h.minNo, h.maxNo = min(h.minNo, r.No), max(h.maxNo, r.No)
		if r.Flags&account.FlagUntrusted == 0 {
			*runMax = max(*runMax, r.TakenAt)
		}
	}
	h.runMax = *runMax
	value = make([]byte, sealSize, sealSize+80+n*20)
	value = appendChunkHead(value, &h)
	var last account.ReadingRecord
	for i := range records[:n] {
		value = appendReading(value, &records[i], &last)
	}
	return value, n
}

func appendReading(b []byte, r, last *account.ReadingRecord) []byte {
	b = binary.AppendVarint(b, int64(r.No-last.No))
	b = binary.AppendUvarint(b, uint64(r.Point))
	b = append(b, byte(r.Quantity), r.Register, byte(r.Flags), byte(r.Method))
	b = binary.AppendVarint(b, r.Value-last.Value)
	b = binary.AppendVarint(b, r.TakenAt-last.TakenAt)
	*last = *r
	return b
}

// eachReading decodes the records of a chunk whose head was taken from c.
func (c *cut) eachReading(h *chunkHead, f func(r *account.ReadingRecord)) {
	var r account.ReadingRecord
	for range h.count {
		r.No += account.No(c.int())
		point := c.uint()
		r.Point = uint16(point)
		r.Quantity, r.Register = protocol.Quantity(c.byte()), c.byte()
		r.Flags, r.Method = account.ReadingFlags(c.byte()), protocol.Method(c.byte())
		r.Value += c.int()
		r.TakenAt += c.int()
		if point > 1<<16-1 {
			c.bad = true
		}
		if c.bad {
			return
		}
		f(&r)
	}
	if len(c.b) != 0 {
		c.bad = true
	}
}

// putReadings appends the readings of one commit. They are kept for ever. Should they expire one day, the place is here:
// the oldest chunks whose maxAt is past go in the same commit, as drop does with overtaken images; runMax stays right.
func (w *writer) putReadings(records []account.ReadingRecord) error {
	for len(records) > 0 {
		value, n := chunk(records, w.head.Commit, &w.head.RunMax)
		records = records[n:]
		w.head.ReadingSeq++
		if _, err := w.put(bucketReadings, keySeq(w.head.ReadingSeq), value, 0, false); err != nil {
			return err
		}
	}
	return nil
}
