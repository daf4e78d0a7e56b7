package modbusmap

// sdm220 is Eastron's single-phase meter of two modules, 100 A.
var sdm220 = Model{
	Name:     "eastron-sdm220",
	Maker:    "Eastron",
	Manual:   "Eastron SDM220Modbus Smart Meter Modbus Protocol Implementation, input registers 30001 to 30079",
	Doubt:    "users report that it takes 40 registers a request where the document says 60; we ask for 40. The factory baud rate: 2400 in most prints, 9600 on some lots",
	Baud:     2400,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  40,
	Spans:    eastronSpans(),
	Points:   eastronSingle(),
}
