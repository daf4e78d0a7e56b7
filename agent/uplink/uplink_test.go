package uplink

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/outbox"
	"feikong/protocol"
)

// gateway is the other end as the contract has it: it keeps one cursor a lane and answers as told. A lossy one drops.
type gateway struct {
	mu      sync.Mutex // guards all: tests change it while it answers
	t       *testing.T
	up      *Uplink
	epoch   uint64
	upto    map[protocol.Lane]uint64
	values  []int64 // accepted readings
	hellos  int
	batches int
	mute    bool          // takes nothing
	ahead   time.Duration // its clock
}

func (g *gateway) Publish(kind string, payload []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mute {
		return nil
	}
	switch kind {
	case "hello":
		g.hellos++
		h, err := protocol.DecodeHello(payload)
		if err != nil {
			g.t.Fatal(err)
		}
		r := protocol.HelloReply{Agent: h.Agent, Gateway: "g", Time: time.Now().Add(g.ahead).UnixMilli(), Boot: h.Boot, Seq: h.Seq}
		for _, l := range h.Lanes {
			if l.Epoch == g.epoch {
				r.Acks = append(r.Acks, protocol.Ack{Agent: h.Agent, Lane: l.Lane, Epoch: l.Epoch, Upto: g.upto[l.Lane]})
			}
		}
		g.up.helloReply(protocol.AppendHelloReply(nil, &r))
	case "readings":
		g.batches++
		b, err := protocol.DecodeReadingBatch(payload)
		if err != nil {
			g.t.Fatal(err)
		}
		if b.Epoch != g.epoch {
			g.epoch, g.upto = b.Epoch, map[protocol.Lane]uint64{protocol.LaneReadings: b.First - 1}
		}
		for i, e := range b.Entries {
			if b.First+uint64(i) == g.upto[protocol.LaneReadings]+1 {
				g.upto[protocol.LaneReadings]++
				g.values = append(g.values, e.Reading.Value)
			}
		}
		g.up.ack(protocol.AppendAck(nil, &protocol.Ack{Agent: b.Agent, Lane: protocol.LaneReadings, Epoch: b.Epoch, Upto: g.upto[protocol.LaneReadings]}))
	}
	return nil
}

// set changes the gateway.
func (g *gateway) set(f func()) { g.mu.Lock(); defer g.mu.Unlock(); f() }

func start(t *testing.T) (*outbox.Box, *Uplink, *gateway, *Clock) {
	t.Helper()
	box, err := outbox.Open(filepath.Join(t.TempDir(), "o"), outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &Clock{}
	u := New(Options{Agent: "a1", Version: "t", NoJournal: func() bool { return false }, Floors: func([]protocol.OrderFloor) error { return nil }, Doubt: func() error { return nil }}, box, c, slog.New(slog.DiscardHandler))
	g := &gateway{t: t, up: u, upto: map[protocol.Lane]uint64{}}
	u.SetLink(g)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		box.Close()
	})
	return box, u, g, c
}

func add(t *testing.T, box *outbox.Box, from, n int) {
	t.Helper()
	var out []protocol.Entry
	for i := range n {
		out = append(out, protocol.Entry{Reading: protocol.Reading{Meter: protocol.MeterRef{Line: "l1", Address: "1"}, Quantity: protocol.ActiveImport,
			Value: int64(from + i), TakenAt: int64(1 + from + i), Method: protocol.MethodPoll, Side: protocol.SideSecondary}})
	}
	if err := box.Append(out); err != nil {
		t.Fatal(err)
	}
}

func inOrder(t *testing.T, got []int64, n int) {
	t.Helper()
	var want []int64
	for i := range n {
		want = append(want, int64(i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the gateway has %d readings, want 0..%d in order", len(got), n-1)
	}
}

func TestBacklogDrainsInOrderByThousands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, g, c := start(t)
		add(t, box, 0, 2500)
		u.connected()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		inOrder(t, g.values, 2500)
		if g.batches != 3 || box.Lanes()[0].Acked != 2500 || !c.Trusted() {
			t.Errorf("got %d batches, lanes %+v", g.batches, box.Lanes())
		}
		add(t, box, 2500, 10)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		inOrder(t, g.values, 2510)
	})
}

func TestBatchWithoutAcknowledgementIsSentAgainWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, g, _ := start(t)
		u.connected()
		time.Sleep(time.Second)
		g.set(func() { g.mute = true })
		add(t, box, 0, 5)
		time.Sleep(time.Second) // sent, and lost
		synctest.Wait()
		if box.Sent(protocol.LaneReadings) != 5 || box.Lanes()[0].Acked != 0 {
			t.Fatalf("got %+v", box.Lanes())
		}
		g.set(func() { g.mute = false })
		time.Sleep(11 * time.Second)
		synctest.Wait()
		inOrder(t, g.values, 5)
	})
}

func TestGatewayThatLostItsTailGetsItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, g, _ := start(t)
		u.connected()
		for i := range 5 {
			add(t, box, 10*i, 10)
			time.Sleep(3 * time.Second)
		}
		synctest.Wait()
		inOrder(t, g.values, 50)
		g.set(func() { g.upto[protocol.LaneReadings], g.values = 20, g.values[:20] }) // a backup is restored
		u.lost()
		u.connected()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		inOrder(t, g.values, 50)
	})
}

func TestRewindByAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, g, _ := start(t)
		u.connected()
		add(t, box, 0, 30)
		time.Sleep(3 * time.Second)
		g.set(func() { g.upto[protocol.LaneReadings], g.values = 7, g.values[:7] })
		add(t, box, 30, 1) // its batch begins at 31: the gateway answers 7
		time.Sleep(10 * time.Second)
		synctest.Wait()
		inOrder(t, g.values, 31)
	})
}

func TestGatewayThatIsAheadMakesANewEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, g, _ := start(t)
		add(t, box, 0, 5)
		g.set(func() { g.epoch, g.upto[protocol.LaneReadings] = box.Epoch(), 900 }) // an old copy of our file was put back
		was := box.Epoch()
		u.connected()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if box.Epoch() == was {
			t.Error("the epoch is the old one")
		}
		inOrder(t, g.values, 5)
	})
}

func TestClockIsTrustedWithinTwoSecondsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u, g, c := start(t)
		if c.Trusted() {
			t.Error("trusted without a beacon")
		}
		g.set(func() { g.ahead = 3 * time.Second })
		u.connected()
		time.Sleep(time.Second)
		if c.Trusted() || c.Offset() != -3*time.Second {
			t.Errorf("trusted %t, offset %v", c.Trusted(), c.Offset())
		}
		g.set(func() { g.ahead = time.Second })
		time.Sleep(helloEvery)
		synctest.Wait()
		if !c.Trusted() || c.Offset().Round(time.Millisecond) != -time.Second {
			t.Errorf("trusted %t, offset %v", c.Trusted(), c.Offset())
		}
		g.set(func() { g.mute = true })
		time.Sleep(2 * trustFor)
		if c.Trusted() {
			t.Error("a beacon of two hours ago is still trusted")
		}
	})
}
