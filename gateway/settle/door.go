// Package settle is the one door: whatever changes an account is an event, and every event goes through here into the
// store. Nothing leaves the gateway before the commit that holds it.
package settle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store"
)

// Think turns facts and events into the changes of one commit; it is pure. The gateway's is pipeline.Think.
type Think func(facts account.Facts, events []account.Event) account.Changes

// Errors of the door.
var (
	// ErrFull: more waits than may wait. Try again later; nothing was done.
	ErrFull = errors.New("too much waits to be settled")
	// ErrStopped: the door is closed; the event was not settled.
	ErrStopped = errors.New("settling has stopped")
	// ErrUnknown: the caller went away while its event was under way. It may be settled: send it again with the same key.
	ErrUnknown = errors.New("it is not known whether the event was settled: send it again with the same key")
)

// Bounds of one gathering: one commit's worth, a few hundredths of a second of the disk. More would only make those
// who wait for it wait longer.
const (
	gatherReadings = 8000
	gatherBytes    = 512 << 10
)

// Options of a door.
type Options struct {
	Log *slog.Logger
	// After is called for each commit, in the order of commits, before those who wait are answered. It must not block,
	// and must not write to what it is given.
	After []func(account.Changes, []account.Receipt)
	// QueueBytes bounds what waits, in memory; 0 is 64 MiB: about 400,000 readings, half a minute of a full disk's work.
	// Beyond it agents are not answered and send again, with back-off.
	QueueBytes int
}

// urgentBytes is kept for Submit beyond QueueBytes, and as much again for what must not wait behind readings: due times, evidence of
// notices, outcomes of orders. People get in when agents have filled both.
const urgentBytes = 8 << 20

// Door gathers the events that wait and settles them in one commit after the other. There is no timer: while a commit is
// under way the next gathering grows by itself.
type Door struct {
	store store.Store
	think Think
	opt   Options
	wake  chan struct{} // one token: something waits
	born  time.Time     // what the machine's own count of time begins at

	mu      sync.Mutex // guards all below
	urgent  queue      // from Submit: settled first
	swift   queue      // from Offer, what must not wait behind readings
	bulk    queue      // from Offer, the rest
	stopped error
	clock   clock
	stats   map[string]int64
}

// NewDoor makes a door to s. It settles once Run runs; events may come before.
func NewDoor(s store.Store, think Think, opt Options) *Door {
	if opt.QueueBytes <= 0 {
		opt.QueueBytes = 64 << 20
	}
	return &Door{store: s, think: think, opt: opt, wake: make(chan struct{}, 1), born: time.Now(), stats: map[string]int64{}}
}

// Offer takes an event without waiting. False: there is no room, or the door is closed; done is not called then.
// Otherwise done is called once, after the commit or its failure, in the order of settling; it must not block.
func (d *Door) Offer(ev account.Event, done func(account.Receipt, error)) bool {
	if ev.Due != nil || ev.Receipt != nil || ev.Evidence != nil || ev.Failure != nil {
		return d.push(&d.swift, waiting{ev, done, 0, 0}, urgentBytes) == nil
	}
	return d.push(&d.bulk, waiting{ev, done, 0, 0}, d.opt.QueueBytes) == nil
}

// Submit settles an event and returns once it is on disk. Errors wrap ErrFull, ErrStopped, ErrUnknown, or those of the store.
func (d *Door) Submit(ctx context.Context, ev account.Event) (account.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return account.Receipt{}, fmt.Errorf("settle: %w", err)
	}
	type answer struct {
		receipt account.Receipt
		err     error
	}
	answers := make(chan answer, 1)
	done := func(r account.Receipt, err error) { answers <- answer{r, err} }
	if err := d.push(&d.urgent, waiting{ev, done, 0, 0}, urgentBytes); err != nil {
		return account.Receipt{}, err
	}
	select {
	case a := <-answers:
		return a.receipt, a.err
	case <-ctx.Done():
		return account.Receipt{}, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

func (d *Door) push(q *queue, w waiting, most int) error {
	w.readings, w.bytes = weigh(&w.event)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped != nil {
		return d.stopped
	}
	if q.bytes > 0 && q.bytes+w.bytes > most {
		d.stats["refused_full"]++
		return ErrFull
	}
	q.push(w)
	select {
	case d.wake <- struct{}{}:
	default: // it is awake
	}
	return nil
}

// Run settles until ctx ends, or the store cannot go on: then its error comes back and the process must stop.
func (d *Door) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			d.stop(ErrStopped)
			return nil
		case <-d.wake:
		}
		for ctx.Err() == nil {
			gathered := d.gather()
			if len(gathered) == 0 {
				break
			}
			if err := d.settle(ctx, gathered); err != nil {
				d.stop(fmt.Errorf("%w: %w", ErrStopped, err))
				return fmt.Errorf("settle: %w", err)
			}
		}
	}
}

// stop closes the door and answers whoever waits.
func (d *Door) stop(why error) {
	d.mu.Lock()
	d.stopped = why
	left := append(append(d.urgent.items(), d.swift.items()...), d.bulk.items()...)
	d.urgent, d.swift, d.bulk = queue{}, queue{}, queue{}
	d.mu.Unlock()
	for i := range left {
		left[i].answer(account.Receipt{}, why)
	}
}

// gather takes what waits, urgent first, up to one commit's worth. An archive goes alone: one that cannot be stored must
// not hold up anything else.
func (d *Door) gather() []waiting {
	d.mu.Lock()
	defer d.mu.Unlock()
	if step, found := d.look(); found && d.opt.Log != nil {
		d.opt.Log.Warn("system clock was set: no trips for a day", "by", step)
	}
	var out []waiting
	readings, bytes := 0, 0
	for _, q := range []*queue{&d.urgent, &d.swift, &d.bulk} {
		for q.len() > 0 {
			w := q.front()
			alone := w.event.Archive != nil
			if len(out) > 0 && (alone || readings+w.readings > gatherReadings || bytes+w.onDisk() > gatherBytes) {
				return out
			}
			readings, bytes = readings+w.readings, bytes+w.onDisk()
			w.event.Now, w.event.Doubt = d.clock.now(w.event.Now), d.clock.doubt
			out = append(out, q.pop(w))
			if alone {
				return out
			}
		}
	}
	return out
}

// look is called with mu held. time.Time carries the machine's own count of time beside the system's clock; Sub uses it.
func (d *Door) look() (step time.Duration, found bool) {
	now := time.Now()
	return d.clock.look(now.UnixMilli(), now.Sub(d.born))
}

// settle commits a gathering. An error that is not the store's end is of one event, whichever: then each goes alone, and
// only that one fails. The bound is the gathering's length.
func (d *Door) settle(ctx context.Context, gathered []waiting) error {
	receipts, err := d.commit(ctx, gathered)
	switch {
	case err == nil:
		for i := range gathered {
			gathered[i].answer(receipts[i], nil)
		}
		return nil
	case fatal(err) || len(gathered) == 1:
		for i := range gathered {
			gathered[i].answer(account.Receipt{}, err)
		}
		if fatal(err) {
			return err
		}
		d.count("failed", 1)
		if d.opt.Log != nil && ctx.Err() == nil {
			d.opt.Log.Error("event not settled", "account", gathered[0].event.Account, "actor", gathered[0].event.Actor, "error", err)
		}
		return nil
	}
	for i := range gathered {
		if err := d.settle(ctx, gathered[i:i+1]); err != nil {
			for _, w := range gathered[i+1:] {
				w.answer(account.Receipt{}, err)
			}
			return err
		}
	}
	return nil
}

func fatal(err error) bool {
	return errors.Is(err, store.ErrBroken) || errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrDamaged)
}

func (d *Door) commit(ctx context.Context, gathered []waiting) ([]account.Receipt, error) {
	events := make([]account.Event, len(gathered))
	for i := range gathered {
		events[i] = gathered[i].event
	}
	var changes account.Changes
	receipts, err := d.store.Settle(ctx, events, func(facts account.Facts, events []account.Event) account.Changes {
		changes = d.think(facts, events)
		return changes
	})
	if err != nil {
		return nil, err
	}
	d.count("gatherings", 1)
	d.count("events", int64(len(events)))
	for _, after := range d.opt.After {
		after(changes, receipts)
	}
	return receipts, nil
}

func (d *Door) count(name string, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats[name] += n
}

// Stats are the door's counters since start, and what waits now.
func (d *Door) Stats() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string]int64{"waiting_events": int64(d.urgent.len() + d.swift.len() + d.bulk.len()),
		"waiting_bytes": int64(d.urgent.bytes + d.swift.bytes + d.bulk.bytes)}
	for _, name := range []string{"events", "gatherings", "failed", "refused_full"} {
		out[name] = d.stats[name]
	}
	return out
}
