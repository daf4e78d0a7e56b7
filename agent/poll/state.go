package poll

import (
	"errors"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/protocol"
)

const (
	// retryCost and retriesMax make a purse of second tries: each clean answer earns one, a second try costs four, and at
	// most two are saved. A meter that fails all the time soon has none, so that it takes no more of a round than its
	// neighbours, and one that noise hits now and then always has.
	retryCost, retriesMax = 4, 8
	// shareMin is what a meter may have of a round in any case, retries and fallbacks included.
	shareMin = 10 * time.Second
	// shareTimes the average of the round before is the most that one meter may have on a line that is slower than that.
	shareTimes = 4
)

// state is the schedule of one meter. It has no goroutine and no timer: a line of 256 has one of each.
type state struct {
	meter.Driver
	until            time.Time // silent: when it is probed next
	relayAt, clockAt time.Time // next due
	misses           int32     // rounds without an answer
	tried            uint32    // round in which relay or clock was asked last
	retries          int8      // purse of second tries
	noClock, noRelay bool      // the meter has none
}

// silent: only probes are sent.
func (m *state) silent() bool { return m.misses >= silentAfter }

// Framed is a driver whose meter has another baud or parity than its line; zero means the line's.
type Framed interface {
	Framing() (baud int, parity string)
}

// framing sorts meters so that the port is retuned as seldom as may be.
func (m *state) framing() (baud int, parity string) {
	if f, ok := m.Driver.(Framed); ok {
		return f.Framing()
	}
	return 0, ""
}

// judge moves a meter in and out of silence.
func (p *Poller) judge(m *state, err error) {
	p.mu.Lock()
	was := m.misses
	switch {
	case err == nil:
		m.misses, m.until = 0, time.Time{}
		if was >= silentAfter {
			p.recall(time.Now())
		}
	case errors.Is(err, meter.ErrRefused): // a refusal is an answer
		m.misses, m.until = 0, time.Time{}
	case errors.Is(err, line.ErrTooLate): // orders had the line, or the meter its share: no verdict on the meter
	default:
		if m.misses++; m.silent() {
			pause := backoffMax
			if k := m.misses - silentAfter + 1; k < 16 {
				pause = min(max(p.opt.Interval, p.took)<<k, backoffMax)
			}
			m.until = time.Now().Add(pause)
		}
	}
	now, until := m.misses, m.until
	p.mu.Unlock()
	switch {
	case err != nil && now == silentAfter && was < silentAfter:
		p.log.Warn("meter silent", "meter", m.Ref().Address, "error", err, "next", until)
		p.store.alarm(protocol.Alarm{Meter: m.Ref(), Code: "meter-silent", Detail: err.Error(), At: time.Now().UnixMilli()})
	case err != nil:
		p.log.Debug("read failed", "meter", m.Ref().Address, "error", err)
	case was >= silentAfter:
		p.log.Info("meter answers again", "meter", m.Ref().Address, "misses", was)
	}
}

// recall makes all silent meters due: where one comes back, power or a cut line came back, and the others with it.
func (p *Poller) recall(now time.Time) {
	for _, m := range p.meters {
		if m.silent() && m.until.After(now) {
			m.until = now
		}
	}
}

// probe is the silent meter whose pause ended first, or nil.
func (p *Poller) probe(now time.Time) (first *state) {
	for _, m := range p.meters {
		if m.silent() && !now.Before(m.until) && (first == nil || m.until.Before(first.until)) {
			first = m
		}
	}
	return first
}
