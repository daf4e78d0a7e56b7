package field

import (
	"slices"

	"feikong/protocol"
)

// Source says how a register of a record was read.
type Source string

// Sources of a register.
const (
	ByEye  Source = "eye"  // from the display, by the person
	ByWire Source = "wire" // over the line, by the agent
)

// Register is one forward active energy register (正向有功) as it was read; 0 is the total, 1 and more the rates.
type Register struct {
	Register uint8  `json:"register"`
	KWh      Number `json:"kwh"`
	By       Source `json:"by"`
	At       int64  `json:"at"` // unix ms
	Twice    bool   `json:"twice,omitempty"`
	Side     Side   `json:"side,omitempty"` // over the wire: what the driver says, as in every poll; a ratio may be counted in already
}

// checkRegisters wants registers in ascending order, each once, the total among them.
func checkRegisters(of string, rs []Register) error {
	if len(rs) == 0 || len(rs) > registersMax {
		return wrong("%s: %d registers, not 1 to %d", of, len(rs), registersMax)
	}
	for i, r := range rs {
		switch {
		case i == 0 && r.Register != 0:
			return tell(ErrRecord, "缺少总示数：写 --register 0=示数（%s）", "register 0, the total, is missing (%s)", of)
		case i > 0 && r.Register <= rs[i-1].Register:
			return wrong("%s: register %d stands behind %d", of, r.Register, rs[i-1].Register)
		case r.By != ByEye && r.By != ByWire:
			return wrong("%s: register %d was read by %q, not by eye or wire", of, r.Register, r.By)
		case r.At <= 0 || r.At > 1<<52:
			return wrong("%s: register %d has no time", of, r.Register)
		case r.Side != "" && r.Side.check() != nil:
			return r.Side.check()
		case r.KWh.Value < 0 || r.KWh.Exp > 0 || r.KWh.Exp < -fractionMax:
			return wrong("%s: register %d is not a number of a display", of, r.Register)
		}
	}
	return nil
}

// readings are the registers for the readings lane: those by eye with MethodHand and the side the person names, those over
// the line as polled, with the driver's side: the same register twice in the lane must mean the same energy.
func readings(meter Ref, side Side, rs []Register) (out []protocol.Reading) {
	for _, r := range rs {
		one := protocol.Reading{Meter: meter.Meter(), Quantity: protocol.ActiveImport, Register: r.Register, Value: r.KWh.Value, Exp: r.KWh.Exp,
			TakenAt: r.At, Method: protocol.MethodHand, Side: side.wire()}
		if r.By == ByWire {
			one.Method = protocol.MethodPoll
			if r.Side != "" {
				one.Side = r.Side.wire()
			}
		}
		if r.Twice {
			one.Quality |= protocol.QualityTwice
		}
		out = append(out, one)
	}
	return out
}

// FromReadings takes the energy registers out of what a driver read.
func FromReadings(rs []protocol.Reading) (out []Register) {
	for _, r := range rs {
		if r.Quantity != protocol.ActiveImport || r.Exp > 0 || r.Exp < -fractionMax || r.Value < 0 || len(out) == registersMax {
			continue
		}
		out = append(out, Register{Register: r.Register, KWh: Number{r.Value, r.Exp}, By: ByWire, At: r.TakenAt, Twice: r.Quality&protocol.QualityTwice != 0, Side: sideOf(r.Side)})
	}
	slices.SortStableFunc(out, func(a, b Register) int { return int(a.Register) - int(b.Register) })
	return slices.CompactFunc(out, func(a, b Register) bool { return a.Register == b.Register })
}

// Side says on which side of the instrument transformers 互感器 the registers count.
type Side string

// Sides.
const (
	Primary   Side = "primary"   // 一次侧: the registers are the energy itself
	Secondary Side = "secondary" // 二次侧: times the ratio
)

func (s Side) check() error {
	if s != Primary && s != Secondary {
		return wrong("side %q is not primary or secondary", s)
	}
	return nil
}

func sideOf(s protocol.Side) Side {
	switch s {
	case protocol.SidePrimary:
		return Primary
	case protocol.SideSecondary:
		return Secondary
	}
	return ""
}

// WireSide is the side of registers read over the line; empty where nothing says it.
func WireSide(rs []Register) Side {
	for _, r := range rs {
		if r.By == ByWire && r.Side != "" {
			return r.Side
		}
	}
	return ""
}

func (s Side) wire() protocol.Side {
	if s == Primary {
		return protocol.SidePrimary
	}
	return protocol.SideSecondary
}

// Ratio is the multiplier 倍率 between registers on the secondary side and energy, and the plate it was taken from.
type Ratio struct {
	Multiplier Number `json:"multiplier"`
	Plate      string `json:"plate,omitempty"` // as typed: "200/5"
	Side       Side   `json:"side"`
}

func (r Ratio) check() error {
	if r.Multiplier.Value <= 0 || r.Multiplier.Exp > 0 || r.Multiplier.Exp < -fractionMax {
		return wrong("ratio %s is not above zero", r.Multiplier)
	}
	if err := text("ratio", r.Plate, 64); err != nil {
		return err
	}
	return r.Side.check()
}
