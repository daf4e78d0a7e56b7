package relay

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/internal/daemon"
)

// Bounds of the timers.
const (
	dueBatch = 1000        // accounts brought to the door in one round; the rest is due in the next
	longest  = time.Minute // between two looks, so that a clock that was set is noticed
	shortest = 20 * time.Millisecond
	stuck    = time.Second // pause after a round that moved nothing: an account that stays due must not become a busy loop
)

// Door is the one way to change an account; settle.Door is it. done must not block.
type Door interface {
	Offer(ev account.Event, done func(account.Receipt, error)) bool
}

// Timers brings the accounts whose due time has come to settlement. The due times themselves are in the accounts' states, so a
// restart loses none.
type Timers struct {
	store Viewer
	door  Door
	log   *slog.Logger
	wake  chan struct{}
	fired atomic.Uint64
}

// NewTimers makes timers that do nothing until Run.
func NewTimers(s Viewer, door Door, log *slog.Logger) *Timers {
	return &Timers{store: s, door: door, log: log, wake: make(chan struct{}, 1)}
}

// Committed is an after hook of the door: a state may be due earlier than what the timers sleep for. It does not block.
func (t *Timers) Committed(changes account.Changes, _ []account.Receipt) {
	for _, s := range changes.States {
		if s.Due != 0 {
			select {
			case t.wake <- struct{}{}:
			default:
			}
			return
		}
	}
}

// Fired counts due accounts brought to the door.
func (t *Timers) Fired() uint64 { return t.fired.Load() }

// Run brings due accounts until ctx ends, or the store cannot be read.
func (t *Timers) Run(ctx context.Context) error {
	sleep := time.NewTimer(0)
	defer sleep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sleep.C:
		case <-t.wake:
		}
		next, err := t.round(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("look for due accounts: %w", err)
		}
		sleep.Reset(next)
	}
}

// round settles what is due now and tells how long to sleep.
func (t *Timers) round(ctx context.Context) (time.Duration, error) {
	now := time.Now().UnixMilli()
	var due []string
	var next int64
	err := t.store.View(ctx, func(v store.View) error {
		for _, no := range v.Due(now, dueBatch) {
			if p := v.Profile(no); p != nil {
				due = append(due, p.ID)
			}
		}
		next = v.NextDue()
		return nil
	})
	if err != nil {
		return 0, err
	}
	if len(due) == 0 {
		if next == 0 {
			return longest, nil
		}
		return min(max(time.Until(time.UnixMilli(next)), shortest), longest), nil
	}
	moved := t.settle(ctx, due)
	if moved == 0 {
		return stuck, nil
	}
	// Look again soon: the batch may not have held all, and what was settled may be due again.
	return shortest, nil
}

// settle brings the accounts to the door and waits for all of them, so that none is brought twice. It gives how many were settled.
func (t *Timers) settle(ctx context.Context, due []string) (moved int) {
	var waiting sync.WaitGroup
	var settled atomic.Int64
	for _, id := range due {
		waiting.Add(1)
		ok := t.door.Offer(account.Event{Account: id, Actor: "timer", Due: &account.Due{}}, func(r account.Receipt, err error) {
			defer waiting.Done()
			if err == nil && r.Status == account.Accepted {
				settled.Add(1)
			}
		})
		if !ok {
			waiting.Done()
			break // the door is full: what is due stays due
		}
		t.fired.Add(1)
	}
	done := make(chan struct{})
	go func() { waiting.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		return 0
	}
	if n := settled.Load(); n < int64(len(due)) {
		t.log.Debug("due accounts left", "due", len(due), "settled", n, daemon.KeyTask, "timers")
	}
	return int(settled.Load())
}
