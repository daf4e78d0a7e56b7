package bus

import "time"

// uart is a receiver: it waits for the line to fall, samples each bit in its middle, and judges parity and stop bit.
type uart struct {
	at     time.Time // everything before has been taken
	broken bool      // the line was low for a whole character: nothing begins before it rises
}

// character is one that a receiver took. bad: its parity or stop bit was wrong.
type character struct {
	value byte
	bad   bool
	at    time.Time // when its last bit had passed
}

// air is what a receiver can hear.
type air struct {
	talks   []*talk
	hears   func(*talk) bool // pulls the receiver's line
	wakes   func(*talk) bool // of those, the ones that make it listen
	deafens func(*talk) bool // the receiver's own driver is on
}

// take adds the characters that are complete at now.
func (u *uart) take(a air, f Framing, now time.Time, out []character) []character {
	for {
		if u.broken {
			up := a.risen(u.at)
			if up.After(now) {
				return out
			}
			u.at, u.broken = up, false
		}
		source, start := a.next(u.at)
		if source == nil {
			return out
		}
		end := start.Add(f.Span(1))
		if own := a.deaf(start, end); own != nil {
			if own.end.After(now) {
				return out
			}
			u.at = own.end
			continue
		}
		if i, whole := source.character(start); whole && f.hears(source.framing) {
			if end = source.start.Add(source.framing.Span(i + 1)); a.alone(source, start, end) {
				if end.After(now) {
					return out
				}
				u.at = end
				out = append(out, character{value: source.data[i], at: end})
				continue
			}
		}
		if end.After(now) {
			return out
		}
		if !a.low(start.Add(f.middle(0))) { // a spike, no start bit
			u.at = start.Add(f.middle(0))
			continue
		}
		out = append(out, u.sample(a, f, start, end))
	}
}

// sample reads one character bit by bit.
func (u *uart) sample(a air, f Framing, start, end time.Time) character {
	c := character{at: end}
	for j := range 8 {
		if !a.low(start.Add(f.middle(1 + j))) {
			c.value |= 1 << j
		}
	}
	stop, parity := 9, false
	if f.Parity != "none" {
		parity = !a.low(start.Add(f.middle(9)))
		c.bad = parity != f.parityBit(c.value)
		stop = 10
	}
	u.at = start.Add(f.middle(stop))
	if a.low(u.at) {
		c.bad = true
		u.broken = c.value == 0 && !parity
	}
	return c
}

// next is the first talk that makes the receiver listen, and when its line falls.
func (a air) next(at time.Time) (first *talk, start time.Time) {
	for _, t := range a.talks {
		if !t.end.After(at) || !a.wakes(t) {
			continue
		}
		if s, ok := t.falls(at); ok && (first == nil || s.Before(start)) {
			first, start = t, s
		}
	}
	return first, start
}

func (a air) low(at time.Time) bool {
	for _, t := range a.talks {
		if a.hears(t) && t.lowAt(at) {
			return true
		}
	}
	return false
}

// risen is the first moment from at on when nobody holds the line low.
func (a air) risen(at time.Time) time.Time {
	for {
		before := at
		for _, t := range a.talks {
			if a.hears(t) {
				at = t.rises(at)
			}
		}
		if at.Equal(before) {
			return at
		}
	}
}

func (a air) deaf(from, to time.Time) *talk {
	for _, t := range a.talks {
		if a.deafens(t) && t.overlaps(from, to) {
			return t
		}
	}
	return nil
}

func (a air) alone(source *talk, from, to time.Time) bool {
	for _, t := range a.talks {
		if t != source && a.hears(t) && t.overlaps(from, to) {
			return false
		}
	}
	return true
}
