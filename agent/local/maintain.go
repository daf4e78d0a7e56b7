package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"feikong/agent/field"
	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/relay"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// maintenance is one setting of a meter changed by hand.
type maintenance struct {
	*Server
	m      meter.Maintainer
	r      *MaintainRequest
	hand   meter.Hand
	next   [4]byte // a new password
	frames []protocol.FrameEvidence
	intent *field.Maintenance // on disk; nil: not yet
}

// errLook ends an act where its frame would leave.
var errLook = errors.New("only looked")

// Maintain does for a command what the verb does, on a line that the command has opened itself because no agent runs. It
// holds the agent's outbox and journal meanwhile, so that no agent can start beside it, and an order that an agent left in
// the middle is seen. desk has agent, relay mode and the drivers of the line.
func Maintain(ctx context.Context, data string, o outbox.Options, desk Desk, r *MaintainRequest) (rec *field.Maintenance, err error) {
	if err := private(data); err != nil {
		return nil, err
	}
	box, err := outbox.Open(filepath.Join(data, OutboxName), o)
	if err != nil {
		return nil, fmt.Errorf("open the outbox for the record: %w", err)
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	if err := box.Begin(); err != nil && !errors.Is(err, outbox.ErrFull) {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler) // the record says it all
	switches := map[string][]meter.Driver{}
	for ref, d := range desk.Drivers {
		switches[ref.Line] = append(switches[ref.Line], d)
	}
	if desk.Hands, err = relay.New(relay.Options{Agent: desk.Agent, Mode: relay.Off}, switches, box, noClock{}, log); err != nil {
		return nil, err
	}
	desk.Box, desk.Trusted = box, noClock{}.Trusted
	return maintainAt(ctx, desk, r, log)
}

// noClock is an agent's clock that nobody has compared.
type noClock struct{}

func (noClock) Trusted() bool         { return false }
func (noClock) Offset() time.Duration { return 0 }

// maintainAt is maintain for the person at the port, who needs no commissioning mode beside being there.
func maintainAt(ctx context.Context, desk Desk, r *MaintainRequest, log *slog.Logger) (*field.Maintenance, error) {
	s := New("", desk, log)
	s.mode.person, s.mode.until = r.Person, time.Now().Add(modeMax)
	out, err := s.maintain(ctx, r)
	rec, ok := out.(*field.Maintenance)
	if err == nil && !ok {
		err = fault(CodeInside, "没有结果", "there is no result")
	}
	return rec, err
}

// maintain changes a meter: read, intention on disk, one frame, read back, result on disk. What was begun is ended even when
// the client goes away.
func (s *Server) maintain(ctx context.Context, r *MaintainRequest) (field.Record, error) {
	h, err := s.maintenance(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handMax)
	defer cancel()
	return s.turn(ctx, r.Meter, h.do)
}

// maintenance judges a request before the line is touched.
func (s *Server) maintenance(r *MaintainRequest) (*maintenance, error) {
	if err := s.mayAct(); err != nil {
		return nil, err
	}
	d, err := s.driver(r.Meter.Meter())
	if err != nil {
		return nil, err
	}
	m, ok := d.(meter.Maintainer)
	switch {
	case !ok:
		return nil, fault(CodeUnsupported, "这种电表的参数不能由本程序更改（只有 DL/T 645）", "settings of meters of this kind cannot be changed by this program (DL/T 645 only)")
	case field.ActName("en", r.Act) == "":
		return nil, fault(CodeBad, "未知操作 %q；有：%s", "act %q is not known; there are %s", r.Act, strings.Join(field.MaintainActs, " "))
	case r.Person == "":
		return nil, fault(CodeBad, "没有写明人员", "the person is not named")
	case field.Erases(r.Act) && !r.Look && !sameAddress(r.Confirm, r.Meter.Address):
		return nil, fault(CodeConfirm, "未清零：需再次输入本表地址 %s 确认", "nothing was cleared: the meter's address %s must be typed again", r.Meter.Address)
	case r.Act == "address" && s.neighbours(r.Meter):
		return nil, fault(CodeRefused, "线路 %s 上还配置有其他电表；写地址的报文所有表都会听到：把这块表单独接到一条线路上再写", "line %s has other meters in the configuration, and all hear the frame that writes an address: connect this one alone on a line of its own", r.Meter.Line)
	}
	h := &maintenance{Server: s, m: m, r: r, hand: meter.Hand{Bare: r.Password == "" && !r.Look}}
	if err := errors.Join(wireDigits("password", string(r.Password), &h.hand.Password), wireDigits("operator", r.Operator, &h.hand.Operator), wireDigits("new password", string(r.NewPassword), &h.next)); err != nil {
		return nil, err
	}
	if r.Act == "password" && r.NewPassword == "" {
		return nil, fault(CodeBad, "没有新密码", "there is no new password")
	}
	return h, nil
}

// sameAddress compares addresses as people type them, zeros in front left out or not.
func sameAddress(typed, address string) bool {
	typed = strings.TrimLeft(strings.TrimSpace(typed), "0")
	return typed != "" && typed == strings.TrimLeft(address, "0")
}

// neighbours says that the line has another meter.
func (s *Server) neighbours(of field.Ref) bool {
	for ref := range s.desk.Drivers {
		if ref.Line == of.Line && ref.Address != of.Address {
			return true
		}
	}
	return false
}

// do ends in a result record, or in a fault when nothing was sent and so nothing needs a result.
func (h *maintenance) do(ctx context.Context) (field.Record, error) {
	now := time.Now()
	h.hand.Intend = func(before []meter.ItemValue) error { return h.intend(before, now) }
	h.hand.Before = func() error { return h.still(ctx) }
	call := meter.Call{Order: true, NotAfter: now.Add(handAhead), Trace: func(f protocol.FrameEvidence) { h.frames = append(h.frames, f) }}
	ch, err := h.act(ctx, call)
	switch {
	case errors.Is(err, errLook), err == nil && h.r.Look:
		rec := h.record(time.Now(), field.StageIntent)
		rec.Before = settings(ch.Before)
		rec.Fit()
		return rec, nil
	case h.intent == nil && err != nil:
		return nil, maintainFault(err)
	case h.intent == nil:
		return h.result(ch, "done", field.CauseAlready, nil)
	case !ch.Sent:
		return h.result(ch, "refused", field.CauseUnsent, err)
	case ch.Proof == meter.Proved:
		return h.result(ch, "done", "", nil)
	case errors.Is(err, meter.ErrPassword):
		return h.result(ch, "failed", field.CausePassword, err)
	case errors.Is(err, meter.ErrRefused):
		return h.result(ch, "failed", field.CauseRefused, err)
	case ch.Proof == meter.Disproved:
		return h.result(ch, "failed", field.CauseUnchanged, err)
	case err == nil:
		return h.result(ch, "accepted", "", nil)
	}
	return h.result(ch, "unknown", field.CauseUnreadable, err)
}

func (h *maintenance) act(ctx context.Context, c meter.Call) (meter.Change, error) {
	r := h.r
	switch r.Act {
	case "freeze":
		at, err := freezeTime(r.What)
		if err != nil {
			return meter.Change{}, err
		}
		return h.m.Freeze(ctx, c, h.hand, at)
	case "address":
		return h.m.SetAddress(ctx, c, h.hand, r.Value)
	case "baud":
		baud, err := strconv.Atoi(r.Value)
		if err != nil {
			return meter.Change{}, fault(CodeBad, "%q 不是波特率", "%q is no baud rate", r.Value)
		}
		return h.m.SetBaud(ctx, c, h.hand, baud)
	case "password":
		return h.m.SetPassword(ctx, c, h.hand, h.next)
	case "write":
		return h.m.Write(ctx, c, h.hand, r.What, r.Value)
	case "clear-demand":
		return h.m.ClearDemand(ctx, c, h.hand)
	case "clear-events":
		return h.m.ClearEvents(ctx, c, h.hand, r.What)
	}
	return meter.Change{}, fault(CodeBad, "未知操作 %q", "act %q is not known", r.Act)
}

// freezeTime reads "now", "hourly 15", "daily 00:00" and "monthly 01 00:00"; what is left out is zero, or the first day.
func freezeTime(what string) (dlt645.FreezeTime, error) {
	kind, rest, _ := strings.Cut(strings.TrimSpace(what), " ")
	var n []int
	for _, part := range strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == ':' }) {
		v, err := strconv.Atoi(part)
		if err != nil || v < 0 || v > 59 {
			n = append(n, 0, 0, 0, 0) // more than any kind takes
		}
		n = append(n, v)
	}
	day := 1
	if kind == "monthly" && len(n) > 0 {
		day, n = n[0], n[1:]
	}
	at := func(i int) int {
		if i < len(n) {
			return n[i]
		}
		return 0
	}
	switch {
	case (kind == "now" || kind == "") && len(n) == 0:
		return dlt645.FreezeNow, nil
	case kind == "hourly" && len(n) <= 1:
		return dlt645.FreezeHourly(at(0)), nil
	case kind == "daily" && len(n) <= 2:
		return dlt645.FreezeDaily(at(0), at(1)), nil
	case kind == "monthly" && len(n) <= 2:
		return dlt645.FreezeMonthly(day, at(0), at(1)), nil
	}
	return dlt645.FreezeTime{}, fault(CodeBad, "冻结 %q：应为 now、hourly 15、daily 00:00 或 monthly 01 00:00", "freeze %q: write now, hourly 15, daily 00:00 or monthly 01 00:00", what)
}

// intend puts the intention on disk, with what stands in the meter.
func (h *maintenance) intend(before []meter.ItemValue, now time.Time) error {
	if h.r.Look {
		return errLook
	}
	if !h.desk.Box.HasRoom(handRoom) {
		return fault(CodeFull, "暂存已满，无处存证，不更改", "the outbox has no room for the evidence, so nothing is changed")
	}
	rec := h.record(now, field.StageIntent)
	rec.Before = settings(before)
	rec.Fit()
	if _, err := h.keep(rec); err != nil {
		return err
	}
	h.intent = rec
	h.log.Warn("meter changed by hand", "person", h.r.Person, "meter", h.r.Meter.Address, "line", h.r.Meter.Line, "act", h.r.Act, "what", rec.What, "record", rec.ID)
	return nil
}

func (h *maintenance) record(at time.Time, stage string) *field.Maintenance {
	what, value := h.r.What, h.r.Value
	if h.r.Act == "password" {
		what, value = fmt.Sprintf("level %02X", h.next[0]), ""
	}
	return field.NewMaintenance(field.Work{Person: h.r.Person, At: at, Agent: h.desk.Agent}, h.r.Meter, h.r.Act, what, value, stage)
}

func (h *maintenance) result(ch meter.Change, state, cause string, why error) (field.Record, error) {
	rec := h.record(time.Now(), field.StageResult)
	of := ""
	if h.intent != nil {
		of = h.intent.ID
	}
	rec.Of, rec.State, rec.Cause, rec.Detail, rec.Passes = of, state, cause, text(why), ch.Passes && ch.Proof == meter.Proved && ch.Sent
	rec.Before, rec.After, rec.Frames = settings(ch.Before), settings(ch.After), field.FramesOf(h.frames)
	rec.Fit()
	h.log.Info("meter changed by hand, ended", "meter", h.r.Meter.Address, "line", h.r.Meter.Line, "act", h.r.Act, "state", state, "cause", cause, "detail", rec.Detail)
	_, err := h.keep(rec)
	if err != nil && ch.Sent { // who is told to repeat would do it twice
		return nil, fault(CodeInside, "报文已发出（%s：%s），只是结果记录未存：%v；不要重复操作", "a frame has left (%s: %s), only the record of its result was not stored: %v; do not repeat it", h.r.Act, state, err)
	}
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// settings is what was read, as a record has it.
func settings(vs []meter.ItemValue) (out []field.Setting) {
	for _, v := range vs {
		if v.Null && len(vs) > 1 {
			continue // the time of a demand that never was
		}
		s := field.Setting{ID: v.ID, Name: v.Name, NameZH: v.NameZH, Text: v.Text, Unit: v.Unit}
		if len(s.Text) > 96 { // bytes that no table knows
			s.Text = s.Text[:96]
		}
		out = append(out, s)
	}
	return out
}

// maintainFault makes the error of an act that was not begun a fault with the remedy.
func maintainFault(err error) error {
	var f *Fault
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, meter.ErrNotAlone):
		return fault(CodeRefused, "不能确认线路上只有这一块电表，未写地址：%v（把它单独接上再写）", "%v: no address was written (connect the meter alone)", err)
	case errors.Is(err, meter.ErrNoPassword):
		return fault(CodeBad, "需要电表密码", "the meter's password is needed")
	case errors.Is(err, line.ErrFraming):
		return fault(CodeUnsupported, "本端口不能改用该波特率，未更改：%v", "this port cannot follow to that rate, so nothing was changed: %v", err)
	case errors.Is(err, dlt645.ErrReadOnly):
		return fault(CodeUnsupported, "该数据项只读：%v", "%v", err)
	case errors.Is(err, meter.ErrAsk):
		return fault(CodeBad, "要求不成立：%v", "%v", err)
	}
	return silence(err)
}
