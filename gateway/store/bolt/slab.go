package bolt

import (
	"sync/atomic"

	"feikong/gateway/account"
)

// pageAccounts is how many states share a page of the checkpoint: 56 of them are about two to three pages of the file.
const pageAccounts = 56

// slab holds the resident states by account number. A view takes it as it stands; from then on writing copies the blocks
// it touches, once each, until no new view came in between. Without views nothing is copied.
type slab struct {
	blocks []*block
	gen    atomic.Uint64 // raised by each view; a block of an older generation may be seen by one
	topGen uint64        // of the slice itself
}

type block struct {
	gen    uint64
	states [pageAccounts]*account.State // never written to once here: replaced
}

func (s *slab) get(no account.No) *account.State { return stateOf(s.blocks, no) }

func stateOf(blocks []*block, no account.No) *account.State {
	page := uint64(no) / pageAccounts
	if page >= uint64(len(blocks)) || blocks[page] == nil {
		return nil
	}
	return blocks[page].states[uint64(no)%pageAccounts]
}

// snapshot is taken and used under the engine's pub lock for reading; set under it for writing.
func (s *slab) snapshot() []*block {
	s.gen.Add(1)
	return s.blocks
}

func (s *slab) set(st *account.State) {
	page, gen := int(uint64(st.No)/pageAccounts), s.gen.Load()
	if s.topGen != gen || page >= len(s.blocks) {
		size := len(s.blocks)
		if page >= size {
			size = max(2*size, page+1) // doubled, or an import would copy it once a page
		}
		blocks := make([]*block, size)
		copy(blocks, s.blocks)
		s.blocks, s.topGen = blocks, gen
	}
	b := s.blocks[page]
	switch {
	case b == nil:
		b = &block{gen: gen}
		s.blocks[page] = b
	case b.gen != gen:
		again := *b
		again.gen = gen
		b = &again
		s.blocks[page] = b
	}
	b.states[uint64(st.No)%pageAccounts] = st
}

// newState is the state of an account at its import: counters start at 1, everything else is unknown.
func newState(p *account.Profile) *account.State {
	s := &account.State{No: p.No, Period: 1, NextNotice: 1}
	return widen(s, p)
}

// widen gives a state a point for each metering point its profile has gained; points are never removed. It writes to s.
func widen(s *account.State, p *account.Profile) *account.State {
	for len(s.Points) < len(p.Points) {
		s.Points = append(s.Points, account.Point{NextOrder: 1})
	}
	return s
}
