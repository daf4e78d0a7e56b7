// Package line owns serial ports: one goroutine, one port (RS-485). Whoever wants to talk hands an Exchange to Do;
// the goroutine sends it, finds the end of the reply by its length, and takes the next. Orders go before polls, but
// never in the middle of an exchange. While nobody asks, it listens: frames that are not ours are told.
package line

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"feikong/protocol"
)

const (
	// margin covers what the operating system and USB adapters (16 ms latency timer) add to the time on the wire.
	margin = 100 * time.Millisecond
	// linkMargin covers what a serial server behind a network adds: 4G links take half a second.
	linkMargin = 700 * time.Millisecond
	// pause is the longest silence inside a frame: DL/T 645-2007 allows 500 ms between bytes.
	pause = 500 * time.Millisecond
	// quiet is how long the line must be silent after bytes that nobody asked for, before the next request: a late
	// reply to the old request must not answer the new one. Modbus replies do not even say which register they hold.
	quiet = 60 * time.Millisecond
	// drainMax bounds the wait for quiet on a line where somebody never stops talking.
	drainMax = 600 * time.Millisecond
	// Reopening a port that vanished: quick at first (a plug that was moved), then slow (an adapter that is gone).
	reopenMin, reopenMax = 250 * time.Millisecond, 15 * time.Second
	// steady is how long a port is open at least that was of use: a serial server that has another client already says so, in
	// words, and hangs up.
	steady = time.Second
	// Exchanges wait for a port that is being opened, longer when it is the first time: then nothing is known to be wrong.
	openFirst, openAgain = 5 * time.Second, 500 * time.Millisecond
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
	jobs   sync.Pool     // used again: a poll allocates none

	// owned by Run
	port   Port
	reader *reader
	timer  *time.Timer
	tuned  framing   // what the port is set to
	busy   time.Time // when the last bit, ours or another's, left the wire
	heard  time.Time // when the last byte came
	stray  bool      // bytes came that nobody asked for, or a reply stayed incomplete: more may follow
	owed   debt
	echo   echo
	watch  *watcher  // nil: nobody wants to know
	mute   int       // exchanges in a row without a single byte
	since  time.Time // the port was opened

	// A poll that was still waiting for the wire when an order came is put aside.
	aside, urgent *job

	useless bool // nothing has come from the port since it was opened, or it closed again at once, or it could not be opened

	mu    sync.Mutex // guards stats
	stats protocol.LineStatus

	traced  atomic.Bool
	tmu     sync.Mutex // guards tracers
	tracers []*tracer
}

// debt is a reply that may still come to a request given up.
type debt struct {
	until  time.Time
	unit   byte // that was asked, for Modbus
	anyone bool // the port was just opened: whoever was asked before may answer
}

// Option changes what a Line does beside exchanges.
type Option func(*Line)

// Watch has f told of frames on the wire that this line did not ask for. f is called by the line's goroutine and returns
// at once.
func Watch(f func(Foreign)) Option {
	return func(l *Line) {
		l.watch = newWatcher(f)
		l.watch.count = func() { l.count(func(s *protocol.LineStatus) { s.Foreign++ }) }
	}
}

type job struct {
	*Exchange
	ctx  context.Context
	done chan error
}

// New makes a line; it opens nothing. open is line.Open, or a test's own.
func New(set Settings, open func(Settings) (Port, error), log *slog.Logger, opts ...Option) *Line {
	l := &Line{
		set: set, open: open, log: log.With("line", set.Name),
		orders: make(chan *job, waiting), polls: make(chan *job, waiting), gone: make(chan struct{}),
		stats: protocol.LineStatus{Line: set.Name, Error: "not opened yet"},
	}
	for _, o := range opts {
		o(l)
	}
	return l
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
// ErrSilent, ErrDown, ErrLost, ErrTooLate, ErrFraming or the context's. When ctx ends while the exchange is on the wire,
// Do still waits for its deadline: the wire cannot be taken back.
func (l *Line) Do(ctx context.Context, x *Exchange) error {
	j, _ := l.jobs.Get().(*job)
	if j == nil {
		j = &job{done: make(chan error, 1)}
	}
	j.Exchange, j.ctx = x, ctx
	queue := l.polls
	if x.Order {
		queue = l.orders
	}
	select {
	case queue <- j:
	case <-ctx.Done():
		return l.free(j, ctx.Err())
	case <-l.gone:
		return l.free(j, context.Canceled)
	}
	select {
	case err := <-j.done:
		return l.free(j, err)
	case <-l.gone: // handed over while Run was ending
	}
	select {
	case err := <-j.done:
		return l.free(j, err)
	default:
		return context.Canceled // the job stays in the queue, which is nobody's any more
	}
}

// free gives the job back; nobody else has it.
func (l *Line) free(j *job, err error) error {
	j.Exchange, j.ctx = nil, nil
	l.jobs.Put(j)
	return err
}

// Run opens the port, reopens it when it vanishes, and serves the queue until ctx ends. Exchanges that arrive while
// the port is gone are answered with ErrDown at once. It runs once.
func (l *Line) Run(ctx context.Context) error {
	defer close(l.gone)
	defer l.refuseAll()
	defer l.shut()
	l.timer = time.NewTimer(time.Hour)
	defer l.timer.Stop()
	backoff, patience := reopenMin, openFirst
	for ctx.Err() == nil {
		if l.port == nil {
			l.answerHeld(l.downError())
			if l.useless { // opened, and failed before a byte came: as good as not there
				l.refuse(ctx, backoff)
				backoff = min(2*backoff, reopenMax)
				l.useless = false
				continue
			}
			err := l.reopen(ctx, patience)
			patience = openAgain
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				l.down(err)
				l.useless = true
				continue
			}
		}
		if !l.useless {
			backoff = reopenMin
		}
		j := l.next(ctx)
		if j == nil {
			continue
		}
		if err := l.serve(j); !errors.Is(err, errAside) {
			j.done <- err
		}
	}
	return nil
}

// next is the next exchange, orders first; nil when ctx ended or the port is gone. Meanwhile it listens.
func (l *Line) next(ctx context.Context) *job {
	for {
		if j := l.urgent; j != nil {
			l.urgent = nil
			return j
		}
		select {
		case j := <-l.orders:
			return j
		default:
		}
		if j := l.aside; j != nil {
			l.aside = nil
			return j
		}
		select {
		case j := <-l.orders:
			return j
		case j := <-l.polls:
			return j
		case c := <-l.reader.in:
			if err := l.arrived(c); err != nil {
				l.lost(err)
				return nil
			}
			l.idle(c)
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *Line) up() {
	l.mu.Lock()
	was := l.stats.Error
	l.stats.Up, l.stats.Error = true, ""
	l.mu.Unlock()
	l.log.Info("line up", "port", l.set.Path, "after", was)
	l.trace(TraceEvent{At: time.Now(), Kind: TraceUp})
}

func (l *Line) down(err error) {
	l.mu.Lock()
	changed := l.stats.Up || l.stats.Error != err.Error()
	l.stats.Up, l.stats.Error = false, err.Error()
	l.mu.Unlock()
	if changed {
		l.log.Warn("line down", "error", err)
		l.trace(TraceEvent{At: time.Now(), Kind: TraceDown, Err: err})
	}
}

func (l *Line) count(f func(*protocol.LineStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.stats)
}
