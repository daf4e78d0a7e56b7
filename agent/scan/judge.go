package scan

import (
	"context"

	"feikong/protocol/dlt645"
)

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
