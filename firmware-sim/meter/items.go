package meter

import "feikong/protocol/dlt645"

// item is the data of an identifier of 2007 as of m.at; false for what this meter does not have.
func (m *Meter) item(d di) ([]byte, bool) {
	switch d >> 24 {
	case 0x00:
		return m.energyItem(d)
	case 0x01:
		return m.demandItem(d)
	case 0x02:
		if d>>16 == 0x0280 && d>>8&0xFF == 0 {
			return m.otherInstant(int(d & 0xFF))
		}
		if d&0xFF != 0 {
			return nil, false
		}
		return m.phaseItem(int(d>>16&0xFF), int(d>>8&0xFF))
	case 0x04:
		return m.tableItem(d)
	case 0x05:
		return m.freezeItem(d)
	case 0x03, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x22:
		return m.eventItem(d)
	}
	return nil, false
}

// tableItem is DI3 = 04: clock, status words and parameters.
func (m *Meter) tableItem(d di) ([]byte, bool) {
	now := m.clockAt(m.at)
	switch d {
	case diDate:
		return dlt645.AppendDate4(nil, now, m.cfg.Location), true
	case diTime:
		return dlt645.AppendTime3(nil, now, m.cfg.Location), true
	case diDateTime:
		return dlt645.AppendDateTime7(nil, now, m.cfg.Location), !m.cfg.FirstWords
	case dlt645.DIStatusWords:
		n := m.cfg.StatusBytes
		if n == 0 {
			n = 14
		}
		var b []byte
		for i := 1; i <= 7; i++ {
			b = append(b, byte(m.word(i)), byte(m.word(i)>>8))
		}
		return append(b, 0, 0, 0, 0)[:min(max(n, 2), 18)], true
	case 0x04000508: // key status: no key is in force
		return []byte{0, 0, 0, 0}, m.cfg.Sealed
	}
	if d > 0x04000500 && d <= 0x04000507 {
		w := m.word(int(d & 0xFF))
		return []byte{byte(w), byte(w >> 8)}, true
	}
	p := m.row(d)
	if p == nil || p.flags&writeOnly != 0 {
		return nil, false
	}
	return m.param(d), true
}

// word is status word n, 电表运行状态字.
func (m *Meter) word(n int) (w uint16) {
	set := func(on bool, bit int) {
		if on {
			w |= 1 << bit
		}
	}
	w2 := m.power() < 0
	switch n {
	case 1:
		set(m.dead, 2)
		set(w2, 4)
		set(m.cfg.Money == nil && !m.cfg.FirstWords, 6)
		set(m.relay.commandOpen && !m.relay.open && m.relay.tripAt == 0, 8) // control loop: the contact does not follow
		set(m.purse.left < 0, 14)
		set(m.clockFault, 15)
	case 2:
		for p := range m.phases() {
			set(w2, p)
		}
	case 3:
		return uint16(m.word3())
	case 4, 5, 6:
		set(w2 && n-4 < m.phases(), 6)
		set(n-4 < m.phases() && m.present().amps[n-4] > currentMost, 4)
	case 7: // bit 5 is the newest power cut: the meter is on when it answers
	}
	return w
}

// currentMost is the maximum current of the rating plate, mA.
const currentMost = 60_000
