package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// adw300 is Acrel's three-phase wireless meter with external current transformers, read at its RS-485 port. Integers, high
// word first; the addresses are decimal 20 to 65 in the public sources.
var adw300 = Model{
	Name:   "acrel-adw300",
	Maker:  "Acrel",
	Manual: "no register list of the maker found in public; holding registers 20 to 28, 30 to 36, 62 and 64 as an energy manager's template and two monitoring programs read them",
	Doubt:  "whether the current transformer's ratio is in the registers. We take them as secondary: compare a reading with the display before billing by it. The factory baud rate: the template says 1200",
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 60,
	Points: table(modbus.ReadHolding, protocol.SideSecondary,
		Point{Quantity: protocol.ActiveImport, Addr: 62, Type: U32, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.ActiveExport, Addr: 64, Type: U32, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.ActivePower, Addr: 36, Type: S32, Exp: -3, Ratio: RatioCT},
		Point{Quantity: protocol.ActivePower, Register: 1, Addr: 30, Type: S32, Exp: -3, Ratio: RatioCT},
		Point{Quantity: protocol.ActivePower, Register: 2, Addr: 32, Type: S32, Exp: -3, Ratio: RatioCT},
		Point{Quantity: protocol.ActivePower, Register: 3, Addr: 34, Type: S32, Exp: -3, Ratio: RatioCT},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 20, Type: U16, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 2, Addr: 21, Type: U16, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 3, Addr: 22, Type: U16, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 26, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 2, Addr: 27, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 3, Addr: 28, Type: U16, Exp: -2, Ratio: RatioCT},
	),
}
