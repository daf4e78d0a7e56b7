package modbusmap

// sdm220 is Eastron's single-phase meter of two modules, 100 A.
var sdm220 = Model{
	Name:     "eastron-sdm220",
	Maker:    "Eastron",
	Manual:   "the input registers 30001 to 30079 that Eastron's single-phase meters share, as several public drivers read them of the SDM220; its own document was not seen",
	Doubt:    "users report that it takes 40 registers a request where the document says 60; we ask for 40. The factory baud rate: 2400 in most prints, 9600 on some lots",
	Baud:     2400,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  40,
	Spans:    eastronSpans(),
	Points:   eastronSingle(),
}
