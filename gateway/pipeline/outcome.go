package pipeline

import (
	"fmt"

	"feikong/gateway/account"
	"feikong/protocol"
)

// observe takes what readings and outcomes say of relays and clocks, newest first in time.
func (r *run) observe(w *work) {
	for i := range w.readings {
		rec := &w.readings[i]
		if rec.Flags&account.FlagUntrusted != 0 {
			continue
		}
		p := &w.state.Points[rec.Point]
		switch rec.Quantity {
		case protocol.RelayState:
			r.relay(w, int(rec.Point), account.Relay{Known: true, At: rec.TakenAt, Open: rec.Value&protocol.RelayBitOpen != 0,
				CommandOpen: rec.Value&protocol.RelayBitCommandOpen != 0, PowerHold: rec.Value&protocol.RelayBitHold != 0})
		case protocol.ClockDrift:
			if rec.TakenAt > p.DriftAt || p.DriftAt > w.now+futureMax || rec.TakenAt == p.DriftAt && worse(rec.Value, p.Drift) {
				p.Drift, p.DriftAt, w.touched = rec.Value, rec.TakenAt, true
			}
		}
	}
	for i, o := range w.outcomes {
		r.answer(w, o, w.agents[i])
	}
}

// worse orders two clock errors of one instant, so that the one kept does not depend on which came first.
func worse(a, b int64) bool { return max(a, -a) > max(b, -b) || a == -b && a > b }

// relay takes a newer reading of a contact. A contact that opened without an order of ours is open, not ours: recorded, shown,
// never closed by policy. One that closed ends whatever order waited for it.
func (r *run) relay(w *work, i int, now account.Relay) {
	p := &w.state.Points[i]
	if p.Relay.Known && now.At <= p.Relay.At && p.Relay.At <= w.now+futureMax {
		return
	}
	old := p.Relay
	now.Ours = now.Open && (old.Open && old.Ours || !(old.Known && old.Open) && r.openedByOrder(w, i))
	if now.Open && !now.Ours && !(old.Known && old.Open) {
		r.find(w, uint16(i), "R01", now.At, 1, false, "the relay is open, and no order of ours opened it")
	}
	p.Relay, w.touched = now, true
	if p.Order == 0 || now.Open {
		return
	}
	if order, under := r.openOrder(w, i); under && order.State == account.OrderPermitted {
		order.State, order.Ended = account.OrderDone, w.now
		r.putOrder(order)
		p.Order = 0
		r.note(w, "agent "+order.Order.Agent, "relay", fmt.Sprintf("#%d: closed by hand, read back", order.Number), "closed")
	}
}

// openedByOrder says whether a contact that is read open was opened by an order of ours: the newest trip that no confirmed close
// followed, unless the agent said that it did not act on it.
func (r *run) openedByOrder(w *work, i int) bool {
	const back = 8 // repeats of one close that may lie between; the ninth is a person's matter
	for n := w.state.Points[i].NextOrder; n > 1 && w.state.Points[i].NextOrder-n < back; n-- {
		o, ok := r.findOrder(w.no, uint16(i), n-1)
		switch {
		case !ok:
			return false
		case o.Order.Action == protocol.ActionTrip && o.State != account.OrderSuperseded:
			if o.State != account.OrderRefused && o.State != account.OrderExpired {
				return true
			} // it sent nothing: an older one may have, whose end nobody saw
		case o.Order.Action == protocol.ActionTrip:
			// Taken over from before it was answered; the agent may have said since what it did.
			if o.Outcome == nil || o.Outcome.State != protocol.OutcomeRefused && o.Outcome.State != protocol.OutcomeExpired {
				return true
			}
		case o.State == account.OrderDone:
			return false
		}
	}
	return false
}

// unknownTrip says whether the newest order of a switch is a trip whose end nobody saw, and nobody has read the relay since.
func (r *run) unknownTrip(w *work, i int) bool {
	last, ok := r.lastOrder(w, i)
	relay := &w.state.Points[i].Relay
	return ok && last.Order.Action == protocol.ActionTrip && last.State == account.OrderUnknown && !(relay.Known && relay.At > min(last.Order.Deadline, last.Ended))
}

func (r *run) anyUnknownTrip(w *work) bool {
	for i := range w.state.Points {
		if r.unknownTrip(w, i) {
			return true
		}
	}
	return false
}

// answer takes an agent's word on an order. A word on an order that has ended, or that another has taken over from, is recorded when
// it says more, and moves nothing but the relay.
func (r *run) answer(w *work, o *protocol.Outcome, agent string) {
	no, point, ok := r.facts.Installation(agent, o.Meter)
	if !ok || no != w.no {
		return
	}
	i := int(point)
	p := &w.state.Points[i]
	rec, found := r.findOrder(w.no, point, o.Order.Number)
	if !found || rec.Order.ID != o.Order || rec.Order.Agent != agent {
		r.find(w, point, "R02", o.At, int64(o.Order.Number), false, fmt.Sprintf("agent %s answers an order that was never made", agent))
		return
	}
	if rec.Outcome != nil && rec.Outcome.At >= o.At && rec.Outcome.State == o.State {
		return // the same word again
	}
	current := p.Order == o.Order.Number
	state := stateOf(o.State)
	if state == account.OrderPermitted && rec.Order.Action != protocol.ActionPermit {
		state = account.OrderUnknown // nobody permitted a trip
	}
	r.readBack(w, p, &rec, o)
	if current || rec.State == account.OrderUnknown && state != account.OrderPermitted {
		rec.State = state
	}
	if rec.State != account.OrderPermitted || !current {
		rec.Ended = w.now
	}
	if current && state != account.OrderPermitted {
		p.Order = 0
	}
	rec.Outcome = o
	r.putOrder(rec)
	w.touched = true
	r.note(w, "agent "+agent, "outcome", fmt.Sprintf("#%d %s: %s", o.Order.Number, rec.Order.Action, o.Detail), outcomeWord(o))
}

// readBack takes the relay as the agent read it after it acted; "done" is itself such a reading.
//
// An agent's clock may be wrong. Its word came after the order was made and before now, whatever it says: a time far ahead would make
// every later reading of the contact look old, for good.
func (r *run) readBack(w *work, p *account.Point, rec *account.OrderRecord, o *protocol.Outcome) {
	at := max(o.At, rec.Created)
	if at > w.now+futureMax {
		at = w.now
	}
	after, trip := o.After, rec.Order.Action == protocol.ActionTrip
	if !after.Known && o.State == protocol.OutcomeDone {
		after = protocol.RelayReport{Known: true, Open: trip, CommandOpen: trip, Hold: p.Relay.PowerHold}
	}
	if !after.Known || p.Relay.Known && at < p.Relay.At && p.Relay.At <= w.now+futureMax {
		return
	}
	acted := trip && o.State != protocol.OutcomeRefused && o.State != protocol.OutcomeExpired && !(o.Before.Known && o.Before.Open)
	p.Relay = account.Relay{Known: true, At: at, Open: after.Open, CommandOpen: after.CommandOpen, PowerHold: after.Hold,
		Ours: after.Open && (p.Relay.Open && p.Relay.Ours || acted)}
}

func stateOf(s protocol.OutcomeState) account.OrderState {
	switch s {
	case protocol.OutcomeDone:
		return account.OrderDone
	case protocol.OutcomePermitted:
		return account.OrderPermitted
	case protocol.OutcomeFailed:
		return account.OrderFailed
	case protocol.OutcomeRefused:
		return account.OrderRefused
	case protocol.OutcomeExpired:
		return account.OrderExpired
	}
	return account.OrderUnknown
}

func outcomeWord(o *protocol.Outcome) string {
	if o.Rule != "" {
		return o.State.String() + ": " + o.Rule
	}
	return o.State.String()
}
