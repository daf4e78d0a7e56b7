// Package scenario reads what a simulated street is made of: lines, and the meters on them. Only what was checked leaves
// the package.
package scenario

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/meter"
	"feikong/internal/daemon"
	"feikong/internal/document"
	"feikong/protocol/dlt645"
)

// Scenario is a checked street.
type Scenario struct {
	Lines []Line
}

// Line is one line with its meters.
type Line struct {
	Bus    bus.Config
	Noise  float64 // share of frames that arrive damaged
	Meters []meter.Config
}

// file is the YAML as written; configs/street/sim.yaml explains every key.
type file struct {
	Seed      int64      `yaml:"seed"`
	UTCOffset string     `yaml:"utc_offset"`
	Lines     []fileLine `yaml:"lines"`
}

type fileLine struct {
	At         document.Line
	Name       string         `yaml:"name"`
	Protocol   string         `yaml:"protocol"`
	Baud       int            `yaml:"baud"`
	Parity     string         `yaml:"parity"`
	StopBits   int            `yaml:"stop_bits"`
	ReplyDelay *time.Duration `yaml:"reply_delay"`
	Preamble   *int           `yaml:"preamble"`
	Noise      string         `yaml:"noise"`
	Level      *int           `yaml:"password_level"`
	Password   string         `yaml:"password"`
	Meters     []fileMeter    `yaml:"meters"`
}

type fileMeter struct {
	At          document.Line
	Address     string        `yaml:"address"`
	Model       string        `yaml:"model"`
	KWh         string        `yaml:"kwh"`
	LoadW       int64         `yaml:"load_w"`
	Times       *int64        `yaml:"times"`
	Switch      string        `yaml:"switch"`
	ClockOffset time.Duration `yaml:"clock_offset"`
	Level       *int          `yaml:"password_level"`
	Password    string        `yaml:"password"`
}

// Bounds of a scenario. A line of RS-485 carries 32 unit loads, repeaters four times as many.
const (
	linesMax  = 64
	metersMax = 128
)

// Load reads and checks a scenario file. An unknown key is refused with its line and the nearest valid key.
func Load(path string) (Scenario, error) {
	var f file
	if err := daemon.Load(path, &f); err != nil {
		return Scenario{}, err
	}
	s, err := f.check()
	if err != nil {
		return Scenario{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (f file) check() (Scenario, error) {
	loc, err := location(f.UTCOffset)
	if err != nil {
		return Scenario{}, err
	}
	if len(f.Lines) == 0 || len(f.Lines) > linesMax {
		return Scenario{}, fmt.Errorf("lines: have %d, want 1 to %d", len(f.Lines), linesMax)
	}
	var s Scenario
	seen := map[string]bool{}
	for i, fl := range f.Lines {
		l, err := fl.check(uint64(f.Seed), loc)
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
	}
	return s, nil
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
	"protocol": {"", string(bus.DLT645), string(bus.Modbus)},
	"parity":   {"even", "odd", "none"},
	"switch":   {string(meter.SwitchDirect), string(meter.SwitchPermit), string(meter.SwitchNone)},
}

func choose(key, value string) (string, error) {
	words := choices[key]
	if value == "" && words[0] != "" {
		return words[0], nil
	}
	for _, w := range words {
		if w == value && w != "" {
			return w, nil
		}
	}
	return "", fmt.Errorf("%s %q: want one of %s", key, value, strings.Trim(strings.Join(words, ", "), ", "))
}

var bauds = []int{300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}

func (fl fileLine) check(seed uint64, loc *time.Location) (Line, error) {
	c := bus.Config{Name: fl.Name, Baud: fl.Baud, StopBits: fl.StopBits, Delay: 50 * time.Millisecond, Preamble: 4}
	if fl.Name == "" || fl.Name != filepath.Base(fl.Name) || strings.HasPrefix(fl.Name, ".") || len(fl.Name) > 32 || strings.ContainsAny(fl.Name, "/\\\x00 ") {
		return Line{}, fmt.Errorf("name %q: want a short file name, the port gets it", fl.Name)
	}
	protocol, err := choose("protocol", fl.Protocol)
	if err != nil {
		return Line{}, err
	}
	c.Protocol = bus.Protocol(protocol)
	if c.Parity, err = choose("parity", fl.Parity); err != nil {
		return Line{}, err
	}
	if c.Protocol == bus.Modbus {
		c.Delay, c.Preamble = 20*time.Millisecond, 0
	}
	if c.StopBits == 0 {
		c.StopBits = 1
	}
	if fl.ReplyDelay != nil {
		c.Delay = *fl.ReplyDelay
	}
	if fl.Preamble != nil {
		c.Preamble = *fl.Preamble
	}
	known := false
	for _, b := range bauds {
		known = known || b == c.Baud
	}
	switch {
	case !known:
		return Line{}, fmt.Errorf("baud %d: want one of %v", c.Baud, bauds)
	case c.StopBits < 1 || c.StopBits > 2:
		return Line{}, fmt.Errorf("stop_bits %d: want 1 or 2", c.StopBits)
	case c.Delay < 0 || c.Delay > 5*time.Second:
		return Line{}, fmt.Errorf("reply_delay %s: want 0s to 5s", c.Delay)
	case c.Preamble < 0 || c.Preamble > 16 || c.Protocol == bus.Modbus && c.Preamble != 0:
		return Line{}, fmt.Errorf("preamble %d: want 0 to 16 FE bytes, and none on a modbus line", c.Preamble)
	case len(fl.Meters) > metersMax:
		return Line{}, fmt.Errorf("%d meters: a line carries %d", len(fl.Meters), metersMax)
	}
	c.Seed = mix(seed, fl.Name)
	out := Line{Bus: c}
	if fl.Noise != "" {
		if out.Noise, err = strconv.ParseFloat(fl.Noise, 64); err != nil || !(out.Noise >= 0 && out.Noise <= 1) {
			return Line{}, fmt.Errorf("noise %q: want a share of frames, 0 to 1", fl.Noise)
		}
	}
	seen := map[string]int{}
	for i, fm := range fl.Meters {
		if fm.Password == "" {
			fm.Password = fl.Password
		}
		if fm.Level == nil {
			fm.Level = fl.Level
		}
		m, err := fm.check(c, loc)
		if err != nil {
			return Line{}, &meterFault{int(fm.At), fmt.Errorf("meter %d (address %q): %w", i+1, fm.Address, err)}
		}
		if first := seen[m.Address]; first > 0 {
			return Line{}, &meterFault{int(fm.At), fmt.Errorf("address %s stands here again, first on line %d: both meters would answer", m.Address, first)}
		}
		seen[m.Address] = int(fm.At)
		m.Seed = mix(c.Seed, m.Address)
		out.Meters = append(out.Meters, m)
	}
	return out, nil
}

// meterFault is what is wrong with a meter, at its line of the file.
type meterFault struct {
	at  int
	err error
}

func (f *meterFault) Error() string { return f.err.Error() }
func (f *meterFault) Unwrap() error { return f.err }

func (fm fileMeter) check(line bus.Config, loc *time.Location) (meter.Config, error) {
	c := meter.Config{LoadW: fm.LoadW, Times: 1, Offset: fm.ClockOffset, Location: loc}
	var err error
	if fm.KWh != "" {
		if c.EnergymWh, err = KWh(fm.KWh); err != nil {
			return c, err
		}
	}
	if fm.Times != nil {
		c.Times = *fm.Times
	}
	switch {
	case c.LoadW < 0 || c.LoadW > meter.LoadMaxW:
		return c, fmt.Errorf("load_w %d: want 0 to %d", c.LoadW, meter.LoadMaxW)
	case c.Times < 1 || c.Times > meter.TimesMax:
		return c, fmt.Errorf("times %d: want 1 to %d", c.Times, meter.TimesMax)
	case c.Offset < -OffsetMax || c.Offset > OffsetMax:
		return c, fmt.Errorf("clock_offset %s: want at most ten years", c.Offset)
	}
	if line.Protocol == bus.Modbus {
		return c, fm.modbus(&c)
	}
	return c, fm.dlt645(&c)
}

// OffsetMax bounds how wrong a clock may be: it keeps a meter's clock in the century its two-digit years can tell.
const OffsetMax = 10 * 365 * 24 * time.Hour

func (fm fileMeter) dlt645(c *meter.Config) error {
	if fm.Model != "" {
		return fmt.Errorf("model %q: only meters of a modbus line have one", fm.Model)
	}
	a, err := dlt645.ParseAddress(fm.Address)
	if err != nil {
		return err
	}
	if !a.Exact() {
		return fmt.Errorf("address %s: want one meter's, not a wildcard or the broadcast", a)
	}
	c.Address, c.Wire = a.String(), a
	kind, err := choose("switch", fm.Switch)
	if err != nil {
		return err
	}
	c.Switch = meter.Switch(kind)
	level := 2
	if fm.Level != nil {
		level = *fm.Level
	}
	if level < 0 || level > 9 {
		return fmt.Errorf("password_level %d: want 0 to 9", level)
	}
	digits := fm.Password
	if digits == "" {
		digits = "000000"
	}
	p, err := dlt645.ParseAddress(digits) // six digits, the low pair first on the wire, like an address
	if err != nil || len(digits) != 6 || strings.ContainsAny(digits, "Aa") {
		return fmt.Errorf("password: want six digits")
	}
	c.Password = dlt645.Password{Level: byte(level), Digits: [3]byte{p[0], p[1], p[2]}}
	return nil
}

func mix(seed uint64, name string) uint64 {
	h := seed ^ 14695981039346656037 // FNV-1a
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}
