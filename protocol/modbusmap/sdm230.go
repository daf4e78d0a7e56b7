package modbusmap

// sdm230 is Eastron's single-phase rail meter, 100 A, with two pulse outputs.
var sdm230 = Model{
	Name:     "eastron-sdm230",
	Maker:    "Eastron",
	Manual:   "Eastron SDM230Modbus Smart Meter Modbus Protocol Implementation V1.4, input registers 30001 to 30079",
	Doubt:    "the factory baud rate: newer prints say 9600, older ones and the field say 2400",
	Baud:     2400,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  60,
	Spans:    eastronSpans(),
	Points:   eastronSingle(),
}
