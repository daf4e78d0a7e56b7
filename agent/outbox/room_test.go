package outbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	bolterr "go.etcd.io/bbolt/errors"

	"feikong/protocol"
)

// Only a write that found no space has changed nothing. After a failed sync nobody knows what the disk holds.
func TestOnlyAFailedWriteIsAFullDisk(t *testing.T) {
	for _, row := range []struct {
		err  error
		want bool
	}{
		{&fs.PathError{Op: "write", Path: "o", Err: syscall.ENOSPC}, true},
		{fmt.Errorf("commit: %w", &fs.PathError{Op: "truncate", Path: "o", Err: syscall.EDQUOT}), true},
		{bolterr.ErrMaxSizeReached, true},
		{syscall.ENOSPC, false}, // what fdatasync gives
		{&fs.PathError{Op: "sync", Path: "o", Err: syscall.ENOSPC}, false},
		{&fs.PathError{Op: "write", Path: "o", Err: syscall.EIO}, false},
		{&fs.PathError{Op: "write", Path: "o", Err: syscall.EROFS}, false},
	} {
		if got := full(row.err); got != row.want {
			t.Errorf("%v: %t, want %t", row.err, got, row.want)
		}
	}
}

// What is acknowledged gives way, so it refuses nobody's order: after an outage the file stays full of it for days.
func TestRoomForATripCountsOnlyWhatCannotBeDropped(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "o"), Options{MaxBytes: MinBytes})
	for i := 0; ; i++ {
		if err := b.Append(round(i*100, 100)); errors.Is(err, ErrFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !b.HasRoom(16 << 10) {
		t.Error("the reserve is not there")
	}
	for b.HasRoom(16 << 10) { // evidence piles up unsent
		if err := b.AppendEvidence([]protocol.Evidence{alarm("a"), alarm("b"), alarm("c")}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range b.Lanes() {
		if err := b.Ack(l.Lane, l.Epoch, l.Next-1); err != nil {
			t.Fatal(err)
		}
	}
	if bytes, limit, _, _ := b.Usage(); bytes+16<<10 <= limit {
		t.Fatalf("the file is not full: %d of %d", bytes, limit)
	}
	if !b.HasRoom(16 << 10) {
		t.Error("no room although everything is acknowledged")
	}
	if b.HasRoom(1 << 60) {
		t.Error("room beyond the disk")
	}
}

func TestCrowdedReadingsDropNoEvidence(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "o"), Options{MaxBytes: MinBytes})
	if err := b.AppendEvidence([]protocol.Evidence{alarm("kept")}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Ack(protocol.LaneEvidence, b.Epoch(), 1); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if err := b.Append(round(i*100, 100)); err != nil {
			t.Fatal(err)
		}
		if err := b.Ack(protocol.LaneReadings, b.Epoch(), b.Lanes()[0].Next-1); err != nil {
			t.Fatal(err)
		}
	}
	if l := b.Lanes()[1]; l.Tail != 1 || b.Lanes()[0].Tail == 1 {
		t.Errorf("got %+v", b.Lanes())
	}
}

// What can be fetched again is not lost when it finds no space, and nobody may be told that it is.
func TestOfferThatFindsNoSpaceOpensNoHole(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "o"), Options{MaxBytes: MinBytes})
	var err error
	for n := 0; err == nil; n++ {
		err = b.Offer(round(n*100, 100))
	}
	if !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	stored := b.Lanes()[0].Next - 1
	if err := b.Ack(protocol.LaneReadings, b.Epoch(), stored); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(round(0, 2)); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Readings(stored+1, 10, 1<<20); err != nil || len(got) != 2 || got[0].Gap != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, _, _, dropped := b.Usage(); dropped != 0 {
		t.Errorf("%d polls are said to be dropped", dropped)
	}
}
