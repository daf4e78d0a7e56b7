package pipeline

import (
	"fmt"
	"time"

	"feikong/gateway/account"
)

// clockDriftMax: beyond ten minutes a meter's clock may not decide how long a trip frame is valid (fee-control.md A13).
const clockDriftMax = 10 * time.Minute

// tripsPerDay: a toggling load needs trips, so a switch gets at most two in 24 hours (safety.md T15).
const tripsPerDay = 24 * 3600 * 1000

// interlocks 闭锁 is the safety case of a trip: every rule, green or not, with the fact it looked at, in figures that need no language. One that is not green makes
// the trip impossible. byPolicy asks for the balance and the notice too; a person's own order rests on the person's reason.
func (r *run) interlocks(w *work, byPolicy bool) []account.Check {
	s, e := w.state, &w.state.Episode
	checks := make([]account.Check, 0, 16)
	say := func(rule string, ok bool, format string, args ...any) {
		checks = append(checks, account.Check{Rule: rule, OK: ok, Detail: fmt.Sprintf(format, args...)})
	}
	if byPolicy {
		say("balance-below", w.below(), "%s < %s", w.available, w.policy.TripBelow)
		say("notice-delivered", e.DeliveredAt != 0, "#%d", e.Reminder)
		over := noticeOver(w)
		say("notice-over", e.DeliveredAt != 0 && w.now >= over, "%s", clock(over).In(r.zone).Format("2006-01-02 15:04:05"))
	}
	say("not-protected", !s.Guard.Protected, "%s", s.Guard.ProtectNote)
	say("no-tag", !w.tagged(account.TagNoTrip), "%d", len(s.Guard.Tags))
	say("no-hold", len(s.Guard.Holds) == 0, "%d", len(s.Guard.Holds))
	say("contract", w.policy.Clause != "", "%s", w.policy.Clause)
	say("window-open", w.policy.Open(clock(w.now), r.zone), "%s", clock(w.now).In(r.zone).Format("2006-01-02 15:04"))
	say("gateway-clock", !r.doubt, "")
	say("pacing", r.paced(w), "%d/%d", r.counts.TripsHour, w.policy.TripsPerHour)
	held := s.Hold
	for i := range s.Points {
		if s.Points[i].Hold != "" {
			held = s.Points[i].Hold
		}
	}
	say("audit-passed", held == "", "%s", held)
	say("order-idle", !w.pending(), "")
	say("fee-known", w.known && w.tariff != nil && s.PeriodStart != 0, "%s", s.Estimate)
	for i := range w.profile.Points {
		r.interlocksOf(w, i, say)
	}
	say("switch", w.switchable(), "")
	return checks
}

// interlocksOf is the part of one metering point. A point without a switch must still be read freshly: the fee rests on it.
func (r *run) interlocksOf(w *work, i int, say func(string, bool, string, ...any)) {
	p, profile := &w.state.Points[i], &w.profile.Points[i]
	say("reading-fresh", w.fresh(p.Current.At), "%s %s", profile.ID, age(w.now, p.Current.At))
	if !w.trippable(i) {
		return
	}
	say("relay-read", p.Relay.Known && w.fresh(p.Relay.At), "%s %s", profile.ID, age(w.now, p.Relay.At))
	say("relay-closed", p.Relay.Known && (!p.Relay.Open || p.Relay.Ours), "%s", profile.ID)
	say("meter-hold", !p.Relay.PowerHold, "%s", profile.ID)
	limit := min(w.policy.MaxClockDrift, clockDriftMax)
	drift := time.Duration(max(p.Drift, -p.Drift)) * time.Millisecond
	say("clock", p.DriftAt == 0 || drift <= limit, "%s %s/%s", profile.ID, drift, limit)
	if p.Relay.Open {
		return // this trip would not touch it
	}
	last, before := p.TripsAt[0], p.TripsAt[1]
	say("switch-rest", rested(w.now, before, tripsPerDay) && rested(w.now, last, w.policy.MinGapBetweenTrips.Milliseconds()), "%s", profile.ID)
}

// rested says whether a trip lies long enough back. One more than a day ahead was made by a clock that is known to have been wrong.
func rested(now, at, gap int64) bool { return at == 0 || now-at >= gap || at > now+tripsPerDay }

// fresh says whether what was read then may carry a trip: neither old nor from the future.
func (w *work) fresh(at int64) bool {
	return at != 0 && w.now-at <= w.policy.MaxReadingAge.Milliseconds() && at <= w.now+futureMax
}

// noticeOver is when the customer has had the whole time of the notice, told and counted from its delivery.
func noticeOver(w *work) int64 {
	e := &w.state.Episode
	return max(e.Deadline, e.DeliveredAt+w.policy.NoticeGrace.Milliseconds())
}

// paced is the governor over all accounts of this gateway. An account with more switches than an hour allows goes alone.
func (r *run) paced(w *work) bool {
	switches := 0
	for i := range w.profile.Points {
		if w.toTrip(i) {
			switches++
		}
	}
	done, limit := r.counts.TripsHour, w.policy.TripsPerHour
	return done < limit && (done == 0 || done+switches <= limit)
}

func age(now, at int64) string {
	if at == 0 {
		return "–"
	}
	return (time.Duration(now-at) * time.Millisecond).Round(time.Millisecond).String()
}

// trippable says whether this metering point's switch opens on command.
func (w *work) trippable(i int) bool {
	s := &w.profile.Points[i].Switch
	return s.Kind != account.SwitchNone && s.Trip
}

// allOpen says whether every switch of the account is open by our order.
func (w *work) allOpen() bool {
	any := false
	for i := range w.profile.Points {
		if !w.trippable(i) {
			continue
		}
		if p := &w.state.Points[i]; !p.Relay.Open || !p.Relay.Ours {
			return false
		}
		any = true
	}
	return any
}

// switchable says whether any metering point can be cut on command.
func (w *work) switchable() bool {
	for i := range w.profile.Points {
		if w.trippable(i) {
			return true
		}
	}
	return false
}

// anyOpen says whether a relay is open by our order. A relay that we did not open is open, not ours, and no policy closes it.
func (w *work) anyOpen() bool {
	for i := range w.state.Points {
		if p := &w.state.Points[i]; p.Relay.Open && p.Relay.Ours {
			return true
		}
	}
	return false
}

// pending says whether an order is under way.
func (w *work) pending() bool {
	for i := range w.state.Points {
		if w.state.Points[i].Order != 0 {
			return true
		}
	}
	return false
}

func (w *work) tagged(kind account.TagKind) bool {
	for _, t := range w.state.Guard.Tags {
		if t.Kind == kind {
			return true
		}
	}
	return false
}
