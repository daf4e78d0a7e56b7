package protocol

import "google.golang.org/protobuf/encoding/protowire"

// putRef writes a meter reference, or nothing for an empty one.
func putRef(dst []byte, num protowire.Number, m MeterRef) []byte {
	if m == (MeterRef{}) {
		return dst
	}
	dst, at := open(dst, num)
	dst = putString(dst, 1, m.Line)
	dst = putString(dst, 2, m.Address)
	dst = putVarint(dst, 3, uint64(m.Channel))
	return closeMessage(dst, at)
}

func (r *reader) ref(field string) (m MeterRef) {
	in := r.inner(field)
	for in.next() {
		switch in.num {
		case 1:
			m.Line = in.name("line")
		case 2:
			m.Address = in.name("address")
		case 3:
			m.Channel = in.uint8("channel")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return m
}

func putGap(dst []byte, num protowire.Number, g *Gap) []byte {
	dst, at := open(dst, num)
	dst = putRef(dst, 1, g.Meter)
	dst = putVarint(dst, 2, uint64(g.From))
	dst = putVarint(dst, 3, uint64(g.To))
	dst = putText(dst, 4, g.Reason)
	dst = putVarint(dst, 5, g.Count)
	return closeMessage(dst, at)
}

func (r *reader) gap() *Gap {
	if !r.spend("gap", 128) {
		return nil
	}
	g := new(Gap)
	in := r.inner("Gap")
	for in.next() {
		switch in.num {
		case 1:
			g.Meter = in.ref("meter")
		case 2:
			g.From = in.int64("from")
		case 3:
			g.To = in.int64("to")
		case 4:
			g.Reason = in.text("reason")
		case 5:
			g.Count = in.uint64("count")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return g
}

// AppendEntry appends one entry of the readings lane, the form an outbox keeps. It cannot fail: text is cut to MaxText,
// names are the caller's to keep within MaxName.
func AppendEntry(dst []byte, e *Entry) []byte {
	if e.Gap != nil {
		return putGap(dst, 2, e.Gap)
	}
	v := &e.Reading
	dst, at := open(dst, 1)
	dst = putRef(dst, 1, v.Meter)
	dst = putVarint(dst, 2, uint64(v.Quantity))
	dst = putVarint(dst, 3, uint64(v.Register))
	dst = putSint(dst, 4, v.Value)
	dst = putSint(dst, 5, int64(v.Exp))
	dst = putVarint(dst, 6, uint64(v.TakenAt))
	dst = putVarint(dst, 7, uint64(v.MeterTime))
	dst = putVarint(dst, 8, uint64(v.Method))
	dst = putVarint(dst, 9, uint64(v.Side))
	dst = putVarint(dst, 10, uint64(v.Quality))
	return closeMessage(dst, at)
}

// DecodeEntry reads what AppendEntry wrote. Exactly one of reading and gap must be there. Errors wrap ErrWire.
func DecodeEntry(data []byte) (*Entry, error) {
	memory := maxMemory
	r := newReader("Entry", data, &memory)
	e := new(Entry)
	seen := 0
	for r.next() {
		switch r.num {
		case 1:
			seen++
			e.Reading = r.reading()
		case 2:
			seen++
			e.Gap = r.gap()
		default:
			r.unknown()
		}
	}
	if seen != 1 {
		r.fail("entry", "is not exactly one reading or gap")
	}
	if r.err != nil {
		return nil, r.err
	}
	return e, nil
}

func (r *reader) reading() (v Reading) {
	in := r.inner("Reading")
	for in.next() {
		switch in.num {
		case 1:
			v.Meter = in.ref("meter")
		case 2:
			v.Quantity = Quantity(in.uint8("quantity"))
		case 3:
			v.Register = in.uint8("register")
		case 4:
			v.Value = in.sint64("value")
		case 5:
			v.Exp = in.sint8("exp")
		case 6:
			v.TakenAt = in.int64("taken_at")
		case 7:
			v.MeterTime = in.int64("meter_time")
		case 8:
			v.Method = Method(in.uint8("method"))
		case 9:
			v.Side = Side(in.uint8("side"))
		case 10:
			v.Quality = Quality(in.uint8("quality"))
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return v
}
