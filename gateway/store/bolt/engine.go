package bolt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"

	"go.etcd.io/bbolt"
)

// Options of Open. The zero value opens or makes a file and has no rule documents parsed.
type Options struct {
	// Config parses the rule documents in force; an error fails the archive event, or the start.
	Config   func(docs []account.Document) (*account.Config, error)
	NoCreate bool // a file that is not there is store.ErrNotFound
	ReadOnly bool // for a stopped gateway: Settle and Put fail, the file is not touched
	Log      *slog.Logger
	// ScrubMax is the largest file, in bytes, whose every value is checked at start-up; 0 is 4 GiB, about ten seconds from
	// a plain disk. In a larger one old readings are checked when they are read.
	ScrubMax int64
	// Fault is for tests: it is asked at each point a disk can fail, and its error happens there.
	// Points: "begin", "apply", "commit" (instead of it), "committed" (it happened, and yet an error is reported).
	Fault func(point string) error
}

// Engine keeps the facts of a gateway in one file. It starts no goroutines.
type Engine struct {
	opt  Options
	path string
	db   *bbolt.DB
	// broken is why nothing works any more, for ever.
	broken atomic.Pointer[error]

	write sync.Mutex // one Settle or Put at a time; guards:
	head  head
	pace  pace
	check checkpoint
	// cursors are few: one for each lane of each outbox an agent ever had.
	cursors map[cursorKey]account.Cursor

	// pub is held for writing from the commit to the end of its effects in memory, and for reading while a view begins:
	// a view has the file and the memory of one commit.
	pub     sync.RWMutex
	states  slab
	archive *archive
	commit  uint64

	due   dueIndex
	stats stats
}

type cursorKey struct {
	agent string
	lane  protocol.Lane
	epoch uint64
}

var _ store.Store = (*Engine)(nil)

var errReadOnly = errors.New("store is open for reading only")

func (e *Engine) usable() error {
	if why := e.broken.Load(); why != nil {
		return *why
	}
	return nil
}

// fail breaks the engine for ever and returns the error that says so.
func (e *Engine) fail(act string, cause error) error {
	err := fmt.Errorf("%s: %w: %w", act, store.ErrBroken, cause)
	e.broken.CompareAndSwap(nil, &err)
	if e.opt.Log != nil {
		e.opt.Log.Error("store broken", "cause", cause)
	}
	return *e.broken.Load()
}

func (e *Engine) fault(point string) error {
	if e.opt.Fault == nil {
		return nil
	}
	return e.opt.Fault(point)
}

// Info names the file.
func (e *Engine) Info() store.Info {
	e.pub.RLock()
	defer e.pub.RUnlock()
	return store.Info{Installation: e.head.Installation, Format: e.head.Format, Generation: e.head.Generation, Path: e.path}
}

// Close waits for the call under way and closes the file. Later calls return store.ErrClosed.
func (e *Engine) Close() error {
	e.write.Lock()
	defer e.write.Unlock()
	closed := fmt.Errorf("%s: %w", e.path, store.ErrClosed)
	if !e.broken.CompareAndSwap(nil, &closed) && errors.Is(*e.broken.Load(), store.ErrClosed) {
		return nil
	}
	if err := e.db.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", e.path, err)
	}
	return nil
}

// Put stores one value of a side table with its audit record.
func (e *Engine) Put(ctx context.Context, table, key string, value []byte, record account.AuditRecord) error {
	if table == "" || key == "" {
		return errors.New("put into a side table: it needs a table and a key")
	}
	e.write.Lock()
	defer e.write.Unlock()
	_, err := e.transact(ctx, "put "+table, func(t *turn) error {
		t.ch = account.Changes{Audit: []account.AuditRecord{record}}
		if err := t.w.putChanges(t); err != nil {
			return err
		}
		if value == nil {
			return t.w.delete(bucketSide, keyPair(table, key))
		}
		return t.w.set(bucketSide, keyPair(table, key), value)
	})
	return err
}

// turn is one transaction of the writer: what it changes takes effect in memory when the commit has happened.
type turn struct {
	w       *writer
	ch      account.Changes
	pace    pace
	paced   bool
	archive *archive // nil: as before
	fresh   []*account.State
	pages   []pageDone
	pending map[account.No]*account.State
	idle    bool // nothing to write: no commit
}

// transact runs f in a write transaction and commits. It is called with write held.
func (e *Engine) transact(ctx context.Context, act string, f func(*turn) error) (t *turn, err error) {
	if err := e.usable(); err != nil {
		return nil, err
	}
	if e.opt.ReadOnly {
		return nil, errReadOnly
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	// A page that cannot be read is a fault of the memory map: an error here, not the end of the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if err := e.fault("begin"); err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	tx, err := e.db.Begin(true)
	if err != nil {
		return nil, e.fail(act, err)
	}
	committing := false
	defer func() {
		if p := recover(); p != nil {
			// bbolt met a damaged tree. After a panic inside a commit nothing is known.
			err = e.fail(act, damaged("%v", p))
		}
		if !committing {
			_ = tx.Rollback() // an error here is of a transaction that is over
		}
	}()
	next := e.head
	next.Commit++
	t = &turn{w: newWriter(tx, next), pace: e.pace, pending: map[account.No]*account.State{}}
	if err := f(t); err != nil {
		if errors.Is(err, store.ErrDamaged) {
			return nil, e.fail(act, err)
		}
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	if t.idle {
		return t, nil
	}
	if err := e.fault("apply"); err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	if t.paced {
		if err := putMeta(tx, keyPace, &t.pace); err != nil {
			return nil, fmt.Errorf("%s: %w", act, err)
		}
	}
	if err := putMeta(tx, keyHead, &t.w.head); err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	e.pub.Lock()
	defer e.pub.Unlock()
	committing = true
	if err := e.fault("commit"); err != nil {
		_ = tx.Rollback()
		return nil, e.fail(act, err)
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback() // lets go of bbolt's lock, so that Close can go on; what is on disk, start-up will tell
		return nil, e.fail(act, err)
	}
	if err := e.fault("committed"); err != nil {
		return nil, e.fail(act, err)
	}
	e.publish(t)
	return t, nil
}

// publish gives memory the effects of a commit that has happened. It is called with write and pub held.
func (e *Engine) publish(t *turn) {
	e.head, e.pace, e.commit = t.w.head, t.pace, t.w.head.Commit
	if t.archive != nil {
		e.archive = t.archive
	}
	for _, s := range t.fresh {
		e.states.set(s)
	}
	e.check.grow(e.head.pages())
	for _, s := range t.ch.States {
		e.states.set(s)
		e.due.set(s.No, s.Due)
		e.check.dirty[int(s.No/pageAccounts)] = true
	}
	for _, p := range t.pages {
		e.check.dirty[p.page], e.check.seals[p.page], e.check.has[p.page] = false, p.seal, true
	}
	for _, c := range t.ch.Cursors {
		e.cursors[cursorKey{c.Agent, c.Lane, c.Epoch}] = c
	}
	e.stats.committed(t)
}
