package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
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
			out = append(out, row(l, m, now))
		}
	}
	return out, nil
}

func row(l *bus.Line, m *meter.Meter, now time.Time) Meter {
	v := m.View(now)
	return Meter{
		Line: l.Name(), Address: v.Address, KWh: scenario.FormatKWh(v.EnergymWh), LoadW: v.LoadW, RelayOpen: v.Open,
		Permitted: v.Permitted, Hold: v.Hold, Plugged: v.Plugged, TripFrames: v.TripFrames, CloseFrames: v.CloseFrames, Clock: v.Clock,
	}
}

func (h handler) lines(*http.Request) (any, error) {
	out := []Line{}
	ports := h.site.Ports()
	for _, l := range h.site.Lines() {
		f := l.Faults()
		out = append(out, Line{l.Name(), ports[l.Name()], float64(f.Noise), !bool(f.Cut), l.FrameCount()})
	}
	return out, nil
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
		out = append(out, Frame{f.N, f.At, f.From, fmt.Sprintf("% X", f.Wire)})
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

// meter does one verb to one meter and answers with the meter as it is then.
func (h handler) meter(q *http.Request) (any, error) {
	l, err := h.find(q.PathValue("line"))
	if err != nil {
		return nil, err
	}
	m, ok := l.Meter(q.PathValue("address"))
	if !ok {
		return nil, faultf(http.StatusNotFound, "meter %q is not on line %s", q.PathValue("address"), l.Name())
	}
	var o Order
	if err := read(q, &o); err != nil {
		return nil, err
	}
	now := time.Now()
	switch verb := q.PathValue("verb"); verb {
	case "press":
		if !m.Press(now) {
			return nil, faultf(http.StatusConflict, "the button of meter %s does nothing: the relay is not open and permitted", m.Address())
		}
	case "set":
		if o.KWh == nil {
			return nil, faultf(http.StatusBadRequest, `set: want {"kwh":"100.00"}`)
		}
		mWh, err := scenario.KWh(*o.KWh)
		if err != nil {
			return nil, err
		}
		m.Set(mWh, now)
	case "load":
		if o.W == nil || *o.W < 0 || *o.W > meter.LoadMaxW {
			return nil, faultf(http.StatusBadRequest, `load: want {"w":2000}, 0 to %d`, meter.LoadMaxW)
		}
		m.SetLoad(*o.W, now)
	case "unplug", "plug":
		m.SetPlugged(verb == "plug")
	case "hold":
		if o.On == nil {
			return nil, faultf(http.StatusBadRequest, `hold: want {"on":true}`)
		}
		m.SetHold(*o.On)
	case "clock":
		if o.Offset == nil {
			return nil, faultf(http.StatusBadRequest, `clock: want {"offset":"90s"}`)
		}
		d, err := time.ParseDuration(*o.Offset)
		if err != nil || d > scenario.OffsetMax || d < -scenario.OffsetMax {
			return nil, faultf(http.StatusBadRequest, "clock: offset %q is not a time like 90s or -5m, of at most ten years", *o.Offset)
		}
		m.SetOffset(d, now)
	default:
		return nil, faultf(http.StatusNotFound, "a meter has no verb %q: use press, set, load, unplug, plug, hold, clock", verb)
	}
	return row(l, m, now), nil
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
	switch verb := q.PathValue("verb"); verb {
	case "noise":
		if o.Rate == nil {
			return nil, faultf(http.StatusBadRequest, `noise: want {"rate":0.05}`)
		}
		if err := l.SetNoise(*o.Rate); err != nil {
			return nil, err
		}
	case "unplug", "plug":
		l.SetPlugged(verb == "plug")
	default:
		return nil, faultf(http.StatusNotFound, "a line has no verb %q: use noise, unplug, plug", verb)
	}
	f := l.Faults()
	return Line{l.Name(), h.site.Ports()[l.Name()], float64(f.Noise), !bool(f.Cut), l.FrameCount()}, nil
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
