package meter

import "feikong/protocol/dlt645"

// Control bytes of the requests of 1997.
const (
	control1997Read         = 0x01
	control1997Subsequent   = 0x02
	control1997Repeat       = 0x03
	control1997Write        = 0x04
	control1997WriteAddress = 0x0A
	control1997Baud         = 0x0C
	control1997Password     = 0x0F
	control1997ClearDemand  = 0x10
)

// ERR bits that mean something else in 1997.
const err1997Data, err1997Item = 1 << 0, 1 << 1

// answer1997 answers in the first edition. A meter of it knows no levels: any password it has will do.
func (m *Meter) answer1997(f dlt645.Frame, exact bool) (dlt645.Frame, bool) {
	a := m.wire
	broadcast := f.Addr == dlt645.Broadcast
	if !exact && !broadcast && m.cfg.WildReply { // seen: the wildcard comes back as the answer's address
		a = f.Addr
	}
	refuse := func(err byte) (dlt645.Frame, bool) { return dlt645.ErrorReply(a, f.Control, err), true }
	switch f.Control {
	case control1997WriteAddress: // to 99×6, obeyed by whoever's button is pressed, answered from the new address
		to, err := dlt645.ParseWriteAddressRequest1997(f)
		if err != nil || !m.programming() {
			return dlt645.Frame{}, false
		}
		m.readdress(to)
		return dlt645.WriteAddressReply1997(to), true
	case control1997Read, control1997Subsequent, control1997Repeat:
		if broadcast && !m.cfg.Answers99 { // some of this edition answer data reads sent to all
			return dlt645.Frame{}, false
		}
		return m.read1997(a, f), true
	}
	if !exact {
		return dlt645.Frame{}, false
	}
	switch f.Control {
	case control1997Write:
		o, err := dlt645.ParseWriteRequest1997(f, m.cfg.Password1997)
		switch {
		case err != nil:
			return refuse(err1997Data)
		case m.cfg.Password1997 && !m.password(o.Password, levels-1), !m.cfg.Password1997 && !m.programming():
			return refuse(errPassword)
		}
		if e := m.write1997(o.Item, o.Data); e != 0 {
			return refuse(e)
		}
		m.relayMoved()
		return dlt645.WriteReply1997(a), true
	case control1997Baud:
		baud, err := dlt645.ParseBaudRequest1997(f)
		if err != nil {
			return dlt645.BaudReply1997(a, 0), true
		}
		m.session, m.sessionAt = baud, m.at
		return dlt645.BaudReply1997(a, baud), true
	case control1997Password: // a wrong one is not answered
		before, after, err := dlt645.ParsePasswordRequest1997(f)
		if err != nil || after.Level >= levels || !m.password(before, levels-1) {
			return dlt645.Frame{}, false
		}
		m.levels[before.Level].set = false
		m.levels[after.Level] = level{set: true, digits: after.Digits}
		m.relayMoved()
		return dlt645.PasswordReply1997(a, after), true
	case control1997ClearDemand:
		if !m.programming() {
			return refuse(errPassword)
		}
		m.clearDemand(localOperator)
		return dlt645.ClearDemandReply1997(a), true
	}
	return dlt645.Frame{}, false
}

// read1997 answers 01, 02 and 03; the last is the last answer again.
func (m *Meter) read1997(a dlt645.Address, f dlt645.Frame) dlt645.Frame {
	switch f.Control {
	case control1997Repeat:
		if m.last1997.Control == 0 {
			return dlt645.ErrorReply(a, f.Control, err1997Item)
		}
		again := m.last1997
		again.Addr, again.Control = a, again.Control&^0x1F|control1997Repeat
		return again
	case control1997Subsequent:
		d, err := dlt645.ParseSubsequentRequest1997(f)
		p := m.pending
		if err != nil || p == nil || p.item != d || p.given >= len(p.ends) {
			return dlt645.ErrorReply(a, f.Control, err1997Item)
		}
		part := p.data[p.ends[p.given-1]:p.ends[p.given]]
		p.given++
		m.last1997 = dlt645.SubsequentReply1997(a, d, part, p.given < len(p.ends))
		return m.last1997
	}
	m.pending = nil
	d, err := dlt645.ParseReadRequest1997(f)
	if err != nil {
		return dlt645.ErrorReply(a, f.Control, err1997Data)
	}
	data, ok := m.item1997(d)
	if !ok {
		return dlt645.ErrorReply(a, f.Control, err1997Item)
	}
	if ends := cut(len(data), nil); len(ends) > 1 {
		m.pending = &pending{item: d, data: data, ends: ends, at: m.at, given: 1}
		data = data[:ends[0]]
	}
	m.last1997 = dlt645.ReadReply1997(a, d, data, m.pending != nil)
	return m.last1997
}

// Identifiers of 1997 with a meaning for the meter itself.
const (
	di1997Date, di1997Time               di = 0xC010, 0xC011
	di1997Number, di1997User, di1997Unit di = 0xC032, 0xC033, 0xC034
)

// item1997 is the data of an identifier. FF in DI0 is a set: its blocks, with AA between them.
func (m *Meter) item1997(d di) ([]byte, bool) {
	if d&0xFF != 0xFF {
		return m.block1997(d)
	}
	var b []byte
	found := false
	for k := di(1); k <= 0xE; k++ {
		part, ok := m.block1997(d&^0xFF | k<<4 | 0xF)
		if !ok {
			continue
		}
		if found && !m.cfg.NoSeparators {
			b = append(b, separator)
		}
		b, found = append(b, part...), true
	}
	return b, found
}

// block1997 is an item, or with F in the lowest digit all items beside it.
func (m *Meter) block1997(d di) ([]byte, bool) {
	if d&0xF != 0xF {
		return m.single1997(d)
	}
	var b []byte
	found := false
	for i := d &^ 0xF; i < d; i++ {
		if part, ok := m.single1997(i); ok {
			b, found = append(b, part...), true
		}
	}
	return b, found
}

// months1997 is how far back 90, 94 and 98 (A0 .., B0 ..) reach.
func months1997(di1 di) int { return int(di1 & 0xF >> 2) }

func (m *Meter) single1997(d di) ([]byte, bool) {
	di1, kind, rate := d>>8, int(d>>4&0xF), int(d&0xF)
	regs, maxima := &m.regs, &m.demand
	if n := months1997(di1); n > 0 && di1 < 0xC0 {
		if s := m.settledAt(n); s != nil {
			regs, maxima = &s.regs, &s.demand
		} else {
			regs, maxima = &registers{}, &demands{}
		}
	}
	switch di1 {
	case 0x90, 0x94, 0x98: // active
		if kind < 1 || kind > 2 || rate > rates {
			return nil, false
		}
		return m.appendFamily(nil, regs, kind, rate)
	case 0x91, 0x95, 0x99: // reactive
		if kind < 1 || kind > 2 || rate > rates || !m.three() {
			return nil, false
		}
		return m.appendFamily(nil, regs, [...]int{0, ttQ1, ttQ1 + 1}[kind], rate)
	case 0xA0, 0xA4, 0xA8, 0xB0, 0xB4, 0xB8:
		if kind < 1 || kind > 2 || rate > rates {
			return nil, false
		}
		x := maxima.fwd[rate]
		if kind == 2 {
			x = maxima.rev[rate]
		}
		b := m.appendDemand(nil, x)
		if di1 < 0xB0 {
			return b[:3], true
		}
		return b[3:7], true // MMDDhhmm, minute first
	case 0xB6:
		return m.instant1997(kind, rate)
	case 0xC0:
		return m.table1997(d)
	}
	if d == 0xC212 {
		if e := m.nth(eventClearDemand, 1); e != nil {
			return m.stamp6(nil, e.At)[1:5], true
		}
		return []byte{0, 0, 0, 0}, true
	}
	return nil, false
}

// instant1997 is B6: 1 voltage, 2 current, 3 active power, 4 reactive power, 5 power factor.
func (m *Meter) instant1997(kind, phase int) ([]byte, bool) {
	s := m.present()
	if phase > m.phases() || phase == 0 && kind < 3 || kind == 4 && !m.three() {
		return nil, false
	}
	share := int64(100)
	if phase > 0 {
		share = m.phaseShare(phase - 1)
	}
	switch kind {
	case 1:
		return dlt645.AppendBCD(nil, uint64(s.volts[phase-1]/10), 2), true
	case 2:
		return dlt645.AppendBCD(nil, uint64(min(s.amps[phase-1]/10, 9_999)), 2), true
	case 3:
		return dlt645.AppendBCD(nil, uint64(max(deci(muldiv(s.w, share, 100)), 0)), 3), true
	case 4:
		return dlt645.AppendBCD(nil, uint64(min(muldiv(s.var_, share, 1000), 9_999)), 2), true
	case 5:
		return dlt645.AppendBCD(nil, uint64(m.pf()), 2), true
	}
	return nil, false
}

// table1997 is C0.
func (m *Meter) table1997(d di) ([]byte, bool) {
	now := m.clockAt(m.at)
	switch d {
	case di1997Date:
		return dlt645.AppendDate4(nil, now, m.cfg.Location), true
	case di1997Time:
		return dlt645.AppendTime3(nil, now, m.cfg.Location), true
	case 0xC020: // bit 2: clock battery; bit 4: active direction
		w := m.word(1)
		return []byte{byte(w & 0x34)}, true
	case 0xC021, 0xC022:
		return []byte{0}, true
	case 0xC030, 0xC031:
		return []byte{0x00, 0x12, 0x00}, d == 0xC030 || m.three()
	case di1997Number, di1997User, di1997Unit:
		if b, ok := m.written[d]; ok {
			return b, true
		}
		return m.wire[:], true
	}
	return nil, false
}

// write1997 writes the clock and the numbers.
func (m *Meter) write1997(d di, data []byte) byte {
	switch d {
	case di1997Date, di1997Time:
		before := m.at + int64(m.offset)
		if m.writeClock(map[di]di{di1997Date: diDate, di1997Time: diTime}[d], data) != 0 {
			return err1997Data
		}
		m.record(eventTime, event{Before: before, After: m.at + int64(m.offset)})
		return 0
	case di1997Number, di1997User, di1997Unit:
		if len(data) != 6 || !allBCD(data) {
			return err1997Data
		}
		if m.written == nil {
			m.written = map[di][]byte{}
		}
		m.written[d] = append([]byte(nil), data...)
		return 0
	}
	return err1997Item
}
