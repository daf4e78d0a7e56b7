package history

import (
	"cmp"
	"context"
	"slices"
	"time"

	"feikong/protocol"
)

// late is how much later than its time a record may be.
const late = 5 * time.Minute

// coverage is how far apart two readings of a source may lie with nothing missing between them: meters record each hour
// or more often.
var coverage = [...]time.Duration{fromProfile: time.Hour + late, fromHourly: time.Hour + late, fromDaily: dayMost, fromNothing: 0}

func (h *History) covers(source int) int64 {
	return max(coverage[source], h.holeAfter()).Milliseconds()
}

// open is where what is not filled yet begins.
func (g gap) open() int64 { return max(g.From, g.At) }

// fill takes the line's oldest gap one step on.
func (h *History) fill(ctx context.Context, now time.Time) (bool, error) {
	var k *known
	at := 0
	for _, m := range h.meters {
		if !h.ready(m, now) {
			continue
		}
		i := h.next(m, now)
		if i >= 0 && (k == nil || m.Gaps[i].From < k.Gaps[at].From) {
			k, at = m, i
		}
	}
	if k == nil {
		return false, nil
	}
	if len(k.Gaps) > gapsMax {
		k.Gaps[at].Source, k.Gaps[at].Why = fromNothing, whyMany
	}
	g := &k.Gaps[at]
	switch {
	case now.UnixMilli()-g.To > oldest.Milliseconds():
		g.Source, g.Why = fromNothing, whyOld
	case k.keeper == nil:
		g.Source = fromNothing
	}
	switch g.Source {
	case fromProfile:
		return h.fillFromProfile(ctx, now, k, at)
	case fromHourly:
		return h.fillFromHourly(ctx, now, k, at)
	case fromDaily:
		return true, h.fillFromDays(k, at)
	}
	return true, h.name(k, at)
}

// next is the gap of a meter to be worked at, -1 for none: the oldest of those that went furthest, so that what a source
// leaves over does not gather while it tells the rest.
func (h *History) next(k *known, now time.Time) int {
	at := -1
	for i, g := range k.Gaps {
		if g.Source == fromDaily && k.dayPending(h, now, g.To) && len(k.Gaps) <= gapsMax {
			continue // the freezes of those days are being fetched anyway
		}
		if at < 0 || cmp.Or(cmp.Compare(k.Gaps[at].Source, g.Source), cmp.Compare(g.From, k.Gaps[at].From)) < 0 {
			at = i
		}
	}
	return at
}

// name stores the gap as a record: nobody will fill it.
func (h *History) name(k *known, at int) error {
	g := k.Gaps[at]
	if g.Why == "" {
		g.Why = whyNotKept
	}
	polls := uint64(max(g.To-g.open(), 0)) / uint64(max(h.opt.Interval.Milliseconds(), 1))
	was := k.Gaps
	k.Gaps = slices.Delete(slices.Clone(k.Gaps), at, at+1)
	if err := h.put(k, []protocol.Entry{gapEntry(k.Ref(), g.open(), g.To, g.Why, polls)}); err != nil {
		k.Gaps = was
		return err
	}
	h.log.Warn("gap cannot be filled", "meter", k.Ref().Address, "from", time.UnixMilli(g.open()), "to", time.UnixMilli(g.To), "reason", g.Why)
	return nil
}

// stamped notes that the source has told the registers at stamp. What lies uncovered before it goes to the next source.
func (h *History) stamped(k *known, at int, stamp int64) {
	g := &k.Gaps[at]
	h.leave(k, at, g.open(), stamp)
	k.Gaps[at].At = stamp
}

// leave hands [from, to) to the next source when it is too long for this one to have nothing missing.
func (h *History) leave(k *known, at int, from, to int64) {
	g := k.Gaps[at]
	covered := h.covers(g.Source)
	if g.Source == fromProfile && k.deltas >= deltasMin {
		covered = max(covered, k.step+late.Milliseconds())
	}
	if to-from <= covered {
		return
	}
	why := g.Why
	if h.memoOf(k, g.Source).Kept == keeps {
		switch {
		case g.Tries >= triesMax:
			why = whyOdd
		case g.Reach || from > g.From:
			why = whyPower
		default:
			why = whyOld
		}
	}
	k.Gaps = append(k.Gaps, gap{From: from, To: to, Source: g.Source + 1, Why: why, Moved: g.Moved})
}

// done closes a gap for its source.
func (h *History) done(k *known, at int) error {
	g := k.Gaps[at]
	h.leave(k, at, g.open(), g.To)
	k.Gaps = slices.Delete(k.Gaps, at, at+1)
	return h.save(k)
}

// pass hands a gap to the next source, which it is as new to.
func (h *History) pass(k *known, at int) error {
	g := k.Gaps[at]
	k.Gaps[at] = gap{From: g.From, To: g.To, Source: g.Source + 1, Why: g.Why, Moved: g.Moved}
	return h.save(k)
}

func (h *History) memoOf(k *known, source int) *memo {
	switch source {
	case fromProfile:
		return &k.Profile
	case fromHourly:
		return &k.Hourly
	}
	return &k.Daily
}

// triesMax bounds how often an answer that cannot be used is asked for.
const triesMax = 5

// odd counts an answer that could not be used, and gives up on the source after some.
func (h *History) odd(k *known, at int, err error) error {
	h.log.Warn("record of a meter not usable", "meter", k.Ref().Address, "error", err)
	k.Gaps[at].Tries++
	if k.Gaps[at].Tries < triesMax {
		return nil
	}
	return h.done(k, at)
}

// fillFromDays looks which of the daily freezes, that are read in any case, lie inside a gap.
func (h *History) fillFromDays(k *known, at int) error {
	g := &k.Gaps[at]
	drift := k.drift().Milliseconds()
	for _, stamp := range k.Days {
		switch on := stamp - drift; {
		case on <= g.From:
			g.Reach = true
		case on < g.To:
			h.stamped(k, at, on)
			g = &k.Gaps[at]
		}
	}
	if g.At == 0 && g.To-g.From <= h.covers(fromDaily) { // no midnight in it: what finer sources said stays true
		k.Gaps[at].Source = fromNothing
		return h.name(k, at)
	}
	return h.done(k, at)
}
