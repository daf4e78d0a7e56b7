package bus

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"feikong/firmware-sim/meter"
)

// bufferMax is what a terminal's buffer holds; more is lost, as by a UART that nobody reads.
const bufferMax = 4096

// Memory makes a line without a file: the port is the master's end, with the methods of a serial port that a master
// needs. Nothing runs until the line's Run.
func Memory(cfg Config, meters ...*meter.Meter) (*Port, *Line) {
	w := &memory{fromMaster: make(chan chunk, chunksMax), toMaster: newPipe(), done: make(chan struct{}), framing: cfg.Framing()}
	return w.open(), newLine(cfg, w, meters)
}

type memory struct {
	fromMaster chan chunk
	toMaster   *pipe
	done       chan struct{}
	once       sync.Once

	mu      sync.Mutex // guards framing
	framing Framing
}

func (w *memory) open() *Port {
	return &Port{wires: w, timeout: -1, done: make(chan struct{})}
}

func (w *memory) Receive() (chunk, error) {
	select {
	case c := <-w.fromMaster:
		return c, nil
	case <-w.done:
		return chunk{}, io.EOF
	}
}

// send takes what the master writes. A line that is far behind loses it, as a UART whose buffer is full.
func (w *memory) send(b []byte) (int, error) {
	select {
	case <-w.done:
		return 0, os.ErrClosed
	default:
	}
	for rest := b; len(rest) > 0; rest = rest[min(len(rest), chunkMax):] {
		select {
		case w.fromMaster <- chunk{time.Now(), w.Framing(), append([]byte(nil), rest[:min(len(rest), chunkMax)]...)}:
		default:
		}
	}
	return len(b), nil
}

func (w *memory) Write(p []byte) (int, error) { return w.toMaster.write(p) }
func (w *memory) Paced() bool                 { return false }
func (w *memory) Place() Place                { return Place{Kind: "memory"} }
func (w *memory) Tend()                       {}

func (w *memory) Framing() Framing {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.framing
}

func (w *memory) Close() error {
	w.once.Do(func() { close(w.done) })
	w.toMaster.close()
	return nil
}

// Port is the master's end of a line in memory. One goroutine reads at a time.
type Port struct {
	wires *memory
	done  chan struct{}
	once  sync.Once

	mu      sync.Mutex // guards timeout
	timeout time.Duration
}

// Read waits for bytes, at most for the read timeout; then it gives 0 and no error, as serial ports do. After Close, or
// when the line has ended, it gives io.EOF.
func (p *Port) Read(b []byte) (int, error) {
	p.mu.Lock()
	t := p.timeout
	p.mu.Unlock()
	return p.wires.toMaster.read(b, t, p.done)
}

// Write hands the bytes to the line at once; they take their time there.
func (p *Port) Write(b []byte) (int, error) {
	select {
	case <-p.done:
		return 0, os.ErrClosed
	default:
		return p.wires.send(b)
	}
}

// SetReadTimeout bounds each Read; negative waits without end.
func (p *Port) SetReadTimeout(d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timeout = d
	return nil
}

// ResetInputBuffer throws away what the master has not read yet.
func (p *Port) ResetInputBuffer() error { p.wires.toMaster.reset(); return nil }

// ResetOutputBuffer does nothing: what was written is on the line.
func (p *Port) ResetOutputBuffer() error { return nil }

// SetFraming sets how the master's end sends and listens from now on. What was written before keeps its framing; meters that have
// another one hear garbage, and so does the master of their replies.
func (p *Port) SetFraming(baud int, parity string, stopBits int) error {
	f := Framing{baud, parity, stopBits}
	if err := f.Check(); err != nil {
		return fmt.Errorf("set the framing of the port: %w", err)
	}
	p.wires.mu.Lock()
	defer p.wires.mu.Unlock()
	p.wires.framing = f
	return nil
}

// Drain returns at once: the line takes what is written.
func (p *Port) Drain() error { return nil }

// Close lets go of the line, which stays. Reads that wait return io.EOF.
func (p *Port) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Reopen is the port after its master was closed or killed: bytes that wait in it are still there.
func (p *Port) Reopen() *Port {
	p.Close()
	return p.wires.open()
}

// pipe is one direction.
type pipe struct {
	mu     sync.Mutex // guards buf
	buf    []byte
	wake   chan struct{} // 1: bytes came
	closed chan struct{}
	once   sync.Once
}

func newPipe() *pipe { return &pipe{wake: make(chan struct{}, 1), closed: make(chan struct{})} }

func (p *pipe) write(b []byte) (int, error) {
	select {
	case <-p.closed:
		return 0, os.ErrClosed
	default:
	}
	p.mu.Lock()
	p.buf = append(p.buf, b[:min(len(b), bufferMax-len(p.buf))]...)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (p *pipe) take(b []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := copy(b, p.buf)
	p.buf = append(p.buf[:0], p.buf[n:]...)
	return n
}

func (p *pipe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf = p.buf[:0]
}

func (p *pipe) read(b []byte, timeout time.Duration, done <-chan struct{}) (int, error) {
	var late <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		late = t.C
	}
	for {
		if n := p.take(b); n > 0 || len(b) == 0 {
			return n, nil
		}
		select {
		case <-p.wake:
		case <-late:
			return 0, nil
		case <-done:
			return 0, io.EOF
		case <-p.closed:
			return 0, io.EOF
		}
	}
}

func (p *pipe) close() { p.once.Do(func() { close(p.closed) }) }
