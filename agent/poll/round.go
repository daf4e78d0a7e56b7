package poll

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/protocol"
)

// quota is how many reads beside the energy a round has place for, so that they do not all fall into one.
type quota struct{ relays, clocks int }

// per is the share of n meters that a round of this length must take for each to have its turn every interval.
func per(n int, round, interval time.Duration) int {
	if interval <= round {
		return n
	}
	return int((time.Duration(n)*round + interval - 1) / interval)
}

// Round reads every meter that answers, then probes silent ones until one stays silent: each costs a whole timeout. When
// the line is down it ends early: the others are down too.
func (p *Poller) Round(ctx context.Context) error {
	start := time.Now()
	p.number++
	slices.SortStableFunc(p.order, func(a, b *state) int {
		ab, ap := a.framing()
		bb, bp := b.framing()
		return cmp.Or(cmp.Compare(ab, bb), cmp.Compare(ap, bp))
	})
	long := max(p.opt.Interval, p.took)
	p.quota = quota{per(len(p.order), long, p.opt.Relay), per(len(p.order), long, p.opt.Clock)}
	share := shareMin
	if p.visits > 0 {
		share = max(share, shareTimes*p.took/time.Duration(p.visits))
	}
	visits := 0
	for i, m := range p.order {
		if ctx.Err() != nil {
			return nil
		}
		if m.silent() {
			continue
		}
		visits++
		if down, err := p.visit(ctx, m, share, len(p.order)-i); down || err != nil {
			return err
		}
	}
	for m := p.probe(time.Now()); m != nil && ctx.Err() == nil; m = p.probe(time.Now()) {
		visits++
		if down, err := p.visit(ctx, m, share, len(p.order)-visits+1); down || err != nil {
			return err
		}
		if m.silent() {
			break
		}
	}
	p.took, p.visits = time.Since(start), visits
	return p.store.flush()
}

// visit reads one meter and judges it. rest is how many polls do not happen if the line turns out to be down. The error is
// the outbox's.
func (p *Poller) visit(ctx context.Context, m *state, share time.Duration, rest int) (down bool, err error) {
	err = p.read(ctx, m, meter.Call{NotAfter: time.Now().Add(share)})
	if errors.Is(err, line.ErrDown) || errors.Is(err, line.ErrLost) {
		p.lineDown(uint64(max(rest, 0)))
		return true, p.store.flush()
	}
	if ctx.Err() != nil {
		return false, nil
	}
	p.judge(m, err)
	if p.store.old() {
		return false, p.store.flush()
	}
	return false, nil
}

// read does what is due on one meter. The error is that of the energy read; a meter that tells its energy but not its
// relay is not silent.
func (p *Poller) read(ctx context.Context, m *state, c meter.Call) error {
	readings, err := m.Energy(ctx, c)
	switch {
	case err == nil:
		m.retries = min(m.retries+1, retriesMax)
	case m.misses == 0 && p.again(ctx, m, err):
		readings, err = m.Energy(ctx, c)
	}
	if err != nil {
		return err
	}
	p.lineUp()
	p.add(readings...)
	now := time.Now()
	if p.opt.History != nil {
		p.opt.History.Seen(m.Driver, now, readings)
	}
	p.extras(ctx, m, c, now, &p.quota)
	return nil
}

// extras reads the relay and the clock when they are due, at most once a round, and as far as the quota goes; nil: as
// far as there is time.
func (p *Poller) extras(ctx context.Context, m *state, c meter.Call, now time.Time, q *quota) {
	soon := now.Add(p.opt.Interval / 2) // what falls due before half a round has passed is due now
	relay := !m.noRelay && !soon.Before(m.relayAt) && (q == nil || q.relays > 0)
	clock := !m.noClock && !soon.Before(m.clockAt) && (q == nil || q.clocks > 0)
	if q == nil && m.tried == p.number {
		return
	}
	if relay {
		m.tried = p.number
		if q != nil {
			q.relays--
		}
		r, at, err := m.Relay(ctx, c)
		if p.again(ctx, m, err) {
			r, at, err = m.Relay(ctx, c)
		}
		switch {
		case err == nil && r.Known:
			p.add(meter.RelayReading(m.Ref(), r, at))
			m.relayAt = now.Add(p.opt.Relay)
		case errors.Is(err, meter.ErrRefused), err == nil:
			m.relayAt = now.Add(10 * p.opt.Relay) // an old edition without status word 3; ask seldom
		case !unasked(err):
			m.relayAt = now.Add(p.opt.Relay)
		}
	}
	if clock {
		m.tried = p.number
		if q != nil {
			q.clocks--
		}
		drift, at, err := m.Clock(ctx, c)
		if p.again(ctx, m, err) {
			drift, at, err = m.Clock(ctx, c)
		}
		switch {
		case err == nil:
			p.add(meter.ClockReading(m.Ref(), drift, at))
			m.clockAt = now.Add(p.opt.Clock)
		case errors.Is(err, meter.ErrRefused):
			m.clockAt = now.Add(p.opt.Clock)
		case !unasked(err):
			m.clockAt = now.Add(p.opt.Clock / clockAgain)
		}
	}
}

// clockAgain: a clock that could not be read is asked for so much sooner. Whoever does not answer to an item waits for its next
// turn like everybody: some meters are silent to what they do not know, and would have all the turns there are.
const clockAgain = 8

// unasked says that an error is not the meter's: what was to be asked was not.
func unasked(err error) bool {
	return errors.Is(err, line.ErrTooLate) || errors.Is(err, line.ErrDown) || errors.Is(err, line.ErrLost) || errors.Is(err, context.Canceled)
}

// again says that a read is tried once more, and pays for it: noise hits one frame, seldom two.
func (p *Poller) again(ctx context.Context, m *state, err error) bool {
	if m.retries < retryCost || !errors.Is(err, line.ErrSilent) || ctx.Err() != nil {
		return false
	}
	m.retries -= retryCost
	return true
}

// add puts readings into the round, marked when our clock is not trusted.
func (p *Poller) add(readings ...protocol.Reading) {
	var q protocol.Quality
	if !p.trusted() {
		q = protocol.QualityClockUntrusted
	}
	for _, r := range readings {
		r.Quality |= q
		p.store.add(protocol.Entry{Reading: r})
	}
}

func (p *Poller) lineDown(missed uint64) {
	if p.downAt.IsZero() {
		p.downAt = time.Now()
	}
	p.downFor += missed
}

// lineUp ends a time without the line. Where nobody fills what was missed, the hole gets its name in the lane at once; a
// History names what is still missing of each meter when it has done what it can.
func (p *Poller) lineUp() {
	if p.downAt.IsZero() {
		return
	}
	if p.opt.History == nil {
		gap := protocol.Gap{Meter: protocol.MeterRef{Line: p.line}, From: p.downAt.UnixMilli(), To: time.Now().UnixMilli(), Reason: "line down", Count: p.downFor}
		p.store.add(protocol.Entry{Gap: &gap})
	}
	p.downAt, p.downFor = time.Time{}, 0
}
