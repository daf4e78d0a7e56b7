package history

import (
	"context"
	"slices"
	"time"

	"feikong/agent/meter"
	"feikong/protocol"
)

const (
	// around is how far from a boundary a snapshot may be taken (the policy's ±5 minutes).
	around = 5 * time.Minute
	// each is what one meter's snapshot takes at 2400 baud, read twice; a long line begins before the boundary.
	each = 1500 * time.Millisecond
	// missedFor is how long a boundary without a snapshot is worth a gap of its own; longer outages have theirs.
	missedFor = 24 * time.Hour
)

// snapshot reads the registers around a boundary, twice, of one meter that has no freeze for it. A boundary that went by
// without gets a gap.
func (h *History) snapshot(ctx context.Context, now time.Time) (bool, error) {
	lead := min(max(time.Duration(len(h.meters))*each-around+time.Minute, 0), around-time.Minute)
	list := h.near(now.Add(-missedFor), now.Add(lead))
	for _, b := range list {
		passed := now.UnixMilli() > b+around.Milliseconds()
		for _, k := range h.meters {
			switch {
			case k.record.Seen == 0 || k.Snap >= b || k.frozenAt(h, b):
			case passed && now.UnixMilli()-k.record.Seen > h.holeAfter().Milliseconds(): // it is away; when it is back, a gap opens around b
			case passed:
				return true, h.missed(k, b)
			case !now.Before(k.until):
				return true, h.snap(ctx, now, k, b)
			}
		}
	}
	return false, nil
}

// near lists the boundaries in [from, to]: the gateway's, and each midnight.
func (h *History) near(from, to time.Time) []int64 {
	list := h.mem.told(from.UnixMilli(), to.UnixMilli())
	for t := midnightBefore(from, h.opt.Zone); !t.After(to); t = midnightBefore(t.Add(36*time.Hour), h.opt.Zone) {
		if !t.Before(from) {
			list = append(list, t.UnixMilli())
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// frozenAt says that the meter itself keeps the registers of a boundary: its daily freeze those of midnight, as far as its
// clock knows when that is.
func (k *known) frozenAt(h *History, b int64) bool {
	at := time.UnixMilli(b)
	return k.keeper != nil && k.Daily.Kept == keeps && !k.Odd && !k.Ceased && k.drift().Abs() <= around && at.Equal(midnightBefore(at, h.opt.Zone))
}

func (h *History) snap(ctx context.Context, now time.Time, k *known, b int64) error {
	h.snapping = true
	rs, err := k.Energy(ctx, meter.Call{Twice: true})
	if err != nil {
		if h.lost(k, now, err) {
			k.pause, k.until = 0, now.Add(max(around/8, time.Second)) // the window is short; its few tries are the bound
			return nil
		}
		h.log.Warn("no snapshot", "meter", k.Ref().Address, "error", err)
		k.until = now.Add(around / 8)
		return nil
	}
	drift := k.drift()
	for i := range rs {
		rs[i].Method = protocol.MethodSnapshot
		if k.DriftAt != 0 {
			rs[i].MeterTime = time.UnixMilli(rs[i].TakenAt).Add(drift).UnixMilli()
		}
		if d := rs[i].TakenAt - b; d > around.Milliseconds() || d < -around.Milliseconds() { // it took too long: it is a poll
			return nil
		}
	}
	was := k.Snap
	k.Snap = b
	if err := h.put(k, entries(rs)); err != nil {
		k.Snap = was
		return err
	}
	h.seen(k, now.UnixMilli()) // a meter that is back may be heard here first
	return nil
}

// missed names a boundary that went by. Where a gap is open around it, that gap says more.
func (h *History) missed(k *known, b int64) error {
	was := k.Snap
	k.Snap = b
	var out []protocol.Entry
	if !slices.ContainsFunc(k.Gaps, func(g gap) bool { return g.From < b && b < g.To }) {
		out = append(out, gapEntry(k.Ref(), b-around.Milliseconds(), b+around.Milliseconds(), whySnap, 1))
	}
	if err := h.put(k, out); err != nil {
		k.Snap = was
		return err
	}
	return nil
}
