package wire

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/poll"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// parrot is a port whose meters answer at once with the same block of five registers: what is left is what the agent
// itself costs.
type parrot struct {
	parser dlt645.Parser // owned by the writer
	out    chan []byte
	closed chan struct{}
	once   sync.Once
	rest   []byte // owned by the reader
}

func newParrot() *parrot { return &parrot{out: make(chan []byte, 1), closed: make(chan struct{})} }

func (p *parrot) Write(b []byte) (int, error) {
	p.parser.Write(b)
	for f, ok := p.parser.Next(); ok; f, ok = p.parser.Next() {
		d, _, err := dlt645.ParseReadRequest(f)
		if err != nil {
			return 0, err
		}
		data := []byte{0x78, 0x56, 0x34, 0x12, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0}
		switch d {
		case dlt645.DIStatusWord3:
			data = []byte{0, 0}
		case dlt645.DIDateTime:
			data = dlt645.AppendDateTime7(nil, time.Now(), time.Local)
		}
		p.out <- dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadReply(f.Addr, d, data))
	}
	return len(b), nil
}

func (p *parrot) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		select {
		case p.rest = <-p.out:
		case <-p.closed:
			return 0, io.EOF
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *parrot) SetReadTimeout(time.Duration) error { return nil }
func (p *parrot) ResetInputBuffer() error            { return nil }
func (p *parrot) Close() error                       { p.once.Do(func() { close(p.closed) }); return nil }

// count is an outbox that counts, and tells when it has as many entries as somebody waits for.
type count struct {
	mu      sync.Mutex // guards all
	entries int
	goal    int
	reached chan struct{}
}

func (c *count) Append(e []protocol.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries += len(e); c.goal > 0 && c.entries >= c.goal {
		c.goal = 0
		close(c.reached)
	}
	return nil
}

func (c *count) AppendAlarm(protocol.Alarm) error { return nil }

// wait returns when n more entries have come.
func (c *count) wait(n int) (got int) {
	c.mu.Lock()
	start := c.entries
	c.goal, c.reached = start+n, make(chan struct{})
	c.mu.Unlock()
	<-c.reached
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries - start
}

// TestRatioPollCost prints what one poll costs the agent's processor and heap, the test's own meter included, and what
// that makes of 8 lines with 256 meters each, read every 15 minutes with the relay's state.
func TestRatioPollCost(t *testing.T) {
	if os.Getenv("FEIKONG_BENCH") == "" {
		t.Skip("set FEIKONG_BENCH=1, or run make bench: a cost in processor time proves nothing in a test run")
	}
	const lines, meters = 8, 256
	before := heap()
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	box := &count{}
	for i := range lines {
		l := line.New(line.Settings{Name: fmt.Sprintf("l%d", i), Path: "parrot", Baud: 1_000_000, Parity: "even", StopBits: 1},
			func(line.Settings) (line.Port, error) { return newParrot(), nil }, log, line.Watch(func(line.Foreign) {}))
		var drivers []meter.Driver
		for k := range meters {
			d, err := meter.NewDLT645(protocol.MeterRef{Line: l.Settings().Name, Address: fmt.Sprintf("%012d", 1000*i+k+1)}, l, pollWait, time.Local)
			if err != nil {
				t.Fatal(err)
			}
			drivers = append(drivers, d)
		}
		p := poll.New(l.Settings().Name, drivers, poll.Options{Interval: time.Second, Relay: time.Hour, Clock: time.Hour}, box, func() bool { return true }, log)
		all.Go(func() { l.Run(ctx) })
		all.Go(func() { p.Run(ctx) })
	}
	box.wait(7 * lines * meters) // the first round: five registers, relay and clock each
	resident := heap() - before
	var u syscall.Rusage
	busy := cpu(&u)
	var was, is runtime.MemStats
	runtime.ReadMemStats(&was)
	polls := box.wait(4*5*lines*meters) / 5
	runtime.ReadMemStats(&is)
	each := (cpu(&u) - busy) / time.Duration(max(polls, 1))
	cancel()
	all.Wait()
	perSecond := float64(2*lines*meters) / (15 * 60) // energy and relay
	fmt.Printf("COST  %-30s %.1f us CPU a poll of five registers, %d allocations and %d B of it the agent's, the driver's and the test's meter's; 8 lines x 256 meters each 15 min: %.2f polls/s = %.4f %% of a core; heap %d B a meter\n",
		"poll/agent", float64(each)/1e3, (is.Mallocs-was.Mallocs)/uint64(max(polls, 1)), (is.TotalAlloc-was.TotalAlloc)/uint64(max(polls, 1)), perSecond, 100*perSecond*each.Seconds(), resident/(lines*meters))
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func cpu(u *syscall.Rusage) time.Duration {
	if syscall.Getrusage(syscall.RUSAGE_SELF, u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
