// Package control is how a person or a test reaches into a running street: a small HTTP interface on the loopback
// address, and the client of it.
package control

import "time"

// Endpoint is what `serve` prints and writes to DIR/sim.json.
type Endpoint struct {
	Control string            `json:"control"`
	Lines   map[string]string `json:"lines"` // name to port
}

// EndpointFile is its name in the street's folder.
const EndpointFile = "sim.json"

// Meter is a row of GET /meters.
type Meter struct {
	Line        string    `json:"line"`
	Address     string    `json:"address"`
	KWh         string    `json:"kwh"`    // decimal, six places
	LoadW       int64     `json:"load_w"` // drawn now, multiplier included; 0 while open
	RelayOpen   bool      `json:"relay_open"`
	Permitted   bool      `json:"permitted"`
	Hold        bool      `json:"hold"`
	Plugged     bool      `json:"plugged"`
	TripFrames  uint64    `json:"trip_frames"`
	CloseFrames uint64    `json:"close_frames"`
	Clock       time.Time `json:"clock"`
}

// Frame is a row of GET /frames.
type Frame struct {
	N    uint64    `json:"n"`
	At   time.Time `json:"at"`
	From string    `json:"from"` // "master" or "meter"
	Hex  string    `json:"hex"`  // "68 01 01 …", without preamble
}

// Line is a row of GET /lines.
type Line struct {
	Name    string  `json:"name"`
	Port    string  `json:"port"`
	Noise   float64 `json:"noise"`
	Plugged bool    `json:"plugged"`
	Frames  uint64  `json:"frames"` // number of the last
}

// Order is the body of a POST; each verb reads its own field.
type Order struct {
	KWh    *string  `json:"kwh,omitempty"`    // set
	W      *int64   `json:"w,omitempty"`      // load, before the multiplier
	On     *bool    `json:"on,omitempty"`     // hold
	Offset *string  `json:"offset,omitempty"` // clock, "90s"
	Rate   *float64 `json:"rate,omitempty"`   // noise, 0 to 1
}

type problem struct {
	Error string `json:"error"`
}
