package bus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
)

// second is another master on the same wires. It listens to nobody, neither before it talks nor for an answer.
type second struct {
	rng   *rand.Rand
	due   time.Time // of the next thing it does; zero: never
	poll  time.Time
	echo  time.Time // of the next replay
	nth   int       // of the meter it polls next
	relay []byte    // the last relay frame that the first master sent
}

// keep remembers a relay frame of the first master.
func (l *Line) keep(wire []byte) {
	l.second.relay = append(l.second.relay[:0], wire...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames.relay = true
}

// ErrNothingToReplay says that no relay frame was on the line yet.
var ErrNothingToReplay = errors.New("no relay frame was on the line yet")

// Replay makes another master send the last relay frame of the first one again, once and now.
func (l *Line) Replay() error {
	l.mu.Lock()
	seen := l.frames.relay
	if seen {
		l.replay = true
	}
	l.mu.Unlock()
	if !seen {
		return fmt.Errorf("replay on line %s: %w", l.cfg.Name, ErrNothingToReplay)
	}
	l.wake()
	return nil
}

// others puts on the wires what the second master says at now.
func (l *Line) others(now time.Time) {
	s := &l.second
	l.mu.Lock()
	asked := l.replay
	l.replay = false
	l.mu.Unlock()
	if asked {
		l.shout(now, s.relay)
	}
	if every := time.Duration(l.current.SecondMaster); plan(&s.poll, every, now, s.rng) && len(l.meters) > 0 {
		l.shout(s.poll, l.foreign())
		s.poll = s.poll.Add(every)
	}
	if every := time.Duration(l.current.Replay); plan(&s.echo, every, now, s.rng) {
		l.shout(s.echo, s.relay)
		s.echo = s.echo.Add(every)
	}
	s.due = s.poll
	if s.due.IsZero() || !s.echo.IsZero() && s.echo.Before(s.due) {
		s.due = s.echo
	}
}

// plan keeps the time of something that happens again and again, and reports whether it is due. The first time is a random part of the
// interval away. What a stopped machine has missed is not made up for.
func plan(at *time.Time, every time.Duration, now time.Time, rng *rand.Rand) bool {
	switch {
	case every <= 0:
		*at = time.Time{}
		return false
	case at.IsZero() || at.Sub(now) > every || now.Sub(*at) > every:
		*at = now.Add(time.Duration(rng.Int64N(int64(every)) + 1))
		return false
	}
	return !at.After(now)
}

func (l *Line) shout(at time.Time, wire []byte) {
	if len(wire) == 0 {
		return
	}
	data := wire
	if l.cfg.Protocol == DLT645 {
		data = append(dlt645.AppendPreamble(nil), wire...)
	}
	l.talks, l.fresh = append(l.talks, newTalk(FromSecond, at, l.cfg.Framing(), data)), true
}

// foreign is the next read of the second master.
func (l *Line) foreign() []byte {
	m := l.meters[l.second.nth%len(l.meters)]
	l.second.nth++
	if l.cfg.Protocol == Modbus {
		return modbus.AppendRTU(nil, modbus.ReadRequest(m.Unit(), modbus.ReadHolding, 0, 2))
	}
	a, err := dlt645.ParseAddress(m.Address())
	if err != nil {
		return nil // the scenario has read it as an address
	}
	return dlt645.AppendFrame(nil, dlt645.ReadRequest(a, 0x00010000))
}
