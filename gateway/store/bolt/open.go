package bolt

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/internal/boltcheck"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long a second process waits for the file before it says that another one has it.
const lockWait = time.Second

// mapSize is the address space taken for the file: growing beyond it later would wait for all views to end. It costs
// nothing but addresses, except on Windows, where the file itself would take that size.
func mapSize() int {
	if strconv.IntSize < 64 || runtime.GOOS == "windows" {
		return 0
	}
	return 16 << 30
}

// Open opens the store at path, or makes it. Errors wrap store.ErrLocked, ErrFormat, ErrDamaged or ErrNotFound.
func Open(path string, opt Options) (*Engine, error) {
	e, err := open(path, opt)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if opt.Log != nil {
		opt.Log.Info("store open", "path", path, "commit", e.commit, "accounts", len(e.archive.order), "replayed", e.stats.replayed.Load())
	}
	return e, nil
}

func open(path string, opt Options) (e *Engine, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if opt.NoCreate || opt.ReadOnly {
			return nil, fmt.Errorf("%w: there is no such file", store.ErrNotFound)
		}
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make it: %w", err)
		}
	case err != nil:
		return nil, err
	}
	if err := ours(path); err != nil {
		return nil, err
	}
	// bbolt walks the tree when it opens a file for writing, and panics on damage in a goroutine of its own, where nobody
	// can catch it. So the tree is walked here first, with the file locked for reading.
	if opt.ScrubMax == 0 {
		opt.ScrubMax = 4 << 30
	}
	if err := inspect(path, opt.ScrubMax); err != nil {
		return nil, err
	}
	db, err := openBolt(path, opt.ReadOnly)
	if err != nil {
		return nil, err
	}
	e = &Engine{opt: opt, path: path, db: db, cursors: map[cursorKey]account.Cursor{}}
	if !opt.ReadOnly {
		err = raise(db)
	}
	if err == nil {
		err = e.load()
	}
	if err != nil {
		_ = db.Close() // the first error is the one to tell
		return nil, err
	}
	return e, nil
}

// ours looks at the roots, before anything maps the file.
func ours(path string) error { return ofPages(boltcheck.FileHead(path)) }

func openBolt(path string, readOnly bool) (db *bbolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, damaged("%v", p)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, ReadOnly: readOnly, NoFreelistSync: true,
		FreelistType: bbolt.FreelistMapType, InitialMmapSize: mapSize()})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w: stop it first", store.ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, damaged("%v", err)
	}
	return db, err
}

// create makes an empty store under another name and moves it into place when it is whole and on disk: a power cut
// leaves either nothing under path or a store.
func create(path string) error {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	h := head{Format: formatVersion, Installation: hex.EncodeToString(id[:]), Generation: 1, NextNo: 1}
	h.SweepFrom, h.SweptFrom = 1, 1
	temp := path + ".new-" + h.Installation[:8]
	defer os.Remove(temp) // after the move it is not there
	db, err := openBolt(temp, false)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range bucketNames {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		if err := tx.Bucket([]byte(bucketNames[bucketMeta])).Put(keyMagic, []byte(magic)); err != nil {
			return err
		}
		if err := putMeta(tx, keyPace, &pace{}); err != nil {
			return err
		}
		return putMeta(tx, keyHead, &h)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	// A link fails when the name is taken meanwhile; a rename would replace another process's store.
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(temp, path); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory cannot be synced there; the file system's journal keeps the order
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// load fills memory from the file: head, archive, cursors, pages, and the images written since.
func (e *Engine) load() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	tx, err := e.db.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of a reading transaction
	if e.head, e.pace, err = loadHead(tx); err != nil {
		return err
	}
	e.commit = e.head.Commit
	if e.archive, err = loadArchive(tx, e.head.Config, e.opt.Config); err != nil {
		return err
	}
	cursors, err := list[account.Cursor](tx, bucketCursors, nil)
	if err != nil {
		return err
	}
	for _, c := range cursors {
		e.cursors[cursorKey{c.Agent, c.Lane, c.Epoch}] = c
	}
	return e.loadStates(tx)
}

func loadHead(tx *bbolt.Tx) (h head, p pace, err error) {
	meta := tx.Bucket([]byte(bucketNames[bucketMeta]))
	if meta == nil || string(meta.Get(keyMagic)) != magic {
		return h, p, fmt.Errorf("%w: it is a bbolt file, but not of a gateway", store.ErrFormat)
	}
	data, err := get(tx, bucketMeta, keyHead)
	if err != nil {
		return h, p, err
	}
	var format struct{ Format int }
	if err := json.Unmarshal(data, &format); err != nil {
		return h, p, damaged("head: %v", err)
	}
	if format.Format < 1 || format.Format > formatVersion {
		return h, p, fmt.Errorf("%w: version %d, this program knows %d: use the program that wrote it, or a newer one", store.ErrFormat, format.Format, formatVersion)
	}
	if err := parse(bucketMeta, keyHead, data, &h); err != nil {
		return h, p, err
	}
	_, err = getJSON(tx, bucketMeta, keyPace, &p)
	return h, p, err
}

// raise brings a file of an older format to ours, in one transaction: the buckets it lacks, and the number.
func raise(db *bbolt.DB) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	return db.Update(func(tx *bbolt.Tx) error {
		h, _, err := loadHead(tx)
		if err != nil || h.Format == formatVersion {
			return err
		}
		for b := range buckets {
			if h.Format < since[b] {
				if _, err := tx.CreateBucketIfNotExists([]byte(bucketNames[b])); err != nil {
					return err
				}
			}
		}
		h.Format = formatVersion
		return putMeta(tx, keyHead, &h)
	})
}

func loadArchive(tx *bbolt.Tx, generation uint64, parse func([]account.Document) (*account.Config, error)) (*archive, error) {
	a := &archive{}
	profiles, err := list[*account.Profile](tx, bucketProfiles, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		for uint64(len(a.profiles)) <= uint64(p.No) {
			a.profiles = append(a.profiles, nil)
		}
		a.profiles[p.No] = p
	}
	if a.documents, err = list[account.Document](tx, bucketDocuments, nil); err != nil {
		return nil, err
	}
	if err := a.build(); err != nil {
		return nil, damaged("%v", err)
	}
	a.config, err = configOf(a.documents, generation, parse)
	return a, err
}

func (e *Engine) loadStates(tx *bbolt.Tx) error {
	e.check.grow(e.head.pages())
	for _, p := range e.archive.profiles {
		if p != nil {
			e.states.set(newState(p))
		}
	}
	pageSeq := make([]uint64, e.head.pages())
	keep := func(s *account.State) error {
		p := e.archive.profile(s.No)
		if p == nil {
			return damaged("state of account %d, which has no profile", s.No)
		}
		e.states.set(widen(s, p))
		return nil
	}
	err := scan(tx, bucketPages, nil, func(key, payload []byte) (bool, error) {
		page := seqOf(key)
		if page >= uint64(len(pageSeq)) {
			return false, damaged("page %d of states, of %d", page, len(pageSeq))
		}
		seq, err := decodePage(payload, keep)
		pageSeq[page] = seq
		e.check.has[page], e.check.seals[page] = true, sealSum(bucketPages, key, payload)
		return true, err
	})
	if err != nil {
		return err
	}
	err = scan(tx, bucketStates, nil, func(key, payload []byte) (bool, error) {
		seq := seqOf(key)
		return true, decodeImages(payload, func(s *account.State) error {
			page := uint64(s.No) / pageAccounts
			if page < uint64(len(pageSeq)) && seq <= pageSeq[page] {
				return nil // the page was written later
			}
			if page < uint64(len(pageSeq)) {
				e.check.dirty[page] = true
			}
			e.stats.replayed.Add(1)
			return keep(s)
		})
	})
	if err != nil {
		return err
	}
	for _, b := range e.states.blocks {
		if b == nil {
			continue
		}
		for _, s := range b.states {
			if s != nil && s.Due != 0 {
				e.due.set(s.No, s.Due)
			}
		}
	}
	return nil
}
