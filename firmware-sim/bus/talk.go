package bus

import "time"

// talk is one transmission: characters back to back from start on. Several at once pull the wires low together.
type talk struct {
	from    string // FromMaster, FromMeter, FromSecond
	start   time.Time
	end     time.Time
	framing Framing
	data    []byte
	frame   []byte // what of data is kept for those who look later; nil: nothing
	note    string
	handed  bool // to a medium that paces it itself
	logged  bool
}

func newTalk(from string, start time.Time, f Framing, data []byte) *talk {
	return &talk{from: from, start: start, end: start.Add(f.Span(len(data))), framing: f, data: data}
}

// overlaps reports whether the talk is on the wires between from and to.
func (t *talk) overlaps(from, to time.Time) bool { return t.start.Before(to) && t.end.After(from) }

// low reports whether bit k pulls the line to 0.
func (t *talk) low(k int) bool {
	n := t.framing.bits()
	b, j := t.data[k/n], k%n
	switch {
	case j == 0:
		return true
	case j <= 8:
		return b>>(j-1)&1 == 0
	case j == 9 && t.framing.Parity != "none":
		return !t.framing.parityBit(b)
	}
	return false
}

func (t *talk) total() int { return len(t.data) * t.framing.bits() }

// lowAt reports whether the talk pulls the line low at the moment.
func (t *talk) lowAt(at time.Time) bool {
	return !at.Before(t.start) && at.Before(t.end) && t.low(min(t.framing.at(at.Sub(t.start)), t.total()-1))
}

// falls is the first moment from at on when the talk pulls the line low.
func (t *talk) falls(at time.Time) (time.Time, bool) {
	if at.Before(t.start) {
		return t.start, len(t.data) > 0
	}
	for k := t.framing.at(at.Sub(t.start)); k < t.total(); k++ {
		if t.low(k) {
			if since := t.start.Add(t.framing.bit(k)); since.After(at) {
				return since, true
			}
			return at, true
		}
	}
	return time.Time{}, false
}

// rises is the first moment from at on when the talk lets the line go.
func (t *talk) rises(at time.Time) time.Time {
	if !t.lowAt(at) {
		return at
	}
	for k := t.framing.at(at.Sub(t.start)); k < t.total(); k++ {
		if !t.low(k) {
			return t.start.Add(t.framing.bit(k))
		}
	}
	return t.end
}

// character is the index of the character that begins exactly at the moment.
func (t *talk) character(at time.Time) (int, bool) {
	d := at.Sub(t.start)
	if d < 0 || !at.Before(t.end) {
		return 0, false
	}
	k := t.framing.at(d)
	if k%t.framing.bits() != 0 || t.framing.bit(k) != d {
		return 0, false
	}
	return k / t.framing.bits(), true
}
