package line

import "time"

// paceAfter answers a meter's speed is believed: the first ones after it was powered may be quicker than the rest.
const paceAfter = 8

// Pace is what one meter has shown: its reply delay (Td) and the longest pause inside its frames (Tb), both as seen from
// here, adapters and links included. It makes the wait for an answer that is lost to noise short; one wait in vain and
// the full time is given again until the meter answers, so that a meter that became slow is never lost for good. It does not
// survive a restart. The zero value is ready.
type Pace struct {
	delay  time.Duration // slowest seen, falling slowly towards what is seen now
	pause  time.Duration // the same, between two hand-overs of one reply
	seen   uint8         // answers, up to paceAfter
	missed bool          // the last exchange brought none
}

// Delay is the slowest reply delay seen lately, 0 when nothing is known yet.
func (p *Pace) Delay() time.Duration { return p.delay }

// known says whether the meter's own figures may be used.
func (p *Pace) known() bool { return p != nil && !p.missed && p.seen >= paceAfter }

// wait is how long the first byte is waited for, full being the longest that the meter is allowed; spare covers what
// operating system and adapter add, which varies.
func (p *Pace) wait(full, spare time.Duration) time.Duration {
	if !p.known() {
		return full + spare
	}
	return min(full+spare, p.delay+p.delay/2+spare)
}

// silence is how long a reply may pause.
func (p *Pace) silence(full, spare time.Duration) time.Duration {
	if !p.known() {
		return full
	}
	return min(full, p.pause+p.pause/2+spare)
}

// answered notes one whole reply.
func (p *Pace) answered(delay, pause time.Duration) {
	if p == nil {
		return
	}
	p.missed = false
	p.seen = min(p.seen+1, paceAfter)
	p.delay, p.pause = slowest(p.delay, delay), slowest(p.pause, pause)
}

// missedOne notes that no whole reply came in time.
func (p *Pace) missedOne() {
	if p != nil {
		p.missed = true
	}
}

// slowest follows a rise at once and a fall by a sixteenth each time.
func slowest(kept, now time.Duration) time.Duration {
	if now = max(now, 0); now >= kept {
		return now
	}
	return kept - (kept-now)/16
}
