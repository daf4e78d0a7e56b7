package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"feikong/billing"
	billed "feikong/billing/usage"
	"feikong/gateway/account"
	"feikong/protocol"
)

// fee-control.md B12: a snapshot stands for a border within five minutes, readings at most six hours apart are interpolated.
const (
	snapshotMax = 5 * 60 * 1000
	nearMax     = 6 * 3600 * 1000
)

// measurer finds the readings that a period's parts and bands rest on. What it finds depends on the set of readings that are stored or
// arrive now, and on the accepted registers, never on the order they came in.
type measurer struct {
	run       *run
	work      *work
	cells     []billed.Cell // cut wherever a reading is wanted
	registers []uint8       // of the bands
}

// known is a register with the rate registers of the same instant, in the order of measurer.registers.
type known struct {
	account.Register
	bands []billing.Energy
}

// meter is one metering point as a bill sees it: what segments before the running one counted is told, and so is that nothing was
// counted before its first and behind its newest register; between them stand readings.
func (m *measurer) meter(index uint16, from, to time.Time) (billed.Meter, *doubt) {
	p, profile := &m.work.state.Points[index], &m.work.profile.Points[index]
	out := billed.Meter{ID: profile.ID}
	start, end := within(clock(p.Anchor.At), from, to), within(clock(p.Current.At), from, to)
	if p.Carried != 0 && start.Equal(from) && end.After(start) {
		start = start.Add(time.Millisecond) // a rollover at the very start: the segment before it has no time of its own
	}
	lead, tail := p.Carried, billing.Energy(0)
	if !end.After(start) {
		lead += times(p.Current.Energy-p.Anchor.Energy, profile.Multiplier) // the opening register was keyed in
		end = start
	}
	if start.Equal(from) && end.Equal(from) {
		lead, tail = 0, lead
	}
	if len(m.registers) > 0 && lead+tail != 0 {
		return out, &doubt{holdBands, fmt.Sprintf("%s: %s kWh were counted before the register of %s was accepted, and nothing tells their bands", profile.ID, lead+tail, stamp(p.Anchor.At))}
	}
	told := func(a, b time.Time, energy billing.Energy) {
		if b.After(a) {
			out.Segments = append(out.Segments, billed.Segment{From: a, To: b, Multiplier: 1, Total: energy, TotalKnown: true})
		}
	}
	told(from, start, lead)
	if end.After(start) {
		s := billed.Segment{From: start, To: end, Digits: profile.Digits, Multiplier: profile.Multiplier, MaxRate: profile.MaxRate}
		var d *doubt
		if s.Readings, d = m.readings(index, start, end); d != nil {
			return out, d
		}
		out.Segments = append(out.Segments, s)
	}
	told(end, to, tail)
	return out, nil
}

func within(t, from, to time.Time) time.Time {
	switch {
	case t.Before(from):
		return from
	case t.After(to):
		return to
	}
	return t
}

// readings of a point: its ends, and one for each border between them, where there is one.
func (m *measurer) readings(index uint16, start, end time.Time) ([]billed.Reading, *doubt) {
	p, profile := &m.work.state.Points[index], &m.work.profile.Points[index]
	first, last := known{Register: p.Anchor}, known{Register: p.Current}
	if len(m.registers) > 0 && p.Current.Energy > p.Anchor.Energy {
		for _, k := range []*known{&first, &last} {
			var missing uint8
			var err error
			if k.bands, missing, err = m.bandsAt(index, k.At, true); err != nil {
				return nil, unread(err)
			}
			if missing != 0 {
				return nil, &doubt{holdBands, fmt.Sprintf("%s: rate register %d is not stored beside the total of %s; the tariff prices by band", profile.ID, missing, stamp(k.At))}
			}
		}
	}
	out := []billed.Reading{m.reading(first, start, billed.Snapshot)}
	add := func(k known, at time.Time, method billed.Method) {
		if at.After(out[len(out)-1].At) && at.Before(end) {
			out = append(out, m.reading(k, at, method))
		}
	}
	for i := 1; i < len(m.cells); i++ {
		border := m.cells[i].From
		if !border.After(start) || !border.Before(end) {
			continue
		}
		found, method, err := m.atBorder(index, border.UnixMilli(), first, last)
		switch {
		case err != nil:
			return nil, unread(err)
		case len(found) == 1:
			add(found[0], border, method)
			first = found[0]
		case len(found) == 2:
			add(found[0], clock(found[0].At), method)
			add(found[1], clock(found[1].At), method)
			first = found[0] // the next border may lie before found[1]
		case m.cells[i-1].By.Split.Forbid:
			return nil, &doubt{holdCross, fmt.Sprintf("%s has no reading at %s, and tariff %s does not allow to split by days", profile.ID, stamp(border.UnixMilli()), m.cells[i-1].By.ID)}
		}
	}
	return append(out, m.reading(last, end, billed.Snapshot)), nil
}

func unread(err error) *doubt {
	return &doubt{holdPrice, "stored readings cannot be read: " + err.Error()}
}

func (m *measurer) reading(k known, at time.Time, method billed.Method) billed.Reading {
	r := billed.Reading{At: at, Method: method, Values: []billed.Value{{Register: "total", Value: k.Energy}}}
	for i, e := range k.bands {
		r.Values = append(r.Values, billed.Value{Register: strconv.Itoa(int(m.registers[i])), Value: e})
	}
	return r
}

// atBorder is what is known of a register at an instant, in the order of B12: what the meter froze exactly then, the nearest accepted
// reading within five minutes, or the two accepted ones around it at most six hours apart. Nothing found: the days have to tell.
func (m *measurer) atBorder(index uint16, at int64, lo, hi known) ([]known, billed.Method, error) {
	near, err := m.stored(index, 0, at-nearMax, at+nearMax)
	if err != nil {
		return nil, 0, err
	}
	for _, method := range [...]protocol.Method{protocol.MethodFreeze, protocol.MethodHourly, protocol.MethodProfile} {
		if value, ok := agreed(near, func(rec *account.ReadingRecord) bool { return rec.Method == method && rec.TakenAt == at }); ok {
			if k, ok, err := m.between(index, account.Register{At: at, Energy: billing.Energy(value)}, false, lo, hi); ok || err != nil {
				return []known{k}, billed.Freeze, err
			}
		}
	}
	accepted := m.accepted(index, near, lo, hi)
	byDistance := slices.Clone(accepted)
	slices.SortStableFunc(byDistance, func(a, b account.Register) int { return cmp.Compare(distance(a.At, at), distance(b.At, at)) })
	for _, reg := range byDistance {
		if distance(reg.At, at) > snapshotMax {
			break
		}
		if k, ok, err := m.between(index, reg, true, lo, hi); ok || err != nil {
			return []known{k}, billed.Snapshot, err
		}
	}
	i, _ := slices.BinarySearchFunc(accepted, at, func(reg account.Register, at int64) int { return cmp.Compare(reg.At, at) })
	if i == 0 || i == len(accepted) || accepted[i].At-accepted[i-1].At > nearMax {
		return nil, 0, nil
	}
	pair := make([]known, 2)
	for n := range pair {
		k, ok, err := m.between(index, accepted[i-1+n], true, lo, hi)
		if !ok || err != nil {
			return nil, 0, err
		}
		pair[n] = k
	}
	return pair, billed.Snapshot, nil
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// accepted judges the readings around a border as stage 4 does, and gives those that are accepted, with lo and hi, by time.
func (m *measurer) accepted(index uint16, near []account.ReadingRecord, lo, hi known) []account.Register {
	profile := &m.work.profile.Points[index]
	out := []account.Register{lo.Register}
	for i := 0; i < len(near); i++ {
		rec := &near[i]
		if !seen(rec.Method) || rec.TakenAt <= lo.At || rec.TakenAt >= hi.At {
			continue
		}
		_, agree := agreed(near, func(o *account.ReadingRecord) bool { return seen(o.Method) && o.TakenAt == rec.TakenAt })
		prev, reg := out[len(out)-1], account.Register{At: rec.TakenAt, Energy: billing.Energy(rec.Value)}
		if !agree || reg.At == prev.At || reg.Energy < prev.Energy || reg.Energy > hi.Energy {
			continue
		}
		if judge(m.run.config, m.work.profile, profile, prev, reg, false).hold == "" {
			out = append(out, reg)
		}
	}
	return append(out, hi.Register)
}

// agreed is the one value that the records which are wanted have; false when there is none, or more than one.
func agreed(records []account.ReadingRecord, want func(*account.ReadingRecord) bool) (value int64, ok bool) {
	for i := range records {
		if !want(&records[i]) {
			continue
		}
		if ok && value != records[i].Value {
			return 0, false
		}
		value, ok = records[i].Value, true
	}
	return value, ok
}

// between fills in the rate registers of a register, and says whether all of them lie between those of lo and hi.
func (m *measurer) between(index uint16, reg account.Register, bySight bool, lo, hi known) (known, bool, error) {
	for _, k := range [...]known{lo, hi} {
		if reg == k.Register && bySight {
			return k, true, nil
		}
	}
	k := known{Register: reg}
	if reg.Energy < lo.Energy || reg.Energy > hi.Energy {
		return k, false, nil
	}
	if len(hi.bands) == 0 {
		return k, true, nil
	}
	bands, missing, err := m.bandsAt(index, reg.At, bySight)
	if err != nil || missing != 0 {
		return k, false, err
	}
	for i := range bands {
		if bands[i] < lo.bands[i] || bands[i] > hi.bands[i] {
			return k, false, nil
		}
	}
	k.bands = bands
	return k, true, nil
}

// bandsAt is the rate registers of one instant, or the number of the first that is not there.
func (m *measurer) bandsAt(index uint16, at int64, bySight bool) (bands []billing.Energy, missing uint8, err error) {
	for _, register := range m.registers {
		records, err := m.stored(index, register, at, at)
		if err != nil {
			return nil, 0, err
		}
		value, ok := agreed(records, func(rec *account.ReadingRecord) bool { return seen(rec.Method) == bySight })
		if !ok {
			return nil, register, nil
		}
		bands = append(bands, billing.Energy(value))
	}
	return bands, 0, nil
}

// stored is the trusted records of one register from one instant to another: those that arrive now and those on the disk, by time.
func (m *measurer) stored(index uint16, register uint8, from, to int64) (out []account.ReadingRecord, err error) {
	keep := func(rec *account.ReadingRecord) {
		if rec.TakenAt >= from && rec.TakenAt <= to && rec.Flags&account.FlagUntrusted == 0 {
			out = append(out, *rec)
		}
	}
	for i := range m.work.readings {
		if rec := &m.work.readings[i]; rec.Point == index && rec.Quantity == protocol.ActiveImport && rec.Register == register {
			keep(rec)
		}
	}
	old, err := m.run.facts.History(m.work.no, index, protocol.ActiveImport, register, from, to)
	if err != nil {
		return nil, err
	}
	for i := range old {
		keep(&old[i])
	}
	slices.SortFunc(out, func(a, b account.ReadingRecord) int {
		return cmp.Or(cmp.Compare(a.TakenAt, b.TakenAt), cmp.Compare(a.Value, b.Value))
	})
	return out, nil
}
