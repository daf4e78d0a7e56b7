package line

import (
	"fmt"
	"io"
	"time"

	"feikong/protocol"
)

// serve does one exchange. After an error of the port it is closed; Run opens it again.
func (l *Line) serve(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if err := l.drain(j.Blind); err != nil {
		return l.lost(err)
	}
	if !j.NotAfter.IsZero() && time.Now().After(j.NotAfter) {
		return fmt.Errorf("line %s: %w", l.set.Name, ErrTooLate)
	}
	if j.Before != nil {
		if err := j.Before(); err != nil {
			return err
		}
	}
	if w := time.Until(l.lastByte.Add(l.set.CharTime(4))); w > 0 {
		time.Sleep(w) // a frame border is 3.5 characters of silence (MODBUS over Serial Line 2.5.1.1); milliseconds
	}
	j.Wrote, j.SentAt = true, time.Now()
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
	return l.receive(j)
}

// receive reads until Take is satisfied. Three limits: the first byte must come within request time + Delay, the next
// one within pause, and all of it within request time + Delay + reply time.
func (l *Line) receive(j *job) error {
	sent := j.SentAt.Add(l.set.CharTime(len(j.Request))) // a pty takes the bytes at once, a UART's buffer too: the wire does not
	first := sent.Add(j.Delay + margin)
	last := first.Add(l.set.CharTime(j.ReplyLen) + margin)
	until := first
	for {
		left := time.Until(until)
		if left <= 0 {
			l.late, l.lateFor = true, j.Delay
			if j.Received > 0 && j.Take(nil) {
				l.count(func(s *protocol.LineStatus) { s.Exchanges++ })
				return nil
			}
			l.count(func(s *protocol.LineStatus) { s.Exchanges++; s.Timeouts++ })
			if j.Received > 0 {
				l.count(func(s *protocol.LineStatus) { s.Faults++ })
				return fmt.Errorf("line %s: %w: %d bytes came, no whole reply among them", l.set.Name, ErrSilent, j.Received)
			}
			return fmt.Errorf("line %s: %w within %d ms", l.set.Name, ErrSilent, until.Sub(j.SentAt).Milliseconds())
		}
		n, err := l.read(left)
		if err != nil {
			return l.lost(err)
		}
		if n == 0 {
			continue
		}
		if j.RepliedAt.IsZero() {
			j.RepliedAt = time.Now()
		}
		j.Received += n
		if j.Take(l.buf[:n]) {
			l.late = false
			l.count(func(s *protocol.LineStatus) { s.Exchanges++ })
			return l.linger(j)
		}
		until = time.Now().Add(pause)
		if until.After(last) {
			until = last
		}
		if until.Before(first) && j.Received <= len(j.Request) {
			until = first // so far it may be our own echo; the meter has its full delay
		}
	}
}

// linger listens on behind a whole reply, at most for pause beyond its time when bytes keep coming.
func (l *Line) linger(j *job) error {
	if j.Linger == 0 {
		return nil
	}
	until := time.Now().Add(j.Linger)
	for last := until.Add(pause); time.Until(until) > 0; {
		n, err := l.read(time.Until(until))
		if err != nil {
			return l.lost(err)
		}
		if n > 0 {
			j.Take(l.buf[:n])
			if until = time.Now().Add(quiet); until.After(last) {
				until = last
			}
		}
	}
	return nil
}

// drain throws away what nobody asked for. After a timeout it waits until the line is quiet: the late reply must be
// over before the next request, and where replies do not tell what they answer it must have had its time to begin.
func (l *Line) drain(blind bool) error {
	if !l.late {
		return l.port.ResetInputBuffer()
	}
	if err := l.port.ResetInputBuffer(); err != nil {
		return err
	}
	still := max(quiet, l.set.CharTime(12))
	wait := still
	if blind {
		wait = max(still, l.lateFor)
	}
	for end := time.Now().Add(wait + drainMax); time.Now().Before(end); {
		n, err := l.read(wait)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		wait = still // the late reply has begun
	}
	l.late = false
	return nil
}

// read reads what is there within d; (0, nil) means nothing came.
func (l *Line) read(d time.Duration) (int, error) {
	if err := l.port.SetReadTimeout(max(d, time.Millisecond)); err != nil {
		return 0, err
	}
	n, err := l.port.Read(l.buf[:])
	if n > 0 {
		l.lastByte = time.Now()
		l.count(func(s *protocol.LineStatus) { s.Received += uint64(n) })
	}
	return n, err
}

// lost closes the port after an error of its own.
func (l *Line) lost(err error) error {
	l.port.Close()
	l.port = nil
	err = fmt.Errorf("line %s: %w: %w", l.set.Name, ErrLost, err)
	l.down(err)
	return err
}

func (l *Line) count(f func(*protocol.LineStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.stats)
}
