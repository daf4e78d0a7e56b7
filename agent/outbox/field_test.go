package outbox

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"feikong/protocol"
)

func fieldRecord(id string) (protocol.FieldRecord, []protocol.Reading) {
	ref := protocol.MeterRef{Line: "l1", Address: "000000000101"}
	return protocol.FieldRecord{Kind: "reading", ID: id, Person: "Li", Meter: ref, At: 1, Body: []byte(strings.Repeat("x", protocol.MaxRecord))},
		[]protocol.Reading{{Meter: ref, Quantity: protocol.ActiveImport, Value: 123456, Exp: -2, TakenAt: 1, Method: protocol.MethodHand, Side: protocol.SideSecondary}}
}

func TestRecordAndItsReadingsAreStoredOnceAndTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	for range 2 { // the second time after a restart
		b, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r, rs := fieldRecord("a")
			if err := b.AppendRecord(r, rs); err != nil {
				t.Fatal(err)
			}
		}
		other, rs := fieldRecord("a")
		other.Body = []byte("{}")
		if err := b.AppendRecord(other, rs); !errors.Is(err, ErrOtherRecord) {
			t.Errorf("another body of the same id: got %v", err)
		}
		evidence, err := b.Evidence(1, 10, 1<<20)
		if err != nil || len(evidence) != 1 || evidence[0].Record == nil || evidence[0].Record.ID != "a" {
			t.Errorf("got %d entries of evidence, %v", len(evidence), err)
		}
		readings, err := b.Newest(10)
		if err != nil || len(readings) != 1 || readings[0].Reading.Method != protocol.MethodHand {
			t.Errorf("got readings %+v, %v", readings, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordThatFindsNoSpaceLeavesNoHalf(t *testing.T) {
	b, err := Open(filepath.Join(t.TempDir(), "outbox.db"), Options{MaxBytes: MinBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	n := 0
	for err == nil {
		r, rs := fieldRecord(string(rune('a' + n)))
		if err = b.AppendRecord(r, rs); err == nil {
			n++
		}
	}
	if !errors.Is(err, ErrFull) || n < 5 {
		t.Fatalf("after %d records: %v", n, err)
	}
	if l := b.Lanes(); l[0].Next != uint64(n+1) || l[1].Next != uint64(n+1) {
		t.Errorf("after %d records the lanes are at %+v", n, l)
	}
}

func TestBeginNamesWhatAnOlderFileMayHaveHeldOnce(t *testing.T) {
	b, err := Open(filepath.Join(t.TempDir(), "outbox.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for range 2 {
		if err := b.Begin(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Newest(10)
	if err != nil || len(got) != 1 || got[0].Gap == nil || got[0].Gap.Reason != "outbox new" {
		t.Errorf("got %+v, %v", got, err)
	}
}
