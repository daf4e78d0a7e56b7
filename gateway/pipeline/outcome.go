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
			if rec.TakenAt > p.DriftAt {
				p.Drift, p.DriftAt, w.touched = rec.Value, rec.TakenAt, true
			}
		}
	}
	for i, o := range w.outcomes {
		r.answer(w, o, w.agents[i])
	}
}

// relay takes a newer reading of a contact. A contact that opened without an order of ours is open, not ours: recorded, shown,
// never closed by policy. One that closed ends whatever order waited for it.
func (r *run) relay(w *work, i int, now account.Relay) {
	p := &w.state.Points[i]
	if p.Relay.Known && now.At <= p.Relay.At {
		return
	}
	old := p.Relay
	order, under := r.openOrder(w, i)
	now.Ours = now.Open && (old.Ours || under && order.Order.Action == protocol.ActionTrip || r.unknownTrip(w, i))
	if now.Open && !now.Ours && !(old.Known && old.Open) {
		r.find(w, uint16(i), "R01", now.At, 1, false, "the relay is open, and no order of ours opened it")
	}
	p.Relay, w.touched = now, true
	if !now.Open && under && order.State == account.OrderPermitted {
		order.State, order.Ended = account.OrderDone, w.now
		r.putOrder(order)
		p.Order = 0
		r.note(w, "agent "+order.Order.Agent, "relay", fmt.Sprintf("#%d: closed by hand, read back", order.Number), "closed")
	}
}

// unknownTrip says whether the newest order of a switch is a trip whose end nobody saw.
func (r *run) unknownTrip(w *work, i int) bool {
	p := &w.state.Points[i]
	if p.NextOrder < 2 {
		return false
	}
	last, ok := r.findOrder(w.no, uint16(i), p.NextOrder-1)
	return ok && last.Order.Action == protocol.ActionTrip && last.State == account.OrderUnknown
}

// answer takes an agent's word on an order. A later word replaces an earlier one; a word on an order that another has taken over
// from is recorded and moves nothing but the relay.
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
	rec.Outcome = o
	current := p.Order == o.Order.Number
	if o.After.Known && (!p.Relay.Known || o.At >= p.Relay.At) {
		ours := o.After.Open && (p.Relay.Ours || rec.Order.Action == protocol.ActionTrip && o.State == protocol.OutcomeDone && !o.Before.Open || current && rec.Order.Action == protocol.ActionTrip)
		p.Relay = account.Relay{Known: true, At: o.At, Open: o.After.Open, CommandOpen: o.After.CommandOpen, PowerHold: o.After.Hold, Ours: ours}
	}
	w.touched = true
	if state := stateOf(o.State); rec.State != account.OrderSuperseded {
		rec.State = state
	}
	if rec.State != account.OrderPermitted {
		rec.Ended = w.now
	}
	r.putOrder(rec)
	r.note(w, "agent "+agent, "outcome", fmt.Sprintf("#%d %s: %s", o.Order.Number, rec.Order.Action, o.Detail), outcomeWord(o))
	if !current {
		return
	}
	if rec.State != account.OrderPermitted {
		p.Order = 0
	}
	r.afterOrder(w, i, &rec)
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

// afterOrder moves the episode on when an order has ended.
func (r *run) afterOrder(w *work, i int, rec *account.OrderRecord) {
	if w.policy == nil {
		return
	}
	if rec.Order.Action == protocol.ActionTrip {
		r.afterTrip(w, rec)
	} else {
		r.afterClose(w, i, rec)
	}
}

func (r *run) afterTrip(w *work, rec *account.OrderRecord) {
	e := &w.state.Episode
	if e.Stage != account.StageTripping {
		return
	}
	switch rec.State {
	case account.OrderDone:
		if !w.pending() {
			r.enter(w, account.StageTripped)
			r.notify(w, protocol.NoticeTrip, 0)
		}
	case account.OrderExpired, account.OrderRefused:
		// Nothing left for the line. The interlocks decide again, and "switch-rest" keeps this from turning in a circle.
		r.enter(w, account.StageTripPending)
	case account.OrderFailed:
		e.Task = "trip-failed"
		r.enter(w, account.StageFieldTask)
	default:
		e.Task = "trip-unknown"
		r.enter(w, account.StageFieldTask)
	}
}

func (r *run) afterClose(w *work, i int, rec *account.OrderRecord) {
	e := &w.state.Episode
	switch rec.State {
	case account.OrderPermitted:
		r.enter(w, account.StagePermitted)
	case account.OrderFailed:
		e.Task = "close-failed"
		r.enter(w, account.StageFieldTask)
	case account.OrderExpired, account.OrderUnknown, account.OrderRefused:
		// A close may be repeated: a customer who paid gets power, however often it takes.
		if p := &w.state.Points[i]; p.Relay.Open && p.Relay.Ours {
			if action, ok := closing(&w.profile.Points[i].Switch, w.policy); ok && !w.tagged(account.TagNoClose) {
				r.order(w, i, action, rec.Actor, "again: the order before was not carried out", nil)
			}
		}
	}
}
