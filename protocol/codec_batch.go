package protocol

import (
	"fmt"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// A batch of readings is written in columns: tables of lines, meters and shapes, then one packed column each for the
// meter (run lengths), the shape, the value and the time. See ReadingBatch in feikong.proto. A thousand readings of
// block replies cost about ten bytes each, against 36 for a message a reading.

// shape is what readings of a batch have in common beside their meter.
type shape struct {
	quantity Quantity
	register uint8
	exp      int8
	method   Method
	side     Side
	quality  Quality
	timed    bool // the meter's own clock was read: the clock_drift column has an element
}

func shapeOf(v *Reading) shape {
	return shape{v.Quantity, v.Register, v.Exp, v.Method, v.Side, v.Quality, v.MeterTime != 0}
}

// columns is the scratch of one encoding; kept between calls so that a steady sender allocates nothing.
type columns struct {
	meterAt map[MeterRef]int
	lineAt  map[string]int
	shapeAt map[shape]int
	meters  []MeterRef
	lines   []string
	shapes  []shape
	last    []int64 // last value of each shape
	runs    []byte
	kinds   []byte
	values  []byte
	times   []byte
	drifts  []byte
}

var columnsPool = sync.Pool{New: func() any {
	return &columns{meterAt: map[MeterRef]int{}, lineAt: map[string]int{}, shapeAt: map[shape]int{}}
}}

func (c *columns) reset() {
	clear(c.meterAt)
	clear(c.lineAt)
	clear(c.shapeAt)
	clear(c.meters) // let go of the strings
	clear(c.lines)
	c.meters, c.lines, c.shapes, c.last = c.meters[:0], c.lines[:0], c.shapes[:0], c.last[:0]
	c.runs, c.kinds, c.values, c.times, c.drifts = c.runs[:0], c.kinds[:0], c.values[:0], c.times[:0], c.drifts[:0]
}

// meter finds or adds m. hint is the index of the reading before: a sweep goes on to the next one.
func (c *columns) meter(m *MeterRef, hint int) int {
	if hint >= 0 && c.meters[hint] == *m {
		return hint
	}
	if next := hint + 1; next < len(c.meters) && c.meters[next] == *m {
		return next
	}
	i, ok := c.meterAt[*m]
	if !ok {
		i = len(c.meters)
		c.meters = append(c.meters, *m)
		c.meterAt[*m] = i
		if _, ok := c.lineAt[m.Line]; !ok {
			c.lineAt[m.Line] = len(c.lines)
			c.lines = append(c.lines, m.Line)
		}
	}
	return i
}

func (c *columns) shape(s shape, hint int) int {
	if hint >= 0 && c.shapes[hint] == s {
		return hint
	}
	if next := hint + 1; next < len(c.shapes) && c.shapes[next] == s {
		return next
	}
	i, ok := c.shapeAt[s]
	if !ok {
		i = len(c.shapes)
		c.shapes = append(c.shapes, s)
		c.last = append(c.last, 0)
		c.shapeAt[s] = i
	}
	return i
}

// fill puts the readings of b into the columns.
func (c *columns) fill(b *ReadingBatch) {
	meter, kind, run, taken := -1, -1, 0, b.SentAt
	endRun := func() {
		if run > 0 {
			c.runs = protowire.AppendVarint(c.runs, uint64(meter))
			c.runs = protowire.AppendVarint(c.runs, uint64(run))
		}
	}
	for i := range b.Entries {
		if b.Entries[i].Gap != nil {
			continue
		}
		v := &b.Entries[i].Reading
		m := c.meter(&v.Meter, meter)
		if m != meter {
			endRun()
			meter, run = m, 0
		}
		run++
		kind = c.shape(shapeOf(v), kind)
		c.kinds = protowire.AppendVarint(c.kinds, uint64(kind))
		// differences wrap around at 64 bits on both sides, so every value survives
		c.values = protowire.AppendVarint(c.values, protowire.EncodeZigZag(v.Value-c.last[kind]))
		c.last[kind] = v.Value
		c.times = protowire.AppendVarint(c.times, protowire.EncodeZigZag(v.TakenAt-taken))
		taken = v.TakenAt
		if v.MeterTime != 0 {
			c.drifts = protowire.AppendVarint(c.drifts, protowire.EncodeZigZag(v.MeterTime-v.TakenAt))
		}
	}
	endRun()
}

// AppendReadingBatch appends b in columns. It refuses a batch that a receiver would refuse; one that is over MaxBatch or
// MaxPacket gives ErrTooLarge, and dst comes back unchanged. Nothing is allocated when dst has room.
func AppendReadingBatch(dst []byte, b *ReadingBatch) ([]byte, error) {
	if len(b.Entries) > MaxBatch {
		return dst, fmt.Errorf("encode batch of %d entries: %w", len(b.Entries), ErrTooLarge)
	}
	if why := badRun(b.Agent, b.First, len(b.Entries)); why != "" {
		return dst, fmt.Errorf("encode batch: %s", why)
	}
	c := columnsPool.Get().(*columns)
	defer columnsPool.Put(c)
	c.reset()
	c.fill(b)
	for i := range c.meters {
		if why := badRef(&c.meters[i]); why != "" {
			return dst, fmt.Errorf("encode batch: meter %q: %s", c.meters[i].Address, why)
		}
	}
	start := len(dst)
	out := putString(dst, 1, b.Agent)
	out = putFixed64(out, 2, b.Epoch)
	out = putVarint(out, 3, b.First)
	out = putVarint(out, 4, uint64(b.SentAt))
	out = putVarint(out, 5, uint64(len(b.Entries)))
	for _, l := range c.lines {
		out = protowire.AppendString(protowire.AppendTag(out, 6, protowire.BytesType), l)
	}
	for i := range c.meters {
		var at int
		out, at = open(out, 7)
		out = putVarint(out, 1, uint64(c.lineAt[c.meters[i].Line]))
		out = putString(out, 2, c.meters[i].Address)
		out = putVarint(out, 3, uint64(c.meters[i].Channel))
		out = closeMessage(out, at)
	}
	for i := range c.shapes {
		out = putShape(out, 8, &c.shapes[i])
	}
	out = putBytes(out, 9, c.runs)
	out = putBytes(out, 10, c.kinds)
	out = putBytes(out, 11, c.values)
	out = putBytes(out, 12, c.times)
	out = putBytes(out, 13, c.drifts)
	for i := range b.Entries {
		g := b.Entries[i].Gap
		if g == nil {
			continue
		}
		if why := badRef(&g.Meter); why != "" {
			return dst, fmt.Errorf("encode batch: gap of meter %q: %s", g.Meter.Address, why)
		}
		var at int
		out, at = open(out, 14)
		out = putVarint(out, 1, uint64(i))
		out = putGap(out, 2, g)
		out = closeMessage(out, at)
	}
	if n := len(out) - start; n > MaxPacket {
		return dst, fmt.Errorf("encode batch of %d bytes: %w", n, ErrTooLarge)
	}
	return out, nil
}

func badRef(m *MeterRef) string {
	switch {
	case len(m.Line) > MaxName || len(m.Address) > MaxName:
		return "the line or the address is too long"
	case !utf8.ValidString(m.Line) || !utf8.ValidString(m.Address):
		return "the line or the address is not UTF-8"
	}
	return ""
}

func putShape(dst []byte, num protowire.Number, s *shape) []byte {
	dst, at := open(dst, num)
	dst = putVarint(dst, 1, uint64(s.quantity))
	dst = putVarint(dst, 2, uint64(s.register))
	dst = putSint(dst, 3, int64(s.exp))
	dst = putVarint(dst, 4, uint64(s.method))
	dst = putVarint(dst, 5, uint64(s.side))
	dst = putVarint(dst, 6, uint64(s.quality))
	dst = putBool(dst, 7, s.timed)
	return closeMessage(dst, at)
}
