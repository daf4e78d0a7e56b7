package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/protocol"
)

// door holds what is offered until the test commits it, as the real one does until its commit.
type door struct {
	mu     sync.Mutex
	full   bool
	events []account.Event
	done   []func(account.Receipt, error)
}

func (d *door) Offer(ev account.Event, done func(account.Receipt, error)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return false
	}
	d.events, d.done = append(d.events, ev), append(d.done, done)
	return true
}

// view answers what an intake asks; anything else panics, which is the test's finding.
type view struct {
	store.View
	cursors []account.Cursor
	floors  []protocol.OrderFloor
	config  account.Config
}

func (v view) Cursors() []account.Cursor           { return v.cursors }
func (v view) Floors(string) []protocol.OrderFloor { return v.floors }
func (v view) Commit() uint64                      { return 41 }
func (v view) Config() *account.Config             { return &v.config }

type shelf struct{ view view }

func (s shelf) View(_ context.Context, f func(store.View) error) error { return f(s.view) }
func (s shelf) Info() store.Info                                       { return store.Info{Installation: "here"} }

type message struct {
	topic   string
	payload []byte
}

type bench struct {
	*Intake
	door *door
	sent []message
	said []string
}

// run gives an intake that works inside the synctest bubble.
func run(t *testing.T, s shelf) *bench {
	t.Helper()
	b := &bench{door: &door{}}
	b.Intake = New(Options{
		Tenant: "default", Door: b.door, Store: s, Fleet: NewFleet("street-1"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Publish: func(topic string, payload []byte) error { b.sent = append(b.sent, message{topic, payload}); return nil },
		Hello:   func(agent string) { b.said = append(b.said, agent) },
		Receipt: func(_ context.Context, id string, payload []byte) (account.Event, error) {
			if string(payload) == "no" {
				return account.Event{}, errors.New("not a receipt")
			}
			return account.Event{Key: "receipt/" + string(payload) + "/terminal", Account: id}, nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("intake ended with %v", err)
		}
	})
	return b
}

func batch(t testing.TB, agent string) []byte {
	t.Helper()
	b := protocol.ReadingBatch{Agent: agent, Epoch: 7, First: 11, SentAt: 1000, Entries: []protocol.Entry{
		{Reading: protocol.Reading{Meter: protocol.MeterRef{Line: "l1", Address: "000000000101"}, Quantity: protocol.ActiveImport, Value: 12345, Exp: -2, TakenAt: 900, Method: protocol.MethodPoll, Side: protocol.SideSecondary}},
		{Gap: &protocol.Gap{From: 1, To: 2, Reason: "line down", Count: 3}},
	}}
	raw, err := protocol.AppendReadingBatch(nil, &b)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func up(kind string) string { return protocol.Up("default", "street-1", kind) }

func TestBatchIsAcknowledgedOnlyAfterItsCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		b.Packet("street-1", "readings", up("readings"), batch(t, "street-1"))
		synctest.Wait()
		if len(b.door.events) != 1 || len(b.sent) != 0 {
			t.Fatalf("before the commit: got %d events and %d messages, want one event and silence", len(b.door.events), len(b.sent))
		}
		ev := b.door.events[0]
		if ev.Actor != "agent street-1" || ev.Readings == nil || ev.Readings.First != 11 || len(ev.Readings.Entries) != 2 {
			t.Fatalf("got %+v", ev)
		}
		b.door.done[0](account.Receipt{Status: account.Accepted, Commit: 42, Ack: &protocol.Ack{Agent: "street-1", Lane: protocol.LaneReadings, Epoch: 7, Upto: 12}}, nil)
		want := protocol.Ack{Agent: "street-1", Lane: protocol.LaneReadings, Epoch: 7, Upto: 12, Gateway: "here", Commit: 42}
		if len(b.sent) != 1 || b.sent[0].topic != protocol.Down("default", "street-1", "ack") {
			t.Fatalf("got %v", b.sent)
		}
		if got, err := protocol.DecodeAck(b.sent[0].payload); err != nil || *got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		m, _ := b.opt.Fleet.Agent("street-1")
		if m.Counts.Batches != 1 || m.Counts.Entries != 2 || m.Counts.Packets != 1 {
			t.Errorf("got counts %+v", m.Counts)
		}
	})
}

func TestFailedCommitIsNotAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		b.Packet("street-1", "readings", up("readings"), batch(t, "street-1"))
		synctest.Wait()
		b.door.done[0](account.Receipt{}, store.ErrBroken)
		if len(b.sent) != 0 {
			t.Errorf("got %v, want silence", b.sent)
		}
	})
}

func TestFullDoorDropsTheBatchUnacknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		b.door.full = true
		b.Packet("street-1", "readings", up("readings"), batch(t, "street-1"))
		synctest.Wait()
		m, _ := b.opt.Fleet.Agent("street-1")
		if len(b.sent) != 0 || m.Counts.Overloaded != 1 {
			t.Errorf("got %d messages and %+v, want silence and one count", len(b.sent), m.Counts)
		}
	})
}

func TestWhatCannotBeAttributedGoesToQuarantineWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		foreign := batch(t, "street-2")
		evidence := protocol.AppendEvidenceBatch(nil, &protocol.EvidenceBatch{Agent: "street-2", Epoch: 1, First: 1, Entries: []protocol.Evidence{{Alarm: &protocol.Alarm{Code: "x", At: 1}}}})
		cases := []struct {
			kind, reason string
			payload      []byte
		}{
			{"readings", `sent by "street-1", says "street-2"`, foreign},
			{"evidence", `sent by "street-1", says "street-2"`, evidence},
			{"hello", `says "street-2"`, protocol.AppendHello(nil, &protocol.Hello{Agent: "street-2"})},
			{"status", `says "street-2"`, protocol.AppendStatus(nil, &protocol.Status{Agent: "street-2"})},
			{"readings", "", []byte{0xff, 0xff, 1}},
			{"readings", "", nil},
			{"weather", `kind "weather" is not known`, []byte("sunny")},
		}
		for _, c := range cases {
			b.Packet("street-1", c.kind, up(c.kind), c.payload)
		}
		synctest.Wait()
		if len(b.door.events) != len(cases) {
			t.Fatalf("got %d events, want %d", len(b.door.events), len(cases))
		}
		keys := map[string]bool{}
		for n, ev := range b.door.events {
			g := ev.Garbage
			if g == nil || g.Agent != "street-1" || g.Topic != up(cases[n].kind) || string(g.Data) != string(cases[n].payload) || !strings.Contains(g.Reason, cases[n].reason) {
				t.Errorf("case %d: got %+v", n, ev)
			}
			keys[ev.Key] = true
		}
		if len(keys) != len(cases) {
			t.Errorf("got %d keys, want each packet its own", len(keys))
		}
		b.Packet("street-1", "readings", up("readings"), foreign)
		synctest.Wait()
		if last := b.door.events[len(b.door.events)-1]; last.Key != b.door.events[0].Key {
			t.Errorf("got key %q, want the same packet to have the same key as before, %q", last.Key, b.door.events[0].Key)
		}
	})
}

// A batch that no decoder takes must not be sent for ever: with its head it comes off the lane and is acknowledged, after its commit.
func TestUnreadableBatchIsTakenOffItsLaneAndAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		whole := batch(t, "street-1")
		broken := whole[:len(whole)-3]
		if _, err := protocol.DecodeReadingBatch(broken); err == nil {
			t.Fatal("the broken batch decodes")
		}
		b.Packet("street-1", "readings", up("readings"), broken)
		b.Packet("street-1", "status", up("status"), broken)
		synctest.Wait()
		ev := b.door.events[0]
		g := ev.Garbage
		if g == nil || ev.Key != "" || g.Lane != protocol.LaneReadings || g.Epoch != 7 || g.First != 11 || g.Count != 2 || len(b.sent) != 0 {
			t.Fatalf("got %+v %+v, sent %v", ev, g, b.sent)
		}
		if other := b.door.events[1]; other.Garbage.Count != 0 || other.Key == "" {
			t.Errorf("a status became a batch: %+v", other.Garbage)
		}
		b.door.done[0](account.Receipt{Commit: 5, Ack: &protocol.Ack{Agent: "street-1", Lane: protocol.LaneReadings, Epoch: 7, Upto: 12}}, nil)
		b.door.done[1](account.Receipt{Commit: 5}, nil)
		if len(b.sent) != 1 {
			t.Fatalf("sent %v", b.sent)
		}
		if ack, err := protocol.DecodeAck(b.sent[0].payload); err != nil || ack.Upto != 12 || ack.Commit != 5 || ack.Gateway != "here" {
			t.Errorf("ack %+v, %v", ack, err)
		}
	})
}

func TestRudeSenderCannotFillTheQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		for n := range 3 * rubbishBurst {
			b.Packet("street-1", "weather", up("weather"), fmt.Append(nil, n))
			synctest.Wait()
		}
		b.Packet("street-2", "weather", "t", []byte("quiet"))
		synctest.Wait()
		if n := len(b.door.events); n != rubbishBurst+1 || b.Dropped() != 2*rubbishBurst {
			t.Errorf("%d in quarantine, %d dropped", n, b.Dropped())
		}
		time.Sleep(rubbishEvery)
		b.Packet("street-1", "weather", up("weather"), []byte("later"))
		synctest.Wait()
		if n := len(b.door.events); n != rubbishBurst+2 {
			t.Errorf("%d in quarantine after a while", n)
		}
	})
}

// Each new outbox file leaves a cursor behind; a reply that lists them all would be too long for the agent to read.
func TestHelloNamesItsLanesAndGetsNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := view{}
		for epoch := range uint64(100) {
			v.cursors = append(v.cursors, account.Cursor{Agent: "street-1", Lane: protocol.LaneReadings, Epoch: epoch + 1, Upto: epoch + 50})
		}
		b := run(t, shelf{v})
		for _, lanes := range [][]protocol.LaneState{{{Lane: protocol.LaneReadings, Epoch: 99, Tail: 1, Next: 2}}, nil} {
			b.Packet("street-1", "hello", up("hello"), protocol.AppendHello(nil, &protocol.Hello{Agent: "street-1", Version: "1", Boot: 3, Lanes: lanes}))
		}
		synctest.Wait()
		got, err := protocol.DecodeHelloReply(b.sent[0].payload)
		if err != nil || len(got.Acks) != 1 || got.Acks[0].Epoch != 99 || got.Acks[0].Upto != 148 {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := protocol.DecodeHelloReply(b.sent[1].payload); err != nil {
			t.Error(err)
		}
	})
}

func TestHelloIsAnsweredWithCursorsFloorsAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		floor := protocol.OrderFloor{Meter: protocol.MeterRef{Line: "l1", Address: "000000000101"}, Order: protocol.OrderID{Generation: 1, Number: 4}}
		b := run(t, shelf{view{floors: []protocol.OrderFloor{floor}, cursors: []account.Cursor{
			{Agent: "street-1", Lane: protocol.LaneReadings, Epoch: 7, Upto: 99}, {Agent: "street-2", Lane: protocol.LaneReadings, Epoch: 8, Upto: 5},
		}}})
		b.Packet("street-1", "hello", up("hello"), protocol.AppendHello(nil, &protocol.Hello{Agent: "street-1", Version: "1", Boot: 3, Seq: 2}))
		synctest.Wait()
		if len(b.sent) != 1 || b.sent[0].topic != protocol.Down("default", "street-1", "hello") || len(b.said) != 1 {
			t.Fatalf("got %v", b.sent)
		}
		got, err := protocol.DecodeHelloReply(b.sent[0].payload)
		if err != nil {
			t.Fatal(err)
		}
		want := &protocol.HelloReply{Agent: "street-1", Gateway: "here", Time: got.Time, Boot: 3, Seq: 2, Floors: []protocol.OrderFloor{floor},
			Acks: []protocol.Ack{{Agent: "street-1", Lane: protocol.LaneReadings, Epoch: 7, Upto: 99, Gateway: "here", Commit: 41}}}
		if diff := cmp.Diff(want, got); diff != "" || got.Time == 0 {
			t.Errorf("time %d, difference:\n%s", got.Time, diff)
		}
	})
}

func TestStatusIsKeptForPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		b.Packet("street-1", "status", up("status"), protocol.AppendStatus(nil, &protocol.Status{Agent: "street-1", Version: "1.2", RelayMode: "bench"}))
		synctest.Wait()
		all := b.opt.Fleet.Agents()
		if len(all) != 1 || all[0].Status == nil || all[0].Status.RelayMode != "bench" || all[0].Seen.IsZero() {
			t.Errorf("got %+v", all)
		}
	})
}

func TestTerminalReceiptBecomesAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, shelf{})
		b.Receipt("1001", []byte("no"))
		b.Receipt("1001", []byte("n1"))
		synctest.Wait()
		if len(b.door.events) != 1 || b.door.events[0].Key != "receipt/n1/terminal" || b.door.events[0].Account != "1001" {
			t.Errorf("got %+v, want the one good receipt", b.door.events)
		}
	})
}

func TestInboxIsBoundedInBytesAndBySender(t *testing.T) {
	const most = 64 << 10
	in := newInbox(most)
	size := most/shareMax/4 - overhead
	taken := map[string]int{}
	for n := range 40 {
		for _, sender := range []string{"rude", fmt.Sprint("quiet-", n)} {
			if in.put(packet{sender: sender, payload: make([]byte, size)}) {
				taken[sender]++
			}
		}
		if n < 4 && taken[fmt.Sprint("quiet-", n)] != 1 {
			t.Errorf("quiet-%d was shut out", n)
		}
	}
	if taken["rude"] != 4 {
		t.Errorf("one sender got %d packets in, want its share of 4", taken["rude"])
	}
	if in.waiting() > most || in.waiting() < most-size-overhead {
		t.Errorf("got %d bytes waiting, want the inbox full and not beyond %d", in.waiting(), most)
	}
	all := in.take(t.Context(), nil)
	if len(all) != 16 || in.waiting() != 0 || len(in.shares) != 0 {
		t.Errorf("got %d packets and %d bytes behind, want 16 and none", len(all), in.waiting())
	}
	if !in.put(packet{sender: "rude", payload: make([]byte, size)}) {
		t.Error("an empty inbox refused a packet")
	}
}

func TestFullInboxDropsUnacknowledgedAndCounts(t *testing.T) {
	i := New(Options{Fleet: NewFleet(), Log: slog.New(slog.DiscardHandler)})
	i.inbox.max = 1000
	for range 3 {
		i.Packet("street-1", "readings", "t", make([]byte, 600))
	}
	m, _ := i.opt.Fleet.Agent("street-1")
	if i.Dropped() != 2 || m.Counts.Dropped != 2 || m.Counts.Packets != 3 {
		t.Errorf("got %d dropped and %+v, want 2 of 3", i.Dropped(), m.Counts)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add("readings", batch(f, "street-1"))
	f.Add("hello", protocol.AppendHello(nil, &protocol.Hello{Agent: "street-1"}))
	f.Add("status", protocol.AppendStatus(nil, &protocol.Status{Agent: "street-1"}))
	f.Add("evidence", []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		d := &door{}
		i := New(Options{Tenant: "default", Door: d, Store: shelf{}, Fleet: NewFleet(), Log: slog.New(slog.DiscardHandler),
			Publish: func(string, []byte) error { return nil },
			Receipt: func(context.Context, string, []byte) (account.Event, error) { return account.Event{}, errors.New("no") }})
		i.handle(t.Context(), &packet{"street-1", kind, "t", payload})
		for _, ev := range d.events {
			if ev.Readings != nil && ev.Readings.Agent != "street-1" {
				t.Errorf("a batch of %q passed as street-1's", ev.Readings.Agent)
			}
		}
	})
}
