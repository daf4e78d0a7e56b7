package modbusmap

// sdm120 is Eastron's single-phase meter of one module, 45 A.
var sdm120 = Model{
	Name:     "eastron-sdm120",
	Maker:    "Eastron",
	Manual:   "Eastron SDM120Modbus Smart Meter Modbus Protocol Implementation V2.4, input registers 30001 to 30079, as several public drivers read them",
	Doubt:    "the factory baud rate: 2400 in most prints, 9600 on some lots",
	Baud:     2400,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  60,
	Spans:    eastronSpans(),
	Points:   eastronSingle(),
}
