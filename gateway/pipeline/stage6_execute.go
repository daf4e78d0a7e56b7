package pipeline

import (
	"fmt"
	"slices"

	"feikong/gateway/account"
	"feikong/protocol"
)

// unanswered is how long after its deadline an order may still be answered: the agent reads the relay back three times, and its
// evidence has to cross the line. Later, the honest state is "unknown".
const unanswered = 30 * 1000

// Tasks of people, as Episode.Task names them.
const (
	taskCut         = "cut-by-hand"     // no switch can be commanded
	taskRestore     = "restore-by-hand" // paid after a cut by hand
	taskTripFailed  = "trip-failed"
	taskTripUnknown = "trip-unknown" // a trip that nobody answered may have happened
	taskCloseFailed = "close-failed"
	taskCloseByHand = "close-by-hand" // the switch opens on command and closes only by hand
	taskNotify      = "cannot-notify" // nobody confirms the reminder: a person has to bring it. It does not change the stage
)

// execute is stage 6, 策略解析执行: it moves the episode on. Each stage has one function that says what may happen next; an
// account goes through as many as the facts allow now (stagesMax bounds a rule that would turn in a circle).
//
// Whatever happens, an account that is not where it should be has an order under way, a due time, or a person's task.
func (r *run) execute(w *work) {
	r.expire(w)
	if w.policy == nil {
		r.block(w, "policy")
		return
	}
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
	if stage != account.StageFieldTask && !(stage == account.StageTripPending && e.Task == taskNotify) {
		e.Task = ""
	}
	if stage == account.StageNormal {
		e.Warning = 0
	}
	if stage <= account.StageWarned {
		e.Reminder, e.Deadline, e.DeliveredAt = 0, 0, 0
	}
	if stage <= account.StageTripPending {
		e.ByPerson = false
	}
	w.touched = true
}

// assign gives the episode to a person.
func (r *run) assign(w *work, task string) {
	r.enter(w, account.StageFieldTask)
	if e := &w.state.Episode; e.Task != task {
		e.Task, w.touched = task, true
	}
}

// whileSupplied: power is on and the balance was enough, or a warning is out.
func (r *run) whileSupplied(w *work) {
	e := &w.state.Episode
	r.block(w)
	switch {
	case w.anyOpen() && !w.pending():
		// The answer to an order of ours came after we had stopped waiting for it.
		r.enter(w, account.StageTripped)
	case w.below():
		if e.Stage == account.StageNormal {
			e.No++
		}
		r.remind(w)
	case w.low() && e.Stage == account.StageNormal:
		e.No++
		r.enter(w, account.StageWarned)
		e.Warning = r.notify(w, protocol.NoticeWarning, 0)
	case w.enough() && e.Stage == account.StageWarned:
		r.enter(w, account.StageNormal)
	}
}

// remind 催费 begins the customer's time.
func (r *run) remind(w *work) {
	e := &w.state.Episode
	r.enter(w, account.StageReminded)
	e.Since, e.Task = w.now, ""
	e.Deadline, e.DeliveredAt = w.now+w.policy.NoticeGrace.Milliseconds(), 0
	e.Reminder = r.notify(w, protocol.NoticeReminder, e.Deadline)
}

// whileReminded: the deadline runs, or it is over and the interlocks decide. A payment cancels in the same commit.
func (r *run) whileReminded(w *work) {
	e := &w.state.Episode
	switch {
	case w.anyOpen() && !w.pending() && (e.Stage == account.StageReminded || w.allOpen() || w.known && !w.below()):
		r.enter(w, account.StageTripped)
		return
	case w.known && !w.below():
		r.enter(w, w.standing())
		return
	case e.Since > w.now+futureMax:
		r.remind(w) // the deadline was told by a clock that ran ahead: it would hold for as long
		return
	case w.now < e.Deadline:
		if e.Stage == account.StageTripPending { // our clock was set back: the customer's time counts
			r.block(w, "notice-over")
		} else {
			r.block(w)
		}
		return
	}
	r.enter(w, account.StageTripPending)
	checks := r.interlocks(w, true)
	red := reds(checks)
	r.block(w, red...)
	if !w.switchable() {
		// A person cuts by hand, on the same grounds; hours and pace are those of the person.
		byHand := slices.DeleteFunc(red, func(rule string) bool { return rule == "switch" || rule == "window-open" || rule == "pacing" })
		if len(byHand) == 0 {
			r.assign(w, taskCut)
		}
		return
	}
	if len(red) == 0 {
		r.trip(w, "policy", fmt.Sprintf("available balance %s is below %s", w.available, w.policy.TripBelow), checks)
	}
}

// whileTripping: an order is under way. Money that comes now makes a higher-numbered order the other way, unless a person cut.
func (r *run) whileTripping(w *work) {
	switch {
	case !w.pending():
		r.tripEnded(w)
	case w.known && !w.below() && !w.state.Episode.ByPerson:
		r.restore(w, "policy", "paid while the trip was under way")
	}
}

// tripEnded: every order of the trip has ended. The worst of them says what comes next.
func (r *run) tripEnded(w *work) {
	e := &w.state.Episode
	var failed, unknown bool
	for i := range w.profile.Points {
		if last, ok := r.lastOrder(w, i); ok && last.Order.Action == protocol.ActionTrip && last.Created >= e.Since {
			failed = failed || last.State == account.OrderFailed
			unknown = unknown || last.State == account.OrderUnknown
		}
	}
	switch {
	case failed:
		r.assign(w, taskTripFailed)
	case unknown:
		r.assign(w, taskTripUnknown)
	case w.allOpen() || e.ByPerson && w.anyOpen():
		r.tripped(w)
	case e.ByPerson:
		r.enter(w, w.standing()) // nothing was cut; the person sees why, and decides again
	default:
		// Refused or expired: nothing left for the line. The interlocks decide again; "switch-rest" keeps this from turning in a circle.
		r.enter(w, account.StageTripPending)
	}
}

func (r *run) tripped(w *work) {
	r.enter(w, account.StageTripped)
	r.notify(w, protocol.NoticeTrip, 0)
}

// whileTripped: power is off by our order, or by a person's hand.
func (r *run) whileTripped(w *work) {
	e := &w.state.Episode
	switch {
	case e.Task == taskCut:
		if w.known && !w.below() {
			r.assign(w, taskRestore)
		}
	case !w.anyOpen() && !w.pending() && !r.anyUnknownTrip(w):
		// Closed by somebody else: the relay was read closed.
		r.enter(w, w.standing())
	case e.ByPerson:
		r.block(w)
	case !w.known:
		r.block(w, "fee-known")
	case w.below():
		r.enter(w, account.StageTripped)
		r.block(w)
	default:
		r.restore(w, "policy", fmt.Sprintf("available balance %s is not below %s", w.available, w.policy.TripBelow))
	}
}

// whileTask: a person has to act; money, or the relay as read, may end the need for it.
func (r *run) whileTask(w *work) {
	e := &w.state.Episode
	paid := w.known && !w.below()
	switch e.Task {
	case taskRestore:
	case taskCut:
		if paid {
			r.enter(w, w.standing())
		}
	case taskTripFailed, taskTripUnknown:
		doubt := r.anyUnknownTrip(w)
		switch {
		case paid && !e.ByPerson && (w.pending() || w.anyOpen() || doubt):
			r.restore(w, "policy", "paid after a trip that was not confirmed")
		case w.pending() || doubt:
		case w.allOpen():
			r.tripped(w)
		case paid && !e.ByPerson || e.ByPerson && e.Task == taskTripUnknown:
			r.enter(w, w.standing())
		case e.Task == taskTripUnknown:
			r.enter(w, account.StageTripPending) // read closed since: it did not happen
		}
	default:
		switch {
		case !w.anyOpen() && !w.pending():
			r.enter(w, w.standing())
			r.notify(w, protocol.NoticeRestore, 0)
		case r.repeatsClose(w) && !w.pending() && w.now >= r.retryAt(w):
			// Somebody is asked to go there; until then the order is repeated. A line that was noisy once must not leave a customer who paid in
			// the dark.
			r.closeAll(w, "policy", "again: the order before failed")
		}
	}
}

// block stores which interlocks are not green.
func (r *run) block(w *work, rules ...string) {
	if !slices.Equal(rules, w.state.Episode.Blocks) {
		w.state.Episode.Blocks, w.touched = slices.Clone(rules), true
	}
}

// reds are the rules that are not green, each once.
func reds(checks []account.Check) []string {
	var rules []string
	for _, c := range checks {
		if !c.OK && !slices.Contains(rules, c.Rule) {
			rules = append(rules, c.Rule)
		}
	}
	return rules
}
