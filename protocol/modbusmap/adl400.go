package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// adl400 is Acrel's three-phase rail meter with a block of registers of the primary side, ratios already applied: floats
// from 0800H, energies in steps of 0.1 kWh from 0842H, high word first.
var adl400 = Model{
	Name:   "acrel-adl400",
	Maker:  "Acrel",
	Manual: "Acrel ADL400 rail-mounted multifunction meter manual (导轨式多功能电能表), primary-side registers 0800H to 085EH, page 17 for the ratios, as two public programs read them from it",
	Doubt:  "one meter in the field showed the total power at 0818H, which is phase C by the manual; the sum of the phases tells",
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 60,
	Points: table(modbus.ReadHolding, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x084C, Type: U32, Exp: -1},
		Point{Quantity: protocol.ActiveImport, Register: 1, Addr: 0x084E, Type: U32, Exp: -1}, // 尖
		Point{Quantity: protocol.ActiveImport, Register: 2, Addr: 0x0850, Type: U32, Exp: -1}, // 峰
		Point{Quantity: protocol.ActiveImport, Register: 3, Addr: 0x0852, Type: U32, Exp: -1}, // 平
		Point{Quantity: protocol.ActiveImport, Register: 4, Addr: 0x0854, Type: U32, Exp: -1}, // 谷
		Point{Quantity: protocol.ActiveExport, Addr: 0x0856, Type: U32, Exp: -1},
		Point{Quantity: protocol.ActivePower, Addr: 0x081A, Type: F32, Exp: -3},
		Point{Quantity: protocol.ActivePower, Register: 1, Addr: 0x0814, Type: F32, Exp: -3},
		Point{Quantity: protocol.ActivePower, Register: 2, Addr: 0x0816, Type: F32, Exp: -3},
		Point{Quantity: protocol.ActivePower, Register: 3, Addr: 0x0818, Type: F32, Exp: -3},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x0800, Type: F32, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 2, Addr: 0x0802, Type: F32, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 3, Addr: 0x0804, Type: F32, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x080C, Type: F32, Exp: -3},
		Point{Quantity: protocol.Current, Register: 2, Addr: 0x080E, Type: F32, Exp: -3},
		Point{Quantity: protocol.Current, Register: 3, Addr: 0x0810, Type: F32, Exp: -3},
		Point{Quantity: protocol.ReactivePower, Addr: 0x0822, Type: F32, Exp: -3},
		Point{Quantity: protocol.ApparentPower, Addr: 0x082A, Type: F32, Exp: -3},
		Point{Quantity: protocol.PowerFactor, Addr: 0x0832, Type: F32, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x0834, Type: F32, Exp: -2},
	),
	PT: register(modbus.ReadHolding, Point{Addr: 0x008D, Type: U16}),
	CT: register(modbus.ReadHolding, Point{Addr: 0x008E, Type: U16}),
}
