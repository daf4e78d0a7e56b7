package story

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"feikong/protocol"
)

// Hook is an integrator's webhook: it takes notices and answers 204, which is the evidence of delivery.
type Hook struct {
	URL    string
	server *http.Server

	mu  sync.Mutex
	ids map[string]int // guarded by mu: how often each notice came
}

// NewHook listens on the given loopback address; port 0 takes a free one.
func NewHook(address string) (*Hook, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	h := &Hook{URL: "http://" + l.Addr().String() + "/notices", ids: map[string]int{}}
	h.server = &http.Server{Handler: http.HandlerFunc(h.take), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = h.server.Serve(l) }()
	return h, nil
}

func (h *Hook) take(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var n protocol.Notice
	if err != nil || json.Unmarshal(data, &n) != nil || n.ID == "" {
		http.Error(w, "not a notice", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.ids[n.ID]++
	h.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// Got says how many different notices came.
func (h *Hook) Got() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ids)
}

// Close stops listening.
func (h *Hook) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = h.server.Shutdown(ctx)
}
