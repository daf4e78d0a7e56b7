package scan

import (
	"context"

	"feikong/protocol/dlt645"
)

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
