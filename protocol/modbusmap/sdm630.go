package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// sdm630 is Eastron's three-phase rail meter. On the MCT kinds, which measure behind current transformers, the ratio is
// set in the meter and the registers show the primary side.
var sdm630 = Model{
	Name:     "eastron-sdm630",
	Maker:    "Eastron",
	Manual:   "Eastron SDM630MCT Smart Meter Modbus Protocol Implementation V1.7, input registers 30001 to 30079, as several public drivers read them of the SDM630-Modbus too",
	Doubt:    "that the MCT kinds apply the ratio that is set in them to the energy registers too; compare with the display when a meter is commissioned",
	Baud:     9600,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  60,
	Spans:    []Span{{modbus.ReadInput, 0x0000, 0x50}},
	Points: table(modbus.ReadInput, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x0048, Type: F32, Exp: -2},
		Point{Quantity: protocol.ActiveExport, Addr: 0x004A, Type: F32, Exp: -2},
		Point{Quantity: protocol.ReactiveImport, Addr: 0x004C, Type: F32, Exp: -2},
		Point{Quantity: protocol.ReactiveExport, Addr: 0x004E, Type: F32, Exp: -2},
		Point{Quantity: protocol.ActivePower, Addr: 0x0034, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.ActivePower, Register: 1, Addr: 0x000C, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.ActivePower, Register: 2, Addr: 0x000E, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.ActivePower, Register: 3, Addr: 0x0010, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x0000, Type: F32, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 2, Addr: 0x0002, Type: F32, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 3, Addr: 0x0004, Type: F32, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x0006, Type: F32, Exp: -3},
		Point{Quantity: protocol.Current, Register: 2, Addr: 0x0008, Type: F32, Exp: -3},
		Point{Quantity: protocol.Current, Register: 3, Addr: 0x000A, Type: F32, Exp: -3},
		Point{Quantity: protocol.ApparentPower, Addr: 0x0038, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.ReactivePower, Addr: 0x003C, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.PowerFactor, Addr: 0x003E, Type: F32, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x0046, Type: F32, Exp: -2},
	),
}
