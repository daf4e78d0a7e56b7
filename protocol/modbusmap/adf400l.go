package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// Acrel's multi-user box: up to 36 single-phase or 12 three-phase meters behind one pair of wires. Each user answers at a
// unit id of its own, single-phase users in steps of 1 and three-phase users in steps of 3 (section 9.3 of the manual;
// table numbers are 1, 37, 73). The address of a box is the unit id of its first user of a kind, the channel counts the
// users of that kind: a box with four users behind transformers at 1, 4, 7, 10 and twelve single-phase users at 25 to 36
// is channels 1 to 4 of address 1 and channels 1 to 12 of address 25.
//
// The control word of a user (0801H, 0804H) has no documented feedback and its status word's bits are not in the manual:
// the tables have no relay.

var adf400lClock = &Clock{Func: modbus.ReadHolding, Addr: 0x090B,
	Fields: []ClockField{Second, Minute, Hour, Weekday, Day, Month, Year, Skip}}

const (
	adf400lManual = "Acrel ADF400L Series Multi User Electric Energy Meter, Installation and Operation Manual V1.8, sections 8 and 9; word order and clock confirmed on a meter by a public project"
	adf400lDoubt  = "whether the clock answers at every user's unit id or at the box's first one alone"
)

// adf400lSingle is a single-phase user, at 0300H.
var adf400lSingle = Model{
	Name:   "acrel-adf400l-1p",
	Maker:  "Acrel",
	Manual: adf400lManual,
	Doubt:  adf400lDoubt,
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 60,
	Spans: []Span{{modbus.ReadHolding, 0x0300, 0x21}, {modbus.ReadHolding, 0x0400, 0x30}},
	Points: table(modbus.ReadHolding, protocol.SidePrimary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x0319, Type: U32, Exp: -2},
		Point{Quantity: protocol.ActiveExport, Addr: 0x031B, Type: U32, Exp: -2},
		Point{Quantity: protocol.ReactiveImport, Addr: 0x031D, Type: U32, Exp: -2},
		Point{Quantity: protocol.ReactiveExport, Addr: 0x031F, Type: U32, Exp: -2},
		Point{Quantity: protocol.ActiveImport, Register: 1, Addr: 0x0410, Type: U32, Exp: -2}, // 尖
		Point{Quantity: protocol.ActiveImport, Register: 2, Addr: 0x0412, Type: U32, Exp: -2}, // 峰
		Point{Quantity: protocol.ActiveImport, Register: 3, Addr: 0x0414, Type: U32, Exp: -2}, // 平
		Point{Quantity: protocol.ActiveImport, Register: 4, Addr: 0x0416, Type: U32, Exp: -2}, // 谷
		Point{Quantity: protocol.ActivePower, Addr: 0x0302, Type: S16, Exp: -3},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x0300, Type: U16, Exp: -1},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x0301, Type: U16, Exp: -2},
		Point{Quantity: protocol.ReactivePower, Addr: 0x0303, Type: S16, Exp: -3},
		Point{Quantity: protocol.PowerFactor, Addr: 0x0304, Type: S16, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x0305, Type: U16, Exp: -2},
		Point{Quantity: protocol.RemainingEnergy, Addr: 0x030A, Type: S32, Exp: -2},
	),
	Clock: adf400lClock,
	Box:   &Box{Channels: 36, UnitStep: 1},
}

// adf400lThree is a three-phase user or one behind transformers, at 033FH. The registers of the latter are of the
// secondary side; the ratios (PT 0951H, CT1 to CT12 from 0952H) are set for the box and belong to the account.
var adf400lThree = Model{
	Name:   "acrel-adf400l-3p",
	Maker:  "Acrel",
	Manual: adf400lManual,
	Doubt:  adf400lDoubt,
	Baud:   9600, Parity: "none", StopBits: 1, MaxRead: 60,
	Spans: []Span{{modbus.ReadHolding, 0x033F, 0x58}, {modbus.ReadHolding, 0x0430, 0x30}},
	Points: table(modbus.ReadHolding, protocol.SideSecondary,
		Point{Quantity: protocol.ActiveImport, Addr: 0x038F, Type: U32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ActiveExport, Addr: 0x0391, Type: U32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ReactiveImport, Addr: 0x0393, Type: U32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ReactiveExport, Addr: 0x0395, Type: U32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ActiveImport, Register: 1, Addr: 0x0440, Type: U32, Exp: -2, Ratio: RatioBoth}, // 尖
		Point{Quantity: protocol.ActiveImport, Register: 2, Addr: 0x0442, Type: U32, Exp: -2, Ratio: RatioBoth}, // 峰
		Point{Quantity: protocol.ActiveImport, Register: 3, Addr: 0x0444, Type: U32, Exp: -2, Ratio: RatioBoth}, // 平
		Point{Quantity: protocol.ActiveImport, Register: 4, Addr: 0x0446, Type: U32, Exp: -2, Ratio: RatioBoth}, // 谷
		Point{Quantity: protocol.ActivePower, Addr: 0x0345, Type: S16, Exp: -3, Ratio: RatioBoth},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x033F, Type: U16, Exp: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 2, Addr: 0x0340, Type: U16, Exp: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 3, Addr: 0x0341, Type: U16, Exp: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x0342, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 2, Addr: 0x0343, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 3, Addr: 0x0344, Type: U16, Exp: -2, Ratio: RatioCT},
		Point{Quantity: protocol.ReactivePower, Addr: 0x0349, Type: S16, Exp: -3, Ratio: RatioBoth},
		Point{Quantity: protocol.PowerFactor, Addr: 0x034D, Type: S16, Exp: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x0351, Type: U16, Exp: -2},
		Point{Quantity: protocol.RemainingMoney, Addr: 0x0362, Type: S32, Exp: -2},
	),
	Clock: adf400lClock,
	Box:   &Box{Channels: 12, UnitStep: 3},
}
