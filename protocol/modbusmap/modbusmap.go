// Package modbusmap holds the Modbus meters that Feikong knows, one table a model, each with the document it was read
// from. The agent reads real meters by these tables and the simulator serves the same ones. It is pure.
package modbusmap

import (
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// Model is one kind of meter. Callers do not change what Find and Models give them.
type Model struct {
	Name   string // "eastron-sdm230"
	Maker  string
	Manual string // where the table was read
	Points []Point
	Relay  *Relay // nil: no relay that can be reached by Modbus
	Baud   int    // as it leaves the factory
	Parity string // "none", "even", "odd"; one stop bit
}

// Type is how a value lies in its registers.
type Type uint8

// Types of values. S16 and S32 are two's complement.
const (
	U16 Type = iota + 1
	S16
	U32
	S32
	F32
)

// WordOrder is the order of the two registers of a 32-bit value.
type WordOrder uint8

// Word orders. ABCD (high word first) is the usual one.
const (
	ABCD WordOrder = iota
	CDAB
)

// Point is one value of a meter.
type Point struct {
	Quantity protocol.Quantity
	Register uint8 // as in protocol.Reading: 0 total, 1..n rates
	Func     byte
	Addr     uint16 // from 0, as on the wire
	Words    uint8
	Type     Type
	Order    WordOrder
	Exp      int8 // the reading is Value x 10^Exp of the quantity's unit; integer registers are that Value
	Unit     int8 // F32 only: the register counts 10^Unit of the quantity's unit (-3: W where the quantity is in kW)
	Side     protocol.Side
}

// Find is the model of that name.
func Find(name string) (Model, bool) {
	for _, m := range models {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

// Models lists all models by name.
func Models() []Model { return append([]Model(nil), models...) }

// Read is one request and the points its answer holds.
type Read struct {
	Func   byte
	Addr   uint16
	Count  uint16
	Points []Point
}

// maxRead bounds one request: Eastron's document allows 30 values of two registers each.
const maxRead = 60

// Reads groups the points into requests, in table order. Only registers that touch share a request: many meters answer
// exception 2 to one that runs across a hole.
func (m Model) Reads() []Read {
	var reads []Read
	for _, p := range m.Points {
		if n := len(reads); n > 0 {
			last := &reads[n-1]
			if last.Func == p.Func && last.Addr+last.Count == p.Addr && last.Count+uint16(p.Words) <= maxRead {
				last.Count += uint16(p.Words)
				last.Points = append(last.Points, p)
				continue
			}
		}
		reads = append(reads, Read{Func: p.Func, Addr: p.Addr, Count: uint16(p.Words), Points: []Point{p}})
	}
	return reads
}

// Request is the frame that asks unit for it.
func (r Read) Request(unit byte) modbus.ADU { return modbus.ReadRequest(unit, r.Func, r.Addr, r.Count) }

// Words is the part of the answer's registers that holds p; nil when p is not in them.
func (r Read) Words(p Point, registers []uint16) []uint16 {
	from := int(p.Addr) - int(r.Addr)
	if from < 0 || from+int(p.Words) > len(registers) {
		return nil
	}
	return registers[from : from+int(p.Words)]
}
