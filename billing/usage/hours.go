package usage

import (
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

const halfHour = 30 * time.Minute

// hours adds hourly values to the cells, each by the band of its half hours.
// Where the segment has a total too, that is the authority.
func (m *measurer) hours(u *Meter, s *Segment, runs []run, cells []Cell) error {
	own := make([]Cell, len(cells)) // what the hours alone give
	for i := range cells {
		own[i] = Cell{From: cells[i].From, To: cells[i].To, By: cells[i].By}
	}
	for i, energy := range s.Hours.KWh {
		at := s.Hours.From.Add(time.Duration(i) * s.Hours.Step)
		pieces := [2]billing.Energy{energy}
		n := 1
		if s.Hours.Step > halfHour {
			n = 2
			billing.Apportion(pieces[:], []billing.Energy{1, 1}, energy)
		}
		for k := range n {
			if err := m.slot(u, s, own, at.Add(time.Duration(k)*halfHour), pieces[k]); err != nil {
				return err
			}
		}
	}
	total := false
	for i := range runs {
		if r := &runs[i]; r.totalKnown {
			total = true
			if err := m.byHours(u, r, cells, own); err != nil {
				return err
			}
		}
	}
	for i := range cells {
		c := &cells[i]
		if !total {
			var err error
			if c.Energy, err = c.Energy.Add(own[i].Energy); err != nil {
				return m.p.fault(s.Hours.Line, err, "energy of meter %s", u.name())
			}
			if s.From.Before(c.To) && c.From.Before(s.To) {
				c.Start, c.End = Told, Told
			}
		}
		if err := m.measuredByHours(u, s, c, &own[i], total); err != nil {
			return err
		}
	}
	return nil
}

// byHours gives the total of a run to the cells as their hours are; where the
// hours are all zero, by days.
func (m *measurer) byHours(u *Meter, r *run, cells, own []Cell) error {
	bare := run{from: r.from, to: r.to, start: r.start, end: r.end, total: r.total, line: r.line}
	touched := touch(cells, r.from, r.to)
	hours, sum := make([]billing.Energy, 0, len(touched)), billing.Energy(0)
	for _, c := range touch(own, r.from, r.to) {
		hours = append(hours, c.Energy)
		var err error
		if sum, err = sum.Add(c.Energy); err != nil {
			return m.p.fault(r.line, err, "hours of meter %s", u.name())
		}
	}
	if sum == 0 || len(touched) == 1 {
		return m.spread(u, &bare, touched)
	}
	parts := make([]billing.Energy, len(touched))
	billing.Apportion(parts, hours, r.total)
	for i, c := range touched {
		if err := m.give(u, &bare, c, parts[i], nil); err != nil {
			return err
		}
	}
	return nil
}

// slot adds the energy of one half hour or less.
func (m *measurer) slot(u *Meter, s *Segment, own []Cell, at time.Time, energy billing.Energy) (err error) {
	for i := range own {
		c := &own[i]
		if at.Before(c.From) || !at.Before(c.To) {
			continue
		}
		if c.Energy, err = c.Energy.Add(energy); err != nil {
			return m.p.fault(s.Hours.Line, err, "hours of meter %s", u.name())
		}
		if !Banded(c.By) {
			return nil
		}
		b, ok := c.By.BandAt(at, m.days)
		if !ok || b >= tariff.BandsMax {
			return m.lostHour(s, c.By, at)
		}
		c.Bands[b] += energy // not above c.Energy
		return nil
	}
	return m.p.fault(s.Hours.Line, ErrHold, "hours of meter %s at %s are outside the period", u.name(), shown(at))
}

func (m *measurer) lostHour(s *Segment, v *tariff.Version, at time.Time) error {
	switch {
	case len(v.Schedule.Tables) == 0:
		return m.p.lacks(s.Hours.Line, "tariff %s has no hours of its own, the meter's registers count its bands; give bands or registers instead of hours", v.ID)
	case v.Calendar != "" && m.days == nil:
		return m.p.lacks(s.Hours.Line, "tariff %s tells days apart by the holiday calendar %s; give it with --calendar", v.ID, v.Calendar)
	}
	return m.p.lacks(s.Hours.Line, "the holiday calendar %s does not cover %s; give one that does", v.Calendar, at.Format(time.DateOnly))
}

// measuredByHours gives a cell the bands of its hours, and what its total has
// beside them to the remainder's band.
func (m *measurer) measuredByHours(u *Meter, s *Segment, c, own *Cell, total bool) (err error) {
	if !Banded(c.By) {
		return nil
	}
	before, err := sumLeft(c.Bands[:]) // of segments before this one
	if err != nil {
		return m.p.fault(s.Line, err, "energy of meter %s", u.name())
	}
	for b := range c.Bands {
		if c.Bands[b], err = c.Bands[b].Add(own.Bands[b]); err != nil {
			return m.p.fault(s.Line, err, "energy of meter %s", u.name())
		}
	}
	difference := c.Energy - before - own.Energy
	if !total || difference == 0 {
		return nil
	}
	v := c.By
	if !within(difference, c.Energy, v) || c.Bands[v.Remainder]+difference < 0 {
		return m.p.fault(s.Line, ErrHold, "meter %s: the hours differ from the total by %s kWh, more than the larger of %s kWh and %s of it; check the values", u.name(), difference, v.RemainderLimit, billing.Energy(v.RemainderShare))
	}
	c.Bands[v.Remainder] += difference
	m.note("小时电量与总电量差 %s 千瓦时，计入 %s", "the hours and the total differ by %s kWh, which %s takes", difference, v.Bands[v.Remainder].Code)
	return nil
}
