package meter

import (
	"math/bits"
	"time"
)

// rates is how many tariff registers the meters have: sharp 尖, peak 峰, flat 平, valley 谷.
const rates = 4

const (
	// slot is how long the load stays at one level. Shorter would cost wake-ups, longer would look like a constant.
	slot = 10 * time.Second
	// quarter is the grid of demand, tariff and load profile.
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
	// swing and ripple are the seeded variation of the load, in thousandths to either side: one level for a quarter of an
	// hour, and on it pairs of slots whose halves cancel, so that a whole quarter is one multiplication and a month of
	// history is cheap to work out again.
	swing  = 10
	ripple = 10
	// wattNanosPermWh: 1 mWh = 3.6 Ws.
	wattNanosPermWh = 3_600_000_000
)

// registers are the energies, in mWh, forward and reverse by rate; the totals are their sums. All others (reactive,
// apparent, by phase) follow from them.
type registers struct {
	fwd, rev   [rates]int64
	fwdC, revC uint64 // W·ns not yet worth a mWh
}

func sum(r *[rates]int64) int64 { return r[0] + r[1] + r[2] + r[3] }

// shares is how a register that starts above zero lies on the rates, in percent; the flat rate takes what rounding leaves.
var shares = [rates]int64{10, 30, 35, 25}

// share lays a total on the rates as a meter that has run for a while shows it.
func share(total int64) (r [rates]int64) {
	for i, p := range shares {
		r[i] = total / 100 * p
	}
	r[2] += total - sum(&r)
	return r
}

// set writes the forward total; the rates keep their proportions, and what rounding leaves goes to the rate that runs.
func (r *registers) set(total int64, running int) {
	before := sum(&r.fwd)
	for i := range r.fwd {
		if before > 0 {
			r.fwd[i] = scale(r.fwd[i], total, before)
		} else {
			r.fwd[i] = 0
		}
	}
	r.fwd[running] += total - sum(&r.fwd)
	r.fwdC = 0
}

// scale is v*num/den for v, num, den >= 0, v <= den.
func scale(v, num, den int64) int64 {
	hi, lo := bits.Mul64(uint64(v), uint64(num))
	q, _ := bits.Div64(hi, lo, uint64(den)) // v <= den: the quotient is at most num
	return int64(q)
}

// flow is what makes the registers run. The same flow over the same time gives the same energy, in how many pieces ever.
type flow struct {
	w     int64         // drawn, multiplied
	feed  int64         // fed back around noon, multiplied
	off   bool          // the contact is open or the power is off
	shift time.Duration // the meter's wall clock less UTC
	seed  uint64
	table *tariff
}

// net is what is drawn in the quarter that begins at q by the meter's wall clock; below zero it is fed back.
func (f *flow) net(wall int64) int64 {
	if f.feed == 0 {
		return f.w
	}
	if h := wall / int64(time.Hour) % 24; h < feedFrom || h >= feedTo {
		return f.w
	}
	return f.w - f.feed
}

// The hours in which Config.FeedW is fed back.
const feedFrom, feedTo = 9, 16

// level is the mean load of the quarter of an hour that begins at q (unix ns); step is how far the pair at p lies around it.
func (f *flow) level(net, q int64) int64 {
	return net + net*(int64(mix(f.seed^uint64(q/int64(quarter)))%(2*swing+1))-swing)/1000
}

func (f *flow) step(level, p int64) int64 {
	return level * int64(mix(^f.seed^uint64(p/int64(2*slot)))%(ripple+1)) / 1000
}

// at is what is drawn at t (unix ns), in W, below zero fed back.
func (f *flow) at(t int64) int64 {
	if f.off {
		return 0
	}
	w := f.level(f.net(t+int64(f.shift)), floor(t, quarter))
	if s := f.step(w, t); t/int64(slot)%2 == 0 {
		return w + s
	} else {
		return w - s
	}
}

// run counts from..to, unix ns.
func (r *registers) run(f *flow, from, to int64) {
	if f.off {
		return
	}
	for from < to {
		wall := from + int64(f.shift)
		end := min(to, from+int64(quarter)-mod(wall, quarter))
		r.piece(f, f.net(wall), f.table.rate(wall), from, end)
		from = end
	}
}

// piece counts a stretch in which rate and direction stay the same.
func (r *registers) piece(f *flow, net int64, rate int, from, to int64) {
	for from < to {
		q := floor(from, quarter)
		end := min(to, q+int64(quarter))
		level := f.level(net, q)
		for from < end {
			const pair = 2 * int64(slot)
			p := floor(from, 2*slot)
			w, next := level, end
			switch {
			case from == p && end-from >= pair: // whole pairs: their halves cancel
				next = from + (end-from)/pair*pair
			case from < p+int64(slot):
				w, next = level+f.step(level, p), min(end, p+int64(slot))
			default:
				w, next = level-f.step(level, p), min(end, p+pair)
			}
			r.add(w, next-from, rate)
			from = next
		}
	}
}

// add runs the registers for d ns at w watts; below zero is fed back.
func (r *registers) add(w, d int64, rate int) {
	reg, carry := &r.fwd, &r.fwdC
	if w < 0 {
		w, reg, carry = -w, &r.rev, &r.revC
	}
	hi, lo := bits.Mul64(uint64(w), uint64(d))
	lo, over := bits.Add64(lo, *carry, 0)
	hi += over
	if hi >= wattNanosPermWh { // beyond what a register could hold: loads are bounded by the scenario, stops by replayMax
		return
	}
	mWh, rest := bits.Div64(hi, lo, wattNanosPermWh)
	if mWh > EnergyMaxmWh || sum(reg) > EnergyMaxmWh-int64(mWh) { // ten times round the register: stand still rather than overflow
		return
	}
	*carry = rest
	reg[rate] += int64(mWh)
}

// mix is SplitMix64: a seed's neighbours give unrelated numbers.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// mod is v modulo d, never below zero.
func mod(v int64, d time.Duration) int64 {
	if v %= int64(d); v < 0 {
		v += int64(d)
	}
	return v
}

func floor(v int64, d time.Duration) int64 { return v - mod(v, d) }
