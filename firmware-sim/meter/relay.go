package meter

import (
	"math"
	"time"

	"feikong/protocol/dlt645"
)

// relay is the meter's switch. open is the contact; commandOpen is the last command, which differs from the contact while
// a permitted close waits for the button, a trip for its delay or its current, and for ever when the contact is welded.
type relay struct {
	open        bool
	commandOpen bool
	permitted   bool
	hold        bool // 保电: trips are refused
	alarm       bool

	operator   [4]byte // of the last command
	tripAt     int64   // unix ns at which an accepted trip opens; 0 none waits
	waits      bool    // due, but the current is above the limit
	recoverAt  int64   // 1D, 1E: when it closes or permits by itself
	recoverAs  dlt645.RelayCommand
	recloseAt  int64 // the fault RecloseAfter
	recoverFor time.Duration
}

// verdict is what a meter answers to a relay command: the ERR byte, or the words of newer meters.
type verdict struct {
	err  byte   // 0: accepted
	word uint16 // status word (accepted) or error word (refused) of 2014 and after
}

// ERR bits.
const (
	errOther    = 1 << 0
	errNoData   = 1 << 1
	errPassword = 1 << 2 // password, level or deadline
	errBaud     = 1 << 3
)

// Bits of the error word (DC, L = 2) and of the status word (9C, L = 2).
const (
	wordMAC, wordPassword, wordAuth, wordTime, wordTripHold, wordAutoHold, wordAutoTime, wordAutoOpen = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8

	didClose, didPermit, didTrip, didDelay, didAuto, didCurrent, didHold, didRelease, didAlarm, didQuiet = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 8, 1 << 9, 1 << 10, 1 << 11
)

// pressMin is how long the button must be held (DL/T 645-2007, fee control: at least 3 s).
const pressMin = 3 * time.Second

// obey judges and does one relay request.
func (m *Meter) obey(f dlt645.Frame) verdict {
	sealed := len(f.Data) == 0x1C
	if sealed {
		plain, v := m.unseal(f)
		if v.err != 0 {
			return v
		}
		f = plain
	}
	o, err := dlt645.ParseRelayRequest(f, m.cfg.Location)
	trips := o.Command == dlt645.Trip || o.Command == dlt645.TripAutoClose || o.Command == dlt645.TripAutoPermit
	switch {
	case err != nil:
		return verdict{errOther, wordTime}
	case m.cfg.Sealed && trips && !sealed: // State Grid: plain frames are for closing only
		return verdict{errPassword, wordMAC}
	case !sealed && !m.password(o.Password, relayLevel):
		return verdict{errPassword, wordPassword}
	case m.clockAt(m.at).After(o.Deadline):
		return verdict{errPassword, wordTime} // the deadline is in the meter's own time, right or wrong
	}
	return m.command(o)
}

// command obeys one command. Repeating a command changes nothing and is accepted.
func (m *Meter) command(o dlt645.RelayOrder) verdict {
	r := &m.relay
	c := o.Command
	if m.cfg.Switch == SwitchNone {
		return verdict{err: errOther}
	}
	if c == dlt645.Close && m.cfg.CloseAsPermit { // older meters obey 1C as a permit, or refuse it: what shows a wrong capability in the catalogue
		c = dlt645.ClosePermit
	}
	switch c {
	case dlt645.Trip:
		if r.hold {
			return verdict{errOther, wordTripHold}
		}
		return verdict{word: m.trip(o.Operator)}
	case dlt645.TripAutoClose, dlt645.TripAutoPermit:
		wait := recoverAfter(o.N2)
		switch {
		case m.cfg.NoRecover:
			return verdict{err: errOther}
		case r.hold:
			return verdict{errOther, wordAutoHold}
		case wait == 0:
			return verdict{errOther, wordAutoTime}
		case r.open:
			return verdict{errOther, wordAutoOpen}
		}
		word := m.trip(o.Operator)
		r.recoverAs, r.recoverFor = dlt645.Close, wait
		if c == dlt645.TripAutoPermit || m.cfg.Switch == SwitchPermit {
			r.recoverAs = dlt645.ClosePermit
		}
		if r.recoverAt = 0; r.open || m.cfg.Welded {
			r.recoverAt = m.at + int64(wait)
		}
		return verdict{word: word&^didTrip | didAuto}
	case dlt645.ClosePermit:
		m.calm(o.Operator)
		r.permitted = r.open
		return verdict{word: didPermit}
	case dlt645.Close:
		if m.cfg.Switch == SwitchPermit {
			return verdict{err: errOther}
		}
		m.calm(o.Operator)
		m.contact(false)
		return verdict{word: didClose}
	case dlt645.AlarmOn:
		r.alarm = true
		return verdict{word: didAlarm}
	case dlt645.AlarmOff:
		r.alarm = false
		return verdict{word: didQuiet}
	case dlt645.HoldOn:
		m.holdOn()
		return verdict{word: didHold}
	case dlt645.HoldOff:
		r.hold = false
		return verdict{word: didRelease}
	}
	return verdict{err: errOther}
}

// holdOn is power hold; a trip that waited for its time or its current is called off.
func (m *Meter) holdOn() {
	r := &m.relay
	r.hold = true
	if r.tripAt != 0 {
		r.commandOpen, r.tripAt, r.waits = r.open, 0, false
	}
}

// recoverAfter is N2 x 5 minutes; N2 is BCD like everything else, and what is no BCD is taken as binary.
func recoverAfter(n2 byte) time.Duration {
	n := unbcd(n2)
	if n == 255 {
		n = int(n2)
	}
	return time.Duration(n) * 5 * time.Minute
}

// trip opens the contact, at once or when delay and current allow it, and says which.
func (m *Meter) trip(operator [4]byte) (word uint16) {
	r := &m.relay
	r.commandOpen, r.permitted, r.operator = true, false, operator
	r.recoverAt, r.recoverFor = 0, 0
	if r.open {
		return didTrip
	}
	word = didTrip
	if r.tripAt == 0 { // a repeated trip does not begin the delay 跳闸延时 anew
		r.tripAt = m.at + m.paramInt(diTripDelay)*int64(time.Minute)
	}
	if r.tripAt > m.at {
		word = didDelay
	}
	if m.relayDue(); r.waits {
		word = didCurrent
	}
	return word
}

// calm takes back whatever waits to open.
func (m *Meter) calm(operator [4]byte) {
	r := &m.relay
	r.commandOpen, r.permitted, r.operator = false, false, operator
	r.tripAt, r.waits, r.recoverAt, r.recloseAt = 0, false, 0, 0
}

// due is the next instant at which the relay or a timed freeze has something to do, not before m.at.
func (m *Meter) due(next int64) int64 {
	for _, t := range [...]int64{m.relay.tripAt, m.relay.recoverAt, m.relay.recloseAt, m.timedNext()} {
		if t > m.at {
			next = min(next, t)
		}
	}
	return next
}

// relayDue does what the relay has waited for. Without power nothing moves.
func (m *Meter) relayDue() {
	r := &m.relay
	if m.dark {
		return
	}
	if r.tripAt != 0 && m.at >= r.tripAt {
		limit := m.tripCurrent()
		if r.waits = limit > 0 && m.amps(m.at) > limit; !r.waits { // 跳闸电流限制: contacts open only what they can
			r.tripAt = 0
			if m.cfg.Welded && !r.open {
				m.record(eventRelayFault, event{})
			}
			m.contact(true)
			if !r.commandOpen { // money runs low: a warning, which the customer ends by the button
				r.permitted = r.open
			}
			if r.recoverFor > 0 {
				r.recoverAt = m.at + int64(r.recoverFor)
			}
			m.recloseLater()
		}
	}
	if limit := m.cfg.OpensAbove; limit > 0 && !r.open && !r.hold && m.amps(m.at) > limit { // a self-recloser 自复式保护: nobody commands it
		r.operator = localOperator
		m.contact(true)
		r.permitted = r.open
		m.recloseLater()
	}
	if r.recoverAt != 0 && m.at >= r.recoverAt {
		r.recoverAt, r.recoverFor, r.commandOpen = 0, 0, false
		if r.recoverAs == dlt645.Close {
			m.contact(false)
		} else {
			r.permitted = r.open
		}
		m.relayMoved()
	}
	if r.recloseAt != 0 && m.at >= r.recloseAt {
		r.recloseAt = 0
		if r.commandOpen {
			m.record(eventRelayFault, event{})
		}
		m.contact(false) // commandOpen stays: a command nobody gave
	}
}

// recloseLater plans what a meter with RecloseAfter does to an open contact by itself.
func (m *Meter) recloseLater() {
	if m.cfg.RecloseAfter > 0 {
		m.relay.recloseAt = m.at + int64(m.cfg.RecloseAfter)
	}
}

// contact moves the contact and records it, 1D or 1E.
func (m *Meter) contact(open bool) {
	r := &m.relay
	if open && m.cfg.Welded || r.open == open {
		return
	}
	r.open = open
	if !open {
		r.permitted, r.recloseAt = false, 0
	}
	kind := eventClose
	if open {
		kind = eventTrip
	}
	if !m.cfg.NoEvents {
		m.record(kind, event{Operator: r.operator})
	}
	m.changed()
	m.relayMoved()
}

// press closes a relay that waits for the button, and only that.
func (m *Meter) press() bool {
	if m.dark || !m.relay.open || !m.relay.permitted {
		return false
	}
	m.contact(false)
	return true
}

// word3 is status word 3, 电表运行状态字3.
func (m *Meter) word3() dlt645.StatusWord3 {
	r := &m.relay
	contact := r.open
	switch m.cfg.ContactBit {
	case ContactInverted:
		contact = !contact
	case ContactNever:
		contact = false
	}
	var w dlt645.StatusWord3
	set := func(on bool, bit dlt645.StatusWord3) {
		if on {
			w |= bit
		}
	}
	set(m.programming(), 1<<3)
	set(contact, dlt645.WordRelayOpen)
	if m.cfg.FirstWords { // bits 5 to 15 came with the fee-control annex
		return w
	}
	set(r.commandOpen, dlt645.WordCommandOpen)
	set(r.alarm || r.tripAt != 0 || m.poor(), dlt645.WordPreTripAlarm)
	set(m.cfg.Money != nil, 1<<9)
	set(r.hold, dlt645.WordPowerHold)
	set(m.authenticated(), 1<<13)
	return w
}

// tripCurrent is 04001402 in mA, 0 none; BCD NNN.NNN.
func (m *Meter) tripCurrent() int64 {
	if v := m.paramInt(diTripCurrent); v < math.MaxInt32 {
		return v
	}
	return 0
}
