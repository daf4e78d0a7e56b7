package protocol

import (
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// internMax bounds the names a decoder remembers: the meters of the largest site twice over. Beyond it forgets them all.
const internMax = 8192

// BatchDecoder decodes batches one after the other and keeps its tables and the names it has seen, so that decoding the
// same meters again allocates nothing. One goroutine uses it. The zero value is ready.
type BatchDecoder struct {
	names  map[string]string
	lines  []string
	meters []MeterRef
	shapes []shape
	last   []int64 // last value of each shape
	gaps   []gapAt
	memory int // what the packet may still allocate
}

type gapAt struct {
	at  int
	gap *Gap
}

// packed is a packed column that is read one element after the other.
type packed struct {
	rest []byte
	seen bool
}

func (p *packed) set(r *reader, field string) {
	if p.seen {
		// proto3 lets a sender split a packed field; ours do not, and one piece is one bounds check less
		r.fail(field, "comes twice")
	}
	p.seen, p.rest = true, r.raw(field, MaxPacket)
}

func (p *packed) next() (uint64, bool) {
	if len(p.rest) > 0 && p.rest[0] < 0x80 { // most elements are one byte
		v := uint64(p.rest[0])
		p.rest = p.rest[1:]
		return v, true
	}
	v, n := protowire.ConsumeVarint(p.rest)
	if n < 0 {
		return 0, false
	}
	p.rest = p.rest[n:]
	return v, true
}

// DecodeReadingBatch decodes one batch. Errors wrap ErrWire.
func DecodeReadingBatch(data []byte) (*ReadingBatch, error) {
	var d BatchDecoder
	b := new(ReadingBatch)
	if err := d.Decode(data, b); err != nil {
		return nil, err
	}
	return b, nil
}

// Decode fills into, using the room of into.Entries again; what into held before is gone, also after an error. Strings
// and gaps in it stay valid for ever. Errors wrap ErrWire.
func (d *BatchDecoder) Decode(data []byte, into *ReadingBatch) error {
	if d.names == nil || len(d.names) > internMax {
		d.names = make(map[string]string)
	}
	d.lines, d.meters, d.shapes, d.last = d.lines[:0], d.meters[:0], d.shapes[:0], d.last[:0]
	clear(d.gaps)
	d.gaps = d.gaps[:0]
	*into = ReadingBatch{Entries: into.Entries[:0]}

	d.memory = maxMemory
	r := newReader("ReadingBatch", data, &d.memory)
	var runs, kinds, values, times, drifts packed
	n := 0
	for r.next() {
		switch r.num {
		case 1:
			into.Agent = d.name(&r, "agent")
		case 2:
			into.Epoch = r.fixed64("epoch")
		case 3:
			into.First = r.uint64("first")
		case 4:
			into.SentAt = r.int64("sent_at")
		case 5:
			n = int(r.varint("count", MaxBatch))
		case 6:
			d.lines = append(d.lines, d.name(&r, "lines"))
			r.bound("lines", len(d.lines))
		case 7:
			d.meters = append(d.meters, d.meter(&r))
			r.bound("meters", len(d.meters))
		case 8:
			d.shapes = append(d.shapes, r.shape())
			d.last = append(d.last, 0)
			r.bound("shapes", len(d.shapes))
		case 9:
			runs.set(&r, "meter_runs")
		case 10:
			kinds.set(&r, "shape")
		case 11:
			values.set(&r, "value")
		case 12:
			times.set(&r, "taken_at")
		case 13:
			drifts.set(&r, "clock_drift")
		case 14:
			d.gaps = append(d.gaps, r.gapAt())
			r.bound("gaps", len(d.gaps))
		default:
			r.unknown()
		}
	}
	if why := badRun(into.Agent, into.First, n); why != "" {
		r.fail("first", why)
	}
	if cap(into.Entries) < n && r.spend("entries", n*int(unsafe.Sizeof(Entry{}))) {
		into.Entries = make([]Entry, 0, n)
	}
	if r.err != nil {
		return r.err
	}
	return d.rows(&r, into, n, &runs, &kinds, &values, &times, &drifts)
}

// rows puts the columns together.
func (d *BatchDecoder) rows(r *reader, into *ReadingBatch, n int, runs, kinds, values, times, drifts *packed) error {
	entries := into.Entries[:n]
	gaps, taken := d.gaps, into.SentAt
	var meter MeterRef
	var left uint64
	for i := range entries {
		if len(gaps) > 0 && gaps[0].at == i {
			entries[i] = Entry{Gap: gaps[0].gap}
			gaps = gaps[1:]
			continue
		}
		if left == 0 {
			m, ok := runs.next()
			count, ok2 := runs.next()
			if !ok || !ok2 || m >= uint64(len(d.meters)) || count == 0 || count > uint64(n-i) {
				r.fail("meter_runs", "do not fit the batch")
				break
			}
			meter, left = d.meters[m], count
		}
		left--
		kind, ok := kinds.next()
		if !ok || kind >= uint64(len(d.shapes)) {
			r.fail("shape", "does not fit the batch")
			break
		}
		value, ok := values.next()
		if !ok {
			r.fail("value", "is cut short")
			break
		}
		at, ok := times.next()
		if !ok {
			r.fail("taken_at", "is cut short")
			break
		}
		s := &d.shapes[kind]
		d.last[kind] += protowire.DecodeZigZag(value)
		taken += protowire.DecodeZigZag(at)
		e := &entries[i]
		e.Gap = nil
		e.Reading = Reading{Meter: meter, Quantity: s.quantity, Register: s.register, Value: d.last[kind], Exp: s.exp,
			TakenAt: taken, Method: s.method, Side: s.side, Quality: s.quality}
		if s.timed {
			drift, ok := drifts.next()
			if !ok {
				r.fail("clock_drift", "is cut short")
				break
			}
			e.Reading.MeterTime = taken + protowire.DecodeZigZag(drift)
		}
	}
	switch {
	case len(gaps) > 0:
		r.fail("gaps", "are out of order or outside the batch")
	case left > 0 || len(runs.rest)+len(kinds.rest)+len(values.rest)+len(times.rest)+len(drifts.rest) > 0:
		r.fail("columns", "hold more than the batch")
	}
	if r.err != nil {
		return r.err
	}
	into.Entries = entries
	return nil
}

// bound keeps a table within the number of entries a batch may have.
func (r *reader) bound(field string, n int) {
	if n > MaxBatch {
		r.fail(field, "has too many elements")
	}
}

// name is a string of the current field, from the names seen before when it is one of them.
func (d *BatchDecoder) name(r *reader, field string) string {
	b := r.rawText(field, MaxName)
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	if !r.spend(field, 2*len(b)+64) { // the string and its place in the map
		return ""
	}
	s := string(b)
	d.names[s] = s
	return s
}

func (d *BatchDecoder) meter(r *reader) (m MeterRef) {
	in := r.inner("Meter")
	line := uint32(0)
	for in.next() {
		switch in.num {
		case 1:
			line = in.uint32("line")
		case 2:
			m.Address = d.name(&in, "address")
		case 3:
			m.Channel = in.uint8("channel")
		default:
			in.unknown()
		}
	}
	if uint64(line) >= uint64(len(d.lines)) {
		in.fail("line", "is not in the table before it")
	} else {
		m.Line = d.lines[line]
	}
	r.take(in.err)
	return m
}

func (r *reader) shape() (s shape) {
	in := r.inner("Shape")
	for in.next() {
		switch in.num {
		case 1:
			s.quantity = Quantity(in.uint8("quantity"))
		case 2:
			s.register = in.uint8("register")
		case 3:
			s.exp = in.sint8("exp")
		case 4:
			s.method = Method(in.uint8("method"))
		case 5:
			s.side = Side(in.uint8("side"))
		case 6:
			s.quality = Quality(in.uint8("quality"))
		case 7:
			s.timed = in.bool("timed")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return s
}

func (r *reader) gapAt() (g gapAt) {
	in := r.inner("GapAt")
	for in.next() {
		switch in.num {
		case 1:
			g.at = int(in.varint("at", MaxBatch))
		case 2:
			g.gap = in.gap()
		default:
			in.unknown()
		}
	}
	if g.gap == nil {
		in.fail("gap", "is missing")
	}
	r.take(in.err)
	return g
}
