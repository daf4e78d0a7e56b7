package line

import "time"

const (
	// chunkMax is the most that one hand-over holds: more than a UART collects between two wake-ups.
	chunkMax = 256
	// chunks wait for the line's goroutine at most; beyond it the bytes stay in the port's own buffer.
	chunks = 8
)

// chunk is what came at once, or why nothing will come any more.
type chunk struct {
	b   []byte
	at  time.Time
	err error
}

// reader hands over what a port receives, so that the line can wait for bytes and for exchanges at the same time. Its
// buffers go round: nothing is allocated while it runs.
type reader struct {
	in   chan chunk
	free chan []byte
	stop chan struct{}
	done chan struct{}
}

func newReader(p Port) *reader {
	r := &reader{in: make(chan chunk, chunks), free: make(chan []byte, chunks+2), stop: make(chan struct{}), done: make(chan struct{})}
	for range cap(r.free) {
		r.free <- make([]byte, chunkMax)
	}
	go r.run(p)
	return r
}

// run ends with the port's first error, or when the line has closed the port.
func (r *reader) run(p Port) {
	defer close(r.done)
	if err := p.SetReadTimeout(-1); err != nil { // without end: closing the port wakes the read
		r.hand(chunk{at: time.Now(), err: err})
		return
	}
	for {
		var b []byte
		select {
		case b = <-r.free:
		case <-r.stop:
			return
		}
		n, err := p.Read(b)
		if n == 0 && err == nil { // a port that knows no endless wait
			r.free <- b
			time.Sleep(time.Millisecond) // and must not spin when it does not wait at all
			select {
			case <-r.stop:
				return
			default:
				continue
			}
		}
		if !r.hand(chunk{b: b[:n], at: time.Now(), err: err}) || err != nil {
			return
		}
	}
}

func (r *reader) hand(c chunk) bool {
	select {
	case r.in <- c:
		return true
	case <-r.stop:
		return false
	}
}

// back returns the buffer of a chunk.
func (r *reader) back(c chunk) {
	if c.b != nil {
		r.free <- c.b[:chunkMax]
	}
}

// end stops the reader of a port that is closed, and waits for it.
func (r *reader) end() {
	close(r.stop)
	<-r.done
}
