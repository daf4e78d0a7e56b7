// Package poll decides which meter is read when. One poller serves one line; a round touches every meter that answers
// once, and at most one of those that do not.
package poll

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/protocol"
)

const (
	// silentAfter rounds without an answer a meter is taken as silent: noise costs a round now and then, not three.
	silentAfter = 3
	// backoffMax is the longest pause between probes of a silent meter: power comes back, people plug things in.
	backoffMax = 5 * time.Minute
	// flushAfter bounds how old a reading may become in memory on a line whose round takes longer.
	flushAfter = 5 * time.Second
)

// Options are the intervals of a line.
type Options struct {
	Interval time.Duration // energy, each meter
	Relay    time.Duration // relay state
	Clock    time.Duration // comparison of clocks
}

// Box is where a round goes; *outbox.Box.
type Box interface {
	Append([]protocol.Entry) error
	AppendAlarm(protocol.Alarm) error
}

// Poller reads the meters of one line.
type Poller struct {
	line    string
	opt     Options
	box     Box
	trusted func() bool // whether the agent's clock is trusted now
	log     *slog.Logger

	// owned by Run
	round   []protocol.Entry
	since   time.Time // of the first reading in round
	full    bool
	downAt  time.Time // when polls of this line began to find it down; zero: it is up
	downFor uint64    // polls that did not happen since

	mu     sync.Mutex // guards the meters' schedule
	meters []*state
}

// state is the schedule of one meter.
type state struct {
	meter.Driver
	misses           int // rounds without an answer
	until            time.Time
	relayAt, clockAt time.Time // next due
	noClock, noRelay bool      // the meter has none
}

// New makes the poller of a line; trusted says how far readings' times can be believed.
func New(lineName string, meters []meter.Driver, opt Options, box Box, trusted func() bool, log *slog.Logger) *Poller {
	p := &Poller{line: lineName, opt: opt, box: box, trusted: trusted, log: log.With("line", lineName)}
	for _, m := range meters {
		can := m.Can()
		p.meters = append(p.meters, &state{Driver: m, noClock: !can.Clock, noRelay: !can.Feedback})
	}
	return p
}

// Run polls until ctx ends; the only error is that of an outbox that can no longer be written.
func (p *Poller) Run(ctx context.Context) error {
	for {
		start := time.Now()
		err := p.Round(ctx)
		if ferr := p.flush(); ferr != nil {
			return ferr
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		t := time.NewTimer(max(p.opt.Interval-time.Since(start), 0))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// Round reads every meter that is due. When the line is down it ends early: the others are down too.
func (p *Poller) Round(ctx context.Context) error {
	probe := p.probe(time.Now())
	for i, m := range p.meters {
		if ctx.Err() != nil {
			return nil
		}
		if m.misses >= silentAfter && m != probe {
			continue
		}
		err := p.read(ctx, m)
		if errors.Is(err, line.ErrDown) || errors.Is(err, line.ErrLost) {
			p.lineDown(uint64(len(p.meters) - i))
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := p.judge(m, err); err != nil {
			return err
		}
		if len(p.round) > 0 && time.Since(p.since) > flushAfter {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// probe is the silent meter whose pause ended first, or nil: each silent meter costs a whole timeout, so a round
// affords one.
func (p *Poller) probe(now time.Time) (first *state) {
	for _, m := range p.meters {
		if m.misses >= silentAfter && !now.Before(m.until) && (first == nil || m.until.Before(first.until)) {
			first = m
		}
	}
	return first
}

// read does what is due on one meter. The error is that of the energy read; a meter that tells its energy but not its
// relay is not silent.
func (p *Poller) read(ctx context.Context, m *state) error {
	readings, err := m.Energy(ctx, meter.Call{})
	if err != nil && m.misses == 0 && errors.Is(err, line.ErrSilent) && ctx.Err() == nil {
		readings, err = m.Energy(ctx, meter.Call{}) // once more: noise hits one frame, seldom two
	}
	if err != nil {
		return err
	}
	p.lineUp()
	p.add(readings...)
	now := time.Now()
	soon := now.Add(p.opt.Interval / 2) // what falls due before half a round has passed is due now
	if !m.noRelay && !soon.Before(m.relayAt) {
		r, at, err := m.Relay(ctx, meter.Call{})
		switch {
		case err == nil && r.Known:
			p.add(meter.RelayReading(m.Ref(), r, at))
			m.relayAt = now.Add(p.opt.Relay)
		case errors.Is(err, meter.ErrRefused), err == nil:
			m.relayAt = now.Add(10 * p.opt.Relay) // an old edition without status word 3; ask seldom
		}
	}
	if !m.noClock && !soon.Before(m.clockAt) {
		drift, at, err := m.Clock(ctx, meter.Call{})
		switch {
		case err == nil:
			p.add(meter.ClockReading(m.Ref(), drift, at))
			m.clockAt = now.Add(p.opt.Clock)
		case errors.Is(err, meter.ErrRefused):
			m.clockAt = now.Add(p.opt.Clock)
		}
	}
	return nil
}

// judge moves a meter in and out of silence.
func (p *Poller) judge(m *state, err error) error {
	p.mu.Lock()
	was := m.misses
	if err == nil || errors.Is(err, meter.ErrRefused) { // a refusal is an answer
		m.misses, m.until = 0, time.Time{}
	} else {
		m.misses++
		if m.misses >= silentAfter {
			pause := min(p.opt.Interval<<min(m.misses-silentAfter+1, 16), backoffMax)
			m.until = time.Now().Add(pause)
		}
	}
	now, until := m.misses, m.until
	p.mu.Unlock()
	switch {
	case err != nil && now == silentAfter:
		p.log.Warn("meter silent", "meter", m.Ref().Address, "error", err, "next", until)
		return ignoreFull(p.box.AppendAlarm(protocol.Alarm{Meter: m.Ref(), Code: "meter-silent", Detail: err.Error(), At: time.Now().UnixMilli()}))
	case err != nil:
		p.log.Debug("read failed", "meter", m.Ref().Address, "error", err)
	case was >= silentAfter:
		p.log.Info("meter answers again", "meter", m.Ref().Address, "misses", was)
	}
	return nil
}

// add puts readings into the round, marked when our clock is not trusted.
func (p *Poller) add(readings ...protocol.Reading) {
	var q protocol.Quality
	if !p.trusted() {
		q = protocol.QualityClockUntrusted
	}
	if len(p.round) == 0 {
		p.since = time.Now()
	}
	for _, r := range readings {
		r.Quality |= q
		p.round = append(p.round, protocol.Entry{Reading: r})
	}
}

// flush stores the round in one transaction. A full outbox is back-pressure: said once, counted by the outbox.
func (p *Poller) flush() error {
	if len(p.round) == 0 {
		return nil
	}
	err := p.box.Append(p.round)
	p.round = p.round[:0]
	full := errors.Is(err, outbox.ErrFull)
	if full != p.full {
		p.full = full
		if full {
			p.log.Error("outbox full, polls are not stored", "error", err)
		} else {
			p.log.Info("outbox takes polls again")
		}
	}
	return ignoreFull(err)
}

func ignoreFull(err error) error {
	if errors.Is(err, outbox.ErrFull) {
		return nil
	}
	return err
}

func (p *Poller) lineDown(missed uint64) {
	if p.downAt.IsZero() {
		p.downAt = time.Now()
	}
	p.downFor += missed
}

// lineUp ends a time without the line: the hole gets its name in the lane.
func (p *Poller) lineUp() {
	if p.downAt.IsZero() {
		return
	}
	gap := protocol.Gap{Meter: protocol.MeterRef{Line: p.line}, From: p.downAt.UnixMilli(), To: time.Now().UnixMilli(), Reason: "line down", Count: p.downFor}
	if len(p.round) == 0 {
		p.since = time.Now()
	}
	p.round = append(p.round, protocol.Entry{Gap: &gap})
	p.downAt, p.downFor = time.Time{}, 0
}

// Status is what the status message tells of the line's meters.
func (p *Poller) Status() (out []protocol.MeterStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.meters {
		s := m.Driver.Status()
		if !m.until.IsZero() {
			s.BackoffUntil = m.until.UnixMilli()
		}
		out = append(out, s)
	}
	return out
}
