package scan

import (
	"context"

	"feikong/protocol/dlt645"
)

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
