package outbox

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"feikong/internal/boltcheck"
)

// nodeMax is more than a page of this file ever has: bbolt leaves up to four values on one however large, a chunk has
// at most 64 KiB, and a record of the relay's journal less than one.
const nodeMax = 1 << 20

// inspect checks the file page by page before bbolt opens it for writing: bbolt then walks it in a goroutine of its own,
// and a panic there ends the process without a word about what to do. A writer is kept out meanwhile.
func inspect(path string) error {
	if info, err := os.Stat(path); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a regular file", ErrFormat)
	}
	lock, lockErr := openReading(path)
	if errors.Is(lockErr, ErrLocked) {
		return lockErr
	}
	err := boltcheck.File(path, boltcheck.Options{NodeMax: nodeMax})
	if lock != nil {
		err = errors.Join(err, lock.Close())
	}
	switch {
	case errors.Is(err, boltcheck.ErrDamaged), errors.Is(err, boltcheck.ErrNotBolt):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
		return err
	}
	return lockErr // bbolt finds fault where we found none: believe it
}

// openReading takes the lock for reading and maps the file; bbolt looks at its two roots only.
func openReading(path string) (db *bolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, ReadOnly: true, NoFreelistSync: true})
	if err != nil {
		return nil, named(err)
	}
	return db, nil
}
