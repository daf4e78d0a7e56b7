package meter

import (
	"math"

	"feikong/protocol"
	"feikong/protocol/modbusmap"
)

// point is a value of the model's table as registers.
func (m *Meter) point(p *modbusmap.Point) []uint16 {
	v, exp, ok := m.quantity(p.Quantity, int(p.Register))
	if !ok {
		return m.missing(p)
	}
	v = shift(v, exp, p.Exp)
	if modbusmap.IsEnergy(p.Quantity) && v >= 0 {
		v %= wrap(p.Type)
	}
	words, err := p.Encode(v)
	if err == nil {
		return words
	}
	// A load beyond the register shows its highest value; the model's wider register, if it has one, shows the truth.
	low, high := bounds(p.Type)
	if words, err = p.Encode(max(min(v, high), low)); err == nil {
		return words
	}
	return m.missing(p)
}

// wrap is where an energy register starts at zero again: after eight digits, or the width of its registers.
func wrap(t modbusmap.Type) int64 {
	switch t {
	case modbusmap.U16, modbusmap.S16:
		return 10_000
	case modbusmap.U32, modbusmap.S32:
		return energyWrap
	}
	return math.MaxInt64
}

func bounds(t modbusmap.Type) (low, high int64) {
	switch t {
	case modbusmap.U16:
		return 0, math.MaxUint16 - 1
	case modbusmap.S16:
		return math.MinInt16 + 1, math.MaxInt16 - 1
	case modbusmap.U32:
		return 0, math.MaxUint32 - 1
	case modbusmap.S32:
		return math.MinInt32 + 1, math.MaxInt32 - 1
	}
	return 0, math.MaxInt64 - 1
}

// missing is what the meter shows for what it does not measure: all bits, which unsigned registers and floats read as
// none; the model's own mark where it names one that fills its registers with one word; otherwise zero.
func (m *Meter) missing(p *modbusmap.Point) []uint16 {
	words := make([]uint16, p.Words)
	mark := uint16(0)
	switch p.Type {
	case modbusmap.U16, modbusmap.U32, modbusmap.U64, modbusmap.F32, modbusmap.F64:
		mark = math.MaxUint16
	case modbusmap.S16:
		if len(p.Missing) > 0 && p.Order != modbusmap.BADC && p.Order != modbusmap.DCBA {
			mark = uint16(p.Missing[0])
		}
	}
	for i := range words {
		words[i] = mark
	}
	return words
}

// ratio is a transformer ratio in its register, 1 where none is configured.
func (m *Meter) ratio(p *modbusmap.Point, ratio int) []uint16 {
	words, err := p.Encode(shift(int64(max(ratio, 1)), 0, p.Exp))
	if err != nil {
		return make([]uint16, p.Words)
	}
	return words
}

// quantity is a value of the moment as v x 10^exp of the quantity's unit; false for what this meter does not have.
func (m *Meter) quantity(q protocol.Quantity, register int) (v int64, exp int8, ok bool) {
	phase := func() (share int64, ok bool) { // 0 total, 1..3
		switch {
		case register == 0:
			return 100, true
		case register <= m.phases():
			return m.phaseShare(register - 1), true
		}
		return 0, false
	}
	rate := func(r *[rates]int64) (int64, int8, bool) {
		switch {
		case register == 0:
			return sum(r), -6, true
		case register <= rates:
			return r[register-1], -6, true
		}
		return 0, 0, false
	}
	s := m.present()
	share, has := phase()
	switch q {
	case protocol.ActiveImport:
		return rate(&m.regs.fwd)
	case protocol.ActiveExport:
		return rate(&m.regs.rev)
	case protocol.ReactiveImport:
		v, exp, ok = rate(&m.regs.fwd)
		return m.reactive(v), exp, ok
	case protocol.ReactiveExport:
		v, exp, ok = rate(&m.regs.rev)
		return m.reactive(v), exp, ok
	case protocol.ActivePower:
		return muldiv(s.w, share, 100), -3, has
	case protocol.ReactivePower:
		return muldiv(s.var_, share, 100), -3, has
	case protocol.ApparentPower:
		return m.apparent(muldiv(max(s.w, -s.w), share, 100)), -3, has
	case protocol.PowerFactor:
		if s.w < 0 {
			return -m.pf(), -3, has
		}
		return m.pf(), -3, has
	case protocol.Voltage:
		switch {
		case register > 3 && m.three(): // between phases: x sqrt 3
			return muldiv(s.volts[(register-4)%3], 1732, 1000), -1, register <= 6
		case register > 3:
			return 0, 0, false
		}
		return s.volts[max(register, 1)-1], -1, has
	case protocol.Current:
		if register == 4 {
			return s.amps[0] / 50, -3, m.three()
		}
		return s.amps[max(register, 1)-1], -3, has
	case protocol.Frequency:
		return 4_990 + int64(mix(m.cfg.Seed^uint64(m.at/int64(slot)))%21), -2, true
	case protocol.Demand:
		return int64(m.demand.fwd[0].kw), -4, register == 0
	case protocol.RemainingMoney:
		return m.purse.left / purseUnit, -4, m.cfg.Money != nil
	case protocol.RelayState:
		if m.relay.open {
			v = protocol.RelayBitOpen
		}
		return v, 0, true
	}
	return 0, 0, false
}

// shift turns v x 10^from into units of 10^to, cutting off what the register does not show.
func shift(v int64, from, to int8) int64 {
	for ; from < to; from++ {
		v /= 10
	}
	for ; from > to; from-- {
		if v > math.MaxInt64/10 || v < math.MinInt64/10 {
			return v
		}
		v *= 10
	}
	return v
}

// phasesOf is how many phases a model has: its second voltage tells.
func phasesOf(md *modbusmap.Model) int {
	for _, p := range md.Points {
		if (p.Quantity == protocol.Voltage || p.Quantity == protocol.Current) && p.Register == 2 {
			return 3
		}
	}
	return 1
}
