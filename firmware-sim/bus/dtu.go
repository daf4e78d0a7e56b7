package bus

import (
	"math/rand/v2"
	"time"
)

// DTU is a serial server on a mobile network: what a master writes comes late, and replies come in segments that are not the frames.
// The zero value is a wire.
type DTU struct {
	Latency time.Duration // each way
	Jitter  time.Duration // at most so much more, each way; order is kept
	Split   Share         // of the segments are cut in two at a random byte
	Merge   Share         // of the segments wait for what follows, at most for Hold
	Hold    time.Duration // default 100 ms
}

// dtu is one while it works. The line's goroutine owns it.
type dtu struct {
	DTU
	rng      *rand.Rand
	toLine   time.Time // when the last byte reached the line
	toMaster time.Time // when the last segment reaches the master
	held     []byte
	until    time.Time
	segments []segment
}

type segment struct {
	at   time.Time
	data []byte
}

const holdFor = 100 * time.Millisecond

func (d *dtu) wire() bool { return d.DTU == DTU{} }

// inbound is when what the master wrote at the moment reaches the line.
func (d *dtu) inbound(at time.Time) time.Time {
	if d.wire() {
		return at
	}
	if at = at.Add(d.lag()); at.Before(d.toLine) {
		at = d.toLine
	}
	d.toLine = at
	return at
}

func (d *dtu) lag() time.Duration {
	if d.Jitter <= 0 {
		return d.Latency
	}
	return d.Latency + time.Duration(d.rng.Int64N(int64(d.Jitter)))
}

// outbound takes the bytes of the line and gives the segments that reach the master now.
func (d *dtu) outbound(now time.Time, data []byte) (out [][]byte) {
	if d.wire() && len(d.held)+len(d.segments) == 0 { // or it was a DTU a moment ago
		if len(data) > 0 {
			out = append(out, data)
		}
		return out
	}
	if len(data) > 0 {
		waits := len(d.held) > 0
		d.held = append(d.held, data...)
		if !waits && chance(d.rng, d.Merge) {
			hold := d.Hold
			if hold == 0 {
				hold = holdFor
			}
			d.until = now.Add(hold)
		} else if !waits {
			d.until = now
		}
	}
	if len(d.held) > 0 && !d.until.After(now) {
		d.pack(now)
	}
	for len(d.segments) > 0 && !d.segments[0].at.After(now) {
		out = append(out, d.segments[0].data)
		d.segments = d.segments[1:]
	}
	return out
}

// pack makes one or two segments of what was held.
func (d *dtu) pack(now time.Time) {
	data := d.held
	d.held = nil
	if n := len(data); n > 1 && chance(d.rng, d.Split) {
		cut := 1 + d.rng.IntN(n-1)
		d.post(now, data[:cut])
		data = data[cut:]
	}
	d.post(now, data)
}

func (d *dtu) post(now time.Time, data []byte) {
	at := now.Add(d.lag())
	if !at.After(d.toMaster) {
		at = d.toMaster.Add(time.Millisecond) // or the network stack would join the two
	}
	d.toMaster = at
	d.segments = append(d.segments, segment{at, data})
}

// due is when the next segment leaves; zero: never.
func (d *dtu) due() time.Time {
	var at time.Time
	if len(d.segments) > 0 {
		at = d.segments[0].at
	}
	if len(d.held) > 0 && (at.IsZero() || d.until.Before(at)) {
		at = d.until
	}
	return at
}
