package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// CHINT's three-phase rail meter. Floats, high word first, in the units of the display: 0.1 V, 0.001 A, 0.1 W; energies
// in kWh. All of them are of the secondary side: the ratios IrAt at 0006H and UrAt (x 0.1) at 0007H lie in the meter and
// are not in the registers. The energies moved between editions; the two tables differ in nothing else.

func dtsu666Points(imported, exported uint16) []Point {
	return table(modbus.ReadHolding, protocol.SideSecondary,
		Point{Quantity: protocol.ActiveImport, Addr: imported, Type: F32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ActiveExport, Addr: exported, Type: F32, Exp: -2, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Addr: 0x2012, Type: F32, Exp: -3, Unit: -4, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Register: 1, Addr: 0x2014, Type: F32, Exp: -3, Unit: -4, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Register: 2, Addr: 0x2016, Type: F32, Exp: -3, Unit: -4, Ratio: RatioBoth},
		Point{Quantity: protocol.ActivePower, Register: 3, Addr: 0x2018, Type: F32, Exp: -3, Unit: -4, Ratio: RatioBoth},
		Point{Quantity: protocol.Voltage, Register: 4, Addr: 0x2000, Type: F32, Exp: -1, Unit: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 5, Addr: 0x2002, Type: F32, Exp: -1, Unit: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 6, Addr: 0x2004, Type: F32, Exp: -1, Unit: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 1, Addr: 0x2006, Type: F32, Exp: -1, Unit: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 2, Addr: 0x2008, Type: F32, Exp: -1, Unit: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Voltage, Register: 3, Addr: 0x200A, Type: F32, Exp: -1, Unit: -1, Ratio: RatioPT},
		Point{Quantity: protocol.Current, Register: 1, Addr: 0x200C, Type: F32, Exp: -3, Unit: -3, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 2, Addr: 0x200E, Type: F32, Exp: -3, Unit: -3, Ratio: RatioCT},
		Point{Quantity: protocol.Current, Register: 3, Addr: 0x2010, Type: F32, Exp: -3, Unit: -3, Ratio: RatioCT},
		Point{Quantity: protocol.ReactivePower, Addr: 0x201A, Type: F32, Exp: -3, Unit: -4, Ratio: RatioBoth},
		Point{Quantity: protocol.PowerFactor, Addr: 0x202A, Type: F32, Exp: -3, Unit: -3},
		Point{Quantity: protocol.Frequency, Addr: 0x2044, Type: F32, Exp: -2, Unit: -2},
	)
}

var (
	dtsu666CT = register(modbus.ReadHolding, Point{Addr: 0x0006, Type: U16})
	dtsu666PT = register(modbus.ReadHolding, Point{Addr: 0x0007, Type: U16, Exp: -1})

	// dtsu666Clock is 002FH to 0034H, a register for each field from the second up to the year.
	dtsu666Clock = &Clock{Func: modbus.ReadHolding, Addr: 0x002F,
		Fields: []ClockField{Skip, Second, Skip, Minute, Skip, Hour, Skip, Day, Skip, Month, Year, Year}}
)

var dtsu666 = Model{
	Name:     "chint-dtsu666",
	Maker:    "CHINT",
	Manual:   "CHINT DTSU666.001 / DSSU666.001 series User Manual, ZTW0.464.0104 (2023-11-14), Modbus address table; scales and energy registers 101EH, 1028H as three public drivers read them, clock 002FH by a public register list",
	Doubt:    "kinds sold with inverters (-H) show volts, amperes and watts without the factors; the voltage of a phase tells them apart. It leaves the factory set to DL/T 645 in some lots: register 002CH",
	Baud:     9600,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  60,
	Points:   dtsu666Points(0x101E, 0x1028),
	PT:       dtsu666PT,
	CT:       dtsu666CT,
	Clock:    dtsu666Clock,
}
