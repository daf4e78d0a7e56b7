package meter

import (
	"math/bits"
	"time"
)

// rates is how many tariff registers the meters have: sharp 尖, peak 峰, flat 平, valley 谷.
const rates = 4

// dayTable says which rate counts in each hour of the meter's own clock.
var dayTable = [24]uint8{3, 3, 3, 3, 3, 3, 3, 2, 1, 1, 0, 1, 2, 2, 2, 2, 2, 1, 1, 0, 0, 1, 2, 3}

const (
	// slot is how long the load stays at one level. Shorter would cost wake-ups, longer would look like a constant.
	slot = 10 * time.Second
	// swing is the seeded variation of the load, in thousandths to either side.
	swing = 20
	// slotsMax bounds the replay after a long stop to one hour of slots; what is older runs at the plain load.
	slotsMax = 360
	// wattNanosPermWh: 1 mWh = 3.6 Ws.
	wattNanosPermWh = 3_600_000_000
)

// energy is the registers. All in mWh; the rates add up to the total.
type energy struct {
	total int64
	rate  [rates]int64
	carry uint64 // W·ns not yet worth a mWh
	at    time.Time
}

// shares is how a register that starts above zero lies on the rates, in percent; the flat rate takes what rounding leaves.
var shares = [rates]int64{10, 30, 35, 25}

// born is a register as a meter that has run for a while shows it.
func born(total int64, at time.Time) energy {
	e := energy{total: total, at: at}
	rest := total
	for i, p := range shares {
		e.rate[i] = total / 100 * p
		rest -= e.rate[i]
	}
	e.rate[2] += rest
	return e
}

// set writes the total; the rates keep their proportions, and what rounding leaves goes to the rate that runs.
func (e *energy) set(total int64, running int) {
	before, sum := e.total, int64(0)
	for i := range e.rate {
		if before > 0 {
			e.rate[i] = scale(e.rate[i], total, before)
		} else {
			e.rate[i] = 0
		}
		sum += e.rate[i]
	}
	e.rate[running] += total - sum
	e.total, e.carry = total, 0
}

// scale is v*num/den for v, num, den >= 0, v <= den.
func scale(v, num, den int64) int64 {
	hi, lo := bits.Mul64(uint64(v), uint64(num))
	q, _ := bits.Div64(hi, lo, uint64(den)) // v <= den: the quotient is at most num
	return int64(q)
}

// add runs the registers for d at w watts.
func (e *energy) add(w int64, d time.Duration, running int) {
	if w <= 0 || d <= 0 {
		return
	}
	hi, lo := bits.Mul64(uint64(w), uint64(d))
	lo, over := bits.Add64(lo, e.carry, 0)
	hi += over
	if hi >= wattNanosPermWh { // beyond what a register could hold: loads are bounded by the scenario, stops by the age of the earth
		return
	}
	mWh, rest := bits.Div64(hi, lo, wattNanosPermWh)
	if mWh > EnergyMaxmWh || e.total > EnergyMaxmWh-int64(mWh) { // ten times round the register: stand still rather than overflow
		return
	}
	e.carry = rest
	e.total += int64(mWh)
	e.rate[running] += int64(mWh)
}

// advance brings the registers from where they stand to now. Time that ran backwards adds nothing.
func (m *Meter) advance(now time.Time) {
	m.unlock24h(now)
	from := m.energy.at
	if !now.After(from) {
		if now.Before(from.Add(-time.Minute)) { // the machine's clock was set back: count on from there
			m.energy.at = now
		}
		return
	}
	m.energy.at = now
	if m.relay.open {
		return
	}
	if old := now.Add(-slotsMax * slot); from.Before(old) {
		m.energy.add(m.loadW*m.cfg.Times, old.Sub(from), m.rate(from))
		from = old
	}
	for from.Before(now) {
		next := from.Truncate(slot).Add(slot)
		if next.After(now) {
			next = now
		}
		m.energy.add(m.loadAt(from), next.Sub(from), m.rate(from))
		from = next
	}
}

// power is what is drawn at now, in W.
func (m *Meter) power(now time.Time) int64 {
	if m.relay.open {
		return 0
	}
	return m.loadAt(now)
}

// loadAt is the load with its variation, the same for the same seed, meter and slot.
func (m *Meter) loadAt(t time.Time) int64 {
	w := m.loadW * m.cfg.Times
	h := mix(m.cfg.Seed ^ uint64(t.Unix()/int64(slot/time.Second)))
	return w + w*(int64(h%(2*swing+1))-swing)/1000
}

// rate is the tariff register that runs at t.
func (m *Meter) rate(t time.Time) int { return int(dayTable[m.clock(t).Hour()]) }

// mix is SplitMix64: a seed's neighbours give unrelated numbers.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
