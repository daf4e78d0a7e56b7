package line

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/protocol/dlt645"
)

// server answers as a serial server with one meter behind it does, three bytes at a time, until its connection ends.
func server(c net.Conn) {
	defer c.Close()
	var p dlt645.Parser
	buf := make([]byte, 64)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		p.Write(buf[:n])
		for f, ok := p.Next(); ok; f, ok = p.Next() {
			for b := dlt645.AppendFrame(nil, dlt645.ReadReply(f.Addr, dlt645.DIForwardTotal, []byte{0, 0, 1, 0})); len(b) > 0; b = b[min(3, len(b)):] {
				if _, err := c.Write(b[:min(3, len(b))]); err != nil {
					return
				}
			}
		}
	}
}

func TestSerialServerIsALineAndIsConnectedAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	conns := make(chan net.Conn, 8)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				close(conns)
				return
			}
			conns <- c
			go server(c)
		}
	}()
	defer listener.Close()
	set := settings
	set.Path = scheme + listener.Addr().String()
	l := New(set, Open, slog.New(slog.DiscardHandler))
	ended := make(chan struct{})
	ctx := t.Context()
	go func() { l.Run(ctx); close(ended) }()
	ask := func() error { x, _ := read("101"); return l.Do(ctx, x) }
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	(<-conns).Close() // the DTU restarts
	for end := time.Now().Add(10 * time.Second); ask() != nil; {
		if time.Now().After(end) {
			t.Fatal("not connected again")
		}
	}
	x, _ := read("101")
	x.Baud = 9600
	if err := l.Do(ctx, x); !errors.Is(err, ErrFraming) {
		t.Errorf("got %v, want ErrFraming", err)
	}
}

// A DTU that lost the connection without telling takes what is written and answers nothing.
func TestLinkThatIsMuteForLongIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		set := settings
		set.Path = "tcp://192.0.2.1:8899"
		l := New(set, func(Settings) (Port, error) {
			dials++
			a, b := net.Pipe()
			if dials == 1 {
				go func() { // takes everything
					for buf := make([]byte, 64); ; {
						if _, err := b.Read(buf); err != nil {
							return
						}
					}
				}()
			} else {
				go server(b)
			}
			return newLink(a), nil
		}, slog.New(slog.DiscardHandler))
		ended := make(chan struct{})
		go func() { l.Run(t.Context()); close(ended) }()
		failed := 0
		for range 40 {
			x, _ := read("101")
			if l.Do(t.Context(), x) != nil {
				failed++
				time.Sleep(50 * time.Millisecond)
			}
		}
		if dials != 2 || failed < muteMax || failed > muteMax+20 {
			t.Errorf("%d connections, %d of 40 requests failed", dials, failed)
		}
	})
}

func TestSerialServersAddressIsChecked(t *testing.T) {
	for path, good := range map[string]bool{"tcp://10.0.0.7:8899": true, "tcp://dtu.example:1": true, "tcp://10.0.0.7": false, "tcp://:8899": false, "tcp://10.0.0.7:0": false,
		"tcp://10.0.0.7:99999": false, "tcp://10.0.0.7:http": false, "/dev/ttyUSB0": true} {
		set := settings
		set.Path = path
		if err := set.Check(); (err == nil) != good {
			t.Errorf("%s: got %v", path, err)
		}
	}
	set := settings
	set.Path = "tcp://127.0.0.1:1" // nobody listens there
	if _, err := Open(set); err == nil || !strings.Contains(err.Error(), "server mode") {
		t.Errorf("got %v, want a remedy", err)
	}
}
