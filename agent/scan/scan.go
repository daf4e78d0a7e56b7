// Package scan finds the meters of a line: DL/T 645-2007 and 1997 by a depth-first search with wildcards (缩位), Modbus
// by asking every unit id. It only reads. What it found is told as it is found, so that a scan that was broken off is
// still worth something.
package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feikong/agent/line"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbusmap"
)

// Protocols a scan can look for.
const (
	DLT645 = "dlt645"
	Modbus = "modbus"
)

// Bus carries exchanges; a *line.Line.
type Bus interface {
	Do(ctx context.Context, x *line.Exchange) error
	Settings() line.Settings
}

// Framing is how characters look on the line. The zero value is the line's own: behind a serial server the far end
// decides.
type Framing struct {
	Baud   int    `json:"baud"`
	Parity string `json:"parity"` // "none", "even", "odd"
}

// String is "2400 even".
func (f Framing) String() string {
	if f.Baud == 0 {
		return "as the line is set"
	}
	return fmt.Sprintf("%d %s", f.Baud, f.Parity)
}

// Options say where to look. Empty framings mean: the line's own.
type Options struct {
	DLT645, Modbus []Framing         // what to try for each protocol; a protocol without any is not looked for
	Window         time.Duration     // how long a meter may take before its first byte; default 500 ms (Td, DL/T 645-2007)
	ModbusWindow   time.Duration     // the same for Modbus; default 300 ms
	First, Last    int               // Modbus unit ids; default 1 to 247
	TCP            bool              // Modbus TCP (MBAP) instead of RTU frames; First and Last then reach from 0 to 255
	Models         []modbusmap.Model // that Modbus meters are compared with; default the built-in ones
	Expect         []string          // DL/T 645 addresses of an installation list, asked for first
	Count          int               // stop when so many meters are found; 0: look to the end
	OneFraming     bool              // leave the other framings of Modbus out once one has devices: a line's master talks one
	Tries          int               // how often a silent node is asked; default 2, and more on a line that damages frames
	Thorough       bool              // also below every node that answered cleanly: a strong meter may hide a weak one
}

const (
	windowDefault       = 500 * time.Millisecond
	modbusWindowDefault = 300 * time.Millisecond
	triesDefault        = 2
	// triesMax bounds what a noisy line costs: with a tenth of all frames damaged five tries miss one meter in 100,000.
	triesMax    = 5
	unitsMax    = 247
	unitsMaxTCP = 255
	// foundMax bounds what is kept: an RS-485 line carries 256 unit loads at best.
	foundMax = 1024
)

// Found is one meter.
type Found struct {
	Framing
	Protocol string   `json:"protocol"`
	Edition  string   `json:"edition,omitempty"` // of DL/T 645: "2007", "1997"
	Address  string   `json:"address"`
	DelayMs  int64    `json:"delay_ms"`             // from the end of the request to the first byte
	Energy   string   `json:"energy_kwh,omitempty"` // forward active total, to compare with the display
	Model    string   `json:"model,omitempty"`      // of Modbus: a table whose registers look plausible
	Probable bool     `json:"probable,omitempty"`   // Model is a guess by plausible values
	Like     []string `json:"like,omitempty"`       // other tables that fit as well
	Voltage  string   `json:"voltage_v,omitempty"`  // what made it plausible
	Clash    bool     `json:"clash,omitempty"`      // two meters have this address 地址冲突
}

// Codes of a Note.
const (
	NoteClash     = "address-clash"  // two meters answer to one address
	NoteForeign   = "second-master"  // a request that we did not send was heard
	NoteGarbage   = "garbage"        // bytes came that are no frames at this framing
	NoteUnnamed   = "address-hidden" // a meter answers, but never tells its address
	NoteNoRetune  = "no-retune"      // the port cannot change its baud rate: other framings were left out
	NoteTwoMeters = "hidden-meter"   // a meter was found below a node that had answered cleanly
	NoteNoise     = "noise"          // frames were damaged that came whole when asked again
)

// Note is something a technician should know besides the list.
type Note struct {
	Code    string  `json:"code"`
	Framing Framing `json:"framing"`
	Detail  string  `json:"detail,omitempty"` // an address, a node, a count
}

// Report is what a scan came to.
type Report struct {
	Found    []Found       `json:"found"`
	Notes    []Note        `json:"notes,omitempty"`
	Probes   int           `json:"probes"`
	Elapsed  time.Duration `json:"-"`
	Complete bool          `json:"complete"` // false: broken off, or stopped at Count
}

// Progress is how far it is. Total grows with every collision; Left is an estimate from what probes have cost so far.
type Progress struct {
	Stage   string // "2400 even, DL/T 645-2007"
	At      string // the node or unit that is being asked
	Done    int
	Total   int
	Found   int
	Elapsed time.Duration
	Left    time.Duration
}

// Watcher hears what happens while a scan runs; either may be nil. Both are called between exchanges and must not block.
type Watcher struct {
	Progress func(Progress)
	Found    func(Found)
}

// ErrStopped says that a scan ended early because its context did.
var ErrStopped = errors.New("scan was stopped")

// ErrMasters says that another master sends requests on the line. Its answers cannot be told from collisions, and ours
// disturb it, so the scan ends.
var ErrMasters = errors.New("another master is on the line")

// foreignMax is how many of its requests are heard before that is believed.
const foreignMax = 3

// errEnough ends a scan that has found what it was told to find.
var errEnough = errors.New("enough found")

// Run scans. The report is valid whatever the error: ErrStopped when ctx ended, or that of a port which failed.
func Run(ctx context.Context, bus Bus, o Options, w Watcher) (Report, error) {
	s := &search{bus: bus, o: o, watch: w, begun: time.Now(), seen: map[dlt645.Address]int{}}
	s.defaults()
	err := s.all(ctx)
	s.report.Elapsed = time.Since(s.begun)
	s.report.Complete = err == nil
	switch {
	case errors.Is(err, errEnough):
		err = nil
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", ErrStopped, ctx.Err())
	}
	return s.report, err
}

// search is one scan. It belongs to the goroutine of Run.
type search struct {
	bus   Bus
	o     Options
	watch Watcher

	framing Framing
	stage   string
	report  Report
	seen    map[dlt645.Address]int // index into report.Found
	begun   time.Time
	done    int           // probes of the plan that are over
	plan    int           // probes foreseen
	cost    time.Duration // of a silent probe, running mean
	broken  int           // frames that came damaged and whole when asked again
	buf     []byte
	foreign int    // requests of another master
	id      uint16 // of the last transaction of Modbus TCP
}

func (s *search) defaults() {
	if s.o.Window <= 0 {
		s.o.Window = windowDefault
	}
	if s.o.ModbusWindow <= 0 {
		s.o.ModbusWindow = modbusWindowDefault
	}
	if s.o.Tries <= 0 {
		s.o.Tries = triesDefault
	}
	s.o.Tries = min(s.o.Tries, triesMax)
	least, most := 1, unitsMax
	if s.o.TCP {
		least, most = 0, unitsMaxTCP
	}
	if s.o.First < least || s.o.First > most {
		s.o.First = 1
	}
	if s.o.Last < s.o.First || s.o.Last > most {
		s.o.Last = unitsMax
	}
	if s.o.Models == nil {
		s.o.Models = modbusmap.Models()
	}
}

// all goes through protocols and framings.
func (s *search) all(ctx context.Context) error {
	roots := len(s.o.DLT645) * len(editions) * rootProbes * s.o.Tries
	s.plan = roots
	for _, f := range s.o.DLT645 {
		for _, e := range editions {
			if err := s.tree(ctx, f, e); s.unusable(err, f) {
				break
			} else if err != nil {
				return err
			}
		}
	}
	return s.modbus(ctx)
}

// unusable notes a framing that the port cannot be set to.
func (s *search) unusable(err error, f Framing) bool {
	if err == nil || !noRetune(err) {
		return false
	}
	s.note(NoteNoRetune, f.String())
	return true
}

// tries is how often a silent node is asked: a damaged request is silence, so a line that damages frames needs more.
func (s *search) tries() int {
	switch {
	case s.broken > 8:
		return min(s.o.Tries+3, triesMax)
	case s.broken > 2:
		return min(s.o.Tries+2, triesMax)
	case s.broken > 0:
		return min(s.o.Tries+1, triesMax)
	}
	return s.o.Tries
}

func (s *search) note(code, detail string) {
	for _, n := range s.report.Notes {
		if n.Code == code && n.Detail == detail && n.Framing == s.framing {
			return
		}
	}
	if len(s.report.Notes) < foundMax {
		s.report.Notes = append(s.report.Notes, Note{Code: code, Framing: s.framing, Detail: detail})
	}
}

// add records a meter and tells it.
func (s *search) add(f Found) error {
	f.Framing = s.framing
	if set := s.bus.Settings(); f.Framing == (Framing{}) && !(s.o.TCP && f.Protocol == Modbus) {
		f.Framing = Framing{set.Baud, set.Parity}
	}
	if len(s.report.Found) >= foundMax {
		return fmt.Errorf("more than %d meters answered; this is no RS-485 line", foundMax)
	}
	s.report.Found = append(s.report.Found, f)
	if s.watch.Found != nil {
		s.watch.Found(f)
	}
	if s.o.Count > 0 && len(s.report.Found) >= s.o.Count {
		return errEnough
	}
	return nil
}

// step counts one probe and tells the progress.
func (s *search) step(at string, took time.Duration) {
	s.report.Probes++
	s.done++
	s.plan = max(s.plan, s.done)
	if s.cost == 0 {
		s.cost = took
	}
	s.cost += (took - s.cost) / 16
	if s.watch.Progress != nil {
		s.watch.Progress(Progress{Stage: s.stage, At: at, Done: s.done, Total: s.plan, Found: len(s.report.Found),
			Elapsed: time.Since(s.begun), Left: time.Duration(s.plan-s.done) * s.cost})
	}
}
