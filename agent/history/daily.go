package history

import (
	"context"
	"errors"
	"time"

	"feikong/agent/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

const (
	// afterMidnight is when a meter's clock has surely passed it and its freeze is made.
	afterMidnight = 2 * time.Minute
	// freezeRetry, freezeTries: a meter that got its power back after midnight makes up for the freeze, some within the hour.
	freezeRetry, freezeTries = 15 * time.Minute, 8
	// onMidnight is how far from midnight a daily freeze may be stamped and still be the register of midnight.
	onMidnight = 5 * time.Minute
	// dayMost is longer than a day, with an hour of summer time: two freezes further apart have one missing between.
	dayMost = 25 * time.Hour
)

// midnightBefore is the last midnight of t's day in zone.
func midnightBefore(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// dayPending says that daily freezes from before an instant are still to be fetched.
func (k *known) dayPending(h *History, now time.Time, before int64) bool {
	if k.Daily.Kept == keepsNone && now.UnixMilli()-k.Daily.Asked < reask.Milliseconds() {
		return false
	}
	last := midnightBefore(time.UnixMilli(before).Add(k.drift()), h.opt.Zone)
	return k.Daily.Kept != keeps || k.DayNth > 0 || k.DayDone < last.UnixMilli()
}

// dayDue says that a midnight has passed, by the meter's clock, whose freeze is neither stored nor given up.
func (k *known) dayDue(h *History, now time.Time) bool {
	if k.Daily.Kept == keepsNone && now.UnixMilli()-k.Daily.Asked < reask.Milliseconds() {
		return false
	}
	on := now.Add(k.drift())
	today := midnightBefore(on, h.opt.Zone)
	return k.DayDone < today.UnixMilli() && on.Sub(today) >= afterMidnight
}

// daily reads the daily freeze (日冻结) of each meter soon after its midnight, twice, and first those it missed, the
// oldest first.
func (h *History) daily(ctx context.Context, now time.Time) (bool, error) {
	for _, k := range h.meters {
		if k.keeper == nil || !h.ready(k, now) || k.DayNth == 0 && (!k.dayDue(h, now) || now.Before(k.retry)) {
			continue
		}
		return true, h.day(ctx, now, k)
	}
	return false, nil
}

func (h *History) day(ctx context.Context, now time.Time, k *known) error {
	nth := max(k.DayNth, 1)
	rs, stamp, err := k.keeper.Frozen(ctx, meter.Call{Twice: true}, dlt645.FreezeDailyKind, nth)
	none := errors.Is(err, meter.ErrNoRecord)
	switch {
	case none && nth == 1 && len(k.Days) == 0:
		k.Daily, k.DayNth = memo{Kept: keepsNone, Asked: now.UnixMilli()}, 0
		return h.save(k)
	case err != nil && !none && h.lost(k, now, err):
		return nil
	case err != nil && !none:
		h.log.Warn("record of a meter not usable", "meter", k.Ref().Address, "error", err)
		if k.odd++; k.odd < triesMax {
			return nil
		}
		none = true // this one record is left out
	}
	k.odd = 0
	if none {
		if k.DayNth > 0 { // older than its oldest
			k.DayNth--
			return h.save(k)
		}
		return h.noFreezeYet(now, k)
	}
	k.Daily = memo{Kept: keeps, Asked: now.UnixMilli()}
	on := stamp.UnixMilli()
	if k.DayNth == 0 {
		if on <= k.lastDay() {
			return h.noFreezeYet(now, k)
		}
		if missing := h.daysBehind(k, stamp); missing > 0 {
			k.DayNth = min(missing+1, daysMax)
			return h.save(k)
		}
	}
	if k.DayNth > 0 && k.lastDay() != 0 && on > k.lastDay() && k.behind != on {
		// midnight moves all numbers by one, and after a restart they may have moved by some: look in front of a hole
		if missing := h.daysBehind(k, stamp); missing > 0 && k.DayNth < daysMax {
			k.behind, k.DayNth = on, min(k.DayNth+missing, daysMax)
			return h.save(k)
		}
	}
	was, nthWas := *k.record, k.DayNth
	k.record.Days = append([]int64(nil), k.Days...)
	var out []protocol.Entry
	if on > k.lastDay() {
		out = append(h.missingDays(k, stamp), h.dated(k, rs)...)
		k.addDay(on)
		k.Ceased = false
		k.Odd = stamp.Sub(midnightBefore(stamp.Add(onMidnight), h.opt.Zone)).Abs() > onMidnight
	}
	if k.DayNth = max(k.DayNth-1, 0); k.DayNth == 0 {
		h.dayOver(now, k)
	}
	if err := h.put(k, out); err != nil {
		*k.record, k.DayNth = was, nthWas
		return err
	}
	return nil
}

// dated marks freezes from before the meter's clock was found to have moved: nobody knows when of ours they were made.
func (h *History) dated(k *known, rs []protocol.Reading) []protocol.Entry {
	for i := range rs {
		if rs[i].TakenAt < k.Moved {
			rs[i].Quality |= protocol.QualitySuspect
		}
	}
	return entries(rs)
}

// daysBehind counts the freezes before stamp that are not stored: since the last that is, or as far back as a new memory
// reads.
func (h *History) daysBehind(k *known, stamp time.Time) int {
	last := k.lastDay()
	if last == 0 {
		return h.opt.Reread - 1
	}
	n := 0 // a day has 23 to 25 hours
	for t := stamp.Add(-dayMost); t.UnixMilli() > last && n < daysMax; t = t.Add(-24 * time.Hour) {
		n++
	}
	return n
}

// missingDays names the midnights between the last freeze stored and this one that the meter has none of.
func (h *History) missingDays(k *known, stamp time.Time) (out []protocol.Entry) {
	last := max(k.lastDay(), k.Named)
	if last == 0 || k.Odd {
		return nil
	}
	drift := k.drift()
	for t := midnightBefore(time.UnixMilli(last).Add(36*time.Hour), h.opt.Zone); t.Before(stamp.Add(-onMidnight)) && len(out) < daysMax; t = midnightBefore(t.Add(36*time.Hour), h.opt.Zone) {
		out = append(out, h.freezeGap(k, t.Add(-drift)))
	}
	return out
}

func (h *History) freezeGap(k *known, at time.Time) protocol.Entry {
	return gapEntry(k.Ref(), at.Add(-onMidnight).UnixMilli(), at.Add(onMidnight).UnixMilli(), whyFreeze, 1)
}

// dayOver notes how far the days are done. A freeze at another hour than midnight is done until the next day.
func (h *History) dayOver(now time.Time, k *known) {
	today := midnightBefore(now.Add(k.drift()), h.opt.Zone).UnixMilli()
	if k.Odd || k.lastDay() >= today-onMidnight.Milliseconds() {
		k.DayDone, k.tried = today, 0
	}
}

// noFreezeYet asks again in a while. A meter that made none by then is given up for this midnight; the next midnights have
// a snapshot until it makes one again, as somebody may have changed its freeze words for good.
func (h *History) noFreezeYet(now time.Time, k *known) error {
	k.retry = now.Add(freezeRetry)
	if k.tried++; k.tried < freezeTries && !k.Odd {
		return nil
	}
	was, tried := *k.record, k.tried
	today := midnightBefore(now.Add(k.drift()), h.opt.Zone)
	k.tried, k.DayDone = 0, today.UnixMilli()
	var out []protocol.Entry
	if !k.Odd && k.lastDay() != 0 && !k.Ceased { // with snapshots, nothing is missing any more
		out, k.Ceased, k.Snap = []protocol.Entry{h.freezeGap(k, today.Add(-k.drift()))}, true, max(k.Snap, today.UnixMilli())
	}
	if k.Ceased {
		k.Named = today.UnixMilli()
	}
	if err := h.put(k, out); err != nil {
		*k.record, k.tried = was, tried
		return err
	}
	return nil
}
