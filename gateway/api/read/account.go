// Package read turns durable facts into the wire form that the REST API and the console show. It only reads.
package read

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/policy"
	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
	"feikong/protocol"
)

// Account is the account's facts as of now, in a language.
func Account(v store.View, no account.No, now time.Time, lang string) (wire.Account, error) {
	p, s := v.Profile(no), v.State(no)
	if p == nil || s == nil {
		return wire.Account{}, fmt.Errorf("account number %d: %w", no, store.ErrNotFound)
	}
	stage := s.Episode.Stage.String()
	a := wire.Account{
		ID: p.ID, Customer: p.Customer, Address: p.Address, Currency: p.Currency, Tariff: p.TariffID, Policy: p.PolicyID,
		Stage: stage, StageText: Stages.In(lang, stage), Since: at(s.Episode.Since),
		Blocks: []wire.Block{}, Points: []wire.Point{}, Tags: []wire.Tag{}, Holds: []wire.Hold{}, Findings: []wire.Finding{},
		Episode: wire.Episode{Number: s.Episode.No, Warning: s.Episode.Warning, Reminder: s.Episode.Reminder,
			Deadline: at(s.Episode.Deadline), DeliveredAt: at(s.Episode.DeliveredAt)},
		Period: wire.Period{Number: s.Period, From: at(s.PeriodStart), Energy: s.Energy.String(), Tier: s.Tier,
			CycleStart: at(s.CycleStart), CycleBefore: s.CycleBefore.String()},
		Version: s.Version, AsOf: now.UTC(),
	}
	if s.Hold != "" {
		a.Held, a.HeldText = s.Hold, finding(lang, s.Hold)
	}
	for _, code := range s.Episode.Blocks {
		a.Blocks = append(a.Blocks, wire.Block{Code: code, Reason: Blocks.In(lang, code)})
	}
	if s.Episode.Task != "" {
		a.Task, a.TaskText = s.Episode.Task, Tasks.In(lang, s.Episode.Task)
	}
	var err error
	if a.Balance, err = balance(v, p, s); err != nil {
		return wire.Account{}, fmt.Errorf("account %s: %w", p.ID, err)
	}
	for i := range p.Points {
		var state account.Point
		if i < len(s.Points) {
			state = s.Points[i]
		}
		a.Points = append(a.Points, point(&p.Points[i], &state, now, lang))
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

func balance(v store.View, p *account.Profile, s *account.State) (wire.Balance, error) {
	var baseline *policy.Policy
	if c := v.Config(); c != nil {
		if b, ok := c.Policies[p.PolicyID]; ok {
			baseline = &b
		}
	}
	credit, b := p.CreditLimit(baseline), s.Balances
	available, err := s.Available(credit)
	if err != nil {
		return wire.Balance{}, err
	}
	return wire.Balance{Advances: b.Advances.String(), Credit: credit.String(), Receivables: b.Receivables.String(),
		Estimate: s.Estimate.String(), Available: available.String(), Held: b.Held.String(),
		Paid: b.Cash.String(), Billed: b.Revenue.String()}, nil
}

func point(p *account.PointProfile, s *account.Point, now time.Time, lang string) wire.Point {
	w := wire.Point{ID: p.ID, Agent: p.Agent, Meter: meter(p.Meter), Model: p.Model, Multiplier: p.Multiplier,
		Reading: reading(s.Current, now), Held: s.Hold, DriftMS: s.Drift, Order: s.Order,
		Relay: relay(s.Relay, now, lang), Switch: wire.Switch{Kind: "none", Trip: p.Switch.Trip, Permit: p.Switch.Permit,
			Close: p.Switch.Close, Feedback: p.Switch.Feedback}}
	if p.Switch.Kind == account.SwitchMeter {
		w.Switch.Kind = "meter"
	}
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
