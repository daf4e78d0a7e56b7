package bill

import (
	"fmt"
	"slices"
	"time"

	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// stacked counts what a daily allowance gave in part i, day by day: unused kWh
// carry on up to the stack. Where the days are not told nobody can know.
func (j *joiner) stacked(f *rate.Facts, i int) error {
	c := &j.m.Cells[i]
	free := j.stacking(c.By)
	if free == nil {
		return nil
	}
	plain := *c.By
	plain.Bands = nil
	m, err := j.u.Measure(j.daily(&plain), nil)
	if err != nil {
		return err
	}
	stock := min(j.u.FreeStock, free.Stack)
	for _, d := range m.Cells {
		if d.ByDays {
			return fmt.Errorf("%s: line %d: %w: tariff %s has a daily allowance that stacks; give hours, or a reading each midnight", j.u.Name, j.u.Line, rate.ErrFacts, c.By.ID)
		}
		stock = min(stock+free.PerDay, free.Stack) // both are at most a thousand million kWh
		given := min(stock, d.Energy)
		stock -= given
		if !d.From.Before(c.From) && d.From.Before(c.To) {
			f.FreeGiven += given
		}
	}
	f.FreeKnown = true
	return nil
}

// stacking is the daily allowance that the account has, or nil.
func (j *joiner) stacking(v *tariff.Version) *tariff.Free {
	for k := range v.Components {
		p := v.Components[k].Energy
		if p != nil && p.Free != nil && p.Free.Stack > 0 && (p.Free.Fact == "" || slices.Contains(j.u.Words, p.Free.Fact)) {
			return p.Free
		}
	}
	return nil
}

// daily is a cell for each local day of the period.
func (j *joiner) daily(v *tariff.Version) (days []usage.Cell) {
	for at := j.u.From; at.Before(j.u.To); {
		year, month, day := at.In(v.Location()).Date()
		next := time.Date(year, month, day+1, 0, 0, 0, 0, v.Location())
		if next.After(j.u.To) {
			next = j.u.To
		}
		days = append(days, usage.Cell{From: at, To: next, By: v})
		at = next
	}
	return days
}
