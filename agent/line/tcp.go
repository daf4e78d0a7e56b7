package line

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	scheme = "tcp://"
	// dialMax bounds a connection attempt: what does not answer a SYN in that time is off, or behind a firewall.
	dialMax = 5 * time.Second
	// writeMax bounds a write into a link whose other end has stopped reading.
	writeMax = 5 * time.Second
	// muteMax exchanges in a row without a byte, of whatever meter, and a serial server's link is made anew: DTUs forget
	// a connection without telling, and a request is too small for TCP to notice soon.
	muteMax = 16
)

var errMute = fmt.Errorf("%d requests in a row without a byte: the link is made anew", muteMax)

// keepAlive finds a link whose other end has lost its power in half a minute, also while nothing is asked.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

func (s Settings) network() bool { return strings.HasPrefix(s.Path, scheme) }

func (s Settings) checkNetwork() error {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(s.Path, scheme))
	if err != nil {
		return fmt.Errorf("port %s: %w (write tcp://host:port)", s.Path, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
		return fmt.Errorf("port %s: not tcp://host:port with a port of 1 to 65535", s.Path)
	}
	return nil
}

// dial connects to a serial server (串口服务器, DTU) in transparent mode: bytes alone, no telnet, no Modbus TCP.
func dial(s Settings) (Port, error) {
	d := net.Dialer{Timeout: dialMax, KeepAliveConfig: keepAlive}
	c, err := d.Dial("tcp", strings.TrimPrefix(s.Path, scheme))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w%s", s.Path, err, netRemedy(err))
	}
	return newLink(c), nil
}

// netRemedy is what a person can do about a link that cannot be made.
func netRemedy(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return " (the name is not known here: write the IP address, or repair DNS)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return " (the device is there, but not listening: is it in TCP server mode, on this port, without another client?)"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return " (the device does not answer: power, SIM card, address, firewall)"
	}
	return ""
}

// link is a serial server's connection as a Port. It has no framing of its own: the far end keeps what it was set to.
type link struct {
	net.Conn
	timeout atomic.Int64 // of Read, ns; negative: without end
}

func newLink(c net.Conn) *link {
	l := &link{Conn: c}
	l.timeout.Store(-1)
	return l
}

// SetReadTimeout bounds each Read; negative waits without end.
func (l *link) SetReadTimeout(d time.Duration) error { l.timeout.Store(int64(d)); return nil }

// Read gives (0, nil) when nothing came in time, as serial ports do.
func (l *link) Read(b []byte) (int, error) {
	var until time.Time
	if d := time.Duration(l.timeout.Load()); d >= 0 {
		until = time.Now().Add(d)
	}
	if err := l.SetReadDeadline(until); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// Write gives up after a while: a full send buffer means that nobody has read for long.
func (l *link) Write(b []byte) (int, error) {
	if err := l.SetWriteDeadline(time.Now().Add(writeMax)); err != nil {
		return 0, err
	}
	return l.Conn.Write(b)
}

// ResetInputBuffer does nothing: a connection is new, and what the far end still holds for it cannot be reached.
func (l *link) ResetInputBuffer() error { return nil }
