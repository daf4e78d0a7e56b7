package meter

import (
	"slices"
	"time"

	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// Exception codes (Modbus Application Protocol V1.1b3, chapter 7).
const (
	illegalFunction = 1
	illegalAddress  = 2
	illegalValue    = 3
	deviceFailure   = 4
)

// AnswerModbus hears one sound request. answered is false when the meter stays silent: another's unit, a broadcast, or
// unplugged. Writes to the relay are counted whatever becomes of them.
func (m *Meter) AnswerModbus(a modbus.ADU, now time.Time) (reply modbus.ADU, answered bool) {
	if m.cfg.Unit == 0 || a.Unit != m.cfg.Unit {
		return modbus.ADU{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	q, err := modbus.ParseRequest(a)
	if err == nil {
		m.countWrite(q)
	}
	if !m.plugged || m.dark {
		return modbus.ADU{}, false
	}
	if err != nil {
		return modbus.ExceptionReply(a.Unit, a.Func, illegalValue), true
	}
	switch q.Func {
	case modbus.ReadHolding, modbus.ReadInput:
		words, code := m.readModbus(q, now)
		if code != 0 {
			return modbus.ExceptionReply(a.Unit, a.Func, code), true
		}
		return modbus.ReadReply(a.Unit, a.Func, words), true
	case modbus.ReadCoils:
		if r := m.cfg.Model.Relay; r != nil && r.StateFunc == q.Func && r.StateAddr == q.Addr && q.Count == 1 {
			return modbus.BitsReply(a.Unit, a.Func, []bool{m.relayWord() != 0}), true
		}
		return modbus.ExceptionReply(a.Unit, a.Func, illegalAddress), true
	case modbus.WriteCoil, modbus.WriteRegister, modbus.WriteRegisters:
		if code := m.writeModbus(q); code != 0 {
			return modbus.ExceptionReply(a.Unit, a.Func, code), true
		}
		return modbus.WriteReply(a), true
	}
	return modbus.ExceptionReply(a.Unit, a.Func, illegalFunction), true
}

// readModbus reads a run of registers. A run that touches a hole is refused as a whole, as real meters do; what lies
// between the points of a span reads as zero.
func (m *Meter) readModbus(q modbus.Request, now time.Time) ([]uint16, byte) {
	out := make([]uint16, q.Count)
	put := func(addr uint16, words []uint16) {
		for i, w := range words {
			if at := int(addr) + i - int(q.Addr); at >= 0 && at < len(out) {
				out[at] = w
			}
		}
	}
	known := false
	for _, p := range m.cfg.Model.Points {
		known = known || p.Func == q.Func
		if p.Func != q.Func || int(p.Addr) >= int(q.Addr)+len(out) || int(p.Addr)+int(p.Words) <= int(q.Addr) {
			continue
		}
		words, err := m.point(p, now)
		if err != nil {
			return nil, deviceFailure
		}
		put(p.Addr, words)
	}
	for _, ratio := range []*modbusmap.Point{m.cfg.Model.PT, m.cfg.Model.CT} {
		if ratio == nil || ratio.Func != q.Func {
			continue
		}
		words, err := ratio.Encode(shift(1, 0, ratio.Exp)) // no transformers: 1 to 1
		if err != nil {
			return nil, deviceFailure
		}
		put(ratio.Addr, words)
	}
	if r := m.cfg.Model.Relay; r != nil && r.StateFunc == q.Func {
		known = true
		put(r.StateRead().Addr, r.StateWords(m.relay.open, m.relay.commandOpen, m.trips+m.closes > 0))
	}
	switch {
	case !known:
		return nil, illegalFunction
	case !m.cfg.Model.Readable(q.Func, q.Addr, q.Count):
		return nil, illegalAddress
	}
	return out, 0
}

// point is a value of the model's table as registers; a quantity that this meter does not have is not measured.
func (m *Meter) point(p modbusmap.Point, now time.Time) ([]uint16, error) {
	var v int64
	switch p.Quantity {
	case protocol.ActiveImport: // kWh
		mWh := sum(&m.regs.fwd)
		if p.Register > 0 && int(p.Register) <= rates {
			mWh = m.regs.fwd[p.Register-1]
		}
		v = shift(mWh, -6, p.Exp)
		if p.Type != modbusmap.F32 { // an integer register starts at zero again after eight digits
			v %= energyWrap
		}
	case protocol.ActivePower: // kW
		v = shift(m.power(), -3, p.Exp)
		switch p.Type { // a load beyond the register shows its highest value
		case modbusmap.S16:
			v = min(v, 1<<15-1)
		case modbusmap.U16:
			v = min(v, 1<<16-2)
		}
	case protocol.RelayState:
		if m.relay.open {
			v = protocol.RelayBitOpen
		}
	}
	return p.Encode(v)
}

// shift turns v x 10^from into units of 10^to, cutting off what the register does not show.
func shift(v int64, from, to int8) int64 {
	for ; from < to; from++ {
		v /= 10
	}
	for ; from > to && v < 1<<58; from-- {
		v *= 10
	}
	return v
}

// relayWord is what the model's state register (or coil) shows.
func (m *Meter) relayWord() uint16 {
	r := m.cfg.Model.Relay
	if m.relay.open {
		return r.OpenValue
	}
	return r.ClosedValue
}

// onRelayAddress takes a write apart: does it go to the relay, and what would it do?
func (m *Meter) onRelayAddress(q modbus.Request) (hit, open, close bool) {
	r := m.cfg.Model.Relay
	if r == nil || q.Func != r.Func || q.Addr != r.Addr {
		return false, false, false
	}
	values := q.Registers
	if q.Func == modbus.WriteCoil {
		v := uint16(0)
		if q.Bits[0] {
			v = 0xFF00
		}
		values = []uint16{v}
	}
	return true, slices.Equal(values, r.Open), slices.Equal(values, r.Close)
}

func (m *Meter) countWrite(q modbus.Request) {
	_, open, closed := m.onRelayAddress(q)
	if open {
		m.trips++
	}
	if closed {
		m.closes++
	}
	if open || closed {
		m.relayMoved()
	}
}

// writeModbus does what a model's relay register does; nothing else can be written. A meter has FC06 or FC16, not both: the
// wrong one is refused.
func (m *Meter) writeModbus(q modbus.Request) byte {
	r := m.cfg.Model.Relay
	if r == nil || q.Func != r.Func {
		return illegalFunction
	}
	hit, open, closed := m.onRelayAddress(q)
	switch {
	case !hit:
		return illegalAddress
	case open && m.relay.hold:
		return deviceFailure // held at the meter itself; Modbus has no power hold of its own
	case open && r.CanTrip:
		m.trip(localOperator)
	case closed && r.CanClose && m.cfg.Switch != SwitchPermit:
		m.calm(localOperator)
		m.contact(false)
	case closed && (r.CanClose || r.CanPermit):
		m.calm(localOperator)
		m.relay.permitted = m.relay.open
	default:
		return illegalValue
	}
	return 0
}
