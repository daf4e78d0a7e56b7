package local

import (
	"context"
	"sync"
	"time"

	"feikong/agent/field"
	"feikong/protocol"
)

// Commissioning mode 调试模式 is on at most modeMax: it is for the hours of a technician at the site. It ends by itself and
// never survives the agent.
const modeMax = 2 * time.Hour

// tripsMax bounds the trips of one meter while the mode is on once, and tripsApart keeps them apart: a test needs one or two,
// and a relay that toggles is a load that toggles.
const (
	tripsMax   = 6
	tripsApart = 10 * time.Second
)

type mode struct {
	mu     sync.Mutex // guards all below
	person string
	until  time.Time // with the monotonic clock: setting the wall clock does not prolong it
	trips  map[protocol.MeterRef]int
	tripAt time.Time
}

func (m *mode) reply(now time.Time) ModeReply {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !now.Before(m.until) {
		return ModeReply{}
	}
	return ModeReply{On: true, Person: m.person, Until: m.until.UnixMilli()}
}

// on says whether the mode is on.
func (m *mode) on(now time.Time) bool { return m.reply(now).On }

// trip counts a trip about to be sent, or says why there is none.
func (m *mode) trip(ref protocol.MeterRef, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.tripAt.IsZero() && now.Sub(m.tripAt) < tripsApart:
		return fault(CodeRefused, "两次跳闸之间至少隔 %v", "there are at least %v between two trips", tripsApart)
	case m.trips[ref] >= tripsMax:
		return fault(CodeRefused, "本次调试已跳闸 %d 次，不再跳闸", "the meter was tripped %d times in this commissioning, which is the limit", tripsMax)
	}
	m.trips[ref]++
	m.tripAt = now
	return nil
}

// setMode switches the mode; its record is on disk before it is on.
func (s *Server) setMode(r *ModeRequest) (*ModeReply, error) {
	now := time.Now()
	if r.On && (r.Minutes < 1 || time.Duration(r.Minutes)*time.Minute > modeMax) {
		return nil, fault(CodeBad, "时长 %d 分钟不在 1 到 %d 之间", "%d minutes are not between 1 and %d", r.Minutes, int(modeMax.Minutes()))
	}
	if r.On && s.desk.Relay == "off" {
		return nil, fault(CodeOff, "配置为 relay: off，本机禁止动作继电器", "the configuration says relay: off, which forbids relays by hand too")
	}
	if !r.On && !s.mode.on(now) {
		return &ModeReply{}, nil
	}
	until := now.Add(time.Duration(r.Minutes) * time.Minute)
	end := until.UnixMilli()
	if !r.On {
		end = 0
	}
	rec, err := field.NewMode(field.Work{Person: r.Person, At: now, Agent: s.desk.Agent}, r.On, end)
	if err != nil {
		return nil, fault(CodeRecord, "%v", "%v", err)
	}
	if !r.On {
		s.mode.clear(now, true)
	}
	if _, err := s.keep(rec); err != nil {
		return nil, err
	}
	if r.On {
		s.mode.mu.Lock()
		s.mode.person, s.mode.until, s.mode.trips = r.Person, until, map[protocol.MeterRef]int{}
		s.mode.mu.Unlock()
		s.log.Warn("commissioning mode on, relays may be moved by hand", "person", r.Person, "minutes", r.Minutes)
	} else {
		s.log.Info("commissioning mode off", "person", r.Person)
	}
	out := s.mode.reply(now)
	return &out, nil
}

// clear ends a mode whose time is over, or any; it gives the person whose mode it was, or nothing.
func (m *mode) clear(now time.Time, any bool) (person string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.person == "" || !any && now.Before(m.until) {
		return ""
	}
	person = m.person
	m.person, m.until, m.trips = "", time.Time{}, nil
	return person
}

// expire writes down that the mode ended by itself. That it has ended is judged by the clock at each use, not here.
func (s *Server) expire(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			person := s.mode.clear(now, false)
			if person == "" {
				continue
			}
			s.log.Info("commissioning mode ended by itself", "person", person)
			rec, err := field.NewMode(field.Work{Person: person, At: time.Now(), Agent: s.desk.Agent, Note: "ended by itself"}, false, 0)
			if err == nil {
				_, err = s.keep(rec)
			}
			if err != nil {
				s.log.Error("end of commissioning mode not recorded", "error", err)
			}
		}
	}
}
