package relay

import (
	"context"
	"errors"
	"fmt"

	"feikong/protocol"
)

// Why a hand may not move a relay now.
var (
	ErrOpenOrder = errors.New("an order of the gateway for this meter is not at its end") // it would be taken for the order's own work
	ErrNoMeter   = errors.New("the agent has no such meter")
)

// Hand runs act, which moves the relay of a meter by hand 现场跳合闸, while no order of its line is carried out; orders that
// come meanwhile wait. It refuses with ErrOpenOrder while an order for the meter waits or was interrupted. act owns its
// own evidence: the journal belongs to orders.
func (e *Executor) Hand(ctx context.Context, ref protocol.MeterRef, act func(context.Context) error) error {
	if e.drivers[ref] == nil {
		return fmt.Errorf("meter %s, channel %d, on line %s: %w", ref.Address, ref.Channel, ref.Line, ErrNoMeter)
	}
	if e.open(ref) {
		return ErrOpenOrder // at once: the order may keep its line for half a minute
	}
	release, ok := e.take(ctx, ref.Line)
	if !ok {
		return ctx.Err()
	}
	defer release()
	if e.open(ref) {
		return ErrOpenOrder
	}
	return act(ctx)
}

// open says that an order for the meter waits, is carried out or was interrupted.
func (e *Executor) open(ref protocol.MeterRef) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, waits := e.pending[ref]; waits {
		return true
	}
	return e.journal.entries[ref].Armed
}

// take waits until nobody moves a relay of the line; false when ctx ended. The queue of strays has no line.
func (e *Executor) take(ctx context.Context, line string) (release func(), ok bool) {
	turn := e.turns[line]
	if turn == nil {
		return func() {}, true
	}
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, true
	case <-ctx.Done():
		return nil, false
	}
}
