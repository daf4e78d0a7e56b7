package modbusmap

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func at(fn byte, addr uint16) Point { return Point{Func: fn, Addr: addr, Words: 2, Type: U32} }

func TestReadsJoinTouchingRegistersAndBridgeSpansOnly(t *testing.T) {
	m := Model{
		Spans:  []Span{{3, 0x20, 8}, {3, 0x28, 8}},
		Points: []Point{at(3, 0), at(3, 2), at(3, 5), at(4, 7), at(4, 9), at(3, 0x20), at(3, 0x24), at(3, 0x2A), at(3, 0x2E)},
	}
	want := []Read{
		{Func: 3, Addr: 0, Count: 4, Points: m.Points[0:2]},
		{Func: 3, Addr: 5, Count: 2, Points: m.Points[2:3]},
		{Func: 4, Addr: 7, Count: 4, Points: m.Points[3:5]},
		{Func: 3, Addr: 0x20, Count: 6, Points: m.Points[5:7]},
		{Func: 3, Addr: 0x2A, Count: 6, Points: m.Points[7:9]},
	}
	got := m.Reads()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff([]uint16{3, 4}, got[0].Words(m.Points[1], []uint16{1, 2, 3, 4})); d != "" {
		t.Error(d)
	}
	if w := got[0].Words(m.Points[1], []uint16{1, 2, 3}); w != nil {
		t.Errorf("short answer: got %v, want nothing", w)
	}
	if w := got[1].Words(m.Points[0], []uint16{1, 2}); w != nil {
		t.Errorf("another read's point: got %v, want nothing", w)
	}
	for _, tt := range []struct {
		addr, count uint16
		want        bool
	}{{0, 4, true}, {0, 5, false}, {4, 1, false}, {0x20, 16, true}, {0x20, 17, false}, {0x22, 2, true}} {
		if got := m.Readable(3, tt.addr, tt.count); got != tt.want {
			t.Errorf("%04XH, %d registers: readable %t, want %t", tt.addr, tt.count, got, tt.want)
		}
	}
	if m.Readable(4, 0x20, 1) {
		t.Error("a span of another function was read")
	}
}

func TestReadsOfEveryModelAreAnsweredByIt(t *testing.T) {
	for _, m := range Models() {
		for _, reads := range [][]Read{m.Reads(), m.EnergyReads()} {
			for _, r := range reads {
				if !m.Readable(r.Func, r.Addr, r.Count) || r.Count > m.MaxRead {
					t.Errorf("%s: %04XH, %d registers", m.Name, r.Addr, r.Count)
				}
				for _, p := range r.Points {
					if !r.holds(p) {
						t.Errorf("%s: %s is not in its request", m.Name, p.Name())
					}
				}
			}
		}
	}
}

// fewest tries all ways to split sorted points of one function into requests, and gives the least number of them.
func (m Model) fewest(points []Point) int {
	if len(points) == 0 {
		return 0
	}
	best := len(points)
	end := points[0].end()
	for n := 1; n <= len(points); n++ {
		if n > 1 {
			p := points[n-1]
			if !m.readable(p.Func, end, int(p.Addr)) || max(end, p.end())-int(points[0].Addr) > int(m.MaxRead) {
				break
			}
			end = max(end, p.end())
		}
		best = min(best, 1+m.fewest(points[n:]))
	}
	return best
}

func TestReadsAreTheFewestPossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Model{MaxRead: rapid.Uint16Range(4, 12).Draw(t, "max")}
		for i := range rapid.IntRange(0, 3).Draw(t, "spans") {
			m.Spans = append(m.Spans, Span{3, uint16(12*i) + rapid.Uint16Range(0, 6).Draw(t, "from"), rapid.Uint16Range(1, 16).Draw(t, "size")})
		}
		addr := uint16(0)
		for range rapid.IntRange(0, 9).Draw(t, "points") {
			typ := rapid.SampledFrom([]Type{U16, U32, U64}).Draw(t, "type")
			addr += rapid.Uint16Range(0, 5).Draw(t, "gap")
			m.Points = append(m.Points, Point{Func: 3, Addr: addr, Type: typ, Words: uint8(typ.words())})
			addr += uint16(typ.words())
		}
		sorted := m.Points
		m.Points = rapid.Permutation(m.Points).Draw(t, "order")
		reads := m.Reads()
		covered := 0
		for _, r := range reads {
			if r.Count > m.MaxRead || !m.Readable(r.Func, r.Addr, r.Count) {
				t.Fatalf("crosses a hole or is too long: %+v", r)
			}
			covered += len(r.Points)
		}
		if covered != len(sorted) {
			t.Fatalf("%d of %d points", covered, len(sorted))
		}
		if want := m.fewest(sorted); len(reads) != want {
			t.Fatalf("%d requests, %d would do: %+v", len(reads), want, reads)
		}
	})
}
