package local

import (
	"context"
	"errors"
	"strings"
	"time"

	"feikong/agent/field"
	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/protocol"
)

// readMax bounds one read: a block of registers read three times at 300 baud takes some seconds, and a line with a whole
// round of polling in front of it a few more.
const readMax = 60 * time.Second

func (s *Server) read(ctx context.Context, r *ReadRequest) (*ReadReply, error) {
	m, err := s.driver(r.Meter.Meter())
	if err != nil {
		return nil, err
	}
	if r.What == "known" {
		return s.known(r.Meter.Meter())
	}
	ctx, cancel := context.WithTimeout(ctx, readMax)
	defer cancel()
	return Read(ctx, m, r.What)
}

// Read asks one meter and says what came in the form that travels; commands that talk to a line themselves, because no
// agent runs, use it too. Errors are *Fault.
func Read(ctx context.Context, m meter.Driver, what string) (*ReadReply, error) {
	out := &ReadReply{Meter: field.RefOf(m.Ref()), At: time.Now().UnixMilli()}
	call := meter.Call{Order: true, Search: true, Trace: func(f protocol.FrameEvidence) {
		if f.Sent {
			out.Exchanges++
		}
	}}
	var err error
	switch what {
	case "energy":
		call.Twice = true
		var rs []protocol.Reading
		rs, err = m.Energy(ctx, call)
		out.Registers = field.FromReadings(rs)
	case "relay":
		var r protocol.RelayReport
		r, _, err = m.Relay(ctx, call)
		out.Relay = field.RelayStateOf(r)
	case "clock":
		var drift time.Duration
		if drift, _, err = m.Clock(ctx, call); err == nil {
			ms := drift.Milliseconds()
			out.DriftMS = &ms
		}
	default:
		reader, ok := m.(meter.Reader)
		if !ok {
			return nil, fault(CodeUnsupported, "这种电表不能按数据项读取 %q", "meters of this kind cannot be read by item (%q)", what)
		}
		var vs []meter.ItemValue
		vs, err = reader.Item(ctx, call, what)
		for _, v := range vs {
			at := int64(0)
			if !v.At.IsZero() {
				at = v.At.UnixMilli()
			}
			out.Items = append(out.Items, Item{ID: v.ID, Name: v.Name, NameZH: v.NameZH, Text: v.Text, Unit: v.Unit, Null: v.Null, Never: v.Never, TextZH: v.TextZH, At: at})
		}
	}
	if errors.Is(err, meter.ErrItem) {
		return nil, fault(CodeBad, "没有数据项 %q；可用：%s，或 8 位十六进制数据标识", "there is no item %q; there are %s, or a data identifier in hex", what, strings.Join(meter.ItemNames(), " "))
	}
	if err != nil {
		return nil, silence(err)
	}
	out.DelayMS = m.Status().DelayMs
	return out, nil
}

// silence makes a driver's error a fault with the remedy.
func silence(err error) *Fault {
	switch {
	case errors.Is(err, line.ErrDown), errors.Is(err, line.ErrLost):
		return fault(CodeNoAnswer, "线路不通：%v（`agent doctor` 可查原因）", "the line is down: %v (`agent doctor` finds out why)", err)
	case errors.Is(err, line.ErrSilent):
		return fault(CodeNoAnswer, "电表没有应答：%v（查接线、地址和波特率；`agent doctor` 可查原因）", "the meter does not answer: %v (look at wiring, address and baud; `agent doctor` finds out why)", err)
	case errors.Is(err, meter.ErrUnsupported):
		return fault(CodeUnsupported, "电表不支持：%v", "%v", err)
	case errors.Is(err, meter.ErrTwo):
		return fault(CodeRefused, "两块电表用同一地址应答：%v", "%v: two meters have this address", err)
	case errors.Is(err, meter.ErrRefused):
		return fault(CodeRefused, "电表拒绝：%v", "%v", err)
	}
	return fault(CodeNoAnswer, "读取失败：%v", "%v", err)
}
