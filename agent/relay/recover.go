package relay

import (
	"context"
	"time"

	"feikong/protocol"
)

// recoverTries bounds how often a relay is read after a restart before its order ends as unknown: the line may need
// some seconds to come up.
const recoverTries = 5

// recover reads the relay of every order that was armed when the agent stopped, before the line takes new orders. A
// trip ends here, whatever is found: its frame is never sent again. A close that is not closed stays armed until its
// deadline, so that the gateway's repeat can try again.
func (e *Executor) recover(ctx context.Context, line string) error {
	for ref, en := range e.armed(line) {
		e.log.Warn("order was interrupted", "order", en.id(), "meter", ref.Address, "action", en.Action)
		if en.Action != protocol.ActionTrip && time.Now().Before(e.local(en.DeadlineMS)) {
			a := e.revive(ref, en)
			r, _, err := a.m.Relay(ctx, a.call("read after restart"))
			if _, ok := reached(en.Action, r); err != nil || !ok {
				continue
			}
		}
		if err := e.report(ctx, ref, en); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// reportOverdue ends interrupted closes whose deadline passed without a repeat.
func (e *Executor) reportOverdue(ctx context.Context, line string) error {
	for ref, en := range e.armed(line) {
		if time.Now().Before(e.local(en.DeadlineMS)) {
			continue
		}
		if err := e.report(ctx, ref, en); err != nil {
			return err
		}
	}
	return nil
}

func (e *Executor) armed(line string) map[protocol.MeterRef]entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[protocol.MeterRef]entry{}
	for ref, en := range e.journal.entries {
		if en.Armed && ref.Line == line && e.drivers[ref] != nil {
			out[ref] = en
		}
	}
	return out
}

// revive is an interrupted order as far as the journal has it: enough to read and report, not to send.
func (e *Executor) revive(ref protocol.MeterRef, en entry) *act {
	o := &protocol.Order{ID: en.id(), Agent: e.opt.Agent, Meter: ref, Action: en.Action, Deadline: en.DeadlineMS}
	return &act{Executor: e, o: o, m: e.drivers[ref], prev: en,
		out: protocol.Outcome{Order: o.ID, Meter: ref, Action: en.Action, Before: en.Before, Energy: en.EnergyMWh, Recovered: true}}
}

// report reads the relay of an interrupted order and ends it with what is found.
func (e *Executor) report(ctx context.Context, ref protocol.MeterRef, en entry) error {
	a := e.revive(ref, en)
	var err error
	pause := time.Second
	for try := range recoverTries {
		if try > 0 && !wait(ctx, pause) {
			return nil // still armed
		}
		if a.out.After, err = a.readBack(ctx); err == nil {
			break
		}
		pause *= 2
	}
	if ctx.Err() != nil {
		return nil
	}
	if r := a.judgeAfter(nil, err); r != nil {
		a.out.State, a.out.Rule, a.out.Detail = r.state, r.rule, r.detail
	}
	a.out.Detail += " after a restart; no frame was sent again"
	e.log.Info("order ended after a restart", "order", en.id(), "meter", ref.Address, "state", a.out.State, "rule", a.out.Rule)
	return a.end(ctx)
}
