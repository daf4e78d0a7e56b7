package line

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/protocol/dlt645"
)

var settings = Settings{Name: "l1", Path: "x", Baud: 2400, Parity: "even", StopBits: 1}

func simMeter(t *testing.T, address string) *meter.Meter {
	t.Helper()
	a, err := dlt645.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	return meter.New(meter.Config{Address: a.String(), Wire: a, EnergymWh: 5_000_000, LoadW: 1000, Switch: meter.SwitchDirect}, time.Now())
}

func simConfig() bus.Config {
	return bus.Config{Name: "l1", Protocol: bus.DLT645, Baud: 2400, Parity: "even", StopBits: 1, Delay: 50 * time.Millisecond, Preamble: 4}
}

// run starts the simulated line and ours, and ends both with the test.
func run(t *testing.T, sim *bus.Line, open func(Settings) (Port, error), set Settings, opts ...Option) *Line {
	t.Helper()
	l := New(set, open, slog.New(slog.DiscardHandler), opts...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { sim.Run(ctx); done <- struct{}{} }()
	go func() { l.Run(ctx); done <- struct{}{} }()
	t.Cleanup(func() { cancel(); <-done; <-done })
	return l
}

// read is one exchange that ends with the first frame of a meter.
func read(address string) (*Exchange, *dlt645.Frame) {
	a, _ := dlt645.ParseAddress(address)
	var p dlt645.Parser
	got := &dlt645.Frame{}
	return &Exchange{
		Request: dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(a, dlt645.DIForwardTotal)), ReplyLen: 40, Delay: 500 * time.Millisecond,
		Take: func(b []byte) bool {
			p.Write(b)
			for {
				f, ok := p.Next()
				if !ok {
					return false
				}
				if f.FromMeter() {
					*got = f
					return true
				}
			}
		},
	}, got
}

func TestExchangeEndsWithTheReplyNotWithATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		x, got := read("101")
		start := time.Now()
		if err := l.Do(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if got.Control != 0x91 {
			t.Errorf("got control %02X, want 91", got.Control)
		}
		// 20 + 24 characters of 11 bits and 50 ms are 252 ms; the end is known by length, so no silence is waited for.
		if d := time.Since(start); d > 350*time.Millisecond || d < 240*time.Millisecond {
			t.Errorf("took %v", d)
		}
		if s := l.Status(); !s.Up || s.Exchanges != 1 || s.Timeouts != 0 || s.Sent != 20 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestSilentMeterCostsItsDelayAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		x, _ := read("999")
		start := time.Now()
		if err := l.Do(t.Context(), x); !errors.Is(err, ErrSilent) {
			t.Fatalf("got %v, want ErrSilent", err)
		}
		if d := time.Since(start); d > 800*time.Millisecond {
			t.Errorf("took %v, want request time + 500 ms + margin", d)
		}
		if x, _ = read("101"); l.Do(t.Context(), x) != nil {
			t.Error("the next meter is not read")
		}
	})
}

func TestOrderGoesAheadOfWaitingPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		ends := make(chan string, 8)
		send := func(name string, order bool) {
			x, _ := read("101")
			x.Order = order
			go func() { l.Do(context.Background(), x); ends <- name }()
			synctest.Wait()
		}
		send("poll 1", false)
		time.Sleep(100 * time.Millisecond) // virtual: it is on the wire
		send("poll 2", false)
		send("poll 3", false)
		send("order", true)
		var got []string
		for range 4 {
			got = append(got, <-ends)
		}
		if want := "poll 1,order,poll 2,poll 3"; strings.Join(got, ",") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}

func TestExchangePastItsDeadlineIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		x, _ := read("101")
		x.NotAfter = time.Now().Add(-time.Millisecond)
		if err := l.Do(t.Context(), x); !errors.Is(err, ErrTooLate) || x.Wrote {
			t.Errorf("got %v, wrote %t", err, x.Wrote)
		}
	})
}

func TestLateReplyDoesNotAnswerTheNextRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := simConfig()
		cfg.Delay = 700 * time.Millisecond // later than the 500 ms we allow, plus margin
		port, sim := bus.Memory(cfg, simMeter(t, "101"), simMeter(t, "102"))
		l := run(t, sim, func(Settings) (Port, error) { return port, nil }, settings)
		x, _ := read("101")
		if err := l.Do(t.Context(), x); !errors.Is(err, ErrSilent) {
			t.Fatalf("got %v, want ErrSilent", err)
		}
		time.Sleep(150 * time.Millisecond) // fake time: the late reply is now on the wire
		x, got := read("102")
		x.Delay = time.Second
		if err := l.Do(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if got.Addr.String() != "000000000102" {
			t.Errorf("the reply of meter %s answered the request to 102", got.Addr)
		}
	})
}

// plug makes a pseudo-terminal at link with a meter behind it, and gives the way to pull it.
func plug(t *testing.T, link string) (pull func()) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	os.Remove(link)
	if err := os.Symlink(slave.Name(), link); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	var pulled atomic.Bool
	go func() {
		defer close(gone)
		defer master.Close()
		var p dlt645.Parser
		buf := make([]byte, 256)
		for {
			n, err := master.Read(buf)
			if err != nil || pulled.Load() {
				return
			}
			p.Write(buf[:n])
			for f, ok := p.Next(); ok; f, ok = p.Next() {
				master.Write(dlt645.AppendFrame(nil, dlt645.ReadReply(f.Addr, dlt645.DIForwardTotal, []byte{0, 0, 1, 0})))
			}
		}
	}()
	pull = sync.OnceFunc(func() {
		pulled.Store(true)
		slave.Write([]byte{0}) // wakes the reader: closing a file does not, where terminals cannot be polled
		slave.Close()
		<-gone
	})
	t.Cleanup(pull)
	return pull
}

func TestVanishedPortIsReopened(t *testing.T) {
	set := settings
	set.Path = filepath.Join(t.TempDir(), "l1")
	pull := plug(t, set.Path)
	l := New(set, Open, slog.New(slog.DiscardHandler))
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { l.Run(ctx); close(ended) }()
	defer func() { cancel(); <-ended }()
	ask := func() error { x, _ := read("101"); return l.Do(ctx, x) }
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	pull() // the adapter is unplugged; mostly that is noticed before somebody asks
	if err := ask(); !errors.Is(err, ErrLost) && !errors.Is(err, ErrDown) {
		t.Fatalf("got %v, want ErrLost or ErrDown", err)
	}
	if err := ask(); !errors.Is(err, ErrDown) || l.Status().Up {
		t.Fatalf("got %v, want ErrDown", err)
	}
	plug(t, set.Path)
	for end := time.Now().Add(5 * time.Second); ask() != nil; {
		if time.Now().After(end) {
			t.Fatal("not reopened")
		}
	}
}

func TestPortLostInTheMiddleOfAnExchangeIsSaidSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		var open atomic.Pointer[bus.Port]
		l := run(t, sim, func(Settings) (Port, error) { open.Store(port.Reopen()); return open.Load(), nil }, settings)
		ended := make(chan error, 1)
		x, _ := read("101")
		go func() { ended <- l.Do(t.Context(), x) }()
		time.Sleep(200 * time.Millisecond) // virtual: the request has left, the reply is on its way
		open.Load().Close()
		if err := <-ended; !errors.Is(err, ErrLost) || !x.Wrote {
			t.Errorf("got %v, wrote %t; want ErrLost of a request that may have been sent", err, x.Wrote)
		}
		time.Sleep(2 * reopenMin)
		if x, _ := read("101"); l.Do(t.Context(), x) != nil {
			t.Error("the port is not opened again")
		}
	})
}

func TestOpenSaysWhatToDo(t *testing.T) {
	set := settings
	set.Path = filepath.Join(t.TempDir(), "ttyNone")
	if _, err := Open(set); err == nil || !strings.Contains(err.Error(), "plugged in") {
		t.Errorf("got %v, want a remedy", err)
	}
}

// A process was killed between request and reply: the reply waits in the port's buffer, or is still on the wire, when the
// next process opens it.
func TestWhatWaitsInAReopenedPortAnswersNothing(t *testing.T) {
	for _, age := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond} { // on the wire; in the buffer
		synctest.Test(t, func(t *testing.T) {
			port, sim := bus.Memory(simConfig(), simMeter(t, "101"), simMeter(t, "102"))
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{}, 2)
			go func() { sim.Run(ctx); done <- struct{}{} }()
			x, _ := read("101")
			if _, err := port.Write(x.Request); err != nil {
				t.Fatal(err)
			}
			time.Sleep(age) // fake time
			port = port.Reopen()
			l := New(settings, func(Settings) (Port, error) { return port, nil }, slog.New(slog.DiscardHandler))
			go func() { l.Run(ctx); done <- struct{}{} }()
			defer func() { cancel(); <-done; <-done }()
			x, got := read("102")
			if err := l.Do(ctx, x); err != nil {
				t.Fatal(err)
			}
			if got.Addr.String() != "000000000102" {
				t.Errorf("after %v the reply of meter %s answered the request to 102", age, got.Addr)
			}
		})
	}
}

// stuck is a port that takes nothing and says no error.
type stuck struct{ Port }

func (stuck) Write([]byte) (int, error) { return 0, nil }

func TestPortThatTakesNothingDoesNotHoldTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, sim := bus.Memory(simConfig(), simMeter(t, "101"))
		l := run(t, sim, func(Settings) (Port, error) { return stuck{port}, nil }, settings)
		x, _ := read("101")
		if err := l.Do(t.Context(), x); !errors.Is(err, ErrLost) {
			t.Errorf("got %v, want ErrLost", err)
		}
	})
}
