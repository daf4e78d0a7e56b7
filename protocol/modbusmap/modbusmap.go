// Package modbusmap holds the Modbus meters that Feikong knows, one table a model, each with the document it was read
// from, and reads the tables that users write themselves (docs/modbus-models.md). The agent reads real meters by these
// tables and the simulator serves the same ones. It is pure.
package modbusmap

import "feikong/protocol"

// Model is one kind of meter. Callers do not change what Find, Models and a Catalogue give them.
type Model struct {
	Name   string // "eastron-sdm230"
	Maker  string
	Manual string // where the table was read: document and version, or the public source where the maker prints none
	Doubt  string // what the source leaves open and somebody should confirm on a meter; empty: nothing known

	Baud     int    // as it leaves the factory
	Parity   string // "none", "even", "odd"
	StopBits uint8  // 1 or 2

	MaxRead uint16  // registers that one request may cover
	Spans   []Span  // ranges that may be read through; outside of them only the registers of points exist
	Points  []Point // in the order of interest: energy first

	PT, CT *Point // registers with the ratios of the voltage and current transformers, or nil; see Point.Ratio
	Clock  *Clock // nil: no clock that can be read by Modbus
	Relay  *Relay // nil: no relay that can be reached by Modbus
	Box    *Box   // nil: one meter behind an address
}

// Type is how a value lies in its registers.
type Type uint8

// Types of values. The signed ones are two's complement, the floats IEEE 754.
const (
	U16 Type = iota + 1
	S16
	U32
	S32
	F32
	U64
	S64
	F64
)

// WordOrder is the order of the bytes of a value on the wire; A is the highest byte of the first register that the letters
// of a 32-bit value name. Values of 64 bits and of 16 follow the same two habits: words backwards (C before A), bytes of
// a word backwards (B before A).
type WordOrder uint8

// Word orders. ABCD (high word first, high byte first) is the usual one.
const (
	ABCD WordOrder = iota
	CDAB           // low word first
	BADC           // bytes of each word swapped
	DCBA           // both
)

// Ratio says which transformer ratios lie between a register and the primary side.
type Ratio uint8

// Ratios. RatioBoth is what energy and power of a meter behind both kinds of transformer take.
const (
	RatioNone Ratio = 0
	RatioPT   Ratio = 1 << 0
	RatioCT   Ratio = 1 << 1
	RatioBoth Ratio = RatioPT | RatioCT
)

// Point is one value of a meter. A reading of it is the register as it stands, in units of 10^Exp; what a ratio does to it
// is said by Side and Ratio, and never done in secret.
type Point struct {
	Quantity protocol.Quantity
	Register uint8 // as in protocol.Reading: rate, or phase
	Func     byte
	Addr     uint16 // from 0, as on the wire
	Words    uint8
	Type     Type
	Order    WordOrder
	Exp      int8 // the reading is Value x 10^Exp of the quantity's unit; integer registers are that Value
	Unit     int8 // floats only: the register counts 10^Unit of the quantity's unit (-3: W where the quantity is in kW)
	Side     protocol.Side
	Ratio    Ratio    // secondary side only: primary = register x these ratios
	Missing  []uint64 // further registers, as unsigned numbers, that mean "not measured"
}

// Find is the built-in model of that name.
func Find(name string) (Model, bool) { return find(models, name) }

func find(list []Model, name string) (Model, bool) {
	for _, m := range list {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

// Models lists the built-in models by name.
func Models() []Model { return append([]Model(nil), models...) }

// table fills in what all rows of a table have in common.
func table(fn byte, side protocol.Side, rows ...Point) []Point {
	for i := range rows {
		rows[i].Func, rows[i].Words = fn, uint8(rows[i].Type.words())
		if rows[i].Side == 0 {
			rows[i].Side = side
		}
	}
	return rows
}

// register is a table of one row: a transformer ratio.
func register(fn byte, p Point) *Point { return &table(fn, 0, p)[0] }
