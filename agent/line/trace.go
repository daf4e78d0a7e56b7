package line

import (
	"slices"
	"time"
)

// What a TraceEvent tells.
const (
	TraceSent     = "sent"     // bytes handed to the port
	TraceReceived = "received" // bytes that came, as they came: frames may be split and merged
	TraceEnd      = "end"      // an exchange is over
	TraceUp       = "up"       // the port is open
	TraceDown     = "down"     // the port is gone
)

// TraceEvent is one thing that happened on a line. Bytes are valid during the call only, and as they went over the wire:
// they may hold a meter's password, which whoever shows them masks (dlt645.Redact, dlt645.AppendMasked).
type TraceEvent struct {
	At    time.Time
	Kind  string
	Bytes []byte        // of sent and received
	Baud  int           // the framing they had
	Order bool          // of sent and end: part of an order
	Delay time.Duration // of end: from the last byte of the request to the first of the reply; 0 when none came
	Err   error         // of end: nil when the reply is whole; of down: why
}

// tracer has an address to be found by.
type tracer struct{ f func(TraceEvent) }

// Trace calls f with everything that happens on the line until stop is called. f is called by the line's goroutine,
// which waits for it: it copies what it keeps, returns at once, and does not call stop. Nothing is queued here. A call may still come while
// stop runs, none after.
func (l *Line) Trace(f func(TraceEvent)) (stop func()) {
	t := &tracer{f}
	l.tmu.Lock()
	defer l.tmu.Unlock()
	l.tracers = append(l.tracers, t)
	l.traced.Store(true)
	return func() {
		l.tmu.Lock()
		defer l.tmu.Unlock()
		l.tracers = slices.DeleteFunc(l.tracers, func(x *tracer) bool { return x == t })
		l.traced.Store(len(l.tracers) > 0)
	}
}

// trace tells whoever listens; most of the time nobody does.
func (l *Line) trace(e TraceEvent) {
	if !l.traced.Load() {
		return
	}
	l.tmu.Lock()
	defer l.tmu.Unlock()
	for _, t := range l.tracers {
		t.f(e)
	}
}
