package api

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"feikong/gateway/api/read"
	"feikong/gateway/identity"
)

type personKey struct{}

// authenticate puts the language and the person of a request into its context, or answers 401 or 403.
func (s *Server) authenticate(hc huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(hc)
	ctx := read.WithLang(hc.Context(), read.Accept(r.Header.Get("Accept-Language")))
	p, err := s.identity.Authenticate(r)
	switch {
	case errors.Is(err, identity.ErrNobody):
		w.Header().Set("WWW-Authenticate", `Bearer realm="feikong"`)
		writeProblem(w, r, newProblem(ctx, NotSignedIn, "", ""))
		return
	case err != nil:
		writeProblem(w, r, s.internal(ctx, "authenticate", err))
		return
	case p.MustChange:
		writeProblem(w, r, newProblem(ctx, PasswordChange, "", ""))
		return
	}
	hc.SetHeader("Cache-Control", "no-store")
	hc.SetHeader("Content-Language", read.Lang(ctx))
	next(huma.WithContext(hc, context.WithValue(ctx, personKey{}, p)))
}

// person is who stands behind the request; authenticate has put it there.
func person(ctx context.Context) identity.Person {
	p, _ := ctx.Value(personKey{}).(identity.Person)
	return p
}
