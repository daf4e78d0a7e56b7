// Package ledger is the account's book of facts: balanced double entries,
// append-only, in one hash chain per account. Estimates never enter it.
package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"feikong/billing"
)

// Book is one of the five books of an account. The numbers are stored and
// hashed; they never change meaning.
type Book uint8

const (
	// Advances (预收) is money the customer paid ahead; a credit balance.
	Advances Book = 1 + iota
	// Receivables (应收) is issued bills not yet settled; a debit balance.
	Receivables
	// Held (冻结) is advances set aside; a credit balance.
	Held
	// Cash (资金) is money received; a debit balance.
	Cash
	// Revenue (收入) is issued fees; a credit balance.
	Revenue
)

// Kind says which business event an entry records. The numbers are stored and
// hashed; they never change meaning.
type Kind uint8

const (
	// Payment: cash to advances.
	Payment Kind = 1 + iota
	// Issue (发行): receivables to revenue.
	Issue
	// Settlement: advances to receivables.
	Settlement
	// Hold: advances to held.
	Hold
	// Release: held back to advances.
	Release
	// Reversal (冲正): the mirror of an entry of another kind.
	Reversal
)

var (
	bookNames = [...]string{"", "advances", "receivables", "held", "cash", "revenue"}
	kindNames = [...]string{"", "payment", "issue", "settlement", "hold", "release", "reversal"}

	// sides is the one place that says which books a kind moves between.
	sides = [...]struct{ debit, credit Book }{
		Payment:    {Cash, Advances},
		Issue:      {Receivables, Revenue},
		Settlement: {Advances, Receivables},
		Hold:       {Advances, Held},
		Release:    {Held, Advances},
	}
)

// String is the book in lower case, as records and the API show it.
func (b Book) String() string {
	if b == 0 || int(b) >= len(bookNames) {
		return fmt.Sprintf("book %d", uint8(b))
	}
	return bookNames[b]
}

// String is the kind in lower case, as records and the API show it.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// ErrEntry reports an entry that no business event can have made.
var ErrEntry = errors.New("entry is not valid")

// RefMax is the longest reference of an entry in bytes: an idempotency key or
// a bill's id is far below it, and a stored entry stays small.
const RefMax = 255

// Entry moves Amount from the Credit book to the Debit book. Seq, Prev and Hash
// belong to Chain.Append; once appended an entry is never changed.
type Entry struct {
	Seq    uint64 // 1 for the first entry of the account
	Kind   Kind
	Debit  Book
	Credit Book
	Amount billing.Money // always above zero
	At     int64         // unix ms
	Ref    string        // idempotency key of a payment, id of a bill, ...
	Prev   [32]byte      // Hash of the entry before; zero for the first
	Hash   [32]byte      // Sum of this entry
}

// NewPayment records money received under the customer's idempotency key.
func NewPayment(amount billing.Money, key string, at int64) Entry {
	return of(Payment, amount, key, at)
}

// NewIssue records a bill that became due.
func NewIssue(amount billing.Money, bill string, at int64) Entry {
	return of(Issue, amount, bill, at)
}

// NewSettlement pays a bill out of the advances.
func NewSettlement(amount billing.Money, bill string, at int64) Entry {
	return of(Settlement, amount, bill, at)
}

// NewHold sets advances aside; they leave the available balance.
func NewHold(amount billing.Money, ref string, at int64) Entry { return of(Hold, amount, ref, at) }

// NewRelease gives held money back to the advances.
func NewRelease(amount billing.Money, ref string, at int64) Entry {
	return of(Release, amount, ref, at)
}

// NewReversal is the mirror of original: same amount, books exchanged. A
// reversal cannot itself be reversed; post the right entry instead.
func NewReversal(original Entry, ref string, at int64) Entry {
	return Entry{Kind: Reversal, Debit: original.Credit, Credit: original.Debit, Amount: original.Amount, At: at, Ref: ref}
}

func of(k Kind, amount billing.Money, ref string, at int64) Entry {
	return Entry{Kind: k, Debit: sides[k].debit, Credit: sides[k].credit, Amount: amount, At: at, Ref: ref}
}

// Check reports an amount not above zero, books that do not fit the kind, or a
// reference longer than RefMax. Errors wrap ErrEntry.
func (e Entry) Check() error {
	switch {
	case e.Amount <= 0:
		return fmt.Errorf("%w: %s of %s is not above zero", ErrEntry, e.Kind, e.Amount)
	case len(e.Ref) > RefMax:
		return fmt.Errorf("%w: reference of %d bytes, at most %d", ErrEntry, len(e.Ref), RefMax)
	case !e.balanced():
		return fmt.Errorf("%w: %s cannot debit %s and credit %s", ErrEntry, e.Kind, e.Debit, e.Credit)
	}
	return nil
}

func (e Entry) balanced() bool {
	if e.Kind != Reversal {
		return e.Kind > 0 && int(e.Kind) < len(sides) && e.Debit == sides[e.Kind].debit && e.Credit == sides[e.Kind].credit
	}
	for _, s := range sides[1:] {
		if e.Debit == s.credit && e.Credit == s.debit {
			return true
		}
	}
	return false
}

// domain keeps these hashes apart from every other hash of the house.
const domain = "feikong ledger entry 1\x00"

// Sum is the SHA-256 of the entry's canonical bytes within account: every
// field but Hash, fixed width, big endian, the reference behind its length. An
// entry moved to another account therefore no longer fits.
func (e Entry) Sum(account uint64) [32]byte {
	var space [len(domain) + 8 + 8 + 3 + 8 + 8 + 32 + 4 + RefMax]byte
	b := append(space[:0], domain...)
	b = binary.BigEndian.AppendUint64(b, account)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	b = append(b, byte(e.Kind), byte(e.Debit), byte(e.Credit))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Amount))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At))
	b = append(b, e.Prev[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Ref)))
	b = append(b, e.Ref...)
	return sha256.Sum256(b)
}
