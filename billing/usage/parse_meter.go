package usage

import (
	"slices"
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

// Names of registers that are no bands.
const (
	regTotal        = "total"
	regReactive     = "reactive"
	regReactiveBack = "reactive-back"
)

// meters reads the metering points; energy at the top is one point of its own.
func (p *parser) meters(u *Period, r *rawPeriod) error {
	top := rawMeter{Line: r.Line, Energy: r.Energy, Bands: r.Bands, Hours: r.Hours}
	plain := r.Energy.Present() || r.Bands != nil || r.Hours != nil
	switch {
	case plain && r.Meters != nil:
		return p.fault(max(1, int(r.Line)), "energy, bands or hours stand beside meters; give them inside a meter, so that nothing is counted twice")
	case plain:
		r.Meters = []rawMeter{top}
	case len(r.Meters) == 0:
		return p.fault(max(1, int(r.Line)), "energy is missing; give energy, bands, hours or meters; energy: 0 if nothing was used")
	case len(r.Meters) > metersMax:
		return p.fault(int(r.Meters[metersMax].Line), "%d meters, at most %d", len(r.Meters), metersMax)
	}
	own := 0
	for i := range r.Meters {
		m, err := p.meter(u, &r.Meters[i])
		if err != nil {
			return err
		}
		if !m.Subtract {
			own++
		}
		for _, other := range u.Meters {
			if m.ID != "" && other.ID == m.ID {
				return p.fault(r.Meters[i].Meter.Line, "meter %s stands here twice; a replaced meter is one meter with segments", m.ID)
			}
		}
		u.Meters = append(u.Meters, m)
	}
	if own == 0 {
		return p.fault(int(r.Meters[0].Line), "all meters are subtracted; name the meter they are subtracted from")
	}
	return nil
}

func (p *parser) meter(u *Period, r *rawMeter) (Meter, error) {
	line := max(1, int(r.Line))
	m := Meter{ID: r.Meter.Value, Subtract: r.Subtract.Value, Line: line}
	list := r.Segments
	flat := rawSegment{Line: r.Line, Digits: r.Digits, Multiplier: r.Multiplier, MaxKW: r.MaxKW, Readings: r.Readings, Energy: r.Energy, Bands: r.Bands, Hours: r.Hours}
	own := r.Readings != nil || r.Energy.Present() || r.Bands != nil || r.Hours != nil
	switch {
	case own && len(list) > 0:
		return m, p.fault(line, "meter %s has segments, and readings or energy beside them; move those into a segment", m.ID)
	case len(list) == 0:
		list = []rawSegment{flat}
	case len(list) > segmentsMax:
		return m, p.fault(int(list[segmentsMax].Line), "%d segments, at most %d", len(list), segmentsMax)
	}
	for i := range list {
		s := &list[i]
		// What a segment does not say it has from its meter.
		for _, of := range []struct{ own, meter *document.Of[int] }{{&s.Digits, &r.Digits}, {&s.Multiplier, &r.Multiplier}} {
			if !of.own.Present() {
				*of.own = *of.meter
			}
		}
		if !s.MaxKW.Present() {
			s.MaxKW = r.MaxKW
		}
		one, err := p.segment(u, s)
		if err != nil {
			return m, err
		}
		m.Segments = append(m.Segments, one)
	}
	return m, nil
}

func (p *parser) segment(u *Period, r *rawSegment) (s Segment, err error) {
	line := max(1, int(r.Line))
	s = Segment{From: u.From, To: u.To, Serial: r.Serial.Value, Digits: r.Digits.Value, Multiplier: 1, MaxRate: r.MaxKW.Value, Line: line}
	if r.Multiplier.Present() {
		s.Multiplier = int64(r.Multiplier.Value)
	}
	switch {
	case r.Digits.Present() && (s.Digits < 1 || s.Digits > 12):
		return s, p.fault(r.Digits.Line, "digits is %d; give the register's digits before the point, 1 to 12", s.Digits)
	case s.Multiplier < 1:
		return s, p.fault(r.Multiplier.Line, "multiplier is %d; give CT ratio x PT ratio, at least 1", s.Multiplier)
	case s.MaxRate < 0:
		return s, p.fault(r.MaxKW.Line, "max_kw is negative; give the kW that the contract capacity can draw")
	}
	if s.Readings, err = p.readings(r.Readings); err != nil {
		return s, err
	}
	if n := len(s.Readings); n > 0 {
		switch {
		case r.Energy.Present() || r.Bands != nil:
			return s, p.fault(line, "readings stand beside energy or bands; keep what was measured, the readings")
		case n == 1:
			return s, p.fault(s.Readings[0].Line, "one reading is no energy; give that of the end too")
		}
		s.From, s.To = s.Readings[0].At, s.Readings[n-1].At
	}
	for _, end := range []struct {
		key string
		of  document.Of[string]
		to  *time.Time
	}{{"from", r.From, &s.From}, {"to", r.To, &s.To}} {
		if !end.of.Present() {
			continue
		}
		at, err := p.instant(end.key, end.of, line)
		if err != nil {
			return s, err
		}
		if len(s.Readings) > 0 && !at.Equal(*end.to) {
			return s, p.fault(end.of.Line, "%s: a segment with readings goes from the first to the last of them; remove %s or give the reading", end.key, end.key)
		}
		*end.to = at
	}
	if !s.To.After(s.From) {
		return s, p.fault(line, "segment ends at %s, when or before it begins", shown(s.To))
	}
	if r.Energy.Present() {
		s.TotalKnown = true
		if s.Total, err = p.energy("energy", r.Energy, line); err != nil {
			return s, err
		}
	}
	if s.Counts, err = p.counts(r.Bands); err != nil {
		return s, err
	}
	if r.Hours == nil {
		if len(s.Readings) == 0 && !s.TotalKnown && len(s.Counts) == 0 {
			return s, p.fault(line, "no energy; give readings, energy, bands or hours")
		}
		return s, nil
	}
	if len(s.Counts) > 0 {
		return s, p.fault(int(r.Hours.Line), "hours stand beside bands; both tell the bands, keep one")
	}
	s.Hours, err = p.hours(&s, r.Hours)
	return s, err
}

func (p *parser) counts(list []rawCount) (counts []Count, err error) {
	for i := range list {
		r := &list[i]
		c := Count{Line: int(r.Line)}
		if c.Register, err = p.register("band", r.Band, c.Line); err != nil {
			return nil, err
		}
		if c.Energy, err = p.energy("kwh", r.KWh, c.Line); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(counts, func(o Count) bool { return o.Register == c.Register }) {
			return nil, p.fault(c.Line, "band %s stands here twice; keep one", c.Register)
		}
		counts = append(counts, c)
	}
	return counts, nil
}

func (p *parser) hours(s *Segment, r *rawHours) (*Hours, error) {
	h := &Hours{From: s.From, Step: time.Hour, KWh: r.KWh, Line: int(r.Line)}
	if r.From.Present() {
		var err error
		if h.From, err = p.instant("hours: from", r.From, h.Line); err != nil {
			return nil, err
		}
	}
	if r.Step.Present() {
		h.Step = r.Step.Value
	}
	switch h.Step {
	case 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour:
	default:
		return nil, p.fault(r.Step.Line, "hours: step is %s; give 5m, 10m, 15m, 30m or 1h", h.Step)
	}
	want := int(s.To.Sub(s.From) / h.Step)
	switch {
	case !h.From.Equal(s.From):
		return nil, p.fault(r.From.Line, "hours: from is %s; they begin with what they measure, at %s", shown(h.From), shown(s.From))
	case s.To.Sub(s.From)%h.Step != 0 || h.From.Second() != 0 || h.From.Minute()%int(min(h.Step, halfHour)/time.Minute) != 0:
		return nil, p.fault(h.Line, "hours: %s to %s are no whole steps of %s; give from and to on a step", shown(s.From), shown(s.To), h.Step)
	case len(h.KWh) != want:
		return nil, p.fault(h.Line, "hours: %d values, %s to %s have %d steps of %s; give one for each", len(h.KWh), shown(s.From), shown(s.To), want, h.Step)
	}
	for i, e := range h.KWh {
		if e < 0 {
			return nil, p.fault(h.Line, "hours: value %d is negative; give zero or more", i+1)
		}
	}
	return h, nil
}

func (p *parser) readings(list []rawReading) (readings []Reading, err error) {
	if len(list) > readingsMax {
		return nil, p.fault(int(list[readingsMax].Line), "%d readings, at most %d", len(list), readingsMax)
	}
	for i := range list {
		r := &list[i]
		one := Reading{Line: int(r.Line), Method: Freeze}
		if one.At, err = p.instant("at", r.At, one.Line); err != nil {
			return nil, err
		}
		if r.Method.Present() {
			m := slices.Index(methodWords[:], r.Method.Value)
			if m < int(Freeze) {
				return nil, p.fault(r.Method.Line, "method is %q; give freeze, snapshot, interpolation, hand or estimate", r.Method.Value)
			}
			one.Method = Method(m)
		}
		if r.Total.Present() {
			one.Values = append(one.Values, Value{Register: regTotal, Value: r.Total.Value, Line: r.Total.Line})
		}
		for k := range r.Registers {
			v := &r.Registers[k]
			name, err := p.register("register", v.Register, int(v.Line))
			if err != nil {
				return nil, err
			}
			if !v.Value.Present() {
				return nil, p.fault(int(v.Line), "value is missing; give what the register shows")
			}
			if slices.ContainsFunc(one.Values, func(o Value) bool { return o.Register == name }) {
				return nil, p.fault(int(v.Line), "register %s stands here twice; keep one", name)
			}
			one.Values = append(one.Values, Value{Register: name, Value: v.Value.Value, Line: int(v.Line)})
		}
		switch {
		case len(one.Values) == 0:
			return nil, p.fault(one.Line, "reading is empty; give total, registers or both")
		case len(one.Values) > registerMax+3:
			return nil, p.fault(one.Line, "%d registers, at most %d", len(one.Values), registerMax+3)
		case i > 0 && !one.At.After(readings[i-1].At):
			return nil, p.fault(r.At.Line, "at: %s is not after the reading above; put readings in their order", shown(one.At))
		}
		for _, v := range one.Values {
			if v.Value < 0 {
				return nil, p.fault(v.Line, "register %s shows %s; a register is never below zero", v.Register, v.Value)
			}
			if i > 0 && !slices.ContainsFunc(readings[0].Values, func(o Value) bool { return o.Register == v.Register }) {
				return nil, p.fault(v.Line, "register %s is not in the first reading; give its start", v.Register)
			}
		}
		readings = append(readings, one)
	}
	return readings, nil
}

// valueOf is what a reading tells of a register.
func (r *Reading) valueOf(register string) (billing.Energy, bool) {
	for i := range r.Values {
		if r.Values[i].Register == register {
			return r.Values[i].Value, true
		}
	}
	return 0, false
}
