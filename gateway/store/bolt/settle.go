package bolt

import (
	"context"
	"errors"
	"fmt"

	"feikong/gateway/account"
	"feikong/gateway/store"
)

// Settle commits what think makes of the events, as the contract in package store says.
func (e *Engine) Settle(ctx context.Context, events []account.Event, think func(account.Facts, []account.Event) account.Changes) ([]account.Receipt, error) {
	if len(events) == 0 {
		return nil, e.usable()
	}
	e.write.Lock()
	defer e.write.Unlock()
	act := fmt.Sprintf("settle commit %d", e.head.Commit+1)
	var receipts []account.Receipt
	_, err := e.transact(ctx, act, func(t *turn) error {
		s, err := sift(t, events)
		if err != nil {
			return err
		}
		if len(s.fresh) > 0 {
			if err := e.think(t, s.fresh, think); err != nil {
				return err
			}
			for i := range t.ch.Receipts {
				r := &t.ch.Receipts[i]
				r.Key, r.Digest, r.Commit = s.fresh[i].Key, s.digests[i], t.w.head.Commit
				if r.Ack != nil {
					ack := *r.Ack
					ack.Gateway, ack.Commit = t.w.head.Installation, r.Commit
					r.Ack = &ack
				}
				if err := t.w.putReceipt(r); err != nil {
					return err
				}
			}
			if err := e.apply(t); err != nil {
				return err
			}
		}
		if t.idle = isIdle(t, s.fresh); t.idle {
			for i := range t.ch.Receipts { // they rest on the commit before
				r := &t.ch.Receipts[i]
				r.Commit = e.head.Commit
				if r.Ack != nil {
					r.Ack.Commit = r.Commit
				}
			}
		}
		receipts = s.answer(t.ch.Receipts)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return receipts, nil
}

// isIdle tells whether nothing at all would be written: duplicates, and batches that came again.
func isIdle(t *turn, fresh []account.Event) bool {
	c := &t.ch
	for i := range fresh {
		if fresh[i].Key != "" && c.Receipts[i].Status != account.Refused {
			return false
		}
	}
	return t.archive == nil && len(c.Cursors)+len(c.Readings)+len(c.States)+len(c.Entries)+len(c.Findings)+len(c.Orders)+
		len(c.Notices)+len(c.Bills)+len(c.Quarantine)+len(c.Gaps)+len(c.Alarms)+len(c.FieldWork)+len(c.Audit) == 0
}

// sifted is the events that are new, and where the answers of all come from.
type sifted struct {
	fresh   []account.Event
	digests [][32]byte // of fresh
	from    []int      // of each event: index in fresh, or -1 with the answer in known
	known   []account.Receipt
	again   []bool // the event repeats fresh[from]
	digest  [][32]byte
}

func sift(t *turn, events []account.Event) (*sifted, error) {
	s := &sifted{from: make([]int, len(events)), known: make([]account.Receipt, len(events)), again: make([]bool, len(events)), digest: make([][32]byte, len(events))}
	here := map[string]int{}
	for i := range events {
		ev := &events[i]
		if ev.Key != "" {
			if len(ev.Key) > store.MaxKey {
				return nil, fmt.Errorf("event key of %d bytes: at most %d", len(ev.Key), store.MaxKey)
			}
			digest, err := store.Digest(ev)
			if err != nil {
				return nil, err
			}
			s.digest[i] = digest
			if at, twice := here[ev.Key]; twice {
				s.from[i], s.again[i] = at, true
				continue
			}
			first, found, err := getReceipt(t.w.tx, ev.Key)
			if err != nil {
				return nil, err
			}
			if found {
				s.from[i], s.known[i] = -1, repeat(first, digest)
				continue
			}
			here[ev.Key] = len(s.fresh)
		}
		s.from[i] = len(s.fresh)
		s.fresh, s.digests = append(s.fresh, *ev), append(s.digests, s.digest[i])
	}
	return s, nil
}

// repeat is the answer to a key that came again.
func repeat(first account.Receipt, digest [32]byte) account.Receipt {
	switch {
	case first.Digest != digest:
		first.Status = account.Conflict
	case first.Status != account.Refused: // refused stays refused: nothing was done then either
		first.Status = account.Duplicate
	}
	return first
}

func (s *sifted) answer(fresh []account.Receipt) []account.Receipt {
	out := make([]account.Receipt, len(s.from))
	for i, at := range s.from {
		switch {
		case at < 0:
			out[i] = s.known[i]
		case s.again[i]:
			out[i] = repeat(fresh[at], s.digest[i])
		default:
			out[i] = fresh[at]
		}
	}
	return out
}

// think calls the caller's function. Its panic is an error of this call: nothing is committed and the engine goes on.
func (e *Engine) think(t *turn, fresh []account.Event, think func(account.Facts, []account.Event) account.Changes) (err error) {
	f := &facts{e: e, tx: t.w.tx}
	for i := range fresh {
		f.now = max(f.now, fresh[i].Now)
	}
	func() {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("think: %w: %v", store.ErrThink, p)
			}
		}()
		t.ch = think(f, fresh)
	}()
	switch {
	case f.err != nil:
		return f.err // what think saw was not what is stored
	case err != nil:
		return err
	case len(t.ch.Receipts) != len(fresh):
		return fmt.Errorf("think: %w: %d receipts for %d events", store.ErrThink, len(t.ch.Receipts), len(fresh))
	}
	return nil
}

func (w *writer) putReceipt(r *account.Receipt) error {
	// A refusal did nothing, so it binds nothing: the key may be used again when the reason is gone.
	if r.Key == "" || r.Status == account.Refused {
		return nil
	}
	return w.setJSON(bucketKeys, []byte(r.Key), newReceiptRecord(r))
}

var errChanges = errors.New("changes do not fit the facts")

// apply checks the changes against the facts and puts them into the transaction.
func (e *Engine) apply(t *turn) error {
	if t.ch.Archive != nil {
		if err := e.applyArchive(t); err != nil {
			return err
		}
	}
	for _, s := range t.ch.States {
		if s == nil {
			return fmt.Errorf("%w: a state is nil", errChanges)
		}
		before := e.states.get(s.No)
		switch _, twice := t.pending[s.No]; {
		case before == nil:
			return fmt.Errorf("%w: state of account %d, which there is not", errChanges, s.No)
		case twice:
			return fmt.Errorf("%w: account %d has two states", errChanges, s.No)
		case s.Version != before.Version+1:
			return fmt.Errorf("%w: account %d goes from version %d to %d", errChanges, s.No, before.Version, s.Version)
		case s == before:
			return fmt.Errorf("%w: the state of account %d was changed in place", errChanges, s.No)
		case len(s.Points) < len(before.Points):
			return fmt.Errorf("%w: account %d loses a metering point", errChanges, s.No)
		}
		if t.archive != nil {
			widen(s, t.archive.profile(s.No))
		}
		t.pending[s.No] = s
	}
	for _, c := range t.ch.Cursors {
		if before := e.cursors[cursorKey{c.Agent, c.Lane, c.Epoch}]; c.Upto < before.Upto {
			return fmt.Errorf("%w: cursor of agent %s goes back from %d to %d", errChanges, c.Agent, before.Upto, c.Upto)
		}
	}
	if err := t.w.putChanges(t); err != nil {
		return err
	}
	if len(t.ch.States) == 0 {
		return nil
	}
	touched := make(map[int]bool, len(t.ch.States)/4)
	for no := range t.pending {
		touched[int(no/pageAccounts)] = true
	}
	var err error
	t.pages, err = t.w.sweep(&e.check, len(t.ch.States), t.w.head.pages(), func(page int) bool { return touched[page] }, func(no account.No) *account.State {
		if s := t.pending[no]; s != nil {
			return s
		}
		return e.states.get(no)
	})
	return err
}

// applyArchive stores profiles and documents and makes the states of new accounts and new metering points.
func (e *Engine) applyArchive(t *turn) error {
	next, err := t.w.putArchive(e.archive, t.ch.Archive, e.opt.Config)
	if err != nil || next == nil {
		return err
	}
	t.archive = next
	for _, p := range next.profiles {
		if p == nil || e.archive.profile(p.No) == p {
			continue
		}
		switch s := e.states.get(p.No); {
		case s == nil:
			t.fresh = append(t.fresh, newState(p))
		case len(s.Points) < len(p.Points):
			t.fresh = append(t.fresh, widen(s.Clone(), p))
		}
	}
	return nil
}
