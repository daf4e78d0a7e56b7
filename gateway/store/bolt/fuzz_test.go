package bolt

import (
	"errors"
	"testing"

	"feikong/billing/ledger"
	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"

	"github.com/google/go-cmp/cmp"
)

func someReadings() []account.ReadingRecord {
	return []account.ReadingRecord{
		{No: 7, Point: 1, Quantity: protocol.ActiveImport, Value: 1 << 40, TakenAt: 1_800_000_000_000, Method: protocol.MethodPoll},
		{No: 3, Quantity: protocol.ClockDrift, Register: 2, Value: -5, TakenAt: 1_799_999_999_000, Flags: account.FlagLate | account.FlagHeld},
		{No: 1 << 50, Point: 65535, Value: -1 << 63, TakenAt: 1<<63 - 1, Flags: account.FlagUntrusted},
	}
}

func readChunk(data []byte) (h chunkHead, out []account.ReadingRecord, ok bool) {
	c := cut{b: data}
	if h = c.chunkHead(); !c.bad {
		c.eachReading(&h, func(r *account.ReadingRecord) { out = append(out, *r) })
	}
	return h, out, !c.bad
}

func TestChunkComesBackAsItWasStored(t *testing.T) {
	want := someReadings()
	runMax := int64(5)
	value, n := chunk(want, 9, &runMax)
	h, got, ok := readChunk(value[sealSize:])
	if !ok || n != 3 || runMax != 1_800_000_000_000 {
		t.Fatalf("chunk of %d, newest %d, readable %v", n, runMax, ok)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("readings (-want +got):\n%s", d)
	}
	if h.commit != 9 || h.minAt != 1_799_999_999_000 || h.maxAt != 1<<63-1 || h.runMax != runMax || h.minNo != 3 || h.maxNo != 1<<50 {
		t.Errorf("head %+v", h)
	}
}

func TestFullChunkStaysWithinItsBound(t *testing.T) {
	records := make([]account.ReadingRecord, 1000)
	for i := range records {
		sign := int64(1 - 2*(i%2))
		records[i] = account.ReadingRecord{No: account.No(uint64(i%2) << 63), Point: 65535, Value: sign * (1 << 62), TakenAt: sign * (1 << 62)}
	}
	runMax := int64(0)
	if value, n := chunk(records, 1, &runMax); n != chunkReadings || len(value) > chunkBytes {
		t.Errorf("%d readings in %d bytes, at most %d", n, len(value), chunkBytes)
	}
}

func FuzzDecodeChunk(f *testing.F) {
	runMax := int64(0)
	value, _ := chunk(someReadings(), 1, &runMax)
	f.Add(value[sealSize:])
	f.Add([]byte{chunkVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, got, ok := readChunk(data)
		if ok && len(got) != h.count {
			t.Fatalf("%d readings, the head says %d", len(got), h.count)
		}
	})
}

func FuzzDecodeStates(f *testing.F) {
	s := &account.State{No: 3, Version: 2, Points: make([]account.Point, 1)}
	f.Add(account.AppendState([]byte{chunkVersion, 1}, s))
	f.Add(account.AppendState([]byte{chunkVersion, 1, 1}, s))
	f.Fuzz(func(t *testing.T, data []byte) {
		keep := func(s *account.State) error {
			if s == nil {
				t.Error("a nil state")
			}
			return nil
		}
		_, err := decodePage(data, keep)
		if err2 := decodeImages(data, keep); err != nil && !errors.Is(err, store.ErrDamaged) || err2 != nil && !errors.Is(err2, store.ErrDamaged) {
			t.Errorf("errors %v, %v", err, err2)
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	e := ledger.NewPayment(5, "k", 6)
	f.Add(appendEntry(nil, &e))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := decodeEntry(data); err == nil {
			if again, err := decodeEntry(appendEntry(nil, &e)); err != nil || again != e {
				t.Errorf("entry %+v comes back as %+v, %v", e, again, err)
			}
		}
	})
}

func FuzzDecodeAudit(f *testing.F) {
	f.Add(make([]byte, 64+8+20))
	record := appendAudit(nil, &account.AuditRecord{Actor: "a"})
	hash := auditHash([32]byte{}, record)
	f.Add(append(append(make([]byte, 32), hash[:]...), record...))
	f.Fuzz(func(t *testing.T, data []byte) {
		prev, hash, r, err := decodeAudit(data)
		if err == nil && auditHash(prev, appendAudit(nil, &r)) != hash {
			t.Error("a record that does not match its hash was read")
		}
	})
}

// FuzzValue gives values to the count of what a file holds; its pages are fuzzed in internal/boltcheck.
func FuzzValue(f *testing.F) {
	f.Add(byte(0), []byte("head"), []byte("12345"))
	f.Add(byte(buckets-1), []byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, b byte, key, value []byte) {
		c := &census{now: bucket(b) % buckets}
		if err := c.value(nil, key, value); err != nil && !errors.Is(err, store.ErrDamaged) {
			t.Errorf("error %v", err)
		}
	})
}
