// Package relay carries out orders: verify, journal, read before trip, one frame, read back. A trip frame is sent at
// most once for an order, whatever crashes; a close may be repeated until its deadline. Nothing here decides who is
// to be tripped: it may only refuse.
package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/internal/daemon"
	"feikong/protocol"
)

// Mode says which orders are obeyed.
type Mode string

// Off refuses all. Bench obeys unsigned orders; the configuration allows it with a broker on this machine only.
const (
	Off   Mode = "off"
	Bench Mode = "bench"
)

// waiting bounds the orders that wait on one line. The gateway repeats what finds no place.
const waiting = 64

// Box is the outbox, with the journal in the same file; *outbox.Box.
type Box interface {
	Append([]protocol.Entry) error
	AppendEvidence(evidence []protocol.Evidence, also func(*bolt.Tx) error) error
	HasRoom(n int64) bool
}

// Clock says how the agent's wall clock stands to the gateway's; *uplink.Clock.
type Clock interface {
	Trusted() bool
	Offset() time.Duration // agent minus gateway
}

// Hooks are points where a test stops the world. They run on the line's goroutine.
type Hooks struct {
	BeforeFrame func() // the journal says armed, nothing has left
	AfterFrame  func() // the frame has left, its answer is not judged yet
}

// Options of an executor.
type Options struct {
	Agent    string
	Mode     Mode
	Hooks    Hooks
	ReadBack []time.Duration // pauses before each try; nil: 0.4, 1.5 and 3 s
}

// readBack is what a relay and its status word need: most move within 200 ms, some update the word once a second.
var readBack = []time.Duration{400 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second}

// Executor holds the switches of an agent. Orders of one line are done one after the other: no two relays of a line
// are ever between frame and read-back at the same time.
type Executor struct {
	opt     Options
	box     Box
	clock   Clock
	log     *slog.Logger
	lines   map[string]chan protocol.Order
	turns   map[string]chan struct{} // of each line, 1: whose relays may be moved now, an order's or a hand's
	drivers map[protocol.MeterRef]meter.Driver

	mu      sync.Mutex // guards journal and pending
	journal *journal
	pending map[protocol.MeterRef]protocol.OrderID // highest order handed over and not finished
	queued  map[queuedOrder]bool
}

type queuedOrder struct {
	ref protocol.MeterRef
	id  protocol.OrderID
}

// stray is the queue of orders for meters this agent does not have: they are refused, with an outcome.
const stray = ""

// New opens the journal in box. drivers are the meters of each line.
func New(opt Options, drivers map[string][]meter.Driver, box Box, clock Clock, log *slog.Logger) (*Executor, error) {
	if opt.ReadBack == nil {
		opt.ReadBack = readBack
	}
	e := &Executor{opt: opt, box: box, clock: clock, log: log, lines: map[string]chan protocol.Order{stray: make(chan protocol.Order, waiting)}, turns: map[string]chan struct{}{},
		drivers: map[protocol.MeterRef]meter.Driver{}, pending: map[protocol.MeterRef]protocol.OrderID{}, queued: map[queuedOrder]bool{}}
	var refs []protocol.MeterRef
	for name, ms := range drivers {
		e.lines[name], e.turns[name] = make(chan protocol.Order, waiting), make(chan struct{}, 1)
		for _, m := range ms {
			e.drivers[m.Ref()] = m
			refs = append(refs, m.Ref())
		}
	}
	var err error
	if e.journal, err = openJournal(box, refs); err != nil {
		return nil, err
	}
	for _, why := range e.journal.damaged {
		log.Error("record of the relay's journal damaged and forgotten, trips wait for the floors", "error", why)
	}
	return e, nil
}

// NoJournal says that the journal is new and the gateway has not told its floors: trips are refused until it does.
func (e *Executor) NoJournal() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.journal.told
}

// Floors takes what the gateway says is its highest order of each switch. Only a new or doubted journal needs them: for
// any other they would refuse what is on its way.
func (e *Executor) Floors(floors []protocol.OrderFloor) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.journal.told {
		return nil
	}
	if err := e.journal.tell(floors); errors.Is(err, outbox.ErrFull) {
		e.log.Error("floors not stored, trips go on waiting for them", "error", err) // the next hello asks again
		return nil
	} else if err != nil {
		return err
	}
	e.journal.told = true
	for _, f := range floors {
		e.journal.floors[f.Meter] = f.Order
	}
	e.log.Info("floors told", "switches", len(floors))
	return nil
}

// Doubt takes the journal for new again: the file turned out to be older than what the gateway has seen of it, so orders
// may have been carried out that are not in it. Trips wait until the floors are told once more.
func (e *Executor) Doubt() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.journal.told {
		return nil
	}
	e.journal.told = false // first: a full disk must not leave the journal trusted
	if err := e.journal.untell(); err != nil && !errors.Is(err, outbox.ErrFull) {
		return err
	}
	e.log.Warn("journal in doubt, trips wait for the floors")
	return nil
}

// Offer takes the bytes of an order. It never blocks; what cannot be read or is not for this agent is dropped with a
// log line, because nothing in it can be trusted enough to answer it.
func (e *Executor) Offer(payload []byte) {
	o, err := protocol.DecodeOrder(payload)
	if err != nil {
		e.log.Warn("order refused", "error", err)
		return
	}
	if o.Agent != e.opt.Agent {
		e.log.Warn("order refused", "error", "addressed to another agent", "addressee", o.Agent, "meter", o.Meter.Address)
		return
	}
	q := queuedOrder{o.Meter, o.ID}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.queued[q] {
		return // the gateway repeats orders until it has the outcome
	}
	line := stray
	if e.drivers[o.Meter] != nil {
		line = o.Meter.Line
	}
	select {
	case e.lines[line] <- *o:
		e.queued[q] = true
		if o.ID.Compare(e.pending[o.Meter]) > 0 {
			e.pending[o.Meter] = o.ID
		}
	default:
		e.log.Warn("too many orders waiting", "line", line, "order", o.ID)
	}
}

// superseded says that a newer order for the same switch waits: the older one must not move it any more.
func (e *Executor) superseded(o *protocol.Order) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pending[o.Meter].Compare(o.ID) > 0
}

func (e *Executor) finished(o *protocol.Order) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.queued, queuedOrder{o.Meter, o.ID})
	if e.pending[o.Meter] == o.ID {
		delete(e.pending, o.Meter)
	}
}

// Run works on all lines until ctx ends. An order in the middle of its frames is left armed in the journal then; the
// next start reads the relay and reports. Errors are those of the outbox.
func (e *Executor) Run(ctx context.Context) error {
	var tasks []daemon.Task
	for name, q := range e.lines {
		tasks = append(tasks, daemon.Task{Name: "orders of line " + name, Run: func(ctx context.Context) error { return e.work(ctx, name, q) }})
	}
	return daemon.Run(ctx, tasks...)
}

func (e *Executor) work(ctx context.Context, line string, q <-chan protocol.Order) error {
	if err := e.recover(ctx, line); err != nil {
		return err
	}
	overdue := time.NewTicker(5 * time.Second)
	defer overdue.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-q:
			release, ok := e.take(ctx, line)
			if !ok {
				return nil
			}
			err := e.execute(ctx, &o)
			release()
			e.finished(&o)
			if err != nil {
				return err
			}
		case <-overdue.C:
			if err := e.reportOverdue(ctx, line); err != nil {
				return err
			}
		}
	}
}

// last is the newest order of a switch.
func (e *Executor) last(m protocol.MeterRef) (entry, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	en, ok := e.journal.entries[m]
	return en, ok
}

// save writes the journal, and evidence with it; errors but a full disk are final. Meters that are not ours have no
// place in the journal: whoever invents addresses must not fill the disk with them.
func (e *Executor) save(m protocol.MeterRef, en entry, evidence ...protocol.Evidence) error {
	if e.drivers[m] == nil {
		return e.box.AppendEvidence(evidence, nil)
	}
	if err := e.journal.put(m, en, evidence...); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.journal.entries[m] = en
	return nil
}

// wait pauses; false when ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var (
	errSuperseded = errors.New("a newer order for this switch is waiting")
	errStep       = errors.New("the agent's clock was set while the meter was read")
)
