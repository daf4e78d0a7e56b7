// Package scenario reads what a simulated street is made of: lines, how they misbehave, and the meters on them. Only what was checked
// leaves the package.
package scenario

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/internal/daemon"
	"feikong/internal/document"
	"feikong/protocol/modbusmap"
)

// Scenario is a checked street.
type Scenario struct {
	Lines []Line
}

// Line is one line with its meters.
type Line struct {
	Bus    bus.Config
	Faults bus.Faults
	Place  bus.Place // where masters find it; Kind is "pty", "tcp", "modbus-tcp" or "serial", the address of a pty is the site's
	Meters []meter.Config
}

// file is the YAML as written; docs/firmware-sim.md explains every key.
type file struct {
	Seed      int64        `yaml:"seed"`
	UTCOffset at[string]   `yaml:"utc_offset"`
	Models    at[[]string] `yaml:"models"`
	Lines     []fileLine   `yaml:"lines"`
}

// at is a value with its line.
type at[T any] = document.Of[T]

// common is what all lines of a scenario share.
type common struct {
	seed   uint64
	loc    *time.Location
	models modbusmap.Catalogue
}

// Bounds of a scenario.
const (
	// linesMax is what a machine's file descriptors (1024 by default) carry: a pseudo-terminal takes two, a connection one.
	linesMax = 256
	// metersMax is what transceivers of 1/8 unit load allow on one line; Modbus knows 247 addresses.
	metersMax = 256
	// allMax keeps the process below 1 GB: a meter with its freezes and records takes up to 20 kB, and up to 3 kB in the saved state.
	allMax = 20_000
)

// Load reads and checks a scenario file. An unknown key is refused with its line and the nearest valid key.
func Load(path string) (Scenario, error) {
	var f file
	if err := daemon.Load(path, &f); err != nil {
		return Scenario{}, err
	}
	return f.named(path, filepath.Dir(path))
}

// Read is Load for a document that is in memory; name is what errors call it.
func Read(name string, data []byte) (Scenario, error) {
	var f file
	if err := document.Decode(name, data, &f); err != nil {
		return Scenario{}, err
	}
	return f.named(name, "")
}

func (f file) named(name, dir string) (Scenario, error) {
	s, err := f.check(dir)
	if err != nil {
		return Scenario{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func (f file) check(dir string) (Scenario, error) {
	loc, err := location(f.UTCOffset.Value)
	if err != nil {
		return Scenario{}, fmt.Errorf("line %d: %w", f.UTCOffset.Line, err)
	}
	models, err := catalogue(dir, f.Models.Value)
	if err != nil {
		return Scenario{}, fmt.Errorf("line %d: %w", f.Models.Line, err)
	}
	with := common{uint64(f.Seed), loc, models}
	var s Scenario
	seen := map[string]bool{}
	all := 0
	for i, fl := range f.Lines {
		count := 1
		if fl.Count != nil {
			count = *fl.Count
		}
		if count < 1 || count > linesMax {
			return Scenario{}, fmt.Errorf("line %d: lines[%d] (name %q): count %d: want 1 to %d", fl.At, i, fl.Name, count, linesMax)
		}
		for nth := range count {
			l, err := fl.check(fl.name(nth, count), nth, with)
			if err != nil {
				var fault *meterFault
				at := int(fl.At)
				if errors.As(err, &fault) {
					at = fault.at
				}
				return Scenario{}, fmt.Errorf("line %d: lines[%d] (name %q): %w", at, i, fl.Name, err)
			}
			if seen[l.Bus.Name] {
				return Scenario{}, fmt.Errorf("line %d: name %q: two lines have it", fl.At, l.Bus.Name)
			}
			seen[l.Bus.Name] = true
			s.Lines = append(s.Lines, l)
			if all += len(l.Meters); all > allMax {
				return Scenario{}, fmt.Errorf("line %d: %d meters, want at most %d in one scenario", fl.At, all, allMax)
			}
		}
	}
	if len(s.Lines) == 0 || len(s.Lines) > linesMax {
		return Scenario{}, fmt.Errorf("lines: have %d, want 1 to %d", len(s.Lines), linesMax)
	}
	return s, nil
}

// name is l for one line, l001 to l100 for a hundred.
func (fl fileLine) name(nth, count int) string {
	if count == 1 {
		return fl.Name
	}
	return fmt.Sprintf("%s%0*d", fl.Name, len(strconv.Itoa(count)), nth+1)
}

// location reads "+08:00"; empty is the machine's own zone, which the agent beside us reads as well.
func location(offset string) (*time.Location, error) {
	if offset == "" {
		return time.Local, nil
	}
	t, err := time.Parse("-07:00", offset)
	if err != nil {
		return nil, fmt.Errorf("utc_offset %q: want a form like +08:00", offset)
	}
	_, seconds := t.Zone()
	return time.FixedZone(offset, seconds), nil
}

// choices are the words a key takes; the first is the default.
var choices = map[string][]string{
	"protocol":    {"", string(bus.DLT645), string(bus.Modbus)},
	"parity":      {"even", "odd", "none"},
	"switch":      {string(meter.SwitchDirect), string(meter.SwitchPermit), string(meter.SwitchNone)},
	"edition":     {string(meter.Edition2007), string(meter.Edition1997), string(meter.EditionBoth)},
	"contact_bit": {"true", string(meter.ContactInverted), string(meter.ContactNever)},
}

func choose(key, value string) (string, error) {
	words := choices[key]
	if value == "" && words[0] != "" {
		return words[0], nil
	}
	if value != "" && slices.Contains(words, value) {
		return value, nil
	}
	return "", fmt.Errorf("%s %q: want one of %s", key, value, strings.Trim(strings.Join(words, ", "), ", "))
}

// among reports a number that is not one of those a device can have.
func among(key string, n int, all []int) error {
	if slices.Contains(all, n) {
		return nil
	}
	return fmt.Errorf("%s %d: want one of %v", key, n, all)
}

var bauds = []int{300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}

func mix(seed uint64, name string) uint64 {
	h := seed ^ 14695981039346656037 // FNV-1a
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}
