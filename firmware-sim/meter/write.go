package meter

import (
	"slices"
	"time"

	"feikong/protocol/dlt645"
)

// obeyWrite does C = 14, and keeps who wrote.
func (m *Meter) obeyWrite(o dlt645.WriteOrder) byte {
	needs := byte(tableLevel)
	if p := m.row(o.Item); p != nil {
		needs = p.level
		if p.flags&readOnly != 0 {
			needs = tableLevel
		}
	}
	if o.Item >= diPassword && o.Item < diPassword+levels {
		needs = clearLevel
	}
	if m.cfg.Sealed || !m.password(o.Password, needs) {
		return errPassword
	}
	before := m.at + int64(m.offset)
	if e := m.write(o.Item, o.Data); e != 0 {
		return e
	}
	if o.Item == diDate || o.Item == diTime || o.Item == diDateTime {
		m.record(eventTime, event{Operator: o.Operator, Before: before, After: m.at + int64(m.offset)})
	} else {
		m.record(eventProgram, event{Operator: o.Operator, Items: []di{o.Item}})
	}
	m.relayMoved()
	return 0
}

// changePassword answers C = 18. The old password must be of the level that changes, or of a stronger one.
func (m *Meter) changePassword(f dlt645.Frame) (dlt645.Frame, bool) {
	d, before, after, err := dlt645.ParsePasswordRequest(f)
	switch {
	case err != nil || d < diPassword || d >= diPassword+levels || int(after.Level) != int(d-diPassword):
		return dlt645.ErrorReply(m.wire, f.Control, errOther), true
	case m.cfg.Sealed || !m.password(before, after.Level):
		return dlt645.ErrorReply(m.wire, f.Control, errPassword), true
	}
	m.levels[after.Level] = level{set: true, digits: after.Digits}
	m.relayMoved()
	return dlt645.PasswordReply(m.wire, after), true
}

// mayClear judges a clearing.
func (m *Meter) mayClear(o dlt645.ClearOrder, err error) byte {
	switch {
	case err != nil:
		return errOther
	case m.cfg.Sealed || !m.password(o.Password, clearLevel):
		return errPassword
	}
	return 0
}

func (m *Meter) clearDemand(operator [4]byte) {
	fwd, rev := m.demand.fwd[0], m.demand.rev[0]
	m.record(eventClearDemand, event{Operator: operator, Demand: [4]uint32{fwd.kw, fwd.wall, rev.kw, rev.wall}})
	m.demand = demands{}
	m.demandFrom()
	m.relayMoved()
}

// writtenMax bounds what a master can make a meter keep: more than the table has rows never fits.
const writtenMax = 128

// write does C = 14 for one item; the password has been judged for level needs. It answers the ERR bits, 0 for done.
func (m *Meter) write(d di, data []byte) byte {
	p := m.row(d)
	switch d {
	case diDate, diTime, diDateTime:
		return m.writeClock(d, data)
	}
	if d >= diPassword && d < diPassword+levels {
		if len(data) != 4 || int(data[0]) != int(d-diPassword) {
			return errOther
		}
		m.levels[d-diPassword] = level{set: true, digits: [3]byte(data[1:])}
		return 0
	}
	switch {
	case p == nil:
		return errNoData
	case p.flags&readOnly != 0:
		return errPassword // not authorised: what the factory wrote stays
	case p.flags&withButton != 0 && !m.programming():
		return errPassword
	case p.size != 0 && len(data) != p.size:
		return errOther
	case p.flags&(asText|asBinary) == 0 && !allBCD(data):
		return errOther
	}
	switch d {
	case diAddress:
		a := dlt645.Address(data)
		if !a.Exact() {
			return errOther
		}
		m.readdress(a)
		return 0
	case diDayTable, 0x04020001:
		t, ok := parseTariff(data)
		if !ok {
			return errTooManySlots
		}
		if d == diDayTable {
			m.table = t
		}
		data = t.append(nil)
	case 0x04010000, 0x04020000:
		if len(data) == 0 || len(data)%3 != 0 || len(data) > 3*slotsMax {
			return errTooManyZones
		}
	case 0x04000204:
		if unbcd(data[0]) != rates { // the hardware has four
			return errTooManyRates
		}
	case diBaudRS485:
		if _, ok := dlt645.BaudOf(data[0]); !ok {
			return errOther
		}
	case diProfileInterval, diProfileInterval + 1, diProfileInterval + 2, diProfileInterval + 3, diProfileInterval + 4, diProfileInterval + 5:
		if v, _ := dlt645.BCD(data); v < 1 || v > 60 {
			return errOther
		}
	}
	if m.written == nil {
		m.written = map[di][]byte{}
	}
	if len(m.written) < writtenMax {
		m.written[d] = slices.Clone(data)
	}
	m.parametersChanged()
	return 0
}

// ERR bits of tables that are too long.
const errTooManyZones, errTooManySlots, errTooManyRates = 1 << 4, 1 << 5, 1 << 6

// parametersChanged works out anew what is kept ready.
func (m *Meter) parametersChanged() {
	m.interval.profile = 0
	m.setPrices()
	m.changed()
}

// setPrices takes written prices into force.
func (m *Meter) setPrices() {
	if m.cfg.Money == nil {
		return
	}
	c := *m.cfg.Money
	for i := range c.Price {
		if b, ok := m.written[diPrice+di(i)]; ok {
			if v, err := dlt645.BCD(b); err == nil {
				c.Price[i] = v
			}
		}
	}
	m.cfg.Money = &c
}

func (m *Meter) writeClock(d di, data []byte) byte {
	now := m.clockAt(m.at)
	var to time.Time
	var err error
	switch d {
	case diDate:
		if to, err = dlt645.Date4(data, m.cfg.Location); err == nil {
			to = time.Date(to.Year(), to.Month(), to.Day(), now.Hour(), now.Minute(), now.Second(), now.Nanosecond(), m.cfg.Location)
		}
	case diTime:
		var since time.Duration
		if since, err = dlt645.Time3(data); err == nil {
			to = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, int(since/time.Second), 0, m.cfg.Location)
		}
	default:
		to, err = dlt645.DateTime7(data, m.cfg.Location)
	}
	if err != nil {
		return errOther
	}
	m.setClock(to)
	return 0
}

// readdress gives the meter another address; the simulator goes on to know it by the one it was born with.
func (m *Meter) readdress(a dlt645.Address) {
	m.wire = a
	m.relayMoved()
}
