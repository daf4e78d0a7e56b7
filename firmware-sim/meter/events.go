package meter

import (
	"encoding/binary"
	"time"

	"feikong/protocol/dlt645"
)

// eventKind is a kind of event of which the meter keeps the last ten and counts all.
type eventKind string

// Kinds of event. The names stand in the state file.
const (
	eventTrip        eventKind = "trip"         // 1D
	eventClose       eventKind = "close"        // 1E
	eventProgram     eventKind = "program"      // 0330 00
	eventClearDemand eventKind = "clear_demand" // 0330 02
	eventClearEvents eventKind = "clear_events" // 0330 03
	eventTime        eventKind = "time"         // 0330 04
	eventCover       eventKind = "cover"        // 0330 0D
	eventPower       eventKind = "power_down"   // 0311
	eventPurchase    eventKind = "purchase"     // 0333
	eventRelayFault  eventKind = "relay_fault"  // 0336, the count alone: no source tells the record
)

// eventsKept is what the standard keeps of each kind, 01 newest .. 0A.
const eventsKept = 10

// event is one record. What a kind does not have stays zero.
type event struct {
	At       int64     `json:"at"`            // meter's clock, unix ns as if its offset were none
	End      int64     `json:"end,omitempty"` // 0: still going on
	Operator [4]byte   `json:"op,omitzero"`
	Fwd      int64     `json:"fwd,omitempty"` // mWh at the begin
	Rev      int64     `json:"rev,omitempty"`
	FwdEnd   int64     `json:"fwd_end,omitempty"`
	RevEnd   int64     `json:"rev_end,omitempty"`
	Items    []di      `json:"items,omitempty"` // programmed or cleared
	Demand   [4]uint32 `json:"demand,omitzero"` // before a clearing: forward, its time, reverse, its time
	Amount   int64     `json:"amount,omitempty"`
	Before   int64     `json:"before,omitempty"`
	After    int64     `json:"after,omitempty"`
	Bought   int64     `json:"bought,omitempty"`
}

// journal is the records of one kind, oldest first.
type journal struct {
	Count uint32  `json:"count"` // ever; the register has six digits
	Last  []event `json:"last"`
}

// record adds an event with the clock and the registers of the moment.
func (m *Meter) record(k eventKind, e event) *event {
	if m.journals == nil {
		m.journals = map[eventKind]*journal{}
	}
	j := m.journals[k]
	if j == nil {
		j = &journal{}
		m.journals[k] = j
	}
	e.At = m.at + int64(m.offset)
	e.Fwd, e.Rev = sum(&m.regs.fwd), sum(&m.regs.rev)
	if len(j.Last) == eventsKept {
		copy(j.Last, j.Last[1:])
		j.Last = j.Last[:eventsKept-1]
	}
	j.Last = append(j.Last, e)
	j.Count++
	return &j.Last[len(j.Last)-1]
}

// ended closes the newest record of a kind.
func (m *Meter) ended(k eventKind) {
	if j := m.journals[k]; j != nil && len(j.Last) > 0 && j.Last[len(j.Last)-1].End == 0 {
		e := &j.Last[len(j.Last)-1]
		e.End, e.FwdEnd, e.RevEnd = m.at+int64(m.offset), sum(&m.regs.fwd), sum(&m.regs.rev)
	}
}

// nth is the record nn, 1 the newest; nil when there are not as many.
func (m *Meter) nth(k eventKind, nn int) *event {
	j := m.journals[k]
	if j == nil || nn < 1 || nn > len(j.Last) {
		return nil
	}
	return &j.Last[len(j.Last)-nn]
}

func (m *Meter) counted(k eventKind) uint32 {
	if j := m.journals[k]; j != nil {
		return j.Count
	}
	return 0
}

// eventRecords are the layouts of DI3 = 03: 0330 and its kin by 03 d2 d1, nn in the lowest byte.
var eventRecords = map[di]struct {
	kind  eventKind
	write func(m *Meter, dst []byte, e *event) []byte
}{
	0x03300000: {eventProgram, func(m *Meter, b []byte, e *event) []byte { // time, operator, ten identifiers
		b = append(m.stamp6(b, e.At), e.Operator[:]...)
		for i := range 10 {
			if i < len(e.Items) {
				b = e.Items[i].Append(b)
			} else {
				b = append(b, 0, 0, 0, 0)
			}
		}
		return b
	}},
	0x03300200: {eventClearDemand, func(m *Meter, b []byte, e *event) []byte { // time, operator, 24 demands: whole, A, B, C by fwd, rev, Q1..Q4
		b = append(m.stamp6(b, e.At), e.Operator[:]...)
		for i := range 24 {
			if i < 2 {
				b = m.appendDemand(b, demand{e.Demand[2*i], e.Demand[2*i+1]})
			} else {
				b = m.appendDemand(b, demand{})
			}
		}
		return b
	}},
	0x03300300: {eventClearEvents, func(m *Meter, b []byte, e *event) []byte {
		b = append(m.stamp6(b, e.At), e.Operator[:]...)
		return e.Items[0].Append(b)
	}},
	0x03300400: {eventTime, func(m *Meter, b []byte, e *event) []byte { // operator, before, after
		b = append(b, e.Operator[:]...)
		return m.stamp6(m.stamp6(b, e.Before), e.After)
	}},
	0x03300D00: {eventCover, func(m *Meter, b []byte, e *event) []byte { // begin, end, six energies before and after: 60 bytes
		b = m.stampEnd(m.stamp6(b, e.At), e.End)
		return m.sixEnergies(m.sixEnergies(b, e.Fwd, e.Rev), e.FwdEnd, e.RevEnd)
	}},
	0x03110000: {eventPower, func(m *Meter, b []byte, e *event) []byte {
		return m.stampEnd(m.stamp6(b, e.At), e.End)
	}},
}

// zeroEvents is the length of an identifier of event kinds that the meters watch for but never see: all zero, and there are
// no records. Statistics of one kind of phase event are count and minutes by phase, 18 bytes.
func zeroEvents(d di) int {
	switch {
	case d >= 0x03010000 && d <= 0x03040000 && d&0xFFFF == 0, d == 0x03120000, d >= 0x030B0000 && d <= 0x030F0000 && d&0xFFFF == 0:
		return 18
	case d >= 0x03050000 && d <= 0x030A0000 && d&0xFFFF == 0:
		return 6
	case d>>16 == 0x0330 && d&0xFF == 0 && d>>8&0xFF <= 0x0E, d == 0x03350000, d == 0x03370000:
		return 3
	case d>>24 >= 0x10 && d>>24 <= 0x1F && d&0xFFFFFF == 1, d == 0x20000001, d == 0x22000001: // total counts of the newer kinds
		return 3
	}
	return 0
}

// eventItem is DI3 = 03 and 10 to 22.
func (m *Meter) eventItem(d di) ([]byte, bool) {
	switch d >> 24 {
	case 0x1D:
		return m.relayEvent(d, eventTrip)
	case 0x1E:
		return m.relayEvent(d, eventClose)
	}
	if d>>16 == 0x0333 {
		return m.purchase(d)
	}
	nn := int(d & 0xFF)
	if r, ok := eventRecords[d&^0xFF]; ok {
		if nn == 0 {
			return dlt645.AppendBCD(nil, uint64(m.counted(r.kind)), 3), true
		}
		e := m.nth(r.kind, nn)
		if e == nil {
			return nil, false
		}
		return r.write(m, nil, e), true
	}
	if d == 0x03360000 {
		return dlt645.AppendBCD(nil, uint64(m.counted(eventRelayFault)), 3), true
	}
	if n := zeroEvents(d); n > 0 {
		return make([]byte, n), true
	}
	return nil, false
}

// relayEvent is 1D and 1E: the count, a record, or one part of it: 01 time, 02 operator, 03 forward, 04 reverse, 05..08
// the quadrants.
func (m *Meter) relayEvent(d di, k eventKind) ([]byte, bool) {
	part, nn := int(d>>8&0xFF), int(d&0xFF)
	switch {
	case m.cfg.NoEvents || m.cfg.Switch == SwitchNone || d>>16&0xFF != 0:
		return nil, false
	case part == 0:
		return dlt645.AppendBCD(nil, uint64(m.counted(k)), 3), nn == 1
	}
	e := m.nth(k, nn)
	if e == nil {
		return nil, false
	}
	b := append(m.stamp6(nil, e.At), e.Operator[:]...)
	b = m.sixEnergies(b, e.Fwd, e.Rev)
	switch {
	case part == 0xFF:
		return b, true
	case part == 1:
		return b[:6], true
	case part == 2:
		return b[6:10], true
	case part <= 8:
		return b[10+4*(part-3):][:4], true
	}
	return nil, false
}

// purchase is 0333: 01 date, 02 count, 03 amount, 04 before, 05 after, 06 all together; FF whole.
func (m *Meter) purchase(d di) ([]byte, bool) {
	part, nn := int(d>>8&0xFF), int(d&0xFF)
	if m.cfg.Money == nil {
		return nil, false
	}
	e := m.nth(eventPurchase, nn)
	if e == nil {
		if nn == 1 && part == 2 { // the count of the present state is most often read from here
			return []byte{0, 0}, true
		}
		return nil, false
	}
	b := m.stamp6(nil, e.At)[1:]
	b = dlt645.AppendBCD(b, uint64(m.counted(eventPurchase))-uint64(nn-1), 2)
	b = append(b, cents(e.Amount)...)
	for _, v := range [...]int64{e.Before, e.After, e.Bought} {
		b = dlt645.AppendBCD(b, uint64(max(v, 0)/purseCents), 4)
	}
	at := [...]int{0, 5, 7, 11, 15, 19, 23}
	switch {
	case part == 0xFF:
		return b, true
	case part >= 1 && part < len(at):
		return b[at[part-1]:at[part]], true
	}
	return nil, false
}

// sixEnergies appends forward, reverse and the four quadrants.
func (m *Meter) sixEnergies(b []byte, fwd, rev int64) []byte {
	q1, q2 := m.reactive(fwd), m.reactive(rev)
	for _, v := range [...]int64{fwd, rev, q1, q2, 0, 0} {
		b = appendEnergy(b, v)
	}
	return b
}

// stamp6 appends ss mm hh DD MM YY of a clock in ns.
func (m *Meter) stamp6(b []byte, clock int64) []byte {
	return dlt645.AppendDateTime6(b, time.Unix(0, clock), m.cfg.Location)
}

// stampEnd is stamp6; zeros while it goes on.
func (m *Meter) stampEnd(b []byte, clock int64) []byte {
	if clock == 0 {
		return append(b, 0, 0, 0, 0, 0, 0)
	}
	return m.stamp6(b, clock)
}

// stamp5 appends mm hh DD MM YY of a wall clock in ns.
func (m *Meter) stamp5(b []byte, wall int64) []byte {
	t := time.Unix(0, wall).UTC()
	return append(b, bcd(t.Minute()), bcd(t.Hour()), bcd(t.Day()), bcd(int(t.Month())), bcd(t.Year()))
}

func (m *Meter) appendDemand(b []byte, d demand) []byte {
	b = dlt645.AppendBCD(b, uint64(d.kw), 3)
	if d.wall == 0 {
		return append(b, 0, 0, 0, 0, 0)
	}
	return m.stamp5(b, int64(d.wall)*1e9)
}

// clearEvents does C = 1B: FF FF FF FF all, or a class with FF. The clearing itself is never cleared, nor what it counts.
func (m *Meter) clearEvents(d di, operator [4]byte) byte {
	matches := func(of di) bool {
		var a, b [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(d))
		binary.BigEndian.PutUint32(b[:], uint32(of))
		for i := range a {
			if a[i] != 0xFF && a[i] != b[i] {
				return false
			}
		}
		return true
	}
	found := d == 0xFFFFFFFF
	for of, r := range eventRecords {
		if r.kind != eventClearEvents && matches(of|0xFF) {
			found = true
			delete(m.journals, r.kind)
		}
	}
	for of, k := range map[di]eventKind{0x1D00FFFF: eventTrip, 0x1E00FFFF: eventClose} {
		if matches(of) {
			found = true
			delete(m.journals, k)
		}
	}
	if !found {
		return errNoData
	}
	m.record(eventClearEvents, event{Operator: operator, Items: []di{d}})
	return 0
}
