package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// dds238 is Hiking's single-phase rail meter with a relay (the letter R). Integers, high word first, read by FC03; the
// meter knows FC16 for writes and not FC06. Writing zero to 0000H erases the energy, so a drop to zero is tampering until
// a person says otherwise.
var dds238 = Model{
	Name:   "dds238-zn-sr",
	Maker:  "Hiking",
	Manual: "no register list of the maker found; the public list \"DDS238-2 ZN/S Modbus\" (github.com/fawno/Modbus), on which several independent drivers agree, holding registers 0000H, 000CH to 0011H, 001AH",
	Doubt:  "0000H \"total\" is import plus export, and 000AH import alone is a special order that plain meters leave at zero: 0000H is read, right where nothing is fed in. 001AH holds the relay's command; whether it also follows the contact is not said, it is read back as the state",
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 60,
	Points: table(modbus.ReadHolding, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x0000, Type: U32, Exp: -2},
		Point{Quantity: protocol.ActivePower, Addr: 0x000E, Type: S16, Exp: -3},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x000C, Type: U16, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x000D, Type: U16, Exp: -2},
		Point{Quantity: protocol.ReactivePower, Addr: 0x000F, Type: U16, Exp: -3},
		Point{Quantity: protocol.PowerFactor, Addr: 0x0010, Type: U16, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x0011, Type: U16, Exp: -2},
	),
	Relay: &Relay{
		Func: modbus.WriteRegisters, Addr: 0x001A, Open: []uint16{0}, Close: []uint16{1},
		StateFunc: modbus.ReadHolding, StateAddr: 0x001A, OpenMask: 0xFFFF, OpenValue: 0, ClosedValue: 1,
		CanTrip: true, CanClose: true, Feedback: true,
	},
}
