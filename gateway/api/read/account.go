// Package read turns durable facts into the wire form that the REST API and the console show. It only reads.
package read

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
	"feikong/protocol"
)

// Account is the account's facts as of now, in a language.
func (m Memory) Account(v store.View, no account.No, now time.Time, lang string) (wire.Account, error) {
	p, s := v.Profile(no), v.State(no)
	if p == nil || s == nil {
		return wire.Account{}, fmt.Errorf("account number %d: %w", no, store.ErrNotFound)
	}
	archived, err := m.profile(v, p)
	if err != nil {
		return wire.Account{}, err
	}
	stage := s.Episode.Stage.String()
	a := archived
	a.Stage, a.StageText, a.Since = stage, Stages.In(lang, stage), at(s.Episode.Since)
	a.Blocks, a.Points, a.Tags, a.Holds, a.Findings = []wire.Block{}, []wire.Point{}, []wire.Tag{}, []wire.Hold{}, []wire.Finding{}
	a.Episode = wire.Episode{Number: s.Episode.No, Warning: s.Episode.Warning, Reminder: s.Episode.Reminder,
		Deadline: at(s.Episode.Deadline), DeliveredAt: at(s.Episode.DeliveredAt)}
	a.Period = wire.Period{Number: s.Period, From: at(s.PeriodStart), Energy: s.Energy.String(), Tier: s.Tier,
		CycleStart: at(s.CycleStart), CycleBefore: s.CycleBefore.String()}
	a.Version, a.AsOf = s.Version, now.UTC()
	if s.Hold != "" {
		a.Held, a.HeldText = s.Hold, finding(lang, s.Hold)
	}
	for _, code := range s.Episode.Blocks {
		a.Blocks = append(a.Blocks, wire.Block{Code: code, Reason: Blocks.In(lang, code)})
	}
	if s.Episode.Task != "" {
		a.Task, a.TaskText = s.Episode.Task, Tasks.In(lang, s.Episode.Task)
	}
	if a.Balance, err = m.balance(v, p, s); err != nil {
		return wire.Account{}, fmt.Errorf("account %s: %w", p.ID, err)
	}
	for i := range p.Points {
		var state account.Point
		if i < len(s.Points) {
			state = s.Points[i]
		}
		a.Points = append(a.Points, point(archived.Points[i], &state, now, lang))
	}
	guard(&a, &s.Guard, lang)
	findings, err := v.Findings(no)
	if err != nil {
		return wire.Account{}, fmt.Errorf("findings of account %s: %w", p.ID, err)
	}
	for i := len(findings) - 1; i >= 0 && len(a.Findings) < openFindingsMax; i-- {
		if f := findings[i]; f.Closed == 0 {
			a.Findings = append(a.Findings, Finding(p, f, lang))
		}
	}
	return a, nil
}

// openFindingsMax bounds the open findings in an account, newest first: a register that stands wrong for a day is found anew with each
// reading. The list of findings has them all.
const openFindingsMax = 20

func point(w wire.Point, s *account.Point, now time.Time, lang string) wire.Point {
	w.Reading, w.Held, w.DriftMS, w.Order, w.Relay = reading(s.Current, now), s.Hold, s.Drift, s.Order, relay(s.Relay, now, lang)
	if s.Hold != "" {
		w.HeldText, w.Latest = finding(lang, s.Hold), reading(s.Latest, now)
	}
	for _, t := range s.TripsAt {
		if t != 0 {
			w.TripsAt = append(w.TripsAt, at(t))
		}
	}
	return w
}

func reading(r account.Register, now time.Time) *wire.Reading {
	if r.At == 0 {
		return nil
	}
	return &wire.Reading{At: at(r.At), KWh: r.Energy.String(), AgeS: age(r.At, now)}
}

func relay(r account.Relay, now time.Time, lang string) wire.Relay {
	w := wire.Relay{State: "unknown", Mode: "unknown", Ours: r.Ours, At: at(r.At)}
	if r.Known {
		w.State, w.Mode, w.AgeS = "closed", "own", age(r.At, now)
		if r.Open {
			w.State = "open"
		}
		switch {
		case r.PowerHold:
			w.Mode = "forced_closed"
		case r.CommandOpen:
			w.Mode = "forced_open"
		}
	}
	w.StateText, w.ModeText = Relays.In(lang, w.State), Modes.In(lang, w.Mode)
	return w
}

func guard(a *wire.Account, g *account.Guard, lang string) {
	if g.Protected {
		a.Protected = &wire.Protection{By: g.ProtectedBy, Note: g.ProtectNote}
	}
	for _, t := range g.Tags {
		kind := tagWord(t.Kind)
		a.Tags = append(a.Tags, wire.Tag{ID: t.ID, Kind: kind, KindText: Tags.In(lang, kind), Holder: t.Holder, Work: t.Work, At: at(t.At)})
	}
	for _, h := range g.Holds {
		a.Holds = append(a.Holds, wire.Hold{ID: h.ID, Reason: h.Reason, By: h.By, At: at(h.At)})
	}
}

// Finding is what audit found, in a language.
func Finding(p *account.Profile, f account.Finding, lang string) wire.Finding {
	w := wire.Finding{Point: PointID(p, f.Point), Code: f.Code, Text: finding(lang, f.Code), Hold: f.Hold, At: at(f.At), Found: at(f.Found),
		Detail: f.Detail, KWh: billing.Energy(f.Value).String(), Closed: at(f.Closed), ClosedBy: f.ClosedBy}
	if lang == "zh" { // audit's own sentence is English; the code's words and the register say the same
		w.Detail = ""
		if f.Value != 0 {
			w.Detail = "示数 " + w.KWh + " kWh"
		}
		if f.ClosedBy == account.ClosedByLater {
			w.ClosedBy = "后来的读数被接受"
		}
	}
	return w
}

// PointID is the name of a profile's point, or its index when the profile does not have it.
func PointID(p *account.Profile, i uint16) string {
	if p != nil && int(i) < len(p.Points) {
		return p.Points[i].ID
	}
	return fmt.Sprintf("#%d", i)
}

func meter(m protocol.MeterRef) wire.Meter {
	return wire.Meter{Line: m.Line, Address: m.Address, Channel: m.Channel}
}

// at turns unix ms into UTC; 0 stays the zero time, which the wire leaves out.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func age(ms int64, now time.Time) int64 {
	return max(0, int64(now.Sub(time.UnixMilli(ms))/time.Second))
}

func tagWord(k account.TagKind) string {
	switch k {
	case account.TagNoTrip:
		return "no_trip"
	case account.TagNoClose:
		return "no_close"
	}
	return fmt.Sprintf("kind %d", k)
}
