// Package poll decides which meter is read when. One poller serves one line; a round touches every meter that answers
// once, and at most one of those that do not. While a round takes longer than the interval the wire is never idle: what
// was read is stored beside it.
package poll

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"feikong/agent/meter"
	"feikong/protocol"
)

const (
	// silentAfter rounds without an answer a meter is taken as silent: noise costs a round now and then, not three.
	silentAfter = 3
	// backoffMax is the longest pause between probes of a silent meter: power comes back, people plug things in.
	backoffMax = 5 * time.Minute
	// flushAfter bounds how old a reading may become in memory on a line whose round takes longer.
	flushAfter = 5 * time.Second
	// idleWork is how often an idle line asks for work that waits.
	idleWork = time.Minute
)

// Options are the intervals of a line.
type Options struct {
	Interval time.Duration // energy, each meter
	Relay    time.Duration // relay state
	Clock    time.Duration // comparison of clocks
	History  History       // nil: nothing but polls
}

// History fills what was missed from what the meters keep (补抄). All its methods are called by the poller's goroutine.
type History interface {
	// Seen is told after each energy read that came back, with what it brought; it does no line I/O.
	Seen(m meter.Driver, at time.Time, registers []protocol.Reading)
	// Work does the most urgent waiting work on this line, a few exchanges at most. It is asked between rounds until it
	// says false or the next round is due, and once a round when the line is never idle. The error is that of an outbox that
	// can no longer be written.
	Work(ctx context.Context) (worked bool, err error)
}

// Box is where a round goes; *outbox.Box. Its calls may take as long as the disk does.
type Box interface {
	Append([]protocol.Entry) error
	AppendAlarm(protocol.Alarm) error
}

// Poller reads the meters of one line.
type Poller struct {
	line    string
	opt     Options
	trusted func() bool // whether the agent's clock is trusted now
	log     *slog.Logger

	// owned by Run
	store   store
	order   []*state // as they are visited: meters of one framing together
	number  uint32   // of the round
	took    time.Duration
	visits  int // in the round before that brought an answer or not
	quota   quota
	workAt  time.Time // when History was asked last
	downAt  time.Time // when polls of this line began to find it down; zero: it is up
	downFor uint64    // polls that did not happen since

	mu     sync.Mutex // guards the meters' schedule
	meters []*state   // as configured
}

// New makes the poller of a line; trusted says how far readings' times can be believed.
func New(lineName string, meters []meter.Driver, opt Options, box Box, trusted func() bool, log *slog.Logger) *Poller {
	log = log.With("line", lineName)
	p := &Poller{line: lineName, opt: opt, trusted: trusted, log: log, store: newStore(box, log)}
	for _, m := range meters {
		can := m.Can()
		p.meters = append(p.meters, &state{Driver: m, noClock: !can.Clock, noRelay: !can.Feedback, retries: retriesMax})
	}
	p.order = append(p.order, p.meters...)
	return p
}

// Run polls until ctx ends; the only error is that of an outbox that can no longer be written.
func (p *Poller) Run(ctx context.Context) error {
	for {
		start := time.Now()
		err := p.Round(ctx)
		if err == nil && ctx.Err() == nil {
			err = p.between(ctx, start.Add(p.opt.Interval))
		}
		if ctx.Err() != nil || err != nil {
			if serr := p.store.finish(); err == nil {
				err = serr
			}
			return err
		}
	}
}

// between does what is left to do until the next round is due at next: reads that found no place in the round, then
// work that waits. A line that is never idle has time for one piece of work.
func (p *Poller) between(ctx context.Context, next time.Time) error {
	for _, m := range p.order {
		if ctx.Err() != nil || !p.downAt.IsZero() || !time.Now().Before(next) {
			break
		}
		if m.misses == 0 {
			p.extras(ctx, m, meter.Call{}, time.Now(), nil)
		}
	}
	for ctx.Err() == nil {
		worked, err := p.work(ctx)
		if err != nil {
			return err
		}
		if err := p.store.flush(); err != nil {
			return err
		}
		now := time.Now()
		if !now.Before(next) {
			return nil
		}
		if worked {
			continue
		}
		until := next
		if p.opt.History != nil && p.workAt.Add(idleWork).Before(until) {
			until = p.workAt.Add(idleWork)
		}
		if err := p.idle(ctx, until); err != nil {
			return err
		}
		if !time.Now().Before(next) {
			return nil
		}
	}
	return nil
}

// work asks History once. Work that took no time was none: whoever says otherwise must not spin.
func (p *Poller) work(ctx context.Context) (worked bool, err error) {
	if p.opt.History == nil {
		return false, nil
	}
	p.workAt = time.Now()
	worked, err = p.opt.History.Work(ctx)
	return worked && time.Since(p.workAt) >= time.Millisecond, err
}

// idle waits until t; what is to be stored is stored meanwhile.
func (p *Poller) idle(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return nil
		case err := <-p.store.done:
			if err := p.store.ended(err); err != nil {
				return err
			}
			if err := p.store.flush(); err != nil {
				return err
			}
		}
	}
}

// Status is what the status message tells of the line's meters.
func (p *Poller) Status() (out []protocol.MeterStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.meters {
		s := m.Driver.Status()
		if !m.until.IsZero() {
			s.BackoffUntil = m.until.UnixMilli()
		}
		out = append(out, s)
	}
	return out
}
