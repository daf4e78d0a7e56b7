package ledger

import (
	"fmt"

	"feikong/billing"
)

// Balances is the fold of an account's entries, each book in its natural sign:
// cash and receivables grow by debits; advances, held and revenue by credits.
// Cash + Receivables = Advances + Held + Revenue, always.
type Balances struct {
	Advances    billing.Money
	Receivables billing.Money
	Held        billing.Money
	Cash        billing.Money
	Revenue     billing.Money
}

// Apply posts one entry, or changes nothing and says why: errors wrap ErrEntry
// or billing.ErrOverflow.
func (b *Balances) Apply(e Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	next := *b
	if err := next.move(e.Debit, e.Amount, true); err != nil {
		return fmt.Errorf("debit %s with %s: %w", e.Debit, e.Amount, err)
	}
	if err := next.move(e.Credit, e.Amount, false); err != nil {
		return fmt.Errorf("credit %s with %s: %w", e.Credit, e.Amount, err)
	}
	*b = next
	return nil
}

func (b *Balances) move(book Book, amount billing.Money, debit bool) (err error) {
	var m *billing.Money
	grows := !debit
	switch book {
	case Advances:
		m = &b.Advances
	case Held:
		m = &b.Held
	case Revenue:
		m = &b.Revenue
	case Receivables:
		m, grows = &b.Receivables, debit
	case Cash:
		m, grows = &b.Cash, debit
	default:
		return fmt.Errorf("%w: there is no %s", ErrEntry, book)
	}
	if grows {
		*m, err = m.Add(amount)
	} else {
		*m, err = m.Sub(amount)
	}
	return err
}

// Fold applies the entries to empty balances; an error names the entry's seq.
func Fold(entries []Entry) (Balances, error) {
	var b Balances
	for i := range entries {
		if err := b.Apply(entries[i]); err != nil {
			return b, fmt.Errorf("fold entry %d: %w", entries[i].Seq, err)
		}
	}
	return b, nil
}

// Available is the available balance (可用余额): advances + credit limit
// (透支额度) − receivables − estimate of the periods not yet issued. Held money
// has left the advances and issued bills are in the receivables, so nothing
// counts twice, and issuing a period moves nothing.
//
// Beyond int64 it is billing.ErrOverflow: no decision may rest on it.
func Available(b Balances, credit, estimate billing.Money) (billing.Money, error) {
	sum, err := b.Advances.Add(credit)
	if err == nil {
		sum, err = sum.Sub(b.Receivables)
	}
	if err == nil {
		sum, err = sum.Sub(estimate)
	}
	if err != nil {
		return 0, fmt.Errorf("available balance: %w", err)
	}
	return sum, nil
}
