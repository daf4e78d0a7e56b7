// Package uplink carries the outbox to the gateway: hello on every connection, then one batch in flight a lane until
// the gateway's acknowledgement says it is on disk there. Nothing else lets the outbox forget.
package uplink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"feikong/agent/outbox"
	"feikong/protocol"
)

const (
	// queueMax bounds what the connection's handlers hand over: acknowledgements answer one batch a lane, so a few are
	// enough; what finds no place is sent again by the gateway or asked for by the next hello.
	queueMax = 64
	// ackWait is how long a batch waits for its acknowledgement before it is sent again, doubled up to ackWaitMax
	// (TOPICS.md: never longer than a minute).
	ackWait, ackWaitMax = 10 * time.Second, time.Minute
	// helloWait repeats a hello without reply, doubled up to ackWaitMax: only the reply to the newest counts, and a slow
	// line must have the time to bring it. helloEvery renews the time beacon.
	helloWait, helloEvery = 5 * time.Second, 5 * time.Minute
	// linger spaces the batches of the readings lane, so that a slow line sends rounds and not single readings.
	linger = time.Second
	// batchBytes bounds a batch by what its entries take in the outbox; the wire's form is smaller.
	batchBytes = protocol.MaxPacket / 2
)

// Link publishes; *Client.
type Link interface {
	Publish(kind string, payload []byte) error
}

// Options name the agent, and what hello needs from its other parts.
type Options struct {
	Agent, Version string
	Boot           uint64
	NoJournal      func() bool                       // the relay's journal waits for the floors
	Floors         func([]protocol.OrderFloor) error // takes them; an error ends the process
	Boundaries     func([]int64)                     // instants at which registers must be known, unix ms; nil: nobody wants them
	Doubt          func() error                      // the file is an old copy, and the relay's journal in it as well; an error ends the process
}

// Uplink is the state machine between outbox and connection. Run owns it.
type Uplink struct {
	opt   Options
	box   *outbox.Box
	clock *Clock
	log   *slog.Logger
	in    chan event
	full  atomic.Uint64 // events that found no place

	connMu sync.Mutex // one writer of conn at a time
	conn   chan bool  // the newest word on the connection, true for a new one; an older word gives way

	// owned by Run
	link              Link
	online, greeted   bool
	helloSeq          uint64        // of the last hello sent
	helloAt           time.Time     // when
	helloOpen         bool          // and not yet answered
	helloNext         time.Duration // how long it is waited for
	helloLanes        []protocol.LaneState
	readings, evident flight
}

// flight is the batch of one lane that waits for its acknowledgement; last 0: none.
type flight struct {
	lane        protocol.Lane
	first, last uint64
	sentAt      time.Time
	wait        time.Duration
}

type event struct {
	kind    string
	payload []byte
	at      time.Time
}

// New makes an uplink; SetLink before Run.
func New(opt Options, box *outbox.Box, clock *Clock, log *slog.Logger) *Uplink {
	return &Uplink{opt: opt, box: box, clock: clock, log: log, in: make(chan event, queueMax), conn: make(chan bool, 1),
		readings: flight{lane: protocol.LaneReadings, wait: ackWait}, evident: flight{lane: protocol.LaneEvidence, wait: ackWait}}
}

// SetLink gives the connection; they know each other, so one of them comes second.
func (u *Uplink) SetLink(l Link) { u.link = l }

func (u *Uplink) connected()          { u.word(true) }
func (u *Uplink) lost()               { u.word(false) }
func (u *Uplink) ack(p []byte)        { u.hand("ack", p) }
func (u *Uplink) helloReply(p []byte) { u.hand("hello", p) }
func (u *Uplink) boundaries(p []byte) { u.hand(kindBoundaries, p) }

// kindBoundaries may be missing: a gateway of the release before does not let an agent listen to it.
const kindBoundaries = "boundaries"

// word tells the fate of the connection. It is never lost, however fast a broker comes and goes and however many
// acknowledgements wait: without the last word the agent would stay mute on a connection that is open.
func (u *Uplink) word(open bool) {
	u.connMu.Lock()
	defer u.connMu.Unlock()
	select {
	case <-u.conn:
	default:
	}
	u.conn <- open
}

// hand never blocks: it is called from the connection's handlers.
func (u *Uplink) hand(kind string, payload []byte) {
	select {
	case u.in <- event{kind, payload, time.Now()}:
	default:
		u.full.Add(1)
	}
}

// Run works until ctx ends. Errors are those of the outbox: the process must end and start again.
func (u *Uplink) Run(ctx context.Context) error {
	for {
		next, err := u.pump(time.Now())
		if err != nil {
			return err
		}
		t := time.NewTimer(next)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-u.box.Changed():
		case <-t.C:
		case open := <-u.conn:
			u.online, u.greeted = open, false
			u.reset()
			if u.helloNext = helloWait; open {
				u.hello()
			}
		case e := <-u.in:
			if err := u.handle(e); err != nil {
				return err
			}
		}
		t.Stop()
	}
}

func (u *Uplink) handle(e event) error {
	switch e.kind {
	case "ack":
		a, err := protocol.DecodeAck(e.payload)
		if err != nil || a.Agent != u.opt.Agent {
			u.log.Warn("acknowledgement refused", "error", err)
			return nil
		}
		u.settle(*a)
	case "hello":
		r, err := protocol.DecodeHelloReply(e.payload)
		if err != nil || r.Agent != u.opt.Agent {
			u.log.Warn("hello reply refused", "error", err)
			return nil
		}
		return u.greet(r, e.at)
	case kindBoundaries:
		b, err := protocol.DecodeBoundaries(e.payload)
		if err != nil || b.Agent != u.opt.Agent {
			u.log.Warn("boundaries refused", "error", err)
			return nil
		}
		if u.opt.Boundaries != nil {
			u.opt.Boundaries(b.Instants)
		}
	}
	return nil
}

// reset takes what was in flight as not sent.
func (u *Uplink) reset() {
	for _, f := range []*flight{&u.readings, &u.evident} {
		f.last, f.wait = 0, ackWait
		u.box.MarkSent(f.lane, 0)
	}
}

func (u *Uplink) hello() {
	u.helloLanes = u.box.Lanes()
	u.helloSeq++
	h := protocol.Hello{Agent: u.opt.Agent, Version: u.opt.Version, Boot: u.opt.Boot, At: time.Now().UnixMilli(), Lanes: u.helloLanes, NoJournal: u.opt.NoJournal(), Seq: u.helloSeq}
	u.helloAt, u.helloOpen = time.Now(), true
	if err := u.link.Publish("hello", protocol.AppendHello(nil, &h)); err != nil {
		u.log.Warn("hello not sent", "error", err)
	}
}

// greet follows the gateway's answer: time, floors, and where it stands in our lanes.
func (u *Uplink) greet(r *protocol.HelloReply, at time.Time) error {
	if !u.helloOpen {
		return nil // a repeat; what it says may be old
	}
	told := r.Seq != 0 // a gateway that does not tell which hello it answers may have answered an earlier one
	if told && (r.Boot != u.opt.Boot || r.Seq != u.helloSeq) {
		return nil // to an earlier hello: its time would be taken for a younger one
	}
	u.helloOpen, u.helloNext = false, helloWait
	if told {
		u.clock.Beacon(u.helloAt, at, time.UnixMilli(r.Time))
	}
	if !u.clock.Trusted() {
		u.log.Warn("clock not trusted", "offset", u.clock.Offset())
	}
	for i, l := range u.box.Lanes() {
		upto := l.Tail - 1 // a gateway that does not know the epoch has nothing of it: send all that is held
		for _, a := range r.Acks {
			if a.Lane == l.Lane && a.Epoch == l.Epoch {
				upto = a.Upto
			}
		}
		if was := u.helloLanes[i]; was.Epoch == l.Epoch && upto >= was.Acked && upto < l.Acked {
			upto = l.Acked // an acknowledgement has overtaken this reply, which is older and no rewind
		}
		err := u.box.Ack(l.Lane, l.Epoch, upto)
		if errors.Is(err, outbox.ErrBehind) || errors.Is(err, outbox.ErrAhead) {
			u.log.Warn("outbox and gateway disagree, new epoch", "lane", l.Lane, "error", err)
			if errors.Is(err, outbox.ErrAhead) {
				if err := u.opt.Doubt(); err != nil {
					return err
				}
			}
			if err := u.box.NewEpoch(); errors.Is(err, outbox.ErrFull) {
				u.log.Error("no new epoch on a full disk, asking again later", "error", err)
				return nil
			} else if err != nil {
				return err
			}
			u.reset()
			u.hello()
			return nil
		}
	}
	if err := u.opt.Floors(r.Floors); err != nil {
		return err
	}
	u.greeted = true
	u.reset()
	u.log.Info("gateway greeted", "gateway", r.Gateway, "offset", u.clock.Offset())
	return nil
}

// settle follows an acknowledgement.
func (u *Uplink) settle(a protocol.Ack) {
	f := &u.readings
	if a.Lane == protocol.LaneEvidence {
		f = &u.evident
	}
	switch err := u.box.Ack(a.Lane, a.Epoch, a.Upto); {
	case errors.Is(err, outbox.ErrBehind), errors.Is(err, outbox.ErrAhead):
		u.log.Warn("acknowledgement does not fit, asking again", "error", err)
		if u.online && time.Since(u.helloAt) > helloWait {
			u.hello() // the reply is read from the gateway's disk at that moment; this message may be late
		}
	case err != nil:
		u.log.Warn("acknowledgement refused", "error", err)
	case f.last == 0:
	case a.Upto >= f.first: // all of the batch, or its front
		f.last, f.wait = 0, ackWait
		u.box.MarkSent(f.lane, a.Upto)
	case a.Upto+1 < f.first: // a rewind: go back, without haste
		f.last = 0
		u.box.MarkSent(f.lane, a.Upto)
		u.log.Info("rewind", "lane", a.Lane, "upto", a.Upto)
	}
}

// pump sends what may be sent and says when to look again at the latest.
func (u *Uplink) pump(now time.Time) (time.Duration, error) {
	next := helloEvery
	soon := func(d time.Duration) { next = max(min(next, d), 0) }
	if !u.online {
		return next, nil
	}
	if u.helloOpen {
		if now.Sub(u.helloAt) >= u.helloNext {
			u.helloNext = min(2*u.helloNext, ackWaitMax)
			u.hello()
		}
		soon(u.helloAt.Add(u.helloNext).Sub(now))
	} else if now.Sub(u.helloAt) >= helloEvery {
		u.hello()
	}
	if !u.greeted {
		return next, nil
	}
	for _, f := range []*flight{&u.evident, &u.readings} {
		if f.last != 0 {
			if left := f.sentAt.Add(f.wait).Sub(now); left > 0 {
				soon(left)
				continue
			}
			u.log.Warn("no acknowledgement, sending again", "lane", f.lane, "first", f.first, "last", f.last, "waited", f.wait)
			f.last, f.wait = 0, min(2*f.wait, ackWaitMax)
			u.box.MarkSent(f.lane, 0)
		}
		if left := f.sentAt.Add(linger).Sub(now); f.lane == protocol.LaneReadings && left > 0 {
			soon(left)
			continue
		}
		if err := u.send(f, now); err != nil {
			return 0, err
		}
		if f.last != 0 {
			soon(f.wait)
		}
	}
	return next, nil
}

// send publishes the next batch of a lane, if there is one.
func (u *Uplink) send(f *flight, now time.Time) error {
	first := u.box.Sent(f.lane) + 1
	epoch := u.box.Epoch()
	var data []byte
	var n int
	kind := "readings"
	if f.lane == protocol.LaneReadings {
		entries, err := u.box.Readings(first, protocol.MaxBatch, batchBytes)
		if err != nil {
			return err
		}
		for n = len(entries); n > 0; n /= 2 { // halve what does not fit a packet, which no real batch needs
			b := protocol.ReadingBatch{Agent: u.opt.Agent, Epoch: epoch, First: first, SentAt: now.UnixMilli(), Entries: entries[:n]}
			if data, err = protocol.AppendReadingBatch(nil, &b); err == nil {
				break
			}
			u.log.Warn("batch too big, halving", "entries", n, "error", err)
		}
	} else {
		entries, err := u.box.Evidence(first, protocol.MaxBatch, batchBytes)
		if err != nil {
			return err
		}
		kind, n = "evidence", len(entries)
		data = protocol.AppendEvidenceBatch(nil, &protocol.EvidenceBatch{Agent: u.opt.Agent, Epoch: epoch, First: first, SentAt: now.UnixMilli(), Entries: entries})
	}
	if n == 0 {
		return nil
	}
	f.first, f.last, f.sentAt = first, first+uint64(n)-1, now
	u.box.MarkSent(f.lane, f.last)
	if err := u.link.Publish(kind, data); err != nil {
		u.log.Warn("batch not sent", "lane", f.lane, "error", err) // its time runs; it is sent again
	}
	return nil
}
