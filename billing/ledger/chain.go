package ledger

import (
	"errors"
	"fmt"
)

var (
	// ErrChain is wrapped by every failure of a chain.
	ErrChain = errors.New("ledger chain is broken")
	// ErrAltered: an entry is not the one that was appended.
	ErrAltered = errors.New("altered")
	// ErrReordered: all entries are whole, but not in their order.
	ErrReordered = errors.New("reordered")
	// ErrMissing: an entry between others is gone.
	ErrMissing = errors.New("missing")
	// ErrTruncated: the chain ends before the head that was recorded.
	ErrTruncated = errors.New("truncated")
	// ErrBeyond: the chain goes on after the head that was recorded.
	ErrBeyond = errors.New("beyond the recorded head")
)

// ChainError says where a chain broke and how. It matches ErrChain and its
// Reason with errors.Is.
type ChainError struct {
	Account uint64
	Seq     uint64 // the first entry that does not fit
	Reason  error  // ErrAltered, ErrReordered, ErrMissing, ErrTruncated or ErrBeyond
}

// Error is one sentence with the account and the entry.
func (e *ChainError) Error() string {
	return fmt.Sprintf("%v: entry %d of account %d: %v", ErrChain, e.Seq, e.Account, e.Reason)
}

// Unwrap gives ErrChain and the reason.
func (e *ChainError) Unwrap() []error { return []error{ErrChain, e.Reason} }

// Chain is the end of an account's chain: how many entries, and the hash of
// the last. The zero Chain is an empty ledger. It is part of the account's
// state, so its owner guards it.
type Chain struct {
	Count uint64
	Head  [32]byte
}

// Append gives e its place: it sets Seq, Prev and Hash and moves the chain on.
// Check the entry first, or apply it to the balances, which checks.
func (c *Chain) Append(account uint64, e *Entry) {
	e.Seq, e.Prev = c.Count+1, c.Head
	e.Hash = e.Sum(account)
	c.Count, c.Head = e.Seq, e.Hash
}

// Follow checks that e is the next entry of the chain and moves on; after an
// error the chain stands where it stood. It is the step of Verify for readers
// that stream entries from a store.
func (c *Chain) Follow(account uint64, e Entry) error {
	switch {
	case e.Hash != e.Sum(account):
		return &ChainError{account, c.Count + 1, ErrAltered}
	case e.Seq > c.Count+1:
		return &ChainError{account, c.Count + 1, ErrMissing}
	case e.Seq <= c.Count:
		return &ChainError{account, c.Count + 1, ErrReordered}
	case e.Prev != c.Head:
		// Whole in itself, in its place, but after another history.
		return &ChainError{account, e.Seq, ErrAltered}
	}
	c.Count, c.Head = e.Seq, e.Hash
	return nil
}

// Verify checks a whole ledger from its first entry, without a recorded head:
// it finds what was altered, reordered or is missing in between, but cannot
// know of entries cut off at the end. Errors are *ChainError.
func Verify(account uint64, entries []Entry) error {
	_, err := verify(account, entries)
	return err
}

// Verify checks a whole ledger against c, the recorded head: in addition to
// what the function Verify finds, an early end is ErrTruncated, entries after
// the head are ErrBeyond, and a chain rewritten throughout is ErrAltered.
func (c Chain) Verify(account uint64, entries []Entry) error {
	end, err := verify(account, entries)
	switch {
	case err != nil:
		return err
	case end.Count < c.Count:
		return &ChainError{account, end.Count + 1, ErrTruncated}
	case end.Count > c.Count:
		return &ChainError{account, c.Count + 1, ErrBeyond}
	case end.Head != c.Head:
		return &ChainError{account, c.Count, ErrAltered}
	}
	return nil
}

func verify(account uint64, entries []Entry) (Chain, error) {
	var c Chain
	for i := range entries {
		err := c.Follow(account, entries[i])
		if errors.Is(err, ErrMissing) && holds(entries[i+1:], c.Count+1) {
			err = &ChainError{account, c.Count + 1, ErrReordered}
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// holds runs once per verification, at the first break.
func holds(entries []Entry, seq uint64) bool {
	for i := range entries {
		if entries[i].Seq == seq {
			return true
		}
	}
	return false
}
