package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// em340 is Carlo Gavazzi's three-phase rail meter, 65 A direct. Integers of 32 bits with the low word first, at most 50
// registers a request; 7FFFFFFFH is a value that overflowed, EEE on the display.
var em340 = Model{
	Name:   "gavazzi-em340",
	Maker:  "Carlo Gavazzi",
	Manual: "Carlo Gavazzi EM300 Series and ET300 Series Communication Protocol, version 2 revision 17 (2021-07-05): orders, limits and marks",
	Doubt:  "the addresses are as public drivers have them and were not compared with the document row by row",
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 50,
	Spans: []Span{{modbus.ReadInput, 0x0000, 0x52}},
	Points: lowFirst(table(modbus.ReadInput, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x0034, Type: S32, Exp: -1},
		Point{Quantity: protocol.ActiveExport, Addr: 0x004E, Type: S32, Exp: -1},
		Point{Quantity: protocol.ActivePower, Addr: 0x0028, Type: S32, Exp: -4},
		Point{Quantity: protocol.ActivePower, Register: 1, Addr: 0x0012, Type: S32, Exp: -4},
		Point{Quantity: protocol.ActivePower, Register: 2, Addr: 0x0014, Type: S32, Exp: -4},
		Point{Quantity: protocol.ActivePower, Register: 3, Addr: 0x0016, Type: S32, Exp: -4},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x0000, Type: S32, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 2, Addr: 0x0002, Type: S32, Exp: -1},
		Point{Quantity: protocol.Voltage, Register: 3, Addr: 0x0004, Type: S32, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x000C, Type: S32, Exp: -3},
		Point{Quantity: protocol.Current, Register: 2, Addr: 0x000E, Type: S32, Exp: -3},
		Point{Quantity: protocol.Current, Register: 3, Addr: 0x0010, Type: S32, Exp: -3},
		Point{Quantity: protocol.ReactivePower, Addr: 0x002C, Type: S32, Exp: -4},
		Point{Quantity: protocol.PowerFactor, Addr: 0x0031, Type: S16, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x0033, Type: S16, Exp: -1},
	)),
}

// lowFirst marks a table of values with the low word first and the mark of overflow of their type.
func lowFirst(points []Point) []Point {
	for i := range points {
		points[i].Order, points[i].Missing = CDAB, []uint64{0x7FFFFFFF}
		if points[i].Words == 1 {
			points[i].Order, points[i].Missing = ABCD, []uint64{0x7FFF}
		}
	}
	return points
}
