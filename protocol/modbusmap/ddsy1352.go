package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// ddsy1352 is Acrel's single-phase prepaid rail meter. Its relay has two things of its own: who decides (0057H: 0 the
// meter by its money and limits, 1 the command) and the contact that is commanded (0058H: 0 closed, 1 open). They are
// written together by FC16. Closing from afar is therefore a forced close, which also keeps the meter's own protection of
// money and load from opening it 保电: a site that cuts by account must have the meter's prepayment switched off.
//
// The meter's money and prices lie at 0046H and are written by a private function as absolute values; nothing here
// touches them.
var ddsy1352 = Model{
	Name:   "acrel-ddsy1352",
	Maker:  "Acrel",
	Manual: "Acrel DDSY1352/DTSY1352 Operation Manual T1.0 (2021-06-25), section 8.1; relay 0057H as two independent public programs write it (one of the maker's own settings tool)",
	Doubt:  "whether 0058H follows the contact when the meter opens it by itself: in the meter's own mode the contact counts as unknown, so a relay has to be closed from here once before it can be tripped. Prove the relay with a load when it is commissioned",
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 60,
	Spans: []Span{{modbus.ReadHolding, 0x0000, 0x11}},
	Points: table(modbus.ReadHolding, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x0000, Type: U32, Exp: -2},
		Point{Quantity: protocol.ActiveImport, Register: 1, Addr: 0x0002, Type: U32, Exp: -2}, // 尖
		Point{Quantity: protocol.ActiveImport, Register: 2, Addr: 0x0004, Type: U32, Exp: -2}, // 峰
		Point{Quantity: protocol.ActiveImport, Register: 3, Addr: 0x0006, Type: U32, Exp: -2}, // 平
		Point{Quantity: protocol.ActiveImport, Register: 4, Addr: 0x0008, Type: U32, Exp: -2}, // 谷
		Point{Quantity: protocol.ActivePower, Addr: 0x000D, Type: S16, Exp: -3},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x000B, Type: U16, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x000C, Type: U16, Exp: -2},
		Point{Quantity: protocol.ReactivePower, Addr: 0x000E, Type: S16, Exp: -3},
		Point{Quantity: protocol.ApparentPower, Addr: 0x000F, Type: U16, Exp: -3},
		Point{Quantity: protocol.PowerFactor, Addr: 0x0010, Type: S16, Exp: -3},
	),
	Relay: &Relay{
		Func: modbus.WriteRegisters, Addr: 0x0057, Open: []uint16{1, 1}, Close: []uint16{1, 0},
		StateFunc: modbus.ReadHolding, StateAddr: 0x0058, OpenMask: 0xFFFF, OpenValue: 1, ClosedValue: 0,
		Mode:    &Mode{Addr: 0x0057, Own: 0, ForcedOpen: 1, ForcedClosed: 1},
		CanTrip: true, CanClose: true, Feedback: true,
	},
}
