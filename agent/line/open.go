package line

import (
	"context"
	"fmt"
	"time"
)

// reopen opens the port beside the queue: opening a serial server behind a network takes seconds. Exchanges wait for
// patience, then they are told that the line is down.
func (l *Line) reopen(ctx context.Context, patience time.Duration) error {
	type opened struct {
		p   Port
		err error
	}
	result := make(chan opened, 1)
	go func() {
		p, err := l.open(l.set)
		result <- opened{p, err}
	}()
	l.timer.Reset(patience)
	var orders, polls chan *job
	for {
		select {
		case r := <-result:
			if r.err != nil {
				return r.err
			}
			return l.take(r.p)
		case <-l.timer.C:
			orders, polls = l.orders, l.polls
		case j := <-orders:
			j.done <- l.downError()
		case j := <-polls:
			j.done <- l.downError()
		case <-ctx.Done():
			if r := <-result; r.err == nil { // it has a deadline of its own
				r.p.Close()
			}
			return ctx.Err()
		}
	}
}

// take makes p the line's port. What is in its buffer, or still comes, is nobody's: a process may have been killed
// between a request and its reply.
func (l *Line) take(p Port) error {
	if err := p.ResetInputBuffer(); err != nil {
		p.Close()
		return fmt.Errorf("empty the buffer of port %s: %w", l.set.Path, err)
	}
	now := time.Now()
	l.port, l.tuned, l.mute = p, l.set.framing(), 0
	l.useless, l.since = true, now
	l.heard, l.busy, l.stray = now, now, true
	l.owed = debt{until: now.Add(pause), anyone: true}
	l.echo = echo{}
	if l.watch != nil {
		l.watch.opened(now)
	}
	l.reader = newReader(p)
	l.up()
	return nil
}

// refuse answers ErrDown for d, or until ctx ends.
func (l *Line) refuse(ctx context.Context, d time.Duration) {
	l.timer.Reset(d)
	for {
		select {
		case j := <-l.orders:
			j.done <- l.downError()
		case j := <-l.polls:
			j.done <- l.downError()
		case <-l.timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (l *Line) downError() error {
	return fmt.Errorf("line %s: %w: %s", l.set.Name, ErrDown, l.Status().Error)
}

// lost closes the port after an error of its own; Run opens it again.
func (l *Line) lost(err error) error {
	l.shut()
	l.useless = l.useless || time.Since(l.since) < steady
	err = fmt.Errorf("line %s: %w: %w", l.set.Name, ErrLost, err)
	l.down(err)
	return err
}

// shut closes the port and waits for its reader.
func (l *Line) shut() {
	if l.port == nil {
		return
	}
	l.port.Close()
	l.reader.end()
	l.port, l.reader = nil, nil
}

// refuseAll answers what still waits when Run ends, so that no caller hangs.
func (l *Line) refuseAll() {
	l.answerHeld(context.Canceled)
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

// answerHeld answers what the line's goroutine itself holds.
func (l *Line) answerHeld(err error) {
	for _, j := range []**job{&l.urgent, &l.aside} {
		if *j != nil {
			(*j).done <- err
			*j = nil
		}
	}
}
