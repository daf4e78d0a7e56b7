package bolt

import (
	"sort"

	"feikong/gateway/account"
	"feikong/protocol"

	"go.etcd.io/bbolt"
)

// series is one register of one metering point.
type series struct {
	no       account.No
	point    uint16
	quantity protocol.Quantity
	register uint8
}

func (s *series) has(r *account.ReadingRecord) bool {
	return r.No == s.no && r.Point == s.point && r.Quantity == s.quantity && r.Register == s.register
}

// scanReadings visits the readings of one series from the newest chunk to the oldest. Before each chunk wanted says, by
// the chunk's head, whether it is decoded and whether the search goes on at all.
func scanReadings(tx *bbolt.Tx, s series, wanted func(h *chunkHead) (decode, more bool), f func(r *account.ReadingRecord)) error {
	c := tx.Bucket([]byte(bucketNames[bucketReadings])).Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		if len(v) < sealSize {
			return damaged("chunk %x of readings is empty", k)
		}
		in := cut{b: v[sealSize:]}
		h := in.chunkHead()
		if in.bad {
			return damaged("chunk %x of readings has no head", k)
		}
		decode, more := wanted(&h)
		// The head is believed before its seal is checked only to skip: a chunk that ends the search is checked too.
		if decode || !more {
			if _, err := unseal(bucketReadings, k, v); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		if !decode || s.no < h.minNo || s.no > h.maxNo {
			continue
		}
		in.eachReading(&h, func(r *account.ReadingRecord) {
			if s.has(r) {
				f(r)
			}
		})
		if in.bad {
			return damaged("chunk %x of readings does not end where it should", k)
		}
	}
	return nil
}

// history is the readings with from <= TakenAt <= to, oldest first, led by the newest one before from, if any.
func history(tx *bbolt.Tx, s series, from, to int64) ([]account.ReadingRecord, error) {
	var out []account.ReadingRecord
	var before account.ReadingRecord
	found := false
	err := scanReadings(tx, s, func(h *chunkHead) (bool, bool) {
		if h.runMax < from && found && h.runMax <= before.TakenAt {
			return false, false
		}
		return h.minAt <= to && (h.maxAt >= from || !found || h.maxAt > before.TakenAt), true
	}, func(r *account.ReadingRecord) {
		switch {
		case r.TakenAt > to:
		case r.TakenAt >= from:
			out = append(out, *r)
		case !found || r.TakenAt > before.TakenAt:
			before, found = *r, true
		}
	})
	if err != nil {
		return nil, err
	}
	if found {
		out = append(out, before)
	}
	byTime(out)
	return out, nil
}

// readings is those with from <= TakenAt <= to, oldest first; the newest limit of them, or all when limit is 0.
func readings(tx *bbolt.Tx, s series, from, to int64, limit int) ([]account.ReadingRecord, error) {
	var out []account.ReadingRecord
	floor := from // once there are enough: the time of the oldest that still counts
	err := scanReadings(tx, s, func(h *chunkHead) (bool, bool) {
		return h.minAt <= to && h.maxAt >= floor, h.runMax >= floor
	}, func(r *account.ReadingRecord) {
		if r.TakenAt < floor || r.TakenAt > to {
			return
		}
		out = append(out, *r)
		// Twice the limit before cutting: sorting is paid once for each limit readings.
		if limit > 0 && len(out) >= 2*limit {
			byTime(out)
			out = append(out[:0], out[len(out)-limit:]...)
			floor = out[0].TakenAt
		}
	})
	if err != nil {
		return nil, err
	}
	byTime(out)
	if limit > 0 && len(out) > limit {
		out = out[len(out)-limit:]
	}
	return out, nil
}

func byTime(r []account.ReadingRecord) {
	sort.SliceStable(r, func(i, j int) bool { return r[i].TakenAt < r[j].TakenAt })
}
