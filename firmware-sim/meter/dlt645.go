package meter

import (
	"time"

	"feikong/protocol/dlt645"
)

// ERR bits of a refused read.
const errNoData = 1 << 1

// Control bytes of the requests a meter knows.
const (
	controlRead        = 0x11
	controlReadAddress = 0x13
	controlRelay       = 0x1C
)

// AnswerDLT645 hears one sound frame of a master. answered is false when the meter stays silent: another's address, an
// unplugged meter, a broadcast, a function it does not have. Relay frames to exactly this meter are counted whatever
// becomes of them.
func (m *Meter) AnswerDLT645(f dlt645.Frame, now time.Time) (reply dlt645.Frame, answered bool) {
	if f.FromMeter() || f.Addr == dlt645.Broadcast || !f.Addr.Match(m.cfg.Wire) {
		return dlt645.Frame{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	exact := f.Addr == m.cfg.Wire
	if f.Control == controlRelay && exact {
		m.count(f)
	}
	if !m.plugged {
		return dlt645.Frame{}, false
	}
	a := m.cfg.Wire
	switch f.Control {
	case controlRead:
		d, _, err := dlt645.ParseReadRequest(f)
		if err != nil {
			return dlt645.ErrorReply(a, f.Control, byte(refusedOther)), true
		}
		data, ok := m.item(d, now)
		if !ok {
			return dlt645.ErrorReply(a, f.Control, errNoData), true
		}
		return dlt645.ReadReply(a, d, data), true
	case controlReadAddress:
		return dlt645.ReadAddressReply(a), len(f.Data) == 0
	case controlRelay:
		if !exact { // a relay command to a wildcard is obeyed by no sane meter
			return dlt645.Frame{}, false
		}
		if v := m.obey(f, now); v != accepted {
			return dlt645.ErrorReply(a, f.Control, byte(v)), true
		}
		return dlt645.RelayReply(a), true
	}
	return dlt645.Frame{}, false
}

// count keeps the number of trip and close frames that were on the line for this meter.
func (m *Meter) count(f dlt645.Frame) {
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

// obey judges and does one relay request.
func (m *Meter) obey(f dlt645.Frame, now time.Time) verdict {
	o, err := dlt645.ParseRelayRequest(f, m.cfg.Location)
	switch {
	case err != nil:
		return refusedOther
	case !m.password(o.Password, now):
		return refusedPassword
	case m.clock(now).After(o.Deadline):
		return refusedPassword // the deadline is in the meter's own time, right or wrong
	}
	return m.relay.do(o.Command, m.cfg.Switch)
}

// items is what this meter can be asked for.
var items = map[dlt645.DI]func(*Meter, time.Time) []byte{
	0x00010000: func(m *Meter, _ time.Time) []byte { return appendEnergy(nil, m.energy.total) },
	0x00010100: func(m *Meter, _ time.Time) []byte { return appendEnergy(nil, m.energy.rate[0]) },
	0x00010200: func(m *Meter, _ time.Time) []byte { return appendEnergy(nil, m.energy.rate[1]) },
	0x00010300: func(m *Meter, _ time.Time) []byte { return appendEnergy(nil, m.energy.rate[2]) },
	0x00010400: func(m *Meter, _ time.Time) []byte { return appendEnergy(nil, m.energy.rate[3]) },
	0x0001FF00: func(m *Meter, _ time.Time) []byte {
		d := appendEnergy(make([]byte, 0, 4*(1+rates)), m.energy.total)
		for _, r := range m.energy.rate {
			d = appendEnergy(d, r)
		}
		return d
	},
	0x02010100: func(m *Meter, now time.Time) []byte { return dlt645.AppendBCD(nil, uint64(m.decivolts(now)), 2) },
	0x02020100: func(m *Meter, now time.Time) []byte { return dlt645.AppendBCD(nil, uint64(m.milliamps(now)), 3) },
	0x02030000: func(m *Meter, now time.Time) []byte {
		return dlt645.AppendBCD(nil, uint64(min(m.power(now)*10, powerMax)), 3)
	},
	0x04000101: func(m *Meter, now time.Time) []byte { return dlt645.AppendDate4(nil, m.clock(now), m.cfg.Location) },
	0x04000102: func(m *Meter, now time.Time) []byte { return dlt645.AppendTime3(nil, m.clock(now), m.cfg.Location) },
	0x0400010C: func(m *Meter, now time.Time) []byte { return dlt645.AppendDateTime7(nil, m.clock(now), m.cfg.Location) },
	0x04000503: func(m *Meter, _ time.Time) []byte { return m.relay.word().Append(nil) },
}

func (m *Meter) item(d dlt645.DI, now time.Time) ([]byte, bool) {
	f, ok := items[d]
	if !ok {
		return nil, false
	}
	return f(m, now), true
}

const (
	energyWrap = 100_000_000 // XXXXXX.XX kWh: eight digits, then it starts at zero again
	powerMax   = 799_999     // XX.XXXX kW with a sign bit: 79.9999
	currentMax = 799_999     // XXX.XXX A with a sign bit: 799.999
)

// appendEnergy shows mWh as XXXXXX.XX kWh; what is not a whole 0.01 kWh is not shown yet.
func appendEnergy(dst []byte, mWh int64) []byte {
	return dlt645.AppendBCD(dst, uint64(mWh/10_000%energyWrap), 4)
}

// decivolts is 220 V and a little, falling with the load.
func (m *Meter) decivolts(now time.Time) int64 {
	h := mix(m.cfg.Seed ^ uint64(now.Unix()/int64(slot/time.Second)) ^ 0xA5)
	return 2_200 + int64(h%41) - 20
}

// milliamps is the load at the voltage of the moment, power factor one.
func (m *Meter) milliamps(now time.Time) int64 {
	return min(m.power(now)*10_000/m.decivolts(now), currentMax)
}
