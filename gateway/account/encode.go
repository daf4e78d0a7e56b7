package account

import (
	"encoding/binary"
	"errors"
	"fmt"

	"feikong/billing"
)

// ErrState is wrapped by every failure to read a stored state.
var ErrState = errors.New("stored account state is not readable")

// stateVersion is the first byte of an encoded state. A change of the layout takes a new one, and DecodeState goes on
// reading the old ones: they are in journals and backups.
const stateVersion = 1

// Bounds of one stored state. They are far beyond any real account and keep a decoder from believing damaged lengths.
const (
	maxStateText  = 16 << 10
	maxStateItems = 4096
)

// AppendState appends the stored form of s: a version byte, then varints. Times and registers are written as the
// difference from the one before, because those of an account lie close together.
func AppendState(dst []byte, s *State) []byte {
	w := stateWriter{b: append(dst, stateVersion)}
	w.uint(uint64(s.No))
	w.uint(s.Version)
	w.uint(s.Chain.Count)
	w.flag(s.Chain.Head != [32]byte{})
	if s.Chain.Head != [32]byte{} {
		w.b = append(w.b, s.Chain.Head[:]...)
	}
	for _, m := range []billing.Money{s.Balances.Advances, s.Balances.Receivables, s.Balances.Held, s.Balances.Cash, s.Balances.Revenue} {
		w.int(int64(m))
	}
	w.uint(uint64(s.Period))
	w.at(s.PeriodStart)
	w.at(s.CycleStart)
	w.int(int64(s.CycleBefore))
	w.int(int64(s.Energy))
	w.int(int64(s.Estimate))
	w.b = append(w.b, s.Tier)
	w.b = append(w.b, s.Tariff[:]...)
	w.text(s.Hold)
	w.uint(uint64(len(s.Points)))
	for i := range s.Points {
		w.point(&s.Points[i])
	}
	w.episode(&s.Episode)
	w.uint(s.NextNotice)
	w.guard(&s.Guard)
	w.at(s.Due)
	return w.b
}

// DecodeState reads one state from the front of data and returns what follows it. Errors wrap ErrState; the state keeps
// nothing of data.
func DecodeState(data []byte) (*State, []byte, error) {
	if len(data) == 0 {
		return nil, nil, fmt.Errorf("%w: it is empty", ErrState)
	}
	if data[0] != stateVersion {
		return nil, nil, fmt.Errorf("%w: layout %d, this program knows %d", ErrState, data[0], stateVersion)
	}
	r := stateReader{b: data[1:]}
	s := &State{No: No(r.uint()), Version: r.uint()}
	s.Chain.Count = r.uint()
	if r.flag() {
		copy(s.Chain.Head[:], r.take(32))
	}
	b := &s.Balances
	for _, m := range []*billing.Money{&b.Advances, &b.Receivables, &b.Held, &b.Cash, &b.Revenue} {
		*m = billing.Money(r.int())
	}
	s.Period = r.uint32()
	s.PeriodStart = r.at()
	s.CycleStart = r.at()
	s.CycleBefore = billing.Energy(r.int())
	s.Energy = billing.Energy(r.int())
	s.Estimate = billing.Money(r.int())
	s.Tier = r.byte()
	copy(s.Tariff[:], r.take(len(s.Tariff)))
	s.Hold = r.text()
	if n := r.count(); n > 0 {
		s.Points = make([]Point, n)
		for i := range s.Points {
			r.point(&s.Points[i])
		}
	}
	r.episode(&s.Episode)
	s.NextNotice = r.uint()
	r.guard(&s.Guard)
	s.Due = r.at()
	if r.err != nil {
		return nil, nil, r.err
	}
	return s, r.b, nil
}

type stateWriter struct {
	b      []byte
	time   int64
	energy billing.Energy
}

func (w *stateWriter) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *stateWriter) int(v int64)   { w.b = binary.AppendVarint(w.b, v) }
func (w *stateWriter) at(v int64)    { w.int(v - w.time); w.time = v }

func (w *stateWriter) flag(v bool) {
	if v {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

func (w *stateWriter) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *stateWriter) register(r Register) {
	w.at(r.At)
	w.int(int64(r.Energy - w.energy))
	w.energy = r.Energy
}

func (w *stateWriter) point(p *Point) {
	w.register(p.Opening)
	w.register(p.SegmentStart)
	w.register(p.Anchor)
	w.register(p.Current)
	w.register(p.Latest)
	w.int(int64(p.Carried))
	w.int(int64(p.Lifetime))
	w.text(p.Hold)
	w.int(p.Drift)
	w.at(p.DriftAt)
	var bits byte
	for i, set := range []bool{p.Relay.Known, p.Relay.Open, p.Relay.CommandOpen, p.Relay.PowerHold, p.Relay.Ours} {
		if set {
			bits |= 1 << i
		}
	}
	w.b = append(w.b, bits)
	w.at(p.Relay.At)
	w.uint(p.NextOrder)
	w.uint(p.Order)
	w.at(p.TripsAt[0])
	w.at(p.TripsAt[1])
	w.flag(p.Before != nil)
	if b := p.Before; b != nil {
		w.register(b.Anchor)
		w.register(b.Start)
		w.int(int64(b.Carried))
		w.int(int64(b.Lifetime))
	}
}

func (w *stateWriter) episode(e *Episode) {
	w.uint(uint64(e.No))
	w.b = append(w.b, byte(e.Stage))
	w.at(e.Since)
	w.uint(e.Warning)
	w.uint(e.Reminder)
	w.at(e.Deadline)
	w.at(e.DeliveredAt)
	w.uint(uint64(len(e.Blocks)))
	for _, b := range e.Blocks {
		w.text(b)
	}
	w.text(e.Task)
	w.flag(e.ByPerson)
}

func (w *stateWriter) guard(g *Guard) {
	w.flag(g.Protected)
	w.text(g.ProtectedBy)
	w.text(g.ProtectNote)
	w.uint(uint64(len(g.Tags)))
	for i := range g.Tags {
		t := &g.Tags[i]
		w.text(t.ID)
		w.b = append(w.b, byte(t.Kind))
		w.text(t.Holder)
		w.text(t.Work)
		w.at(t.At)
	}
	w.uint(uint64(len(g.Holds)))
	for i := range g.Holds {
		h := &g.Holds[i]
		w.text(h.ID)
		w.text(h.Reason)
		w.text(h.By)
		w.at(h.At)
	}
}

// stateReader takes values from the front of b; after the first error all are zero.
type stateReader struct {
	b      []byte
	err    error
	time   int64
	energy billing.Energy
}

func (r *stateReader) fail(why string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrState, why)
	}
	r.b = nil
}

func (r *stateReader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("a number is cut short")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *stateReader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("a number is cut short")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *stateReader) at() int64 { r.time += r.int(); return r.time }

func (r *stateReader) uint32() uint32 {
	v := r.uint()
	if v > 1<<32-1 {
		r.fail("a number is out of range")
		return 0
	}
	return uint32(v)
}

func (r *stateReader) take(n int) []byte {
	if n > len(r.b) {
		r.fail("it is cut short")
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *stateReader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *stateReader) flag() bool {
	v := r.byte()
	if v > 1 {
		r.fail("a flag is neither 0 nor 1")
	}
	return v == 1
}

// count is a number of elements that follow, each of at least one byte.
func (r *stateReader) count() int {
	v := r.uint()
	if v > maxStateItems || v > uint64(len(r.b)) {
		r.fail("a list is longer than what holds it")
		return 0
	}
	return int(v)
}

func (r *stateReader) text() string {
	n := r.uint()
	if n > maxStateText {
		r.fail("a text is too long")
		return ""
	}
	return string(r.take(int(n)))
}

func (r *stateReader) register() (v Register) {
	v.At = r.at()
	r.energy += billing.Energy(r.int())
	v.Energy = r.energy
	return v
}

func (r *stateReader) point(p *Point) {
	p.Opening = r.register()
	p.SegmentStart = r.register()
	p.Anchor = r.register()
	p.Current = r.register()
	p.Latest = r.register()
	p.Carried = billing.Energy(r.int())
	p.Lifetime = billing.Energy(r.int())
	p.Hold = r.text()
	p.Drift = r.int()
	p.DriftAt = r.at()
	bits := r.byte()
	if bits >= 1<<5 {
		r.fail("the relay has unknown bits")
	}
	for i, set := range []*bool{&p.Relay.Known, &p.Relay.Open, &p.Relay.CommandOpen, &p.Relay.PowerHold, &p.Relay.Ours} {
		*set = bits&(1<<i) != 0
	}
	p.Relay.At = r.at()
	p.NextOrder = r.uint()
	p.Order = r.uint()
	p.TripsAt[0] = r.at()
	p.TripsAt[1] = r.at()
	if r.flag() {
		p.Before = &Segment{Anchor: r.register(), Start: r.register(), Carried: billing.Energy(r.int()), Lifetime: billing.Energy(r.int())}
	}
}

func (r *stateReader) episode(e *Episode) {
	e.No = r.uint32()
	e.Stage = Stage(r.byte())
	e.Since = r.at()
	e.Warning = r.uint()
	e.Reminder = r.uint()
	e.Deadline = r.at()
	e.DeliveredAt = r.at()
	if n := r.count(); n > 0 {
		e.Blocks = make([]string, n)
		for i := range e.Blocks {
			e.Blocks[i] = r.text()
		}
	}
	e.Task = r.text()
	e.ByPerson = r.flag()
}

func (r *stateReader) guard(g *Guard) {
	g.Protected = r.flag()
	g.ProtectedBy = r.text()
	g.ProtectNote = r.text()
	if n := r.count(); n > 0 {
		g.Tags = make([]Tag, n)
		for i := range g.Tags {
			g.Tags[i] = Tag{ID: r.text(), Kind: TagKind(r.byte()), Holder: r.text(), Work: r.text(), At: r.at()}
		}
	}
	if n := r.count(); n > 0 {
		g.Holds = make([]Hold, n)
		for i := range g.Holds {
			g.Holds[i] = Hold{ID: r.text(), Reason: r.text(), By: r.text(), At: r.at()}
		}
	}
}
