package pipeline

import (
	"feikong/gateway/account"
	"feikong/protocol"
)

// whileRestoring: a close or permit order is under way, or a permit waits for the hand on the button. Only a closed contact ends it.
func (r *run) whileRestoring(w *work) {
	var queued, permitted, idle, failed int
	for i := range w.state.Points {
		p := &w.state.Points[i]
		switch o, under := r.openOrder(w, i); {
		case under && o.State == account.OrderPermitted:
			permitted++
		case under:
			queued++
		case p.Relay.Open && p.Relay.Ours:
			idle++
			if last, ok := r.lastOrder(w, i); ok && last.Order.Action != protocol.ActionTrip && last.State == account.OrderFailed {
				failed++
			}
		}
	}
	r.block(w)
	switch {
	case failed > 0:
		r.assign(w, taskCloseFailed)
	case idle > 0 && w.now >= r.retryAt(w):
		// A close may be repeated: a customer who paid gets power, however often it takes.
		r.restore(w, "policy", "again: the order before was not carried out")
	case queued+permitted+idle == 0:
		r.enter(w, w.standing())
		r.notify(w, protocol.NoticeRestore, 0)
	case permitted > 0 && queued+idle == 0:
		r.enter(w, account.StagePermitted)
	}
}

// retryAt is when a close that was not carried out is ordered again.
func (r *run) retryAt(w *work) int64 {
	at := int64(0)
	for i := range w.state.Points {
		if p := &w.state.Points[i]; p.Relay.Open && p.Relay.Ours && p.Order == 0 {
			last, ok := r.lastOrder(w, i)
			if !ok || last.Order.Action == protocol.ActionTrip || last.Ended > w.now {
				continue // ended "later than now": our clock was set back, and nobody waits for it to catch up
			}
			pause := r.recheck(w)
			if last.State == account.OrderFailed {
				pause *= failedPause
			}
			at = max(at, last.Ended+pause.Milliseconds())
		}
	}
	return at
}

// repeatsClose says whether a close that failed is ordered again while a person is asked to go there: the customer has paid, and the
// meter did not refuse for a reason that a repetition makes worse.
func (r *run) repeatsClose(w *work) bool {
	return w.state.Episode.Task == taskCloseFailed && w.known && !w.below() && w.anyOpen() && !r.wrongPassword(w)
}

// wrongPassword says whether a meter refused our password for a close: it counts wrong ones and locks the level, for a day typically
// (dlt645.md 5.3), so nothing but a person repeats that order.
func (r *run) wrongPassword(w *work) bool {
	for i := range w.state.Points {
		if p := &w.state.Points[i]; p.Relay.Open && p.Relay.Ours {
			if last, ok := r.lastOrder(w, i); ok && last.Outcome != nil && last.Outcome.Rule == "password" {
				return true
			}
		}
	}
	return false
}

// failedPause is how much longer than an order that was not carried out one that failed waits for its repetition: what failed in the
// meter fails again, and each try wears the relay.
const failedPause = 12
