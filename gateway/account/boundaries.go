package account

import (
	"slices"
	"time"

	"feikong/billing/tariff"
	"feikong/protocol"
)

// horizon is how far ahead an agent is told: one that is away for a year is away for ever.
const horizon = 366 * 24 * time.Hour

// Boundaries are the instants behind now at which a bill may have to be split: month ends, ends of tier cycles, and starts and ends of
// tariff versions, in each tariff's own zone. All tariffs' together: a snapshot more than needed costs an exchange, one too few a dispute.
// Unix ms, ascending, at most protocol.MaxBoundaries, the nearest first.
func (c *Config) Boundaries(now time.Time) []int64 {
	var out []int64
	add := func(t time.Time) {
		if t.After(now) && t.Before(now.Add(horizon)) {
			out = append(out, t.UnixMilli())
		}
	}
	for _, versions := range c.Tariffs {
		for i := range versions {
			v := &versions[i]
			add(v.ValidFrom)
			add(v.ValidTo)
			if v.ValidTo.IsZero() || v.ValidTo.After(now) {
				cycles(v, now, add)
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), protocol.MaxBoundaries)]
}

// cycles adds month ends and cycle ends of a version.
func cycles(v *tariff.Version, now time.Time, add func(time.Time)) {
	local := now.In(v.Location())
	for m := 1; m <= 12; m++ {
		add(time.Date(local.Year(), local.Month()+time.Month(m), 1, 0, 0, 0, 0, v.Location()))
	}
	for at := now; at.Before(now.Add(horizon)); {
		_, end := v.CycleOf(at)
		if !end.After(at) {
			return // a version without a cycle
		}
		add(end)
		at = end
	}
}
