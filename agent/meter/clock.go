package meter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"feikong/protocol/dlt645"
)

// driftSeen is how far the meter's clock was off when it was read last; drivers embed it.
type driftSeen struct {
	driftMu sync.Mutex // guards both
	drift   time.Duration
	driftAt time.Time
}

// Drift is meter minus agent, as read last; at is zero before the first time.
func (s *driftSeen) Drift() (drift time.Duration, at time.Time) {
	s.driftMu.Lock()
	defer s.driftMu.Unlock()
	return s.drift, s.driftAt
}

// drifted notes a comparison; t is what the meter's clock said at at.
func (s *driftSeen) drifted(t, at time.Time) time.Duration {
	s.driftMu.Lock()
	defer s.driftMu.Unlock()
	s.drift, s.driftAt = t.Sub(at).Truncate(time.Millisecond), at
	return s.drift
}

// Clock compares the meter's clock with ours: 0400010C, or date and time apart where the meter does not know it. The
// meter's second has no fraction, so the drift is up to a second too low.
func (m *DLT645) Clock(ctx context.Context, c Call) (time.Duration, time.Time, error) {
	if err := m.meet(ctx, c); err != nil {
		return 0, time.Time{}, fmt.Errorf("read clock of meter %s: %w", m.ref.Address, err)
	}
	w := m.ways.now()
	t, at, err := m.clock(ctx, c, w)
	if err != nil {
		return 0, at, fmt.Errorf("read clock of meter %s: %w", m.ref.Address, err)
	}
	return m.drifted(t, at), at, nil
}

func (m *DLT645) clock(ctx context.Context, c Call, w way) (t, at time.Time, err error) {
	if w.edition == ed1997 {
		return m.clockInTwo(ctx, c, w)
	}
	data, at, err := m.read(ctx, c, w, dlt645.DIDateTime)
	switch {
	case err == nil:
		if t, err = dlt645.DateTime7(data, m.zone); err != nil {
			err = fmt.Errorf("%w: %w", ErrClock, err)
		}
	case errors.Is(err, ErrRefused):
		return m.clockInTwo(ctx, c, w)
	}
	return t, at, err
}

// clockInTwo reads date, time and date again when midnight lay between.
func (m *DLT645) clockInTwo(ctx context.Context, c Call, w way) (t time.Time, at time.Time, err error) {
	diDate, diTime := clockItems(w)
	for range 2 { // a second midnight is a day away
		date, _, err := m.read(ctx, c, w, diDate)
		if err != nil {
			return t, at, err
		}
		clock, at, err := m.read(ctx, c, w, diTime)
		if err != nil {
			return t, at, err
		}
		if t, err = dlt645.MeterClock(date, clock, m.zone); err != nil {
			return t, at, fmt.Errorf("%w: %w", ErrClock, err)
		}
		if !midnight(t) {
			return t, at, nil
		}
		again, _, err := m.read(ctx, c, w, diDate)
		if err != nil {
			return t, at, err
		}
		if string(again) == string(date) {
			return t, at, nil
		}
	}
	return t, at, fmt.Errorf("date changed twice: %w", dlt645.ErrDateTime)
}
