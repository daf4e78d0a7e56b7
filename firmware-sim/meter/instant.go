package meter

import (
	"math"
	"math/bits"
	"time"

	"feikong/protocol/dlt645"
)

const (
	energyWrap = 100_000_000 // XXXXXX.XX kWh: eight digits, then it starts at zero again
	powerMax   = 799_999     // XX.XXXX kW with a sign bit: 79.9999
	currentMax = 799_999     // XXX.XXX A with a sign bit: 799.999
)

// appendEnergy shows mWh as XXXXXX.XX kWh; what is not a whole 0.01 kWh is not shown yet.
func appendEnergy(dst []byte, mWh int64) []byte {
	return dlt645.AppendBCD(dst, uint64(mWh/10_000%energyWrap), 4)
}

// appendSigned writes v in n bytes, the sign in the top bit.
func appendSigned(dst []byte, v int64, n int) []byte {
	dst = dlt645.AppendBCD(dst, uint64(max(v, -v)), n)
	if v < 0 {
		dst[len(dst)-1] |= 0x80
	}
	return dst
}

func (m *Meter) three() bool { return m.cfg.Phases == 3 }

// phaseShare is what each phase carries of the whole, in hundredths.
func (m *Meter) phaseShare(p int) int64 {
	if !m.three() {
		return 100
	}
	return [3]int64{34, 33, 33}[p]
}

// pf is the power factor in thousandths, the same for all phases and all time: reactive and apparent energy then follow
// from the active one.
func (m *Meter) pf() int64 {
	if m.cfg.PF > 0 {
		return int64(min(max(m.cfg.PF, 100), 1000))
	}
	return 920 + int64(mix(m.cfg.Seed^0x9F)%71)
}

// reactive is what belongs to active v: v x tan φ, in thousandths by the integer root.
func (m *Meter) reactive(v int64) int64 {
	if !m.three() && m.cfg.Unit == 0 {
		return 0 // single-phase meters of DL/T 645 do not measure it
	}
	pf := m.pf()
	tan := isqrt((1_000_000-pf*pf)*1_000_000) / pf // thousandths
	return muldiv(v, tan, 1000)
}

func (m *Meter) apparent(v int64) int64 { return muldiv(v, 1000, m.pf()) }

// muldiv is v x num / den toward zero, num and den above zero; it stops at the ends of int64.
func muldiv(v, num, den int64) int64 {
	neg := v < 0
	hi, lo := bits.Mul64(uint64(max(v, -v)), uint64(num))
	if hi >= uint64(den) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	out := int64(min(q, math.MaxInt64))
	if neg {
		return -out
	}
	return out
}

func isqrt(v int64) int64 {
	if v <= 0 {
		return 0
	}
	x := int64(1) << ((bits.Len64(uint64(v)) + 1) / 2)
	for {
		y := (x + v/x) / 2
		if y >= x {
			return x
		}
		x = y
	}
}

// moment is the electrical state at one instant.
type moment struct {
	w, var_ int64    // total
	volts   [3]int64 // 0.1 V
	amps    [3]int64 // mA, without sign
}

// moment works out the state at t (unix ns) under a flow.
func (m *Meter) moment(f *flow, dark bool, t int64) moment {
	var s moment
	if dark {
		return s
	}
	s.w = f.at(t)
	s.var_ = m.reactive(max(s.w, -s.w))
	for p := range m.phases() {
		s.volts[p] = m.decivolts(t, p)
		va := m.apparent(muldiv(max(s.w, -s.w), m.phaseShare(p), 100))
		s.amps[p] = min(muldiv(va, 10_000, s.volts[p]), currentMax)
	}
	return s
}

func (m *Meter) phases() int {
	if m.three() {
		return 3
	}
	return 1
}

// decivolts is 220 V and a little, by phase and slot.
func (m *Meter) decivolts(t int64, phase int) int64 {
	h := mix(m.cfg.Seed ^ uint64(t/int64(slot)) ^ 0xA5 + uint64(phase)<<32)
	return 2_200 + int64(h%41) - 20
}

// present is the state at m.at.
func (m *Meter) present() moment {
	f := m.flow()
	return m.moment(&f, m.dark, m.at)
}

// amps is the highest current of a phase at t in mA.
func (m *Meter) amps(int64) int64 {
	s := m.present()
	return max(s.amps[0], s.amps[1], s.amps[2])
}

// power is what is drawn at m.at, in W.
func (m *Meter) power() int64 {
	f := m.flow()
	return f.at(m.at)
}

// phaseItem is DI3 = 02, families by phase: 02 tt pp 00.
func (m *Meter) phaseItem(tt, pp int) ([]byte, bool) {
	s := m.present()
	part := func(p int) []byte { // p 0 total, 1..3 phases
		if p > m.phases() {
			return nil
		}
		w, q := s.w, s.var_
		if p > 0 {
			w, q = muldiv(w, m.phaseShare(p-1), 100), muldiv(q, m.phaseShare(p-1), 100)
		}
		switch tt {
		case 1:
			return dlt645.AppendBCD(nil, uint64(s.volts[p-1]), 2)
		case 2:
			a := s.amps[p-1]
			if s.w < 0 {
				a = -a
			}
			return appendSigned(nil, a, 3)
		case 3:
			return appendSigned(nil, deci(w), 3)
		case 4:
			return appendSigned(nil, deci(q), 3)
		case 5:
			return appendSigned(nil, deci(m.apparent(w)), 3)
		case 6:
			pf := m.pf()
			if w < 0 {
				pf = -pf
			}
			return appendSigned(nil, pf, 2)
		case 7: // angle of the current behind the voltage; 0.1 degree
			return dlt645.AppendBCD(nil, uint64(m.angle()), 2)
		case 8, 9:
			return dlt645.AppendBCD(nil, uint64(80+mix(m.cfg.Seed+uint64(tt*4+p))%120), 2)
		}
		return nil
	}
	sizes := [...]int{0, 2, 3, 3, 3, 3, 2, 2, 2, 2}
	if tt < 1 || tt >= len(sizes) || !m.three() && (tt == 4 || tt == 7 || tt == 8 || tt == 9) {
		return nil, false
	}
	first := 0
	if tt <= 2 || tt >= 7 { // no total
		first = 1
	}
	if pp != 0xFF {
		if pp < first || pp > m.phases() {
			return nil, false
		}
		return part(pp), true
	}
	var b []byte
	for p := first; p <= 3; p++ {
		if v := part(p); v != nil {
			b = append(b, v...)
		} else { // a phase that is not there is filled with FF: not measured
			for range sizes[tt] {
				b = append(b, 0xFF)
			}
		}
	}
	return b, true
}

// deci is W as XX.XXXX kW. There is no wider register: what is beyond shows its highest value, as meters do.
func deci(w int64) int64 { return max(min(muldiv(w, 10, 1), powerMax), -powerMax) }

// angle is arccos of the power factor in 0.1 degree, from a short table: 2 degrees are near enough for a meter that is
// not there.
func (m *Meter) angle() int64 {
	table := [...]struct{ pf, angle int64 }{{1000, 0}, {999, 26}, {995, 57}, {985, 99}, {970, 141}, {950, 182}, {920, 231}, {850, 318}, {700, 456}, {500, 600}, {0, 900}}
	for _, r := range table {
		if m.pf() >= r.pf {
			return r.angle
		}
	}
	return 900
}

// otherInstant is 0280 00 nn.
func (m *Meter) otherInstant(nn int) ([]byte, bool) {
	s := m.present()
	switch nn {
	case 0x01:
		a := s.amps[0]
		if m.three() { // what the phases leave over
			a /= 50
		}
		return appendSigned(nil, a, 3), true
	case 0x02:
		return dlt645.AppendBCD(nil, 4_990+mix(m.cfg.Seed^uint64(m.at/int64(slot)))%21, 2), true
	case 0x03, 0x04:
		return appendSigned(nil, deci(s.w), 3), true
	case 0x05:
		return appendSigned(nil, deci(s.var_), 3), m.three()
	case 0x06:
		return appendSigned(nil, deci(m.apparent(s.w)), 3), m.three()
	case 0x07:
		return appendSigned(nil, 245, 2), true
	case 0x08:
		if m.dead {
			return []byte{0, 0}, true
		}
		return []byte{0x60, 0x03}, true
	case 0x09:
		return []byte{0x02, 0x06}, true
	case 0x0A:
		return []byte{0, 0, 0, 0}, true
	case 0x0B, 0x20, 0x21:
		if m.cfg.Money == nil {
			return nil, false
		}
		return dlt645.AppendBCD(nil, uint64(m.cfg.Money.Price[m.table.rate(m.wall(m.at))]), 4), true
	case 0x22, 0x23: // minutes left of the identity authentication, by wire and by infrared
		left := int64(0)
		if m.authenticated() && nn == 0x22 {
			left = (m.authUntil - m.at) / int64(time.Minute)
		}
		return dlt645.AppendBCD(nil, uint64(left), 2), m.cfg.Sealed
	}
	return nil, false
}
