package doctor

import (
	"context"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/agent/scan"
	"feikong/protocol/dlt645"
)

const (
	// window is how long a meter may take: 500 ms by DL/T 645-2007, and what adapters and networks add.
	window    = 600 * time.Millisecond
	windowTCP = 1500 * time.Millisecond
	// quiet ends an answer: DTUs and adapters hand over in pieces, rarely further apart.
	quiet = 120 * time.Millisecond
	// drainMax bounds the wait for quiet before a question.
	drainMax = time.Second
	// captureMax bounds what one question may bring.
	captureMax = 3 * dlt645.MaxFrame
)

// wire is the bare port.
type wire struct {
	port   line.Port
	set    line.Settings // with the framing of now
	own    scan.Framing
	window time.Duration
}

// tune changes the framing; false: the port cannot.
func (w *wire) tune(f scan.Framing) (bool, error) {
	if f.Baud == w.set.Baud && f.Parity == w.set.Parity {
		return true, nil
	}
	set := w.set
	set.Baud, set.Parity = f.Baud, f.Parity
	r, ok := w.port.(interface {
		SetFraming(baud int, parity string, stopBits int) error
	})
	if !ok {
		return false, nil // behind a serial server the far end decides
	}
	if err := r.SetFraming(set.Baud, set.Parity, set.StopBits); err != nil {
		return true, fmt.Errorf("set %s to %s: %w", set.Path, f, err)
	}
	w.set = set
	return true, nil
}

// heard is what came after a question.
type heard struct {
	capture []byte
	first   time.Time     // the first byte that is not our echo was read; zero: none was
	delay   time.Duration // from the end of the request to that byte
}

// listen takes what comes for d without asking anything.
func (w *wire) listen(ctx context.Context, d time.Duration) (capture []byte, err error) {
	h, err := w.collect(ctx, time.Now().Add(d), nil, nil)
	return h.capture, err
}

// ask sends a request and listens: through the whole window, or, when whole is not nil, until that says the answer is there
// and the line was quiet for a moment.
func (w *wire) ask(ctx context.Context, request []byte, replyLen int, whole func([]byte) bool) (heard, error) {
	for end := time.Now().Add(drainMax); time.Now().Before(end); {
		b, err := w.listen(ctx, quiet/4)
		if err != nil {
			return heard{}, err
		}
		if len(b) == 0 {
			break
		}
	}
	sent := time.Now().Add(w.set.CharTime(len(request)))
	if n, err := w.port.Write(request); err != nil || n != len(request) {
		return heard{}, fmt.Errorf("write to %s: %d of %d bytes: %w", w.set.Path, n, len(request), err)
	}
	h, err := w.collect(ctx, sent.Add(w.window+w.set.CharTime(replyLen)), request, whole)
	if !h.first.IsZero() {
		h.delay = max(0, h.first.Sub(sent))
	}
	return h, err
}

// collect reads until the end, or until the answer is whole and quiet.
func (w *wire) collect(ctx context.Context, until time.Time, request []byte, whole func([]byte) bool) (h heard, err error) {
	var buf [256]byte
	var begun time.Time // of what looks like our echo: an answer begins with the same wake-up bytes
	echo := true
	for {
		left := time.Until(until)
		if left <= 0 {
			return h, ctx.Err()
		}
		done := whole != nil && whole(h.capture)
		if done {
			left = min(left, quiet)
		}
		if ctx.Err() != nil {
			return h, ctx.Err()
		}
		if err := w.port.SetReadTimeout(max(left, time.Millisecond)); err != nil {
			return h, fmt.Errorf("read %s: %w", w.set.Path, err)
		}
		n, err := w.port.Read(buf[:])
		if err != nil {
			return h, fmt.Errorf("read %s: %w", w.set.Path, err)
		}
		if n == 0 {
			if done {
				return h, nil
			}
			continue
		}
		h.capture = append(h.capture, buf[:min(n, captureMax-len(h.capture))]...)
		at := time.Now().Add(-w.set.CharTime(n))
		switch {
		case !h.first.IsZero():
		case echo && len(h.capture) <= len(request) && string(h.capture) == string(request[:len(h.capture)]):
			if begun.IsZero() {
				begun = at
			}
			if len(h.capture) == len(request) {
				echo, begun = false, time.Time{}
			}
		case echo && len(request) > 0 && len(h.capture) > len(request) && string(h.capture[:len(request)]) == string(request):
			h.first = at // the end of our echo and the beginning of the answer came together
		case !begun.IsZero():
			h.first = begun
		default:
			h.first = at
		}
	}
}
