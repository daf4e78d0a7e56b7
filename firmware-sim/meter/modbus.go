package meter

import (
	"slices"
	"time"

	"feikong/protocol/modbus"
)

// AnswerModbus hears one sound request. answered is false when the meter stays silent: another's unit, a broadcast,
// unplugged, without power. Writes to the relay are counted whatever becomes of them.
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
	m.heard = m.at
	if m.cfg.Channel > 1 && (err != nil || !m.mine(q)) { // the box's first channel speaks for what none has
		return modbus.ADU{}, false
	}
	refuse := func(code byte) (modbus.ADU, bool) { return modbus.ExceptionReply(a.Unit, a.Func, code), true }
	switch a.Func {
	case modbus.ReadHolding, modbus.ReadInput, modbus.ReadCoils, modbus.ReadDiscreteInputs:
		switch {
		case !m.reads(a.Func):
			return refuse(modbus.IllegalFunction)
		case err != nil || m.cfg.Model.MaxRead > 0 && q.Count > m.cfg.Model.MaxRead:
			return refuse(modbus.IllegalValue)
		case !m.cfg.Model.Readable(q.Func, q.Addr, q.Count):
			return refuse(modbus.IllegalAddress)
		}
		words := m.words(q)
		if a.Func == modbus.ReadHolding || a.Func == modbus.ReadInput {
			return modbus.ReadReply(a.Unit, a.Func, words), true
		}
		bits := make([]bool, len(words))
		for i, w := range words {
			bits[i] = w != 0
		}
		return modbus.BitsReply(a.Unit, a.Func, bits), true
	case modbus.WriteCoil, modbus.WriteCoils, modbus.WriteRegister, modbus.WriteRegisters:
		switch code := m.mayWrite(a.Func); {
		case code != 0:
			return refuse(code)
		case err != nil:
			return refuse(modbus.IllegalValue)
		}
		if code := m.writeModbus(q); code != 0 {
			return refuse(code)
		}
		return modbus.WriteReply(a), true
	}
	return refuse(modbus.IllegalFunction)
}

// reads reports whether the model's table has anything that function reads.
func (m *Meter) reads(fn byte) bool {
	md := &m.cfg.Model
	for i := range md.Points {
		if md.Points[i].Func == fn {
			return true
		}
	}
	for _, s := range md.Spans {
		if s.Func == fn {
			return true
		}
	}
	return md.Relay != nil && md.Relay.StateFunc == fn || md.Clock != nil && md.Clock.Func == fn ||
		md.PT != nil && md.PT.Func == fn || md.CT != nil && md.CT.Func == fn
}

// mine reports whether a request goes to registers of this channel.
func (m *Meter) mine(q modbus.Request) bool {
	if r := m.cfg.Model.Relay; r != nil && q.Func == r.Func && q.Addr == r.Addr {
		return true
	}
	return m.reads(q.Func) && m.cfg.Model.Readable(q.Func, q.Addr, q.Count)
}

// words is a run of registers that the model says can be read; what lies between its values is zero.
func (m *Meter) words(q modbus.Request) []uint16 {
	out := make([]uint16, q.Count)
	put := func(fn byte, addr uint16, words []uint16) {
		if fn != q.Func {
			return
		}
		for i, w := range words {
			if at := int(addr) + i - int(q.Addr); at >= 0 && at < len(out) {
				out[at] = w
			}
		}
	}
	md := &m.cfg.Model
	for i := range md.Points {
		p := &md.Points[i]
		if p.Func == q.Func && int(p.Addr) < int(q.Addr)+len(out) && int(p.Addr)+int(p.Words) > int(q.Addr) {
			put(p.Func, p.Addr, m.point(p))
		}
	}
	if p := md.PT; p != nil {
		put(p.Func, p.Addr, m.ratio(p, m.cfg.PT))
	}
	if p := md.CT; p != nil {
		put(p.Func, p.Addr, m.ratio(p, m.cfg.CT))
	}
	if c := md.Clock; c != nil {
		put(c.Func, c.Addr, c.Encode(m.clockAt(m.at)))
	}
	if r := md.Relay; r != nil {
		open := m.relay.open
		switch m.cfg.ContactBit {
		case ContactInverted:
			open = !open
		case ContactNever:
			open = false
		}
		put(r.StateFunc, r.StateRead().Addr, r.StateWords(open, m.relay.commandOpen, m.forced))
	}
	return out
}

// relayWrite takes a write to the relay apart: does it go there, and what would it do?
func (m *Meter) relayWrite(q modbus.Request) (hit, open, closed bool) {
	r := m.cfg.Model.Relay
	if r == nil || q.Addr != r.Addr {
		return false, false, false
	}
	values := q.Registers
	switch {
	case r.Func == modbus.WriteCoil && (q.Func == modbus.WriteCoil || q.Func == modbus.WriteCoils) && len(q.Bits) == 1:
		values = []uint16{0}
		if q.Bits[0] {
			values[0] = 0xFF00
		}
	case r.Func != q.Func:
		return false, false, false
	}
	return true, slices.Equal(values, r.Open), slices.Equal(values, r.Close)
}

func (m *Meter) countWrite(q modbus.Request) {
	_, open, closed := m.relayWrite(q)
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

// mayWrite judges the function. A meter has FC06 or FC16, not both: the wrong one is refused. Who has FC05 has FC15.
func (m *Meter) mayWrite(fn byte) byte {
	r := m.cfg.Model.Relay
	if r == nil || fn != r.Func && !(r.Func == modbus.WriteCoil && fn == modbus.WriteCoils) {
		return modbus.IllegalFunction
	}
	return 0
}

// writeModbus does what a model's relay register does; nothing else can be written.
func (m *Meter) writeModbus(q modbus.Request) byte {
	r := m.cfg.Model.Relay
	hit, open, closed := m.relayWrite(q)
	switch {
	case !hit:
		return modbus.IllegalAddress
	case open && m.relay.hold:
		return modbus.DeviceFailure // held at the meter itself; Modbus has no power hold of its own
	case open && r.CanTrip:
		m.forced = true
		m.trip(localOperator)
	case closed && r.CanClose && m.cfg.Switch != SwitchPermit:
		m.forced = true
		m.calm(localOperator)
		m.contact(false)
	case closed && (r.CanClose || r.CanPermit):
		m.forced = true
		m.calm(localOperator)
		m.relay.permitted = m.relay.open
	case !open && !closed && r.Mode != nil && r.Mode.Addr == r.Addr && len(q.Registers) > 0 && q.Registers[0] == r.Mode.Own:
		m.forced = false // back to its own rules
	default:
		return modbus.IllegalValue
	}
	m.relayMoved()
	return 0
}
