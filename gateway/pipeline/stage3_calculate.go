package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/register"
	"feikong/gateway/account"
	"feikong/protocol"
)

// calculate is stage 3, 电费测算: new registers into energy, energy into the estimate of the open period. The estimate is a pure
// function of the accepted registers; nothing is added up, so no order of arrival and no repeat can change it.
func (r *run) calculate(w *work) {
	if len(w.readings) > 1 {
		slices.SortFunc(w.readings, func(a, b account.ReadingRecord) int {
			return cmp.Or(cmp.Compare(a.Point, b.Point), cmp.Compare(a.Quantity, b.Quantity), cmp.Compare(a.TakenAt, b.TakenAt), cmp.Compare(a.Register, b.Register),
				cmp.Compare(a.Value, b.Value), cmp.Compare(a.Flags, b.Flags), cmp.Compare(a.Method, b.Method))
		})
	}
	r.observe(w)
	for lo := 0; lo < len(w.readings); {
		hi := lo
		for hi < len(w.readings) && w.readings[hi].Point == w.readings[lo].Point {
			hi++
		}
		r.register(w, w.readings[lo].Point, w.readings[lo:hi])
		lo = hi
	}
	if w.touched || w.evidence && w.restsOnReadings() {
		w.touched = true
		r.estimate(w)
	}
}

// isTotal says whether a record is the register that bills rest on.
func isTotal(rec *account.ReadingRecord) bool {
	return rec.Quantity == protocol.ActiveImport && rec.Register == 0 && seen(rec.Method)
}

// seen says whether the agent itself saw the register at the time it tells. What the meter kept (freeze, load profile) is dated by the
// meter's clock, to the second at best: beside a poll of the same second it may lie on the wrong side of it, and a register that seems
// to fall by its last digit would hold the account. Such records, and those read by eye, are stored as evidence of boundaries and of
// gaps; they never move a register by themselves.
func seen(m protocol.Method) bool {
	return m != protocol.MethodFreeze && m != protocol.MethodHourly && m != protocol.MethodProfile && m != protocol.MethodHand
}

// register takes the new readings of one point: in the plain case each is newer than all before it and is judged against the
// accepted one before it. A reading that comes late, or twice with another value, makes the point be judged again from the
// start of its segment, so that what is accepted depends on the set of readings, not on their order.
func (r *run) register(w *work, index uint16, records []account.ReadingRecord) {
	p := &w.state.Points[index]
	records = r.unseen(w, index, records)
	newest, late := p.Latest.At, p.Hold == unreadable
	fresh := r.fresh[:0]
	for i := range records {
		rec := &records[i]
		switch {
		case rec.Quantity != protocol.ActiveImport || rec.Flags&account.FlagUntrusted != 0:
		case isTotal(rec):
			late = late || rec.TakenAt <= newest
			fresh = append(fresh, *rec)
		default:
			w.evidence = true // of a band, or of a border
		}
	}
	r.fresh = fresh
	var held map[int64]verdict
	if len(fresh) > 0 {
		w.touched = true
		if late {
			held = r.again(w, index, p, fresh)
		} else {
			held = r.fold(w, index, p, p.Current, fresh)
		}
	}
	r.keep(w, index, newest, records, held)
}

// unreadable holds a point whose stored readings could not be read when a late one came: nothing is billed on doubt, and the next
// reading tries again.
const unreadable = "E01"

// again judges the readings of the open segment once more, stored ones and new ones, from the register they start from.
func (r *run) again(w *work, index uint16, p *account.Point, fresh []account.ReadingRecord) map[int64]verdict {
	base, before := p.Anchor, p.Before
	if before != nil {
		base = before.Anchor
	}
	from := base.At + 1
	movable := r.movable(w, index)
	if movable {
		// The opening register is not billed yet: the installation starts at its earliest reading, whenever that one comes.
		base, from = account.Register{}, floor(w.state)
	}
	if fresh[len(fresh)-1].TakenAt < from {
		return nil // of a period that is billed, or of a segment that a person closed: history
	}
	stored, err := r.facts.History(w.no, index, protocol.ActiveImport, 0, from, math.MaxInt64)
	if err != nil {
		last := fresh[len(fresh)-1]
		if last.TakenAt > p.Latest.At {
			p.Latest = account.Register{At: last.TakenAt, Energy: billing.Energy(last.Value)}
		}
		if waitsForPerson(p.Hold) {
			return map[int64]verdict{last.TakenAt: {hold: p.Hold, detail: "stored readings cannot be read: " + err.Error()}}
		}
		p.Hold = unreadable
		return map[int64]verdict{last.TakenAt: {hold: unreadable, detail: "stored readings cannot be read: " + err.Error()}}
	}
	all := make([]account.ReadingRecord, 0, len(stored)+len(fresh))
	for _, list := range [][]account.ReadingRecord{stored, fresh} {
		for _, rec := range list {
			// What is from the future by now was taken when our own clock ran ahead.
			if seen(rec.Method) && rec.TakenAt >= from && rec.TakenAt <= w.now+futureMax && rec.Flags&account.FlagUntrusted == 0 {
				all = append(all, rec)
			}
		}
	}
	slices.SortFunc(all, func(a, b account.ReadingRecord) int {
		return cmp.Or(cmp.Compare(a.TakenAt, b.TakenAt), cmp.Compare(a.Value, b.Value))
	})
	if before != nil {
		p.Anchor, p.SegmentStart, p.Carried, p.Lifetime, p.Before = before.Anchor, before.Start, before.Carried, before.Lifetime, nil
	}
	if movable {
		p.Opening, p.Anchor, p.SegmentStart = account.Register{}, account.Register{}, account.Register{}
	}
	p.Current, p.Latest = base, base
	if !waitsForPerson(p.Hold) {
		p.Hold = ""
	}
	return r.fold(w, index, p, base, all)
}

// movable says whether the opening register of a point may still move to another reading: nothing of the installation is billed
// yet, and no person started a segment.
func (r *run) movable(w *work, index uint16) bool {
	p := &w.state.Points[index]
	if waitsForPerson(p.Hold) {
		return false
	}
	anchor := p.Anchor
	if p.Before != nil {
		anchor = p.Before.Anchor
	}
	return anchor == p.Opening && p.Opening.At >= floor(w.state) || p.Opening.At == 0
}

// floor is where the open period begins for an installation that was never read before it: behind the last bill.
func floor(s *account.State) int64 {
	if s.Period > 1 {
		return s.PeriodStart + 1
	}
	return 1
}

// fold judges readings in the order of time, each against the accepted one before it (stage 4 says what is believable), and
// gives those that are held, by time. nil when all are accepted.
func (r *run) fold(w *work, index uint16, p *account.Point, base account.Register, records []account.ReadingRecord) map[int64]verdict {
	profile := &w.profile.Points[index]
	prev, hold := base, p.Hold
	exchanged := ""
	if waitsForPerson(hold) {
		exchanged = hold
	}
	var held map[int64]verdict
	for i := 0; i < len(records); i++ {
		rec := &records[i]
		at := account.Register{At: rec.TakenAt, Energy: billing.Energy(rec.Value)}
		conflict := false
		for i+1 < len(records) && records[i+1].TakenAt == rec.TakenAt {
			i++
			conflict = conflict || records[i].Value != rec.Value
		}
		if p.Opening.At == 0 && !conflict {
			prev = open(p, profile, at)
		}
		v := judge(r.config, w.profile, profile, prev, at, conflict)
		if exchanged != "" {
			v = verdict{hold: exchanged, detail: "register " + at.Energy.String() + ": the archive has another meter or multiplier here since, and nobody has accepted it"}
		}
		for _, f := range v.flags {
			r.find(w, index, f.Code, at.At, int64(at.Energy), false, f.Detail)
		}
		if p.Latest.At <= at.At {
			p.Latest = at
		}
		if hold = v.hold; hold != "" {
			if held == nil {
				held = make(map[int64]verdict)
			}
			held[at.At] = v
			continue
		}
		if v.rolled {
			if p.Before == nil {
				p.Before = &account.Segment{Anchor: p.Anchor, Start: p.SegmentStart, Carried: p.Carried, Lifetime: p.Lifetime}
			}
			p.Carried += times(prev.Energy-p.Anchor.Energy, profile.Multiplier) + v.energy
			p.Lifetime += times(prev.Energy-p.SegmentStart.Energy, profile.Multiplier) + v.energy
			p.Anchor, p.SegmentStart = at, at
		}
		prev = at
	}
	p.Current, p.Hold = prev, hold
	return held
}

// open sets the opening register of an installation at its first reading.
func open(p *account.Point, profile *account.PointProfile, first account.Register) account.Register {
	opening := first
	if profile.HasOpening {
		opening.Energy = profile.Opening
	}
	p.Opening, p.Anchor, p.SegmentStart = opening, opening, opening
	return opening
}

func times(e billing.Energy, multiplier int64) billing.Energy {
	return e * billing.Energy(multiplier) // bounded: every part was accepted by register.Delta, which reports overflow
}

// estimate prices the open period with the code that will bill it. What cannot be priced has no estimate, and holds the account.
func (r *run) estimate(w *work) {
	s := w.state
	w.priced, w.hold = true, ""
	began := s.PeriodStart
	s.PeriodStart = periodStart(s)
	s.Energy, s.Estimate, s.Tier, s.Tariff = 0, 0, 0, [8]byte{}
	if s.Period == 1 {
		s.CycleStart = 0 // of wherever the first period turns out to begin
	}
	if s.PeriodStart == 0 {
		return
	}
	energy, end, err := energyOf(w)
	if err != nil {
		w.hold, w.detail = holdEnergy, err.Error()
		return
	}
	s.Energy = energy
	if s.PeriodStart != began || began == 0 {
		w.tariff = r.version(w, s.PeriodStart)
	}
	if w.tariff == nil {
		w.hold, w.detail = holdTariff, "no version of tariff "+w.profile.TariffID+" is valid at the start of the period"
		return
	}
	p, d := r.price(w, end)
	if d != nil {
		w.hold, w.detail = d.hold, d.detail
		if d.hold == holdCross {
			r.whole(w, end)
		}
		return
	}
	w.cut = p.cut
	s.Estimate, s.Tier = p.total, uint8(p.tier)
	parts := p.parts()
	copy(s.Tariff[:], parts[len(parts)-1].charge.By.Hash[:])
}

// whole estimates a held period as if it had not passed its border: people see about what it costs, and nothing rests on it.
func (r *run) whole(w *work, end int64) {
	used := usage(w, end)
	used.To = used.From
	charge, err := rate.Estimate(w.tariff, used)
	if err != nil {
		w.hold, w.detail = holdPrice, err.Error()
		return
	}
	w.state.Estimate, w.state.Tier = charge.Total, uint8(charge.Tier)
	copy(w.state.Tariff[:], w.tariff.Hash[:])
}

// energyOf is the energy of the open period by the accepted registers of all points, and when the newest of them was read.
func energyOf(w *work) (sum billing.Energy, end int64, err error) {
	for i := range w.state.Points {
		p, profile := &w.state.Points[i], &w.profile.Points[i]
		if p.Opening.At == 0 {
			continue
		}
		used, verdict := register.Delta(p.Anchor.Energy, p.Current.Energy, 0, register.Rules{Multiplier: profile.Multiplier, Digits: profile.Digits})
		if !verdict.Billable() {
			return 0, 0, fmt.Errorf("the registers of %s do not add up: %s", profile.ID, verdict)
		}
		for _, part := range [...]billing.Energy{used, p.Carried} {
			if sum, err = sum.Add(part); err != nil {
				return 0, 0, fmt.Errorf("energy of the period: %w", err)
			}
		}
		end = max(end, p.Current.At)
	}
	return sum, end, nil
}

// usage is the open period as the tariff sees it, up to the newest accepted register.
func usage(w *work, end int64) rate.Usage {
	s := w.state
	from, cycle := clock(s.PeriodStart), int64(0)
	if start, _ := w.tariff.CycleOf(from); !start.IsZero() {
		cycle = start.UnixMilli()
	}
	// A new tier cycle: the counter starts again, unused room does not carry over. What the archive says of the first period is of the
	// cycle that the first period lies in, even while its start still moves.
	if s.Period > 1 && cycle > s.CycleStart && s.CycleStart != 0 {
		s.CycleBefore = 0
	}
	if s.Period == 1 || cycle != 0 {
		s.CycleStart = cycle
	}
	return rate.Usage{From: from, To: clock(end), Energy: s.Energy, CycleBefore: s.CycleBefore}
}

// periodStart is the earliest anchor while the first period is open; later periods start where the bill before ended.
func periodStart(s *account.State) int64 {
	if s.Period > 1 {
		return s.PeriodStart
	}
	start := int64(0)
	for i := range s.Points {
		if at := s.Points[i].Opening.At; at != 0 && (start == 0 || at < start) {
			start = at
		}
	}
	return start
}
