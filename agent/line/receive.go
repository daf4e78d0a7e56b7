package line

import (
	"fmt"
	"time"

	"feikong/protocol"
)

// receive reads until Take is satisfied. Three limits: the first byte must come within request time + delay, the next
// one within the pause, and all of it within request time + delay + reply time. Delay and pause are what the meter has
// shown, if it has, else what it is allowed.
func (l *Line) receive(j *job, f framing) error {
	spare, pace := l.spare(), j.Pace
	if j.Order {
		pace = nil // what an order came to is never left to a tight limit
	}
	full := pause
	if l.set.network() {
		full += spare // the link may pause, too
	}
	left := j.SentAt.Add(f.chars(len(j.Request)))
	first := left.Add(pace.wait(j.Delay, spare))
	last := first.Add(f.chars(j.ReplyLen) + spare)
	silence := pace.silence(full, spare)
	var longest time.Duration // pause seen inside the reply
	for until := first; ; {
		c, ok, err := l.wait(until)
		if err != nil {
			return l.lost(err)
		}
		if !ok {
			return l.silent(j, until)
		}
		if j.Received > 0 && c.at.After(left) {
			longest = max(longest, c.at.Sub(l.heard))
		}
		done := l.feed(j, c)
		l.reader.back(c)
		if done {
			return l.whole(j, f, longest)
		}
		until = c.at.Add(silence)
		if until.After(last) {
			until = last
		}
		if until.Before(first) && j.Received <= len(j.Request) {
			until = first // so far it may be our own echo; the meter has its full delay
		}
	}
}

// feed gives Take what came, without our own echo where replies look like it.
func (l *Line) feed(j *job, c chunk) (done bool) {
	held, rest, whole := l.echo.take(c.b)
	strip := j.Blind && l.echo.known()
	switch {
	case whole && (strip || !ambiguous(j.Request)):
		j.RepliedAt = time.Time{} // so far it was ourselves
		if len(rest) > 0 {
			j.RepliedAt = c.at
		}
	case j.RepliedAt.IsZero() && (len(rest) > 0 || !l.echo.known()):
		j.RepliedAt = c.at
	}
	j.Received += len(c.b)
	l.heard, l.busy = c.at, latest(l.busy, c.at)
	if !strip {
		return j.Take(c.b)
	}
	return len(held) > 0 && j.Take(held) || len(rest) > 0 && j.Take(rest)
}

// ambiguous: the answer to the request is the request itself (Modbus FC05, FC06, with either head).
func ambiguous(request []byte) bool {
	if len(request) < 2 || isDLT645(request) {
		return false
	}
	fn := request[1]
	if isMBAP(request) {
		fn = request[7]
	}
	return fn == 5 || fn == 6
}

// whole ends an exchange whose reply is complete.
func (l *Line) whole(j *job, f framing, longest time.Duration) error {
	l.mute = 0
	l.echo.end(ambiguous(j.Request))
	j.Pace.answered(j.delay(f), longest)
	l.count(func(s *protocol.LineStatus) { s.Exchanges++ })
	return l.linger(j)
}

// silent ends an exchange whose time is over.
func (l *Line) silent(j *job, until time.Time) error {
	l.stray = j.Received > 0
	l.owed = debt{until: time.Now().Add(j.Delay), unit: j.Request[0]}
	if j.Received > 0 {
		l.mute = 0
		if j.Take(nil) {
			l.count(func(s *protocol.LineStatus) { s.Exchanges++ })
			return nil
		}
	} else {
		l.mute++
	}
	j.Pace.missedOne()
	l.count(func(s *protocol.LineStatus) { s.Exchanges++; s.Timeouts++ })
	if j.Received > 0 {
		l.count(func(s *protocol.LineStatus) { s.Faults++ })
		return fmt.Errorf("line %s: %w: %d bytes came, no whole reply among them", l.set.Name, ErrSilent, j.Received)
	}
	return fmt.Errorf("line %s: %w within %d ms", l.set.Name, ErrSilent, until.Sub(j.SentAt).Milliseconds())
}

// linger listens on behind a whole reply, at most for pause beyond its time when bytes keep coming.
func (l *Line) linger(j *job) error {
	if j.Linger == 0 {
		return nil
	}
	until := time.Now().Add(j.Linger)
	for last := until.Add(pause); ; {
		c, ok, err := l.wait(until)
		if err != nil {
			return l.lost(err)
		}
		if !ok {
			return nil
		}
		l.heard, l.busy = c.at, c.at
		j.Take(c.b)
		l.reader.back(c)
		if until = c.at.Add(quiet); until.After(last) {
			until = last
		}
	}
}
