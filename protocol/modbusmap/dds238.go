package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// dds238 is Hiking's single-phase rail meter with a relay (the letter R). Integers, high word first, read by FC03; the
// meter knows FC16 for writes and not FC06.
//
// The maker prints no register list that we could find; this one is the public list that several independent drivers
// agree on. Uncertain, to be confirmed on a meter:
//   - 0000H "total" is import plus export; 000AH is import alone, but lists mark it as a special order function that
//     plain meters leave at zero. We read 0000H: right where nothing is fed in.
//   - 001AH holds the relay's command; whether it also follows the contact is not said. It is read back as the state.
//   - Writing zero to 0000H erases the energy, so a drop to zero is tampering until a person says otherwise.
var dds238 = Model{
	Name:   "dds238-zn-sr",
	Maker:  "Hiking",
	Manual: "public register list \"DDS238-2 ZN/S Modbus\" (github.com/fawno/Modbus), holding registers 0000H, 000EH, 001AH",
	Points: []Point{
		{Quantity: protocol.ActiveImport, Func: modbus.ReadHolding, Addr: 0x0000, Words: 2, Type: U32, Exp: -2, Side: protocol.SidePrimary},
		{Quantity: protocol.ActivePower, Func: modbus.ReadHolding, Addr: 0x000E, Words: 1, Type: S16, Exp: -3, Side: protocol.SidePrimary},
	},
	Relay: &Relay{
		Func: modbus.WriteRegisters, Addr: 0x001A, Open: []uint16{0}, Close: []uint16{1},
		StateFunc: modbus.ReadHolding, StateAddr: 0x001A, OpenMask: 0xFFFF, OpenValue: 0, ClosedValue: 1,
		CanTrip: true, CanClose: true, Feedback: true,
	},
	Baud:   9600,
	Parity: "none",
}
