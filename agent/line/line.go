// Package line owns serial ports: one goroutine, one port (RS-485). Whoever wants to talk hands an Exchange to Do;
// the goroutine sends it, finds the end of the reply by its length, and takes the next. Orders go before polls, but
// never in the middle of an exchange.
package line

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"feikong/protocol"
)

const (
	// margin covers what the operating system and USB adapters (16 ms latency timer) add to the time on the wire.
	margin = 100 * time.Millisecond
	// pause is the longest silence inside a frame: DL/T 645-2007 allows 500 ms between bytes.
	pause = 500 * time.Millisecond
	// quiet is how long the line must be silent after an exchange that timed out, before the next request: a late
	// reply to the old request must not answer the new one. Modbus replies do not even say which register they hold.
	quiet = 60 * time.Millisecond
	// drainMax bounds the wait for quiet on a line where somebody never stops talking.
	drainMax = 600 * time.Millisecond
	// Reopening a port that vanished: quick at first (a plug that was moved), then slow (an adapter that is gone).
	reopenMin, reopenMax = 250 * time.Millisecond, 15 * time.Second
	// waiting bounds the queue of each kind: one poller and a few order workers a line wait for their answer anyway.
	waiting = 16
)

// Line is one port and its queue. Run owns the port; everything else may be called from any goroutine.
type Line struct {
	set    Settings
	open   func(Settings) (Port, error)
	log    *slog.Logger
	orders chan *job
	polls  chan *job
	gone   chan struct{} // closed when Run has ended

	// owned by Run
	port     Port
	lastByte time.Time     // received last
	late     bool          // the last exchange ended without a whole reply: one may still come
	lateFor  time.Duration // how long it may take
	buf      [512]byte

	mu    sync.Mutex // guards stats
	stats protocol.LineStatus
}

type job struct {
	*Exchange
	ctx  context.Context
	done chan error
}

// New makes a line; it opens nothing. open is line.Open, or a test's own.
func New(set Settings, open func(Settings) (Port, error), log *slog.Logger) *Line {
	return &Line{
		set: set, open: open, log: log.With("line", set.Name),
		orders: make(chan *job, waiting), polls: make(chan *job, waiting), gone: make(chan struct{}),
		stats: protocol.LineStatus{Line: set.Name, Error: "not opened yet"},
	}
}

// Settings are the line's own.
func (l *Line) Settings() Settings { return l.set }

// Status counts the port since start.
func (l *Line) Status() protocol.LineStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Do hands x to the line and waits for its end: nil when Take said the reply is complete, else an error that wraps
// ErrSilent, ErrDown, ErrLost, ErrTooLate or the context's. When ctx ends while the exchange is on the wire, Do still
// waits for its deadline: the wire cannot be taken back.
func (l *Line) Do(ctx context.Context, x *Exchange) error {
	j := &job{Exchange: x, ctx: ctx, done: make(chan error, 1)}
	queue := l.polls
	if x.Order {
		queue = l.orders
	}
	select {
	case queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-l.gone: // handed over while Run was ending
	}
	select {
	case err := <-j.done:
		return err
	default:
		return context.Canceled
	}
}

// Run opens the port, reopens it when it vanishes, and serves the queue until ctx ends. Exchanges that arrive while
// the port is gone are answered with ErrDown at once. It runs once.
func (l *Line) Run(ctx context.Context) error {
	defer close(l.gone)
	defer l.shut()
	backoff := reopenMin
	for ctx.Err() == nil {
		if l.port == nil {
			p, err := l.open(l.set)
			if err != nil {
				l.down(err)
				if !l.refuse(ctx, backoff) {
					break
				}
				backoff = min(2*backoff, reopenMax)
				continue
			}
			l.port, l.late, l.lateFor, backoff = p, true, pause, reopenMin // what is in the port's buffer, or still comes, is nobody's
			l.up()
		}
		j := l.next(ctx)
		if j == nil {
			break
		}
		err := l.serve(j)
		j.done <- err
	}
	return nil
}

// next is the next exchange, orders first; nil when ctx ended.
func (l *Line) next(ctx context.Context) *job {
	select {
	case j := <-l.orders:
		return j
	default:
	}
	select {
	case j := <-l.orders:
		return j
	case j := <-l.polls:
		return j
	case <-ctx.Done():
		return nil
	}
}

// refuse answers ErrDown for d; false when ctx ended.
func (l *Line) refuse(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case j := <-l.orders:
			j.done <- l.downError()
		case j := <-l.polls:
			j.done <- l.downError()
		case <-t.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

func (l *Line) downError() error {
	return fmt.Errorf("line %s: %w: %s", l.set.Name, ErrDown, l.Status().Error)
}

// shut closes the port and answers what still waits, so that no caller hangs.
func (l *Line) shut() {
	if l.port != nil {
		l.port.Close()
		l.port = nil
	}
	for {
		select {
		case j := <-l.orders:
			j.done <- context.Canceled
		case j := <-l.polls:
			j.done <- context.Canceled
		default:
			return
		}
	}
}

func (l *Line) up() {
	l.mu.Lock()
	was := l.stats.Error
	l.stats.Up, l.stats.Error = true, ""
	l.mu.Unlock()
	l.log.Info("line up", "port", l.set.Path, "after", was)
}

func (l *Line) down(err error) {
	l.mu.Lock()
	changed := l.stats.Up || l.stats.Error != err.Error()
	l.stats.Up, l.stats.Error = false, err.Error()
	l.mu.Unlock()
	if changed {
		l.log.Warn("line down", "error", err)
	}
}
