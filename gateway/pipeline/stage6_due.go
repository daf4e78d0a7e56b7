package pipeline

import (
	"time"

	"feikong/gateway/account"
)

// due is when the account must be looked at again without an event; 0 when only an event can change anything.
func (r *run) due(w *work) int64 {
	e, next := &w.state.Episode, int64(0)
	soonest := func(at int64) {
		if at > w.now && (next == 0 || at < next) {
			next = at
		}
	}
	if w.policy != nil {
		switch e.Stage {
		case account.StageReminded:
			soonest(e.Deadline)
		case account.StageTripPending:
			soonest(r.recheckAt(w))
		case account.StageRestoring, account.StagePermitted:
			soonest(r.retryAt(w))
		case account.StageFieldTask:
			if r.repeatsClose(w) && !w.tagged(account.TagNoClose) {
				soonest(r.retryAt(w))
			}
		}
	}
	for i := range w.state.Points {
		if w.state.Points[i].Order == 0 {
			continue
		}
		if o, ok := r.openOrder(w, i); ok && o.State == account.OrderQueued {
			soonest(o.Order.Deadline + unanswered)
		}
	}
	return next
}

// recheckAt is when a blocked trip is looked at again. Only rules that time alone turns green are worth a timer: what takes an event
// (a reading, a person) is looked at with that event.
func (r *run) recheckAt(w *work) int64 {
	e := &w.state.Episode
	at := w.now + r.recheck(w).Milliseconds()
	if w.state.Due > w.now && w.state.Due < at {
		at = w.state.Due // set before: events in between do not put it off
	}
	for _, rule := range e.Blocks {
		switch rule {
		case "notice-over":
			at = noticeOver(w)
		case "window-open", "pacing", "switch-rest", "switch", "gateway-clock":
		default:
			return 0
		}
	}
	return at
}

// recheck is how often rules that time turns green are tried again, and a close that was not carried out is repeated: a sixth of the
// policy's grace, within one second (a bench) and five minutes (a village).
func (r *run) recheck(w *work) time.Duration {
	return min(max(w.policy.NoticeGrace/6, time.Second), 5*time.Minute)
}
