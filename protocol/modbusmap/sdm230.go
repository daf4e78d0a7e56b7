package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// sdm230 is Eastron's single-phase rail meter. All values are float32, high word first, read by FC04; a request covers
// an even number of registers. The energy billed is import at 0048H: the "total" at 0156H is import plus export and
// would charge a customer for what his roof feeds in. It is taken in steps of 0.01 kWh, which a float32 holds exactly up
// to 83,886 kWh; beyond, a step of the float itself is at most 0.06 kWh up to a million.
// Uncertain: newer prints say 9600 baud from the factory, older ones and the field say 2400.
var sdm230 = Model{
	Name:   "eastron-sdm230",
	Maker:  "Eastron",
	Manual: "Eastron SDM230Modbus Smart Meter Modbus Protocol Implementation V1.4, input registers 30013 and 30073",
	Points: []Point{
		{Quantity: protocol.ActiveImport, Func: modbus.ReadInput, Addr: 0x0048, Words: 2, Type: F32, Exp: -2, Side: protocol.SidePrimary},
		{Quantity: protocol.ActivePower, Func: modbus.ReadInput, Addr: 0x000C, Words: 2, Type: F32, Exp: -3, Unit: -3, Side: protocol.SidePrimary},
	},
	Baud:   2400,
	Parity: "none",
}
