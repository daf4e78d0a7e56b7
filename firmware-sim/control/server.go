package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/firmware-sim/scenario"
	"feikong/firmware-sim/site"
)

// bodyMax bounds a request; the longest has one number in it.
const bodyMax = 4096

// Handler serves a street. Only requests that name a loopback host are answered, so that a page in a browser cannot
// reach it under a name of its own.
func Handler(s *site.Site) http.Handler {
	h := handler{s}
	mux := http.NewServeMux()
	for _, r := range []struct {
		pattern string
		do      func(*http.Request) (any, error)
	}{
		{"GET /meters", h.meters},
		{"GET /lines", h.lines},
		{"GET /frames", h.frames},
		{"GET /meters/{line}/{address}/freezes", h.freezes},
		{"GET /meters/{line}/{address}/lockouts", h.lockouts},
		{"POST /meters/{line}/{address}/{verb}", h.meter},
		{"POST /lines/{line}/{verb}", h.line},
	} {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, q *http.Request) { answer(w, q, r.do) })
	}
	return mux
}

type handler struct{ site *site.Site }

// fault is an error with its HTTP status.
type fault struct {
	status int
	text   string
}

func (f *fault) Error() string { return f.text }

func faultf(status int, format string, args ...any) error {
	return &fault{status, fmt.Sprintf(format, args...)}
}

func answer(w http.ResponseWriter, q *http.Request, do func(*http.Request) (any, error)) {
	w.Header().Set("Content-Type", "application/json")
	host, _, err := net.SplitHostPort(q.Host)
	if err != nil {
		host = q.Host
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		w.WriteHeader(http.StatusMisdirectedRequest)
		_ = json.NewEncoder(w).Encode(problem{"not the loopback address"})
		return
	}
	out, err := do(q)
	if err != nil {
		status := http.StatusBadRequest
		var f *fault
		if errors.As(err, &f) {
			status = f.status
		}
		w.WriteHeader(status)
		out = problem{err.Error()}
	}
	_ = json.NewEncoder(w).Encode(out) // the client went away: nothing to tell it
}

func (h handler) meters(*http.Request) (any, error) {
	out := []Meter{}
	now := time.Now()
	for _, l := range h.site.Lines() {
		for _, m := range l.Meters() {
			out = append(out, h.row(l, m, now))
		}
	}
	return out, nil
}

func (h handler) row(l *bus.Line, m *meter.Meter, now time.Time) Meter {
	v := m.View(now)
	_, address, _ := strings.Cut(h.site.Key(m), "/")
	out := Meter{
		Line: l.Name(), Address: address, KWh: scenario.FormatKWh(v.EnergymWh), ReverseKWh: scenario.FormatKWh(v.ReversemWh), LoadW: v.LoadW,
		RelayOpen: v.Open, Permitted: v.Permitted, TripPending: v.TripPending, Hold: v.Hold, Plugged: v.Plugged, Powered: v.Powered,
		Programming: v.Programming, TripFrames: v.TripFrames, CloseFrames: v.CloseFrames, Clock: v.Clock, Baud: v.Baud, Parity: v.Parity, Wire: v.Wire,
	}
	if v.KeepsMoney {
		out.Money = scenario.FormatMoney(v.MoneyE4)
	}
	return out
}

func (h handler) lines(*http.Request) (any, error) {
	out := []Line{}
	for _, l := range h.site.Lines() {
		out = append(out, lineRow(l))
	}
	return out, nil
}

func lineRow(l *bus.Line) Line {
	f, at := l.Faults(), l.Place()
	return Line{l.Name(), at.Kind, at.Address, float64(f.Noise), !bool(f.Cut), f.Map(), l.FrameCount()}
}

func (h handler) frames(q *http.Request) (any, error) {
	l, err := h.find(q.FormValue("line"))
	if err != nil {
		return nil, err
	}
	after := uint64(0)
	if s := q.FormValue("after"); s != "" {
		if after, err = strconv.ParseUint(s, 10, 64); err != nil {
			return nil, faultf(http.StatusBadRequest, "after %q: want the number of a frame", s)
		}
	}
	out := []Frame{}
	for _, f := range l.Frames(after) {
		out = append(out, Frame{f.N, f.At, f.From, fmt.Sprintf("% X", f.Wire), f.Note})
	}
	return out, nil
}

func (h handler) find(line string) (*bus.Line, error) {
	l, ok := h.site.Line(line)
	if !ok {
		return nil, faultf(http.StatusNotFound, "line %q is not in the scenario", line)
	}
	return l, nil
}

// the finds the meter that a path names.
func (h handler) the(q *http.Request) (*bus.Line, *meter.Meter, error) {
	l, err := h.find(q.PathValue("line"))
	if err != nil {
		return nil, nil, err
	}
	m, ok := l.Meter(q.PathValue("address"))
	if !ok {
		return nil, nil, faultf(http.StatusNotFound, "meter %q is not on line %s", q.PathValue("address"), l.Name())
	}
	return l, m, nil
}

// meter does one verb to one meter and answers with the meter as it is then.
func (h handler) meter(q *http.Request) (any, error) {
	l, m, err := h.the(q)
	if err != nil {
		return nil, err
	}
	var o Order
	if err := read(q, &o); err != nil {
		return nil, err
	}
	now := time.Now()
	for _, v := range meterVerbs {
		if v.name == q.PathValue("verb") {
			if err := v.do(m, o, now); err != nil {
				return nil, err
			}
			h.site.Changed(now)
			return h.row(l, m, now), nil
		}
	}
	return nil, faultf(http.StatusNotFound, "a meter has no verb %q: use %s", q.PathValue("verb"), names(meterVerbs, func(v meterVerb) string { return v.name }))
}

// line does one verb to a whole line.
func (h handler) line(q *http.Request) (any, error) {
	l, err := h.find(q.PathValue("line"))
	if err != nil {
		return nil, err
	}
	var o Order
	if err := read(q, &o); err != nil {
		return nil, err
	}
	for _, v := range lineVerbs {
		if v.name == q.PathValue("verb") {
			now := time.Now()
			if err := v.do(l, o, now); err != nil {
				return nil, err
			}
			h.site.Changed(now)
			return lineRow(l), nil
		}
	}
	return nil, faultf(http.StatusNotFound, "a line has no verb %q: use %s", q.PathValue("verb"), names(lineVerbs, func(v lineVerb) string { return v.name }))
}

// read takes the body, which may be empty.
func read(q *http.Request, o *Order) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, q.Body, bodyMax))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil && !errors.Is(err, io.EOF) {
		return faultf(http.StatusBadRequest, "body: %v", err)
	}
	return nil
}
