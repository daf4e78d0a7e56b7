package meter

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// packVersion is the form of State.History. An unknown one is dropped: the history is lost, the registers are not.
const packVersion = 1

// packedMax bounds what is read back: far more marks than a meter keeps.
const packedMax = changesMax + 4*daysKept + timedKept + instantKept

// pack writes the marks as differences: a day is about 20 bytes.
func (m *Meter) pack() []byte {
	if m.packed == nil {
		m.packed = slices.Clip(slices.Clone(m.packAnew()))
	}
	return m.packed
}

func (m *Meter) packAnew() []byte {
	b := []byte{packVersion}
	for _, ring := range [...][]mark{m.changes, m.days, m.timedRing, m.instant} {
		b = binary.AppendUvarint(b, uint64(len(ring)))
		var last mark
		for i := range ring {
			k := &ring[i]
			b = binary.AppendVarint(b, k.at-last.at)
			b = binary.AppendVarint(b, int64(k.offset-last.offset))
			b = binary.AppendVarint(b, k.w-last.w)
			flags := byte(0)
			if k.open {
				flags |= 1
			}
			if k.dark {
				flags |= 2
			}
			b = append(b, flags)
			b = packRegisters(b, &k.regs, &last.regs)
			last = *k
		}
	}
	b = packDemands(b, &m.demand)
	b = binary.AppendUvarint(b, uint64(len(m.settled)))
	var last registers
	for i := range m.settled {
		s := &m.settled[i]
		b = binary.AppendUvarint(b, uint64(s.wall))
		b = packRegisters(b, &s.regs, &last)
		b = packDemands(b, &s.demand)
		last = s.regs
	}
	for _, v := range [...]int64{m.interval.at, m.interval.fwd, m.interval.rev} {
		b = binary.AppendVarint(b, v)
	}
	return b
}

func packRegisters(b []byte, r, last *registers) []byte {
	for i := range rates {
		b = binary.AppendVarint(b, r.fwd[i]-last.fwd[i])
	}
	reverse := r.rev != last.rev || r.revC != last.revC
	b = binary.AppendUvarint(b, r.fwdC<<1|uint64(map[bool]byte{true: 1}[reverse]))
	if reverse {
		for i := range rates {
			b = binary.AppendVarint(b, r.rev[i]-last.rev[i])
		}
		b = binary.AppendUvarint(b, r.revC)
	}
	return b
}

func packDemands(b []byte, d *demands) []byte {
	for _, by := range [2]*[1 + rates]demand{&d.fwd, &d.rev} {
		for _, x := range by {
			b = binary.AppendUvarint(b, uint64(x.kw))
			b = binary.AppendUvarint(b, uint64(x.wall))
		}
	}
	return b
}

// unpacker reads pack's form; the first fault ends it.
type unpacker struct {
	b   []byte
	bad bool
}

func (u *unpacker) uint() uint64 {
	v, n := binary.Uvarint(u.b)
	if n <= 0 {
		u.bad, u.b = true, nil
		return 0
	}
	u.b = u.b[n:]
	return v
}

func (u *unpacker) int() int64 {
	v, n := binary.Varint(u.b)
	if n <= 0 {
		u.bad, u.b = true, nil
		return 0
	}
	u.b = u.b[n:]
	return v
}

func (u *unpacker) byte() byte {
	if len(u.b) == 0 {
		u.bad = true
		return 0
	}
	v := u.b[0]
	u.b = u.b[1:]
	return v
}

func (u *unpacker) registers(last *registers) (r registers) {
	register := func(last int64) int64 {
		v := last + u.int()
		if v < 0 || v > EnergyMaxmWh {
			u.bad = true
			return 0
		}
		return v
	}
	for i := range rates {
		r.fwd[i] = register(last.fwd[i])
	}
	r.rev, r.revC = last.rev, last.revC
	carry := u.uint()
	if r.fwdC = carry >> 1; carry&1 != 0 {
		for i := range rates {
			r.rev[i] = register(last.rev[i])
		}
		r.revC = u.uint()
	}
	u.bad = u.bad || r.fwdC >= wattNanosPermWh || r.revC >= wattNanosPermWh
	return r
}

func (u *unpacker) demands() (d demands) {
	for _, by := range [2]*[1 + rates]demand{&d.fwd, &d.rev} {
		for i := range by {
			by[i] = demand{uint32(min(u.uint(), demandMax)), uint32(u.uint())}
		}
	}
	return d
}

// unpack takes the history back. A time in it that lies after the state's own is refused: nothing has happened there.
func (m *Meter) unpack(b []byte) error {
	if len(b) == 0 || b[0] != packVersion {
		return nil
	}
	u := &unpacker{b: b[1:]}
	rings := [...]*[]mark{&m.changes, &m.days, &m.timedRing, &m.instant}
	for i, ring := range rings {
		n := u.uint()
		if n > packedMax || n > uint64(len(u.b)) {
			return fmt.Errorf("%d marks: %w", n, ErrState)
		}
		last := mark{}
		out := make([]mark, 0, n)
		for range n {
			k := mark{at: last.at + u.int(), offset: last.offset + time.Duration(u.int()), w: last.w + u.int(), table: m.table}
			flags := u.byte()
			k.open, k.dark = flags&1 != 0, flags&2 != 0
			k.regs = u.registers(&last.regs)
			if u.bad || i < 2 && k.at < last.at || k.at > m.at || k.at < 0 || k.w < 0 || k.w > LoadMaxW*TimesMax || k.offset > offsetMax || k.offset < -offsetMax {
				return fmt.Errorf("mark %d: %w", len(out), ErrState)
			}
			out = append(out, k)
			last = k
		}
		*ring = out
	}
	m.demand = u.demands()
	n := u.uint()
	if n > settlements {
		return fmt.Errorf("%d settlements: %w", n, ErrState)
	}
	var last registers
	for range n {
		s := settlement{wall: uint32(u.uint()), regs: u.registers(&last), demand: u.demands()}
		m.settled = append(m.settled, s)
		last = s.regs
	}
	at, fwd, rev := u.int(), u.int(), u.int()
	if u.bad {
		return ErrState
	}
	if at <= m.at && fwd >= 0 && rev >= 0 {
		m.interval.at, m.interval.fwd, m.interval.rev = at, fwd, rev
	}
	return nil
}
