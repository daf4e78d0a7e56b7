package meter

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	gomodbus "github.com/goburrow/modbus"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// This is the one file that knows goburrow/modbus: it packs requests and unpacks answers; the bytes travel over our line.
// goburrow's own transports are not used: its serial one opens ports with another library and races while doing so, its
// TCP one takes the first bytes that come for the answer.

const (
	// busyTries bounds how often a device that says it is busy is asked, busyPause lies between: the Application Protocol
	// (chapter 7) leaves the time to us, and a round of polling cannot wait for long.
	busyTries, busyPause = 3, 200 * time.Millisecond
)

// transactions numbers the requests of all Modbus TCP connections of this process, so that no reply, however late, carries
// the number of another meter's request on the same connection.
var transactions atomic.Uint32

// act is one request to the meter and its answer.
type act struct {
	read   bool // repeated when the device is busy; a write never is
	before func() error
	do     func(gomodbus.Client) ([]byte, error)
}

// ask does one act; the exchange says what happened on the line. The error is ErrRefused with the *modbus.Exception for a
// refusal, and line.ErrSilent for a gateway that says its meter did not answer.
func (m *Modbus) ask(ctx context.Context, c Call, a act) (data []byte, x line.Exchange, err error) {
	for try := 1; ; try++ {
		t := &transport{ctx: ctx, call: c, meter: m, before: a.before}
		data, err = a.do(m.client(t))
		x = t.x
		err = m.judge(&x, err)
		var refused *modbus.Exception
		if !a.read || try == busyTries || !errors.As(err, &refused) || refused.Code != modbus.DeviceBusy && refused.Code != modbus.Acknowledge {
			return data, x, err
		}
		pause := time.NewTimer(busyPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, x, ctx.Err()
		}
	}
}

func (m *Modbus) client(t *transport) gomodbus.Client {
	if m.framing == modbus.TCP {
		h := gomodbus.NewTCPClientHandler("") // only its packager is used; it opens nothing
		h.SlaveId = m.unit
		return gomodbus.NewClient2(h, t)
	}
	h := gomodbus.NewRTUClientHandler("") // the same
	h.SlaveId = m.unit
	return gomodbus.NewClient2(h, t)
}

// judge makes our errors of goburrow's, and counts the exchange.
func (m *Modbus) judge(x *line.Exchange, err error) error {
	var refusal *gomodbus.ModbusError
	if errors.As(err, &refusal) {
		e := &modbus.Exception{Unit: m.unit, Func: refusal.FunctionCode &^ 0x80, Code: refusal.ExceptionCode}
		if e.Code == modbus.GatewayPath || e.Code == modbus.GatewayTarget { // a gateway's word, not the meter's
			silent := *x
			silent.Received = 0
			m.note(&silent, m.line.Settings(), line.ErrSilent)
			return fmt.Errorf("%w: %w", line.ErrSilent, e)
		}
		err = fmt.Errorf("%w: %w", ErrRefused, e)
	}
	m.note(x, m.line.Settings(), err)
	return err
}

// registers does one read; coils and inputs come as one word, 0 or 1.
func (m *Modbus) registers(ctx context.Context, c Call, r modbusmap.Read) (words []uint16, at time.Time, err error) {
	bits := r.Func == modbus.ReadCoils || r.Func == modbus.ReadDiscreteInputs
	b, x, err := m.ask(ctx, c, act{read: true, do: func(client gomodbus.Client) (b []byte, err error) {
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
			return nil, fmt.Errorf("function %02X: %w", r.Func, ErrUnsupported)
		}
		if err == nil && (bits && len(b) < 1 || !bits && len(b) != 2*int(r.Count)) {
			err = fmt.Errorf("%d bytes for %d registers: %w", len(b), r.Count, modbus.ErrReply)
		}
		return b, err
	}})
	if err != nil {
		return nil, x.RepliedAt, err
	}
	if bits {
		return []uint16{uint16(b[0] & 1)}, x.RepliedAt, nil
	}
	for ; len(b) > 0; b = b[2:] {
		words = append(words, binary.BigEndian.Uint16(b))
	}
	return words, x.RepliedAt, nil
}

// write sends one write, once.
func (m *Modbus) write(ctx context.Context, c Call, fn byte, addr uint16, values []uint16, before func() error) (line.Exchange, error) {
	_, x, err := m.ask(ctx, c, act{before: before, do: func(client gomodbus.Client) ([]byte, error) {
		switch fn {
		case modbus.WriteCoil:
			return client.WriteSingleCoil(addr, values[0])
		case modbus.WriteRegister:
			return client.WriteSingleRegister(addr, values[0])
		case modbus.WriteRegisters:
			var b []byte
			for _, v := range values {
				b = binary.BigEndian.AppendUint16(b, v)
			}
			return client.WriteMultipleRegisters(addr, uint16(len(values)), b)
		}
		return nil, fmt.Errorf("function %02X: %w", fn, ErrUnsupported)
	}})
	return x, err
}

// transport is goburrow's Transporter for one request: it lives as long as the call whose context it carries.
type transport struct {
	ctx    context.Context
	call   Call
	meter  *Modbus
	before func() error
	x      line.Exchange
}

// Send carries one frame and brings its answer.
func (t *transport) Send(request []byte) ([]byte, error) {
	r := reply{framing: t.meter.framing}
	t.x = line.Exchange{Request: request, Delay: t.meter.delay, Order: t.call.Order, NotAfter: t.call.NotAfter, Before: t.before}
	if t.call.routine {
		t.x.Pace = &t.meter.pace
	}
	var err error
	if r.framing == modbus.TCP {
		r.id = uint16(transactions.Add(1))
		binary.BigEndian.PutUint16(request, r.id) // goburrow compares the answer with these bytes
		_, r.request, err = modbus.DecodeTCP(request)
		t.x.ReplyLen = modbus.ReplyLengthTCP(r.request)
	} else {
		r.request, err = modbus.DecodeRTU(request)
		t.x.ReplyLen, t.x.Blind = modbus.ReplyLength(r.request), true
		if t.call.Alone { // behind a gateway two meters cannot be told from one
			t.x.Linger = lingerFor
		}
	}
	if err != nil {
		return nil, err
	}
	t.x.Take = r.take
	err = t.meter.line.Do(t.ctx, &t.x)
	if err == nil && t.x.RepliedAt.IsZero() {
		t.x.RepliedAt = time.Now() // an answer that looks like the request was taken for its echo at first
	}
	if t.call.Trace != nil && t.x.Wrote {
		t.call.Trace(protocol.FrameEvidence{Sent: true, At: t.x.SentAt.UnixMilli(), Bytes: request, Note: t.call.Note})
		if err == nil {
			t.call.Trace(protocol.FrameEvidence{At: t.x.RepliedAt.UnixMilli(), Bytes: append([]byte(nil), r.whole...), Note: t.call.Note})
		}
	}
	if err == nil && r.two {
		err = ErrTwo
	}
	if err != nil {
		return nil, err
	}
	// Judged here too: goburrow's errors have no names, and it does not see whether a write was confirmed as it was asked.
	var refused *modbus.Exception
	if err := r.judge(); err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	return r.whole, nil
}

// reply gathers the bytes of an answer.
type reply struct {
	framing modbus.Framing
	id      uint16
	request modbus.ADU
	got     []byte // not yet judged
	whole   []byte // the answer, once it is complete
	two     bool   // a second one followed
}

func (r *reply) take(b []byte) bool {
	r.got = append(r.got, b...)
	for len(r.got) > 0 {
		need, size := r.need()
		switch {
		case need > 0:
			return false
		case need < 0:
			r.got = r.got[min(-need, len(r.got)):]
			continue
		case r.whole != nil: // listening on: a sound second answer comes from a second meter
			if _, err := modbus.DecodeReply(r.got, r.request); err == nil {
				r.two = true
			}
		default:
			r.whole = r.got[:size:size]
		}
		r.got = r.got[size:]
		return true
	}
	return false
}

// judge says what is wrong with the answer; a refusal is an *modbus.Exception.
func (r *reply) judge() (err error) {
	if r.framing == modbus.TCP {
		_, err = modbus.DecodeReplyTCP(r.whole, r.id, r.request)
	} else {
		_, err = modbus.DecodeReply(r.whole, r.request)
	}
	return err
}

// need is ReplyNeed of the framing, and with 0 the size of the answer that stands at the front.
func (r *reply) need() (need, size int) {
	if r.framing == modbus.TCP {
		if need = modbus.ReplyNeedTCP(r.got, r.id, r.request); need == 0 {
			size = 6 + int(binary.BigEndian.Uint16(r.got[4:]))
		}
		return need, size
	}
	if need = modbus.ReplyNeed(r.got, r.request); need == 0 {
		size = modbus.ReplyLength(r.request)
		if r.got[1]&0x80 != 0 {
			size = 5
		}
	}
	return need, min(size, len(r.got))
}
