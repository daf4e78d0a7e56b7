package bolt

import (
	"encoding/binary"

	"feikong/gateway/account"
)

// bucket is one of the file's areas. The numbers go into checksums and the tallies of the head: they are stored.
type bucket uint8

const (
	bucketMeta      bucket = iota // magic, head, pace of trips: not tallied, it holds the tallies
	bucketReadings                // seq: chunk of readings
	bucketStates                  // seq: chunk of state images since the last whole sweep
	bucketPages                   // page: states of 56 accounts
	bucketLedger                  // account, seq: entry
	bucketKeys                    // event key: first receipt
	bucketOrders                  // account, point, number: order
	bucketOpenOrder               // same key as orders: those queued
	bucketNotices                 // account, number: notice
	bucketOpenNote                // same key as notices: those queued
	bucketBills                   // account, period: bill
	bucketFindings                // account, time, point, code: finding
	bucketOpenFind                // same key as findings: those not closed
	bucketQuarantine
	bucketGaps
	bucketAlarms
	bucketAudit // seq: record in its chain
	bucketCursors
	bucketProfiles
	bucketDocuments
	bucketSide      // table, 0, key: value
	bucketFieldWork // since format 2
	buckets         // how many
)

var bucketNames = [buckets]string{"meta", "readings", "states", "pages", "ledger", "keys", "orders", "orders-open",
	"notices", "notices-open", "bills", "findings", "findings-open", "quarantine", "gaps", "alarms", "audit", "cursors",
	"profiles", "documents", "side", "fieldwork"}

// Big endian keys sort like their numbers.

func keySeq(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// seqOf is the number in a key of eight bytes; 0, which no key has but page 0, for another.
func seqOf(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

func keyNo(no account.No, n uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(no)), n)
}

func keyOrder(no account.No, point uint16, number uint64) []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, 18), uint64(no))
	k = binary.BigEndian.AppendUint16(k, point)
	return binary.BigEndian.AppendUint64(k, number)
}

// keyFinding names a finding by what it is about, so that closing one replaces it. Time first: oldest first.
func keyFinding(f *account.Finding) []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(f.No))
	k = binary.BigEndian.AppendUint64(k, uint64(f.At)^1<<63)
	k = binary.BigEndian.AppendUint16(k, f.Point)
	return append(k, f.Code...)
}

func keyCursor(c *account.Cursor) []byte {
	k := append(append([]byte(c.Agent), 0), byte(c.Lane))
	return binary.BigEndian.AppendUint64(k, c.Epoch)
}

func keyPair(a, b string) []byte { return append(append([]byte(a), 0), b...) }
