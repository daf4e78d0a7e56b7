// Package relay brings decided orders to their agents and due times to settlement. It decides nothing: whether an order exists, and
// what stood before it, was settled and committed before this package sees it.
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
	"feikong/protocol"
)

// again is how long an order may stand unanswered before it is sent once more. A repeat is harmless: the agent knows the number of
// what it has done or is doing, and an outcome takes two frames at 2400 baud, about a second.
const again = 3 * time.Second

// Viewer reads what is durable; store.Store is it.
type Viewer interface {
	View(ctx context.Context, f func(store.View) error) error
}

// Dispatcher sends the orders that are queued on disk until they are answered or their deadline is over. What it remembers (when each
// was sent last) may be lost: a restart sends once more.
type Dispatcher struct {
	store Viewer
	send  func(agent string, order protocol.Order) error
	log   *slog.Logger

	wake chan struct{}
	sent atomic.Uint64

	mu    sync.Mutex // guards fresh
	fresh map[string]bool

	last map[orderKey]time.Time // owned by Run
}

type orderKey struct {
	no     account.No
	point  uint16
	number uint64
}

// NewDispatcher makes a dispatcher; send must not block.
func NewDispatcher(s Viewer, send func(agent string, order protocol.Order) error, log *slog.Logger) *Dispatcher {
	return &Dispatcher{store: s, send: send, log: log, wake: make(chan struct{}, 1), fresh: map[string]bool{}, last: map[orderKey]time.Time{}}
}

// Committed is an after hook of the door: new orders leave at once. It does not block.
func (d *Dispatcher) Committed(changes account.Changes, _ []account.Receipt) {
	if len(changes.Orders) > 0 {
		d.poke()
	}
}

// Hello says that an agent is connected anew: its open orders are sent at once, whenever they were sent last. It does not block.
func (d *Dispatcher) Hello(agent string) {
	d.mu.Lock()
	d.fresh[agent] = true // bounded by the agents that have credentials
	d.mu.Unlock()
	d.poke()
}

func (d *Dispatcher) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Sent counts orders sent, repeats included.
func (d *Dispatcher) Sent() uint64 { return d.sent.Load() }

// Run sends until ctx ends, or the store cannot be read.
func (d *Dispatcher) Run(ctx context.Context) error {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		if err := d.round(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("dispatch orders: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-d.wake:
		}
	}
}

func (d *Dispatcher) round(ctx context.Context) error {
	d.mu.Lock()
	fresh := d.fresh
	d.fresh = map[string]bool{}
	d.mu.Unlock()
	var open []account.OrderRecord
	err := d.store.View(ctx, func(v store.View) (err error) {
		open, err = v.OpenOrders("")
		return err
	})
	if err != nil {
		return err
	}
	now := time.Now()
	last := make(map[orderKey]time.Time, len(open))
	for i := range open {
		o := &open[i]
		key := orderKey{o.No, o.Point, o.Number}
		at, before := d.last[key]
		if o.Order.Deadline <= now.UnixMilli() {
			continue // the agent would refuse it; its due time ends it
		}
		if before && now.Sub(at) < again && !fresh[o.Order.Agent] {
			last[key] = at
			continue
		}
		last[key] = now
		d.deliver(o, before)
	}
	d.last = last // what is no longer open is forgotten
	return nil
}

func (d *Dispatcher) deliver(o *account.OrderRecord, repeat bool) {
	id := o.Order.ID
	name := fmt.Sprintf("%d/%d/%d", id.Generation, id.SlotEpoch, id.Number)
	if err := d.send(o.Order.Agent, o.Order); err != nil {
		d.log.Warn("order not sent", daemon.KeyOrder, name, daemon.KeyAgent, o.Order.Agent, daemon.KeyError, err)
		return
	}
	d.sent.Add(1)
	d.log.Info("order sent", daemon.KeyOrder, name, daemon.KeyAgent, o.Order.Agent, daemon.KeyAccount, o.Order.Account,
		daemon.KeyMeter, o.Order.Meter.Address, "action", actionName(o.Order.Action), "repeat", repeat)
}

func actionName(a protocol.Action) string {
	switch a {
	case protocol.ActionTrip:
		return "trip"
	case protocol.ActionPermit:
		return "permit"
	case protocol.ActionClose:
		return "close"
	}
	return fmt.Sprintf("action %d", uint8(a))
}
