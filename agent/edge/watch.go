package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"feikong/agent/line"
	"feikong/agent/outbox"
	"feikong/internal/daemon"
	"feikong/protocol"
)

const (
	// foreignMax is how many findings wait to be stored: a relay storm is 32 a minute and line, a flash card takes 50 ms for each.
	foreignMax = 64
	// foreignEvery is how often the same kind is told again of one line: a second master stays for weeks.
	foreignEvery = time.Hour
	// relaysHour bounds the relay frames told of one line in foreignEvery: each may be somebody's supply, but an outbox is finite.
	relaysHour = 100
)

// sentry 值守 turns what the bus watchers hear into alarms for people. The lines' goroutines hand over and go on.
type sentry struct {
	in   chan finding
	box  *outbox.Box
	log  *slog.Logger
	told map[string]tally // owned by Run: by line and kind
}

type finding struct {
	line string
	line.Foreign
}

type tally struct {
	since time.Time
	n     int // alarms since then
	held  int // findings not told since then
}

func newSentry(box *outbox.Box, log *slog.Logger) *sentry {
	return &sentry{in: make(chan finding, foreignMax), box: box, log: log, told: map[string]tally{}}
}

// of is the watcher of one line. What finds no place is logged: the finding after it tells the count.
func (s *sentry) of(name string) line.Option {
	return line.Watch(func(f line.Foreign) {
		select {
		case s.in <- finding{name, f}:
		default:
			s.log.Warn("foreign frame not told", daemon.KeyLine, name, "kind", f.Kind, "note", f.Note)
		}
	})
}

// Run stores alarms until ctx ends.
func (s *sentry) Run(ctx context.Context) error {
	for {
		select {
		case f := <-s.in:
			if err := s.tell(f); err != nil && !errors.Is(err, outbox.ErrFull) {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *sentry) tell(f finding) error {
	key := f.line + "/" + f.Kind
	t := s.told[key]
	if f.At.Sub(t.since) >= foreignEvery {
		t = tally{since: f.At, held: t.held}
	}
	most := 1
	if f.Kind == line.ForeignRelay {
		most = relaysHour
	}
	if t.n >= most {
		t.held += f.Count
		s.told[key] = t
		return nil
	}
	detail := fmt.Sprintf("%s: % X", f.Note, f.Bytes)
	if n := t.held + f.Count; n > 1 {
		detail += fmt.Sprintf(" (%d frames since the last alarm)", n)
	}
	s.log.Warn("foreign frame on the line", daemon.KeyLine, f.line, "kind", f.Kind, "note", f.Note)
	t.n, t.held = t.n+1, 0
	s.told[key] = t
	return s.box.AppendAlarm(protocol.Alarm{Meter: protocol.MeterRef{Line: f.line}, Code: "foreign-" + f.Kind, Detail: detail, At: f.At.UnixMilli()})
}
