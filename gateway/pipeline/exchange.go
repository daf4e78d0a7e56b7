package pipeline

import (
	"fmt"

	"feikong/gateway/account"
)

// Codes that hold a point until a person accepts a register, whatever is read meanwhile.
const (
	holdMultiplier = "A15" // the archive changed the multiplier
	holdMeter      = "A16" // the archive put another meter there, or reads it elsewhere: there is no removal reading
)

// waitsForPerson says whether only a person ends a hold with this code.
func waitsForPerson(code string) bool { return code == holdMultiplier || code == holdMeter }

// exchange 换表 is a change of a metering point that has been read: from its last accepted register on, registers mean something else.
type exchange struct {
	point  int
	code   string
	detail string
}

// exchanged finds the points of an archive event whose register no longer goes on from the one before (fee-control.md A15, A16).
func (r *run) exchanged(ev *account.Event) {
	for i := range ev.Archive.Profiles {
		next := &ev.Archive.Profiles[i]
		no, ok := r.facts.ByID(next.ID)
		if !ok {
			continue
		}
		old, state := r.facts.Profile(no), r.facts.State(no)
		for k := range old.Points {
			for j := range next.Points {
				a, b := &old.Points[k], &next.Points[j]
				if a.ID != b.ID || k >= len(state.Points) || state.Points[k].Opening.At == 0 {
					continue
				}
				if x, found := compared(k, a, b); found {
					w := r.work(no, ev.Now)
					w.exchange = append(w.exchange, x)
				}
			}
		}
	}
}

func compared(point int, a, b *account.PointProfile) (exchange, bool) {
	switch {
	case a.Meter != b.Meter || a.Agent != b.Agent:
		return exchange{point, holdMeter, fmt.Sprintf("%s: meter %s on line %s of agent %s, before %s on line %s of agent %s", a.ID,
			b.Meter.Address, b.Meter.Line, b.Agent, a.Meter.Address, a.Meter.Line, a.Agent)}, true
	case a.Multiplier != b.Multiplier:
		return exchange{point, holdMultiplier, fmt.Sprintf("%s: multiplier %d, before %d", a.ID, b.Multiplier, a.Multiplier)}, true
	}
	return exchange{}, false
}

// applyExchanges closes the segment at the last accepted register, with what it meant until now, and holds the point. The energy of the
// period does not move; what the new meter or multiplier makes of it, a person decides.
func (r *run) applyExchanges(w *work) {
	for _, x := range w.exchange {
		p, multiplier := &w.state.Points[x.point], w.profile.Points[x.point].Multiplier
		p.Carried += times(p.Current.Energy-p.Anchor.Energy, multiplier)
		p.Lifetime += times(p.Current.Energy-p.SegmentStart.Energy, multiplier)
		p.Anchor, p.SegmentStart, p.Latest, p.Before = p.Current, p.Current, p.Current, nil
		if x.code == holdMeter {
			p.Relay, p.Drift, p.DriftAt = account.Relay{}, 0, 0 // of the meter that was there
		}
		if !waitsForPerson(p.Hold) {
			r.release(w, uint16(x.point), "the metering point was changed in the archive")
			p.Hold = x.code
		}
		r.find(w, uint16(x.point), p.Hold, p.Current.At, int64(p.Current.Energy), true, x.detail)
		w.touched = true
	}
}
