// Package bus is an RS-485 line with virtual meters on it. The same code runs on a pseudo-terminal, a TCP port, a serial port and in
// memory: bytes take their real time at the line's baud, transmissions overlap on the wires when their times do, receivers sample
// bits and check parity, and faults come from a seed. Every frame is kept in a ring for whoever wants to prove something.
package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
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
	Frames   int           // how many frames are kept; 0: FramesMax
	DTU      DTU           // what lies between the line and its master; zero: a wire
}

// Framing is the line's own.
func (c Config) Framing() Framing { return Framing{c.Baud, c.Parity, c.StopBits} }

// CharTime is how long one character takes: start, 8 data bits, parity, stop. For several use Framing().Span: it does not add up
// fractions.
func (c Config) CharTime() time.Duration { return c.Framing().Span(1) }

// medium is the master's end of the two wires. Receive blocks until bytes come or the medium is closed. Write does not wait for a
// reader that is away: what does not fit is lost, as on a UART.
type medium interface {
	Receive() (chunk, error)
	Write(p []byte) (int, error)
	Framing() Framing // how the master listens now
	Paced() bool      // the medium itself takes the time of the bytes, as a real UART does
	Place() Place
	Tend() // called each second
	Close() error
}

// Place is where masters find a line.
type Place struct {
	Kind    string `json:"kind"`    // "pty", "tcp", "modbus-tcp", "serial", "memory"
	Address string `json:"address"` // a path, or host:port
}

const (
	// chunksMax bounds what waits between the reader and the line: beyond it the bytes stay in the terminal's own buffer.
	chunksMax = 16
	chunkMax  = 512
	// aheadMax bounds how much a master may have written that has not passed the wires yet. More stays in the terminal's own buffer.
	aheadMax = time.Second
	// tbMax is the longest pause inside a frame (DL/T 645-2007, Tb <= 500 ms). Longer means the rest never came.
	tbMax = 500 * time.Millisecond
	// stepMax is the longest that a byte waits for the next hand-over. USB serial adapters collect for as long (their
	// latency timer is 16 ms), and a wake-up per byte, here and in the master, would be most of what a street costs.
	stepMax = 16 * time.Millisecond
)

// chunk is what a master wrote at once, in the framing that its port had then.
type chunk struct {
	at      time.Time
	framing Framing
	data    []byte
}

// Line is one RS-485 line. Meters may be asked by others (a press, a set) while it runs.
type Line struct {
	cfg    Config
	meters []*meter.Meter
	wires  medium
	in     chan chunk
	poke   chan struct{} // 1: a person changed a fault

	// owned by Run:
	talks   []*talk   // on the wires, still to come, or just over
	free    time.Time // when the last byte the master wrote has left the line
	ears    []*ear
	fresh   bool // somebody has begun to talk
	master  uart
	hiss    hiss // at the master's receiver
	heard   []character
	out     []byte
	dtu     dtu
	second  second
	rng     *rand.Rand
	current Faults

	mu     sync.Mutex // guards the three below
	faults Faults
	replay bool // asked for by a person
	frames ring
}

func newLine(cfg Config, wires medium, meters []*meter.Meter) *Line {
	l := &Line{
		cfg: cfg, meters: meters, wires: wires, in: make(chan chunk, chunksMax), poke: make(chan struct{}, 1),
		rng: rand.New(rand.NewPCG(cfg.Seed, 0x485)), frames: ring{max: cfg.Frames},
	}
	l.dtu = dtu{DTU: cfg.DTU, rng: rand.New(rand.NewPCG(cfg.Seed, 0xD70))}
	l.hiss.rng = rand.New(rand.NewPCG(cfg.Seed, 0x1155))
	l.second.rng = rand.New(rand.NewPCG(cfg.Seed, 0x2))
	return l
}

// Name is the line's name in the scenario.
func (l *Line) Name() string { return l.cfg.Name }

// Config is what the line was made with.
func (l *Line) Config() Config { return l.cfg }

// Place is where a master finds the line.
func (l *Line) Place() Place { return l.wires.Place() }

// Meters are the meters on the line, in the scenario's order.
func (l *Line) Meters() []*meter.Meter { return l.meters }

// Meter finds one by its address in reading order; leading zeros may be left out. Where several meters have one address, "101#2" is
// the second of them.
func (l *Line) Meter(address string) (*meter.Meter, bool) {
	address, nth, _ := strings.Cut(address, "#")
	n := 1
	if nth != "" {
		var err error
		if n, err = strconv.Atoi(nth); err != nil {
			return nil, false
		}
	}
	for _, m := range l.meters {
		if trimZeros(m.Address()) == trimZeros(address) {
			if n--; n == 0 {
				return m, true
			}
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

// SetFaults makes the line misbehave from now on.
func (l *Line) SetFaults(f Faults) { l.Change(func(was *Faults) error { *was = f; return nil }) }

// Change changes some of the faults, or none when f returns an error.
func (l *Line) Change(f func(*Faults) error) error {
	l.mu.Lock()
	changed := l.faults
	err := f(&changed)
	if err == nil {
		err = changed.Check(l.wires.Place())
	}
	if err == nil {
		l.faults = changed
	}
	l.mu.Unlock()
	l.wake()
	return err
}

// SetNoise makes the given share of frames, 0 to 1 in each direction, arrive damaged.
func (l *Line) SetNoise(rate float64) error {
	if !(rate >= 0 && rate <= 1) {
		return fmt.Errorf("noise of line %s: rate %v is not between 0 and 1", l.cfg.Name, rate)
	}
	return l.Change(func(f *Faults) error { f.Noise = Share(rate); return nil })
}

// SetPlugged cuts the line between the master and all meters, or mends it.
func (l *Line) SetPlugged(on bool) {
	l.Change(func(f *Faults) error { f.Cut = Switch(!on); return nil })
}

// Faults tells how the line misbehaves.
func (l *Line) Faults() Faults {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults
}

func (l *Line) wake() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// Run answers the master until ctx ends, then closes the medium. Nil means asked to stop. It can run once.
func (l *Line) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
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
		now := time.Now()
		l.advance(now)
		if next, ok := l.next(now); ok {
			timer.Reset(next.Sub(now))
		} else {
			timer.Stop()
		}
		in := l.in
		if l.free.Sub(now) > aheadMax {
			in = nil
		}
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("line %s: %w", l.cfg.Name, err)
			}
			return nil
		case <-tend.C:
			l.wires.Tend()
		case c := <-in:
			l.arrive(c)
		case <-timer.C:
		case <-l.poke:
		}
	}
}

// read hands over what the master writes, with the time it came.
func (l *Line) read(ctx context.Context) error {
	for {
		c, err := l.wires.Receive()
		if len(c.data) > 0 {
			select {
			case l.in <- c:
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

// arrive puts the bytes of the master on the wires. They were written in no time; on the wires each takes its own, one after the other.
func (l *Line) arrive(c chunk) {
	l.dtu.DTU = l.Faults().dtu(l.cfg.DTU)
	c.at = l.dtu.inbound(c.at)
	if l.wires.Paced() {
		c.at = c.at.Add(-c.framing.Span(len(c.data)))
		l.past(c.at)
	}
	if l.free.After(c.at) {
		c.at = l.free
	}
	l.free = c.at.Add(c.framing.Span(len(c.data)))
	if data := damage(l.rng, c.data, l.Faults().Noise); len(data) > 0 {
		l.talks, l.fresh = append(l.talks, newTalk(FromMaster, c.at, c.framing, data)), true
	}
}

// past ends the replies that were handed over to a medium that paces them: a master that talks has had them, and a medium may have been
// faster than its framing says.
func (l *Line) past(at time.Time) {
	for _, t := range l.talks {
		if early := t.end.Sub(at); early > 0 && t.from != FromMaster && t.handed {
			t.start, t.end = t.start.Add(-early), at
		}
	}
	if l.master.at.After(at) {
		l.master.at = at
	}
}
