package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

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
	if s.person, err = s.ask.text(question{zh: "人员姓名", en: "name of the person", flag: "person", check: func(a string) error { return field.CheckName("person", a) }}, s.person); err != nil {
		return err
	}
	return field.CheckText("note", s.note)
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
	switch ok, err := s.ask.yes("保存这份记录", "keep this record", true, s.yes); {
	case err != nil:
		return false, err
	case !ok:
		return false, s.tell(say("未保存", "not kept"))
	}
	running, err := local.Keep(s.cfg.Data, s.cfg.Outbox, rec)
	if err != nil {
		return false, s.disk(err)
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

// disk adds the remedy to what a disk refused.
func (s *site) disk(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf(say("磁盘已满，没有保存：%w；腾出 %s 所在磁盘的空间再做一次", "the disk is full, nothing was kept: %w; free space where %s is and repeat"), err, s.cfg.Data)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf(say("磁盘只读，没有保存：%w；磁盘可能损坏，查 dmesg，或在配置中把 data 改到可写处（现为 %s）", "the disk is read-only, nothing was kept: %w; it may be damaged, see dmesg, or let data in the configuration name a place that can be written (now %s)"), err, s.cfg.Data)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf(say("没有权限，没有保存：%w；用 sudo -u 采集终端的用户 运行本命令（数据目录 %s）", "no permission, nothing was kept: %w; run this command with sudo -u THE-AGENT'S-USER (data directory %s)"), err, s.cfg.Data)
	}
	return err
}

func (s *site) tell(text string) error {
	_, err := fmt.Fprintln(s.err, text)
	return err
}
