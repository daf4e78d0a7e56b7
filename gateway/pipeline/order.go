package pipeline

import (
	"fmt"

	"feikong/billing/policy"
	"feikong/gateway/account"
	"feikong/protocol"
)

// trip creates one order for each switch whose relay is closed, with the safety case it passed. The caller has seen every
// interlock green, in this commit. It says whether there was a switch to open.
func (r *run) trip(w *work, actor, reason string, checks []account.Check) bool {
	ordered := false
	for i := range w.profile.Points {
		if !w.toTrip(i) {
			continue
		}
		r.order(w, i, protocol.ActionTrip, actor, reason, checks)
		p := &w.state.Points[i]
		p.TripsAt = [2]int64{w.now, p.TripsAt[0]}
		r.counts.TripsHour++
		r.counts.LastTrip = w.now
		ordered = true
	}
	if ordered {
		r.enter(w, account.StageTripping)
	}
	return ordered
}

// toTrip says whether a trip of the account would open this switch.
func (w *work) toTrip(i int) bool { return w.trippable(i) && !w.state.Points[i].Relay.Open }

// restore creates a closing order for every switch that our order opened, or may be opening right now. It is never refused by
// budget, count or pacing; only a "no close" tag and the meter's own limits stand before it.
func (r *run) restore(w *work, actor, reason string) {
	if w.tagged(account.TagNoClose) {
		r.enter(w, account.StagePaidWaiting)
		r.block(w, "tag-no-close")
		return
	}
	ordered, byHand := r.closeAll(w, actor, reason)
	switch {
	case byHand:
		r.assign(w, taskCloseByHand)
	case ordered:
		r.enter(w, account.StageRestoring)
	}
}

// closeAll creates the closing orders of the account, unless a "no close" tag forbids them. It says whether there was one, and whether a
// switch has to be closed by hand.
func (r *run) closeAll(w *work, actor, reason string) (ordered, byHand bool) {
	if w.tagged(account.TagNoClose) {
		return false, false
	}
	for i := range w.profile.Points {
		if !r.toRestore(w, i) {
			continue
		}
		action, ok := closing(&w.profile.Points[i].Switch, w.policy)
		if !ok {
			byHand = true
			continue
		}
		r.order(w, i, action, actor, reason, nil)
		ordered = true
	}
	return ordered, byHand
}

// toRestore says whether this switch is open by our order, or may be, and no close is under way.
func (r *run) toRestore(w *work, i int) bool {
	p := &w.state.Points[i]
	if o, under := r.openOrder(w, i); under {
		return o.Order.Action == protocol.ActionTrip
	}
	return p.Relay.Open && p.Relay.Ours || r.unknownTrip(w, i)
}

// closing is the action that restores by this switch under this policy.
func closing(sw *account.Switch, p *policy.Policy) (protocol.Action, bool) {
	switch {
	case sw.Permit && (p.RestoreMode == policy.RestorePermit || !sw.Close):
		return protocol.ActionPermit, true
	case sw.Close:
		return protocol.ActionClose, true
	}
	return 0, false
}

// order allocates the switch's next number and puts the order into the commit. An order still under way is superseded: the agent
// takes only higher numbers.
func (r *run) order(w *work, i int, action protocol.Action, actor, reason string, checks []account.Check) {
	p, profile := &w.state.Points[i], &w.profile.Points[i]
	if old, ok := r.openOrder(w, i); ok {
		old.State, old.Ended = account.OrderSuperseded, w.now
		r.putOrder(old)
	}
	number := p.NextOrder
	p.NextOrder++
	p.Order = number
	tariffName := ""
	if w.tariff != nil {
		tariffName = fmt.Sprintf("%s v%d", w.tariff.ID, w.tariff.Number)
	}
	r.putOrder(account.OrderRecord{
		No: w.no, Point: uint16(i), Number: number, State: account.OrderQueued, Created: w.now, Actor: actor, Episode: w.state.Episode.No, Case: checks,
		Basis: account.Basis{ReadingAt: p.Current.At, Energy: p.Current.Energy, Available: w.available, Estimate: w.state.Estimate, Tariff: tariffName,
			Policy: fmt.Sprintf("%s v%d", w.policy.ID, w.policy.Version), LedgerSeq: w.state.Chain.Count, Notice: w.state.Episode.Reminder},
		Order: protocol.Order{
			ID:    protocol.OrderID{Generation: r.facts.Generation(), SlotEpoch: 1, Number: number},
			Agent: profile.Agent, Meter: profile.Meter, Action: action, IssuedAt: w.now, Deadline: w.now + w.policy.OrderTTL.Milliseconds(),
			CheckExpect: action == protocol.ActionTrip, MinEnergy: minEnergy(action, p),
			Password: profile.Switch.Password, Operator: profile.Switch.Operator, Account: w.profile.ID, Reason: reason,
		},
	})
	r.note(w, actor, "order", fmt.Sprintf("%s %s #%d: %s", action, profile.ID, number, reason), "queued")
	w.touched = true
}

// minEnergy is the register the agent must at least read before a trip: less would mean another meter, or one that was changed.
func minEnergy(action protocol.Action, p *account.Point) int64 {
	if action != protocol.ActionTrip {
		return 0
	}
	return int64(p.Current.Energy)
}

// openOrder is the order of a switch that is still under way, as this run has left it.
func (r *run) openOrder(w *work, i int) (account.OrderRecord, bool) {
	number := w.state.Points[i].Order
	if number == 0 {
		return account.OrderRecord{}, false
	}
	return r.findOrder(w.no, uint16(i), number)
}

func (r *run) findOrder(no account.No, point uint16, number uint64) (account.OrderRecord, bool) {
	for i := range r.out.Orders {
		if o := &r.out.Orders[i]; o.No == no && o.Point == point && o.Number == number {
			return *o, true
		}
	}
	return r.facts.Order(no, point, number)
}

// putOrder adds or replaces an order in the commit.
func (r *run) putOrder(o account.OrderRecord) {
	for i := range r.out.Orders {
		if p := &r.out.Orders[i]; p.No == o.No && p.Point == o.Point && p.Number == o.Number {
			*p = o
			return
		}
	}
	r.out.Orders = append(r.out.Orders, o)
}

// lastOrder is the newest order of a switch, ended or not.
func (r *run) lastOrder(w *work, i int) (account.OrderRecord, bool) {
	if next := w.state.Points[i].NextOrder; next > 1 {
		return r.findOrder(w.no, uint16(i), next-1)
	}
	return account.OrderRecord{}, false
}

// expire gives up waiting for answers that cannot come any more. A trip that was never answered may have happened: its state is
// "unknown", a person looks, and the relay as read decides. A close is simply ordered again.
func (r *run) expire(w *work) {
	for i := range w.state.Points {
		p := &w.state.Points[i]
		if p.Order == 0 {
			continue
		}
		o, ok := r.openOrder(w, i)
		switch {
		case !ok:
			p.Order, w.touched = 0, true // an order without a record can never be answered
		case o.State == account.OrderQueued && (w.now >= o.Order.Deadline+unanswered || o.Created > w.now+futureMax):
			// Made "later than now", its deadline is of a clock that ran ahead: nobody would wait that long.
			o.State, o.Ended = account.OrderUnknown, w.now
			r.putOrder(o)
			p.Order, w.touched = 0, true
			r.note(w, "timer", "order", fmt.Sprintf("#%d was not answered by %s", o.Number, stamp(o.Order.Deadline+unanswered)), "unknown")
		}
	}
}
