package bolt

import (
	"errors"
	"fmt"
	"os"

	"feikong/gateway/store"
	"feikong/internal/boltcheck"

	"go.etcd.io/bbolt"
)

// inspect checks a file before anything trusts it: every page that can be reached is whole, in its place, reached once
// and in order; every value holds its seal; and each bucket has as many values, with the sum of seals, as the head says.
// What passes cannot make bbolt panic. A file larger than scrubMax is not read as far as the values of old readings.
func inspect(path string, scrubMax int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	// The lock keeps a writer out while we look; opening for reading does not walk the tree.
	db, err := openBolt(path, true)
	if err != nil {
		return err
	}
	defer db.Close() // nothing was written
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	c := &census{shallow: info.Size() > scrubMax}
	if err := boltcheck.File(path, boltcheck.Options{Bucket: c.bucket, Value: c.value}); err != nil {
		return ofPages(err)
	}
	return c.compare(db)
}

// ofPages gives what was found in the pages of a file the names of a store.
func ofPages(err error) error {
	switch {
	case errors.Is(err, boltcheck.ErrDamaged):
		return damaged("%v", err)
	case errors.Is(err, boltcheck.ErrNotBolt):
		return fmt.Errorf("%w: %w", store.ErrFormat, err)
	}
	return err
}

// census counts what a file holds, to be compared with its head.
type census struct {
	shallow bool
	now     bucket // the values seen are of this one
	tallies [buckets]tally
	found   [buckets]bool
}

// bucket is called for each bucket of the root.
func (c *census) bucket(name []byte) error {
	for b := range buckets {
		if bucketNames[b] == string(name) {
			c.found[b], c.now = true, b
			return nil
		}
	}
	if !c.found[bucketMeta] && !anyFound(&c.found) {
		return errStrange
	}
	return damaged("there is an unknown bucket %.64q", name)
}

// errStrange is a sound bbolt file with other buckets.
var errStrange = errors.Join(store.ErrFormat, errors.New("it is a bbolt file, but not of a gateway"))

func anyFound(found *[buckets]bool) bool {
	for _, f := range found {
		if f {
			return true
		}
	}
	return false
}

func (c *census) value(_, key, value []byte) error {
	b := c.now
	if b == bucketMeta && string(key) == string(keyMagic) {
		return nil // loadHead compares it
	}
	if len(value) < sealSize {
		return damaged("value %x of %s fails its checksum", key, bucketNames[b])
	}
	if !(c.shallow && b == bucketReadings) {
		if _, err := unseal(b, key, value); err != nil {
			return err
		}
	}
	c.tallies[b].add(sealRead(value))
	return nil
}

// compare looks whether every bucket is there and holds what the head says.
func (c *census) compare(db *bbolt.DB) error {
	tx, err := db.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of a reading transaction
	h, _, err := loadHead(tx)
	if err != nil {
		return err
	}
	for b := range buckets {
		if !c.found[b] && h.Format < since[b] {
			continue // open makes it
		}
		if !c.found[b] {
			return damaged("%s is not there", bucketNames[b])
		}
		if b == bucketMeta {
			continue
		}
		got, want := c.tallies[b], h.Tally[b]
		if got.N != want.N {
			return damaged("%s has %d values, the head says %d", bucketNames[b], got.N, want.N)
		}
		if got.Sum != want.Sum && !(c.shallow && b == bucketReadings) {
			return damaged("%s holds values of another commit", bucketNames[b])
		}
	}
	return nil
}
