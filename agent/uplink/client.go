package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"feikong/protocol"
)

// Broker says where and as whom to connect.
type Broker struct {
	URL      string // tcp://host:port
	User     string
	Password string
	Local    bool // only over the loopback interface, whatever a name server, hosts file or proxy says
}

// Client is the MQTT 3.1.1 connection: the one file that knows paho. paho's own store is no outbox and is not used as
// one: sessions are clean, and what was in flight when a connection broke is sent again by Uplink.
type Client struct {
	mqtt   mqtt.Client
	tenant string
	agent  string
	log    *slog.Logger
}

const (
	writeTimeout = 10 * time.Second // beyond that the connection is as good as dead
	reconnectMax = 10 * time.Second
	qos          = 1
)

// NewClient prepares a connection; Run opens it. up gets what arrives and the fate of the connection, order gets the
// bytes of orders; both hand over and return.
func NewClient(b Broker, tenant, agent string, up *Uplink, order func([]byte), log *slog.Logger) *Client {
	c := &Client{tenant: tenant, agent: agent, log: log}
	o := mqtt.NewClientOptions().AddBroker(b.URL).SetClientID(agent).SetUsername(b.User).SetPassword(b.Password)
	o.SetCleanSession(true).SetOrderMatters(false).SetAutoReconnect(true).SetConnectRetry(true)
	o.SetConnectRetryInterval(2 * time.Second).SetMaxReconnectInterval(reconnectMax)
	o.SetKeepAlive(20 * time.Second).SetPingTimeout(10 * time.Second).SetWriteTimeout(writeTimeout).SetConnectTimeout(10 * time.Second)
	if b.Local {
		o.SetCustomOpenConnectionFn(openLocal)
	}
	o.SetConnectionLostHandler(func(m mqtt.Client, err error) {
		log.Warn("broker lost", "error", err)
		if !m.IsConnectionOpen() { // paho's handlers run beside each other: the next connection may be there already
			up.lost()
		}
	})
	var reached atomic.Bool
	o.SetConnectionNotificationHandler(func(_ mqtt.Client, n mqtt.ConnectionNotification) {
		switch n := n.(type) {
		case mqtt.ConnectionNotificationConnected:
			reached.Store(true)
		case mqtt.ConnectionNotificationBrokerFailed:
			if reached.Swap(false) { // once for each time without a broker, not for each try
				log.Warn("broker not reached, trying on", "url", b.URL, "error", n.Reason)
			}
		}
	})
	reached.Store(true)
	handlers := map[string]func([]byte){"ack": up.ack, "hello": up.helloReply, "order": order, kindBoundaries: up.boundaries}
	filters := map[string]byte{}
	for kind := range handlers {
		filters[protocol.Down(tenant, agent, kind)] = qos
	}
	deliver := func(_ mqtt.Client, m mqtt.Message) {
		for kind, h := range handlers {
			if m.Topic() == protocol.Down(tenant, agent, kind) {
				h(m.Payload())
			}
		}
	}
	o.SetOnConnectHandler(func(m mqtt.Client) {
		// Sessions are clean: every connection subscribes anew, and only then says hello.
		for m.IsConnectionOpen() {
			if err := subscribe(m, filters, deliver, protocol.Down(tenant, agent, kindBoundaries)); err == nil {
				log.Info("broker connected", "url", b.URL)
				up.connected()
				return
			} else {
				log.Warn("subscribe failed", "error", err)
			}
			time.Sleep(2 * time.Second) // paho calls this handler in a goroutine of its own
		}
	})
	c.mqtt = mqtt.NewClient(o)
	return c
}

// openLocal connects to this machine only. The address is judged after names are resolved, right before the connection
// is made; a proxy from the environment is not used.
func openLocal(u *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
	d := &net.Dialer{Timeout: o.ConnectTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().Unmap().IsLoopback() {
			return fmt.Errorf("%s is %s, which is not this machine: relay: bench allows no other", u.Host, address)
		}
		return nil
	}}
	switch u.Scheme {
	case "tcp", "mqtt":
		return d.Dial("tcp", u.Host)
	}
	return tls.DialWithDialer(d, "tcp", u.Host, o.TLSConfig)
}

func subscribe(m mqtt.Client, filters map[string]byte, deliver mqtt.MessageHandler, optional string) error {
	t := m.SubscribeMultiple(filters, deliver)
	if !t.WaitTimeout(writeTimeout) {
		return errors.New("no answer to subscribe")
	}
	if err := t.Error(); err != nil {
		return err
	}
	for topic, code := range t.(*mqtt.SubscribeToken).Result() {
		if code > 2 && topic != optional {
			return fmt.Errorf("the broker refuses topic %s: do user and agent belong together?", topic)
		}
	}
	return nil
}

// Run keeps the connection open until ctx ends.
func (c *Client) Run(ctx context.Context) error {
	c.mqtt.Connect() // retries by itself
	<-ctx.Done()
	c.mqtt.Disconnect(250)
	return nil
}

// Publish sends one message up. It does not wait for PUBACK, which would only mean that a broker has it.
func (c *Client) Publish(kind string, payload []byte) error {
	if !c.mqtt.IsConnectionOpen() {
		return errors.New("not connected")
	}
	t := c.mqtt.Publish(protocol.Up(c.tenant, c.agent, kind), qos, false, payload)
	select {
	case <-t.Done():
		return t.Error()
	default:
		return nil
	}
}
