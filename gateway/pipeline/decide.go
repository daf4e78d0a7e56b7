package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"feikong/gateway/account"
)

// listMax bounds tags and holds of one account: more would be a program gone wrong, and each is shown to people.
const listMax = 32

// decide takes a person's decision. Hold and protect are cheap and at once; what opens or closes a relay passes the interlocks.
func (r *run) decide(w *work, i int) {
	ev, receipt := &r.events[i], &r.out.Receipts[i]
	d, g := ev.Decision, &w.state.Guard
	switch d.Kind {
	case account.DecideProtect:
		g.Protected, g.ProtectedBy, g.ProtectNote = true, ev.Actor, d.Note
	case account.DecideUnprotect:
		g.Protected, g.ProtectedBy, g.ProtectNote = false, "", ""
	case account.DecideTag:
		if d.Tag != account.TagNoTrip && d.Tag != account.TagNoClose {
			refuse(receipt, "unknown-tag", "a tag forbids to trip or to close")
			return
		}
		if len(g.Tags) >= listMax || slices.ContainsFunc(g.Tags, func(t account.Tag) bool { return t.ID == d.ID }) {
			refuse(receipt, "tag-exists", "the tag exists, or there are too many")
			return
		}
		g.Tags = append(g.Tags, account.Tag{ID: d.ID, Kind: d.Tag, Holder: ev.Actor, Work: d.Note, At: ev.Now})
	case account.DecideUntag, account.DecideUntagFor:
		i := slices.IndexFunc(g.Tags, func(t account.Tag) bool { return t.ID == d.ID })
		if i < 0 {
			refuse(receipt, "unknown-tag", "there is no tag "+d.ID)
			return
		}
		if d.Kind == account.DecideUntag && g.Tags[i].Holder != ev.Actor {
			refuse(receipt, "not-the-holder", "the tag is lifted by its holder, "+g.Tags[i].Holder)
			return
		}
		g.Tags = slices.Delete(g.Tags, i, i+1)
	case account.DecideHold:
		if len(g.Holds) >= listMax || slices.ContainsFunc(g.Holds, func(h account.Hold) bool { return h.ID == d.ID }) {
			refuse(receipt, "hold-exists", "the hold exists, or there are too many")
			return
		}
		g.Holds = append(g.Holds, account.Hold{ID: d.ID, Reason: d.Note, By: ev.Actor, At: ev.Now})
	case account.DecideRelease:
		i := slices.IndexFunc(g.Holds, func(h account.Hold) bool { return h.ID == d.ID })
		if i < 0 {
			refuse(receipt, "unknown-hold", "there is no hold "+d.ID)
			return
		}
		g.Holds = slices.Delete(g.Holds, i, i+1)
	case account.DecideAccept:
		if !r.acceptReading(w, d, receipt) {
			return
		}
	case account.DecideTrip, account.DecideClose:
		w.personal = append(w.personal, i) // after the registers of this call are in and audited
		return
	case account.DecideTaskDone:
		if w.state.Episode.Task == taskNotify {
			r.broughtByHand(w, ev)
			break
		}
		if w.state.Episode.Stage != account.StageFieldTask {
			refuse(receipt, "no-task", "the account has no task")
			return
		}
		r.taskDone(w)
	default:
		refuse(receipt, "unknown-decision", fmt.Sprintf("%q is not a decision", d.Kind))
		return
	}
	w.touched = true
	r.note(w, ev.Actor, string(d.Kind), strings.TrimSpace(d.ID+" "+d.Note), "ok")
}

// acceptReading makes a held register the start of a new segment: what was consumed until the last accepted one stays, the fall
// is nobody's consumption.
func (r *run) acceptReading(w *work, d *account.Decision, receipt *account.Receipt) bool {
	for i := range w.profile.Points {
		if w.profile.Points[i].ID != d.Point {
			continue
		}
		p, multiplier := &w.state.Points[i], w.profile.Points[i].Multiplier
		if p.Hold == "" {
			refuse(receipt, "nothing-held", "no reading of "+d.Point+" is held")
			return false
		}
		if waitsForPerson(p.Hold) && p.Latest == p.Current {
			refuse(receipt, "nothing-read", "nothing was read at "+d.Point+" since it was changed in the archive")
			return false
		}
		if p.Opening.At == 0 {
			p.Opening, p.Anchor, p.SegmentStart, p.Current = p.Latest, p.Latest, p.Latest, p.Latest
		}
		p.Carried += times(p.Current.Energy-p.Anchor.Energy, multiplier)
		p.Lifetime += times(p.Current.Energy-p.SegmentStart.Energy, multiplier)
		p.Anchor, p.SegmentStart, p.Current, p.Hold = p.Latest, p.Latest, p.Latest, ""
		p.Before = nil // a late reading does not overrule a person
		r.release(w, uint16(i), "accepted by a person: "+d.Note)
		receipt.Ref = p.Latest.Energy.String()
		return true
	}
	refuse(receipt, "unknown-point", "there is no metering point "+d.Point)
	return false
}

// applyPersonal takes the switching that people asked for, when the account's registers and balance are up to date.
func (r *run) applyPersonal(w *work) {
	for _, i := range w.personal {
		ev, receipt := &r.events[i], &r.out.Receipts[i]
		if r.personalOrder(w, ev, receipt) {
			r.note(w, ev.Actor, string(ev.Decision.Kind), strings.TrimSpace(ev.Decision.Note), "ok")
		}
	}
}

// personalOrder is a person's trip or close, through the same interlocks less the balance and the notice.
func (r *run) personalOrder(w *work, ev *account.Event, receipt *account.Receipt) bool {
	switch {
	case w.policy == nil:
		refuse(receipt, "policy", "policy "+w.profile.PolicyID+" is not known")
		return false
	case !w.switchable():
		refuse(receipt, "no-switch", "the account's meters have no switch that can be commanded")
		return false
	case ev.Decision.Kind == account.DecideClose:
		return r.closeByPerson(w, ev, receipt)
	}
	checks := r.interlocks(w, false)
	if red := reds(checks); len(red) > 0 {
		refuse(receipt, red[0], "interlocks forbid it: "+strings.Join(red, ", "))
		return false
	}
	if !r.trip(w, ev.Actor, ev.Decision.Note, checks) {
		refuse(receipt, "nothing-closed", "every relay of the account is open already")
		return false
	}
	w.state.Episode.ByPerson = true
	return true
}

// closeByPerson may also close a relay that we did not open: that is what a person is for.
func (r *run) closeByPerson(w *work, ev *account.Event, receipt *account.Receipt) bool {
	if w.tagged(account.TagNoClose) {
		refuse(receipt, "tag-no-close", "a \"do not close\" tag is on the account; its holder lifts it")
		return false
	}
	open, ordered := false, false
	for i := range w.profile.Points {
		p := &w.state.Points[i]
		if !p.Relay.Open && !r.toRestore(w, i) {
			continue
		}
		open = true
		if action, ok := closing(&w.profile.Points[i].Switch, w.policy); ok {
			p.Relay.Ours = p.Relay.Open // from here on it is ours to bring back
			r.order(w, i, action, ev.Actor, ev.Decision.Note, nil)
			ordered = true
		}
	}
	switch {
	case !open:
		refuse(receipt, "nothing-open", "no relay of the account is open or being opened")
	case !ordered:
		refuse(receipt, "close-by-hand", "the account's switches close only by hand")
	default:
		w.state.Episode.ByPerson = false
		r.enter(w, account.StageRestoring)
	}
	return ordered
}

// taskDone ends a field task: the balance and the relays as read say where the account stands.
func (r *run) taskDone(w *work) {
	switch e := &w.state.Episode; {
	case e.Task == taskCut:
		r.enter(w, account.StageTripped)
		e.Task = taskCut // no relay says so: the person does, until the money is there
	case w.anyOpen():
		r.enter(w, account.StageTripped)
	default:
		r.enter(w, account.StageNormal)
	}
}
