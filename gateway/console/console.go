// Package console is the gateway's pages for people: server-rendered, in Chinese and English, working without JavaScript and
// live with it. It shows what package api reads and does what package api does; it decides nothing.
package console

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"feikong/gateway/api"
	"feikong/gateway/api/read"
	"feikong/gateway/identity"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// policy lets a page load its own style and script and talk to this gateway; nothing inline, nothing from elsewhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Options of New.
type Options struct {
	API      *api.Server
	Identity *identity.Identity
	Secure   bool // reached over TLS: cookies are marked so
	Log      *slog.Logger
}

// Console serves the pages. Safe for concurrent use.
type Console struct {
	api      *api.Server
	identity *identity.Identity
	secure   bool
	log      *slog.Logger
	pages    *template.Template
	mux      *http.ServeMux
}

// route is one row of the table of pages.
type route struct {
	pattern string
	open    bool // reachable without signing in
	serve   func(*Console, http.ResponseWriter, *http.Request, identity.Person)
}

var routes = []route{
	{"GET /{$}", false, (*Console).overview},
	{"GET /accounts/{account}", false, (*Console).account},
	{"POST /accounts/{account}/{act}", false, (*Console).act},
	{"GET /accounts/{account}/bills/{bill}", false, (*Console).bill},
	{"GET /plant", false, (*Console).plant},
	{"GET /sign-in", true, (*Console).signInPage},
	{"POST /sign-in", true, (*Console).signIn},
	{"POST /sign-out", true, (*Console).signOut},
	{"GET /password", false, (*Console).passwordPage},
	{"POST /password", false, (*Console).password},
	{"/", true, (*Console).lost},
}

// New makes the console with every page of the table.
func New(opt Options) (*Console, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	c := &Console{api: opt.API, identity: opt.Identity, secure: opt.Secure, log: opt.Log, mux: http.NewServeMux()}
	var err error
	if c.pages, err = template.ParseFS(templates, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("parse the pages: %w", err)
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		return nil, fmt.Errorf("open the pages' files: %w", err)
	}
	c.mux.Handle("GET /static/{file}", http.StripPrefix("/static/", http.FileServerFS(files)))
	for _, r := range routes {
		c.mux.Handle(r.pattern, c.gate(r))
	}
	return c, nil
}

// ServeHTTP answers a page. It must stand behind identity.Sessions and the protection against other sites: api.Server.Protect.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if !strings.HasPrefix(r.URL.Path, "/static/") {
		h.Set("Cache-Control", "no-store")
	}
	c.mux.ServeHTTP(w, r)
}

// langCookie keeps the language a person chose.
const langCookie = "feikong_lang"

// gate finds the language and the person, and sends who has not signed in to the door.
func (c *Console) gate(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx := read.WithLang(req.Context(), c.language(w, req))
		req = req.WithContext(ctx)
		p, err := c.identity.Authenticate(req)
		switch {
		case err != nil && !errors.Is(err, identity.ErrNobody):
			c.fail(w, req, identity.Person{}, err)
			return
		case err != nil && !r.open:
			http.Redirect(w, req, "/sign-in?next="+url.QueryEscape(req.URL.Path), http.StatusSeeOther)
			return
		case p.MustChange && !r.open && req.URL.Path != "/password":
			http.Redirect(w, req, "/password", http.StatusSeeOther)
			return
		}
		r.serve(c, w, req, p)
	})
}

// language is that of ?lang=, which is kept, else the kept one, else the browser's.
func (c *Console) language(w http.ResponseWriter, r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang == "zh" || lang == "en" {
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode})
		return lang
	}
	if k, err := r.Cookie(langCookie); err == nil && (k.Value == "zh" || k.Value == "en") {
		return k.Value
	}
	return read.Accept(r.Header.Get("Accept-Language"))
}

// lost answers what is not in the table.
func (c *Console) lost(w http.ResponseWriter, r *http.Request, who identity.Person) {
	p := c.page(r.Context(), who, "lost.title")
	c.render(w, r, http.StatusNotFound, "lost", p)
}

// fail answers an error: a problem as it is, anything else without its detail.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, who identity.Person, err error) {
	p := c.page(r.Context(), who, "failed.title")
	status := http.StatusInternalServerError
	var problem *api.Problem
	if errors.As(err, &problem) {
		p.Problem, status = problem, problem.Status
	} else {
		c.log.Error("page failed", "path", r.URL.Path, "error", err)
	}
	c.render(w, r, status, "failed", p)
}

func lang(ctx context.Context) string { return read.Lang(ctx) }
