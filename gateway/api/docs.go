package api

import (
	"bytes"
	_ "embed" // the page's template
	"html/template"
	"net/http"
	"slices"
	"sort"

	"github.com/danielgtaylor/huma/v2"

	"feikong/gateway/api/read"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle []byte

// docsPolicy lets the page load its own style and nothing else.
const docsPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type docsKind struct {
	Name          Kind
	Status        int
	Title, Remedy read.Phrase
}

type docsParam struct{ Name, In, Description string }

type docsRoute struct {
	Method, Path, Summary string
	Params                []docsParam
}

// makeDocs renders the page once: routes and problems do not change while the gateway runs.
func (s *Server) makeDocs() error {
	page, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return err
	}
	var data struct {
		Routes   []docsRoute
		Problems []docsKind
	}
	for _, r := range routes {
		d := docsRoute{Method: r.method, Path: r.path, Summary: r.summary}
		item := s.api.OpenAPI().Paths[r.path]
		op := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodDelete: item.Delete}[r.method]
		for _, p := range op.Parameters {
			d.Params = append(d.Params, docsParam{p.Name, p.In, p.Description})
		}
		data.Routes = append(data.Routes, d)
	}
	for k, w := range kinds {
		data.Problems = append(data.Problems, docsKind{k, w.status, w.title, w.remedy})
	}
	sort.Slice(data.Problems, func(a, b int) bool { return data.Problems[a].Name < data.Problems[b].Name })
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		return err
	}
	s.docs = slices.Clone(out.Bytes())
	serve := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", docsPolicy)
		_, _ = w.Write(s.docs) // the client went away: nobody is left to tell
	}
	s.mux.HandleFunc("GET /docs", serve)
	s.mux.HandleFunc("GET /problems/{kind}", serve)
	s.mux.HandleFunc("GET /docs.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(docsStyle)
	})
	return nil
}
