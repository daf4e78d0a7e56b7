package scan

import (
	"context"
	"fmt"

	"feikong/protocol/dlt645"
)

const (
	// levels is the depth of the tree: an address has six bytes.
	levels = 6
	// branch is how many children a node has: a byte of an address is two BCD digits.
	branch = 100
	// rootProbes is how many requests are put to AA×6 for each try of an edition.
	rootProbes = 2
	// clashHits: so many answers to one address must be damaged before two meters are blamed and not the wire.
	clashHits = 3
)

// node is a part of the tree: all addresses whose lowest depth bytes are those of addr; the others are AA.
type node struct {
	addr  dlt645.Address
	depth int
	tried int
}

func (n node) child(v int) node {
	n.addr[n.depth] = byte(v/10<<4 | v%10)
	n.depth++
	n.tried = 0
	return n
}

var root = node{addr: dlt645.Wildcard}

// tree is the search at one framing and edition.
type tree struct {
	*search
	e      edition
	quiet  []node                  // asked, and silent so far
	closed map[dlt645.Address]node // meter found, and the node whose clean answer closed the branch
	heard  int                     // nodes that answered
	alarms int                     // collisions below which nobody was
	clash  map[dlt645.Address]bool // addresses that two meters have
}

// tree searches one edition at one framing: nothing at AA×6 means that nobody is there.
func (s *search) tree(ctx context.Context, f Framing, e edition) error {
	s.framing = f
	s.stage = fmt.Sprintf("%s, DL/T 645-%s", f, e.name)
	t := &tree{search: s, e: e, closed: map[dlt645.Address]node{}, clash: map[dlt645.Address]bool{}}
	open, err := t.root(ctx)
	if err != nil || !open {
		return err
	}
	if err := t.expected(ctx); err != nil {
		return err
	}
	if err := t.descend(ctx, root); err != nil {
		return err
	}
	if err := t.again(ctx); err != nil {
		return err
	}
	return t.siblings(ctx)
}

// expected asks for the addresses of the installation list.
func (t *tree) expected(ctx context.Context) error {
	for _, text := range t.o.Expect {
		a, err := dlt645.ParseAddress(text)
		if err != nil || !a.Exact() {
			continue // the caller has checked them; a wildcard is found by the search
		}
		t.plan++
		if _, err := t.verify(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// root asks everybody at once. open says that there is more than one meter, or may be.
func (t *tree) root(ctx context.Context) (open bool, err error) {
	planned := t.done + rootProbes*t.o.Tries
	defer func() { t.done = max(t.done, planned) }() // probes that were not needed are over too
	requests := []dlt645.Frame{t.e.total(dlt645.Wildcard)}
	if t.e.address != nil {
		requests = append([]dlt645.Frame{t.e.address()}, requests...) // C = 13H: the shortest way to a single meter
	}
	var only dlt645.Address
	answered := 0
	for range t.o.Tries {
		for _, r := range requests {
			h, err := t.ask(ctx, r)
			if err != nil {
				return false, err
			}
			if h.Silent() {
				continue
			}
			answered++
			f, ok := h.Clean()
			if !ok || !f.Addr.Exact() || answered > 1 && f.Addr != only {
				return true, t.candidates(ctx, h)
			}
			only = f.Addr
		}
	}
	if answered == 0 {
		return false, nil
	}
	return t.alone(ctx, only)
}

// neighbours are the addresses next to a single meter's that are asked for before it is believed to be the only one:
// meters of one delivery hang on one line.
const neighbours = 5

// alone makes sure that the one meter that answered is the only one. It answers the same when it is asked by name, the
// answers that differ from meter to meter come clean as well, and nobody with an address beside its own is there.
func (t *tree) alone(ctx context.Context, a dlt645.Address) (open bool, err error) {
	ok, err := t.verify(ctx, a)
	if err != nil || !ok || t.o.Thorough {
		return true, err
	}
	if ok, err = t.confirm(ctx, root, a); err != nil || !ok {
		return true, err
	}
	t.plan += 2 * neighbours
	own := int(a[0]>>4)*10 + int(a[0]&0x0F)
	for d := 1; d <= neighbours; d++ {
		for _, v := range []int{own - d, own + d} {
			h, err := t.ask(ctx, t.e.total(root.child((v+branch)%branch).addr))
			if err != nil {
				return false, err
			}
			if !h.Silent() {
				t.note(NoteTwoMeters, root.addr.String())
				return true, nil
			}
		}
	}
	return false, nil
}

// descend asks all children of a node, each once; the silent ones wait for their next try.
func (t *tree) descend(ctx context.Context, n node) error {
	t.plan += branch * t.tries()
	heard := t.heard
	for v := range branch {
		if err := t.visit(ctx, n.child(v)); err != nil {
			return err
		}
	}
	if t.heard == heard && n.depth > 0 {
		t.alarms++ // it was no collision: nobody is there
	}
	return nil
}

// visit asks one node. Silence: it waits for its next try. A clean answer: the meter is recorded and the branch closed.
// Anything else is a collision: down one level.
func (t *tree) visit(ctx context.Context, n node) error {
	if n.depth == levels {
		if t.known(n.addr) { // asked by name already, and it answered for itself
			t.done += t.tries()
			t.heard++
			return nil
		}
		ok, err := t.verify(ctx, n.addr)
		if ok {
			t.heard++
		}
		return err
	}
	h, err := t.ask(ctx, t.e.total(n.addr))
	n.tried++
	if err != nil {
		return err
	}
	h, late := h.of(n.addr)
	if err := t.patiently(ctx, late); err != nil {
		return err
	}
	if h.Silent() {
		t.quiet = append(t.quiet, n)
		return nil
	}
	return t.answered(ctx, n, h)
}

// collision goes one level down, unless a clash explains it: two meters with one address collide all the way down.
func (t *tree) collision(ctx context.Context, n node) error {
	if n.depth >= 2 && !t.o.Thorough {
		for a := range t.clash {
			if a.Match(n.addr) {
				return nil // nobody else is looked for behind four digits that a clash shares
			}
		}
	}
	return t.descend(ctx, n)
}

// again gives the silent nodes their further tries, oldest first. Whoever answers now was missed before.
func (t *tree) again(ctx context.Context) error {
	for len(t.quiet) > 0 {
		n := t.quiet[0]
		t.quiet = t.quiet[1:]
		if n.tried >= t.tries() {
			continue
		}
		before := len(t.report.Found)
		if err := t.visit(ctx, n); err != nil {
			return err
		}
		if len(t.report.Found) > before {
			t.damaged()
		}
	}
	return nil
}
