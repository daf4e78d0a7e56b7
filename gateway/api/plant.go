package api

import (
	"context"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/api/read"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
	"feikong/protocol"
)

type limitIn struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

func (s *Server) listQuarantine(ctx context.Context, in *limitIn) (*list[wire.Quarantined], error) {
	var items []wire.Quarantined
	err := s.view(ctx, func(v store.View) error {
		all, err := v.Quarantine(in.Limit)
		items = each(all, inLang(read.Quarantined, read.Lang(ctx)))
		return err
	})
	return listOf(items), err
}

// inLang fixes the language of a reader of records.
func inLang[A, B any](f func(A, string) B, lang string) func(A) B {
	return func(a A) B { return f(a, lang) }
}

func (s *Server) listGaps(ctx context.Context, in *limitIn) (*list[wire.Gap], error) {
	var items []wire.Gap
	err := s.view(ctx, func(v store.View) error {
		all, err := v.Gaps(in.Limit)
		items = each(all, inLang(read.Gap, read.Lang(ctx)))
		return err
	})
	return listOf(items), err
}

func (s *Server) listAlarms(ctx context.Context, in *limitIn) (*list[wire.Alarm], error) {
	var items []wire.Alarm
	err := s.view(ctx, func(v store.View) error {
		all, err := v.Alarms(in.Limit)
		items = each(all, inLang(read.Alarm, read.Lang(ctx)))
		return err
	})
	return listOf(items), err
}

func (s *Server) listFieldWork(ctx context.Context, in *limitIn) (*list[wire.FieldWork], error) {
	var items []wire.FieldWork
	err := s.view(ctx, func(v store.View) (err error) {
		items, err = fieldWork(v, in.Limit, read.Lang(ctx))
		return err
	})
	return listOf(items), err
}

// fieldWork is the newest field work, with the account of each meter.
func fieldWork(v store.View, limit int, lang string) ([]wire.FieldWork, error) {
	all, err := v.FieldWork(limit)
	return each(all, func(f account.FieldWork) wire.FieldWork {
		id := ""
		if p := v.Profile(f.No); f.No != 0 && p != nil {
			id = p.ID
		}
		return read.FieldWork(f, id, lang)
	}), err
}

type auditIn struct {
	After uint64 `query:"after" doc:"Go on after this seq"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

func (s *Server) listAudit(ctx context.Context, in *auditIn) (*list[wire.AuditEntry], error) {
	var items []wire.AuditEntry
	err := s.view(ctx, func(v store.View) error {
		all, err := v.Audit(in.After, in.Limit)
		items = each(all, read.AuditEntry)
		return err
	})
	return listOf(items), err
}

func (s *Server) listAgents(ctx context.Context, _ *struct{}) (*list[wire.Agent], error) {
	items, err := s.Agents(ctx)
	return listOf(items), err
}

// Agents are the agents that are known, with how far their lanes are on disk. Errors are *Problem.
func (s *Server) Agents(ctx context.Context) ([]wire.Agent, error) {
	var items []wire.Agent
	index := map[string]int{}
	add := func(id string, status *protocol.Status) *wire.Agent {
		i, ok := index[id]
		if !ok {
			i = len(items)
			index[id], items = i, append(items, read.Agent(id, status))
		}
		return &items[i]
	}
	if s.agents != nil {
		for _, m := range s.agents() {
			w := add(m.ID, m.Status)
			w.Connected, w.SeenAt = m.Connected, m.SeenAt
		}
	}
	err := s.view(ctx, func(v store.View) error {
		for _, c := range v.Cursors() {
			w := add(c.Agent, nil)
			w.Cursors = append(w.Cursors, read.Cursor(c))
		}
		return nil
	})
	return items, err
}

func (s *Server) runVerify(ctx context.Context, _ *struct{}) (*one[wire.Verification], error) {
	if s.verify == nil {
		return nil, newProblem(ctx, Unavailable, "this gateway was started without verification", "本网关未启用核对")
	}
	out := &one[wire.Verification]{}
	err := s.view(ctx, func(v store.View) error { out.Body = s.verify(v, time.Now()); return nil })
	return out, err
}
