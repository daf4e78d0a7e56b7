package local

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"feikong/agent/field"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/relay"
	"feikong/protocol"
)

const (
	// handAhead is how long the frame itself is good for, in meter time: a meter that slept must not obey later.
	handAhead = 2 * time.Minute
	// handMax bounds the whole act: reads, frame, read-backs.
	handMax = 60 * time.Second
	// handRoom is what intention and result take at most in the outbox; without it no frame.
	handRoom = 48 << 10
	// handDrift is the meter clock's error beyond which no trip is sent: its deadline would mean nothing.
	handDrift = 10 * time.Minute
)

// handActions is what each action asks of the driver.
var handActions = map[string]protocol.Action{
	"trip": protocol.ActionTrip, "permit": protocol.ActionPermit, "close": protocol.ActionClose,
	"alarm-on": meter.ActionAlarmOn, "alarm-off": meter.ActionAlarmOff, "hold-on": meter.ActionHoldOn, "hold-off": meter.ActionHoldOff,
}

// hand is one relay moved by hand.
type hand struct {
	*Server
	m      meter.Driver
	r      *RelayRequest
	cmd    meter.Command
	frames []protocol.FrameEvidence
	before protocol.RelayReport
	drift  time.Duration
}

// relay moves a relay: read, intention on disk, one frame, read back, result on disk. What was begun is ended even when the
// client goes away.
func (s *Server) relay(ctx context.Context, r *RelayRequest) (field.Record, error) {
	h, err := s.hand(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handMax)
	defer cancel()
	return s.turn(ctx, r.Meter, h.act)
}

// turn does act while no order of the meter's line is carried out.
func (s *Server) turn(ctx context.Context, of field.Ref, act func(context.Context) (field.Record, error)) (out field.Record, err error) {
	err = s.desk.Hands.Hand(ctx, of.Meter(), func(ctx context.Context) (err error) { out, err = act(ctx); return err })
	switch {
	case errors.Is(err, relay.ErrOpenOrder):
		return nil, fault(CodeOrder, "网关对电表 %s 的指令尚未结束，等它结束再试", "an order of the gateway for meter %s is not at its end; wait for it", of.Address)
	case errors.Is(err, relay.ErrNoMeter):
		_, err = s.driver(protocol.MeterRef{})
		return nil, err
	case err != nil && ctx.Err() != nil && out == nil:
		return nil, fault(CodeInside, "超时或终端正在停止，未发出命令", "out of time, or the agent is ending; no frame was sent")
	}
	return out, err
}

// mayAct says why nothing is changed by hand now.
func (s *Server) mayAct() error {
	if s.desk.Relay == "off" {
		return fault(CodeOff, "配置为 relay: off，本机禁止动作继电器、更改电表", "the configuration says relay: off, which forbids relays and meters to be changed by hand too")
	}
	if !s.mode.on(time.Now()) {
		return fault(CodeMode, "调试模式未开启；先运行：agent commission --mode on --person 姓名 --minutes 30", "commissioning mode is off; first: agent commission --mode on --person NAME --minutes 30")
	}
	return nil
}

// wireDigits reads four bytes in wire order; nothing leaves them zero.
func wireDigits(what, digits string, into *[4]byte) error {
	if digits == "" {
		return nil
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 4 {
		return fault(CodeBad, "%s 不是 8 位数字", "%s is not 8 digits", what)
	}
	*into = [4]byte(b)
	return nil
}

// hand judges a request before the line is touched.
func (s *Server) hand(r *RelayRequest) (*hand, error) {
	if err := s.mayAct(); err != nil {
		return nil, err
	}
	m, err := s.driver(r.Meter.Meter())
	if err != nil {
		return nil, err
	}
	action, known := handActions[r.Action]
	can := m.Can()
	switch {
	case !known:
		return nil, fault(CodeBad, "未知动作 %q", "action %q is not known", r.Action)
	case r.Person == "":
		return nil, fault(CodeBad, "没有写明人员", "the person is not named")
	case !can.Feedback, r.Action == "trip" && !can.Trip, r.Action == "permit" && !can.Permit, r.Action == "close" && !can.Close:
		return nil, fault(CodeUnsupported, "这种电表做不到 %s，或状态无法读回", "this model cannot %s, or its relay cannot be read back", r.Action)
	}
	h := &hand{Server: s, m: m, r: r}
	if err := errors.Join(wireDigits("password", string(r.Password), &h.cmd.Password), wireDigits("operator", r.Operator, &h.cmd.Operator)); err != nil {
		return nil, err
	}
	h.cmd.Action = action
	return h, nil
}

func (h *hand) call(note string) meter.Call {
	return meter.Call{Order: true, Alone: h.r.Action == "trip", Twice: true, Note: note, Trace: func(f protocol.FrameEvidence) { h.frames = append(h.frames, f) }}
}

// act ends in a result record, or in a fault when nothing was sent and so nothing needs a result.
func (h *hand) act(ctx context.Context) (field.Record, error) {
	if err := h.look(ctx); err != nil {
		return nil, err
	}
	if reached(h.r.Action, h.before) {
		return h.result("", "done", field.CauseAlready, nil, h.before)
	}
	if h.r.Action == "trip" && h.before.Hold {
		return nil, fault(CodeRefused, "电表处于保电状态，不跳闸", "power hold is on in the meter, so it is not tripped")
	}
	if !h.desk.Box.HasRoom(handRoom) {
		return nil, fault(CodeFull, "暂存已满，无处存证，不动作", "the outbox has no room for the evidence, so the relay is not moved")
	}
	now := time.Now()
	if h.r.Action == "trip" {
		if err := h.mode.trip(h.m.Ref(), now); err != nil {
			return nil, err
		}
	}
	intent := field.NewRelayTest(h.work(now), h.r.Meter, h.r.Action, field.StageIntent)
	intent.Before = field.RelayStateOf(h.before)
	if _, err := h.keep(intent); err != nil {
		return nil, err
	}
	h.log.Warn("relay moved by hand", "person", h.r.Person, "meter", h.r.Meter.Address, "line", h.r.Meter.Line, "action", h.r.Action, "record", intent.ID)
	h.cmd.Deadline, h.cmd.Drift = now.Add(handAhead), h.drift
	h.cmd.Before = func() error { return h.still(ctx) }
	call := h.call(h.r.Action)
	call.NotAfter = h.cmd.Deadline
	sent, err := h.m.Switch(ctx, call, h.cmd) // one frame, whatever comes of it
	if !sent {
		return h.result(intent.ID, "refused", field.CauseUnsent, err, h.before)
	}
	after, back := h.readBack()
	return h.judge(intent.ID, err, after, back)
}

// look reads what stands before the frame: relay, and for a trip register and clock too.
func (h *hand) look(ctx context.Context) error {
	c := h.call("read before " + h.r.Action)
	var err error
	for range 3 { // noise hits one frame, seldom three
		var at time.Time
		if h.before, at, err = h.m.Relay(ctx, c); err == nil {
			h.store(meter.RelayReading(h.m.Ref(), h.before, at))
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err != nil {
		return silence(err)
	}
	if !h.before.Known {
		return fault(CodeRefused, "电表给出的继电器状态不明，不动作", "the meter tells a relay state its manual does not name, so it is not moved")
	}
	if h.m.Can().Clock {
		drift, _, err := h.m.Clock(ctx, c)
		if err == nil {
			h.drift = drift
		}
		if h.r.Action == "trip" && (err != nil || drift.Abs() > handDrift) {
			return fault(CodeRefused, "电表时钟读不到或偏差过大（%v），不跳闸：先校时", "the meter's clock is not read or too far off (%v), so it is not tripped: set the clock first", drift.Round(time.Second))
		}
	}
	if h.r.Action != "trip" {
		return nil
	}
	rs, err := h.m.Energy(ctx, c)
	for i := range rs {
		rs[i].Method = protocol.MethodTrip
	}
	h.store(rs...)
	if err != nil {
		return silence(err)
	}
	return nil
}

// still is asked right before the first byte.
func (s *Server) still(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.mode.on(time.Now()) {
		return errors.New("commissioning mode has ended")
	}
	return nil
}

// readBack reads until the relay is as asked, three tries; an agent that is ending still reads: the frame has left.
func (h *hand) readBack() (r protocol.RelayReport, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	c := h.call("read back")
	for _, pause := range h.desk.ReadBack {
		if !wait(ctx, pause) {
			break
		}
		got, at, rerr := h.m.Relay(ctx, c)
		if err = rerr; err == nil {
			r = got
			h.store(meter.RelayReading(h.m.Ref(), r, at))
			if reached(h.r.Action, r) {
				return r, nil
			}
		}
	}
	return r, err
}

// judge says what came of a frame that left.
func (h *hand) judge(of string, err error, after protocol.RelayReport, back error) (field.Record, error) {
	alarm := h.r.Action == "alarm-on" || h.r.Action == "alarm-off"
	switch {
	case reached(h.r.Action, after) && h.r.Action == "permit" && after.Open:
		return h.result(of, "permitted", "", nil, after)
	case reached(h.r.Action, after):
		return h.result(of, "done", "", nil, after)
	case errors.Is(err, meter.ErrPassword):
		return h.result(of, "failed", field.CausePassword, err, after)
	case errors.Is(err, meter.ErrRefused):
		return h.result(of, "failed", field.CauseRefused, err, after)
	case alarm && err == nil:
		return h.result(of, "accepted", "", nil, after)
	case back != nil || !after.Known || alarm:
		return h.result(of, "unknown", field.CauseUnreadable, errors.Join(err, back), after)
	}
	return h.result(of, "failed", field.CauseUnchanged, err, after)
}

func (h *hand) work(at time.Time) field.Work {
	return field.Work{Person: h.r.Person, At: at, Agent: h.desk.Agent}
}

func (h *hand) result(of, state, cause string, why error, after protocol.RelayReport) (field.Record, error) {
	rec := field.NewRelayTest(h.work(time.Now()), h.r.Meter, h.r.Action, field.StageResult)
	rec.Of, rec.State, rec.Cause, rec.Detail = of, state, cause, text(why)
	rec.Before, rec.After, rec.Frames = field.RelayStateOf(h.before), field.RelayStateOf(after), field.FramesOf(h.frames)
	h.log.Info("relay moved by hand, ended", "meter", h.r.Meter.Address, "line", h.r.Meter.Line, "action", h.r.Action, "state", state, "cause", cause, "detail", rec.Detail)
	_, err := h.keep(rec)
	if err != nil && of != "" { // who is told to repeat would move the relay twice
		return nil, fault(CodeInside, "报文已发出（%s：%s），只是结果记录未存：%v；不要重复动作", "a frame has left (%s: %s), only the record of its result was not stored: %v; do not repeat it", h.r.Action, state, err)
	}
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// store puts what was read into the readings lane; a full lane does not stop the act, the record has it.
func (h *hand) store(rs ...protocol.Reading) {
	var entries []protocol.Entry
	for _, r := range rs {
		if !h.desk.Trusted() {
			r.Quality |= protocol.QualityClockUntrusted
		}
		entries = append(entries, protocol.Entry{Reading: r})
	}
	if err := h.desk.Box.Append(entries); err != nil && !errors.Is(err, outbox.ErrFull) {
		h.log.Warn("readings of a relay moved by hand not stored", "error", err)
	}
}

// reached says whether a relay is in the state an action asks for.
func reached(action string, r protocol.RelayReport) bool {
	if !r.Known {
		return false
	}
	switch action {
	case "trip":
		return r.Open
	case "close":
		return !r.Open
	case "permit":
		return !r.Open || !r.CommandOpen
	case "hold-on":
		return r.Hold
	case "hold-off":
		return !r.Hold
	}
	return false // nothing tells of an alarm
}

// text is an error on one line that fits into a record.
func text(err error) string {
	if err == nil {
		return ""
	}
	s := []rune(err.Error())
	s = slices.DeleteFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F })
	return string(s[:min(len(s), 150)])
}
