package history

import (
	"context"
	"errors"
	"time"

	"feikong/agent/meter"
	"feikong/protocol"
)

const (
	// profileAsk is how many records one request asks for: some hours, in one or two frames.
	profileAsk = 8
	// before is where the first request begins: a record from before the gap says that the meter's memory reaches it.
	before = 65 * time.Minute
)

// fillFromProfile asks the load profile for the next records of a gap.
func (h *History) fillFromProfile(ctx context.Context, now time.Time, k *known, at int) (bool, error) {
	g := &k.Gaps[at]
	if k.Profile.Kept != keeps {
		return h.ask(k, at, now, &k.Profile, func() error {
			_, err := k.keeper.Profile(ctx, meter.Call{}, time.Time{}, 1)
			return err
		})
	}
	if g.Ask == 0 {
		g.Ask = g.From - before.Milliseconds()
	}
	drift := k.drift()
	rs, err := k.keeper.Profile(ctx, meter.Call{}, time.UnixMilli(g.Ask).Add(drift).Truncate(time.Minute), profileAsk)
	switch {
	case errors.Is(err, meter.ErrNoRecord):
		return true, h.noneThere(k, at)
	case err != nil && h.lost(k, now, err):
		return true, nil
	case err != nil:
		return true, h.odd(k, at, err)
	}
	return true, h.take(k, at, rs)
}

// noneThere goes on where a meter has no record at all: some refuse a time that is before their oldest instead of
// beginning there, so the question moves through the gap in eighths.
func (h *History) noneThere(k *known, at int) error {
	g := &k.Gaps[at]
	g.Ask += max((g.To-g.From)/8, before.Milliseconds())
	if g.At != 0 || g.Reach || g.Ask >= g.To {
		return h.done(k, at)
	}
	return h.save(k)
}

// take stores the records that lie in the gap and moves its cursor behind them.
func (h *History) take(k *known, at int, rs []protocol.Reading) error {
	was := k.Gaps
	k.Gaps = append([]gap(nil), k.Gaps...)
	g := k.Gaps[at]
	from, to, at0, ask := g.From, g.To, g.At, g.Ask // of before: the list of gaps may move
	newest, over := ask, false
	var out []protocol.Entry
	k.steps(rs)
	for _, r := range rs {
		newest = max(newest, r.TakenAt)
		switch {
		case r.TakenAt >= to:
			over = true
		case r.TakenAt <= from:
			k.Gaps[at].Reach = true
		case r.TakenAt > at0:
			out = append(out, g.entry(r))
			if r.TakenAt > k.Gaps[at].At {
				h.stamped(k, at, r.TakenAt)
			}
		}
	}
	over = over || newest <= ask // it gives the same again: there is nothing behind
	k.Gaps[at].Ask = newest + time.Minute.Milliseconds()
	err := h.put(k, out)
	if err == nil && over {
		err = h.done(k, at)
	}
	if err != nil {
		k.Gaps = was
	}
	return err
}

// steps learns how far apart the meter's records are: hourly at most in most meters, daily in a few.
func (k *known) steps(rs []protocol.Reading) {
	for i := 1; i < len(rs); i++ {
		if d := rs[i].TakenAt - rs[i-1].TakenAt; d > 0 {
			if k.deltas == 0 || d < k.step {
				k.step = d
			}
			k.deltas = min(k.deltas+1, deltasMin)
		}
	}
}

// deltasMin is how many distances tell the step: with fewer, time without power could pass for it.
const deltasMin = 3

// entry is a reading of the gap.
func (g gap) entry(r protocol.Reading) protocol.Entry {
	if g.Moved {
		r.Quality |= protocol.QualitySuspect
	}
	return protocol.Entry{Reading: r}
}

// ask finds out whether a meter keeps a kind of history at all; when it does not, the gap goes to the next source.
func (h *History) ask(k *known, at int, now time.Time, m *memo, first func() error) (bool, error) {
	if m.Kept == keepsNone && now.UnixMilli()-m.Asked < reask.Milliseconds() {
		return true, h.pass(k, at)
	}
	err := first()
	switch {
	case err == nil:
		*m = memo{Kept: keeps, Asked: now.UnixMilli()}
	case errors.Is(err, meter.ErrNoRecord):
		*m = memo{Kept: keepsNone, Asked: now.UnixMilli()}
	case h.lost(k, now, err):
		return true, nil
	default:
		return true, h.odd(k, at, err)
	}
	return true, h.save(k)
}
