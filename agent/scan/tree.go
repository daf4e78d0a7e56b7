package scan

import (
	"context"
	"fmt"

	"feikong/protocol/dlt645"
)

// edition is how the two texts of DL/T 645 are searched.
type edition struct {
	name     string
	fn       byte                              // function code of a read
	total    func(dlt645.Address) dlt645.Frame // forward active total: every meter has it
	block    func(dlt645.Address) dlt645.Frame // total and rates: a longer answer, and another in each meter
	address  func() dlt645.Frame               // point to point; nil where the text has none
	energies func(data []byte) ([]dlt645.Value, error)
}

var editions = []edition{
	{
		name: "2007", fn: 0x11,
		total:   func(a dlt645.Address) dlt645.Frame { return dlt645.ReadRequest(a, dlt645.DIForwardTotal) },
		block:   func(a dlt645.Address) dlt645.Frame { return dlt645.ReadRequest(a, dlt645.DIForwardBlock) },
		address: dlt645.ReadAddressRequest,
		energies: func(data []byte) ([]dlt645.Value, error) {
			if len(data) < 4 {
				return nil, dlt645.ErrLength
			}
			return dlt645.DecodeValues(dlt645.DIForwardTotal, data[4:])
		},
	},
	{
		name: "1997", fn: 0x01,
		total: func(a dlt645.Address) dlt645.Frame { return read1997(a, 0x9010) },
		block: func(a dlt645.Address) dlt645.Frame { return read1997(a, 0x901F) },
		energies: func(data []byte) ([]dlt645.Value, error) {
			if len(data) < 2 {
				return nil, dlt645.ErrLength
			}
			return dlt645.DecodeValues1997(0x9010, data[2:])
		},
	},
}

func read1997(a dlt645.Address, d dlt645.DI) dlt645.Frame {
	return dlt645.Frame{Addr: a, Control: 0x01, Data: []byte{byte(d), byte(d >> 8)}}
}

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

// What a node's answers come to.
type verdict int

const (
	nobody   verdict = iota // the bytes were noise, or somebody else's
	oneMeter                // the same meter, alone
	several
)

// answered acts on bytes that came for n.
func (t *tree) answered(ctx context.Context, n node, h Hearing) error {
	a, v, err := t.judge(ctx, n, h)
	switch {
	case err != nil:
		return err
	case v == nobody:
		t.quiet = append(t.quiet, n)
		return nil
	}
	t.done += max(0, t.tries()-n.tried) // no more tries for this one
	t.heard++
	if v == several {
		return t.collision(ctx, n)
	}
	if ok, err := t.verify(ctx, a); err != nil {
		return err
	} else if !ok { // nobody has this address: two answers made a frame that looked sound
		return t.collision(ctx, n)
	}
	if ok, err := t.confirm(ctx, n, a); err != nil {
		return err
	} else if !ok {
		return t.collision(ctx, n)
	}
	t.closed[a] = n
	return nil
}

// looks bounds how often a node is asked before its answers are judged.
const looks = 5

// judge asks again after damage: noise comes and goes, a collision stays. One damaged answer is forgotten when the node
// then answers cleanly twice and the same; two make a collision. On a line that has already cost a search below a node
// where nobody was, it takes more.
func (t *tree) judge(ctx context.Context, n node, h Hearing) (a dlt645.Address, v verdict, err error) {
	need := 2 + min(t.alarms, 2)
	clean, dirty, silent := 0, 0, 0
	for i := range looks {
		if i > 0 {
			t.plan++
			if h, err = t.ask(ctx, t.e.total(n.addr)); err != nil {
				return a, v, err
			}
			var late []dlt645.Address
			h, late = h.of(n.addr)
			if err := t.patiently(ctx, late); err != nil {
				return a, v, err
			}
		}
		b, ok := t.single(n, h)
		switch {
		case ok && clean > 0 && b != a:
			return a, several, nil
		case ok:
			a = b
			clean++
		case h.Silent():
			silent++
		default:
			dirty++
			if err := t.candidates(ctx, h); err != nil {
				return a, v, err
			}
		}
		switch {
		case dirty >= need:
			return a, several, nil
		case clean > 0 && dirty == 0:
			return a, oneMeter, nil
		case clean >= 2 && clean > dirty:
			t.damaged()
			return a, oneMeter, nil
		case silent >= 2 && clean == 0 && dirty <= 1:
			return a, nobody, nil
		}
	}
	switch {
	case clean > 0:
		t.damaged()
		return a, oneMeter, nil
	case dirty > silent:
		return a, several, nil
	}
	return a, nobody, nil
}

// single is the address of the only meter that answered for n.
func (t *tree) single(n node, h Hearing) (dlt645.Address, bool) {
	f, ok := h.Clean()
	return f.Addr, ok && f.Addr.Exact() && f.Addr.Match(n.addr)
}

// of parts the answers that a node's meters can have given from those of others: late ones to an earlier question, and
// those to another master.
func (h Hearing) of(a dlt645.Address) (own Hearing, others []dlt645.Address) {
	own = h
	own.Replies = nil
	for _, f := range h.Replies {
		if f.Addr.Match(a) {
			own.Replies = append(own.Replies, f)
		} else if f.Addr.Exact() {
			others = append(others, f.Addr)
		}
	}
	return own, others
}

// lateTimesDLT is how much longer than the window a meter is waited for that answered too late.
const lateTimesDLT = 4

// patiently asks meters by name that answered when somebody else had been asked.
func (t *tree) patiently(ctx context.Context, late []dlt645.Address) error {
	window := t.o.Window
	defer func() { t.o.Window = window }()
	for _, a := range late {
		if t.known(a) {
			continue
		}
		t.o.Window = lateTimesDLT * window
		t.plan++
		if _, err := t.verify(ctx, a); err != nil {
			return err
		}
	}
	return nil
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

// confirm asks the node for a longer item that differs from meter to meter. Two answers at exactly the same moment may
// look like one in a short item; in this one they do not.
func (t *tree) confirm(ctx context.Context, n node, a dlt645.Address) (bool, error) {
	dirty, clean := 0, 0
	for clean <= dirty { // clean at once, or twice in a row after one that was not
		t.plan++
		h, err := t.ask(ctx, t.e.block(n.addr))
		if err != nil {
			return false, err
		}
		if b, ok := t.single(n, h); ok && b == a {
			clean++
			continue
		}
		if err := t.candidates(ctx, h); err != nil {
			return false, err
		}
		if clean = 0; dirty == 1 {
			return false, nil
		}
		dirty = 1
	}
	if dirty > 0 {
		t.damaged()
	}
	return true, nil
}

// candidates asks by name for the addresses that can be made out in a collision, so that they are in the list early.
func (t *tree) candidates(ctx context.Context, h Hearing) error {
	for _, f := range h.Replies {
		if f.Addr.Exact() {
			h.Maybe = append(h.Maybe, f.Addr)
		}
	}
	for _, a := range h.Maybe {
		if t.known(a) {
			continue
		}
		t.plan++
		if _, err := t.verify(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) known(a dlt645.Address) bool {
	_, ok := t.seen[a]
	return ok || t.clash[a]
}

// damaged counts a frame that came whole when it was asked for again.
func (t *tree) damaged() {
	t.broken++
	t.note(NoteNoise, "")
}

// verify asks for one address by name and records who answers. false: nobody did. Damage again and again at an exact
// address is two meters that have it (地址冲突).
func (t *tree) verify(ctx context.Context, a dlt645.Address) (bool, error) {
	if t.known(a) {
		return true, nil
	}
	hits, silences := 0, 0
	for i := 0; i < t.tries()+hits; i++ {
		h, err := t.ask(ctx, t.e.total(a))
		if err != nil {
			return false, err
		}
		if f, ok := h.Clean(); ok && f.Addr.Match(a) { // some meters of 1997 answer with wildcards even to their name
			if silences+hits > 0 {
				t.damaged()
			}
			return true, t.record(a, f, h)
		}
		if h.Silent() {
			silences++
			continue
		}
		if hits++; hits >= clashHits+min(t.broken/4, 2) {
			t.clash[a] = true
			t.note(NoteClash, a.String())
			t.seen[a] = len(t.report.Found)
			return true, t.add(Found{Protocol: DLT645, Edition: t.e.name, Address: a.String(), DelayMs: h.delay.Milliseconds(), Clash: true})
		}
	}
	return false, nil
}

// record adds a meter that answered to its name.
func (t *tree) record(a dlt645.Address, f dlt645.Frame, h Hearing) error {
	found := Found{Protocol: DLT645, Edition: t.e.name, Address: a.String(), DelayMs: h.delay.Milliseconds()}
	if !f.IsError() {
		if v, err := t.e.energies(f.Data); err == nil && len(v) == 1 && !v[0].Null {
			found.Energy = v[0].Decimal()
		}
	}
	t.seen[a] = len(t.report.Found)
	return t.add(found)
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

// siblingsMax bounds what is asked below one node on the strength of its neighbours.
const siblingsMax = 16

// siblings looks below the nodes that answered cleanly: a strong meter may hide a weak one, whose address shares the bytes
// of the node and differs in the next. Which bytes are likely there, the meters found so far tell: those of one delivery
// have the same high digits. A thorough search asks for all hundred.
func (t *tree) siblings(ctx context.Context) error {
	asked := map[dlt645.Address]bool{}
	for {
		before := len(t.report.Found)
		for _, a := range t.order() {
			n := t.closed[a]
			if n.depth >= levels {
				continue
			}
			for _, v := range t.likely(n.depth) {
				c := n.child(v)
				if asked[c.addr] || c.addr.Match(a) {
					continue
				}
				asked[c.addr] = true
				t.plan++
				h, err := t.ask(ctx, t.e.total(c.addr))
				if err != nil {
					return err
				}
				if h, _ = h.of(c.addr); h.Silent() {
					continue
				}
				c.tried = t.tries() // it is no part of the plan's further tries
				known := len(t.report.Found)
				if err := t.answered(ctx, c, h); err != nil {
					return err
				}
				if len(t.report.Found) > known {
					t.note(NoteTwoMeters, n.addr.String())
				}
			}
		}
		if err := t.again(ctx); err != nil {
			return err
		}
		if len(t.report.Found) == before {
			return nil
		}
	}
}

// order is the closed addresses in the order they were found, so that two scans of one line ask the same.
func (t *tree) order() (out []dlt645.Address) {
	for _, f := range t.report.Found {
		if a, err := dlt645.ParseAddress(f.Address); err == nil {
			if _, ok := t.closed[a]; ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// likely are the values that byte depth has in the other meters: all of them when they are few, else those that more than
// one meter has.
func (t *tree) likely(depth int) (out []int) {
	if t.o.Thorough {
		for v := range branch {
			out = append(out, v)
		}
		return out
	}
	var count [branch]int
	distinct := 0
	for a := range t.seen {
		v := int(a[depth]>>4)*10 + int(a[depth]&0x0F)
		if count[v]++; count[v] == 1 {
			distinct++
		}
	}
	for v, n := range count {
		if n > 1 || n == 1 && distinct <= siblingsMax/2 {
			out = append(out, v)
		}
	}
	if len(out) > siblingsMax {
		out = out[:0] // addresses without a pattern: none is likelier than another
	}
	return out
}
