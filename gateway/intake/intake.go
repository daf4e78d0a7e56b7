// Package intake stands between the broker and settlement: it takes packets from the broker without waiting, decodes them, offers
// them to the door, and publishes an acknowledgement for what is on disk.
//
// Nothing here is durable and nothing has to be: what is dropped or lost before the commit was never acknowledged, and the agent
// sends it again.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"feikong/gateway/account"
	"feikong/gateway/store"
	"feikong/internal/daemon"
	"feikong/protocol"
)

// Door is the one way to change an account; settle.Door is it.
type Door interface {
	// Offer takes the event without waiting, or reports false when there is no room. done is called once, after the commit
	// or its failure, and must not block.
	Offer(ev account.Event, done func(account.Receipt, error)) bool
}

// Viewer reads what is durable; store.Store is it.
type Viewer interface {
	View(ctx context.Context, f func(store.View) error) error
	Info() store.Info
}

// Options of an Intake. All but Hello are required.
type Options struct {
	Tenant  string
	Door    Door
	Store   Viewer
	Fleet   *Fleet
	Publish func(topic string, payload []byte) error // must not block
	// Receipt makes the event of a terminal's answer; an error says why it is none.
	Receipt func(ctx context.Context, account string, payload []byte) (account.Event, error)
	Hello   func(agent string) // an agent said hello and has been answered; may be nil, must not block
	Log     *slog.Logger
}

// Intake decodes what the broker hands over. Packet and Receipt are for the broker's goroutines; Run does the work.
type Intake struct {
	opt   Options
	inbox *inbox

	batches protocol.BatchDecoder    // owned by Run: interned names of the meters
	rubbish map[string]*rate.Limiter // owned by Run: by sender, bounded by the credentials
	dropped atomic.Uint64
}

// Bounds of what one sender may put into quarantine, which is never emptied by itself: a hundred odd packets come at once after an upgrade,
// but not for ever. Beyond it a packet is dropped unacknowledged.
const (
	rubbishBurst = 100
	rubbishEvery = 10 * time.Second
)

// New makes an intake that does nothing until Run.
func New(opt Options) *Intake {
	return &Intake{opt: opt, inbox: newInbox(inboxMax), rubbish: map[string]*rate.Limiter{}}
}

// Packet takes over what an agent published. It does not wait; a packet that finds no room is dropped unacknowledged.
func (i *Intake) Packet(agent, kind, topic string, payload []byte) {
	now := time.Now()
	i.opt.Fleet.change(agent, func(m *Member) {
		m.Seen = now
		m.Counts.Packets++
		m.Counts.Bytes += uint64(len(payload))
	})
	if !i.inbox.put(packet{agent, kind, topic, payload}) {
		i.dropped.Add(1)
		i.opt.Fleet.count(agent, func(c *Counts) { c.Dropped++ })
	}
}

// Receipt takes over what an account's terminal published. It does not wait; without room the terminal is asked again with the
// next repetition of the notice.
func (i *Intake) Receipt(accountID string, payload []byte) {
	if !i.inbox.put(packet{accountID, kindReceipt, protocol.ReceiptTopic(i.opt.Tenant, accountID), payload}) {
		i.dropped.Add(1)
	}
}

const kindReceipt = "receipt"

// Dropped counts packets that found no room, since start.
func (i *Intake) Dropped() uint64 { return i.dropped.Load() }

// Waiting is how many bytes wait to be decoded.
func (i *Intake) Waiting() int { return i.inbox.waiting() }

// Run decodes and offers until ctx ends. A packet that is wrong in any way never ends it.
func (i *Intake) Run(ctx context.Context) error {
	var taken []packet
	for {
		taken = i.inbox.take(ctx, taken)
		if taken == nil {
			return nil
		}
		for n := range taken {
			if ctx.Err() != nil {
				return nil
			}
			i.handle(ctx, &taken[n])
			taken[n] = packet{} // the payload is free to go
		}
	}
}

func (i *Intake) handle(ctx context.Context, p *packet) {
	var err error
	switch p.kind {
	case "readings":
		batch := new(protocol.ReadingBatch)
		if err = i.batches.Decode(p.payload, batch); err == nil {
			err = owns(p.sender, batch.Agent)
		}
		if err == nil {
			i.offer(p, account.Event{Readings: batch}, len(batch.Entries))
		}
	case "evidence":
		var batch *protocol.EvidenceBatch
		if batch, err = protocol.DecodeEvidenceBatch(p.payload); err == nil {
			err = owns(p.sender, batch.Agent)
		}
		if err == nil {
			i.offer(p, account.Event{Evidence: batch}, len(batch.Entries))
		}
	case "hello":
		var h *protocol.Hello
		if h, err = protocol.DecodeHello(p.payload); err == nil {
			err = owns(p.sender, h.Agent)
		}
		if err == nil {
			i.hello(ctx, h)
		}
	case "status":
		var s *protocol.Status
		if s, err = protocol.DecodeStatus(p.payload); err == nil {
			err = owns(p.sender, s.Agent)
		}
		if err == nil {
			i.opt.Fleet.change(p.sender, func(m *Member) { m.Status = s })
		}
	case kindReceipt:
		// What a terminal sends decides nothing by itself and is nobody's reading: a wrong one is refused, not stored.
		ev, wrong := i.opt.Receipt(ctx, p.sender, p.payload)
		if wrong != nil {
			i.opt.Log.Warn("terminal receipt refused", daemon.KeyAccount, p.sender, daemon.KeyError, wrong)
			return
		}
		i.opt.Door.Offer(ev, func(account.Receipt, error) {}) // without room the notice is repeated, and answered again
	default:
		err = fmt.Errorf("kind %q is not known", p.kind)
	}
	if err != nil {
		i.quarantine(p, err)
	}
}

// rude says whether a sender has used up what it may put into quarantine.
func (i *Intake) rude(sender string) bool {
	limit := i.rubbish[sender]
	if limit == nil {
		limit = rate.NewLimiter(rate.Every(rubbishEvery), rubbishBurst)
		i.rubbish[sender] = limit
	}
	return !limit.Allow()
}

// ErrOwner: a payload speaks for another agent than the one whose credentials sent it.
var ErrOwner = errors.New("payload belongs to another agent")

func owns(sender, agent string) error {
	if sender != agent {
		return fmt.Errorf("%w: sent by %q, says %q", ErrOwner, sender, agent)
	}
	return nil
}

// offer brings a batch to the door; its acknowledgement leaves after the commit.
func (i *Intake) offer(p *packet, ev account.Event, entries int) {
	agent := p.sender
	ev.Actor = "agent " + agent
	taken := i.opt.Door.Offer(ev, func(r account.Receipt, err error) {
		if err != nil {
			return // not stored, so not acknowledged; the door has logged why
		}
		i.acknowledge(agent, &r, uint64(entries), last(&ev))
	})
	if !taken {
		i.opt.Fleet.count(agent, func(c *Counts) { c.Overloaded++ })
	}
}

// last is the sequence of a batch's last entry.
func last(ev *account.Event) uint64 {
	if b := ev.Readings; b != nil {
		return b.First + uint64(len(b.Entries)) - 1
	}
	b := ev.Evidence
	return b.First + uint64(len(b.Entries)) - 1
}

// acknowledge tells an agent how far its lane is on disk. It runs on the door's goroutine.
func (i *Intake) acknowledge(agent string, r *account.Receipt, entries, last uint64) {
	if r.Ack == nil {
		i.opt.Fleet.count(agent, func(c *Counts) { c.Quarantined++ })
		return
	}
	i.opt.Fleet.count(agent, func(c *Counts) {
		switch {
		case r.Status == account.Duplicate:
			c.Repeated++
		case r.Ack.Upto < last:
			c.Behind++
		default:
			c.Batches++
			c.Entries += entries
		}
	})
	i.sendAck(agent, r)
}

func (i *Intake) sendAck(agent string, r *account.Receipt) {
	ack := *r.Ack
	ack.Gateway, ack.Commit = i.opt.Store.Info().Installation, r.Commit
	i.publish(protocol.Down(i.opt.Tenant, agent, "ack"), protocol.AppendAck(nil, &ack))
}

func (i *Intake) publish(topic string, payload []byte) {
	if err := i.opt.Publish(topic, payload); err != nil {
		i.opt.Log.Warn("publish failed", "topic", topic, daemon.KeyError, err) // the agent asks again
	}
}

// quarantine stores a packet that cannot be attributed. A batch whose head can be read takes its sequences off the sender's lane and is
// acknowledged, or the agent would send it for ever, and nothing behind it. Any other packet has its key from its content: one that comes
// again and again is stored once.
func (i *Intake) quarantine(p *packet, reason error) {
	if i.rude(p.sender) {
		i.dropped.Add(1)
		i.opt.Fleet.count(p.sender, func(c *Counts) { c.Dropped++ })
		return
	}
	i.opt.Log.Warn("packet quarantined", daemon.KeyAgent, p.sender, "topic", p.topic, "bytes", len(p.payload), daemon.KeyError, reason)
	g := &account.Garbage{Agent: p.sender, Topic: p.topic, Reason: reason.Error(), Data: p.payload}
	ev := account.Event{Actor: "agent " + p.sender, Garbage: g}
	i.opt.Fleet.count(p.sender, func(c *Counts) { c.Quarantined++ })
	lane, isBatch := map[string]protocol.Lane{"readings": protocol.LaneReadings, "evidence": protocol.LaneEvidence}[p.kind]
	if agent, epoch, first, count, err := protocol.DecodeBatchHead(p.payload); isBatch && err == nil && agent == p.sender {
		g.Lane, g.Epoch, g.First, g.Count = lane, epoch, first, count
	} else {
		sum := sha256.Sum256(append([]byte(p.topic+"\x00"), p.payload...))
		ev.Key = "garbage/" + hex.EncodeToString(sum[:16])
	}
	i.opt.Door.Offer(ev, func(r account.Receipt, err error) {
		if err == nil && r.Ack != nil {
			i.sendAck(p.sender, &r)
		}
	})
}

// acksMax bounds the acknowledgements of one reply: an agent has two lanes, and refuses a longer list.
const acksMax = 16

// asked says whether a cursor is of a lane that the hello names: cursors of outboxes an agent had before are of no use to it. A hello that
// names none gets what there is.
func asked(h *protocol.Hello, c *account.Cursor) bool {
	for _, l := range h.Lanes {
		if l.Lane == c.Lane && l.Epoch == c.Epoch {
			return true
		}
	}
	return len(h.Lanes) == 0
}

// hello answers an agent: how far its lanes are on disk, the highest order of each of its switches, and the time.
func (i *Intake) hello(ctx context.Context, h *protocol.Hello) {
	i.opt.Fleet.change(h.Agent, func(m *Member) { m.Hello = h })
	info := i.opt.Store.Info()
	reply := protocol.HelloReply{Agent: h.Agent, Gateway: info.Installation, Boot: h.Boot, Seq: h.Seq}
	tell := protocol.Boundaries{Agent: h.Agent, Gateway: info.Installation}
	err := i.opt.Store.View(ctx, func(v store.View) error {
		tell.Instants = v.Config().Boundaries(time.Now())
		for _, c := range v.Cursors() {
			if c.Agent == h.Agent && len(reply.Acks) < acksMax && asked(h, &c) {
				reply.Acks = append(reply.Acks, protocol.Ack{Agent: c.Agent, Lane: c.Lane, Epoch: c.Epoch, Upto: c.Upto, Gateway: info.Installation, Commit: v.Commit()})
			}
		}
		reply.Floors = v.Floors(h.Agent)
		return nil
	})
	if err != nil {
		i.opt.Log.Warn("hello not answered", daemon.KeyAgent, h.Agent, daemon.KeyError, err)
		return
	}
	reply.Time = time.Now().UnixMilli() // last: it is what the agent compares its clock with
	i.publish(protocol.Down(i.opt.Tenant, h.Agent, "hello"), protocol.AppendHelloReply(nil, &reply))
	if tell.At = reply.Time; len(tell.Instants) > 0 { // an agent says hello every few minutes, so a change of tariffs reaches it soon
		i.publish(protocol.Down(i.opt.Tenant, h.Agent, "boundaries"), protocol.AppendBoundaries(nil, &tell))
	}
	if i.opt.Hello != nil {
		i.opt.Hello(h.Agent)
	}
}
