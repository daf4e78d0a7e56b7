package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"feikong/agent/edge"
	"feikong/agent/field"
	"feikong/agent/local"
	"feikong/internal/daemon"
)

// reads is a way to ask the meter.
type reads func(what string) (*local.ReadReply, error)

// reach gives a way to read the chosen meter: through the agent that runs, or over the port itself when none does.
func (s *site) reach(ctx context.Context) (read reads, end func(), err error) {
	c, err := local.Dial(s.cfg.Data)
	if err == nil {
		return func(what string) (*local.ReadReply, error) { return c.Read(s.ref(), what) }, func() { c.Close() }, nil
	}
	if !errors.Is(err, local.ErrNotRunning) {
		return nil, nil, err
	}
	l, stop, err := open(ctx, s.line.Settings)
	if err != nil {
		return nil, nil, err
	}
	one := s.line
	one.Meters = []edge.Meter{s.meter}
	drivers, err := one.Drivers(l, s.cfg)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return func(what string) (*local.ReadReply, error) {
		if what == "known" {
			return nil, errors.ErrUnsupported
		}
		return local.Read(ctx, drivers[0], what)
	}, stop, nil
}

// known is what the outbox has of the chosen meter; without an outbox, nothing.
func (s *site) known() map[uint8]field.Known {
	k, err := local.Known(s.cfg.Data, s.cfg.Outbox, s.meter.Ref)
	if err != nil {
		fmt.Fprintf(s.err, say("查不到以往示数：%v\n", "earlier registers are not known: %v\n"), err)
	}
	return k
}

// askPerson asks who works.
func (s *site) askPerson() (err error) {
	s.person, err = s.ask.text(question{zh: "人员姓名", en: "name of the person", flag: "person"}, s.person)
	return err
}

// stored is what a command tells with --json.
type stored struct {
	Stored bool         `json:"stored"`
	By     string       `json:"by"` // "agent": the running one; "outbox": by the command itself
	Record field.Record `json:"record"`
}

// keep shows the page, asks, stores, and tells. A record that the person does not want is no error.
func (s *site) keep(rec field.Record) (bool, error) {
	if err := rec.Check(); err != nil {
		return false, err
	}
	zone := s.cfg.Zone
	if !s.asJSON {
		fmt.Fprint(s.out, rec.Page(daemon.Lang(), zone))
	}
	ok, err := s.ask.yes("保存这份记录", "keep this record", true, s.yes)
	if err != nil || !ok {
		return false, errors.Join(err, s.tell(say("未保存", "not kept")))
	}
	running, err := local.Keep(s.cfg.Data, s.cfg.Outbox, rec)
	if err != nil {
		return false, err
	}
	if s.asJSON {
		by := "outbox"
		if running {
			by = "agent"
		}
		return true, json.NewEncoder(s.out).Encode(stored{true, by, rec})
	}
	if running {
		return true, s.tell(fmt.Sprintf(say("已保存，记录号 %s，由运行中的采集终端上传", "kept as %s; the running agent sends it"), rec.Top().ID))
	}
	return true, s.tell(fmt.Sprintf(say("已保存，记录号 %s，采集终端下次运行时上传", "kept as %s; the agent sends it when it runs next"), rec.Top().ID))
}

func (s *site) tell(text string) error {
	_, err := fmt.Fprintln(s.err, text)
	return err
}
