package mqtt

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"feikong/protocol"
)

// patience is how long a test waits for something that must happen.
const patience = 10 * time.Second

type packet struct{ agent, kind, topic, payload string }

type house struct {
	*Broker
	packets  chan packet
	receipts chan packet
	refused  chan string
	sessions chan string
}

// open runs a broker with agent-1, agent-2 and the terminal of account 1001 until the test ends.
func open(t *testing.T, change func(*Options)) *house {
	t.Helper()
	h := &house{packets: make(chan packet, 64), receipts: make(chan packet, 64), refused: make(chan string, 64), sessions: make(chan string, 64)}
	secrets := map[string]string{"street-1": "one", "street-2": "two", "terminal-1001": "three", "terminal-1002": ""}
	opt := Options{
		Listen: "127.0.0.1:0", Tenant: "default",
		Lookup: func(user string) (Identity, string, bool) {
			secret, ok := secrets[user]
			if account, terminal := TerminalAccount(user); terminal {
				return Identity{Terminal, account}, secret, ok
			}
			return Identity{Agent, user}, secret, ok
		},
		OnPacket: func(agent, kind, topic string, p []byte) { h.packets <- packet{agent, kind, topic, string(p)} },
		OnReceipt: func(account string, p []byte) {
			h.receipts <- packet{account, "receipt", "", string(p)}
		},
		OnRefused:    func(who Identity, what string) { h.refused <- who.String() + ": " + what },
		OnConnect:    func(who Identity) { h.sessions <- "+" + who.String() },
		OnDisconnect: func(who Identity) { h.sessions <- "-" + who.String() },
	}
	if change != nil {
		change(&opt)
	}
	b, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	h.Broker = b
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("broker ended with %v", err)
		}
	})
	return h
}

func (h *house) options(user, password string) *paho.ClientOptions {
	return paho.NewClientOptions().AddBroker("tcp://" + h.Addr().String()).SetClientID(user + "-any").SetUsername(user).SetPassword(password).
		SetProtocolVersion(4).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(patience)
}

func (h *house) connect(t *testing.T, user, password string) paho.Client {
	t.Helper()
	c := paho.NewClient(h.options(user, password))
	wait(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func wait(t *testing.T, token paho.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer from the broker")
	}
	if err := token.Error(); err != nil {
		t.Fatal(err)
	}
}

func next[T any](t *testing.T, from chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

func TestBrokerHandsAgentPacketsOver(t *testing.T) {
	h := open(t, nil)
	c := h.connect(t, "street-1", "one")
	wait(t, c.Publish(protocol.Up("default", "street-1", "readings"), 1, false, []byte("batch")))
	got := next(t, h.packets)
	if want := (packet{"street-1", "readings", "v1/default/street-1/up/readings", "batch"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBrokerDeliversToTheOneWhoListens(t *testing.T) {
	h := open(t, nil)
	got := make(chan string, 4)
	for user, password := range map[string]string{"street-1": "one", "street-2": "two"} {
		c := h.connect(t, user, password)
		wait(t, c.Subscribe(protocol.Down("default", user, "ack"), 1, func(_ paho.Client, m paho.Message) { got <- user + " " + string(m.Payload()) }))
	}
	if err := h.Publish(protocol.Down("default", "street-2", "ack"), []byte("upto 7")); err != nil {
		t.Fatal(err)
	}
	if err := h.Publish(protocol.Down("default", "street-1", "ack"), []byte("upto 9")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{next(t, got): true, next(t, got): true}
	if !seen["street-2 upto 7"] || !seen["street-1 upto 9"] {
		t.Errorf("got %v", seen)
	}
}

func TestTerminalListensToItsNoticesAndAnswers(t *testing.T) {
	h := open(t, nil)
	c := h.connect(t, "terminal-1001", "three")
	got := make(chan string, 1)
	wait(t, c.Subscribe(protocol.NoticeTopic("default", "1001"), 1, func(_ paho.Client, m paho.Message) { got <- string(m.Payload()) }))
	if err := h.Publish(protocol.NoticeTopic("default", "1001"), []byte("notice")); err != nil {
		t.Fatal(err)
	}
	if n := next(t, got); n != "notice" {
		t.Errorf("got %q, want the notice", n)
	}
	wait(t, c.Publish(protocol.ReceiptTopic("default", "1001"), 1, false, []byte("seen")))
	if r := next(t, h.receipts); r.agent != "1001" || r.payload != "seen" {
		t.Errorf("got %v, want the receipt of 1001", r)
	}
}

func TestTopicsBelongToTheirIdentity(t *testing.T) {
	agent, terminal := Identity{Agent, "street-1"}, Identity{Terminal, "1001"}
	for _, c := range []struct {
		who     Identity
		topic   string
		publish bool
		listen  bool
	}{
		{agent, "v1/default/street-1/up/readings", true, false},
		{agent, "v1/default/street-1/up/evidence", true, false},
		{agent, "v1/default/street-1/up/hello", true, false},
		{agent, "v1/default/street-1/up/status", true, false},
		{agent, "v1/default/street-1/down/ack", false, true},
		{agent, "v1/default/street-1/down/order", false, true},
		{agent, "v1/default/street-1/down/hello", false, true},
		{agent, "v1/default/street-1/down/boundaries", false, true},
		{agent, "v1/default/street-1/up/secrets", false, false},
		{agent, "v1/default/street-1/up/readings/more", false, false},
		{agent, "v1/default/street-2/up/readings", false, false},
		{agent, "v1/default/street-2/down/order", false, false},
		{agent, "v1/other/street-1/up/readings", false, false},
		{agent, "v1/default/street-1/down/+", false, false},
		{agent, "v1/default/street-1/#", false, false},
		{agent, "v1/default/+/down/order", false, false},
		{agent, "#", false, false},
		{agent, "$SYS/#", false, false},
		{agent, "$share/x/v1/default/street-1/down/order", false, false},
		{agent, "v1/default/accounts/1001/notice", false, false},
		{agent, "v1/default/accounts/1001/receipt", false, false},
		{agent, "", false, false},
		{terminal, "v1/default/accounts/1001/notice", false, true},
		{terminal, "v1/default/accounts/1001/receipt", true, false},
		{terminal, "v1/default/accounts/1002/notice", false, false},
		{terminal, "v1/default/accounts/1002/receipt", false, false},
		{terminal, "v1/default/accounts/+/notice", false, false},
		{terminal, "v1/default/street-1/up/readings", false, false},
		{terminal, "v1/default/1001/up/readings", false, false},
		{Identity{}, "v1/default//up/readings", false, false},
		{Identity{}, "v1/default/accounts//notice", false, false},
	} {
		if got := mayPublish("default", c.who, c.topic); got != c.publish {
			t.Errorf("%s publishes %q: got %v, want %v", c.who, c.topic, got, c.publish)
		}
		if got := maySubscribe("default", c.who, c.topic); got != c.listen {
			t.Errorf("%s listens to %q: got %v, want %v", c.who, c.topic, got, c.listen)
		}
	}
}

func TestBatchOnAnotherAgentsTopicEndsTheConnection(t *testing.T) {
	h := open(t, nil)
	c := h.connect(t, "street-1", "one")
	c.Publish(protocol.Up("default", "street-2", "readings"), 1, false, []byte("batch"))
	if got := next(t, h.refused); got != `agent street-1: publish on "v1/default/street-2/up/readings"` {
		t.Errorf("got %s", got)
	}
	for got := ""; got != "-agent street-1"; got = next(t, h.sessions) {
		if len(h.packets) > 0 {
			t.Fatalf("the packet was handed over: %v", <-h.packets)
		}
	}
}

func TestForeignAndWildcardSubscriptionsAreRefused(t *testing.T) {
	h := open(t, nil)
	c := h.connect(t, "street-1", "one")
	for _, filter := range []string{"#", "v1/default/street-1/#", "v1/default/+/down/order", "$SYS/#", "$share/g/v1/default/street-1/down/order", protocol.Down("default", "street-2", "order")} {
		token := c.Subscribe(filter, 1, nil).(*paho.SubscribeToken)
		if !token.WaitTimeout(patience) {
			t.Fatalf("no answer for %q", filter)
		}
		// paho lists a shared filter without its group, so look at the only code there is.
		if got := slices.Collect(maps.Values(token.Result())); !slices.Equal(got, []byte{0x80}) {
			t.Errorf("subscribe to %q: got codes %#x, want 0x80 refused", filter, got)
		}
	}
}

func TestSignInIsRefused(t *testing.T) {
	h := open(t, nil)
	for _, c := range []struct{ user, password string }{
		{"street-1", "two"}, {"street-1", ""}, {"nobody", "one"}, {"", ""}, {"terminal-1002", ""}, {"terminal-", "three"},
	} {
		client := paho.NewClient(h.options(c.user, c.password))
		token := client.Connect()
		if !token.WaitTimeout(patience) || token.Error() == nil {
			t.Errorf("sign in as %q with %q: got %v, want a refusal", c.user, c.password, token.Error())
			client.Disconnect(0)
		}
	}
}

func TestOversizedPacketEndsTheConnection(t *testing.T) {
	h := open(t, nil)
	for _, size := range []int{protocol.MaxPacket + 1, 4 << 20} {
		lost := make(chan error, 1)
		c := paho.NewClient(h.options("street-1", "one").SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err }))
		wait(t, c.Connect())
		c.Publish(protocol.Up("default", "street-1", "readings"), 1, false, bytes.Repeat([]byte{7}, size))
		next(t, lost)
		if len(h.packets) > 0 {
			t.Errorf("a packet of %d bytes was handed over", size)
		}
	}
	c := h.connect(t, "street-1", "one")
	wait(t, c.Publish(protocol.Up("default", "street-1", "readings"), 1, false, bytes.Repeat([]byte{7}, protocol.MaxPacket)))
	if got := next(t, h.packets); len(got.payload) != protocol.MaxPacket {
		t.Errorf("got %d bytes, want a packet of the greatest size taken whole", len(got.payload))
	}
}

func TestRetainedPacketEndsTheConnection(t *testing.T) {
	h := open(t, nil)
	lost := make(chan error, 1)
	c := paho.NewClient(h.options("street-1", "one").SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err }))
	wait(t, c.Connect())
	c.Publish(protocol.Up("default", "street-1", "status"), 1, true, []byte("x"))
	next(t, lost)
	if len(h.packets) > 0 {
		t.Error("a retained packet was handed over")
	}
}

func TestNewestConnectionOfAnIdentityWins(t *testing.T) {
	h := open(t, nil)
	lost := make(chan error, 1)
	first := paho.NewClient(h.options("street-1", "one").SetClientID("a").SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err }))
	wait(t, first.Connect())
	second := paho.NewClient(h.options("street-1", "one").SetClientID("b"))
	wait(t, second.Connect())
	t.Cleanup(func() { second.Disconnect(0) })
	next(t, lost)
	wait(t, second.Publish(protocol.Up("default", "street-1", "status"), 1, false, []byte("here")))
	if got := next(t, h.packets); got.payload != "here" {
		t.Errorf("got %v, want the newer connection's packet", got)
	}
}

func TestStrangersAreBounded(t *testing.T) {
	h := open(t, func(o *Options) { o.MaxClients = 1 })
	h.listener.mu.Lock()
	h.listener.most = 2
	h.listener.mu.Unlock()
	for range 2 {
		c, err := net.Dial("tcp", h.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	third, err := net.Dial("tcp", h.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	_ = third.SetReadDeadline(time.Now().Add(patience))
	if _, err := third.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the third silent connection closed", err)
	}
}

func TestAddressInUseIsReportedAtStart(t *testing.T) {
	h := open(t, nil)
	if b, err := New(Options{Listen: h.Addr().String(), Tenant: "default"}); err == nil {
		_ = b.Close()
		t.Error("a second broker took the same address")
	}
}
