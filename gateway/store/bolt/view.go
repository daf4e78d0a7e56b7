package bolt

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime/debug"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"

	"go.etcd.io/bbolt"
)

// view is one commit: the file's transaction and the memory that belongs to it. err is the first damaged value met.
type view struct {
	e       *Engine
	tx      *bbolt.Tx
	blocks  []*block
	archive *archive
	commit  uint64
	err     error
}

var _ store.View = (*view)(nil)

// View runs f on what is durable.
func (e *Engine) View(ctx context.Context, f func(store.View) error) (err error) {
	if err := e.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("view: %w", err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	v, err := e.begin()
	if err != nil {
		return err
	}
	defer func() { _ = v.tx.Rollback() }() // of a reading transaction: nothing to lose
	if err := f(v); v.err == nil {
		return err
	}
	return fmt.Errorf("view: %w", v.err)
}

func (e *Engine) begin() (*view, error) {
	e.pub.RLock()
	defer e.pub.RUnlock()
	if err := e.usable(); err != nil { // it may have broken while we waited
		return nil, err
	}
	tx, err := e.db.Begin(false)
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	return &view{e: e, tx: tx, blocks: e.states.snapshot(), archive: e.archive, commit: e.commit}, nil
}

// try runs one reading of the file. A damaged tree, on which bbolt panics, is an error like a damaged value.
func (v *view) try(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
		if err != nil && v.err == nil {
			v.err = err
		}
	}()
	return f()
}

func read[T any](v *view, f func() (T, error)) (out T, err error) {
	err = v.try(func() (err error) { out, err = f(); return err })
	return out, err
}

func (v *view) Config() *account.Config                { return v.archive.config }
func (v *view) Accounts() []account.No                 { return append([]account.No(nil), v.archive.order...) }
func (v *view) ByID(id string) (account.No, bool)      { no, ok := v.archive.byID[id]; return no, ok }
func (v *view) Profile(no account.No) *account.Profile { return v.archive.profile(no) }
func (v *view) Commit() uint64                         { return v.commit }

func (v *view) Documents() []account.Document {
	out := append([]account.Document(nil), v.archive.documents...)
	for i := range out {
		out[i].Body = bytes.Clone(out[i].Body)
	}
	return out
}

func (v *view) State(no account.No) *account.State {
	if s := stateOf(v.blocks, no); s != nil {
		return s.Clone()
	}
	return nil
}

func (v *view) Ledger(no account.No) ([]account.LedgerEntry, error) {
	return read(v, func() (out []account.LedgerEntry, err error) {
		err = scan(v.tx, bucketLedger, prefixNo(no), func(_, payload []byte) (bool, error) {
			e, err := decodeEntry(payload)
			out = append(out, account.LedgerEntry{No: no, Entry: e})
			return true, err
		})
		return out, err
	})
}

func (v *view) Orders(no account.No) ([]account.OrderRecord, error) {
	return read(v, func() ([]account.OrderRecord, error) {
		out, err := list[account.OrderRecord](v.tx, bucketOrders, prefixNo(no))
		sortOrders(out)
		return out, err
	})
}

func (v *view) Notices(no account.No) ([]account.NoticeRecord, error) {
	return read(v, func() ([]account.NoticeRecord, error) {
		return list[account.NoticeRecord](v.tx, bucketNotices, prefixNo(no))
	})
}

func (v *view) Bills(no account.No) ([]account.Bill, error) {
	return read(v, func() ([]account.Bill, error) { return list[account.Bill](v.tx, bucketBills, prefixNo(no)) })
}

func (v *view) Findings(no account.No) ([]account.Finding, error) {
	return read(v, func() ([]account.Finding, error) {
		return list[account.Finding](v.tx, bucketFindings, prefixNo(no))
	})
}

func (v *view) Readings(no account.No, point uint16, q protocol.Quantity, register uint8, from, to int64, limit int) ([]account.ReadingRecord, error) {
	return read(v, func() ([]account.ReadingRecord, error) {
		return readings(v.tx, series{no, point, q, register}, from, to, limit)
	})
}

func (v *view) Quarantine(limit int) ([]account.Quarantined, error) {
	return read(v, func() ([]account.Quarantined, error) {
		return newest[account.Quarantined](v.tx, bucketQuarantine, limit)
	})
}

func (v *view) Gaps(limit int) ([]account.GapRecord, error) {
	return read(v, func() ([]account.GapRecord, error) { return newest[account.GapRecord](v.tx, bucketGaps, limit) })
}

func (v *view) FieldWork(limit int) ([]account.FieldWork, error) {
	return read(v, func() ([]account.FieldWork, error) {
		if v.tx.Bucket([]byte(bucketNames[bucketFieldWork])) == nil {
			return nil, nil // a file of format 1, opened for reading
		}
		return newest[account.FieldWork](v.tx, bucketFieldWork, limit)
	})
}

func (v *view) Alarms(limit int) ([]account.AlarmRecord, error) {
	return read(v, func() ([]account.AlarmRecord, error) { return newest[account.AlarmRecord](v.tx, bucketAlarms, limit) })
}

func (v *view) Key(key string) (account.Receipt, bool) {
	found := false
	r, err := read(v, func() (r account.Receipt, err error) { r, found, err = getReceipt(v.tx, key); return r, err })
	return r, found && err == nil
}

func (v *view) Cursors() []account.Cursor {
	out, _ := read(v, func() ([]account.Cursor, error) { return list[account.Cursor](v.tx, bucketCursors, nil) })
	return out
}

// Due rests on the index as it is now, and keeps to the accounts that are due in this view too.
func (v *view) Due(now int64, limit int) []account.No {
	var out []account.No
	for _, no := range v.e.due.upTo(now, limit) {
		if s := stateOf(v.blocks, no); s != nil && s.Due != 0 && s.Due <= now {
			out = append(out, no)
		}
	}
	return out
}

func (v *view) NextDue() int64 { return v.e.due.next() }

func (v *view) OpenOrders(agent string) ([]account.OrderRecord, error) {
	return read(v, func() (out []account.OrderRecord, err error) {
		all, err := indexed[account.OrderRecord](v.tx, bucketOpenOrder, bucketOrders, nil)
		for _, o := range all {
			if agent == "" || o.Order.Agent == agent {
				out = append(out, o)
			}
		}
		sortOrders(out)
		return out, err
	})
}

func (v *view) OpenNotices() ([]account.NoticeRecord, error) {
	return read(v, func() ([]account.NoticeRecord, error) {
		return indexed[account.NoticeRecord](v.tx, bucketOpenNote, bucketNotices, nil)
	})
}

// Floors is the highest order of each switch on the agent's lines: numbers of a switch sort, so its last order is it.
func (v *view) Floors(agent string) []protocol.OrderFloor {
	out, _ := read(v, func() (out []protocol.OrderFloor, err error) {
		c := v.tx.Bucket([]byte(bucketNames[bucketOrders])).Cursor()
		for _, in := range v.archive.agents[agent] {
			prefix := keyOrder(in.no, in.point, 0)[:10]
			k, val := c.Seek(keyOrder(in.no, in.point, math.MaxUint64))
			if !bytes.HasPrefix(k, prefix) {
				if k == nil {
					k, val = c.Last()
				} else {
					k, val = c.Prev()
				}
			}
			if !bytes.HasPrefix(k, prefix) {
				continue // no order yet
			}
			payload, err := unseal(bucketOrders, k, val)
			if err != nil {
				return nil, err
			}
			var o account.OrderRecord
			if err := parse(bucketOrders, k, payload, &o); err != nil {
				return nil, err
			}
			out = append(out, protocol.OrderFloor{Meter: in.meter, Order: o.Order.ID})
		}
		return out, nil
	})
	return out
}

func (v *view) Get(table, key string) ([]byte, bool) {
	found := false
	out, err := read(v, func() ([]byte, error) {
		value, err := get(v.tx, bucketSide, keyPair(table, key))
		found = value != nil
		return bytes.Clone(value), err
	})
	return out, found && err == nil
}

func (v *view) List(table string) map[string][]byte {
	prefix := keyPair(table, "")
	out, _ := read(v, func() (map[string][]byte, error) {
		out := map[string][]byte{}
		return out, scan(v.tx, bucketSide, prefix, func(key, payload []byte) (bool, error) {
			out[string(key[len(prefix):])] = bytes.Clone(payload)
			return true, nil
		})
	})
	return out
}
