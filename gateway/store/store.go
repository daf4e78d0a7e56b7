// Package store is the contract between the gateway and the engine that keeps its facts. Its comments are the contract;
// storetest is the contract's teeth. Engines: store/bolt (embedded), others by the same suite.
package store

import (
	"context"
	"errors"

	"feikong/gateway/account"
	"feikong/protocol"
)

// Errors of every engine; test with errors.Is.
var (
	// ErrBroken: a commit failed or its result is unknown. Memory may be ahead of the disk: the process must stop,
	// recovery is start-up. Every later call returns it.
	ErrBroken = errors.New("store is broken: restart to recover")
	// ErrLocked: another process has the file.
	ErrLocked = errors.New("store is in use by another process")
	// ErrFormat: the file is not ours, or of a format version this program does not know.
	ErrFormat = errors.New("store format is not known")
	// ErrDamaged: a value fails its checksum or the file does not open.
	ErrDamaged = errors.New("store is damaged")
	// ErrNotFound: a reader asked for what is not there.
	ErrNotFound = errors.New("not found")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrThink: think panicked or did not answer each event. Nothing of the call is durable; the store goes on.
	ErrThink = errors.New("settlement failed")
)

// MaxKey is the longest event key in bytes.
const MaxKey = 512

// Store keeps profiles, states, ledger, readings, orders, notices and audit.
//
// Settle commits the changes that think makes of the facts, or nothing. think is pure and may run again; it sees the events
// that are new, in order, and must return one receipt for each. An event whose Key is already committed (or stands earlier in
// the same call) is not given to think: its answer is the first receipt, with Status Duplicate when its content digest is the
// same and Conflict when it is not. Receipts come back in the order of events, with Commit set. After an error nothing of the call
// is durable, unless the error is ErrBroken: then it may be, and start-up tells. Calls are serialised by the engine.
//
// A receipt with Status Refused binds nothing: the event did nothing, so its key is free, and may be sent again when the reason is gone.
// A state must come with the version after the stored one, a cursor must not go back within its epoch, an archive must keep every
// metering point of the accounts it names: otherwise the call fails and nothing of it is durable. States, and what else
// Changes point to, belong to the engine from then on.
//
// An archive takes effect with its commit, not within the same call: profiles are compared without No and Version (both are
// the engine's), numbers of new accounts are allocated, their states have Version 0 and counters at 1.
//
// What Settle returned survives kill -9 and power loss.
type Store interface {
	Settle(ctx context.Context, events []account.Event, think func(facts account.Facts, events []account.Event) account.Changes) ([]account.Receipt, error)
	// View gives a consistent, durable state to read. It is valid inside f only, by one goroutine; f neither settles nor opens
	// another view, and is short: what it reads cannot be reused by the file while it runs. When a value turns out to be
	// damaged, View returns ErrDamaged, whatever f made of it.
	View(ctx context.Context, f func(View) error) error
	// Put stores one value of a small side table (users, tokens, sessions) with its audit record, in one commit; nil deletes.
	Put(ctx context.Context, table, key string, value []byte, record account.AuditRecord) error
	// Info names the file.
	Info() Info
	// Stats are the engine's counters, by name, for /metrics.
	Stats() map[string]int64
	Close() error
}

// Info names a store.
type Info struct {
	Installation string // random, made with the file
	Format       int
	Generation   uint32
	Path         string
}

// View is a consistent reading of durable facts. Slices are the caller's to keep.
type View interface {
	Config() *account.Config
	Documents() []account.Document
	Accounts() []account.No // by ID
	ByID(id string) (account.No, bool)
	Profile(no account.No) *account.Profile
	State(no account.No) *account.State // a clone
	Ledger(no account.No) ([]account.LedgerEntry, error)
	Orders(no account.No) ([]account.OrderRecord, error) // oldest first
	Notices(no account.No) ([]account.NoticeRecord, error)
	Bills(no account.No) ([]account.Bill, error)
	Findings(no account.No) ([]account.Finding, error) // open and closed, oldest first
	// Readings are those with from <= TakenAt <= to, oldest first; when there are more than limit, the newest. limit 0: no limit.
	Readings(no account.No, point uint16, q protocol.Quantity, register uint8, from, to int64, limit int) ([]account.ReadingRecord, error)
	Quarantine(limit int) ([]account.Quarantined, error) // newest first
	Gaps(limit int) ([]account.GapRecord, error)
	Alarms(limit int) ([]account.AlarmRecord, error)
	FieldWork(limit int) ([]account.FieldWork, error)    // newest first
	Audit(after uint64, limit int) ([]AuditEntry, error) // oldest first
	Key(key string) (account.Receipt, bool)
	Cursors() []account.Cursor
	Due(now int64, limit int) []account.No                  // accounts whose due time has come, earliest first
	NextDue() int64                                         // 0 none
	OpenOrders(agent string) ([]account.OrderRecord, error) // state queued; "" all agents
	OpenNotices() ([]account.NoticeRecord, error)           // state queued or failed: not delivered yet
	Floors(agent string) []protocol.OrderFloor              // highest order of each switch
	Get(table, key string) ([]byte, bool)
	List(table string) map[string][]byte
	Commit() uint64
}

// AuditEntry is an audit record in its chain: hash = SHA-256(domain, previous hash, canonical record).
type AuditEntry struct {
	Seq        uint64
	Prev, Hash [32]byte
	Record     account.AuditRecord
}
