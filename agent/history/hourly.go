package history

import (
	"context"
	"errors"
	"time"

	"feikong/agent/meter"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// hourlyMax are the hourly freezes a meter keeps.
const hourlyMax = 254

// fillFromHourly reads one hourly freeze (整点冻结): first to find the oldest that is wanted by halving, eight reads at most,
// then down to the newest. Each freeze that the meter makes meanwhile moves all by one, so that the next number down skips
// a record: before a hole is believed, the numbers above are read.
func (h *History) fillFromHourly(ctx context.Context, now time.Time, k *known, at int) (bool, error) {
	g := &k.Gaps[at]
	if k.Hourly.Kept != keeps {
		return h.ask(k, at, now, &k.Hourly, func() error {
			_, _, err := k.keeper.Frozen(ctx, meter.Call{}, dlt645.FreezeHourlyKind, 1)
			return err
		})
	}
	filled := g.open()
	if g.Nth == 0 && g.High == 0 {
		g.High = min(hourlyMax, int((now.UnixMilli()-filled)/time.Hour.Milliseconds())+2) + 1
	}
	searching := g.Nth == 0
	nth := g.Nth
	if searching {
		if g.High-g.Low <= 1 {
			if g.Low == 0 {
				return true, h.done(k, at)
			}
			g.Nth = g.Low
			return true, nil
		}
		nth = (g.Low + g.High) / 2
	}
	rs, stamp, err := k.keeper.Frozen(ctx, meter.Call{}, dlt645.FreezeHourlyKind, nth)
	none := errors.Is(err, meter.ErrNoRecord)
	if err != nil && !none {
		if h.lost(k, now, err) {
			return true, nil
		}
		if !searching && g.Nth > 1 { // one odd record among many is left out, and named
			h.log.Warn("record of a meter not usable", "meter", k.Ref().Address, "error", err)
			g.Nth--
			return true, h.save(k)
		}
		return true, h.odd(k, at, err)
	}
	on := stamp.Add(-k.drift()).UnixMilli()
	switch {
	case searching && !none && on > filled:
		g.Low = nth
		return true, nil
	case searching:
		g.High, g.Reach = nth, g.Reach || !none
		return true, nil
	case !none && on-filled > h.covers(fromHourly) && nth < hourlyMax && (g.Behind == 0 || on < g.Behind):
		g.Behind, g.Nth = on, nth+1
		return true, nil
	case !none && on >= g.To:
		return true, h.done(k, at)
	}
	was := k.Gaps
	k.Gaps = append([]gap(nil), k.Gaps...)
	k.Gaps[at].Nth--
	var out []protocol.Entry
	if !none && on > filled {
		k.Gaps[at].Behind = 0
		for _, r := range rs {
			out = append(out, g.entry(r))
		}
		h.stamped(k, at, on)
	}
	err = h.put(k, out)
	if err == nil && k.Gaps[at].Nth == 0 {
		err = h.done(k, at)
	}
	if err != nil {
		k.Gaps = was
	}
	return true, err
}
