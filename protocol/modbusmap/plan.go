package modbusmap

import (
	"sort"

	"feikong/protocol"
	"feikong/protocol/modbus"
)

// Span is a range of registers that a model answers as a whole, with what lies between its points.
type Span struct {
	Func byte
	Addr uint16
	Size uint16
}

// Read is one request and the points its answer holds.
type Read struct {
	Func   byte
	Addr   uint16
	Count  uint16
	Points []Point
}

// Reads groups all points into the fewest requests.
func (m Model) Reads() []Read { return m.Plan(m.Points) }

// EnergyReads groups what a polling round needs: all energy registers. Points of other quantities that lie in the same
// requests by chance are left out, but for the total active power, which is of use and costs nothing there. A model
// without an energy register, a breaker, is asked for its first point, so that a round tells whether it is there.
func (m Model) EnergyReads() []Read {
	var energy []Point
	for _, p := range m.Points {
		if IsEnergy(p.Quantity) {
			energy = append(energy, p)
		}
	}
	if len(energy) == 0 && len(m.Points) > 0 {
		energy = m.Points[:1]
	}
	reads := m.Plan(energy)
	for _, p := range m.Points {
		if p.Quantity != protocol.ActivePower || p.Register != 0 {
			continue
		}
		for i := range reads {
			if reads[i].holds(p) {
				reads[i].Points = append(reads[i].Points, p)
				break
			}
		}
	}
	return reads
}

// Plan groups points into the fewest requests that the model answers: none crosses a hole, none is longer than MaxRead,
// no point is cut. The requests come in the order of their first points.
//
// Going up the addresses and opening a request only at a point that none covers yet is optimal: some request must cover
// the lowest such point, and no request that does reaches further than the one that begins there.
func (m Model) Plan(points []Point) []Read {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := points[order[i]], points[order[j]]
		if a.Func != b.Func {
			return a.Func < b.Func
		}
		return a.Addr < b.Addr
	})
	type planned struct {
		Read
		first int // place of its first point in points
	}
	var reads []planned
	for _, at := range order {
		p := points[at]
		if n := len(reads); n > 0 {
			last := &reads[n-1]
			end := max(last.end(), p.end())
			if last.Func == p.Func && end-int(last.Addr) <= int(m.maxRead()) && m.readable(p.Func, last.end(), int(p.Addr)) {
				last.Count = uint16(end - int(last.Addr))
				last.Points = append(last.Points, p)
				last.first = min(last.first, at)
				continue
			}
		}
		reads = append(reads, planned{Read{Func: p.Func, Addr: p.Addr, Count: uint16(p.Words), Points: []Point{p}}, at})
	}
	sort.SliceStable(reads, func(i, j int) bool { return reads[i].first < reads[j].first })
	out := make([]Read, len(reads))
	for i, r := range reads {
		out[i] = r.Read
	}
	return out
}

// defaultMaxRead is what every meter we know takes: Eastron's documents allow 30 values of two registers each.
const defaultMaxRead = 60

func (m Model) maxRead() uint16 {
	if m.MaxRead == 0 {
		return defaultMaxRead
	}
	return m.MaxRead
}

// readable says whether the gap [from, to) between two points can be read through; no gap always can. A gap is bridged
// inside one span: that two spans touch does not say that the meter reads across.
func (m Model) readable(fn byte, from, to int) bool {
	if from >= to {
		return true
	}
	for _, s := range m.Spans {
		if s.Func == fn && int(s.Addr) <= from-1 && to+1 <= s.end() {
			return true
		}
	}
	return false
}

// Readable says whether a meter of this model answers a read of count registers from addr on; otherwise it refuses with
// exception 2. It is the meter's side of Plan.
func (m Model) Readable(fn byte, addr, count uint16) bool {
	at, end := int(addr), int(addr)+int(count)
	for moved := true; moved && at < end; {
		moved = false
		for _, s := range m.Spans {
			if s.Func == fn && int(s.Addr) <= at && at < s.end() {
				at, moved = s.end(), true
			}
		}
		for _, p := range m.shown() {
			if p.Func == fn && int(p.Addr) <= at && at < p.end() {
				at, moved = p.end(), true
			}
		}
	}
	return at >= end
}

// shown is every register that the model's table names, values or not.
func (m Model) shown() []Point {
	all := append([]Point(nil), m.Points...)
	for _, r := range []*Point{m.PT, m.CT} {
		if r != nil {
			all = append(all, *r)
		}
	}
	if c := m.Clock; c != nil {
		all = append(all, Point{Func: c.Func, Addr: c.Addr, Words: uint8(len(c.Fields) / 2)})
	}
	if r := m.Relay; r != nil {
		read := r.StateRead()
		all = append(all, Point{Func: read.Func, Addr: read.Addr, Words: uint8(read.Count)})
	}
	return all
}

func (s Span) end() int  { return int(s.Addr) + int(s.Size) }
func (p Point) end() int { return int(p.Addr) + int(p.Words) }
func (r Read) end() int  { return int(r.Addr) + int(r.Count) }

func (r Read) holds(p Point) bool {
	return r.Func == p.Func && r.Addr <= p.Addr && p.end() <= r.end()
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
