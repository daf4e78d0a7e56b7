package usage

import (
	"fmt"
	"slices"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// Cell is the energy of all meters together from one cut of a period to the
// next. The caller cuts the period; From, To and By are its, the rest is filled
// by Measure.
type Cell struct {
	From, To time.Time
	By       *tariff.Version // rates the cell, and tells its bands

	Energy billing.Energy
	Bands  [tariff.BandsMax]billing.Energy // adds up to Energy where By prices by band
	ByDays bool                            // an end of it has no reading: the energy was split by days
	Start  Method                          // of the readings at its ends
	End    Method

	of int // index of the caller's cell that it is a piece of
}

// Note is a sentence on how energy was found, for the explanation of a bill.
type Note = billing.Name

// Measured is what the meters of a period counted.
type Measured struct {
	Cells         []Cell
	Taken, Back   billing.Energy // reactive, mvarh, with what the period tells itself
	ReactiveKnown bool
	Notes         []Note
}

// Banded reports whether the version prices some energy by band.
func Banded(v *tariff.Version) bool {
	if v.Kind != tariff.Composed || len(v.Bands) == 0 {
		return false
	}
	for i := range v.Components {
		if p := v.Components[i].Energy; p != nil && len(p.Prices) == len(v.Bands) {
			return true
		}
	}
	return false
}

// Measure fills the cells, which follow each other from p.From to p.To, with
// the energy of all meters. Where no reading stands at the border of two cells
// the energy between the readings around it is split by days.
//
// Errors wrap ErrHold when the readings do not prove the energy, and
// rate.ErrFacts when the usage lacks what the versions need.
func (p *Period) Measure(cells []Cell, days tariff.Days) (Measured, error) {
	m := measurer{p: p, days: days, out: Measured{Cells: seasons(cells), Taken: p.Taken, Back: p.Back, ReactiveKnown: p.ReactiveKnown}}
	for i := range p.Meters {
		if err := m.meter(&p.Meters[i]); err != nil {
			return Measured{}, err
		}
	}
	var err error
	if m.out.Cells, err = joined(m.out.Cells, cells); err != nil {
		return Measured{}, p.fault(p.Line, err, "energy of the period")
	}
	for i := range m.out.Cells {
		c := &m.out.Cells[i]
		if c.Energy < 0 {
			return Measured{}, p.fault(p.Line, ErrHold, "the subtracted meters counted %s kWh more than the meter before them from %s to %s; check the readings", -c.Energy, shown(c.From), shown(c.To))
		}
		for b, e := range c.Bands {
			if e < 0 {
				return Measured{}, p.fault(p.Line, ErrHold, "band %s: the subtracted meters counted %s kWh more than the meter before them; check the readings", c.By.Bands[b].Code, -e)
			}
		}
	}
	return m.out, nil
}

// seasons cuts cells where a register begins to count another band: the valley
// of the heating season on the register of the ordinary one.
func seasons(cells []Cell) (cut []Cell) {
	for i, c := range cells {
		c.of = i
		rest := c
		if Banded(c.By) {
			first := c.From.In(c.By.Location())
			for at := time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, c.By.Location()); at.Before(c.To); at = at.AddDate(0, 1, 0) {
				if moved(c.By, at.AddDate(0, -1, 0).Month(), at.Month()) {
					part := rest
					part.To, rest.From = at, at
					cut = append(cut, part)
				}
			}
		}
		cut = append(cut, rest)
	}
	return cut
}

// moved reports a register that counts one band in month a and another in b.
func moved(v *tariff.Version, a, b time.Month) bool {
	for i := range v.Bands {
		x, okX := v.BandOfRegister(v.Bands[i].Register, a)
		y, okY := v.BandOfRegister(v.Bands[i].Register, b)
		if okX && okY && x != y {
			return true
		}
	}
	return false
}

// joined adds the cut cells up to those that were asked for.
func joined(cut, cells []Cell) (out []Cell, err error) {
	out = make([]Cell, len(cells))
	at := 0
	for i := range cells {
		out[i] = cut[at]
		out[i].To, out[i].of = cells[i].To, 0
		for at++; at < len(cut) && cut[at].From.Before(cells[i].To); at++ {
			if out[i].Energy, err = out[i].Energy.Add(cut[at].Energy); err != nil {
				return nil, err
			}
			for b := range out[i].Bands {
				if out[i].Bands[b], err = out[i].Bands[b].Add(cut[at].Bands[b]); err != nil {
					return nil, err
				}
			}
			out[i].ByDays = out[i].ByDays || cut[at].ByDays
			out[i].Start, out[i].End = worse(out[i].Start, cut[at].Start), worse(out[i].End, cut[at].End)
		}
	}
	return out, nil
}

// measurer adds meter after meter to the cells of one period.
type measurer struct {
	p    *Period
	days tariff.Days
	out  Measured
	own  bool // the first meter has said its methods
}

func (m *measurer) note(zh, en string, args ...any) {
	inZH, inEN := slices.Clone(args), args
	for i, a := range args {
		if both, ok := a.(pick); ok {
			inZH[i], inEN[i] = both.zh, both.en
		}
	}
	m.out.Notes = append(m.out.Notes, Note{ZH: fmt.Sprintf(zh, inZH...), EN: fmt.Sprintf(en, inEN...)})
}

// pick is an argument of a note that differs by language.
type pick struct{ zh, en string }

// meter adds one meter to the cells, or takes it off.
func (m *measurer) meter(u *Meter) error {
	cells := make([]Cell, len(m.out.Cells))
	for i, c := range m.out.Cells {
		cells[i] = Cell{From: c.From, To: c.To, By: c.By, of: c.of}
	}
	if err := m.follow(u); err != nil {
		return err
	}
	for i := range u.Segments {
		if err := m.segment(u, &u.Segments[i], cells); err != nil {
			return err
		}
	}
	for i := range cells {
		if err := m.join(u, &m.out.Cells[i], &cells[i]); err != nil {
			return err
		}
	}
	m.own = true
	if u.Subtract {
		m.note("扣减分表 %s", "sub-meter %s is subtracted", u.name())
	}
	return nil
}

// join adds a meter's cell to the sum of all.
func (m *measurer) join(u *Meter, sum, cell *Cell) (err error) {
	add := billing.Energy.Add
	if u.Subtract {
		add = billing.Energy.Sub
	}
	switch {
	case !m.own:
		sum.Start, sum.End = cell.Start, cell.End
	case u.Subtract && (unlike(sum.Start, cell.Start) || unlike(sum.End, cell.End)):
		// One boundary and one method for parent and children (B12).
		return m.p.fault(u.Line, ErrHold, "meter %s is subtracted, but read by %s and %s, the meter before it by %s and %s; read both in one way", u.name(), cell.Start, cell.End, sum.Start, sum.End)
	default:
		sum.Start, sum.End = worse(sum.Start, cell.Start), worse(sum.End, cell.End)
	}
	sum.ByDays = sum.ByDays || cell.ByDays
	if sum.Energy, err = add(sum.Energy, cell.Energy); err != nil {
		return m.p.fault(u.Line, err, "energy of meter %s", u.name())
	}
	for b := range sum.Bands {
		if sum.Bands[b], err = add(sum.Bands[b], cell.Bands[b]); err != nil {
			return m.p.fault(u.Line, err, "energy of meter %s", u.name())
		}
	}
	return nil
}

// worse is the method that is farther down the order of B12; what a document
// tells without readings stands for none of them.
func worse(a, b Method) Method { return max(a, b) }

// unlike reports two ways to read that may not meet in a subtraction.
func unlike(a, b Method) bool { return a != b && a != Told && b != Told }

func (u *Meter) name() string {
	if u.ID == "" {
		return "-"
	}
	return u.ID
}

// follow checks that the segments cover the period without a hole: a period
// without the removal reading is held.
func (m *measurer) follow(u *Meter) error {
	p := m.p
	if !slices.IsSortedFunc(u.Segments, func(a, b Segment) int { return a.From.Compare(b.From) }) {
		return p.fault(u.Line, ErrHold, "segments of meter %s are not in their order; put them in the order of time", u.name())
	}
	at := p.From
	for i := range u.Segments {
		s := &u.Segments[i]
		first, last := i == 0, i == len(u.Segments)-1
		switch {
		case first && len(s.Readings) > 0:
			if _, ok := s.at(at); !ok {
				return p.lacks(s.Readings[0].Line, "meter %s has no reading at %s, where the period begins; give it, or readings around it at most %s apart", u.name(), shown(at), nearMax)
			}
		case !s.From.Equal(at) && !first:
			return p.fault(s.Line, ErrHold, "meter %s: one segment ends at %s, the next begins at %s; give the removal reading and the first of the new device for one instant", u.name(), shown(at), shown(s.From))
		case !s.From.Equal(at):
			return p.lacks(s.Line, "meter %s: the energy is told from %s on, the period begins at %s; give one from", u.name(), shown(s.From), shown(at))
		}
		if at = s.To; !last {
			continue
		}
		if len(s.Readings) > 0 {
			if _, ok := s.at(p.To); !ok {
				return p.lacks(s.Readings[len(s.Readings)-1].Line, "meter %s has no reading at %s, where the period ends; give it, or one with method: estimate", u.name(), shown(p.To))
			}
		} else if !at.Equal(p.To) {
			return p.lacks(s.Line, "meter %s: the energy is told up to %s, the period ends at %s; give one to", u.name(), shown(at), shown(p.To))
		}
	}
	return nil
}
