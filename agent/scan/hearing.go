package scan

import (
	"bytes"
	"context"
	"errors"
	"time"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
)

const (
	// captureMax bounds what is kept of one probe: three longest frames.
	captureMax = 3 * dlt645.MaxFrame
	// replyRoom is how long the bytes of a reply may take: two answers of a whole energy block, one behind the other.
	replyRoom = 2 * (4 + 12 + 4 + 20)
)

// Hearing is what came back for one DL/T 645 request.
type Hearing struct {
	Replies []dlt645.Frame   // of meters
	Foreign int              // frames of a master that are not our echo
	Stray   int              // bytes that belong to no frame, wake-up and trailing bytes not counted
	Maybe   []dlt645.Address // addresses that can still be made out in damaged frames
	delay   time.Duration    // from the end of the request to the first byte of the answer
}

// Silent says that nothing but our own echo came.
func (h Hearing) Silent() bool { return len(h.Replies) == 0 && h.Stray == 0 }

// Clean is the only reply, when it is the only thing that was heard.
func (h Hearing) Clean() (dlt645.Frame, bool) {
	if len(h.Replies) != 1 || h.Stray != 0 {
		return dlt645.Frame{}, false
	}
	return h.Replies[0], true
}

// ask sends one request and listens through the whole window, whatever comes: a second meter may answer later than the
// first.
func (s *search) ask(ctx context.Context, f dlt645.Frame) (Hearing, error) {
	wire := dlt645.AppendFrame(dlt645.AppendPreamble(nil), f)
	s.buf = s.buf[:0]
	x := &line.Exchange{Request: wire, ReplyLen: replyRoom, Delay: s.o.Window, Take: func(b []byte) bool {
		s.buf = append(s.buf, b[:min(len(b), captureMax-len(s.buf))]...)
		return b == nil
	}}
	s.framing.apply(x)
	start := time.Now()
	err := s.bus.Do(ctx, x)
	s.step(f.Addr.String(), time.Since(start))
	if err != nil && !errors.Is(err, line.ErrSilent) {
		return Hearing{}, err
	}
	h := Listen(s.buf, wire)
	if !x.RepliedAt.IsZero() {
		h.delay = max(0, x.RepliedAt.Sub(x.SentAt)-s.charTime(len(wire)))
	}
	if h.Foreign > 0 {
		s.note(NoteForeign, "")
		if s.foreign += h.Foreign; s.foreign >= foreignMax {
			return h, ErrMasters
		}
	}
	return h, nil
}

func (s *search) charTime(n int) time.Duration {
	set := s.bus.Settings()
	if s.framing.Baud != 0 {
		set.Baud, set.Parity = s.framing.Baud, s.framing.Parity
	}
	return set.CharTime(n)
}

// Listen takes apart what was heard after the wire bytes sent. Frames of the Hearing are copies.
func Listen(capture, sent []byte) (h Hearing) {
	frames, _ := dlt645.Decode(capture)
	rest := capture
	for _, f := range frames {
		wire := dlt645.AppendFrame(nil, f)
		at := bytes.Index(rest, wire)
		if at < 0 {
			continue // cannot be: Decode found it there
		}
		h.gap(rest[:at], sent, true)
		rest = rest[at+len(wire):]
		switch {
		case f.FromMeter():
			h.Replies = append(h.Replies, f)
		case !bytes.HasSuffix(sent, wire):
			h.Foreign++
		}
	}
	h.gap(rest, sent, false)
	if n := len(rest); len(h.Replies) == 0 && h.Stray == 0 && n > glitch && !bytes.HasSuffix(sent, rest) {
		h.Stray = n // without a frame beside them they are no padding: many answers at once pull the line to zeros
	}
	return h
}

// glitch is how many bytes an adapter may make by itself when it turns the line around.
const glitch = 2

// gap judges bytes between frames. Meters and adapters add harmless ones: wake-up bytes FEH, a trailing FFH or 00H, a
// doubled start before a frame, an echo of the request that lost its beginning.
func (h *Hearing) gap(b, sent []byte, before bool) {
	const start = 0x68
	for len(b) > 0 && padding(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && padding(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	if before && len(b) == 1 && b[0] == start || len(b) > 2 && bytes.HasSuffix(sent, b) {
		return
	}
	h.Stray += len(b)
	for i := 0; i+7 < len(b); i++ {
		if b[i] != start || b[i+7] != start {
			continue
		}
		if a := dlt645.Address(b[i+1 : i+7]); a.Exact() {
			h.Maybe = append(h.Maybe, a)
		}
	}
}

// padding says that a byte around frames means nothing.
func padding(b byte) bool { return b == 0xFE || b == 0xFF || b == 0x00 }
