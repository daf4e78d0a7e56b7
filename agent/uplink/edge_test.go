package uplink

import (
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"feikong/agent/outbox"
	"feikong/protocol"
)

// A broker that comes and goes while acknowledgements pile up: the last word on the connection counts, and is heard.
func TestLastWordOnAFlappingConnectionIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, g, _ := start(t)
		add(t, box, 0, 5)
		for range 4 * queueMax {
			u.ack([]byte("noise"))
			u.lost()
			u.connected()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		inOrder(t, g.values, 5)
		u.connected()
		u.lost()
		synctest.Wait()
		g.set(func() { g.hellos = 0 })
		time.Sleep(time.Minute)
		if g.hellos != 0 {
			t.Errorf("%d hellos on a lost connection", g.hellos)
		}
	})
}

func TestNothingIsSentBeforeHelloIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, g, _ := start(t)
		add(t, box, 0, 5)
		said := 0
		u.SetLink(linkFunc(func(kind string, _ []byte) error {
			if kind != "hello" {
				t.Errorf("%s was sent", kind)
			}
			said++
			return nil
		}))
		u.connected()
		time.Sleep(5 * time.Minute) // after 5, 10, 20, 40 and then 60 seconds each
		synctest.Wait()
		if said != 8 || g.batches != 0 {
			t.Errorf("%d hellos in five minutes", said)
		}
	})
}

// A late answer to an earlier hello says a time that has passed: taken for the answer to the newest, it would move the
// clock by the whole delay, and lanes to where they stood then.
func TestOnlyTheReplyToTheNewestHelloIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, _, c := start(t)
		add(t, box, 0, 5)
		sent := make(chan *protocol.Hello, 16)
		batches := 0
		u.SetLink(linkFunc(func(kind string, payload []byte) error {
			if kind != "hello" {
				batches++
				return nil
			}
			h, err := protocol.DecodeHello(payload)
			if err != nil {
				t.Error(err)
			}
			sent <- h
			return nil
		}))
		answer := func(boot, seq uint64, at time.Time) {
			u.helloReply(protocol.AppendHelloReply(nil, &protocol.HelloReply{Agent: "a1", Time: at.UnixMilli(), Boot: boot, Seq: seq}))
			synctest.Wait()
		}
		u.connected()
		first, then := <-sent, time.Now()
		second := <-sent
		if first.Seq != 1 || second.Seq != 2 || first.Boot != second.Boot {
			t.Fatalf("got %d and %d", first.Seq, second.Seq)
		}
		answer(first.Boot, first.Seq, then)
		answer(first.Boot+1, second.Seq, then)
		if c.Trusted() || batches != 0 {
			t.Errorf("an answer to another hello was taken: offset %v, %d batches", c.Offset(), batches)
		}
		answer(second.Boot, second.Seq, time.Now())
		if !c.Trusted() || c.Offset() != 0 || batches == 0 {
			t.Errorf("the answer was not taken: offset %v, %d batches", c.Offset(), batches)
		}
	})
}

// A gateway of before tells no number: it gets the readings, but its time is not relied on.
func TestReplyWithoutNumberIsNoBeacon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, u, _, c := start(t)
		add(t, box, 0, 5)
		batches := 0
		u.SetLink(linkFunc(func(kind string, _ []byte) error {
			if kind == "hello" {
				u.helloReply(protocol.AppendHelloReply(nil, &protocol.HelloReply{Agent: "a1", Time: time.Now().UnixMilli()}))
			} else {
				batches++
			}
			return nil
		}))
		u.connected()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if c.Trusted() || batches != 1 {
			t.Errorf("trusted %t, %d batches", c.Trusted(), batches)
		}
	})
}

type linkFunc func(kind string, payload []byte) error

func (f linkFunc) Publish(kind string, payload []byte) error { return f(kind, payload) }

// A reply to hello that an acknowledgement has overtaken is older than it. Where acknowledged entries have already given
// way to new ones, taking it for a rewind would end the epoch and send everything again.
func TestReplyOvertakenByAnAcknowledgementIsNoRewind(t *testing.T) { synctest.Test(t, overtaken) }

func overtaken(t *testing.T) {
	box, err := outbox.Open(filepath.Join(t.TempDir(), "o"), outbox.Options{Keep: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	doubts := 0
	u := New(Options{Agent: "a1", NoJournal: func() bool { return false }, Floors: func([]protocol.OrderFloor) error { return nil },
		Doubt: func() error { doubts++; return nil }}, box, &Clock{}, slog.New(slog.DiscardHandler))
	u.SetLink(linkFunc(func(string, []byte) error { return nil }))
	epoch := box.Epoch()
	reply := func(upto uint64) *protocol.HelloReply {
		return &protocol.HelloReply{Agent: "a1", Time: time.Now().UnixMilli(), Acks: []protocol.Ack{{Agent: "a1", Lane: protocol.LaneReadings, Epoch: epoch, Upto: upto}}}
	}
	add(t, box, 0, 10)
	add(t, box, 10, 10)
	u.hello() // the gateway stands at 0 and says so
	u.settle(protocol.Ack{Agent: "a1", Lane: protocol.LaneReadings, Epoch: epoch, Upto: 15})
	time.Sleep(3 * time.Millisecond)
	add(t, box, 20, 1) // the first ten give way
	if err := u.greet(reply(0), time.Now()); err != nil {
		t.Fatal(err)
	}
	if l := box.Lanes()[0]; box.Epoch() != epoch || l.Acked != 15 || l.Tail != 11 {
		t.Errorf("got %+v, epoch changed %t", l, box.Epoch() != epoch)
	}
	u.hello() // the gateway was restored to 12 since: this is a rewind
	if err := u.greet(reply(12), time.Now()); err != nil {
		t.Fatal(err)
	}
	if l := box.Lanes()[0]; box.Epoch() != epoch || l.Acked != 12 || doubts != 0 {
		t.Errorf("got %+v", l)
	}
	u.hello() // the gateway has what this file never wrote: the file is an old copy, and so is the relay's journal in it
	if err := u.greet(reply(99), time.Now()); err != nil {
		t.Fatal(err)
	}
	if box.Epoch() == epoch || doubts != 1 {
		t.Errorf("%d doubts", doubts)
	}
}

// A name that leads elsewhere, and a proxy that would: neither is followed.
func TestBenchTalksToThisMachineOnly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	t.Setenv("all_proxy", "socks5://192.0.2.1:1080")
	o := mqtt.NewClientOptions().SetConnectTimeout(time.Second)
	c, err := openLocal(&url.URL{Scheme: "tcp", Host: l.Addr().String()}, *o)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, host := range []string{"192.0.2.1:1883", "[2001:db8::1]:1883", "[::ffff:192.0.2.1]:1883"} {
		for _, scheme := range []string{"tcp", "ssl"} {
			if c, err := openLocal(&url.URL{Scheme: scheme, Host: host}, *o); err == nil || !strings.Contains(err.Error(), "not this machine") {
				t.Errorf("%s://%s: %v %v", scheme, host, c, err)
			}
		}
	}
}
