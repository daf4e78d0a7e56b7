package bolt

import (
	"errors"
	"path/filepath"
	"testing"

	"feikong/gateway/store"

	"go.etcd.io/bbolt"
)

// older makes the file what a program of format 1 left behind: without the bucket that format 2 brought.
func older(t *testing.T, path string, format int) {
	t.Helper()
	db, err := openBolt(path, false)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		h, _, err := loadHead(tx)
		if err != nil {
			return err
		}
		h.Format, h.Tally[bucketFieldWork] = format, tally{}
		return errors.Join(tx.DeleteBucket([]byte(bucketNames[bucketFieldWork])), putMeta(tx, keyHead, &h))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestFileOfAnOlderFormatIsRaisedWhenItIsOpenedForWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	e, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	older(t, path, 1)

	look := func(opt Options, format int) {
		t.Helper()
		e, err := Open(path, opt)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if got := e.Info().Format; got != format {
			t.Errorf("got format %d, want %d", got, format)
		}
		if err := e.View(t.Context(), func(v store.View) error {
			work, err := v.FieldWork(0)
			if len(work) != 0 {
				t.Errorf("got %v, want no field work", work)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	look(Options{ReadOnly: true}, 1)
	look(Options{}, formatVersion)
	look(Options{ReadOnly: true}, formatVersion)

	older(t, path, formatVersion) // a bucket that should be there
	if _, err := Open(path, Options{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}
