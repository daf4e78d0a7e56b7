package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/protocol"
)

// Work does the most urgent waiting work for a moment, and says whether there was any. The error is that of an outbox
// that can no longer be written.
func (h *History) Work(ctx context.Context) (worked bool, err error) {
	start := time.Now()
	if err := h.keep(start); err != nil {
		return false, err
	}
	for range stepsMax {
		now := time.Now()
		if now.Before(h.full) || ctx.Err() != nil {
			break
		}
		if d := now.Sub(start); d >= atBoundary || d >= atOnce && !h.snapping {
			break
		}
		h.snapping = false
		more, err := h.step(ctx, now)
		if err != nil || !more {
			return worked, err
		}
		worked = true
	}
	return worked, nil
}

const (
	// atOnce is how long one call works: some exchanges at 2400 baud. A line that is never idle gives it once a round.
	atOnce = 2 * time.Second
	// atBoundary is the same while snapshots are taken: they have ten minutes, the polls of that time can wait.
	atBoundary = 30 * time.Second
	// stepsMax bounds the steps of one call, those that ask nobody included.
	stepsMax = 256
)

func (h *History) step(ctx context.Context, now time.Time) (worked bool, err error) {
	for _, task := range []func(context.Context, time.Time) (bool, error){h.snapshot, h.drifts, h.daily, h.fill, h.clocks} {
		worked, err = task(ctx, now)
		if errors.Is(err, outbox.ErrFull) {
			h.full = now.Add(restMin) // the need is remembered, the meter keeps the values
			return false, nil
		}
		if worked || err != nil {
			return worked, err
		}
	}
	return false, nil
}

// keep writes what Seen has learnt: new gaps at once, the times now and then.
func (h *History) keep(now time.Time) error {
	var gaps []*known
	changed := false
	for _, k := range h.meters {
		switch age := now.UnixMilli() - k.record.Seen; {
		case age >= settled.Milliseconds():
			k.sure = k.record.Seen
		case h.opt.Interval <= 2*settled: // it is never older
			k.sure = min(max(k.sure, now.Add(-settled).UnixMilli()), k.record.Seen)
		}
		if k.urgent {
			gaps = append(gaps, k)
		}
		changed = changed || k.sure != k.saved
	}
	if err := h.save(gaps...); err != nil || !changed || now.Sub(h.keptAt) < keepEvery {
		return err
	}
	h.keptAt = now
	var times []byte
	for _, k := range h.meters {
		times = appendSeen(times, k.Ref(), k.sure)
	}
	key := seenKey(h.opt.Line)
	if err := h.mem.save(func(tx *bolt.Tx) error { return tx.Bucket(bucket).Put(key, seal(key, times)) }); err != nil {
		return fmt.Errorf("remember what was read: %w", err)
	}
	for _, k := range h.meters {
		k.saved = k.sure
	}
	return nil
}

// save makes records durable. A reading that may still be in the poller's memory is not claimed.
func (h *History) save(changed ...*known) error {
	if len(changed) == 0 {
		return nil
	}
	err := h.mem.save(func(tx *bolt.Tx) error {
		for _, k := range changed {
			r := *k.record
			r.Seen = k.sure
			if err := store(tx, meterKey(k.Ref()), &r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remember what was read: %w", err)
	}
	for _, k := range changed {
		k.urgent = false
	}
	return nil
}

// put stores readings and gaps, and only then the record that no longer needs them.
func (h *History) put(k *known, entries []protocol.Entry) error {
	if len(entries) > 0 {
		if !h.opt.Trusted() {
			for i := range entries {
				if entries[i].Gap == nil {
					entries[i].Reading.Quality |= protocol.QualityClockUntrusted
				}
			}
		}
		if err := h.box.Offer(entries); err != nil {
			return err
		}
	}
	return h.save(k)
}

func (h *History) alarm(k *known, code, format string, args ...any) error {
	a := protocol.Alarm{Meter: k.Ref(), Code: code, Detail: fmt.Sprintf(format, args...), At: time.Now().UnixMilli()}
	h.log.Warn("alarm", "code", code, "meter", a.Meter.Address, "detail", a.Detail)
	if err := h.box.AppendAlarm(a); !errors.Is(err, outbox.ErrFull) {
		return err
	}
	return nil
}

// ready says that a meter answers at present and is not resting.
func (h *History) ready(k *known, now time.Time) bool {
	return k.record.Seen != 0 && now.UnixMilli()-k.record.Seen <= h.holeAfter().Milliseconds() && !now.Before(k.until)
}

// lost says that an error is the line's, or silence, and lets the meter rest; other errors are the meter's answers.
func (h *History) lost(k *known, now time.Time, err error) bool {
	switch {
	case errors.Is(err, line.ErrSilent), errors.Is(err, line.ErrDown), errors.Is(err, line.ErrLost), errors.Is(err, line.ErrTooLate),
		errors.Is(err, line.ErrFraming), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		k.pause = min(max(2*k.pause, restMin), restMax)
		k.until = now.Add(k.pause)
		h.log.Debug("history not read", "meter", k.Ref().Address, "error", err)
		return true
	}
	k.pause = 0
	return false
}

func entries(readings []protocol.Reading) (out []protocol.Entry) {
	for _, r := range readings {
		out = append(out, protocol.Entry{Reading: r})
	}
	return out
}

// drift is how far the meter's clock is off, as far as is known.
func (k *known) drift() time.Duration {
	if d, ok := k.Driver.(meter.Drifter); ok {
		if drift, at := d.Drift(); !at.IsZero() {
			return drift
		}
	}
	return time.Duration(k.Drift) * time.Millisecond
}
