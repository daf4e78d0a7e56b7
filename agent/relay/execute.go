package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/protocol"
)

const (
	// frameAhead bounds how far in the future a frame's own deadline may lie: a meter that was asleep must not obey later.
	frameAhead = 5 * time.Minute
	// closeTries bounds the frames of a close or permit; closeSpacing is the pause between them.
	closeTries, closeSpacing = 3, 2 * time.Second
	// stepMax is how far our clock may be set while a meter is read before its trip: the meter's drift would be wrong.
	stepMax = 2 * time.Second
	// evidenceRoom is what an outcome takes at most; without it no trip.
	evidenceRoom = 16 << 10
)

// snapshot is what the meter said right before the frame.
type snapshot struct {
	relay     protocol.RelayReport
	energy    int64 // mWh
	hasEnergy bool
	drift     time.Duration
}

// act is one order being carried out. It lives on its line's worker.
type act struct {
	*Executor
	o    *protocol.Order
	m    meter.Driver
	out  protocol.Outcome
	prev entry

	offset time.Duration // of our clock from the gateway's when the meter was read
}

// execute takes one order to its end, or leaves it: lower numbers and orders already answered are ignored, and a close
// whose meter does not answer is left to the gateway's next repeat.
func (e *Executor) execute(ctx context.Context, o *protocol.Order) error {
	log := e.log.With("order", fmt.Sprintf("%d/%d/%d", o.ID.Generation, o.ID.SlotEpoch, o.ID.Number), "meter", o.Meter.Address, "line", o.Meter.Line)
	a := &act{Executor: e, o: o, m: e.drivers[o.Meter], out: protocol.Outcome{Order: o.ID, Meter: o.Meter, Action: o.Action}}
	prev, known := e.last(o.Meter)
	if known {
		switch c := o.ID.Compare(prev.id()); {
		case c < 0:
			log.Warn("order ignored, a newer one is known", "newest", prev.id())
			return nil
		case c == 0 && !prev.Armed:
			log.Debug("order ignored, already answered") // its outcome is in the evidence lane until acknowledged
			return nil
		case c == 0 && (o.Action == protocol.ActionTrip || prev.Action != o.Action):
			log.Warn("order ignored, it was interrupted and is being read back")
			return nil
		case c == 0:
			a.prev = prev // an interrupted close: again, until its deadline
		case prev.Armed:
			if err := e.report(ctx, o.Meter, prev); err != nil || ctx.Err() != nil {
				return err
			}
		}
	}
	log.Info("order taken", "action", o.Action, "account", o.Account, "reason", o.Reason)
	r := e.verify(o, time.Now())
	if r != nil && r.rule == ruleFloor {
		if r = a.doubt(ctx, r); ctx.Err() != nil {
			return nil
		}
	}
	if r == nil && e.superseded(o) {
		r = refuse("superseded", "%v", errSuperseded)
	}
	if r == nil {
		var left bool
		if r, left = a.perform(ctx); left {
			return nil
		}
	}
	if r != nil {
		a.out.State, a.out.Rule, a.out.Detail = r.state, r.rule, r.detail
	}
	log.Info("order ended", "state", a.out.State, "rule", a.out.Rule, "detail", a.out.Detail)
	return a.end(ctx)
}

// perform reads, arms, sends and reads back. left: the order stays as the journal has it, without an outcome.
func (a *act) perform(ctx context.Context) (r *refusal, left bool) {
	trip := a.o.Action == protocol.ActionTrip
	a.offset = a.clock.Offset()
	snap, err := a.before(ctx)
	if ctx.Err() != nil {
		return nil, true
	}
	if err != nil {
		a.log.Warn("meter not read before its relay", "meter", a.o.Meter.Address, "error", err)
		if !trip {
			return nil, true // closes are never refused for a meter's silence: the gateway repeats, we try again
		}
		return refuse(lineRule(err), "not read before the trip, so not tripped: %v", err), false
	}
	a.out.Before, a.out.Energy = snap.relay, snap.energy
	if state, ok := reached(a.o.Action, snap.relay); ok {
		a.out.State, a.out.After, a.out.Detail = state, snap.relay, "the relay was already "+word(snap.relay.Open)+"; no frame was sent"
		if state == protocol.OutcomePermitted {
			a.out.Detail = "closing was already permitted; no frame was sent"
		}
		return nil, false
	}
	if r := judgeBefore(a.o, snap); r != nil {
		a.out.After = snap.relay
		return r, false
	}
	if trip && !a.box.HasRoom(evidenceRoom) {
		return refuse("disk", "the outbox has no room for the evidence"), false
	}
	return a.switchRelay(ctx, snap)
}

// before reads relay, registers and clock, fresh, and stores them as readings too.
func (a *act) before(ctx context.Context) (s snapshot, err error) {
	trip := a.o.Action == protocol.ActionTrip
	c := a.call("read before trip")
	if !trip {
		c.Note = "read before close"
	}
	c.Alone = trip // a close may go to two meters of one address; nobody is worse off
	var readings []protocol.Reading
	err = a.thrice(ctx, func() error {
		r, at, err := a.m.Relay(ctx, c)
		if err == nil {
			s.relay = r
			readings = append(readings, meter.RelayReading(a.o.Meter, r, at))
		}
		return err
	})
	if err == nil && trip {
		err = a.thrice(ctx, func() error {
			twice := c
			twice.Twice = true // what a trip rests on, and is billed to
			rs, err := a.m.Energy(ctx, twice)
			if err != nil {
				return err // what came of it is no ground
			}
			for _, r := range rs {
				r.Method = protocol.MethodTrip
				readings = append(readings, r)
				if r.Quantity == protocol.ActiveImport && r.Register == 0 {
					s.energy, s.hasEnergy = milliwattHours(r.Value, r.Exp)
				}
			}
			return nil
		})
	}
	if err == nil && a.m.Can().Clock {
		err = a.thrice(ctx, func() error {
			drift, at, err := a.m.Clock(ctx, c)
			if err == nil {
				s.drift = drift
				readings = append(readings, meter.ClockReading(a.o.Meter, drift, at))
			}
			return err
		})
		if !trip && (errors.Is(err, meter.ErrRefused) || errors.Is(err, meter.ErrClock)) {
			err = nil // a close may go by our own clock: a flat battery in the meter must not keep anybody in the dark
		}
		if errors.Is(err, meter.ErrRefused) || errors.Is(err, meter.ErrClock) {
			err = fmt.Errorf("%w: %w", errNoClock, err)
		}
	}
	a.store(readings)
	return s, err
}

// thrice repeats a read that met silence or noise. A refusal is an answer, and so is a doubt: of two meters with one address
// the second may keep still the next time, and the doubt be forgotten.
func (a *act) thrice(ctx context.Context, read func() error) (err error) {
	for range 3 {
		if err = read(); err == nil || ctx.Err() != nil {
			break
		}
		for _, final := range [...]error{meter.ErrRefused, meter.ErrClock, meter.ErrTwo, meter.ErrDisagree, line.ErrDown, line.ErrTooLate} {
			if errors.Is(err, final) {
				return err
			}
		}
	}
	return err
}

// store puts what was read into the readings lane as well; a full lane does not stop an order, the evidence has it.
func (a *act) store(readings []protocol.Reading) {
	entries := make([]protocol.Entry, 0, len(readings))
	for _, r := range readings {
		if !a.clock.Trusted() {
			r.Quality |= protocol.QualityClockUntrusted
		}
		entries = append(entries, protocol.Entry{Reading: r})
	}
	if err := a.box.Append(entries); err != nil {
		a.log.Warn("readings of an order not stored", "error", err)
	}
}

// switchRelay arms the journal and sends: a trip once, a close up to three times. Then the relay is read back, and
// only that counts.
func (a *act) switchRelay(ctx context.Context, snap snapshot) (*refusal, bool) {
	trip := a.o.Action == protocol.ActionTrip
	deadline := a.local(a.o.Deadline)
	tries := closeTries
	if trip {
		tries = 1
	}
	en := entryFor(a.o.ID)
	en.Action, en.Armed, en.DeadlineMS, en.Before, en.EnergyMWh = a.o.Action, true, a.o.Deadline, snap.relay, snap.energy
	var r *refusal
	for try := range tries {
		if try > 0 && (!wait(ctx, closeSpacing) || !time.Now().Before(deadline)) {
			break
		}
		en.Frames, en.AtMS = a.prev.Frames+try+1, time.Now().UnixMilli()
		switch err := a.save(a.o.Meter, en); { // "about to do #N", on disk before the coil moves
		case err == nil:
		case !trip && errors.Is(err, outbox.ErrFull):
			// A close may be repeated, so its number need not be on disk first: a full disk keeps nobody in the dark.
			a.log.Error("journal not written, closing all the same", "error", err)
		default:
			a.log.Error("journal not written, no frame sent", "error", err)
			if r != nil {
				return r, false // an earlier try that was sent says more
			}
			return refuse("disk", "the journal could not be written: %v", err), false
		}
		sent, err := a.frame(ctx, snap, deadline)
		if err != nil {
			a.log.Warn("relay frame", "meter", a.o.Meter.Address, "sent", sent, "error", err)
		}
		if !sent {
			if ctx.Err() != nil {
				return nil, true
			}
			u := unsent(err)
			if r == nil || r.state == protocol.OutcomeRefused { // an earlier try that was sent says more
				r = u
			}
			if trip || u.rule == "superseded" || u.state == protocol.OutcomeExpired {
				return r, false
			}
			continue
		}
		var back error
		a.out.After, back = a.readBack(ctx)
		if ctx.Err() != nil {
			return nil, true // stays armed: the next start reads the relay
		}
		if r = a.judgeAfter(err, back); r == nil || errors.Is(err, meter.ErrPassword) {
			return r, false // never a second frame after a refused password: meters lock the level
		}
	}
	if ctx.Err() != nil {
		return nil, true
	}
	return r, false
}

// frame sends the one control frame. Its deadline is in meter time and at most five minutes ahead.
func (a *act) frame(ctx context.Context, snap snapshot, deadline time.Time) (sent bool, err error) {
	until := time.Now().Add(frameAhead)
	if deadline.Before(until) {
		until = deadline
	}
	c := a.call(map[protocol.Action]string{protocol.ActionTrip: "trip", protocol.ActionPermit: "close permit", protocol.ActionClose: "close"}[a.o.Action])
	return a.m.Switch(ctx, c, meter.Command{
		Action: a.o.Action, Order: a.o.ID, Password: a.o.Password, Operator: a.o.Operator, Deadline: until, Drift: snap.drift,
		Before: func() error {
			if a.superseded(a.o) {
				return errSuperseded
			}
			if !time.Now().Before(a.local(a.o.Deadline)) {
				return line.ErrTooLate // by our clock as it is now: it may have been set while the meter was read
			}
			if a.o.Action == protocol.ActionTrip && (a.clock.Offset()-a.offset).Abs() > stepMax {
				return errStep
			}
			if a.opt.Hooks.BeforeFrame != nil {
				a.opt.Hooks.BeforeFrame()
			}
			return nil
		},
		After: a.opt.Hooks.AfterFrame,
	})
}

// readBack reads the relay until it is as asked for, three tries over some seconds; the last answer counts. The error
// is nil when any try was answered.
func (a *act) readBack(ctx context.Context) (r protocol.RelayReport, err error) {
	c := a.call("read back")
	c.NotAfter = time.Time{} // the order's deadline does not bind reading
	answered := false
	for _, pause := range a.opt.ReadBack {
		if !wait(ctx, pause) {
			return r, ctx.Err()
		}
		got, at, rerr := a.m.Relay(ctx, c)
		if rerr != nil {
			err = rerr
			continue
		}
		r, answered = got, true
		a.store([]protocol.Reading{meter.RelayReading(a.o.Meter, r, at)})
		if _, ok := reached(a.o.Action, r); ok {
			break
		}
	}
	if answered {
		err = nil
	}
	return r, err
}

// call is how this order's exchanges talk.
func (a *act) call(note string) meter.Call {
	return meter.Call{Order: true, NotAfter: a.local(a.o.Deadline), Note: note, Trace: func(f protocol.FrameEvidence) {
		if len(a.out.Frames) == protocol.MaxFrames { // the frame that moved the relay and what was read after it are the proof
			a.out.Frames = append(a.out.Frames[:0], a.out.Frames[1:]...)
		}
		a.out.Frames = append(a.out.Frames, f)
	}}
}

// end writes outcome and journal in one commit. While the disk is full it waits: an order without its evidence is not
// at its end, and no other order of this line begins.
func (a *act) end(ctx context.Context) error {
	a.out.At = time.Now().UnixMilli()
	en := entryFor(a.o.ID)
	en.Action, en.DeadlineMS, en.AtMS, en.Before, en.EnergyMWh = a.o.Action, a.o.Deadline, a.out.At, a.out.Before, a.out.Energy
	return a.Executor.end(ctx, a.out, en)
}

func (e *Executor) end(ctx context.Context, out protocol.Outcome, en entry) error {
	for {
		err := e.save(out.Meter, en, protocol.Evidence{Outcome: &out})
		if !errors.Is(err, outbox.ErrFull) {
			return err
		}
		e.log.Error("no room for the evidence of an order, waiting", "order", out.Order, "error", err)
		if !wait(ctx, 5*time.Second) {
			return nil
		}
	}
}
