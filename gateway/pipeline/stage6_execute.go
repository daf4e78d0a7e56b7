package pipeline

import (
	"fmt"
	"time"

	"feikong/gateway/account"
	"feikong/protocol"
)

// unanswered is how long after its deadline an order may still be answered: the agent reads the relay back three times, and its
// evidence has to cross the line. Later, the honest state is "unknown".
const unanswered = 30 * 1000

// execute is stage 6, 策略解析执行: it moves the episode on. Each stage has one function that says what may happen next; an
// account goes through as many as the facts allow now (stagesMax bounds a rule that would turn in a circle).
func (r *run) execute(w *work) {
	if w.policy == nil {
		r.block(w, []account.Check{{Rule: "policy", Detail: "policy " + w.profile.PolicyID + " is not known"}})
		return
	}
	r.expire(w)
	const stagesMax = 8
	for range stagesMax {
		from := w.state.Episode.Stage
		r.step(w)
		if w.state.Episode.Stage == from {
			return
		}
	}
}

func (r *run) step(w *work) {
	switch w.state.Episode.Stage {
	case account.StageNormal, account.StageWarned:
		r.whileSupplied(w)
	case account.StageReminded, account.StageTripPending:
		r.whileReminded(w)
	case account.StageTripping:
		r.whileTripping(w)
	case account.StageTripped, account.StagePaidWaiting:
		r.whileTripped(w)
	case account.StageRestoring, account.StagePermitted:
		r.whileRestoring(w)
	case account.StageFieldTask:
		r.whileTask(w)
	}
}

// enter changes the stage. What the new stage does not carry on is cleared.
func (r *run) enter(w *work, stage account.Stage) {
	e := &w.state.Episode
	if e.Stage == stage {
		return
	}
	r.note(w, "policy", "stage", fmt.Sprintf("%s to %s, available %s", e.Stage, stage, w.available), "ok")
	e.Stage, e.Since, e.Blocks = stage, w.now, nil
	if stage != account.StageFieldTask {
		e.Task = ""
	}
	if stage == account.StageNormal {
		e.Warning = 0
	}
	if stage <= account.StageWarned {
		e.Reminder, e.Deadline, e.DeliveredAt = 0, 0, 0
	}
	w.touched = true
}

// whileSupplied: power is on and the balance was enough, or a warning is out.
func (r *run) whileSupplied(w *work) {
	e := &w.state.Episode
	switch {
	case w.below():
		if e.Stage == account.StageNormal {
			e.No++
		}
		e.Deadline = w.now + w.policy.NoticeGrace.Milliseconds()
		e.DeliveredAt = 0
		deadline := e.Deadline
		r.enter(w, account.StageReminded)
		e.Reminder = r.notify(w, protocol.NoticeReminder, deadline)
	case w.low() && e.Stage == account.StageNormal:
		e.No++
		r.enter(w, account.StageWarned)
		e.Warning = r.notify(w, protocol.NoticeWarning, 0)
	case w.enough() && e.Stage == account.StageWarned:
		r.enter(w, account.StageNormal)
	}
}

// whileReminded: the deadline runs, or it is over and the interlocks decide. A payment cancels in the same commit.
func (r *run) whileReminded(w *work) {
	e := &w.state.Episode
	if w.known && !w.below() {
		r.enter(w, w.standing())
		return
	}
	if w.now < e.Deadline {
		return
	}
	r.enter(w, account.StageTripPending)
	if e.DeliveredAt != 0 && !w.switchable() {
		e.Task = "cut-by-hand"
		r.enter(w, account.StageFieldTask)
		return
	}
	if checks := r.interlocks(w, true); r.block(w, checks) {
		return
	}
	r.trip(w, "policy", fmt.Sprintf("available balance %s is below %s", w.available, w.policy.TripBelow))
}

// whileTripping: an order is under way. Money that comes now makes a higher-numbered order the other way.
func (r *run) whileTripping(w *work) {
	if w.known && !w.below() {
		r.restore(w, "policy", "paid while the trip was under way")
	}
}

// whileTripped: power is off by our order.
func (r *run) whileTripped(w *work) {
	e := &w.state.Episode
	switch {
	case w.below():
		r.enter(w, account.StageTripped)
	case !w.known:
	case !w.anyOpen():
		// Closed by somebody else: the relay was read closed.
		r.enter(w, w.standing())
	default:
		if w.tagged(account.TagNoClose) {
			r.enter(w, account.StagePaidWaiting)
			if len(e.Blocks) != 1 || e.Blocks[0] != "tag-no-close" {
				e.Blocks, w.touched = []string{"tag-no-close"}, true
			}
			return
		}
		r.restore(w, "policy", fmt.Sprintf("available balance %s is not below %s", w.available, w.policy.TripBelow))
	}
}

// whileRestoring: a close or permit order is under way, or a permit waits for the hand on the button. Only a closed contact ends it.
func (r *run) whileRestoring(w *work) {
	if w.anyOpen() || w.pending() {
		return
	}
	r.enter(w, w.standing())
	r.notify(w, protocol.NoticeRestore, 0)
}

// whileTask: a person has to act; the money may end the need for it.
func (r *run) whileTask(w *work) {
	e := &w.state.Episode
	switch {
	case !w.known || w.below():
	case e.Task == "cut-by-hand" || !w.anyOpen():
		r.enter(w, w.standing())
	case e.Task == "trip-unknown" || e.Task == "trip-failed":
		r.restore(w, "policy", "paid after a trip that was not confirmed")
	}
}

// block stores which interlocks are not green; true when there is one.
func (r *run) block(w *work, checks []account.Check) bool {
	var rules []string
	for _, c := range checks {
		if !c.OK {
			rules = append(rules, c.Rule)
		}
	}
	if !equal(rules, w.state.Episode.Blocks) {
		w.state.Episode.Blocks, w.touched = rules, true
	}
	return len(rules) > 0
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// due is when the account must be looked at again without an event.
func (r *run) due(w *work) int64 {
	e, next := &w.state.Episode, int64(0)
	soonest := func(at int64) {
		if at > 0 && (next == 0 || at < next) {
			next = at
		}
	}
	switch e.Stage {
	case account.StageReminded:
		soonest(max(e.Deadline, w.now+1))
	case account.StageTripPending:
		soonest(w.now + r.recheck(w).Milliseconds())
	case account.StageRestoring:
		if !w.pending() {
			soonest(w.now + r.recheck(w).Milliseconds())
		}
	}
	for i := range w.state.Points {
		if o, ok := r.openOrder(w, i); ok && o.State == account.OrderQueued {
			soonest(max(o.Order.Deadline+unanswered, w.now+1))
		}
	}
	return next
}

// recheck is how often interlocks that are not green are tried again without an event: a sixth of the policy's grace, within
// one second (a bench) and five minutes (a village).
func (r *run) recheck(w *work) time.Duration {
	if w.policy == nil {
		return 5 * time.Minute
	}
	return min(max(w.policy.NoticeGrace/6, time.Second), 5*time.Minute)
}
