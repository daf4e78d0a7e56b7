// Package api is the gateway's REST interface: accounts as they stand, and events through the one door. It never writes the
// store; what it shows is durable. The document of the interface is at /openapi.json, its page at /docs.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"feikong/gateway/account"
	"feikong/gateway/api/read"
	"feikong/gateway/api/wire"
	"feikong/gateway/identity"
	"feikong/gateway/store"
	"feikong/protocol"
)

// Door is the one way to change an account; settle.Door is one.
type Door interface {
	// Submit waits until the event is on disk or refused.
	Submit(ctx context.Context, ev account.Event) (account.Receipt, error)
}

// AgentStatus is the newest word of an agent, with when it came.
type AgentStatus struct {
	ID        string
	Connected bool
	SeenAt    time.Time        // last packet; zero never
	Status    *protocol.Status // nil: none yet
}

// Options of New. Store, Door and Identity are needed.
type Options struct {
	Store    store.Store
	Door     Door
	Identity *identity.Identity
	Agents   func() []AgentStatus                          // nil: only the lanes on disk are known
	Verify   func(store.View, time.Time) wire.Verification // verify.Run; nil: verification answers 503
	Memory   read.Memory                                   // what readers share; the zero value makes everything anew
	Version  string
	Log      *slog.Logger
}

// Server answers the REST API. Safe for concurrent use.
type Server struct {
	store    store.Store
	door     Door
	identity *identity.Identity
	agents   func() []AgentStatus
	verify   func(store.View, time.Time) wire.Verification
	memory   read.Memory
	log      *slog.Logger
	hub      *hub
	mux      *http.ServeMux
	api      huma.API
	docs     []byte
}

// New makes the server with every route of the table.
func New(opt Options) (*Server, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Version == "" {
		opt.Version = "dev"
	}
	s := &Server{store: opt.Store, door: opt.Door, identity: opt.Identity, agents: opt.Agents, verify: opt.Verify, memory: opt.Memory, log: opt.Log,
		hub: newHub(), mux: http.NewServeMux()}
	s.api = humago.New(s.mux, s.config(opt.Version))
	s.api.UseMiddleware(s.authenticate)
	for _, r := range routes {
		r.register(s, r)
	}
	delete(s.api.OpenAPI().Components.Schemas.Map(), "ErrorModel") // huma's own; ours is Problem
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		ctx := read.WithLang(r.Context(), read.Accept(r.Header.Get("Accept-Language")))
		writeProblem(w, r, newProblem(ctx, NotFound, "there is no route "+r.Method+" "+quote(r.URL.Path), "没有路由 "+r.Method+" "+quote(r.URL.Path)))
	})
	if err := s.makeDocs(); err != nil {
		return nil, fmt.Errorf("make the page of the interface: %w", err)
	}
	return s, nil
}

// config is huma's, without what leaves the machine (its documentation pages load scripts from a CDN).
func (s *Server) config(version string) huma.Config {
	c := huma.DefaultConfig("Feikong 费控", version)
	c.Info.Description = "Remote fee control for electricity. Money is decimal text in the account's currency, energy decimal text in kWh, times RFC 3339. " +
		"Errors are RFC 9457 problems with a stable type and a remedy, in Chinese or English by Accept-Language."
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.Transformers = []huma.Transformer{transformProblem}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token"},
		"session": {Type: "apiKey", In: "cookie", Name: "feikong_session", Description: "The session of the console"},
	}
	c.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	return c
}

// Mount hangs the API, its document and its page into mux: /api/, /openapi.json, /openapi.yaml, /docs and /problems/.
func (s *Server) Mount(mux *http.ServeMux) {
	for _, pattern := range []string{"/api/", "/openapi.json", "/openapi.yaml", "/docs", "/docs.css", "/problems/"} {
		mux.Handle(pattern, s.mux)
	}
}

// view reads the store and turns its errors into problems. f's own problems pass.
func (s *Server) view(ctx context.Context, f func(store.View) error) error {
	err := s.store.View(ctx, f)
	var p *Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		return p
	}
	return s.internal(ctx, "read the store", err)
}

// viewAccount is view with an account found by its ID, or a problem that names it.
func (s *Server) viewAccount(ctx context.Context, id string, f func(store.View, account.No, *account.Profile) error) error {
	return s.view(ctx, func(v store.View) error {
		no, ok := v.ByID(id)
		if !ok {
			return newProblem(ctx, NotFound, "there is no account "+quote(id), "没有户号 "+quote(id))
		}
		return f(v, no, v.Profile(no))
	})
}
