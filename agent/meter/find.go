package meter

import (
	"context"
	"errors"
	"time"

	"feikong/agent/line"
)

// meet finds out how a meter speaks that was never heard, where a person waits for it.
func (m *DLT645) meet(ctx context.Context, c Call) error {
	if !c.Search || m.ways.known() {
		return nil
	}
	return m.search(ctx, c, func(w way) error { return m.probe(ctx, c, w) })
}

// find does f in the way in use or, in its turn, in another one that answers a small read.
func (m *DLT645) find(ctx context.Context, c Call, f func(way) error) (err error) {
	if c.Search {
		return m.search(ctx, c, f)
	}
	w, guess := m.ways.pick(time.Now())
	if guess && m.ways.known() {
		if err = f(m.ways.now()); !errors.Is(err, line.ErrSilent) {
			return err
		}
	}
	if guess {
		err = m.probe(ctx, c, w)
	}
	if errors.Is(err, line.ErrFraming) {
		m.ways.drop(w)
		w, err = m.ways.now(), nil
	}
	if err == nil || errors.Is(err, ErrRefused) { // exchange has noted that it answered
		err = f(m.newest(ctx, c, w))
	}
	if errors.Is(err, line.ErrSilent) {
		m.ways.missed()
	}
	return err
}

// newest is w, or the same of 2007 where the meter answers that as well.
func (m *DLT645) newest(ctx context.Context, c Call, w way) way {
	n, try := m.ways.newer(w, time.Now())
	for range newerTries {
		if !try || ctx.Err() != nil {
			break
		}
		if err := m.probe(ctx, c, n); err == nil || errors.Is(err, ErrRefused) {
			return n
		}
	}
	return w
}

// search does f in the way in use and, when nobody answers and there is doubt, in all others: for people, who wait.
func (m *DLT645) search(ctx context.Context, c Call, f func(way) error) error {
	err := f(m.ways.now())
	if !errors.Is(err, line.ErrSilent) && !errors.Is(err, ErrItem) { // an item that this edition does not have may be the other's
		return err
	}
	for _, w := range m.ways.others(time.Now()) {
		if ctx.Err() != nil {
			break
		}
		if perr := m.probe(ctx, c, w); perr == nil || errors.Is(perr, ErrRefused) {
			return f(m.newest(ctx, c, w))
		}
	}
	return err
}
