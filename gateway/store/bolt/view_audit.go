package bolt

import (
	"bytes"
	"sort"

	"feikong/gateway/account"
	"feikong/gateway/store"
)

// Audit reads the records after a number, oldest first; limit 0 means all. Each one's hash is checked, and its link to
// the one before.
func (v *view) Audit(after uint64, limit int) ([]store.AuditEntry, error) {
	return read(v, func() (out []store.AuditEntry, err error) {
		c := v.tx.Bucket([]byte(bucketNames[bucketAudit])).Cursor()
		for k, value := c.Seek(keySeq(after + 1)); k != nil; k, value = c.Next() {
			payload, err := unseal(bucketAudit, k, value)
			if err != nil {
				return nil, err
			}
			e := store.AuditEntry{Seq: seqOf(k)}
			if e.Prev, e.Hash, e.Record, err = decodeAudit(payload); err != nil {
				return nil, err
			}
			if n := len(out); n > 0 && !bytes.Equal(out[n-1].Hash[:], e.Prev[:]) {
				return nil, damaged("audit record %d does not follow record %d", e.Seq, out[n-1].Seq)
			}
			out = append(out, e)
			if limit > 0 && len(out) >= limit {
				break
			}
		}
		return out, nil
	})
}

// sortOrders puts the oldest first; orders of one moment by switch and number.
func sortOrders(o []account.OrderRecord) {
	sort.SliceStable(o, func(i, j int) bool { return o[i].Created < o[j].Created })
}
