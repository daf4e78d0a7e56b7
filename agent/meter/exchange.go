package meter

import (
	"context"
	"errors"
	"fmt"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// exchange sends f and waits for the frame that judge does not pass over; its error is judge's or the line's.
func (m *DLT645) exchange(ctx context.Context, c Call, w way, f dlt645.Frame, x *line.Exchange, dataLen int, judge func(dlt645.Frame) error) error {
	var parser dlt645.Parser
	var verdict error
	x.Request = dlt645.AppendFrame(dlt645.AppendPreamble(nil), f)
	x.ReplyLen, x.Delay, x.Order, x.NotAfter = preambleLen+12+dataLen, m.delay, c.Order, c.NotAfter
	x.Baud, x.Parity = w.baud, w.parity
	if c.routine {
		x.Pace = &m.pace
	}
	var reply []byte
	found := false
	if c.Alone {
		x.Linger = lingerFor
	}
	x.Take = func(b []byte) bool {
		if len(b) > 0 {
			parser.Write(b)
		} else {
			parser.Silence() // a false 68H may hide a whole frame behind it
		}
		for {
			r, ok := parser.Next()
			if !ok {
				return false
			}
			if found {
				if r.FromMeter() && (r.Addr == m.addr || !f.Addr.Exact()) { // asked all: whoever else answers
					verdict = ErrTwo
				}
				continue
			}
			if verdict = judge(r); dlt645.KeepWaiting(verdict) {
				continue // our echo, or somebody else's answer
			}
			found = true
			if c.Trace != nil {
				reply = dlt645.AppendMasked(nil, r) // a meter repeats a password that was changed
			}
			return true
		}
	}
	err := m.line.Do(ctx, x)
	if err == nil {
		err = classify(verdict)
	} else if fault := parser.Fault(); fault != nil {
		err = fmt.Errorf("%w: %w", err, fault)
	}
	m.note(x, m.line.Settings(), err)
	if found {
		m.ways.answered(w, x.RepliedAt)
	}
	if c.Trace != nil && x.Wrote {
		c.Trace(protocol.FrameEvidence{Sent: true, At: x.SentAt.UnixMilli(), Bytes: dlt645.AppendMasked(nil, f), Note: c.Note})
		if reply != nil {
			c.Trace(protocol.FrameEvidence{At: x.RepliedAt.UnixMilli(), Bytes: reply, Note: c.Note})
		}
	}
	return err
}

// classify adds our own words to a meter's refusal.
func classify(err error) error {
	var refusal *dlt645.ReplyError
	switch {
	case !errors.As(err, &refusal):
		return err
	case errors.Is(err, dlt645.ErrPassword):
		return fmt.Errorf("%w: %w: %w", ErrRefused, ErrPassword, err)
	case errors.Is(err, dlt645.ErrHold):
		return fmt.Errorf("%w: %w: %w", ErrRefused, ErrHold, err)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}
