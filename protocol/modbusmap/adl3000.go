package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// adl3000 is Acrel's three-phase rail meter behind transformers. Integers of the secondary side, high word first: the
// manual's formula for every energy is data x PT x CT x 0.01 kWh.
var adl3000 = Model{
	Name:   "acrel-adl3000",
	Maker:  "Acrel",
	Manual: "Acrel ADL3000-E Installation and operation instruction, section 9.1 (energies and their formula); voltages, currents and powers as a public register list and a recorded frame of a meter agree; clock by that list",
	Doubt:  "the ratio registers 008DH and 008EH are those of the ADL400, which shares this map; the clock's bytes are taken as binary, not BCD. Power factor and frequency are left out: two sources scale them differently",
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 60,
	Spans: []Span{{modbus.ReadHolding, 0x0000, 0x1E}, {modbus.ReadHolding, 0x0061, 0x17}},
	Points: table(modbus.ReadHolding, protocol.SideSecondary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x000A, Type: U32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ActiveImport, Register: 1, Addr: 0x000C, Type: U32, Exp: -2, Ratio: RatioBoth}, // 尖
		Point{Quantity: protocol.ActiveImport, Register: 2, Addr: 0x000E, Type: U32, Exp: -2, Ratio: RatioBoth}, // 峰
		Point{Quantity: protocol.ActiveImport, Register: 3, Addr: 0x0010, Type: U32, Exp: -2, Ratio: RatioBoth}, // 平
		Point{Quantity: protocol.ActiveImport, Register: 4, Addr: 0x0012, Type: U32, Exp: -2, Ratio: RatioBoth}, // 谷
		Point{Quantity: protocol.ActiveExport, Addr: 0x0014, Type: U32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Addr: 0x006A, Type: S16, Exp: -3, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Register: 1, Addr: 0x0067, Type: S16, Exp: -3, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Register: 2, Addr: 0x0068, Type: S16, Exp: -3, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Register: 3, Addr: 0x0069, Type: S16, Exp: -3, Ratio: RatioBoth},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x0061, Type: U16, Exp: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 2, Addr: 0x0062, Type: U16, Exp: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 3, Addr: 0x0063, Type: U16, Exp: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x0064, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 2, Addr: 0x0065, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 3, Addr: 0x0066, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.ReactivePower, Addr: 0x006E, Type: S16, Exp: -3, Ratio: RatioBoth},
	),
	PT: register(modbus.ReadHolding, Point{Addr: 0x008D, Type: U16}),
	CT: register(modbus.ReadHolding, Point{Addr: 0x008E, Type: U16}),
	Clock: &Clock{Func: modbus.ReadHolding, Addr: 0x003C,
		Fields: []ClockField{Year, Month, Day, Hour, Minute, Second}},
}
