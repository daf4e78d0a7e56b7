// Package control is how a person or a test reaches into a running street: a small HTTP interface on the loopback
// address, and the client of it.
package control

import (
	"time"

	"feikong/firmware-sim/bus"
)

// Endpoint is what `serve` prints and writes to DIR/sim.json.
type Endpoint struct {
	Control string               `json:"control"`
	Lines   map[string]bus.Place `json:"lines"` // name to where masters find it
}

// EndpointFile is its name in the street's folder.
const EndpointFile = "sim.json"

// Meter is a row of GET /meters.
type Meter struct {
	Line        string    `json:"line"`
	Address     string    `json:"address"` // with #2 for the second of that address
	KWh         string    `json:"kwh"`     // decimal, six places
	ReverseKWh  string    `json:"reverse_kwh"`
	LoadW       int64     `json:"load_w"` // drawn now, multiplier included; 0 while open
	RelayOpen   bool      `json:"relay_open"`
	Permitted   bool      `json:"permitted"`
	TripPending bool      `json:"trip_pending"` // an accepted trip waits for its delay or for the current to fall
	Hold        bool      `json:"hold"`
	Plugged     bool      `json:"plugged"`
	Powered     bool      `json:"powered"`
	Programming bool      `json:"programming"`    // the programming button was pressed
	Money       string    `json:"money,omitzero"` // of a meter that keeps it
	Baud        int       `json:"baud,omitzero"`  // where it is not the line's
	Parity      string    `json:"parity,omitzero"`
	Wire        string    `json:"wire,omitzero"` // the address it answers to, where it was given another
	TripFrames  uint64    `json:"trip_frames"`
	CloseFrames uint64    `json:"close_frames"`
	Clock       time.Time `json:"clock"`
}

// Frame is a row of GET /frames.
type Frame struct {
	N    uint64    `json:"n"`
	At   time.Time `json:"at"`
	From string    `json:"from"` // "master", "second" (another master) or "meter"
	Hex  string    `json:"hex"`  // "68 01 01 …", without preamble
	Note string    `json:"note,omitzero"`
}

// Line is a row of GET /lines.
type Line struct {
	Name    string            `json:"name"`
	Kind    string            `json:"kind"` // as bus.Place
	Port    string            `json:"port"` // a path or host:port
	Noise   float64           `json:"noise"`
	Plugged bool              `json:"plugged"`
	Faults  map[string]string `json:"faults"` // those that are on
	Frames  uint64            `json:"frames"` // number of the last
}

// Freeze is a daily freeze 日冻结 as the meter tells it over its protocol.
type Freeze struct {
	Nth int    `json:"nth"` // 1 newest
	At  string `json:"at"`  // the meter's clock, "2026-07-01 00:00"
	KWh string `json:"kwh"`
}

// Lockout is a password level and the wrong passwords it has seen.
type Lockout struct {
	Level  int       `json:"level"`
	Wrong  int       `json:"wrong"`
	Locked time.Time `json:"locked,omitzero"` // after the fifth: for 24 hours from then on no password of the level is taken
}

// Order is the body of a POST; each verb reads its own field.
type Order struct {
	KWh    *string  `json:"kwh,omitempty"`    // set
	W      *int64   `json:"w,omitempty"`      // load, before the multiplier
	On     *bool    `json:"on,omitempty"`     // hold, power, cover
	Offset *string  `json:"offset,omitempty"` // clock, "90s"
	Time   *string  `json:"time,omitempty"`   // time, "2026-07-01 12:00:00" in the meter's zone
	For    *string  `json:"for,omitempty"`    // press (3s), delay, dying
	Amount *string  `json:"amount,omitempty"` // charge
	Baud   *int     `json:"baud,omitempty"`   // framing, 0 the line's
	Parity *string  `json:"parity,omitempty"` // framing, "even", "odd", "none", "" the line's
	To     *string  `json:"to,omitempty"`     // address: the new one
	Rate   *float64 `json:"rate,omitempty"`   // noise, 0 to 1
	Fault  *string  `json:"fault,omitempty"`  // fault: its name
	Value  *string  `json:"value,omitempty"`  // fault: what it becomes, "off" for good
}

type problem struct {
	Error string `json:"error"`
}
