package bus

import (
	"slices"
	"time"
)

// advance lets everything happen that is over at now: meters hear, answers are put on the wires, the master hears.
func (l *Line) advance(now time.Time) {
	l.current = l.Faults()
	l.dtu.DTU = l.current.dtu(l.cfg.DTU)
	l.others(now)
	if len(l.ears) == 0 || l.fresh {
		l.regroup(now)
		l.fresh = false
	}
	for _, e := range l.ears {
		l.listen(e, now)
	}
	l.deliver(now)
	l.settle(now)
}

// deliver hands the master what its receiver took.
func (l *Line) deliver(now time.Time) {
	f, horizon := l.wires.Framing(), now
	if l.wires.Paced() { // what follows is paced by the real UART: all of a transmission is handed over as it begins
		for _, t := range l.talks {
			if t.from != FromMaster && !t.start.After(now) {
				t.handed = true
				if t.end.After(horizon) {
					horizon = t.end
				}
			}
		}
	}
	l.heard = l.master.take(l.masterAir(), f, horizon, l.heard[:0])
	l.out = l.out[:0]
	for _, c := range l.heard {
		if bool(l.current.Echo) && l.swallowed(c.at, f) {
			continue
		}
		l.hiss.spoil(l.current, f, &c)
		if c.bad && f.Parity != "none" {
			c.value = 0 // what a terminal gives for a character with a wrong parity or stop bit (INPCK without PARMRK)
		}
		if !bool(l.current.Cut) || l.echoes(c.at) {
			l.out = append(l.out, c.value)
		}
	}
	for _, p := range l.dtu.outbound(now, l.out) {
		// An error means that nobody reads: the bytes are lost, the line goes on.
		_, _ = l.wires.Write(p)
	}
}

// masterAir is what the master's receiver hears: everybody, and itself only where the line echoes. Without an echo its receiver is off
// while it talks.
func (l *Line) masterAir() air {
	all := func(*talk) bool { return true }
	own := func(t *talk) bool { return t.from == FromMaster }
	if l.current.Echo {
		return air{talks: l.talks, hears: all, wakes: all, deafens: func(*talk) bool { return false }}
	}
	others := func(t *talk) bool { return t.from != FromMaster }
	return air{talks: l.talks, hears: others, wakes: others, deafens: own}
}

// echoes reports whether the character that ended then was the master's own.
func (l *Line) echoes(end time.Time) bool {
	for _, t := range l.talks {
		if t.from == FromMaster && end.After(t.start) && !end.After(t.end) {
			return true
		}
	}
	return false
}

// swallowed reports whether the character belongs to the first bytes of an echo that get lost.
func (l *Line) swallowed(end time.Time, f Framing) bool {
	for _, t := range l.talks {
		if t.from == FromMaster && end.After(t.start) && !end.After(t.start.Add(f.Span(int(l.current.EchoLoses)))) {
			return true
		}
	}
	return false
}

// settle keeps the frames that are over, and forgets what nobody can hear any more and nothing overlaps that is still going on.
func (l *Line) settle(now time.Time) {
	running := false
	for _, t := range l.talks {
		if t.end.After(now) {
			running = true
			continue
		}
		if t.logged {
			continue
		}
		t.logged = true
		if t.frame == nil {
			continue
		}
		if t.note == "" && slices.ContainsFunc(l.talks, func(o *talk) bool { return o != t && o.overlaps(t.start, t.end) }) {
			t.note = "collision"
		}
		l.log(t.end, t.from, t.frame, t.note)
	}
	if len(l.talks) == 0 {
		return
	}
	linger, old := l.linger(), l.talks
	l.talks = slices.DeleteFunc(slices.Clone(old), func(t *talk) bool {
		if t.end.Add(linger).After(now) {
			return false
		}
		return !running || !slices.ContainsFunc(old, func(o *talk) bool { return o.end.After(now) && o.overlaps(t.start, t.end) })
	})
}

// linger is how long a receiver may still be busy with a character after the last transmission has ended: that of the slowest.
func (l *Line) linger() time.Duration {
	slowest := l.wires.Framing().Span(1)
	for _, e := range l.ears {
		slowest = max(slowest, e.framing.Span(1))
	}
	return slowest
}

// next is when something will be over.
func (l *Line) next(now time.Time) (at time.Time, ok bool) {
	sooner := func(t time.Time) {
		if t.After(now) && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	var linger time.Duration
	for _, t := range l.talks {
		if t.end.After(now) {
			sooner(l.step(t, now))
			continue
		}
		if linger == 0 {
			linger = l.linger()
		}
		sooner(t.end.Add(linger))
	}
	if l.free.Sub(now) > aheadMax {
		sooner(l.free.Add(-aheadMax))
	}
	for _, t := range []time.Time{l.dtu.due(), l.second.due} {
		if !t.IsZero() {
			sooner(t)
		}
	}
	return at, ok
}

// step is the next hand-over of a transmission: a few characters on, and its last character right when it is over.
func (l *Line) step(t *talk, now time.Time) time.Time {
	if t.start.After(now) && l.wires.Paced() {
		return t.start
	}
	chars := max(1, int(stepMax/t.framing.Span(1)))
	passed := 0
	if d := now.Sub(t.start); d >= 0 {
		passed = t.framing.at(d) / t.framing.bits() / chars * chars
	}
	if at := t.start.Add(t.framing.Span(passed + chars)); at.Before(t.end) {
		return at
	}
	return t.end
}
