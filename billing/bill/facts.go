package bill

import (
	"fmt"
	"slices"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// needs names what the version charges for and the usage does not tell.
func needs(v *tariff.Version, u *usage.Period) error {
	lacks := func(format string, args ...any) error {
		return fmt.Errorf("%s: line %d: %w: %s", u.Name, u.Line, rate.ErrFacts, fmt.Sprintf(format, args...))
	}
	for i := range v.Components {
		p := &v.Components[i]
		switch {
		case p.Basic != nil && len(u.Supplies) == 0:
			return lacks("supplies is missing; tariff %s has a basic charge, give the mode, the capacity in kVA and the demand in kW of each incoming line", v.ID)
		case p.Basic != nil && u.To.After(monthAfter(u.From.In(v.Location()))):
			return lacks("tariff %s has a basic charge by the month, but the period from %s to %s is longer; write one of periods for each month", v.ID, u.From.Format(time.DateOnly), u.To.Format(time.DateOnly))
		case p.Factor != nil && !u.ReactiveKnown && !countsReactive(u):
			return lacks("reactive is missing; tariff %s has a power-factor adjustment, give reactive: {taken: kvarh}, or the register reactive in the readings", v.ID)
		}
		if p.Basic == nil {
			continue
		}
		for _, s := range u.Supplies {
			if price := p.Basic.PerKW; s.Mode == tariff.ByCapacity && p.Basic.PerKVA == 0 || s.Mode != tariff.ByCapacity && price == 0 {
				return lacks("tariff %s has no price for the mode of the supply on line %d; choose another mode", v.ID, s.Line)
			}
			if s.Capacity == 0 && (p.Basic.HighFactor != 0 || s.Mode == tariff.ByContract && p.Basic.Floor != 0) {
				return lacks("capacity of the supply on line %d is missing; tariff %s needs the kVA of its transformers", s.Line, v.ID)
			}
		}
	}
	return nil
}

func countsReactive(u *usage.Period) bool {
	for i := range u.Meters {
		for k := range u.Meters[i].Segments {
			for _, r := range u.Meters[i].Segments[k].Readings {
				if slices.ContainsFunc(r.Values, func(v usage.Value) bool { return v.Register == "reactive" || v.Register == "reactive-back" }) {
					return true
				}
			}
		}
	}
	return false
}

// monthAfter is the same day of the next month, or that month's last.
func monthAfter(t time.Time) time.Time {
	year, month, day := t.Date()
	last := time.Date(year, month+2, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(year, month+1, min(day, last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}

// facts of part i, and the version to rate it with: where the period has more
// parts, what counts by the month is divided over them.
func (j *joiner) facts(i int, counter billing.Energy) (*rate.Facts, *tariff.Version, error) {
	u, c := j.u, &j.m.Cells[i]
	f := &rate.Facts{Persons: u.Persons, Words: u.Words, ReactiveKnown: j.m.ReactiveKnown, Reactive: j.m.Taken, ReactiveBack: j.m.Back, FactorEnergy: u.Active, ToDate: u.ToDate}
	inService(f, c.By, c.From, u.Since)
	if i == 0 {
		f.FreeBefore = u.FreeBefore
	}
	if err := j.loss(f, i); err != nil {
		return nil, nil, err
	}
	if err := j.stacked(f, i); err != nil {
		return nil, nil, err
	}
	j.supplies(f, i)
	if len(j.m.Cells) == 1 {
		return f, c.By, nil
	}
	if f.FactorEnergy == 0 {
		all, err := j.energy(func(*usage.Cell) bool { return true })
		if err == nil {
			f.FactorEnergy, err = all.Add(u.Loss)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if countsMonths(c.By) {
		parts := make([]billing.Energy, len(j.m.Cells))
		billing.Apportion(parts, j.days(u.From, u.To), billing.Energy(begun(u.From.In(c.By.Location()), u.To.In(c.By.Location())))*1e6)
		f.Months = max(1, billing.Quantity(parts[i]))
	}
	v, err := j.version(i, counter, f)
	return f, v, err
}

// days is the weight of each part: its days between from and to, or its seconds
// where some part has no day.
func (j *joiner) days(from, to time.Time) []billing.Energy {
	dates, seconds := make([]billing.Energy, len(j.m.Cells)), make([]billing.Energy, len(j.m.Cells))
	whole := true
	for i, c := range j.m.Cells {
		a, b := c.From, c.To
		if from.After(a) {
			a = from
		}
		if to.Before(b) {
			b = to
		}
		if !b.After(a) {
			continue
		}
		dates[i] = billing.Energy(usage.Days(a, b, c.By.Location()))
		seconds[i] = billing.Energy(b.Sub(a) / time.Second)
		whole = whole && dates[i] > 0
	}
	if whole {
		return dates
	}
	return seconds
}

// countsMonths reports charges or allowances by begun months.
func countsMonths(v *tariff.Version) bool {
	return slices.ContainsFunc(v.Components, func(c tariff.Component) bool {
		return c.Fixed != nil && c.Fixed.PerMonth != 0 && !c.Fixed.Prorate || c.Energy != nil && c.Energy.Free != nil && c.Energy.Free.PerMonth != 0
	})
}

// begun is the months begun from one instant to another.
func begun(from, to time.Time) (n int64) {
	for at := from; at.Before(to); n++ {
		year, month, day := from.Date()
		at = time.Date(year, month+time.Month(n)+1, 1, from.Hour(), from.Minute(), from.Second(), from.Nanosecond(), from.Location())
		last := time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		at = at.AddDate(0, 0, min(day, last)-1)
	}
	return n
}

// inService tells the months of the tier cycle since the supply was opened.
func inService(f *rate.Facts, v *tariff.Version, from, since time.Time) {
	start, end := v.CycleOf(from)
	if since.IsZero() || !since.After(start) || start.IsZero() {
		return
	}
	for k := range v.Cycle.Months {
		if since.Before(start.AddDate(0, k+1, 0)) {
			f.MonthsInService = v.Cycle.Months - k
			break
		}
	}
	f.DaysInService = usage.Days(since, end, v.Location())
}

// loss gives each part its share of the transformer's loss, by energy; by days
// where there is none.
func (j *joiner) loss(f *rate.Facts, i int) error {
	weights := make([]billing.Energy, len(j.m.Cells))
	sum, err := billing.Energy(0), error(nil)
	for k, c := range j.m.Cells {
		weights[k] = c.Energy
		if sum, err = sum.Add(c.Energy); err != nil {
			return fmt.Errorf("energy of the period: %w", err)
		}
	}
	if sum == 0 {
		weights = j.days(j.u.From, j.u.To)
	}
	parts := make([]billing.Energy, len(weights))
	billing.Apportion(parts, weights, j.u.Loss)
	f.Loss = parts[i]
	v := j.m.Cells[i].By
	for _, c := range j.u.LossBands {
		b, ok := usage.BandOf(v, c.Register, j.m.Cells[i].From.In(v.Location()).Month())
		if !ok || b >= tariff.BandsMax {
			return fmt.Errorf("%s: line %d: %w: loss in band %s, which tariff %s has not", j.u.Name, c.Line, rate.ErrFacts, c.Register, v.ID)
		}
		billing.Apportion(parts, weights, c.Energy)
		if f.LossBands[b], err = f.LossBands[b].Add(parts[i]); err != nil {
			return fmt.Errorf("loss of the transformer: %w", err)
		}
	}
	return nil
}

// supplies tells the days of use of each incoming line in part i, in thirtieths
// of the month (供电营业规则), so that the parts of a month add up to it.
func (j *joiner) supplies(f *rate.Facts, i int) {
	u, v := j.u, j.m.Cells[i].By
	monthDays := usage.Days(u.From, monthAfter(u.From.In(v.Location())), v.Location())
	for _, s := range u.Supplies {
		own := rate.Supply{Mode: s.Mode, Capacity: s.Capacity, Declared: s.Declared, Measured: s.Measured}
		days, from, to := s.Days, s.From, s.To
		if days < 0 {
			days = usage.Days(s.From, s.To, v.Location())
		} else {
			from, to = u.From, u.To
		}
		switch {
		case len(j.m.Cells) > 1:
			shares := int64(30)
			for k := range v.Components {
				if b := v.Components[k].Basic; b != nil && b.DaysOfMonth > 0 {
					shares = b.DaysOfMonth
				}
			}
			if days < monthDays {
				shares = min(shares, int64(days))
			}
			parts := make([]billing.Energy, len(j.m.Cells))
			billing.Apportion(parts, j.days(from, to), billing.Energy(shares))
			own.Days, own.MonthDays = int(parts[i]), 31
			if own.Days == 31 {
				own.MonthDays = 0
			}
		case days < monthDays:
			own.Days, own.MonthDays = days, min(monthDays, 31)
		}
		f.Supplies = append(f.Supplies, own)
	}
}

// energy is the sum over the parts that want it.
func (j *joiner) energy(want func(*usage.Cell) bool) (sum billing.Energy, err error) {
	for i := range j.m.Cells {
		if c := &j.m.Cells[i]; want(c) {
			if sum, err = sum.Add(c.Energy); err != nil {
				return 0, fmt.Errorf("energy of the period: %w", err)
			}
		}
	}
	return sum, nil
}
