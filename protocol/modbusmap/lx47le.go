package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// Lingxun's breaker 智能断路器, here as a switch beside a meter. Coil 0001H and register 000DH move the same contact; both
// tables read it from input register 0000H, whose high byte says that the breaker is locked at the device and cannot be
// closed.

func lx47lePoints() []Point {
	return table(modbus.ReadInput, protocol.SidePrimary,
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x0008, Type: U16},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x0009, Type: U16, Exp: -2},
		Point{Quantity: protocol.PowerFactor, Register: 1, Addr: 0x000A, Type: U16, Exp: -2},
		Point{Quantity: protocol.ActivePower, Register: 1, Addr: 0x000B, Type: U16, Exp: -3}, // W
	)
}

// lx47leState is what both ways of moving it have in common.
func lx47leState(r Relay) *Relay {
	r.StateFunc, r.StateAddr, r.OpenMask, r.OpenValue, r.ClosedValue = modbus.ReadInput, 0x0000, 0x00FF, 0x000F, 0x00F0
	r.Lock = &Bits{Addr: 0x0000, Mask: 0xFF00, Open: 0x0100, Closed: 0x0000}
	r.CanTrip, r.CanClose, r.Feedback = true, true, true
	return &r
}

const (
	lx47leManual = "Lingxun RS485 unified protocol V4.6 (2022-09), coils, holding and input registers, as a public development guide prints it"
	lx47leDoubt  = "it has an energy register, which is in no table here: public lists place it at 000DH, 0024H and 0025H, and one word beside it reads as some other number. Copy this table with the address of your edition, once it agrees with the display"
)

// lx47le is moved by FC05.
var lx47le = Model{
	Name:   "lingxun-lx47le-125",
	Maker:  "Lingxun",
	Manual: lx47leManual,
	Doubt:  lx47leDoubt,
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 40,
	Points: lx47lePoints(),
	Relay:  lx47leState(Relay{Func: modbus.WriteCoil, Addr: 0x0001, Open: []uint16{0x0000}, Close: []uint16{0xFF00}}),
}

// lx47leRegister is moved by FC06, for gateways that pass no coils; protocol V4.0 and newer.
var lx47leRegister = Model{
	Name:   "lingxun-lx47le-125-fc06",
	Maker:  "Lingxun",
	Manual: lx47leManual,
	Doubt:  lx47leDoubt + ". Editions V3.2 to V3.21 have no switch among the holding registers",
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 40,
	Points: lx47lePoints(),
	Relay:  lx47leState(Relay{Func: modbus.WriteRegister, Addr: 0x000D, Open: []uint16{0x0000}, Close: []uint16{0xFF00}}),
}
