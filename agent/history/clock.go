package history

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"feikong/agent/meter"
	"feikong/protocol"
)

const (
	// clockLeast, clockMost bound what a broadcast may correct: below, a meter is right (State Grid allows 10 s); above,
	// meters ignore it (DL/T 645-2007: five minutes).
	clockLeast, clockMost = 5 * time.Second, 5 * time.Minute
	// quietZone is kept around midnight and boundaries: a freeze must be made once, and at its instant.
	quietZone = 15 * time.Minute
	// A clock that nobody sets gains or loses half a second a day (DL/T 614); what moves further was set.
	stepMin, stepPerDay = 5 * time.Second, 2 * time.Second
	// offAgain is how often an error is told that nobody corrects.
	offAgain = 24 * time.Hour
	// movedMin is a step of a meter's clock that makes what it kept before hard to date.
	movedMin = time.Minute
	day      = 24 * time.Hour
)

// drifts looks at the drifts that were read since, and reads that of a meter whose history is to be dated: with the power
// its clock may have gone.
func (h *History) drifts(ctx context.Context, now time.Time) (bool, error) {
	for _, k := range h.meters {
		d, ok := k.Driver.(meter.Drifter)
		if !ok {
			continue
		}
		if _, at := d.Drift(); k.undated(at) && !k.mute && k.keeper != nil && k.Can().Clock && h.ready(k, now) {
			return true, h.readClock(ctx, now, k, "read for its history")
		}
		if err := h.judge(k, now); err != nil {
			return false, err
		}
	}
	return false, nil
}

// undated says that the clock was not compared since the meter's newest gap.
func (k *known) undated(at time.Time) bool {
	return at.IsZero() || len(k.Gaps) > 0 && at.UnixMilli() < k.since
}

// clocks tells the line the time where that is allowed, and reads back.
func (h *History) clocks(ctx context.Context, now time.Time) (bool, error) {
	for len(h.verify) > 0 {
		k := h.verify[0]
		h.verify = h.verify[1:]
		if h.ready(k, now) && k.Can().Clock {
			return true, h.readClock(ctx, now, k, "read back")
		}
	}
	if k := h.wrong(now); k != nil {
		return true, h.tell(ctx, now, k)
	}
	return false, nil
}

// judge compares a newly read drift with the one before; not while nobody knows whose clock is off.
func (h *History) judge(k *known, now time.Time) error {
	drift, at := k.Driver.(meter.Drifter).Drift()
	on := at.UnixMilli()
	if at.IsZero() || on <= k.DriftAt || !h.opt.Trusted() {
		return nil
	}
	before, beforeAt := time.Duration(k.Drift)*time.Millisecond, k.DriftAt
	k.Drift, k.DriftAt = drift.Milliseconds(), on
	told := h.line.Broadcast >= beforeAt && h.line.Broadcast <= on
	allowed := stepMin + time.Duration(float64(stepPerDay)*float64(on-beforeAt)/float64(day.Milliseconds()))
	step := drift - before
	if beforeAt != 0 && step.Abs() > movedMin {
		k.doubt(on)
	}
	if beforeAt != 0 && step.Abs() > allowed && !(told && drift.Abs() < before.Abs()) {
		if err := h.alarm(k, "clock-step", "the meter's clock moved by %v since %s, and nobody here set it", step.Round(time.Second), time.UnixMilli(beforeAt).UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	if drift.Abs() > clockMost && now.UnixMilli()-k.OffAt >= offAgain.Milliseconds() {
		k.OffAt = now.UnixMilli()
		if err := h.alarm(k, "clock-off", "the meter's clock is %v off; a broadcast corrects at most %v, so it must be set at the meter", drift.Round(time.Second), clockMost); err != nil {
			return err
		}
	}
	return h.save(k)
}

// wrong is a meter whose clock a broadcast may correct now; nil when there is none, or it is not allowed.
func (h *History) wrong(now time.Time) *known {
	if !h.opt.Broadcast || !h.opt.Trusted() || h.opt.Busy != nil && h.opt.Busy() || now.UnixMilli()-h.line.Broadcast < day.Milliseconds() {
		return nil
	}
	for _, k := range h.meters {
		drift := time.Duration(k.Drift) * time.Millisecond
		if _, ok := k.Driver.(meter.Setter); !ok || !h.ready(k, now) || k.DriftAt == 0 || now.UnixMilli()-k.DriftAt > (day+time.Hour).Milliseconds() {
			continue
		}
		if drift.Abs() > clockLeast && drift.Abs() <= clockMost && h.far(now) {
			return k
		}
	}
	return nil
}

// far says that no boundary is near, by our clock or by that of a meter of the line.
func (h *History) far(now time.Time) bool {
	on := []time.Time{now}
	for _, k := range h.meters {
		on = append(on, now.Add(time.Duration(k.Drift)*time.Millisecond))
	}
	for _, t := range on {
		if len(h.near(t.Add(-quietZone), t.Add(quietZone))) > 0 {
			return false
		}
	}
	return true
}

// tell broadcasts the time (广播校时): once a day, and noted before, so that a crash does not make it twice.
func (h *History) tell(ctx context.Context, now time.Time, k *known) error {
	h.line.Broadcast = now.UnixMilli()
	if err := h.mem.save(func(tx *bolt.Tx) error { return store(tx, lineKey(h.opt.Line), h.line) }); err != nil {
		return err
	}
	err := k.Driver.(meter.Setter).BroadcastTime(ctx, meter.Call{Note: "broadcast time", NotAfter: now.Add(time.Minute)}, time.Now())
	h.log.Info("time broadcast", "for", k.Ref().Address, "drift", time.Duration(k.Drift)*time.Millisecond, "error", err)
	h.verify = append(h.verify[:0], h.meters...)
	return nil
}

// readClock reads a clock and stores what it shows.
func (h *History) readClock(ctx context.Context, now time.Time, k *known, note string) error {
	drift, at, err := k.Clock(ctx, meter.Call{Note: note})
	if err != nil {
		k.mute = !h.lost(k, now, err)
		if k.mute {
			h.log.Warn("clock not read", "meter", k.Ref().Address, "error", err)
		}
		return nil
	}
	k.mute = false
	if note == "read back" && drift.Abs() > clockLeast {
		h.log.Warn("meter did not take the time", "meter", k.Ref().Address, "drift", drift)
	}
	if err := h.put(k, []protocol.Entry{{Reading: meter.ClockReading(k.Ref(), drift, at)}}); err != nil {
		return err
	}
	if _, ok := k.Driver.(meter.Drifter); !ok {
		return nil
	}
	return h.judge(k, now)
}
