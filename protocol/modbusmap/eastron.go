package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// Eastron's meters share one map of input registers, float32 with the high word first, read by FC04; each document asks
// for an even number of registers and at most 30 values a request. Energies are taken in steps of 0.01 kWh, which a
// float32 holds exactly up to 83,886 kWh; beyond, a step of the float itself is at most 0.06 kWh up to a million.
//
// The energy billed is import at 0048H. The "total" at 0156H is import plus export and would charge a customer for what
// his roof feeds in; it is in no table.

// eastronSingle is the map of the single-phase meters.
func eastronSingle() []Point {
	return table(modbus.ReadInput, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x0048, Type: F32, Exp: -2},
		Point{Quantity: protocol.ActiveExport, Addr: 0x004A, Type: F32, Exp: -2},
		Point{Quantity: protocol.ReactiveImport, Addr: 0x004C, Type: F32, Exp: -2},
		Point{Quantity: protocol.ReactiveExport, Addr: 0x004E, Type: F32, Exp: -2},
		Point{Quantity: protocol.ActivePower, Addr: 0x000C, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x0000, Type: F32, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x0006, Type: F32, Exp: -3},
		Point{Quantity: protocol.ApparentPower, Addr: 0x0012, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.ReactivePower, Addr: 0x0018, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.PowerFactor, Addr: 0x001E, Type: F32, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x0046, Type: F32, Exp: -2},
	)
}

// eastronSpans are the blocks that public drivers read in one go; what the single-phase meters do not have reads as zero.
func eastronSpans() []Span {
	return []Span{{modbus.ReadInput, 0x0000, 0x26}, {modbus.ReadInput, 0x0046, 0x1A}}
}
