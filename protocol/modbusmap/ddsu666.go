package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// ddsu666 is CHINT's single-phase rail meter. Floats, high word first, in V, A, kW, kvar, Hz and kWh as they stand.
var ddsu666 = Model{
	Name:     "chint-ddsu666",
	Maker:    "CHINT",
	Manual:   "CHINT DDSU666 single-phase electronic energy meter, User Manual ZTY0.464.922 and ZTY0.464.1036, appendix A",
	Doubt:    "the kind for a current transformer counts on the secondary side and has no ratio register: give its account the multiplier. Manuals print one and two stop bits; many leave the factory set to DL/T 645",
	Baud:     9600,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  60,
	Spans:    []Span{{modbus.ReadHolding, 0x2000, 0x12}},
	Points: table(modbus.ReadHolding, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x4000, Type: F32, Exp: -2},
		Point{Quantity: protocol.ActiveExport, Addr: 0x400A, Type: F32, Exp: -2},
		Point{Quantity: protocol.ActivePower, Addr: 0x2004, Type: F32, Exp: -3},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x2000, Type: F32, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x2002, Type: F32, Exp: -3},
		Point{Quantity: protocol.ReactivePower, Addr: 0x2006, Type: F32, Exp: -3},
		Point{Quantity: protocol.PowerFactor, Addr: 0x200A, Type: F32, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x200E, Type: F32, Exp: -2},
	),
}
