package scan

import (
	"context"
	"strconv"
	"strings"

	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// plausible are the quantities a model is recognised by, and between which values, in hundredths of the unit. A meter that
// is powered has a voltage and a frequency whatever its load.
var plausible = []struct {
	quantity protocol.Quantity
	lo, hi   int64
	weight   int
}{
	{protocol.Voltage, 80_00, 300_00, 2},
	{protocol.Frequency, 45_00, 65_00, 2},
}

// implausible is what a point costs that cannot be read or has a value out of range: a table with three phases does not
// fit a meter with one.
const implausible = 1

// recognize compares the unit's registers with the tables of the models that we know. What it writes is a guess: makers
// copy each other's tables.
func (s *search) recognize(ctx context.Context, unit byte, found *Found) error {
	type registers struct {
		fn    byte
		addr  uint16
		words uint8
	}
	cache := map[registers][]uint16{} // makers copy each other's tables: the same registers are asked once
	read := func(p modbusmap.Point) ([]uint16, error) {
		key := registers{p.Func, p.Addr, p.Words}
		if w, ok := cache[key]; ok {
			return w, nil
		}
		if p.Func != modbus.ReadHolding && p.Func != modbus.ReadInput {
			return nil, nil
		}
		s.plan++
		a, err := s.talk(ctx, modbus.ReadRequest(unit, p.Func, p.Addr, uint16(p.Words)), s.o.ModbusWindow)
		if err != nil {
			return nil, err
		}
		var words []uint16
		if a.whole && !a.exception {
			words, _ = modbus.AppendRegisters(nil, a.adu)
		}
		cache[key] = words
		return words, nil
	}
	best, like := 0, []string(nil)
	for _, m := range s.o.Models {
		score, voltage := 0, ""
		for _, q := range plausible {
			for _, p := range points(m, q.quantity) {
				words, err := read(p)
				if err != nil {
					return err
				}
				v, measured, err := p.Decode(words)
				if h := hundredths(v, p.Exp); err != nil || !measured || h < q.lo || h > q.hi {
					score -= implausible
					continue
				}
				score += q.weight
				if q.quantity == protocol.Voltage && voltage == "" {
					voltage = decimal(v, p.Exp)
				}
			}
		}
		if score > 0 && m.Baud == s.framing.Baud && m.Parity == s.framing.Parity {
			score++ // as it leaves the factory
		}
		switch {
		case score <= 0 || score < best:
			continue
		case score > best:
			like = like[:0]
			found.Voltage = voltage
		}
		best, like = score, append(like, m.Name)
	}
	if len(like) > 0 {
		found.Model, found.Probable = like[0], true
		found.Like = like[1:]
	}
	return nil
}

// phases bounds the voltages that are looked at: those between phases follow from them.
const phases = 3

// points are those of a quantity that every powered meter of the model has.
func points(m modbusmap.Model, q protocol.Quantity) (out []modbusmap.Point) {
	for _, p := range m.Points {
		if p.Quantity == q && p.Register <= phases {
			out = append(out, p)
		}
	}
	return out
}

// hundredths is v x 10^exp in hundredths, rounded down; values that do not fit are far from plausible.
func hundredths(v int64, exp int8) int64 {
	for ; exp < -2; exp++ {
		v /= 10
	}
	for ; exp > -2; exp-- {
		if v > 1<<50 || v < -1<<50 {
			return -1
		}
		v *= 10
	}
	return v
}

// decimal is v x 10^exp as text.
func decimal(v int64, exp int8) string {
	digits := ""
	neg := v < 0
	if neg {
		v = -v
	}
	for ; exp > 0; exp-- {
		digits += "0"
	}
	s := strconv.FormatInt(v, 10) + digits
	if n := int(-exp); n > 0 {
		s = strings.Repeat("0", max(0, n+1-len(s))) + s
		s = s[:len(s)-n] + "." + s[len(s)-n:]
	}
	if neg {
		s = "-" + s
	}
	return s
}
