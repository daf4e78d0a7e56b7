package meter

import (
	"time"

	"feikong/protocol/dlt645"
)

// Control bytes of the requests of 2007.
const (
	controlTime          = 0x08
	controlSecurity      = 0x03
	controlRead          = 0x11
	controlSubsequent    = 0x12
	controlReadAddress   = 0x13
	controlWrite         = 0x14
	controlWriteAddress  = 0x15
	controlFreeze        = 0x16
	controlBaud          = 0x17
	controlPassword      = 0x18
	controlClearDemand   = 0x19
	controlClearMeter    = 0x1A
	controlClearEvents   = 0x1B
	controlRelay         = 0x1C
	controlOutput        = 0x1D
	answerMax            = 200 // L of a reply that masters must take
	programmingFor       = 4 * time.Hour
	pendingFor           = 5 * time.Minute // how long an answer in several frames is kept for the rest of it
	baudSession          = 5 * time.Minute // without a frame for it a 2007 meter goes back to its own rate
	baudSession1997      = 500 * time.Millisecond
	serrOther            = 1 << 0
	serrAuthentication   = 1 << 3
	firstBlock, moreData = answerMax - 4, answerMax - 5 // identifier; identifier and SEQ
)

// AnswerDLT645 hears one sound frame of a master. answered is false when the meter stays silent: another's address, an
// unplugged meter or one without power, a broadcast, a function it does not have. Relay frames to exactly this meter are
// counted whatever becomes of them.
func (m *Meter) AnswerDLT645(f dlt645.Frame, now time.Time) (reply dlt645.Frame, answered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.FromMeter() || f.Addr != dlt645.Broadcast && !f.Addr.Match(m.wire) {
		return dlt645.Frame{}, false
	}
	m.advance(now)
	exact := f.Addr == m.wire
	if f.Control == controlRelay && exact {
		m.count(f)
	}
	if !m.plugged || m.dark {
		return dlt645.Frame{}, false
	}
	m.heard = m.at
	if m.pending != nil && m.at-m.pending.at > int64(pendingFor) {
		m.pending = nil
	}
	old := is1997(f)
	switch {
	case f.Control == controlTime: // both editions
		if to, err := dlt645.ParseBroadcastTime(f, m.cfg.Location); err == nil && f.Addr == dlt645.Broadcast {
			m.broadcastTime(to)
		}
		return dlt645.Frame{}, false
	case old && m.cfg.Edition != Edition2007 && m.cfg.Edition != "":
		return m.answer1997(f, exact)
	case !old && m.cfg.Edition != Edition1997:
		return m.answer2007(f, exact)
	}
	return dlt645.Frame{}, false // what is not its own edition is noise to a meter
}

// is1997 tells the edition of a request: codes up to 10 but the security function, which alone has 03 with data.
func is1997(f dlt645.Frame) bool {
	return f.Control <= 0x10 && !(f.Control == controlSecurity && len(f.Data) > 0)
}

func (m *Meter) answer2007(f dlt645.Frame, exact bool) (dlt645.Frame, bool) {
	a := m.wire
	refuse := func(err byte) (dlt645.Frame, bool) { return dlt645.ErrorReply(a, f.Control, err), true }
	if f.Addr == dlt645.Broadcast {
		if f.Control == controlFreeze {
			m.freezeCommand(f.Data)
		}
		return dlt645.Frame{}, false
	}
	switch f.Control {
	case controlRead:
		return m.read(f), true
	case controlSubsequent:
		return m.subsequent(f), true
	case controlReadAddress: // some firmware answers AA×6 alone
		return dlt645.ReadAddressReply(a), len(f.Data) == 0 && (f.Addr == dlt645.Wildcard || !m.cfg.StrictWild)
	case controlWriteAddress: // whoever's button is pressed obeys; nobody else speaks
		to, err := dlt645.ParseWriteAddressRequest(f)
		if err != nil || !m.programming() {
			return dlt645.Frame{}, false
		}
		from := a
		m.readdress(to)
		if m.cfg.OldAddress {
			return dlt645.WriteAddressReply(from), true
		}
		return dlt645.WriteAddressReply(to), true
	}
	if !exact { // what changes a meter is obeyed to its own address only
		return dlt645.Frame{}, false
	}
	switch f.Control {
	case controlRelay:
		return m.relayReply(m.obey(f)), true
	case controlWrite:
		o, err := dlt645.ParseWriteRequest(f)
		if err != nil {
			return refuse(errOther)
		}
		if e := m.obeyWrite(o); e != 0 {
			return refuse(e)
		}
		return dlt645.WriteReply(a), true
	case controlFreeze:
		if e := m.freezeCommand(f.Data); e != 0 {
			return refuse(e)
		}
		return dlt645.FreezeReply(a), true
	case controlBaud:
		baud, err := dlt645.ParseBaudRequest(f)
		if err != nil {
			return refuse(errBaud)
		}
		m.session, m.sessionAt = baud, m.at
		return dlt645.BaudReply(a, baud), true
	case controlPassword:
		return m.changePassword(f)
	case controlClearDemand:
		o, err := dlt645.ParseClearDemandRequest(f)
		if e := m.mayClear(o, err); e != 0 {
			return refuse(e)
		}
		m.clearDemand(o.Operator)
		return dlt645.ClearDemandReply(a), true
	case controlClearMeter: // energy is not cleared by anybody here
		o, err := dlt645.ParseClearMeterRequest(f)
		if e := m.mayClear(o, err); e != 0 {
			return refuse(e)
		}
		return refuse(errOther)
	case controlClearEvents:
		o, err := dlt645.ParseClearEventsRequest(f)
		if e := m.mayClear(o, err); e != 0 {
			return refuse(e)
		}
		if e := m.clearEvents(o.Item, o.Operator); e != 0 {
			return refuse(e)
		}
		return dlt645.ClearEventsReply(a), true
	case controlOutput:
		o, err := dlt645.ParseOutputRequest(f)
		if err != nil {
			return refuse(errOther)
		}
		return dlt645.OutputReply(a, o), true
	case controlSecurity:
		return m.security(f), true
	}
	return dlt645.Frame{}, false
}

// relayReply is what becomes of a verdict on the line.
func (m *Meter) relayReply(v verdict) dlt645.Frame {
	word := []byte{byte(v.word), byte(v.word >> 8)}
	switch {
	case v.err == 0 && m.cfg.Words2014:
		f := dlt645.RelayReply(m.wire)
		f.Data = word
		return f
	case v.err == 0:
		return dlt645.RelayReply(m.wire)
	case m.cfg.Words2014 && v.word != 0:
		f := dlt645.ErrorReply(m.wire, controlRelay, 0)
		f.Data = word
		return f
	}
	return dlt645.ErrorReply(m.wire, controlRelay, v.err)
}

// count keeps the number of trip and close frames that were on the line for this meter.
func (m *Meter) count(f dlt645.Frame) {
	if len(f.Data) == 0x1C {
		if plain, v := m.unseal(f); v.err == 0 {
			f = plain
		}
	}
	o, err := dlt645.ParseRelayRequest(f, m.cfg.Location)
	if err != nil {
		return
	}
	switch o.Command {
	case dlt645.Trip, dlt645.TripAutoClose, dlt645.TripAutoPermit:
		m.trips++
	case dlt645.Close, dlt645.ClosePermit:
		m.closes++
	}
	m.relayMoved()
}

// pending is an answer that does not fit one frame.
type pending struct {
	item  di
	data  []byte
	ends  []int // where each frame's part ends
	at    int64
	given int // parts, 1997 only: there is no SEQ
}

// read answers C = 11.
func (m *Meter) read(f dlt645.Frame) dlt645.Frame {
	a := m.wire
	d, extra, err := dlt645.ParseReadRequest(f)
	if err != nil {
		return dlt645.ErrorReply(a, f.Control, errOther)
	}
	m.pending = nil
	var data []byte
	var borders []int
	ok := len(extra) == 0
	if d>>24 == 0x06 {
		data, borders, ok = m.profileItem(d, extra)
	} else if ok {
		data, ok = m.item(d)
	}
	switch {
	case !ok:
		return dlt645.ErrorReply(a, f.Control, errNoData)
	case len(data) <= firstBlock:
		return dlt645.ReadReply(a, d, data)
	}
	m.pending = &pending{item: d, data: data, ends: cut(len(data), borders), at: m.at}
	return dlt645.ReadReplyMore(a, d, data[:m.pending.ends[0]], true)
}

// cut divides n bytes into the parts of frames. A part ends at a border where it can: records of a load profile are not torn.
func cut(n int, borders []int) (ends []int) {
	for at := 0; at < n && len(ends) < 256; {
		room := firstBlock
		if len(ends) > 0 {
			room = moreData
		}
		end := min(at+room, n)
		for i := len(borders) - 1; i >= 0; i-- {
			if borders[i] <= end {
				if borders[i] > at {
					end = borders[i]
				}
				break
			}
		}
		ends = append(ends, end)
		at = end
	}
	return ends
}

// subsequent answers C = 12. The same SEQ gives the same block again.
func (m *Meter) subsequent(f dlt645.Frame) dlt645.Frame {
	d, seq, err := dlt645.ParseSubsequentRequest(f)
	switch p := m.pending; {
	case err != nil:
		return dlt645.ErrorReply(m.wire, f.Control, errOther)
	case p == nil || d != p.item || seq == 0 || int(seq) >= len(p.ends):
		return dlt645.ErrorReply(m.wire, f.Control, errNoData)
	default:
		return dlt645.SubsequentReply(m.wire, d, p.data[p.ends[seq-1]:p.ends[seq]], seq, int(seq) < len(p.ends)-1)
	}
}

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
	m.record(eventClearDemand, event{Operator: operator, Demand: [2]demand{m.demand.fwd[0], m.demand.rev[0]}})
	m.demand = demands{}
	m.demandFrom()
	m.relayMoved()
}

// programming reports whether the programming button was pressed not long ago.
func (m *Meter) programming() bool { return m.programUntil > m.at }
