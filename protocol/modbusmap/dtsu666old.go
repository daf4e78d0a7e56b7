package modbusmap

// dtsu666Old is the edition with its energies at 401EH and 4028H.
var dtsu666Old = Model{
	Name:     "chint-dtsu666-4000",
	Maker:    "CHINT",
	Manual:   "CHINT DTSU666 series and DSSU666 series User Manual, ZTY0.464.1448, table 11; energy registers 401EH, 4028H as two public register lists have them",
	Doubt:    dtsu666.Doubt,
	Baud:     9600,
	Parity:   "none",
	StopBits: 1,
	MaxRead:  60,
	Points:   dtsu666Points(0x401E, 0x4028),
	PT:       dtsu666PT,
	CT:       dtsu666CT,
	Clock:    dtsu666Clock,
}
