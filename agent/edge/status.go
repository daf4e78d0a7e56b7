package edge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"feikong/agent/line"
	"feikong/agent/outbox"
	"feikong/agent/poll"
	"feikong/agent/uplink"
	"feikong/internal/daemon"
	"feikong/protocol"
)

// status publishes the agent's word about itself; what is lost is told again by the next.
type status struct {
	c       *Config
	lines   []*line.Line
	pollers []*poll.Poller
	box     *outbox.Box
	clock   *uplink.Clock
	link    uplink.Link
	mode    string
	log     *slog.Logger

	crowded bool // owned by Run: "outbox-nearly-full" has been told
}

// statusRate is what all statuses together may take of the uplink, bytes a second: 2,000 meters are 110 kB, which every five
// seconds would be 57 GB a month on somebody's SIM card.
const statusRate = 1000

// rest is how long to wait after a status of n bytes.
func rest(interval time.Duration, n int) time.Duration {
	return max(interval, time.Duration(n)*time.Second/statusRate)
}

// Run publishes every status.interval, or as often as statusRate lets it, until ctx ends.
func (s *status) Run(ctx context.Context) error {
	t := time.NewTicker(s.c.Status)
	defer t.Stop()
	var next time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		now := time.Now()
		st := s.now(now)
		if !now.Before(next) {
			b := protocol.AppendStatus(nil, &st)
			if err := s.link.Publish("status", b); err != nil {
				s.log.Debug("status not sent", "error", err)
			}
			next = now.Add(rest(s.c.Status, len(b)) - s.c.Status/2)
		}
		if err := s.watch(st); err != nil {
			return err
		}
	}
}

func (s *status) now(at time.Time) protocol.Status {
	st := protocol.Status{Agent: s.c.Agent, Version: daemon.Version, At: at.UnixMilli(), ClockTrusted: s.clock.Trusted(),
		ClockOffset: s.clock.Offset().Milliseconds(), RelayMode: s.mode}
	for _, l := range s.lines {
		st.Lines = append(st.Lines, l.Status())
	}
	for _, p := range s.pollers {
		st.Meters = append(st.Meters, p.Status()...)
	}
	st.OutboxBytes, st.OutboxMax, st.Stored, st.Dropped = s.box.Usage()
	return st
}

// watch raises an alarm once when what is not yet acknowledged fills three quarters.
func (s *status) watch(st protocol.Status) error {
	waiting := s.box.Waiting()
	switch {
	case !s.crowded && waiting > st.OutboxMax/4*3:
		s.crowded = true
		s.log.Warn("outbox nearly full", "bytes", waiting, "limit", st.OutboxMax)
		err := s.box.AppendAlarm(protocol.Alarm{Code: "outbox-nearly-full", Detail: "three quarters are not yet acknowledged", At: st.At})
		if !errors.Is(err, outbox.ErrFull) {
			return err
		}
	case s.crowded && waiting < st.OutboxMax/2:
		s.crowded = false
	}
	return nil
}
