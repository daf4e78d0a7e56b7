package relay

import (
	"context"
	"fmt"
	"time"

	"feikong/protocol"
)

// refusal is a check that failed: the state it makes of the order, a machine word and a sentence.
type refusal struct {
	state  protocol.OutcomeState
	rule   string
	detail string
}

func refuse(rule, format string, args ...any) *refusal {
	return &refusal{protocol.OutcomeRefused, rule, fmt.Sprintf(format, args...)}
}

// verify judges an order before the line is touched. Journal numbers are judged before, in execute.
func (e *Executor) verify(o *protocol.Order, now time.Time) *refusal {
	trip := o.Action == protocol.ActionTrip
	switch {
	case e.opt.Mode != Bench:
		return refuse("relay-off", "this agent has relay: off in its configuration")
	case len(o.Signatures) != 0:
		return refuse("signature", "this agent cannot check signatures and does not guess")
	case o.Action != protocol.ActionTrip && o.Action != protocol.ActionPermit && o.Action != protocol.ActionClose:
		return refuse("action", "action %d is not known", o.Action)
	}
	m := e.drivers[o.Meter]
	if m == nil {
		return refuse("unknown-meter", "no meter %s, channel %d, on line %s", o.Meter.Address, o.Meter.Channel, o.Meter.Line)
	}
	can := m.Can()
	switch {
	case trip && !can.Trip, o.Action == protocol.ActionPermit && !can.Permit, o.Action == protocol.ActionClose && !can.Close:
		return refuse("capability", "this model of meter cannot do it")
	case !can.Feedback:
		return refuse("feedback", "this model's relay cannot be read back")
	}
	// A bench has one machine and so one clock; anywhere else a doubtful clock opens no relay.
	if trip && e.opt.Mode != Bench && !e.clock.Trusted() {
		return refuse("clock", "the agent's clock is not trusted")
	}
	if deadline := e.local(o.Deadline); !now.Before(deadline) {
		return &refusal{protocol.OutcomeExpired, "deadline", fmt.Sprintf("the deadline passed %v before it could be acted on", now.Sub(deadline).Round(time.Millisecond))}
	}
	return e.floor(o, trip)
}

// ruleFloor refuses a trip that an older journal may have carried out.
const ruleFloor = "no-floor"

// floor guards what the journal does not tell: what an older journal did, and orders of a gateway that has been replaced.
// An order that the journal has seen does not come here.
func (e *Executor) floor(o *protocol.Order, trip bool) *refusal {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.journal.told {
		if !trip {
			return nil
		}
		return refuse(ruleFloor, "the journal is new and the gateway has not yet told the highest order of each switch")
	}
	switch c := o.ID.Compare(e.journal.floors[o.Meter]); {
	case c < 0:
		return refuse("superseded", "the gateway has told order %s for this switch, which is newer", e.journal.floors[o.Meter])
	case c == 0 && trip:
		return refuse(ruleFloor, "the order is not newer than the floor told to a new journal: it may have been carried out before")
	}
	if !trip {
		return nil
	}
	for _, en := range e.journal.entries {
		if seen := (protocol.OrderID{Generation: en.Generation, SlotEpoch: en.SlotEpoch}); o.ID.Compare(seen) < 0 {
			return refuse("epoch", "generation %d, slot epoch %d have been seen: this trip is of a gateway that has been replaced", en.Generation, en.SlotEpoch)
		}
	}
	return nil
}

// doubt reads the relay of a trip that a lost journal may have carried out. Only a closed relay makes it a refusal: "did
// not act" would be a lie about an open one, and nobody would bring the supply back when it is paid for.
func (a *act) doubt(ctx context.Context, r *refusal) *refusal {
	c := a.call("read for a new journal")
	c.NotAfter = time.Time{}
	var got protocol.RelayReport
	err := a.thrice(ctx, func() (err error) { got, _, err = a.m.Relay(ctx, c); return err })
	if err == nil {
		a.out.After = got
	}
	if !got.Known || got.Open {
		r.state = protocol.OutcomeUnknown
	}
	return r
}

// local turns an instant of the gateway's clock into the agent's.
func (e *Executor) local(ms int64) time.Time { return time.UnixMilli(ms).Add(e.clock.Offset()) }

// driftMax is the meter clock's error beyond which no trip is sent: a frame's deadline would mean nothing.
const driftMax = 10 * time.Minute

// judgeBefore judges what was read right before the frame.
func judgeBefore(o *protocol.Order, s snapshot) *refusal {
	r := s.relay
	if o.CheckExpect && r.Known && r.Open != o.ExpectOpen {
		return refuse("expect", "the relay is %s, the order expects it %s", word(r.Open), word(o.ExpectOpen))
	}
	if o.Action != protocol.ActionTrip {
		return nil
	}
	switch {
	case !r.Known:
		return refuse("relay-unknown", "the meter tells a relay state its manual does not name")
	case r.Hold:
		return refuse("hold", "power hold is on in the meter")
	case o.MinEnergy != 0 && !s.hasEnergy:
		return refuse("energy", "the meter tells no energy register to compare")
	case s.hasEnergy && s.energy < o.MinEnergy:
		return refuse("energy", "the register reads %d mWh, below the %d mWh the order rests on", s.energy, o.MinEnergy)
	case s.drift.Abs() > driftMax:
		return refuse("clock", "the meter's clock is %v off", s.drift.Round(time.Second))
	}
	return nil
}

func word(open bool) string {
	if open {
		return "open"
	}
	return "closed"
}

// reached says whether a relay is in the state an action asks for, and what that makes of the order.
func reached(a protocol.Action, r protocol.RelayReport) (protocol.OutcomeState, bool) {
	switch {
	case !r.Known:
		return 0, false
	case a == protocol.ActionTrip:
		return protocol.OutcomeDone, r.Open
	case !r.Open:
		return protocol.OutcomeDone, true
	case a == protocol.ActionPermit && !r.CommandOpen:
		return protocol.OutcomePermitted, true
	}
	return 0, false
}
