package bus

import (
	"fmt"
	"io"
	"sync"
	"time"

	"go.bug.st/serial"

	"feikong/firmware-sim/meter"
)

// Serial makes a line behind a real serial port: a master on the other end of a cable finds the meters there. The port paces the bytes
// itself, so they are handed over as a reply begins. A port that vanishes (an adapter pulled out) is opened again when it is back. Close
// a line that never runs.
func Serial(cfg Config, path string, meters ...*meter.Meter) (*Line, error) {
	s := &serialPort{path: path, framing: cfg.Framing(), done: make(chan struct{})}
	var err error
	if s.port, err = s.open(); err != nil {
		return nil, fmt.Errorf("line %s: %w", cfg.Name, err)
	}
	return newLine(cfg, s, meters), nil
}

// reopenAfter is how often a port that has vanished is looked for.
const reopenAfter = time.Second

type serialPort struct {
	path    string
	framing Framing
	done    chan struct{}
	once    sync.Once
	buf     [chunkMax]byte

	mu   sync.Mutex  // guards port
	port serial.Port // nil while it is away
}

func (s *serialPort) open() (serial.Port, error) {
	mode := &serial.Mode{BaudRate: s.framing.Baud, DataBits: 8, StopBits: serial.OneStopBit}
	if s.framing.StopBits == 2 {
		mode.StopBits = serial.TwoStopBits
	}
	switch s.framing.Parity {
	case "even":
		mode.Parity = serial.EvenParity
	case "odd":
		mode.Parity = serial.OddParity
	}
	p, err := serial.Open(s.path, mode)
	if err != nil {
		return nil, fmt.Errorf("open port %s (is the adapter plugged in, and may you open it?): %w", s.path, err)
	}
	return p, nil
}

func (s *serialPort) Framing() Framing { return s.framing }
func (s *serialPort) Paced() bool      { return true }
func (s *serialPort) Tend()            {}
func (s *serialPort) Place() Place     { return Place{"serial", s.path} }

func (s *serialPort) now() serial.Port {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.port
}

// Receive waits for bytes, and for the port when it is away.
func (s *serialPort) Receive() (chunk, error) {
	for {
		select {
		case <-s.done:
			return chunk{}, io.EOF
		default:
		}
		p := s.now()
		if p == nil {
			select {
			case <-s.done:
				return chunk{}, io.EOF
			case <-time.After(reopenAfter):
			}
			if again, err := s.open(); err == nil {
				s.swap(again)
			}
			continue
		}
		n, err := p.Read(s.buf[:])
		if n > 0 {
			return chunk{time.Now(), s.framing, append([]byte(nil), s.buf[:n]...)}, nil
		}
		if err != nil || n == 0 { // no read timeout is set: 0 bytes are the end of the port
			p.Close()
			s.swap(nil)
		}
	}
}

func (s *serialPort) swap(p serial.Port) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		if p != nil {
			p.Close()
		}
	default:
		s.port = p
	}
}

func (s *serialPort) Write(p []byte) (int, error) {
	if port := s.now(); port != nil {
		return port.Write(p)
	}
	return 0, io.ErrClosedPipe
}

func (s *serialPort) Close() (err error) {
	s.once.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.done)
		if s.port != nil {
			err = s.port.Close()
		}
	})
	return err
}
