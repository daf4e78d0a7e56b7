package modbusmap

import "fmt"

// Box is many meters of one kind behind one address: a meter is known by (line, address, channel). Address is the unit id
// of the first one; channel n answers at unit address + (n-1) x UnitStep, or in registers (n-1) x AddrStep further on.
type Box struct {
	Channels uint8 // 1 to Channels
	UnitStep uint8
	AddrStep uint16 // moves points, spans and relay; ratios and clock are the box's
}

// Channel is the model as channel n of a box shows it, and how far its unit id lies from the box's address. Channel 0 is
// the meter itself of a model without a box.
func (m Model) Channel(n uint8) (Model, uint8, error) {
	switch {
	case m.Box == nil && n == 0:
		return m, 0, nil
	case m.Box == nil:
		return Model{}, 0, fmt.Errorf("model %s is one meter and has no channel %d; leave the channel out", m.Name, n)
	case n < 1 || n > m.Box.Channels:
		return Model{}, 0, fmt.Errorf("channel %d of model %s: want 1 to %d", n, m.Name, m.Box.Channels)
	}
	unit := int(n-1) * int(m.Box.UnitStep)
	if unit > 255 {
		return Model{}, 0, fmt.Errorf("channel %d of model %s lies beyond the last unit id", n, m.Name)
	}
	shift := int(n-1) * int(m.Box.AddrStep)
	if shift == 0 {
		return m, uint8(unit), nil
	}
	if shift > 0xFFFF {
		return Model{}, 0, fmt.Errorf("channel %d of model %s lies beyond the last register", n, m.Name)
	}
	m.Points = append([]Point(nil), m.Points...)
	for i := range m.Points {
		p := &m.Points[i]
		if p.end()+shift > 1<<16 {
			return Model{}, 0, fmt.Errorf("channel %d of model %s lies beyond the last register", n, m.Name)
		}
		p.Addr += uint16(shift)
	}
	m.Spans = append([]Span(nil), m.Spans...)
	for i := range m.Spans {
		if m.Spans[i].end()+shift > 1<<16 {
			return Model{}, 0, fmt.Errorf("channel %d of model %s lies beyond the last register", n, m.Name)
		}
		m.Spans[i].Addr += uint16(shift)
	}
	if m.Relay != nil {
		r := *m.Relay
		if _, high := r.stateRange(); max(int(high), int(r.Addr)+len(r.Open)-1, int(r.Addr)+len(r.Close)-1)+shift >= 1<<16 {
			return Model{}, 0, fmt.Errorf("channel %d of model %s lies beyond the last register", n, m.Name)
		}
		r.Addr += uint16(shift)
		r.StateAddr += uint16(shift)
		for _, b := range []**Bits{&r.Commanded, &r.Lock} {
			if *b != nil {
				moved := **b
				moved.Addr += uint16(shift)
				*b = &moved
			}
		}
		if r.Mode != nil {
			mode := *r.Mode
			mode.Addr += uint16(shift)
			r.Mode = &mode
		}
		m.Relay = &r
	}
	return m, uint8(unit), nil
}
