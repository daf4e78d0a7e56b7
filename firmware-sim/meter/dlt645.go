package meter

import (
	"time"

	"feikong/protocol/dlt645"
)

// Control bytes of the requests of 2007.
const (
	controlTime         = 0x08
	controlSecurity     = 0x03
	controlRead         = 0x11
	controlSubsequent   = 0x12
	controlReadAddress  = 0x13
	controlWrite        = 0x14
	controlWriteAddress = 0x15
	controlFreeze       = 0x16
	controlBaud         = 0x17
	controlPassword     = 0x18
	controlClearDemand  = 0x19
	controlClearMeter   = 0x1A
	controlClearEvents  = 0x1B
	controlRelay        = 0x1C
	controlOutput       = 0x1D
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

// programming reports whether the programming button was pressed not long ago.
func (m *Meter) programming() bool { return m.programUntil > m.at }
