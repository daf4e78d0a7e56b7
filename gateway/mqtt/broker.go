// Package mqtt is the gateway's embedded MQTT broker. Agents and terminals connect to it; what they publish is handed over to
// callbacks and goes nowhere else, and what the gateway publishes reaches only the one peer it is for.
//
// This file is the only one that knows mochi-mqtt. Its publish hook always answers CodeSuccessIgnore: a 3.1.1 publisher gets its
// PUBACK whatever became of the packet, so a PUBACK means "sent" and only the application's acknowledgement means "stored".
package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"feikong/protocol"
)

// Bounds of the broker.
const (
	packetMax    = protocol.MaxPacket + 1024 // a full batch, its topic and its header; a longer packet ends the connection
	inflightMax  = 64                        // unanswered messages to one peer; what is beyond is sent again by its owner
	pendingMax   = 256                       // packets waiting for a slow socket; at 256 B each that is 64 KiB a peer
	clientsMax   = 4096                      // default of Options.MaxClients
	unknownMax   = 256                       // connections that have not said who they are yet
	connectWait  = 10 * time.Second          // for the CONNECT packet
	keepaliveMax = 300                       // seconds: a peer that promises less than a ping in this time is not held open
	sysInterval  = 1 << 30                   // seconds: mochi's $SYS topics stop the world to count memory, and nobody may read them
)

// Options of a broker. The callbacks are called on the connection's goroutine and must hand over and return: a keep-alive
// waits behind them.
type Options struct {
	Listen     string // address, such as 127.0.0.1:1883; port 0 takes a free one
	Tenant     string
	MaxClients int // connections, known and unknown; 0 takes the default
	Log        *slog.Logger

	// Lookup gives the identity behind a user name and the secret it has to show; ok is false for an unknown name.
	Lookup func(user string) (who Identity, secret string, ok bool)
	// OnPacket takes what an agent published on one of its own up topics. The payload is the callee's to keep.
	OnPacket func(agent, kind, topic string, payload []byte)
	// OnReceipt takes what a terminal published on its receipt topic. The payload is the callee's to keep.
	OnReceipt func(account string, payload []byte)
	// OnConnect and OnDisconnect tell of sessions; a newer session of the same identity replaces the older one silently. May be nil.
	OnConnect, OnDisconnect func(who Identity)
	// OnRefused tells of a topic that who was not allowed, or of a sign-in that failed (who is then empty). May be nil.
	OnRefused func(who Identity, what string)
}

// Broker is an embedded MQTT 3.1.1 broker. New binds its socket, Run serves it.
type Broker struct {
	opt      Options
	server   *mochi.Server
	listener *listener
	sessions sync.Map // *mochi.Client -> Identity
	newest   sync.Map // Identity -> *mochi.Client
	refused  atomic.Uint64
	closing  sync.Once
}

// New binds the socket, so that an address in use is reported at start, and starts nothing else.
func New(opt Options) (*Broker, error) {
	if !Name(opt.Tenant) {
		return nil, fmt.Errorf("start broker: tenant %q cannot stand in a topic", opt.Tenant)
	}
	if opt.MaxClients <= 0 {
		opt.MaxClients = clientsMax
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	socket, err := net.Listen("tcp", opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	capabilities := mochi.NewDefaultServerCapabilities()
	capabilities.MaximumClients = int64(opt.MaxClients)
	capabilities.MaximumPacketSize = packetMax
	capabilities.MaximumInflight = inflightMax
	capabilities.ReceiveMaximum = inflightMax
	capabilities.MaximumClientWritesPending = pendingMax
	capabilities.MaximumQos = 1
	capabilities.RetainAvailable = 0
	capabilities.WildcardSubAvailable = 0
	capabilities.SharedSubAvailable = 0
	capabilities.TopicAliasMaximum = 0 // an alias is resolved behind the check of topics
	capabilities.MaximumSessionExpiryInterval = 0
	b := &Broker{opt: opt, listener: newListener(socket, opt.MaxClients+unknownMax)}
	b.server = mochi.New(&mochi.Options{
		Capabilities:           capabilities,
		InlineClient:           true,
		SysTopicResendInterval: sysInterval,
		Logger:                 slog.New(quiet{opt.Log.Handler()}),
	})
	if err := b.server.AddHook(&hook{b: b}, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), socket.Close())
	}
	if err := b.server.AddListener(listeners.NewNet("mqtt", b.listener)); err != nil {
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), socket.Close())
	}
	return b, nil
}

// Addr is where the broker listens.
func (b *Broker) Addr() net.Addr { return b.listener.Addr() }

// Run serves until ctx ends, then closes all connections and waits for them.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("serve mqtt: %w", err)
	}
	<-ctx.Done()
	return b.Close()
}

// closeMax is how long connections may take to end. The library waits for each without a limit, also for one that was accepted while
// it was closing the others and so is never told; nothing durable hangs on any of them.
const closeMax = 3 * time.Second

// Close ends the broker and releases its socket. It may be called without Run, and twice.
func (b *Broker) Close() (err error) {
	b.closing.Do(func() {
		ended := make(chan error, 1)
		go func() { ended <- b.server.Close() }()
		select {
		case err = <-ended:
		case <-time.After(closeMax):
			b.opt.Log.Warn("broker closed over connections that did not end")
		}
		err = errors.Join(err, b.listener.Close())
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Publish sends payload to whoever listens to topic now, at least once while the connection holds; nothing is kept for those
// who are not connected. It does not wait for a socket. The payload must not be changed afterwards.
func (b *Broker) Publish(topic string, payload []byte) error {
	if err := b.server.Publish(topic, payload, false, 1); err != nil {
		return fmt.Errorf("publish on %s: %w", topic, err)
	}
	return nil
}

// Stats are the broker's counters.
type Stats struct {
	Clients, BytesIn, BytesOut, MessagesIn, MessagesOut, Dropped int64
	Refused                                                      uint64
}

// Stats reads the counters since start.
func (b *Broker) Stats() Stats {
	i := b.server.Info
	return Stats{
		Clients: atomic.LoadInt64(&i.ClientsConnected), BytesIn: atomic.LoadInt64(&i.BytesReceived), BytesOut: atomic.LoadInt64(&i.BytesSent),
		MessagesIn: atomic.LoadInt64(&i.MessagesReceived), MessagesOut: atomic.LoadInt64(&i.MessagesSent),
		Dropped: atomic.LoadInt64(&i.MessagesDropped) + atomic.LoadInt64(&i.InflightDropped), Refused: b.refused.Load(),
	}
}

// refuse counts and tells a refusal. It does not log at a peer's pace: OnRefused decides.
func (b *Broker) refuse(who Identity, what string) {
	b.refused.Add(1)
	if b.opt.OnRefused != nil {
		b.opt.OnRefused(who, what)
	}
}

func (b *Broker) identity(cl *mochi.Client) Identity {
	if who, ok := b.sessions.Load(cl); ok {
		return who.(Identity)
	}
	return Identity{}
}

// hook is the broker's say in every connection, subscription and packet.
type hook struct {
	mochi.HookBase
	b *Broker
}

// ID names the hook in mochi's log.
func (h *hook) ID() string { return "feikong" }

// Provides lists the events mochi calls us for.
func (h *hook) Provides(event byte) bool {
	switch event {
	case mochi.OnConnect, mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnSessionEstablished, mochi.OnDisconnect, mochi.OnPublish:
		return true
	}
	return false
}

// OnConnect settles what a session may be, before it exists.
func (h *hook) OnConnect(cl *mochi.Client, _ packets.Packet) error {
	if cl.Properties.ProtocolVersion != 4 {
		// Version 5 would bring topic aliases, session expiry and delayed wills past the checks here. The peer is told.
		_ = h.b.server.SendConnack(cl, packets.ErrUnsupportedProtocolVersion, false, nil)
		return packets.ErrUnsupportedProtocolVersion
	}
	// No session outlives its connection: what must not be lost is kept by its owner, not by a broker's memory.
	cl.Properties.Clean = true
	// mochi publishes a will without asking anyone whether its topic is allowed, so there are none.
	cl.Properties.Will = mochi.Will{}
	if cl.State.Keepalive == 0 || cl.State.Keepalive > keepaliveMax {
		cl.State.Keepalive = keepaliveMax
	}
	return nil
}

// OnConnectAuthenticate finds out who connects. The session is named after the identity, not after the client id the peer chose:
// so there is one connection an identity, and the newest wins.
func (h *hook) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	user := string(pk.Connect.Username)
	who, secret, known := h.b.opt.Lookup(user)
	if !known {
		secret = "" // compare all the same: an unknown name takes as long as a wrong password
	}
	if !secretMatches(secret, string(pk.Connect.Password)) || !known || !Name(who.ID) {
		h.b.refuse(Identity{}, "sign-in as "+shorten(user))
		return false
	}
	cl.ID = who.String()
	h.b.sessions.Store(cl, who)
	return true
}

func (h *hook) OnSessionEstablished(cl *mochi.Client, _ packets.Packet) {
	h.b.listener.known(cl.Net.Conn) // from here on mochi closes it
	who := h.b.identity(cl)
	h.b.newest.Store(who, cl)
	if h.b.opt.OnConnect != nil {
		h.b.opt.OnConnect(who)
	}
}

func (h *hook) OnDisconnect(cl *mochi.Client, _ error, _ bool) {
	who := h.b.identity(cl)
	h.b.sessions.Delete(cl)
	// An older session ends after the newer one began: only the newest one's end is the end.
	if who.Kind != 0 && h.b.newest.CompareAndDelete(who, cl) && h.b.opt.OnDisconnect != nil {
		h.b.opt.OnDisconnect(who)
	}
}

// OnACLCheck is asked before a packet is taken (write), before a subscription, and before a packet is sent to a subscriber.
func (h *hook) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	who := h.b.identity(cl)
	if write {
		if mayPublish(h.b.opt.Tenant, who, topic) {
			return true
		}
		h.b.refuse(who, "publish on "+shorten(topic))
		return false
	}
	if maySubscribe(h.b.opt.Tenant, who, topic) {
		return true
	}
	h.b.refuse(who, "subscribe to "+shorten(topic))
	return false
}

// OnPublish hands a packet over. It never blocks (keep-alives wait behind it) and never lets a peer's packet reach another peer.
func (h *hook) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil // our own
	}
	who := h.b.identity(cl)
	switch {
	case pk.FixedHeader.Retain || len(pk.Payload) > protocol.MaxPacket || !mayPublish(h.b.opt.Tenant, who, pk.TopicName):
		h.b.refuse(who, "retained or oversized packet on "+shorten(pk.TopicName))
		cl.Stop(packets.ErrNotAuthorized)
	case who.Kind == Agent:
		if _, _, kind, ok := protocol.UpParts(pk.TopicName); ok && h.b.opt.OnPacket != nil {
			h.b.opt.OnPacket(who.ID, kind, pk.TopicName, pk.Payload)
		}
	case who.Kind == Terminal:
		if h.b.opt.OnReceipt != nil {
			h.b.opt.OnReceipt(who.ID, pk.Payload)
		}
	}
	return pk, packets.CodeSuccessIgnore
}

// shorten keeps a peer's text from filling a log line.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
