package pipeline

import (
	"cmp"
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
	r.observe(w)
	slices.SortStableFunc(w.readings, func(a, b account.ReadingRecord) int {
		return cmp.Or(cmp.Compare(a.Point, b.Point), cmp.Compare(a.TakenAt, b.TakenAt), cmp.Compare(a.Register, b.Register), cmp.Compare(a.Value, b.Value))
	})
	for lo := 0; lo < len(w.readings); {
		hi := lo
		for hi < len(w.readings) && w.readings[hi].Point == w.readings[lo].Point {
			hi++
		}
		r.register(w, w.readings[lo].Point, w.readings[lo:hi])
		lo = hi
	}
	if w.touched {
		r.estimate(w)
	}
}

// isTotal says whether a record is the register that bills rest on.
func isTotal(rec *account.ReadingRecord) bool {
	return rec.Quantity == protocol.ActiveImport && rec.Register == 0
}

// register takes the new readings of one point: in the plain case each is newer than all before it and is judged against the
// accepted one before it. A reading that comes late, or twice with another value, makes the point be judged again from the
// start of its segment, so that what is accepted depends on the set of readings, not on their order.
func (r *run) register(w *work, index uint16, records []account.ReadingRecord) {
	p := &w.state.Points[index]
	fresh := make([]account.ReadingRecord, 0, len(records))
	newest, late := p.Latest.At, false
	for i := range records {
		rec := &records[i]
		if isTotal(rec) && rec.Flags&account.FlagUntrusted == 0 {
			late = late || rec.TakenAt <= newest
			newest = max(newest, rec.TakenAt)
			fresh = append(fresh, *rec)
		}
	}
	var held map[int64]verdict
	if len(fresh) > 0 {
		base := p.Current
		if late {
			base, fresh = r.recall(w, index, p, fresh)
		}
		held = r.fold(w, index, p, base, fresh)
		w.touched = true
	}
	r.keep(w, index, records, held)
}

// recall gives the readings of the open segment, stored ones and new ones, and the register they start from.
func (r *run) recall(w *work, index uint16, p *account.Point, fresh []account.ReadingRecord) (account.Register, []account.ReadingRecord) {
	base := p.Anchor
	from := base.At + 1
	if r.movable(w, p) {
		// The first period of an installation without an opening register starts at its earliest reading, whenever that one comes.
		base, from = account.Register{}, 0
	}
	stored, err := r.facts.History(w.no, index, protocol.ActiveImport, 0, from, math.MaxInt64)
	if err != nil {
		// Not readable now: the new readings wait as held, nothing is billed on doubt, and the next late reading tries again.
		r.find(w, index, "E01", fresh[0].TakenAt, fresh[0].Value, true, "stored readings cannot be read: "+err.Error())
		p.Hold = "E01"
		return p.Current, nil
	}
	all := make([]account.ReadingRecord, 0, len(stored)+len(fresh))
	for _, list := range [][]account.ReadingRecord{stored, fresh} {
		for _, rec := range list {
			if rec.TakenAt >= from && rec.Flags&account.FlagUntrusted == 0 {
				all = append(all, rec)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b account.ReadingRecord) int {
		return cmp.Or(cmp.Compare(a.TakenAt, b.TakenAt), cmp.Compare(a.Value, b.Value))
	})
	p.Current, p.Hold = base, ""
	if base.At == 0 {
		p.Opening, p.Anchor, p.SegmentStart = account.Register{}, account.Register{}, account.Register{}
	}
	return base, all
}

// movable says whether the opening register of a point may still move back to an earlier reading: no opening in the archive,
// nothing billed yet, and no segment started by a person or a rollover.
func (r *run) movable(w *work, p *account.Point) bool {
	return w.state.Period == 1 && !w.profile.Points[indexOf(w.state, p)].HasOpening && p.Anchor == p.Opening && p.Carried == 0 && p.Lifetime == 0
}

func indexOf(s *account.State, p *account.Point) int {
	for i := range s.Points {
		if &s.Points[i] == p {
			return i
		}
	}
	return 0
}

// fold judges readings in the order of time, each against the accepted one before it (stage 4 says what is believable), and
// gives those that are held, by time. nil when all are accepted.
func (r *run) fold(w *work, index uint16, p *account.Point, base account.Register, records []account.ReadingRecord) map[int64]verdict {
	profile := &w.profile.Points[index]
	prev, hold := base, p.Hold
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
		v := judge(r.config, profile, prev, at, conflict)
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

// estimate prices the open period with the code that will bill it.
func (r *run) estimate(w *work) {
	s := w.state
	s.Energy, s.PeriodStart = 0, periodStart(s)
	end := int64(0)
	for i := range s.Points {
		p := &s.Points[i]
		if p.Opening.At == 0 {
			continue
		}
		used, verdict := register.Delta(p.Anchor.Energy, p.Current.Energy, 0, register.Rules{Multiplier: w.profile.Points[i].Multiplier, Digits: w.profile.Points[i].Digits})
		if !verdict.Billable() {
			r.holdAccount(w, "E02", "the registers of "+w.profile.Points[i].ID+" do not add up: "+verdict.String())
			return
		}
		sum, err := s.Energy.Add(used)
		if err == nil {
			sum, err = sum.Add(p.Carried)
		}
		if err != nil {
			r.holdAccount(w, "E02", "energy of the period: "+err.Error())
			return
		}
		s.Energy = sum
		end = max(end, p.Current.At)
	}
	if s.PeriodStart == 0 {
		return
	}
	w.tariff = r.version(w, s.PeriodStart)
	if w.tariff == nil {
		r.holdAccount(w, "C02", "no version of tariff "+w.profile.TariffID+" is valid at the start of the period")
		return
	}
	charge, err := rate.Estimate(w.tariff, usage(w, end))
	if err != nil {
		r.holdAccount(w, "C01", err.Error())
		return
	}
	s.Estimate, s.Tier = charge.Total, uint8(charge.Tier)
	copy(s.Tariff[:], w.tariff.Hash[:])
	if s.Hold != "" {
		s.Hold = ""
		r.release(w, 0, "the fee can be calculated again")
	}
}

// usage is the open period as the tariff sees it, up to the newest accepted register.
func usage(w *work, end int64) rate.Usage {
	from := clock(w.state.PeriodStart)
	if start, _ := w.tariff.CycleOf(from); !start.IsZero() && start.UnixMilli() != w.state.CycleStart {
		if w.state.CycleStart != 0 && w.state.CycleStart < start.UnixMilli() {
			w.state.CycleBefore = 0 // a new tier cycle: the counter starts again, unused room does not carry over
		}
		w.state.CycleStart = start.UnixMilli()
	}
	return rate.Usage{From: from, To: clock(end), Energy: w.state.Energy, CycleBefore: w.state.CycleBefore}
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

// holdAccount keeps the last estimate and forbids bill and trip until the fee can be calculated again.
func (r *run) holdAccount(w *work, code, detail string) {
	if w.state.Hold != code {
		w.state.Hold = code
		r.find(w, 0, code, w.now, 0, true, detail)
	}
}
