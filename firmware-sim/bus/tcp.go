package bus

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"feikong/firmware-sim/meter"
)

// Loopback refuses an address that a network can reach: whoever reaches a line can open its relays, if only simulated ones.
func Loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("address %q: want host and port, like 127.0.0.1:4001", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("address %q: only the loopback address, 127.0.0.1 or [::1]", address)
	}
	return nil
}

// TCP makes a line behind a serial server: what a connection writes goes on the wires, what comes from them goes to all connections.
// Bytes pass as they are. Close a line that never runs.
func TCP(cfg Config, address string, meters ...*meter.Meter) (*Line, error) {
	s, err := listen(cfg, address, "tcp")
	if err != nil {
		return nil, err
	}
	s.serve = s.transparent
	return newLine(cfg, s, meters), nil
}

const (
	// connectionsMax bounds the masters of one serial server; real ones take one to eight.
	connectionsMax = 8
	// sendWait bounds a write to a master that reads nothing; then its connection is cut.
	sendWait = 100 * time.Millisecond
)

// server is the medium of a line that is reached over TCP.
type server struct {
	ear     net.Listener
	kind    string
	framing Framing
	in      chan chunk
	done    chan struct{}
	serve   func(net.Conn)
	start   sync.Once
	stop    sync.Once
	tasks   sync.WaitGroup

	mu    sync.Mutex // guards both below
	conns map[net.Conn]bool
	hears func([]byte) // what a Modbus TCP gateway collects; nil: all connections hear
}

func listen(cfg Config, address, kind string) (*server, error) {
	if err := Loopback(address); err != nil {
		return nil, fmt.Errorf("line %s: %w", cfg.Name, err)
	}
	ear, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("line %s: %w", cfg.Name, err)
	}
	return &server{
		ear: ear, kind: kind, framing: cfg.Framing(), in: make(chan chunk), done: make(chan struct{}), conns: map[net.Conn]bool{},
	}, nil
}

func (s *server) Framing() Framing { return s.framing }
func (s *server) Paced() bool      { return false }
func (s *server) Tend()            {}
func (s *server) Place() Place     { return Place{s.kind, s.ear.Addr().String()} }

// Receive takes masters in from its first call on.
func (s *server) Receive() (chunk, error) {
	s.start.Do(func() { s.tasks.Go(s.accept) })
	select {
	case c := <-s.in:
		return c, nil
	case <-s.done:
		return chunk{}, io.EOF
	}
}

func (s *server) accept() {
	for {
		c, err := s.ear.Accept()
		if err != nil {
			select {
			case <-s.done:
				return
			case <-time.After(time.Second): // out of files, most likely
				continue
			}
		}
		if !s.admit(c) {
			c.Close()
			continue
		}
		s.tasks.Go(func() {
			defer s.dismiss(c)
			s.serve(c)
		})
	}
}

func (s *server) admit(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return false
	default:
	}
	if len(s.conns) >= connectionsMax {
		return false
	}
	s.conns[c] = true
	return true
}

func (s *server) dismiss(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	c.Close()
}

// transparent passes what one master writes.
func (s *server) transparent(c net.Conn) {
	var buf [chunkMax]byte
	for {
		n, err := c.Read(buf[:])
		if n > 0 && !s.put(buf[:n]) || err != nil {
			return
		}
	}
}

func (s *server) put(b []byte) bool {
	select {
	case s.in <- chunk{time.Now(), s.framing, append([]byte(nil), b...)}:
		return true
	case <-s.done:
		return false
	}
}

func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hears != nil {
		s.hears(p)
		return len(p), nil
	}
	for c := range s.conns {
		_ = c.SetWriteDeadline(time.Now().Add(sendWait))
		if _, err := c.Write(p); err != nil {
			delete(s.conns, c)
			c.Close()
		}
	}
	return len(p), nil
}

func (s *server) Close() (err error) {
	s.stop.Do(func() {
		close(s.done)
		err = s.ear.Close()
		s.mu.Lock()
		for c := range s.conns {
			err = errors.Join(err, c.Close())
		}
		s.mu.Unlock()
	})
	s.tasks.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
