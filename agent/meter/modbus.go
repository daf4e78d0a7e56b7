package meter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	gomodbus "github.com/goburrow/modbus"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// Modbus drives one Modbus RTU meter by the table of its model. This is the one file that knows goburrow/modbus: it
// packs requests and unpacks answers; the bytes travel over our line, which finds the end of an answer by its length.
// goburrow's own serial transport is not used (it opens ports with another library, and races while doing so).
type Modbus struct {
	counter
	ref   protocol.MeterRef
	unit  byte
	model modbusmap.Model
	line  Talker
	delay time.Duration
}

// NewModbus makes a driver for the unit id in ref.Address (1 to 247).
func NewModbus(ref protocol.MeterRef, model modbusmap.Model, t Talker, delay time.Duration) (*Modbus, error) {
	n, err := strconv.ParseUint(ref.Address, 10, 8)
	if err != nil || n < 1 || n > 247 {
		return nil, fmt.Errorf("address %q is not a Modbus unit id, 1 to 247", ref.Address)
	}
	m := &Modbus{ref: ref, unit: byte(n), model: model, line: t, delay: delay}
	m.st.Meter = ref
	return m, nil
}

// Ref names the meter.
func (m *Modbus) Ref() protocol.MeterRef { return m.ref }

// Can is what the model's table says.
func (m *Modbus) Can() Capabilities {
	r := m.model.Relay
	if r == nil {
		return Capabilities{}
	}
	return Capabilities{Trip: r.CanTrip, Permit: r.CanPermit, Close: r.CanClose, Feedback: r.Feedback}
}

// Energy reads all points of the model.
func (m *Modbus) Energy(ctx context.Context, c Call) ([]protocol.Reading, error) {
	var out []protocol.Reading
	for _, r := range m.model.Reads() {
		words, at, err := m.registers(ctx, c, r)
		if err != nil {
			return out, fmt.Errorf("read energy of meter %s: %w", m.ref.Address, err)
		}
		for _, p := range r.Points {
			v, measured, err := p.Decode(r.Words(p, words))
			if err != nil {
				return out, fmt.Errorf("read register %04XH of meter %s: %w", p.Addr, m.ref.Address, err)
			}
			if !measured {
				continue
			}
			out = append(out, protocol.Reading{Meter: m.ref, Quantity: p.Quantity, Register: p.Register, Value: v, Exp: p.Exp,
				TakenAt: at.UnixMilli(), Method: protocol.MethodPoll, Side: p.Side})
		}
	}
	return out, nil
}

// Relay reads the relay's state as the model's table says. Modbus relays have no separate command state; the one
// state stands for both. Known is false for a value the manual does not name.
func (m *Modbus) Relay(ctx context.Context, c Call) (protocol.RelayReport, time.Time, error) {
	r := m.model.Relay
	if r == nil || !r.Feedback {
		return protocol.RelayReport{}, time.Time{}, fmt.Errorf("relay of meter %s, model %s: %w", m.ref.Address, m.model.Name, ErrUnsupported)
	}
	words, at, err := m.registers(ctx, c, r.StateRead())
	if err != nil || len(words) == 0 {
		return protocol.RelayReport{}, at, fmt.Errorf("read relay of meter %s: %w", m.ref.Address, err)
	}
	open, known := r.State(words[0])
	return protocol.RelayReport{Known: known, Open: known && open, CommandOpen: known && open}, at, nil
}

// Clock is not in any of the tables yet.
func (m *Modbus) Clock(context.Context, Call) (time.Duration, time.Time, error) {
	return 0, time.Time{}, fmt.Errorf("clock of meter %s, model %s: %w", m.ref.Address, m.model.Name, ErrUnsupported)
}

// Switch writes the relay's coil or register once. Modbus frames carry neither password nor deadline: cmd.Deadline
// keeps the frame from being sent late, and nothing can stop it afterwards.
func (m *Modbus) Switch(ctx context.Context, c Call, cmd Command) (sent bool, err error) {
	r := m.model.Relay
	trip := cmd.Action == protocol.ActionTrip
	if r == nil || trip && !r.CanTrip || !trip && (cmd.Action != protocol.ActionClose || !r.CanClose) {
		return false, fmt.Errorf("action %d on meter %s, model %s: %w", cmd.Action, m.ref.Address, m.model.Name, ErrUnsupported)
	}
	if c.NotAfter.IsZero() || cmd.Deadline.Before(c.NotAfter) {
		c.NotAfter = cmd.Deadline
	}
	t := m.transport(ctx, c)
	t.before = cmd.Before
	client := m.client(t)
	value := r.Close
	if trip {
		value = r.Open
	}
	switch r.Func {
	case modbus.WriteCoil:
		_, err = client.WriteSingleCoil(r.Addr, value[0])
	case modbus.WriteRegister:
		_, err = client.WriteSingleRegister(r.Addr, value[0])
	case modbus.WriteRegisters:
		_, err = client.WriteMultipleRegisters(r.Addr, uint16(len(value)), bigEndian(value))
	default:
		return false, fmt.Errorf("function %02X: %w", r.Func, ErrUnsupported)
	}
	err = m.judge(t, err)
	if t.x.Wrote && cmd.After != nil {
		cmd.After()
	}
	if err != nil {
		err = fmt.Errorf("switch relay of meter %s: %w", m.ref.Address, err)
	}
	return t.x.Wrote, err
}

// registers does one read request; coils and inputs come as one word, 0 or 1.
func (m *Modbus) registers(ctx context.Context, c Call, r modbusmap.Read) (words []uint16, at time.Time, err error) {
	t := m.transport(ctx, c)
	client := m.client(t)
	var b []byte
	switch r.Func {
	case modbus.ReadCoils:
		b, err = client.ReadCoils(r.Addr, r.Count)
	case modbus.ReadDiscreteInputs:
		b, err = client.ReadDiscreteInputs(r.Addr, r.Count)
	case modbus.ReadHolding:
		b, err = client.ReadHoldingRegisters(r.Addr, r.Count)
	case modbus.ReadInput:
		b, err = client.ReadInputRegisters(r.Addr, r.Count)
	default:
		return nil, at, fmt.Errorf("function %02X: %w", r.Func, ErrUnsupported)
	}
	bits := r.Func == modbus.ReadCoils || r.Func == modbus.ReadDiscreteInputs
	if err == nil && (bits && len(b) < 1 || !bits && len(b) != 2*int(r.Count)) {
		err = fmt.Errorf("%d bytes for %d registers: %w", len(b), r.Count, modbus.ErrReply)
	}
	if err = m.judge(t, err); err != nil {
		return nil, t.x.RepliedAt, err
	}
	if bits {
		return []uint16{uint16(b[0] & 1)}, t.x.RepliedAt, nil
	}
	for ; len(b) > 0; b = b[2:] {
		words = append(words, uint16(b[0])<<8|uint16(b[1]))
	}
	return words, t.x.RepliedAt, nil
}

func (m *Modbus) transport(ctx context.Context, c Call) *transport {
	return &transport{ctx: ctx, call: c, line: m.line, delay: m.delay}
}

func (m *Modbus) client(t *transport) gomodbus.Client {
	h := gomodbus.NewRTUClientHandler("") // only its packager is used; it opens nothing
	h.SlaveId = m.unit
	return gomodbus.NewClient2(h, t)
}

// judge adds our words to an exception, and counts the exchange.
func (m *Modbus) judge(t *transport, err error) error {
	var refusal *gomodbus.ModbusError
	if errors.As(err, &refusal) {
		err = fmt.Errorf("%w: function %02X: exception %02X, %s", ErrRefused, refusal.FunctionCode&0x7F, refusal.ExceptionCode, modbus.ExceptionText(refusal.ExceptionCode))
	}
	m.note(&t.x, m.line.Settings(), err)
	return err
}

func bigEndian(words []uint16) (b []byte) {
	for _, w := range words {
		b = append(b, byte(w>>8), byte(w))
	}
	return b
}

// transport is goburrow's Transporter for one request: it lives as long as the call whose context it carries.
type transport struct {
	ctx    context.Context
	call   Call
	line   Talker
	delay  time.Duration
	before func() error
	x      line.Exchange
}

// Send carries one ADU and brings its answer.
func (t *transport) Send(request []byte) ([]byte, error) {
	adu, err := modbus.DecodeRTU(request)
	if err != nil {
		return nil, err
	}
	var got []byte
	t.x = line.Exchange{Request: request, ReplyLen: modbus.ReplyLength(adu), Delay: t.delay, Order: t.call.Order, NotAfter: t.call.NotAfter, Before: t.before, Blind: true}
	t.x.Take = func(b []byte) bool {
		got = append(got, b...)
		for len(got) > 0 {
			n := modbus.ReplyNeed(got, adu)
			if n >= 0 {
				return n == 0
			}
			got = got[min(-n, len(got)):]
		}
		return false
	}
	err = t.line.Do(t.ctx, &t.x)
	if t.call.Trace != nil && t.x.Wrote {
		t.call.Trace(protocol.FrameEvidence{Sent: true, At: t.x.SentAt.UnixMilli(), Bytes: request, Note: t.call.Note})
		if err == nil {
			t.call.Trace(protocol.FrameEvidence{At: t.x.RepliedAt.UnixMilli(), Bytes: append([]byte(nil), got...), Note: t.call.Note})
		}
	}
	return got, err
}
