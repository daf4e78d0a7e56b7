package audit

import (
	"time"

	"feikong/billing"
	"feikong/billing/register"
)

// Facts are what one check rests on: a new reading of one installation, the
// accepted one before it in time, and the fee that they make. A fact that is
// not known leaves its rules silent.
type Facts struct {
	Now time.Time

	HasPrevious  bool // false for the first reading of an installation
	Previous     billing.Energy
	PreviousAt   time.Time
	Register     billing.Energy
	At           time.Time        // when the register was read
	Verdict      register.Verdict // of register.Delta over the two
	Energy       billing.Energy   // between the two, after the multiplier
	BandsKnown   bool
	Bands        billing.Energy // sum of the band registers' energy, after the multiplier
	DriftKnown   bool
	Drift        time.Duration  // meter clock minus true time
	Multiplier   int64          // archived
	Read         int64          // multiplier as the meter says it; 0 unknown
	ContractRate billing.Energy // contract capacity over one hour; 0 unknown
	MaxRate      billing.Energy // what the meter can carry in one hour (phases × I_max × U × multiplier); 0 unknown
	// Step is the register's smallest step after the multiplier: readings taken
	// seconds apart may be one step ahead of what flowed. Zero takes the 0.01
	// kWh of DL/T 645 registers, times Multiplier.
	Step      billing.Energy
	Duplicate bool // the reading's key is stored with other content

	FeeKnown  bool
	Fee       billing.Money  // of FeeEnergy
	FeeEnergy billing.Energy // of the open period, all meters of the account
	LowPrice  billing.Price  // tariff.Version.PriceRange
	HighPrice billing.Price
}

// Finding is one rule that was broken.
type Finding struct {
	Code   string // "A01"
	Action Action
	Detail string // one English sentence with the values
}

// Check appends a finding for each rule that the facts break, in the order of
// the codes. It allocates nothing while nothing is found.
func Check(r Rules, f Facts, out []Finding) []Finding {
	return check(&r, &f, out)
}

// check takes what Check copied once, so that no rule copies it again.
func check(r *Rules, f *Facts, out []Finding) []Finding {
	out = checkRegister(r, f, out)
	out = checkRate(r, f, out)
	out = checkTime(r, f, out)
	if r.Multiplier.Enabled && f.Read != 0 && f.Read != f.Multiplier {
		out = add(out, "A15", r.Multiplier, "meter says multiplier %d, the archive %d", f.Read, f.Multiplier)
	}
	out = checkFee(r, f, out)
	if r.DuplicateKey.Enabled && f.Duplicate {
		out = add(out, "A22", r.DuplicateKey, "reading of %s is stored with other content", stamp(f.At))
	}
	return out
}

func checkRegister(r *Rules, f *Facts, out []Finding) []Finding {
	fell := f.HasPrevious && f.Register < f.Previous && f.Verdict != register.Rollover
	// A caller that forgot the verdict must not bill a register that fell.
	if r.Backwards.Enabled && (fell || f.Verdict == register.Backwards) {
		out = add(out, "A01", r.Backwards, "register went from %s to %s kWh", f.Previous, f.Register)
	}
	if r.Negative.Enabled && f.Energy < 0 {
		out = add(out, "A05", r.Negative, "energy is %s kWh", f.Energy)
	}
	if r.Unbillable.Enabled && (f.Verdict == register.Overflow || f.Verdict == register.Invalid) {
		out = add(out, "A05", r.Unbillable, "register %s kWh gives no energy: %s", f.Register, f.Verdict)
	}
	return out
}

// checkRate compares the energy with what could have flowed in the time, and
// with its own parts.
func checkRate(r *Rules, f *Facts, out []Finding) []Finding {
	elapsed := f.At.Sub(f.PreviousAt)
	if r.Capacity.Enabled && f.HasPrevious && f.ContractRate > 0 {
		most, err := f.most(f.ContractRate, elapsed)
		// energy × 100 > most × percent, without a division's remainder
		if err == nil && above(f.Energy, 100, most, int64(r.CapacityPercent)) {
			out = add(out, "A06", r.Capacity, "%s kWh in %s, the contract capacity gives %s", f.Energy, elapsed, most)
		}
	}
	if r.Bands.Enabled && f.BandsKnown {
		apart, err := f.Energy.Sub(f.Bands)
		if err == nil && apart < 0 {
			apart, err = f.Bands.Sub(f.Energy)
		}
		// Over both limits is over the larger one.
		if err != nil || apart > r.BandsLimit && above(apart, 1000, f.Energy, int64(r.BandsPermille)) {
			out = add(out, "A07", r.Bands, "bands add up to %s kWh, the total register to %s", f.Bands, f.Energy)
		}
	}
	if r.Speed.Enabled && f.HasPrevious && f.MaxRate > 0 {
		if most, err := f.most(f.MaxRate, elapsed); err == nil && f.Energy > most {
			out = add(out, "A09", r.Speed, "%s kWh in %s, the meter can carry %s", f.Energy, elapsed, most)
		}
	}
	return out
}

// most is what perHour gives in the time, and one step of the register. An
// overflow means that no energy is too much.
func (f *Facts) most(perHour billing.Energy, elapsed time.Duration) (billing.Energy, error) {
	flowed, err := perHour.Over(elapsed)
	if err != nil {
		return 0, err
	}
	step := f.Step
	if step == 0 {
		if step, err = (billing.KWh / 100).Times(max(f.Multiplier, 1)); err != nil {
			return 0, err
		}
	}
	return flowed.Add(step)
}

func checkTime(r *Rules, f *Facts, out []Finding) []Finding {
	age := f.Now.Sub(f.At)
	if r.Stale.Enabled && age > r.MaxAge {
		out = add(out, "A12", r.Stale, "reading of %s is %s old, at most %s", stamp(f.At), age, r.MaxAge)
	}
	drift := f.Drift.Abs()
	switch {
	case !f.DriftKnown:
	case r.ClockTrip.Enabled && drift > r.ClockTripAt:
		out = add(out, "A13", r.ClockTrip, "meter clock is off by %s, at most %s for a trip", f.Drift, r.ClockTripAt)
	case r.ClockFlag.Enabled && drift > r.ClockFlagAt:
		out = add(out, "A13", r.ClockFlag, "meter clock is off by %s", f.Drift)
	}
	if ahead := f.At.Sub(f.Now); r.ClockAhead.Enabled && ahead > r.AheadAt {
		out = add(out, "A13", r.ClockAhead, "reading of %s is %s ahead of now", stamp(f.At), ahead)
	}
	return out
}

func checkFee(r *Rules, f *Facts, out []Finding) []Finding {
	if !r.FeeRange.Enabled || !f.FeeKnown {
		return out
	}
	low, err1 := billing.MulRound(f.FeeEnergy, f.LowPrice, billing.MoneyDecimals)
	high, err2 := billing.MulRound(f.FeeEnergy, f.HighPrice, billing.MoneyDecimals)
	under, err3 := low.Sub(r.FeeTolerance)
	over, err4 := high.Add(r.FeeTolerance)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || f.Fee < under || f.Fee > over {
		out = add(out, "A20", r.FeeRange, "fee %s for %s kWh is outside %s to %s a kWh", f.Fee, f.FeeEnergy, f.LowPrice, f.HighPrice)
	}
	return out
}

// above reports whether a × m > b × n. A product beyond the unit counts as
// above on the left: what cannot be compared is looked at by a person.
func above(a billing.Energy, m int64, b billing.Energy, n int64) bool {
	left, err := a.Times(m)
	if err != nil {
		return true
	}
	right, err := b.Times(n)
	return err == nil && left > right
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }
