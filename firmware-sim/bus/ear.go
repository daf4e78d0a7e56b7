package bus

import (
	"math/rand/v2"
	"slices"
	"time"

	"feikong/firmware-sim/meter"
)

// ear is the receivers of all meters that have the same framing: they hear the same.
type ear struct {
	framing Framing
	meters  []*meter.Meter
	uart    uart
	hiss    hiss
	face    face
	last    time.Time // when the last character was heard
	heard   []character
	one     [1]byte
}

// framingOf is with what a meter listens and talks at the moment.
func (l *Line) framingOf(m *meter.Meter, at time.Time) Framing {
	f := l.cfg.Framing()
	f.Baud, f.Parity = m.Framing(f.Baud, f.Parity, at)
	return f
}

// regroup moves the meters to the ears of their framings, which a meter may change by command. It is asked when somebody begins to talk.
func (l *Line) regroup(at time.Time) {
	old := l.ears
	n, moved := 0, false
	for _, e := range old {
		n += len(e.meters)
		moved = moved || slices.ContainsFunc(e.meters, func(m *meter.Meter) bool { return !l.framingOf(m, at).hears(e.framing) })
	}
	if len(old) > 0 && n == len(l.meters) && !moved {
		return
	}
	l.ears = nil
	for _, m := range l.meters {
		e := l.ear(old, l.framingOf(m, at))
		e.meters = append(e.meters, m)
	}
	if len(l.ears) == 0 { // a line without meters still keeps what was on it
		l.ear(old, l.cfg.Framing())
	}
}

// ear is the one for the framing: there already, from before with what it has heard, or new.
func (l *Line) ear(old []*ear, f Framing) *ear {
	same := func(e *ear) bool { return e.framing.hears(f) }
	if i := slices.IndexFunc(l.ears, same); i >= 0 {
		return l.ears[i]
	}
	e := &ear{framing: f, face: newFace(l.cfg)}
	e.hiss.rng = rand.New(rand.NewPCG(l.cfg.Seed, uint64(f.Baud)<<8|uint64(f.bits())<<1|uint64(len(f.Parity))&1)) // odd has three letters, even four
	if i := slices.IndexFunc(old, same); i >= 0 {
		e = old[i]
		e.meters = nil
	}
	l.ears = append(l.ears, e)
	return e
}

// listen lets the meters of one ear hear what the masters have sent until now.
func (l *Line) listen(e *ear, now time.Time) {
	masters := func(t *talk) bool { return t.from != FromMeter }
	e.heard = e.uart.take(air{
		talks: l.talks, hears: func(*talk) bool { return true }, wakes: masters, deafens: func(*talk) bool { return false },
	}, e.framing, now, e.heard[:0])
	for _, c := range e.heard {
		if l.current.Cut {
			continue
		}
		if c.at.Sub(e.last) > tbMax {
			e.face.forget()
		}
		e.last = c.at
		if e.hiss.spoil(l.current, e.framing, &c); c.bad {
			e.face.forget() // a character with a wrong parity spoils the frame (DL/T 645-2007, 5.2)
			continue
		}
		e.one[0] = c.value
		e.face.hear(e.one[:])
		for r, ok := e.face.next(); ok; r, ok = e.face.next() {
			l.request(e, r, c.at)
		}
	}
}

// request puts a sound frame, whose last byte was heard at the moment, to the meters, and their answers on the wires.
func (l *Line) request(e *ear, r request, at time.Time) {
	from := FromMaster
	for _, t := range l.talks {
		if t.from == FromSecond && !t.end.Before(at) && t.start.Before(at) {
			from = FromSecond
		}
	}
	l.log(at, from, r.wire, "")
	if from == FromMaster && r.relay {
		l.keep(r.wire)
	}
	for _, m := range e.meters {
		frame, answered := r.ask(m, at)
		if !answered {
			continue
		}
		manner := m.Manner(at, meter.Manner{Delay: l.cfg.Delay, FEs: l.cfg.Preamble})
		s := shape(l.rng, l.current, l.cfg.Protocol, manner, frame)
		if len(s.frame) == 0 {
			continue
		}
		t := newTalk(FromMeter, at.Add(s.delay), e.framing, s.wire())
		t.frame, t.note = s.frame, s.note
		l.talks = append(l.talks, t)
	}
}
