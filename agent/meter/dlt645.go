package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

const (
	preambleLen = 4
	// lingerFor is how long a second answer is waited for where it matters: meters of one make answer within a few
	// characters of each other.
	lingerFor = 150 * time.Millisecond
	// replyData is the longest data field of the replies we ask for: the block of present energies of a meter with
	// 63 rates would be 256, but an answer in one frame ends at 200 (DL/T 645-2007, 5.2.5).
	replyData = 200
	maxRates  = 64
)

// DLT645 drives one DL/T 645-2007 meter.
type DLT645 struct {
	counter
	ref   protocol.MeterRef
	addr  dlt645.Address
	line  Talker
	delay time.Duration
	zone  *time.Location // the meter's wall clock is in it
}

// NewDLT645 makes a driver; address must name exactly one meter. delay is how long the meter may take to answer.
func NewDLT645(ref protocol.MeterRef, t Talker, delay time.Duration, zone *time.Location) (*DLT645, error) {
	a, err := dlt645.ParseAddress(ref.Address)
	if err != nil {
		return nil, err
	}
	if !a.Exact() {
		return nil, fmt.Errorf("address %s names more than one meter: %w", ref.Address, dlt645.ErrAddress)
	}
	m := &DLT645{ref: ref, addr: a, line: t, delay: delay, zone: zone}
	m.st.Meter = ref
	return m, nil
}

// Ref names the meter.
func (m *DLT645) Ref() protocol.MeterRef { return m.ref }

// Can is the same for all meters of 2007 with a relay; one without refuses the frame, and the outcome says so.
func (m *DLT645) Can() Capabilities {
	return Capabilities{Trip: true, Permit: true, Close: true, Feedback: true, Clock: true}
}

// Energy reads the block of forward active energy, total and rates (正向有功), or the total alone when the meter
// refuses the block.
func (m *DLT645) Energy(ctx context.Context, c Call) ([]protocol.Reading, error) {
	di := dlt645.DIForwardBlock
	data, at, err := m.read(ctx, c, di)
	if errors.Is(err, ErrRefused) { // not only "no such data": old meters give other reasons for an item they do not know
		di = dlt645.DIForwardTotal
		data, at, err = m.read(ctx, c, di)
	}
	if err != nil {
		return nil, fmt.Errorf("read energy of meter %s: %w", m.ref.Address, err)
	}
	var values [maxRates]dlt645.Value
	n, err := dlt645.DecodeBlock(di, data, values[:])
	if err != nil {
		return nil, fmt.Errorf("read energy of meter %s: %w", m.ref.Address, err)
	}
	out := make([]protocol.Reading, 0, n)
	for i, v := range values[:n] {
		if v.Null {
			continue // a rate the meter does not keep
		}
		out = append(out, protocol.Reading{Meter: m.ref, Quantity: protocol.ActiveImport, Register: uint8(i), Value: v.Int, Exp: v.Exp,
			TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: protocol.SideSecondary})
	}
	return out, nil
}

// Relay reads status word 3 (电表运行状态字3).
func (m *DLT645) Relay(ctx context.Context, c Call) (protocol.RelayReport, time.Time, error) {
	data, at, err := m.read(ctx, c, dlt645.DIStatusWord3)
	if err != nil {
		return protocol.RelayReport{}, at, fmt.Errorf("read relay of meter %s: %w", m.ref.Address, err)
	}
	w, err := dlt645.ParseStatusWord3(data)
	if err != nil {
		return protocol.RelayReport{}, at, fmt.Errorf("read relay of meter %s: %w", m.ref.Address, err)
	}
	return protocol.RelayReport{Known: true, Open: w.RelayOpen(), CommandOpen: w.CommandOpen(), Hold: w.PowerHold()}, at, nil
}

// Clock compares the meter's clock with ours: 0400010C, or date and time apart where the meter does not know it. The
// meter's second has no fraction, so the drift is up to a second too low.
func (m *DLT645) Clock(ctx context.Context, c Call) (time.Duration, time.Time, error) {
	data, at, err := m.read(ctx, c, dlt645.DIDateTime)
	var t time.Time
	switch {
	case err == nil:
		if t, err = dlt645.DateTime7(data, m.zone); err != nil {
			err = fmt.Errorf("%w: %w", ErrClock, err)
		}
	case errors.Is(err, ErrRefused):
		t, at, err = m.clockInTwo(ctx, c)
	}
	if err != nil {
		return 0, at, fmt.Errorf("read clock of meter %s: %w", m.ref.Address, err)
	}
	return t.Sub(at).Truncate(time.Millisecond), at, nil
}

// clockInTwo reads date, time and date again when midnight lay between.
func (m *DLT645) clockInTwo(ctx context.Context, c Call) (t time.Time, at time.Time, err error) {
	for range 2 { // a second midnight is a day away
		date, _, err := m.read(ctx, c, dlt645.DIDate)
		if err != nil {
			return t, at, err
		}
		clock, at, err := m.read(ctx, c, dlt645.DITime)
		if err != nil {
			return t, at, err
		}
		if t, err = dlt645.MeterClock(date, clock, m.zone); err != nil {
			return t, at, fmt.Errorf("%w: %w", ErrClock, err)
		}
		if t.Hour() != 0 || t.Minute() != 0 {
			return t, at, nil
		}
		again, _, err := m.read(ctx, c, dlt645.DIDate)
		if err != nil {
			return t, at, err
		}
		if string(again) == string(date) {
			return t, at, nil
		}
	}
	return t, at, fmt.Errorf("date changed twice: %w", dlt645.ErrDateTime)
}

// relayCommands is what each action sends.
var relayCommands = map[protocol.Action]dlt645.RelayCommand{
	protocol.ActionTrip: dlt645.Trip, protocol.ActionPermit: dlt645.ClosePermit, protocol.ActionClose: dlt645.Close,
	ActionAlarmOn: dlt645.AlarmOn, ActionAlarmOff: dlt645.AlarmOff, ActionHoldOn: dlt645.HoldOn, ActionHoldOff: dlt645.HoldOff,
}

// Switch sends one control frame (C = 1CH) with its deadline in meter time.
func (m *DLT645) Switch(ctx context.Context, c Call, cmd Command) (sent bool, err error) {
	n1, ok := relayCommands[cmd.Action]
	if !ok {
		return false, fmt.Errorf("action %d: %w", cmd.Action, ErrUnsupported)
	}
	pw := dlt645.Password{Level: cmd.Password[0], Digits: [3]byte(cmd.Password[1:])}
	f, err := dlt645.RelayRequest(m.addr, pw, cmd.Operator, n1, cmd.Deadline.Add(cmd.Drift).In(m.zone))
	if err != nil {
		return false, fmt.Errorf("%s of meter %s: %w", n1, m.ref.Address, err)
	}
	x := &line.Exchange{Before: cmd.Before}
	err = m.exchange(ctx, c, f, x, 0, func(r dlt645.Frame) error { _, err := dlt645.ParseRelayReply(r, m.addr); return err })
	if x.Wrote && cmd.After != nil {
		cmd.After()
	}
	if err != nil {
		err = fmt.Errorf("%s of meter %s: %w", n1, m.ref.Address, err)
	}
	return x.Wrote, err
}

// read asks for one item and copies its data out.
func (m *DLT645) read(ctx context.Context, c Call, d dlt645.DI) (data []byte, at time.Time, err error) {
	x := &line.Exchange{}
	err = m.exchange(ctx, c, dlt645.ReadRequest(m.addr, d), x, replyData, func(r dlt645.Frame) error {
		part, err := dlt645.ParseReadReply(r, m.addr, d)
		data = append([]byte(nil), part...) // the frame lives in the parser
		return err
	})
	if err != nil {
		return nil, x.RepliedAt, fmt.Errorf("item %s: %w", d, err)
	}
	return data, x.RepliedAt, nil
}

// exchange sends f and waits for the frame that judge does not pass over; its error is judge's or the line's.
func (m *DLT645) exchange(ctx context.Context, c Call, f dlt645.Frame, x *line.Exchange, dataLen int, judge func(dlt645.Frame) error) error {
	var parser dlt645.Parser
	var verdict error
	x.Request = dlt645.AppendFrame(dlt645.AppendPreamble(nil), f)
	x.ReplyLen, x.Delay, x.Order, x.NotAfter = preambleLen+12+dataLen, m.delay, c.Order, c.NotAfter
	var reply []byte
	found := false
	if c.Alone {
		x.Linger = lingerFor
	}
	x.Take = func(b []byte) bool {
		if len(b) > 0 {
			parser.Write(b)
		} else {
			parser.Silence() // a false 68H may hide a whole frame behind it
		}
		for {
			r, ok := parser.Next()
			if !ok {
				return false
			}
			if found {
				if r.FromMeter() && r.Addr == m.addr {
					verdict = ErrTwo
				}
				continue
			}
			if verdict = judge(r); dlt645.KeepWaiting(verdict) {
				continue // our echo, or somebody else's answer
			}
			found = true
			if c.Trace != nil {
				reply = dlt645.AppendFrame(nil, r)
			}
			return true
		}
	}
	err := m.line.Do(ctx, x)
	if err == nil {
		err = classify(verdict)
	} else if fault := parser.Fault(); fault != nil {
		err = fmt.Errorf("%w: %w", err, fault)
	}
	m.note(x, m.line.Settings(), err)
	if c.Trace != nil && x.Wrote {
		c.Trace(protocol.FrameEvidence{Sent: true, At: x.SentAt.UnixMilli(), Bytes: dlt645.AppendMasked(nil, f), Note: c.Note})
		if reply != nil {
			c.Trace(protocol.FrameEvidence{At: x.RepliedAt.UnixMilli(), Bytes: reply, Note: c.Note})
		}
	}
	return err
}

// classify adds our own words to a meter's refusal.
func classify(err error) error {
	var refusal *dlt645.ReplyError
	switch {
	case !errors.As(err, &refusal):
		return err
	case errors.Is(err, dlt645.ErrPassword):
		return fmt.Errorf("%w: %w: %w", ErrRefused, ErrPassword, err)
	case errors.Is(err, dlt645.ErrHold):
		return fmt.Errorf("%w: %w: %w", ErrRefused, ErrHold, err)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}
