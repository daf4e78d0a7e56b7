package pipeline

import (
	"fmt"
	"math"
	"time"

	"feikong/billing"
	"feikong/billing/audit"
	"feikong/billing/register"
	"feikong/gateway/account"
	"feikong/protocol"
)

// verdict is what audit says of one reading beside the accepted one before it.
type verdict struct {
	hold   string // audit code; empty: accepted
	detail string
	energy billing.Energy  // since the accepted one before, multiplied
	rolled bool            // the register passed its last digit
	flags  []audit.Finding // of an accepted one: for a person to look at
}

// judge is stage 4's word on one register, 电费审核. It looks at two neighbours in time and nothing else, so that the same set of
// readings is judged alike in whatever order it came.
func judge(config *account.Config, of *account.Profile, p *account.PointProfile, prev, at account.Register, conflict bool) verdict {
	if conflict {
		return verdict{hold: "A22", detail: fmt.Sprintf("two different registers were reported for %s", stamp(at.At))}
	}
	elapsed := time.Duration(at.At-prev.At) * time.Millisecond
	rules := register.Rules{Digits: p.Digits, Multiplier: p.Multiplier, MaxRate: p.MaxRate}
	energy, v := register.Delta(prev.Energy, at.Energy, elapsed, rules)
	facts := audit.Facts{
		HasPrevious: true, Previous: prev.Energy, PreviousAt: clock(prev.At), Register: at.Energy, At: clock(at.At),
		Verdict: v, Energy: energy, Multiplier: p.Multiplier, MaxRate: p.MaxRate, ContractRate: contractRate(of.Capacity),
	}
	facts.Now = facts.At // what depends on the time of arrival is stage 1's and the interlocks' business
	if prev.At == at.At {
		facts.MaxRate, facts.ContractRate = 0, 0 // the opening register of the archive carries no time
	}
	var space [4]audit.Finding
	var flags []audit.Finding
	for _, f := range audit.Check(config.Audit, facts, space[:0]) {
		if f.Action >= audit.HoldTrip { // a reading that no trip may rest on is not current
			return verdict{hold: f.Code, detail: f.Detail}
		}
		flags = append(flags, f)
	}
	if !v.Billable() {
		// Whatever the rules say: what has no energy cannot be billed.
		return verdict{hold: "A01", detail: fmt.Sprintf("register %s after %s: %s", at.Energy, prev.Energy, v)}
	}
	return verdict{energy: energy, rolled: v == register.Rollover, flags: flags}
}

// contractRate is what the contract capacity gives in an hour; 0 when it is not known, or beyond any supply.
func contractRate(watts int64) billing.Energy {
	const mWhPerWatt = 1000
	if watts <= 0 || watts > math.MaxInt64/mWhPerWatt {
		return 0
	}
	return billing.Energy(watts * mWhPerWatt)
}

// keep stores the new readings of a point, with what audit said of them, and brings the list for people in line with the point.
func (r *run) keep(w *work, index uint16, newest int64, records []account.ReadingRecord, held map[int64]verdict) {
	p := &w.state.Points[index]
	for i := range records {
		rec := records[i]
		if rec.Quantity == protocol.ActiveImport {
			if rec.TakenAt <= newest {
				rec.Flags |= account.FlagLate
			}
			if v, ok := held[rec.TakenAt]; ok && seen(rec.Method) {
				rec.Flags |= account.FlagHeld
				if rec.Register == 0 {
					r.find(w, index, v.hold, rec.TakenAt, rec.Value, true, v.detail)
				}
			}
		}
		if rec.Flags&account.FlagUntrusted != 0 && isTotal(&rec) {
			r.find(w, index, "T01", rec.TakenAt, rec.Value, false, "taken at "+stamp(rec.TakenAt)+" by a clock that is not trusted or ahead of ours: stored, never current")
		}
		r.out.Readings = append(r.out.Readings, rec)
	}
	if p.Hold == "" {
		if r.before(w, index).Hold != "" || len(held) > 0 {
			r.release(w, index, account.ClosedByLater)
		}
		return
	}
	if v, ok := held[p.Latest.At]; ok {
		// A late reading may have put one in doubt that was accepted before.
		r.find(w, index, p.Hold, p.Latest.At, int64(p.Latest.Energy), true, v.detail)
	}
}

// unseen leaves out what is stored already, or stands twice in this call: a lane of a new epoch, or a second agent, may bring a reading
// again. The disk is asked only about what is not newer than the newest.
func (r *run) unseen(w *work, index uint16, records []account.ReadingRecord) []account.ReadingRecord {
	old := r.before(w, index)
	out := records[:0]
	for i := range records {
		rec := &records[i]
		if n := len(out); n > 0 && sameKey(rec, &out[n-1]) && rec.Value == out[n-1].Value {
			continue
		}
		newest := old.Latest.At
		switch rec.Quantity {
		case protocol.RelayState:
			newest = old.Relay.At
		case protocol.ClockDrift:
			newest = old.DriftAt
		}
		if (rec.TakenAt <= newest || !seen(rec.Method)) && r.isStored(rec) {
			continue
		}
		out = append(out, *rec)
	}
	return out
}

// before is the point as it was when this call began.
func (r *run) before(w *work, index uint16) account.Point {
	if points := r.facts.State(w.no).Points; int(index) < len(points) {
		return points[index]
	}
	return account.Point{}
}

func sameKey(a, b *account.ReadingRecord) bool {
	return a.Point == b.Point && a.Quantity == b.Quantity && a.Register == b.Register && a.TakenAt == b.TakenAt && seen(a.Method) == seen(b.Method)
}

// isStored says whether the very reading is on disk already: a lane of a new epoch, or a second agent, may bring it again.
func (r *run) isStored(rec *account.ReadingRecord) bool {
	stored, err := r.facts.History(rec.No, rec.Point, rec.Quantity, rec.Register, rec.TakenAt, rec.TakenAt)
	if err != nil {
		return false
	}
	for i := range stored {
		// A trusted clock's word is new where only an untrusted one's is stored.
		if stored[i].TakenAt == rec.TakenAt && stored[i].Value == rec.Value && seen(stored[i].Method) == seen(rec.Method) && stored[i].Flags&account.FlagUntrusted <= rec.Flags&account.FlagUntrusted {
			return true
		}
	}
	return false
}

// Codes that hold a whole account.
const (
	holdPrice  = "C01" // the fee cannot be calculated
	holdTariff = "C02" // no tariff version
	holdCross  = "C03" // the period goes past the end of a tier cycle or a version, and no reading cuts it: estimated whole by what it began with, not billed
	holdBands  = "C04" // the tariff prices by band, and rate registers are missing or do not add up
	holdFacts  = "C05" // the tariff charges for what nobody has told of the account
	holdFee    = "A20" // the fee is not what the tariff's prices can make of the energy
	holdEnergy = "E02" // the registers do not add up
)

// audit looks at the account as a whole: the fee beside its energy, the bands beside the total.
func (r *run) audit(w *work) {
	r.bands(w)
	if !w.priced {
		return
	}
	s := w.state
	// A fee that demand, days or the power factor take part in is not bounded by a price of the kWh.
	if low, high, bounded := w.prices(); w.hold == "" && bounded && s.Energy > 0 {
		var space [4]audit.Finding
		for _, f := range audit.Check(r.config.Audit, audit.Facts{
			FeeKnown: true, Fee: s.Estimate, FeeEnergy: s.Energy, LowPrice: low, HighPrice: high,
		}, space[:0]) {
			if f.Code == holdFee && f.Action >= audit.HoldTrip {
				w.hold, w.detail = f.Code, f.Detail
			}
		}
	}
	if w.hold == s.Hold {
		return
	}
	if s.Hold != "" {
		was := s.Hold
		r.closeFindings(w, func(f *account.Finding) bool { return f.Code == was }, "the fee can be calculated again")
	}
	if s.Hold = w.hold; s.Hold != "" {
		r.find(w, 0, s.Hold, w.now, 0, true, w.detail)
	}
}

// prices is the least and the most that a kWh of the open period can cost; false where something else than energy costs money too.
func (w *work) prices() (low, high billing.Price, bounded bool) {
	if w.tariff == nil || !w.tariff.ByEnergyAlone() {
		return 0, 0, false
	}
	low, high = w.tariff.PriceRange()
	for i := range w.cut {
		v := w.cut[i].charge.By
		if !v.ByEnergyAlone() {
			return 0, 0, false
		}
		least, most := v.PriceRange()
		low, high = min(low, least), max(high, most)
	}
	return low, high, true
}

func ofAccount(code string) bool {
	switch code {
	case holdPrice, holdTariff, holdCross, holdBands, holdFacts, holdFee, holdEnergy:
		return true
	}
	return false
}

// bands flags a total that its rates do not add up to (A07). No price here rests on the rates, so it is a flag, not a hold.
func (r *run) bands(w *work) {
	for lo := 0; lo < len(w.readings); {
		var total, sum billing.Energy
		rates, hi := 0, lo
		for ; hi < len(w.readings) && w.readings[hi].Point == w.readings[lo].Point && w.readings[hi].TakenAt == w.readings[lo].TakenAt; hi++ {
			rec := &w.readings[hi]
			switch {
			case isTotal(rec):
				total = billing.Energy(rec.Value)
			case rec.Quantity == protocol.ActiveImport:
				sum += billing.Energy(rec.Value)
				rates++
			}
		}
		// fee-control.md B1.4: the larger of 1 kWh and 0.5 %.
		if limit := max(billing.Energy(1_000_000), total/200); rates > 0 && total > 0 && (total-sum > limit || sum-total > limit) {
			r.find(w, w.readings[lo].Point, "A07", w.readings[lo].TakenAt, int64(sum-total), false, fmt.Sprintf("rates add up to %s, the total is %s", sum, total))
		}
		lo = hi
	}
}

// alikeMax bounds the open findings of one code at one point: what is wrong with each poll is one matter for a person, not thousands.
const alikeMax = 16

// find records a finding once.
func (r *run) find(w *work, point uint16, code string, at, value int64, hold bool, detail string) {
	same := func(f *account.Finding) bool { return f.Point == point && f.Code == code && f.At == at }
	alike := 0
	mine := r.findings(w)
	for i := range mine {
		f := &mine[i]
		if same(f) {
			f.Closed, f.ClosedBy = 0, ""
			return
		}
		if f.Point == point && f.Code == code && f.Closed == 0 {
			alike++
		}
	}
	for _, f := range r.facts.OpenFindings(w.no) {
		if same(&f) {
			return
		}
		if f.Point == point && f.Code == code && !r.hasFinding(w, &f) {
			alike++
		}
	}
	if alike >= alikeMax {
		return
	}
	r.out.Findings = append(r.out.Findings, account.Finding{No: w.no, Point: point, Code: code, Hold: hold, At: at, Found: w.now, Detail: detail, Value: value})
}

// release closes what held a point; the findings stay, with the time and the reason.
func (r *run) release(w *work, point uint16, by string) {
	r.closeFindings(w, func(f *account.Finding) bool { return f.Point == point && !ofAccount(f.Code) }, by)
}

func (r *run) closeFindings(w *work, match func(f *account.Finding) bool, by string) {
	mine := r.findings(w)
	for i := range mine {
		if f := &mine[i]; f.Hold && f.Closed == 0 && match(f) {
			f.Closed, f.ClosedBy = w.now, by
		}
	}
	for _, f := range r.facts.OpenFindings(w.no) {
		if f.Hold && match(&f) && !r.hasFinding(w, &f) {
			f.Closed, f.ClosedBy = w.now, by
			r.out.Findings = append(r.out.Findings, f)
		}
	}
}

// findings are those of one account in the commit so far.
func (r *run) findings(w *work) []account.Finding { return r.out.Findings[w.found:] }

func (r *run) hasFinding(w *work, f *account.Finding) bool {
	mine := r.findings(w)
	for i := range mine {
		if g := &mine[i]; g.Point == f.Point && g.Code == f.Code && g.At == f.At {
			return true
		}
	}
	return false
}

func stamp(ms int64) string { return clock(ms).UTC().Format("2006-01-02 15:04:05 MST") }
