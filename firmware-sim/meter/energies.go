package meter

import "feikong/protocol/dlt645"

// The families of energy, 00 tt rr ss, and of demand, 01 tt rr ss.
const (
	ttCombined, ttForward, ttReverse    = 0x00, 0x01, 0x02
	ttReactive1, ttReactive2            = 0x03, 0x04
	ttQ1, ttQ4                          = 0x05, 0x08
	ttApparentForward, ttApparentRev    = 0x09, 0x0A
	ttMoney                          di = 0x90
	block                               = 0xFF
)

// energy is a register of a family in mWh (mvarh, mVAh): r 0 total, 1.. rates. ok is false for what this meter has not.
func (m *Meter) energy(k *registers, tt, r int) (v int64, ok bool) {
	if r > rates {
		return 0, false
	}
	pick := func(by *[rates]int64) int64 {
		if r == 0 {
			return sum(by)
		}
		return by[r-1]
	}
	fwd, rev := pick(&k.fwd), pick(&k.rev)
	if tt > ttReverse && !m.three() {
		return 0, false
	}
	switch tt {
	case ttCombined:
		return combine(m.param(diCombined), fwd, rev), true
	case ttForward:
		return fwd, true
	case ttReverse:
		return rev, true
	case ttReactive1:
		return combine(m.param(diCombined+1), m.reactive(fwd), m.reactive(rev), 0, 0), true
	case ttReactive2:
		return combine(m.param(diCombined+2), m.reactive(fwd), m.reactive(rev), 0, 0), true
	case ttQ1: // an inductive load that draws
		return m.reactive(fwd), true
	case ttQ1 + 1: // and one that feeds back
		return m.reactive(rev), true
	case ttQ1 + 2, ttQ4:
		return 0, true
	case ttApparentForward:
		return m.apparent(fwd), true
	case ttApparentRev:
		return m.apparent(rev), true
	}
	return 0, false
}

// combine adds parts by a combination word: two bits each, add and subtract 组合方式特征字.
func combine(word []byte, parts ...int64) (v int64) {
	for i, p := range parts {
		if word[0]>>(2*i)&1 != 0 {
			v += p
		}
		if word[0]>>(2*i)&2 != 0 {
			v -= p
		}
	}
	return v
}

func signedFamily(tt int) bool { return tt == ttCombined || tt == ttReactive1 || tt == ttReactive2 }

// appendFamily appends a register, or all of a block.
func (m *Meter) appendFamily(b []byte, k *registers, tt, r int) ([]byte, bool) {
	first, last := r, r
	if r == block {
		first, last = 0, rates
	}
	for r := first; r <= last; r++ {
		v, ok := m.energy(k, tt, r)
		switch {
		case !ok:
			return b, false
		case signedFamily(tt):
			b = appendSigned(b, v/10_000%(energyWrap*8/10), 4)
		default:
			b = appendEnergy(b, v)
		}
	}
	return b, true
}

// energyItem is DI3 = 00.
func (m *Meter) energyItem(d di) ([]byte, bool) {
	tt, r, ss := int(d>>16&0xFF), int(d>>8&0xFF), int(d&0xFF)
	if tt == int(ttMoney) {
		return m.moneyItem(r, ss)
	}
	k := &m.regs
	if ss > 0 {
		s := m.settledAt(ss)
		switch {
		case ss > settlements:
			return nil, false
		case s == nil: // the day has not come yet
			k = &registers{}
		default:
			k = &s.regs
		}
	}
	for p, base := range [3]int{0x14, 0x28, 0x3C} { // per phase the families begin again
		if tt <= base || tt > base+10 {
			continue
		}
		if p >= m.phases() || r != 0 { // phases have totals only
			return nil, false
		}
		part := registers{fwd: [rates]int64{muldiv(sum(&k.fwd), m.phaseShare(p), 100)}, rev: [rates]int64{muldiv(sum(&k.rev), m.phaseShare(p), 100)}}
		return m.appendFamily(nil, &part, tt-base, 0)
	}
	return m.appendFamily(nil, k, tt, r)
}

// moneyItem is 0090: what is left, and what is owed.
func (m *Meter) moneyItem(kind, owed int) ([]byte, bool) {
	if m.cfg.Money == nil || kind != 2 || owed > 1 {
		return nil, false
	}
	v := m.purse.left
	if owed == 1 {
		v = -v
	}
	return dlt645.AppendBCD(nil, uint64(max(v, 0)/purseCents), 4), true
}

// demandItem is DI3 = 01: forward and reverse active.
func (m *Meter) demandItem(d di) ([]byte, bool) {
	tt, r, ss := int(d>>16&0xFF), int(d>>8&0xFF), int(d&0xFF)
	k := &m.demand
	if ss > 0 {
		s := m.settledAt(ss)
		switch {
		case ss > settlements:
			return nil, false
		case s == nil:
			k = &demands{}
		default:
			k = &s.demand
		}
	}
	of := &k.fwd
	switch {
	case tt == ttReverse:
		of = &k.rev
	case tt != ttForward:
		return nil, false
	}
	if r == block {
		return m.appendDemands(nil, of), true
	}
	if r > rates {
		return nil, false
	}
	return m.appendDemand(nil, of[r]), true
}

func (m *Meter) appendDemands(b []byte, of *[1 + rates]demand) []byte {
	for _, x := range of {
		b = m.appendDemand(b, x)
	}
	return b
}
