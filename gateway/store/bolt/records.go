package bolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	"feikong/billing"
	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/protocol"
)

// What is rare is stored as JSON of the record itself; records_test.go holds the bytes of every kind as they are in files
// of this format, so a change of a record that would change a file fails there first. Ledger and audit, which are hashed,
// have a binary form.

// parse reads a JSON value whose seal held: an unknown field is of a newer program, not noise.
func parse(b bucket, key, data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return damaged("value %x of %s cannot be read: %v", key, bucketNames[b], err)
	}
	return nil
}

// receiptRecord is a receipt on disk: the digest in hex.
type receiptRecord struct {
	Status account.Status
	Digest string
	Rule   string        `json:",omitempty"`
	Detail string        `json:",omitempty"`
	Ref    string        `json:",omitempty"`
	Commit uint64        `json:",omitempty"`
	Ack    *protocol.Ack `json:",omitempty"`
}

func newReceiptRecord(r *account.Receipt) receiptRecord {
	return receiptRecord{r.Status, hex.EncodeToString(r.Digest[:]), r.Rule, r.Detail, r.Ref, r.Commit, r.Ack}
}

func (r *receiptRecord) receipt(key string) (account.Receipt, error) {
	out := account.Receipt{Key: key, Status: r.Status, Rule: r.Rule, Detail: r.Detail, Ref: r.Ref, Commit: r.Commit, Ack: r.Ack}
	digest, err := hex.DecodeString(r.Digest)
	if err != nil || len(digest) != len(out.Digest) {
		return out, damaged("receipt of key %q has no digest", key)
	}
	copy(out.Digest[:], digest)
	return out, nil
}

const ledgerVersion = 1

func appendEntry(dst []byte, e *ledger.Entry) []byte {
	dst = append(dst, ledgerVersion, byte(e.Kind), byte(e.Debit), byte(e.Credit))
	dst = binary.AppendUvarint(dst, e.Seq)
	dst = binary.AppendVarint(dst, int64(e.Amount))
	dst = binary.AppendVarint(dst, e.At)
	dst = binary.AppendUvarint(dst, uint64(len(e.Ref)))
	dst = append(dst, e.Ref...)
	dst = append(dst, e.Prev[:]...)
	return append(dst, e.Hash[:]...)
}

func decodeEntry(data []byte) (e ledger.Entry, err error) {
	c := cut{b: data}
	if v := c.byte(); v != ledgerVersion {
		return e, damaged("ledger entry has layout %d", v)
	}
	e.Kind, e.Debit, e.Credit = ledger.Kind(c.byte()), ledger.Book(c.byte()), ledger.Book(c.byte())
	e.Seq, e.Amount, e.At = c.uint(), billing.Money(c.int()), c.int()
	e.Ref = string(c.take(int(min(c.uint(), 1<<16))))
	copy(e.Prev[:], c.take(32))
	copy(e.Hash[:], c.take(32))
	if c.bad || len(c.b) != 0 {
		return e, damaged("ledger entry does not end where it should")
	}
	return e, nil
}

// auditDomain keeps these hashes apart from every other hash of the house.
const auditDomain = "feikong audit 1\x00"

// appendAudit is the canonical form of an audit record: what is hashed and what is stored.
func appendAudit(dst []byte, r *account.AuditRecord) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.At))
	for _, s := range []string{r.Actor, r.Action, r.Object, r.Detail, r.Result} {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

func auditHash(prev [32]byte, record []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(auditDomain))
	h.Write(prev[:])
	h.Write(record)
	return [32]byte(h.Sum(nil))
}

// decodeAudit splits a stored audit value: prev, hash, record.
func decodeAudit(data []byte) (prev, hash [32]byte, r account.AuditRecord, err error) {
	c := cut{b: data}
	copy(prev[:], c.take(32))
	copy(hash[:], c.take(32))
	body := c.b
	if at := c.take(8); at != nil {
		r.At = int64(binary.BigEndian.Uint64(at))
	}
	for _, s := range []*string{&r.Actor, &r.Action, &r.Object, &r.Detail, &r.Result} {
		if n := c.take(4); n != nil {
			*s = string(c.take(int(binary.BigEndian.Uint32(n))))
		}
	}
	if c.bad || len(c.b) != 0 {
		return prev, hash, r, damaged("audit record does not end where it should")
	}
	if auditHash(prev, body) != hash {
		return prev, hash, r, damaged("audit record does not match its hash")
	}
	return prev, hash, r, nil
}

// cut takes values from the front of b; after the first that does not fit, bad is set and all are zero.
type cut struct {
	b   []byte
	bad bool
}

func (c *cut) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cut) byte() byte {
	if v := c.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cut) uint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cut) int() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}
