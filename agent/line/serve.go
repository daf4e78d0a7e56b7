package line

import (
	"errors"
	"fmt"
	"io"
	"time"

	"feikong/protocol"
)

// serve does one exchange. After an error of the port it is closed; Run opens it again.
func (l *Line) serve(j *job) error {
	f := l.framingOf(j.Exchange)
	err := l.exchange(j, f)
	if j.Wrote {
		l.trace(TraceEvent{At: time.Now(), Kind: TraceEnd, Baud: f.baud, Order: j.Order, Delay: j.delay(f), Err: err})
	}
	if l.port != nil && l.mute >= muteMax && l.set.network() { // its link can be dead without an error
		l.lost(errMute)
	}
	return err
}

// delay is how long the meter took before its first byte.
func (x *Exchange) delay(f framing) time.Duration {
	if x.RepliedAt.IsZero() {
		return 0
	}
	return max(0, x.RepliedAt.Sub(x.SentAt)-f.chars(len(x.Request)))
}

func (l *Line) exchange(j *job, f framing) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if len(j.Request) == 0 {
		return fmt.Errorf("line %s: %w", l.set.Name, errEmpty)
	}
	if err := l.settle(j, f); errors.Is(err, errAside) {
		return err
	} else if err != nil {
		return l.lost(err)
	}
	if err := l.tune(f); err != nil {
		return err
	}
	if !j.NotAfter.IsZero() && time.Now().After(j.NotAfter) {
		return fmt.Errorf("line %s: %w", l.set.Name, ErrTooLate)
	}
	if j.Before != nil {
		if err := j.Before(); err != nil {
			return err
		}
	}
	j.Wrote, j.SentAt = true, time.Now()
	l.echo.begin(j.Request)
	l.busy = j.SentAt.Add(f.chars(len(j.Request))) // a pty takes the bytes at once, a UART's buffer too: the wire does not
	if l.watch != nil {
		l.watch.sent(j.Request, j.SentAt, l.busy.Add(l.spare()), l.set.network(), l.echo.known())
	}
	l.trace(TraceEvent{At: j.SentAt, Kind: TraceSent, Bytes: j.Request, Baud: f.baud, Order: j.Order})
	for rest := j.Request; len(rest) > 0; {
		n, err := l.port.Write(rest)
		l.count(func(s *protocol.LineStatus) { s.Sent += uint64(n) })
		if err == nil && n == 0 {
			err = io.ErrShortWrite // a port that takes nothing must not hold the line for ever
		}
		if err != nil {
			return l.lost(err)
		}
		rest = rest[n:]
	}
	if j.Broadcast {
		return l.broadcast()
	}
	return l.receive(j, f)
}

// broadcast waits until the last byte has left: nobody answers.
func (l *Line) broadcast() error {
	l.count(func(s *protocol.LineStatus) { s.Exchanges++ })
	for end := l.busy; ; {
		c, ok, err := l.wait(end)
		if err != nil {
			return l.lost(err)
		}
		if !ok {
			return nil
		}
		l.reader.back(c) // our echo
	}
}

// errAside says that a poll which has not been sent makes way for an order.
var errAside = errors.New("an order goes first")

// settle waits until j may be sent: for the frame border, for quiet after bytes that nobody asked for, and for a late
// reply where it could pass for the answer to j. An order does not wait for the wait of a poll.
func (l *Line) settle(j *job, f framing) error {
	gap := l.gap(f, j.Request)
	for end := time.Now().Add(drainMax + max(0, time.Until(l.owed.until))); ; {
		until := l.busy.Add(gap)
		if l.stray {
			until = latest(until, l.heard.Add(max(quiet, f.chars(12))))
		}
		if j.Blind && (l.owed.anyone || l.owed.unit == j.Request[0]) {
			until = latest(until, l.owed.until)
		}
		if until.After(end) {
			until = end
		}
		orders := l.orders
		if j.Order {
			orders = nil
		}
		c, order, ok, err := l.waitOr(until, orders)
		switch {
		case err != nil:
			return err
		case order != nil:
			l.aside, l.urgent = j, order
			return errAside
		case !ok:
			l.stray = false
			return nil
		}
		l.idle(c)
		l.owed = debt{} // the late reply has begun; what follows it is waited for as stray
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// wait gives the next bytes that come before until; false when none do. The caller gives the chunk back.
func (l *Line) wait(until time.Time) (c chunk, ok bool, err error) {
	c, _, ok, err = l.waitOr(until, nil)
	return c, ok, err
}

// waitOr also ends with a job that comes through orders.
func (l *Line) waitOr(until time.Time, orders chan *job) (c chunk, order *job, ok bool, err error) {
	select {
	case c = <-l.reader.in:
	default:
		d := time.Until(until)
		if d <= 0 {
			return c, nil, false, nil
		}
		l.timer.Reset(d)
		select {
		case c = <-l.reader.in:
		case order = <-orders:
			return c, order, false, nil
		case <-l.timer.C:
			return c, nil, false, nil
		}
	}
	return c, nil, true, l.arrived(c)
}

// arrived counts, traces and watches what came; the error is the port's.
func (l *Line) arrived(c chunk) error {
	if len(c.b) > 0 {
		l.useless = false
		l.count(func(s *protocol.LineStatus) { s.Received += uint64(len(c.b)) })
		l.trace(TraceEvent{At: c.at, Kind: TraceReceived, Bytes: c.b, Baud: l.tuned.baud})
		if l.watch != nil {
			l.watch.hear(c.b, c.at)
		}
	}
	return c.err
}

// idle takes bytes that came while nobody was being asked.
func (l *Line) idle(c chunk) {
	l.heard, l.busy, l.stray = c.at, latest(l.busy, c.at), true
	l.reader.back(c)
}

// spare is what may come on top of the time on the wire.
func (l *Line) spare() time.Duration {
	switch {
	case l.set.Latency > 0:
		return l.set.Latency
	case l.set.network():
		return linkMargin
	}
	return margin
}
