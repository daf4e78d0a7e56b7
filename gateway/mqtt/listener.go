package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// listener bounds what a stranger can hold open: mochi counts and times a connection only once its CONNECT packet is read.
type listener struct {
	net.Listener
	most int

	mu   sync.Mutex // guards the two below
	open map[net.Conn]bool
	shut bool
}

func newListener(socket net.Listener, most int) *listener {
	return &listener{Listener: socket, most: most, open: map[net.Conn]bool{}}
}

// Accept waits for a connection and gives it connectWait to say who it is. Beyond the bound a connection is closed at once.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil, err
			}
			// Out of descriptors, or the peer was gone already: the broker must not stop listening for that.
			time.Sleep(acceptPause)
			continue
		}
		if wrapped, ok := l.admit(c); ok {
			_ = c.SetDeadline(time.Now().Add(connectWait))
			return wrapped, nil
		}
		_ = c.Close()
	}
}

// acceptPause keeps a full descriptor table from becoming a busy loop.
const acceptPause = 50 * time.Millisecond

func (l *listener) admit(c net.Conn) (net.Conn, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut || len(l.open) >= l.most {
		return nil, false
	}
	wrapped := &conn{Conn: c, of: l}
	l.open[wrapped] = false
	return wrapped, true
}

// known marks a connection that has signed in.
func (l *listener) known(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; ok {
		l.open[c] = true
	}
}

// Close closes the socket and every connection that has not signed in; mochi closes the others.
func (l *listener) Close() error {
	l.mu.Lock()
	l.shut = true
	var strangers []net.Conn
	for c, known := range l.open {
		if !known {
			strangers = append(strangers, c)
		}
	}
	l.mu.Unlock()
	for _, c := range strangers {
		_ = c.Close()
	}
	return l.Listener.Close()
}

type conn struct {
	net.Conn
	of *listener
}

// Close closes the connection and gives its place back; a second call does no harm.
func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// quiet passes on mochi's warnings without the packets in them: a packet holds readings of people and, in a CONNECT, a password.
type quiet struct{ slog.Handler }

// Enabled keeps mochi's chatter below warnings out of the log.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// Handle logs the record as one of the broker's, at debug level: a peer that goes away or breaks the protocol is daily life, and
// refusals are counted and told elsewhere.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if !q.Handler.Enabled(ctx, slog.LevelDebug) && r.Level < slog.LevelError {
		return nil
	}
	level := slog.LevelDebug
	if r.Level >= slog.LevelError {
		level = slog.LevelWarn
	}
	out := slog.NewRecord(r.Time, level, "mqtt broker", r.PC)
	if r.Message != "" {
		out.AddAttrs(slog.String("what", r.Message))
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" || a.Key == "client" || a.Key == "remote" {
			out.AddAttrs(a)
		}
		return true
	})
	return q.Handler.Handle(ctx, out)
}

// WithAttrs drops mochi's own attributes.
func (q quiet) WithAttrs([]slog.Attr) slog.Handler { return q }

// WithGroup keeps the broker's lines flat.
func (q quiet) WithGroup(string) slog.Handler { return q }
