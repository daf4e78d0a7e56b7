package line

import "time"

const (
	// paceAfter answers a meter's speed is believed: the first ones after it was powered may be quicker than the rest.
	paceAfter = 8
	// paceWindow answers make one of the two windows that are looked back on: meters are slow when they freeze or
	// sample, which the last few answers need not show.
	paceWindow = 64
)

// Pace is what one meter has shown: its reply delay (Td) and the longest pause inside its frames (Tb), both as seen from
// here, adapters and links included. It makes the wait for an answer that is lost to noise short; one wait in vain and
// the full time is given again until the meter answers, so that a meter that became slow is never lost for good. It does not
// survive a restart. The zero value is ready.
type Pace struct {
	delay, pause [2]time.Duration // slowest of this window and of the one before
	seen         uint8            // answers in this window
	believed     bool             // there were paceAfter answers
	missed       bool             // the last exchange brought none
}

// Delay is the slowest reply delay seen lately, 0 when nothing is known yet.
func (p *Pace) Delay() time.Duration { return max(p.delay[0], p.delay[1]) }

// known says whether the meter's own figures may be used.
func (p *Pace) known() bool { return p != nil && !p.missed && p.believed }

// wait is how long the first byte is waited for, full being the longest that the meter is allowed; spare covers what
// operating system and adapter add, which varies.
func (p *Pace) wait(full, spare time.Duration) time.Duration {
	if !p.known() {
		return full + spare
	}
	return min(full+spare, p.Delay()*3/2+spare)
}

// silence is how long a reply may pause.
func (p *Pace) silence(full, spare time.Duration) time.Duration {
	if !p.known() {
		return full
	}
	return min(full, max(p.pause[0], p.pause[1])*3/2+spare)
}

// answered notes one whole reply.
func (p *Pace) answered(delay, pause time.Duration) {
	if p == nil {
		return
	}
	p.missed = false
	if p.seen++; p.seen >= paceAfter {
		p.believed = true
	}
	if p.seen > paceWindow {
		p.seen = 1
		p.delay, p.pause = [2]time.Duration{0, p.delay[0]}, [2]time.Duration{0, p.pause[0]}
	}
	p.delay[0], p.pause[0] = max(p.delay[0], delay), max(p.pause[0], pause)
}

// missedOne notes that no whole reply came in time.
func (p *Pace) missedOne() {
	if p != nil {
		p.missed = true
	}
}
