package local

import (
	"bytes"
	"context"
	"encoding/hex"
	"net"
	"slices"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
)

// traceWaiting bounds the events that wait for a slow terminal; a line at 9600 baud makes some thirty a second.
const traceWaiting = 512

// trace sends what happens on a line until the client goes away or says something. The line never waits for it: what finds
// no place is counted.
func (s *Server) trace(ctx context.Context, c net.Conn, r *TraceRequest, requests <-chan []byte) bool {
	l := s.desk.Lines[r.Line]
	if l == nil {
		return send(c, Reply{Version: Version, Fault: fault(CodeLine, "没有线路 %q", "there is no line %q", r.Line)}) == nil
	}
	events := make(chan TraceEvent, traceWaiting)
	dropped := 0 // of the line's goroutine
	var mask masker
	stop := l.Trace(func(e line.TraceEvent) {
		out := TraceEvent{At: e.At.UnixMicro(), Kind: e.Kind, Hex: hex.EncodeToString(mask.event(e)), Baud: e.Baud, Order: e.Order, DelayUS: e.Delay.Microseconds(), Dropped: dropped}
		if e.Err != nil {
			out.Error = e.Err.Error()
		}
		select {
		case events <- out:
			dropped = 0
		default:
			dropped++
		}
	})
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-requests: // whatever it is: a trace is ended by ending the connection
			return false
		case e := <-events:
			if send(c, Reply{Version: Version, Event: &e}) != nil {
				return false
			}
		}
	}
}

// masker takes passwords out of what is shown: out of what we send, and out of its echo, which may come in pieces.
type masker struct {
	raw, masked []byte // of the last request with a password; nil: the last had none
	at          int    // how much of its echo has come
}

func (m *masker) event(e line.TraceEvent) []byte {
	switch e.Kind {
	case line.TraceSent:
		m.raw, m.masked, m.at = nil, nil, 0
		if b := maskedFrames(e.Bytes); b != nil {
			m.raw, m.masked = bytes.Clone(e.Bytes), b
			return b
		}
	case line.TraceReceived:
		if rest := m.raw[m.at:]; len(rest) > 0 && bytes.HasPrefix(rest, e.Bytes[:min(len(e.Bytes), len(rest))]) {
			n := min(len(e.Bytes), len(rest))
			out := append(slices.Clone(m.masked[m.at:m.at+n]), e.Bytes[n:]...)
			m.at += n
			return out
		}
		if b := maskedFrames(e.Bytes); b != nil { // a second master's
			return b
		}
	}
	return bytes.Clone(e.Bytes)
}

// maskedFrames is wire with the passwords of its frames masked, or nil when it has none. Every byte keeps its place.
func maskedFrames(wire []byte) []byte {
	frames, _ := dlt645.Decode(wire)
	var out []byte
	from := 0
	for _, f := range frames {
		plain, masked := dlt645.AppendFrame(nil, f), dlt645.AppendMasked(nil, f)
		if bytes.Equal(plain, masked) {
			continue
		}
		i := bytes.Index(wire[from:], plain)
		if i < 0 {
			continue
		}
		if out == nil {
			out = bytes.Clone(wire)
		}
		copy(out[from+i:], masked)
		from += i + len(plain)
	}
	return out
}
