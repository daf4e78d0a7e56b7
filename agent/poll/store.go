package poll

import (
	"errors"
	"log/slog"
	"time"

	"feikong/agent/outbox"
	"feikong/protocol"
)

// heldMax bounds what waits for a slow disk: beyond it the wire waits, too. Three minutes of a busy 9600 baud line.
const heldMax = 8192

// store puts what was read into the outbox beside the wire: flash takes up to a second to commit, and a poll waits for
// none of it. One commit is under way at a time.
type store struct {
	box  Box
	log  *slog.Logger
	done chan error // of the commit under way

	entries, busy []protocol.Entry // being gathered; being stored
	alarms        []protocol.Alarm
	since         time.Time // of the first of entries
	storing       bool
	full          bool
}

func newStore(box Box, log *slog.Logger) store {
	return store{box: box, log: log, done: make(chan error, 1)}
}

func (s *store) add(e protocol.Entry) {
	if len(s.entries) == 0 {
		s.since = time.Now()
	}
	s.entries = append(s.entries, e)
}

func (s *store) alarm(a protocol.Alarm) { s.alarms = append(s.alarms, a) }

// old says that something has waited long enough.
func (s *store) old() bool {
	return len(s.alarms) > 0 || len(s.entries) > 0 && time.Since(s.since) > flushAfter
}

// flush begins a commit of what was gathered when none is under way; it waits only when too much is held.
func (s *store) flush() error {
	if s.storing {
		if len(s.entries) < heldMax {
			select {
			case err := <-s.done:
				if err := s.ended(err); err != nil {
					return err
				}
			default:
				return nil
			}
		} else if err := s.ended(<-s.done); err != nil {
			return err
		}
	}
	if len(s.entries) == 0 && len(s.alarms) == 0 {
		return nil
	}
	alarms := s.alarms
	s.entries, s.busy, s.alarms, s.storing = s.busy[:0], s.entries, nil, true
	go func(entries []protocol.Entry) { s.done <- put(s.box, entries, alarms) }(s.busy)
	return nil
}

// put stores all it can; the error that counts most is one that is not a full outbox.
func put(box Box, entries []protocol.Entry, alarms []protocol.Alarm) (worst error) {
	note := func(err error) {
		if err != nil && (worst == nil || errors.Is(worst, outbox.ErrFull)) {
			worst = err
		}
	}
	if len(entries) > 0 {
		note(box.Append(entries))
	}
	for _, a := range alarms {
		note(box.AppendAlarm(a))
	}
	return worst
}

// ended judges the commit that was under way. A full outbox is back-pressure: said once, counted by the outbox.
func (s *store) ended(err error) error {
	s.storing = false
	full := errors.Is(err, outbox.ErrFull)
	if full != s.full {
		s.full = full
		if full {
			s.log.Error("outbox full, polls are not stored", "error", err)
		} else {
			s.log.Info("outbox takes polls again")
		}
	}
	if full {
		return nil
	}
	return err
}

// finish stores what is left, and waits for it.
func (s *store) finish() error {
	if s.storing {
		if err := s.ended(<-s.done); err != nil {
			return err
		}
	}
	return s.ended(put(s.box, s.entries, s.alarms))
}
