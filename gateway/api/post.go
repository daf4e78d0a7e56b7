package api

import (
	"context"
	"errors"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/identity"
)

// receiptOut is the answer of every act. Idempotent-Replay says that the key was known and nothing was done again.
type receiptOut struct {
	Replay string `header:"Idempotent-Replay"`
	Body   wire.Receipt
}

func answer(r wire.Receipt, err error) (*receiptOut, error) {
	if err != nil {
		return nil, err
	}
	out := &receiptOut{Body: r}
	if r.Replay {
		out.Replay = "true"
	}
	return out, nil
}

type payIn struct {
	AccountIn
	Key  string `header:"Idempotency-Key" required:"true" doc:"A text of your own that names this payment for ever: the same key posts once" maxLength:"128"`
	Body wire.Payment
}

func (s *Server) pay(ctx context.Context, in *payIn) (*receiptOut, error) {
	return answer(s.Pay(ctx, person(ctx), in.Account, in.Key, in.Body))
}

type issueIn struct {
	AccountIn
	Body wire.IssueBill
}

func (s *Server) issueBill(ctx context.Context, in *issueIn) (*receiptOut, error) {
	return answer(s.Issue(ctx, person(ctx), in.Account, in.Body.Label))
}

// DecisionIn is the input of a decision with body B.
type DecisionIn[B any] struct {
	AccountIn
	Key  string `header:"Idempotency-Key" doc:"Optional: the same key decides once" maxLength:"128"`
	Body B
}

func (s *Server) decide(ctx context.Context, id, key string, d account.Decision) (*receiptOut, error) {
	return answer(s.Decide(ctx, person(ctx), id, key, d))
}

func (s *Server) protect(ctx context.Context, in *DecisionIn[wire.Reason]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideProtect, Note: in.Body.Note})
}

func (s *Server) unprotect(ctx context.Context, in *DecisionIn[wire.Reason]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideUnprotect, Note: in.Body.Note})
}

// TagKinds by their wire word.
var TagKinds = map[string]account.TagKind{"no_trip": account.TagNoTrip, "no_close": account.TagNoClose}

func (s *Server) addTag(ctx context.Context, in *DecisionIn[wire.NewTag]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideTag, ID: in.Body.ID, Tag: TagKinds[in.Body.Kind], Note: in.Body.Note})
}

type liftIn struct {
	DecisionIn[wire.Lift]
	Tag string `path:"tag" maxLength:"40"`
}

func (s *Server) liftTag(ctx context.Context, in *liftIn) (*receiptOut, error) {
	kind := account.DecideUntag
	if in.Body.ForHolder {
		kind = account.DecideUntagFor
	}
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: kind, ID: in.Tag, Note: in.Body.Note})
}

func (s *Server) addHold(ctx context.Context, in *DecisionIn[wire.NewHold]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideHold, ID: in.Body.ID, Note: in.Body.Note})
}

type releaseIn struct {
	DecisionIn[wire.Reason]
	Hold string `path:"hold" maxLength:"40"`
}

func (s *Server) releaseHold(ctx context.Context, in *releaseIn) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideRelease, ID: in.Hold, Note: in.Body.Note})
}

func (s *Server) acceptReading(ctx context.Context, in *DecisionIn[wire.PointDecision]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideAccept, Point: in.Body.Point, Note: in.Body.Note})
}

func (s *Server) trip(ctx context.Context, in *DecisionIn[wire.Reason]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideTrip, Note: in.Body.Note})
}

func (s *Server) restore(ctx context.Context, in *DecisionIn[wire.Reason]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideClose, Note: in.Body.Note})
}

func (s *Server) taskDone(ctx context.Context, in *DecisionIn[wire.Reason]) (*receiptOut, error) {
	return s.decide(ctx, in.Account, in.Key, account.Decision{Kind: account.DecideTaskDone, Note: in.Body.Note})
}

func (s *Server) me(ctx context.Context, _ *struct{}) (*one[wire.Me], error) {
	p := person(ctx)
	return &one[wire.Me]{Body: wire.Me{Name: p.Name, Role: p.Role, Token: p.Token}}, nil
}

func (s *Server) listTokens(ctx context.Context, _ *struct{}) (*list[wire.Token], error) {
	all, err := s.identity.Tokens(ctx)
	if err != nil {
		return nil, s.internal(ctx, "list tokens", err)
	}
	return listOf(each(all, token)), nil
}

type newTokenIn struct{ Body wire.NewToken }

type madeTokenOut struct {
	Status int
	Body   wire.MadeToken
}

func (s *Server) makeToken(ctx context.Context, in *newTokenIn) (*madeTokenOut, error) {
	t, text, err := s.identity.MakeToken(ctx, person(ctx), in.Body.Name, time.Duration(in.Body.Days)*24*time.Hour)
	if errors.Is(err, identity.ErrTokens) {
		return nil, invalid(ctx, "body.name", err.Error(), "令牌未能建立："+err.Error())
	}
	if err != nil {
		return nil, s.internal(ctx, "make a token", err)
	}
	return &madeTokenOut{Status: 201, Body: wire.MadeToken{Token: token(t), Secret: text}}, nil
}

type tokenIn struct {
	Token string `path:"token" maxLength:"40"`
}

func (s *Server) revokeToken(ctx context.Context, in *tokenIn) (*struct{}, error) {
	err := s.identity.RevokeToken(ctx, person(ctx), in.Token)
	if errors.Is(err, identity.ErrNoToken) {
		return nil, newProblem(ctx, NotFound, "there is no token "+quote(in.Token), "没有令牌 "+quote(in.Token))
	}
	if err != nil {
		return nil, s.internal(ctx, "revoke a token", err)
	}
	return nil, nil
}

func token(t identity.Token) wire.Token {
	w := wire.Token{ID: t.ID, Name: t.Name, User: t.User, Created: time.UnixMilli(t.Created).UTC()}
	if t.Expires != 0 {
		w.Expires = time.UnixMilli(t.Expires).UTC()
	}
	return w
}
