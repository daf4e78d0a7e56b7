// Package bus is an RS-485 line with virtual meters on it. The same code runs on a pseudo-terminal and in memory: bytes
// take their real time at the line's baud, the line is half duplex, meters wait Td before they answer, and faults (noise,
// an unplugged meter, a cut line) come from a seed. Every frame is kept in a ring for whoever wants to prove something.
package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"feikong/firmware-sim/meter"
)

// Protocol is what the meters of a line speak.
type Protocol string

// Protocols of a line.
const (
	DLT645 Protocol = "dlt645"
	Modbus Protocol = "modbus"
)

// Config is a line; the scenario has checked it.
type Config struct {
	Name     string
	Protocol Protocol
	Baud     int
	Parity   string        // "even", "odd", "none"
	StopBits int           // 1 or 2
	Delay    time.Duration // Td: from the end of a request to the start of the reply
	Preamble int           // FE bytes before a reply, DL/T 645 only
	Seed     uint64        // of the faults
}

// CharTime is how long one character takes: start, 8 data bits, parity, stop.
func (c Config) CharTime() time.Duration {
	n := 1 + 8 + c.StopBits
	if c.Parity != "none" {
		n++
	}
	return time.Duration(n) * time.Second / time.Duration(c.Baud)
}

// medium is the two wires. Read blocks until bytes come or the medium is closed. Write does not wait for a reader that is
// away: what does not fit is lost, as on a UART.
type medium interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	Close() error
	Tend() // called each second
}

const (
	// chunksMax bounds what waits between the reader and the line: beyond it the bytes stay in the terminal's own buffer.
	chunksMax = 16
	chunkMax  = 512
	// tbMax is the longest pause inside a frame (DL/T 645-2007, Tb <= 500 ms). Longer means the rest never came.
	tbMax = 500 * time.Millisecond
	// stepMax is the longest that a byte waits for the next hand-over. USB serial adapters collect for as long (their
	// latency timer is 16 ms), and a wake-up per byte, here and in the master, would be most of what a street costs.
	stepMax = 16 * time.Millisecond
)

type chunk struct {
	at   time.Time
	data []byte
}

// Line is one RS-485 line. Meters may be asked by others (a press, a set) while it runs.
type Line struct {
	cfg    Config
	meters []*meter.Meter
	wires  medium
	char   time.Duration
	in     chan chunk

	// owned by Run:
	face  face
	free  time.Time // when the last byte heard or sent has left the line
	timer *time.Timer
	rng   *rand.Rand

	mu     sync.Mutex // guards the three below
	noise  float64
	cut    bool
	frames ring
}

func newLine(cfg Config, wires medium, meters []*meter.Meter) *Line {
	return &Line{
		cfg: cfg, meters: meters, wires: wires, char: cfg.CharTime(), in: make(chan chunk, chunksMax),
		face: newFace(cfg), rng: rand.New(rand.NewPCG(cfg.Seed, 0x485)),
	}
}

// Name is the line's name in the scenario.
func (l *Line) Name() string { return l.cfg.Name }

// Meters are the meters on the line, in the scenario's order.
func (l *Line) Meters() []*meter.Meter { return l.meters }

// Meter finds one by its address in reading order; leading zeros may be left out.
func (l *Line) Meter(address string) (*meter.Meter, bool) {
	for _, m := range l.meters {
		if trimZeros(m.Address()) == trimZeros(address) {
			return m, true
		}
	}
	return nil, false
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// SetNoise makes the given share of frames, 0 to 1 in each direction, arrive damaged.
func (l *Line) SetNoise(rate float64) error {
	if !(rate >= 0 && rate <= 1) {
		return fmt.Errorf("noise of line %s: rate %v is not between 0 and 1", l.cfg.Name, rate)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noise = rate
	return nil
}

// SetPlugged cuts the line between the master and all meters, or mends it.
func (l *Line) SetPlugged(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = !on
}

// Faults tells what SetNoise and SetPlugged last set.
func (l *Line) Faults() (noise float64, plugged bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noise, !l.cut
}

// Run answers the master until ctx ends, then closes the medium. Nil means asked to stop. It can run once.
func (l *Line) Run(ctx context.Context) error {
	l.timer = time.NewTimer(time.Hour)
	defer l.timer.Stop()
	tend := time.NewTicker(time.Second)
	defer tend.Stop()
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.read(ctx); err != nil {
			cancel(err)
		}
	})
	defer wg.Wait()
	defer l.wires.Close()
	for {
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("line %s: %w", l.cfg.Name, err)
			}
			return nil
		case <-tend.C:
			l.wires.Tend()
		case c := <-l.in:
			l.hear(ctx, c)
		}
	}
}

// read hands over what the master writes, with the time it came.
func (l *Line) read(ctx context.Context) error {
	var buf [chunkMax]byte
	for {
		n, err := l.wires.Read(buf[:])
		if n > 0 {
			select {
			case l.in <- chunk{time.Now(), append([]byte(nil), buf[:n]...)}:
			case <-ctx.Done():
				return nil
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// hear takes bytes of the master. They are written in no time by a terminal; on the wires each takes its own, so the
// meters have heard them only when the last has passed.
func (l *Line) hear(ctx context.Context, c chunk) {
	if c.at.Sub(l.free) > tbMax {
		l.face.forget()
	}
	if c.at.After(l.free) {
		l.free = c.at
	}
	l.free = l.free.Add(time.Duration(len(c.data)) * l.char)
	if !l.wait(ctx, l.free) {
		return
	}
	noise, plugged := l.Faults()
	if !plugged {
		return
	}
	l.face.hear(l.damage(c.data, noise))
	for r, ok := l.face.next(); ok; r, ok = l.face.next() {
		now := time.Now()
		l.log(now, FromMaster, r.wire)
		var replies [][]byte
		for _, m := range l.meters {
			if b, answered := r.ask(m, now); answered {
				replies = append(replies, b)
			}
		}
		if len(replies) > 0 && !l.reply(ctx, replies, noise) {
			return
		}
	}
}

// reply sends what the meters answered, Td after the request. Several answers at once pull the line low together.
func (l *Line) reply(ctx context.Context, replies [][]byte, noise float64) bool {
	if !l.wait(ctx, l.free.Add(l.cfg.Delay)) {
		return false
	}
	frame := replies[0]
	for _, other := range replies[1:] {
		frame = overlap(frame, other)
	}
	frame = l.damage(frame, noise)
	wire := make([]byte, 0, l.cfg.Preamble+len(frame))
	for range l.cfg.Preamble {
		wire = append(wire, 0xFE)
	}
	wire = append(wire, frame...)
	if !l.send(ctx, wire) {
		return false
	}
	l.log(time.Now(), FromMeter, wire[len(wire)-len(frame):])
	return true
}

// send paces the bytes: none is handed over before its stop bit has passed, and the last one right then. A master that talks meanwhile is not heard, and
// spoils what is left (half duplex).
func (l *Line) send(ctx context.Context, wire []byte) bool {
	start := l.free
	if now := time.Now(); now.After(start) {
		start = now
	}
	step := max(1, int(stepMax/l.char))
	for i := 0; i < len(wire); i += step {
		end := min(i+step, len(wire))
		l.free = start.Add(time.Duration(end) * l.char)
		if !l.wait(ctx, l.free) {
			return false
		}
		select {
		case <-l.in:
			for j := i; j < len(wire); j++ {
				wire[j] &= byte(l.rng.Uint32())
			}
		default:
		}
		if _, err := l.wires.Write(wire[i:end]); err != nil {
			return ctx.Err() == nil // nobody reads: the bytes are lost, the line goes on
		}
	}
	return true
}

// wait sleeps until t; false when ctx ended first.
func (l *Line) wait(ctx context.Context, t time.Time) bool {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err() == nil
	}
	l.timer.Reset(d)
	select {
	case <-l.timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
