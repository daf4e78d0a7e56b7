package usage

import (
	"slices"
	"strings"
	"time"

	"feikong/billing"
	"feikong/billing/register"
)

// nearMax is how far apart good readings may be for an interpolation (B12).
const nearMax = 6 * time.Hour

// run is what a segment counted between two readings that cells need.
type run struct {
	from, to   time.Time
	start, end Method
	total      billing.Energy
	totalKnown bool
	counts     []Count // by register
	line       int
}

// at is the reading at an instant: one that was made, or one interpolated per
// register between two good readings around it.
func (s *Segment) at(t time.Time) (Reading, bool) {
	i, found := slices.BinarySearchFunc(s.Readings, t, func(r Reading, t time.Time) int { return r.At.Compare(t) })
	if found {
		return s.Readings[i], true
	}
	if i == 0 || i == len(s.Readings) {
		return Reading{}, false
	}
	a, b := &s.Readings[i-1], &s.Readings[i]
	if b.At.Sub(a.At) > nearMax || a.Method == Estimate || b.Method == Estimate {
		return Reading{}, false
	}
	r := Reading{At: t, Method: Interpolated, Line: b.Line}
	for _, v := range a.Values {
		end, ok := b.valueOf(v.Register)
		if !ok || end < v.Value {
			return Reading{}, false
		}
		part, err := (end - v.Value).Part(int64(t.Sub(a.At)/time.Second), int64(b.At.Sub(a.At)/time.Second))
		if err != nil {
			return Reading{}, false
		}
		r.Values = append(r.Values, Value{Register: v.Register, Value: v.Value + part, Line: v.Line})
	}
	return r, true
}

// segment adds a segment to the meter's cells.
func (m *measurer) segment(u *Meter, s *Segment, cells []Cell) error {
	runs := []run{{from: s.From, to: s.To, start: Told, end: Told, total: s.Total, totalKnown: s.TotalKnown, counts: s.Counts, line: s.Line}}
	if len(s.Readings) > 0 {
		var err error
		if runs, err = m.runs(u, s, cells); err != nil {
			return err
		}
	}
	if s.Hours != nil {
		return m.hours(u, s, runs, cells)
	}
	for i := range runs {
		if err := m.addUp(u, &runs[i], cells); err != nil {
			return err
		}
	}
	return nil
}

// runs makes runs of readings: cells are cut where a reading stands at their border.
func (m *measurer) runs(u *Meter, s *Segment, cells []Cell) (runs []run, err error) {
	var marks []Reading
	mark := func(t time.Time) {
		if r, ok := s.at(t); ok && (len(marks) == 0 || r.At.After(marks[len(marks)-1].At)) {
			marks = append(marks, r)
		}
	}
	from, to := later(s.From, m.p.From), earlier(s.To, m.p.To)
	mark(from)
	for i := range cells {
		if t := cells[i].From; t.After(from) && t.Before(to) {
			mark(t)
		}
	}
	mark(to)
	for i := 1; i < len(marks); i++ {
		r := run{from: marks[i-1].At, to: marks[i].At, start: marks[i-1].Method, end: marks[i].Method, line: marks[i].Line}
		for _, v := range marks[0].Values {
			energy, err := m.count(u, s, v.Register, &marks[i-1], &marks[i])
			if err != nil {
				return nil, err
			}
			switch v.Register {
			case regTotal:
				r.total, r.totalKnown = energy, true
			case regReactive, regReactiveBack:
				if err := m.reactive(u, v.Register, energy); err != nil {
					return nil, err
				}
			default:
				r.counts = append(r.counts, Count{Register: v.Register, Energy: energy, Line: v.Line})
			}
		}
		runs = append(runs, r)
	}
	return runs, nil
}

func (m *measurer) reactive(u *Meter, name string, energy billing.Energy) (err error) {
	to := &m.out.Taken
	if name == regReactiveBack {
		to = &m.out.Back
	}
	if u.Subtract {
		*to, err = to.Sub(energy)
	} else {
		*to, err = to.Add(energy)
	}
	if err != nil {
		return m.p.fault(u.Line, err, "reactive energy of meter %s", u.name())
	}
	m.out.ReactiveKnown = true
	return nil
}

// count is the energy of one register from one mark to the next, over all
// readings between them: each step is proven on its own.
func (m *measurer) count(u *Meter, s *Segment, name string, start, end *Reading) (sum billing.Energy, err error) {
	from, ok := start.valueOf(name)
	if !ok {
		return 0, m.p.lacks(start.Line, "meter %s: register %s is not read at %s; give it", u.name(), name, shown(start.At))
	}
	rules := register.Rules{Digits: s.Digits, Multiplier: s.Multiplier, MaxRate: s.MaxRate}
	at, rolled := start.At, false
	step := func(r *Reading) error {
		to, ok := r.valueOf(name)
		if !ok {
			if r == end {
				return m.p.lacks(r.Line, "meter %s: register %s is not read at %s; give it", u.name(), name, shown(r.At))
			}
			return nil
		}
		energy, verdict := register.Delta(from, to, r.At.Sub(at), rules)
		if !verdict.Billable() {
			return m.unproven(u, s, name, from, to, r, verdict)
		}
		if sum, err = sum.Add(energy); err != nil {
			return m.p.fault(r.Line, err, "energy of meter %s, register %s", u.name(), name)
		}
		rolled = rolled || verdict == register.Rollover
		from, at = to, r.At
		return nil
	}
	for i := range s.Readings {
		if r := &s.Readings[i]; r.At.After(start.At) && r.At.Before(end.At) {
			if err := step(r); err != nil {
				return 0, err
			}
		}
	}
	if err := step(end); err != nil {
		return 0, err
	}
	first, _ := start.valueOf(name)
	last, _ := end.valueOf(name)
	zh, en := "", ""
	if rolled {
		top := "1" + strings.Repeat("0", s.Digits)
		zh, en = "，示数在 "+top+" 处翻转", ", the register rolled over at "+top
	}
	unit := pick{"千瓦时", "kWh"}
	if name == regReactive || name == regReactiveBack {
		unit = pick{"千乏时", "kvarh"}
	}
	m.note("表 %s %s：（%s − %s）× %d = %s %s，%s 至 %s%s", "meter %s %s: (%s − %s) × %d = %s %s, %s to %s%s",
		u.name(), name, last, first, s.Multiplier, sum, unit, shown(start.At), shown(end.At), pick{zh, en})
	return sum, nil
}

func (m *measurer) unproven(u *Meter, s *Segment, name string, from, to billing.Energy, r *Reading, verdict register.Verdict) error {
	switch verdict {
	case register.Overflow:
		return m.p.fault(r.Line, billing.ErrOverflow, "meter %s, register %s: (%s - %s) x %d", u.name(), name, to, from, s.Multiplier)
	case register.Invalid:
		return m.p.fault(r.Line, ErrHold, "meter %s, register %s shows %s after %s, more than its %d digits can; check the reading or digits", u.name(), name, to, from, s.Digits)
	}
	return m.p.fault(r.Line, ErrHold, "meter %s, register %s fell from %s to %s and no rollover is proven; check the reading, or give digits and max_kw", u.name(), name, from, to)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
