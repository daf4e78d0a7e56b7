package usage

import (
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// spread gives a run to the cells it touches: all to one, or by days with the
// version's quantum.
func (m *measurer) spread(u *Meter, r *run, cells []*Cell) error {
	if len(cells) == 1 {
		return m.give(u, r, cells[0], r.total, r.counts)
	}
	first := cells[0].By
	if first.Split.Forbid {
		return m.p.fault(r.line, ErrHold, "meter %s has no reading at %s, and tariff %s does not allow to split by days; give the reading", u.name(), shown(cells[0].To), first.ID)
	}
	totals := splitTotal(r.total, first.Split.Quantum, weights(r, cells))
	left := make([]billing.Energy, len(r.counts))
	for i := range left {
		left[i] = r.counts[i].Energy
	}
	for j, c := range cells {
		counts := make([]Count, len(r.counts))
		copy(counts, r.counts)
		parts := make([]billing.Energy, len(left))
		splitCounts(parts, left, totals[j], first.Split.Quantum)
		for i := range parts {
			counts[i].Energy = parts[i]
			left[i] -= parts[i]
		}
		c.ByDays = true
		if err := m.give(u, r, c, totals[j], counts); err != nil {
			return err
		}
		m.note("无 %s 示数，%s 至 %s 按天数分得 %s 千瓦时", "no reading on %s: from %s to %s the days give %s kWh",
			shown(cells[0].To), shown(later(c.From, r.from)), shown(earlier(c.To, r.to)), totals[j])
	}
	return nil
}

// weights is the days of the run in each cell, by local dates; the seconds,
// where a cell has no day of its own.
func weights(r *run, cells []*Cell) []billing.Energy {
	dates, seconds := make([]billing.Energy, len(cells)), make([]billing.Energy, len(cells))
	whole := true
	for j, c := range cells {
		from, to := later(c.From, r.from), earlier(c.To, r.to)
		dates[j] = billing.Energy(Days(from, to, c.By.Location()))
		seconds[j] = billing.Energy(to.Sub(from) / time.Second)
		whole = whole && dates[j] > 0
	}
	if whole {
		return dates
	}
	return seconds
}

// Days is the number of local dates from one instant to another.
func Days(from, to time.Time, zone *time.Location) int {
	number := func(t time.Time) int64 {
		year, month, day := t.In(zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86_400
	}
	return int(number(to) - number(from))
}

// splitTotal divides energy by weights into whole multiples of quantum, by the
// largest remainder; what is below a quantum goes to the last part.
func splitTotal(energy, quantum billing.Energy, weights []billing.Energy) []billing.Energy {
	parts := make([]billing.Energy, len(weights))
	quantum = max(quantum, 1)
	billing.Apportion(parts, weights, energy/quantum)
	for i := range parts {
		parts[i] *= quantum
	}
	parts[len(parts)-1] += energy % quantum
	return parts
}

// splitCounts takes total of what is left by register, in proportion, in whole
// quanta where they are there.
func splitCounts(parts, left []billing.Energy, total, quantum billing.Energy) {
	sum, err := sumLeft(left)
	if err != nil || sum == total {
		copy(parts, left)
		return
	}
	if quantum > 1 && total%quantum == 0 {
		billing.Apportion(parts, left, total/quantum)
		fits := true
		for i := range parts {
			parts[i] *= quantum
			fits = fits && parts[i] <= left[i]
		}
		if fits {
			return
		}
	}
	billing.Apportion(parts, left, total)
}

func sumLeft(left []billing.Energy) (sum billing.Energy, err error) {
	for _, e := range left {
		if sum, err = sum.Add(e); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// give adds energy and its registers to a cell of the meter.
func (m *measurer) give(u *Meter, r *run, c *Cell, total billing.Energy, counts []Count) error {
	return m.put(u, r, c, total, counts, later(c.From, r.from).In(c.By.Location()).Month())
}

// put is give with the month by which registers are told; 0 takes the codes as
// they are.
func (m *measurer) put(u *Meter, r *run, c *Cell, total billing.Energy, counts []Count, month time.Month) (err error) {
	if !r.from.After(c.From) {
		c.Start = worse(c.Start, r.start)
	}
	if !r.to.Before(c.To) {
		c.End = worse(c.End, r.end)
	}
	if c.Energy, err = c.Energy.Add(total); err != nil {
		return m.p.fault(r.line, err, "energy of meter %s", u.name())
	}
	if !Banded(c.By) {
		return nil
	}
	for _, n := range counts {
		b, ok := BandOf(c.By, n.Register, month)
		if !ok && n.Energy == 0 {
			continue
		}
		if !ok || b >= tariff.BandsMax {
			return m.p.lacks(n.Line, "meter %s: register %s counts no band of tariff %s, version %d, in month %d; its bands are %s", u.name(), n.Register, c.By.ID, c.By.Number, month, bandWords(c.By))
		}
		if c.Bands[b], err = c.Bands[b].Add(n.Energy); err != nil {
			return m.p.fault(r.line, err, "energy of meter %s", u.name())
		}
	}
	return nil
}
