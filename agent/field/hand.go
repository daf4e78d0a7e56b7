package field

import (
	"feikong/internal/daemon"
	"feikong/protocol"
)

// HandReading is a meter read by eye 手抄.
type HandReading struct {
	Head
	Registers []Register `json:"registers"`
	Side      Side       `json:"side"`
	Why       string     `json:"why,omitempty"` // why an implausible register is right
}

// NewHandReading makes a checked record.
func NewHandReading(w Work, meter Ref, side Side, registers []Register, why string) (*HandReading, error) {
	h := &HandReading{Head: w.head(KindReading, daemon.Version, meter), Registers: registers, Side: side, Why: why}
	return h, h.Check()
}

// Check wants registers that were all read by eye.
func (h *HandReading) Check() error {
	if err := h.check(KindReading); err != nil {
		return err
	}
	if err := checkRegisters("registers", h.Registers); err != nil {
		return err
	}
	for _, r := range h.Registers {
		if r.By != ByEye {
			return wrong("register %d was not read by eye", r.Register)
		}
	}
	if err := h.Side.check(); err != nil {
		return err
	}
	return text("why", h.Why, textMax)
}

// Readings are the registers, with MethodHand.
func (h *HandReading) Readings() []protocol.Reading { return readings(h.Meter, h.Side, h.Registers) }
