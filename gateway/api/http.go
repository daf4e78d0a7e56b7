package api

import (
	"log/slog"
	"net/http"
	"time"

	"feikong/gateway/api/read"
)

// Limits of the HTTP server: a client that dawdles is cut off before it holds a connection for nothing. Event streams set
// their own deadlines.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 60 * time.Second // a commit on a slow disk, and a long list on a slow line
	idleTimeout   = 2 * time.Minute
	headerMax     = 32 << 10
)

// HTTPServer wraps the gateway's whole HTTP side: sessions, protection against requests from other sites, body and header
// limits. Other routes (console, metrics) hang in mux, which must already hold Handler. Shutting it down ends event streams.
func (s *Server) HTTPServer(mux http.Handler) *http.Server {
	server := &http.Server{
		Handler:           s.Protect(mux),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerMax,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(s.Close)
	return server
}

// Protect puts sessions, body limits and the refusal of cross-origin writes before h. http.CrossOriginProtection looks at
// Sec-Fetch-Site and Origin: programs send neither and pass.
func (s *Server) Protect(h http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := read.WithLang(r.Context(), read.Accept(r.Header.Get("Accept-Language")))
		writeProblem(w, r, newProblem(ctx, CrossOrigin, "", ""))
	}))
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, 4*bodyMax) // a form of the console; the API's own limit is lower
		h.ServeHTTP(w, r)
	})
	return cross.Handler(s.identity.Sessions(limited))
}
