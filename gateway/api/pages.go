package api

import (
	"context"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/api/read"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
)

// Details is an account with its records, from one view. Newest first.
type Details struct {
	Account  wire.Account
	Orders   []wire.Order
	Notices  []wire.Notice
	Ledger   []wire.LedgerEntry
	Bills    []wire.Bill
	Findings []FindingGroup
	Zone     *time.Location // where its days begin
}

// detailsMax bounds each list of Details: what fits a screen; the API has the rest.
const detailsMax = 30

// Details reads an account for a page, in the language of ctx. Errors are *Problem.
func (s *Server) Details(ctx context.Context, id string) (Details, error) {
	var d Details
	lang := read.Lang(ctx)
	err := s.viewAccount(ctx, id, func(v store.View, no account.No, p *account.Profile) (err error) {
		d.Zone = zone(v)
		if d.Account, err = s.memory.Account(v, no, time.Now(), lang); err != nil {
			return err
		}
		orders, err := v.Orders(no)
		if err != nil {
			return err
		}
		d.Orders = newest(orders, func(o account.OrderRecord) wire.Order { return read.Order(p, o, lang) })
		notices, err := v.Notices(no)
		if err != nil {
			return err
		}
		d.Notices = newest(notices, func(n account.NoticeRecord) wire.Notice { return read.Notice(n, lang) })
		entries, err := v.Ledger(no)
		if err != nil {
			return err
		}
		d.Ledger = newest(entries, func(e account.LedgerEntry) wire.LedgerEntry { return read.LedgerEntry(e, lang) })
		bills, err := v.Bills(no)
		if err != nil {
			return err
		}
		d.Bills = newest(bills, func(b account.Bill) wire.Bill { return read.Bill(p, b, lang) })
		findings, err := v.Findings(no)
		if err != nil {
			return err
		}
		d.Findings = grouped(findings, func(f account.Finding) wire.Finding { return read.Finding(p, f, lang) })
		return nil
	})
	return d, err
}

// FindingGroup is the newest of findings that follow each other and say the same: a register that stands wrong is found again
// with each reading, and a person reads of it once.
type FindingGroup struct {
	wire.Finding
	Count int
	First time.Time // reading of the oldest
}

// grouped is the newest groups of a list of findings, last first.
func grouped(in []account.Finding, f func(account.Finding) wire.Finding) []FindingGroup {
	var out []FindingGroup
	var last *account.Finding // of the group that is open
	for i := len(in) - 1; i >= 0; i-- {
		x := &in[i]
		if last != nil && last.Point == x.Point && last.Code == x.Code && last.Hold == x.Hold && (last.Closed == 0) == (x.Closed == 0) && last.ClosedBy == x.ClosedBy {
			g := &out[len(out)-1]
			g.Count++
			g.First = time.UnixMilli(x.At).UTC()
			continue
		}
		if len(out) == detailsMax {
			break
		}
		w := f(*x)
		out, last = append(out, FindingGroup{Finding: w, Count: 1, First: w.At}), x
	}
	return out
}

// Zone is where the days of the gateway's accounts begin.
func (s *Server) Zone(ctx context.Context) *time.Location {
	z := time.UTC
	// Without the store the page fails on its own reading; the zone is not worth a second error.
	_ = s.store.View(ctx, func(v store.View) error { z = zone(v); return nil })
	return z
}

// newest is the end of a list, last first.
func newest[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, min(len(in), detailsMax))
	for i := len(in) - 1; i >= 0 && len(out) < detailsMax; i-- {
		out = append(out, f(in[i]))
	}
	return out
}

// Plant is what is known of the agents and what they could not do, newest first.
type Plant struct {
	Agents     []wire.Agent
	Alarms     []wire.Alarm
	FieldWork  []wire.FieldWork
	Gaps       []wire.Gap
	Quarantine []wire.Quarantined
}

// Plant reads the agents for a page. Errors are *Problem.
func (s *Server) Plant(ctx context.Context) (Plant, error) {
	var p Plant
	lang := read.Lang(ctx)
	var err error
	if p.Agents, err = s.Agents(ctx); err != nil {
		return Plant{}, err
	}
	err = s.view(ctx, func(v store.View) error {
		alarms, err := v.Alarms(detailsMax)
		if err != nil {
			return err
		}
		gaps, err := v.Gaps(detailsMax)
		if err != nil {
			return err
		}
		quarantine, err := v.Quarantine(detailsMax)
		if err != nil {
			return err
		}
		if p.FieldWork, err = fieldWork(v, detailsMax, lang); err != nil {
			return err
		}
		p.Alarms, p.Gaps, p.Quarantine = each(alarms, inLang(read.Alarm, lang)), each(gaps, inLang(read.Gap, lang)), each(quarantine, inLang(read.Quarantined, lang))
		return nil
	})
	return p, err
}
