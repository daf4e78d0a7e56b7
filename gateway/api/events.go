package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"feikong/gateway/account"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
)

// Bounds of the event stream.
const (
	listenersMax = 200                    // pages open at once; a control centre has tens
	listenerWait = 64                     // commits a listener may be behind: some seconds; then it is dropped and comes again
	namedMax     = 200                    // accounts named in one event; beyond it the page looks at everything
	eventPace    = 250 * time.Millisecond // commits of this long become one event: people do not read faster
	eventBeat    = 15 * time.Second       // keeps proxies from closing a quiet stream
	eventWrite   = 10 * time.Second       // a client that takes longer to take one event is gone
)

// change is a commit as a listener needs it.
type change struct {
	commit   uint64
	accounts []account.No
}

// hub hands commits to the open event streams.
type hub struct {
	mu        sync.Mutex // guards the two below
	listeners map[chan change]struct{}
	closed    bool
}

func newHub() *hub { return &hub{listeners: map[chan change]struct{}{}} }

// listen gives a bounded channel, closed when the listener is too slow or the hub closes; nil when there are too many.
func (h *hub) listen() chan change {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.listeners) >= listenersMax {
		return nil
	}
	c := make(chan change, listenerWait)
	h.listeners[c] = struct{}{}
	return c
}

func (h *hub) leave(c chan change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.listeners[c]; ok {
		delete(h.listeners, c)
		close(c)
	}
}

func (h *hub) publish(c change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		select {
		case l <- c:
		default:
			delete(h.listeners, l)
			close(l)
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		delete(h.listeners, l)
		close(l)
	}
}

// After tells the open event streams which accounts a commit changed. It is a hook of the door: it never blocks.
func (s *Server) After(changes account.Changes, receipts []account.Receipt) {
	c := change{accounts: touched(changes)}
	for i := range receipts {
		c.commit = max(c.commit, receipts[i].Commit)
	}
	if len(c.accounts) > 0 || len(changes.Quarantine)+len(changes.Gaps)+len(changes.Alarms)+len(changes.FieldWork) > 0 {
		s.hub.publish(c)
	}
}

// touched is the accounts of a commit, each once.
func touched(c account.Changes) []account.No {
	seen := make(map[account.No]struct{}, len(c.States))
	var list []account.No
	add := func(no account.No) {
		if _, ok := seen[no]; !ok {
			seen[no] = struct{}{}
			list = append(list, no)
		}
	}
	for _, x := range c.States {
		add(x.No)
	}
	for _, x := range c.Readings {
		add(x.No)
	}
	for _, x := range c.Orders {
		add(x.No)
	}
	for _, x := range c.Notices {
		add(x.No)
	}
	for _, x := range c.Bills {
		add(x.No)
	}
	for _, x := range c.Findings {
		add(x.No)
	}
	return list
}

// Close ends the event streams, so that the HTTP server can shut down.
func (s *Server) Close() { s.hub.close() }

func (s *Server) registerEvents(r route) {
	op := s.operation(r)
	op.Responses["200"] = &huma.Response{Description: "A stream of server-sent events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: s.api.OpenAPI().Components.Schemas.Schema(typeOf[wire.Commit](), true, "Commit")}}}
	huma.Register(s.api, op, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
		c := s.hub.listen()
		if c == nil {
			return nil, newProblem(ctx, Unavailable, "too many event streams are open", "打开的事件流过多")
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer s.hub.leave(c)
			r, w := humago.Unwrap(hc)
			s.stream(r, w, c)
		}}, nil
	})
}

// stream writes events until the client or the hub goes.
func (s *Server) stream(r *http.Request, w http.ResponseWriter, c <-chan change) {
	out := http.NewResponseController(w)
	// The server's deadlines are for requests that end; this one does not. A writer that has none cannot be stopped by them.
	_ = out.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	send := func(format string, args ...any) bool {
		_ = out.SetWriteDeadline(time.Now().Add(eventWrite))
		if _, err := fmt.Fprintf(w, format, args...); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	if !send("retry: 2000\nevent: hello\ndata: {}\n\n") {
		return
	}
	beat := time.NewTicker(eventBeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if !send(": still here\n\n") {
				return
			}
		case first, ok := <-c:
			if !ok {
				return
			}
			all := gather(r.Context(), first, c)
			data, err := json.Marshal(s.named(r.Context(), all))
			if err != nil || !send("id: %d\nevent: commit\ndata: %s\n\n", all.commit, data) {
				return
			}
		}
	}
}

// gather joins the commits of one pace into one change.
func gather(ctx context.Context, all change, c <-chan change) change {
	pace := time.NewTimer(eventPace)
	defer pace.Stop()
	for {
		select {
		case next, ok := <-c:
			if !ok {
				return all
			}
			all.commit = max(all.commit, next.commit)
			if len(all.accounts) <= namedMax { // beyond it none is named anyway
				all.accounts = append(all.accounts, next.accounts...)
			}
		case <-pace.C:
			return all
		case <-ctx.Done():
			return all
		}
	}
}

// named gives the accounts of a change their IDs.
func (s *Server) named(ctx context.Context, c change) wire.Commit {
	out := wire.Commit{Commit: c.commit}
	if len(c.accounts) > namedMax {
		out.All = true
		return out
	}
	seen := make(map[account.No]bool, len(c.accounts))
	err := s.store.View(ctx, func(v store.View) error {
		for _, no := range c.accounts {
			if p := v.Profile(no); p != nil && !seen[no] {
				seen[no] = true
				out.Accounts = append(out.Accounts, p.ID)
			}
		}
		return nil
	})
	if err != nil {
		out.All = true
	}
	return out
}
