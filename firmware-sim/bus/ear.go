package bus

import (
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

// wiring is where a meter may differ from its line.
func (l *Line) wiring(m *meter.Meter) (Framing, time.Duration) {
	delay, baud, parity := m.Wiring()
	f := l.cfg.Framing()
	if baud != 0 {
		f.Baud = baud
	}
	if parity != "" {
		f.Parity = parity
	}
	if delay == 0 {
		delay = l.cfg.Delay
	}
	return f, delay
}

// regroup moves the meters to the ears of their framings, which a meter may change by command.
func (l *Line) regroup() {
	n := 0
	moved := len(l.ears) == 0
	for _, e := range l.ears {
		n += len(e.meters)
		for _, m := range e.meters {
			if f, _ := l.wiring(m); !f.hears(e.framing) {
				moved = true
			}
		}
	}
	if !moved && n == len(l.meters) {
		return
	}
	old := l.ears
	l.ears = nil
	for _, m := range l.meters {
		f, _ := l.wiring(m)
		i := slices.IndexFunc(l.ears, func(e *ear) bool { return e.framing.hears(f) })
		if i < 0 {
			i = len(l.ears)
			if k := slices.IndexFunc(old, func(e *ear) bool { return e.framing.hears(f) }); k >= 0 {
				e := old[k]
				e.meters = nil
				l.ears = append(l.ears, e)
			} else {
				l.ears = append(l.ears, &ear{framing: f, face: newFace(l.cfg)})
			}
		}
		l.ears[i].meters = append(l.ears[i].meters, m)
	}
	if len(l.ears) == 0 { // a line without meters still keeps what was on it
		l.ears = []*ear{{framing: l.cfg.Framing(), face: newFace(l.cfg)}}
	}
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
		if e.hiss.spoil(l.rng, l.current, e.framing, &c); c.bad {
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
		_, delay := l.wiring(m)
		frame, answered := r.ask(m, at)
		if !answered {
			continue
		}
		s := shape(l.rng, l.current, l.cfg, frame)
		if len(s.frame) == 0 {
			continue
		}
		t := newTalk(FromMeter, at.Add(delay+s.late), e.framing, s.wire())
		t.frame, t.note = s.frame, s.note
		l.talks = append(l.talks, t)
	}
}
