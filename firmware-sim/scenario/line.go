package scenario

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"feikong/firmware-sim/bus"
	"feikong/internal/document"
)

type fileLine struct {
	At         document.Line
	Name       string         `yaml:"name"`
	Count      *int           `yaml:"count"`
	Protocol   string         `yaml:"protocol"`
	TCP        string         `yaml:"tcp"`
	ModbusTCP  string         `yaml:"modbus_tcp"`
	Port       string         `yaml:"port"`
	Baud       int            `yaml:"baud"`
	Parity     string         `yaml:"parity"`
	StopBits   int            `yaml:"stop_bits"`
	ReplyDelay *time.Duration `yaml:"reply_delay"`
	Preamble   *int           `yaml:"preamble"`
	Noise      string         `yaml:"noise"`
	Faults     bus.Faults     `yaml:"faults"`
	DTU        *fileDTU       `yaml:"dtu"`
	Level      *int           `yaml:"password_level"`
	Password   string         `yaml:"password"`
	Meters     []fileMeter    `yaml:"meters"`
}

type fileDTU struct {
	Latency time.Duration `yaml:"latency"`
	Jitter  time.Duration `yaml:"jitter"`
	Split   bus.Share     `yaml:"split"`
	Merge   bus.Share     `yaml:"merge"`
	Hold    time.Duration `yaml:"hold"`
}

func (fl fileLine) check(name string, nth int, with common) (Line, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || len(name) > 32 || strings.ContainsAny(name, "/\\\x00 ") {
		return Line{}, fmt.Errorf("name %q: want a short file name, the port gets it", name)
	}
	c, err := fl.wires(name)
	if err != nil {
		return Line{}, err
	}
	c.Seed = mix(with.seed, name)
	out := Line{Bus: c, Faults: fl.Faults}
	if fl.Noise != "" {
		if fl.Faults.Noise != 0 {
			return Line{}, fmt.Errorf("noise: stands here and under faults; keep one")
		}
		if err := out.Faults.Set("noise", fl.Noise); err != nil {
			return Line{}, err
		}
	}
	if out.Place, err = fl.place(nth); err != nil {
		return Line{}, err
	}
	if out.Bus.DTU, err = fl.DTU.check(out.Place); err != nil {
		return Line{}, err
	}
	if err := out.Faults.Check(out.Place); err != nil {
		return Line{}, fmt.Errorf("faults: %w", err)
	}
	return out, fl.meters(&out, nth, with)
}

// wires checks what the line is by itself.
func (fl fileLine) wires(name string) (bus.Config, error) {
	c := bus.Config{Name: name, Baud: fl.Baud, StopBits: fl.StopBits, Delay: 50 * time.Millisecond, Preamble: 4}
	protocol, err := choose("protocol", fl.Protocol)
	if err != nil {
		return c, err
	}
	c.Protocol = bus.Protocol(protocol)
	if c.Parity, err = choose("parity", fl.Parity); err != nil {
		return c, err
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
	if err := among("baud", c.Baud, bauds); err != nil {
		return c, err
	}
	switch {
	case c.StopBits < 1 || c.StopBits > 2:
		return c, fmt.Errorf("stop_bits %d: want 1 or 2", c.StopBits)
	case c.Delay < 0 || c.Delay > 5*time.Second:
		return c, fmt.Errorf("reply_delay %s: want 0s to 5s", c.Delay)
	case c.Preamble < 0 || c.Preamble > 16 || c.Protocol == bus.Modbus && c.Preamble != 0:
		return c, fmt.Errorf("preamble %d: want 0 to 16 FE bytes, and none on a modbus line", c.Preamble)
	}
	return c, nil
}

// place is where masters find the line; several lines of one entry take one TCP port after the other.
func (fl fileLine) place(nth int) (bus.Place, error) {
	places := []bus.Place{{Kind: "tcp", Address: fl.TCP}, {Kind: "modbus-tcp", Address: fl.ModbusTCP}, {Kind: "serial", Address: fl.Port}}
	at := bus.Place{Kind: "pty"}
	for _, p := range places {
		if p.Address == "" {
			continue
		}
		if at.Kind != "pty" {
			return at, fmt.Errorf("tcp, modbus_tcp, port: a line is found in one place; keep one")
		}
		at = p
	}
	switch {
	case at.Kind == "modbus-tcp" && fl.Protocol != string(bus.Modbus):
		return at, fmt.Errorf("modbus_tcp: only a modbus line speaks it")
	case at.Kind == "serial" && fl.Count != nil && *fl.Count > 1:
		return at, fmt.Errorf("port: one port cannot be %d lines", *fl.Count)
	case at.Kind == "pty" || at.Kind == "serial":
		return at, nil
	}
	if err := bus.Loopback(at.Address); err != nil {
		return at, fmt.Errorf("%s: %w", strings.ReplaceAll(at.Kind, "-", "_"), err)
	}
	var err error
	at.Address, err = NthPort(at.Address, nth)
	return at, err
}

// NthPort is the address with its port counted up by n; port 0, any free one, stays 0.
func NthPort(address string, n int) (string, error) {
	i := strings.LastIndexByte(address, ':')
	port, err := strconv.Atoi(address[i+1:])
	if err != nil || port < 0 || port+n > 65535 {
		return "", fmt.Errorf("address %q: want a port up to 65535, also for the last line", address)
	}
	if port > 0 {
		port += n
	}
	return address[:i+1] + strconv.Itoa(port), nil
}

// delayMax bounds what a DTU or a meter may add.
const delayMax = bus.DelayMax

func (d *fileDTU) check(at bus.Place) (bus.DTU, error) {
	if d == nil {
		return bus.DTU{}, nil
	}
	if at.Kind == "serial" {
		return bus.DTU{}, fmt.Errorf("dtu: %w", bus.ErrRealPort)
	}
	for _, row := range []struct {
		key string
		d   time.Duration
	}{{"latency", d.Latency}, {"jitter", d.Jitter}, {"hold", d.Hold}} {
		if row.d < 0 || row.d > delayMax {
			return bus.DTU{}, fmt.Errorf("dtu: %s %s: want 0s to %s", row.key, row.d, delayMax)
		}
	}
	return bus.DTU{Latency: d.Latency, Jitter: d.Jitter, Split: d.Split, Merge: d.Merge, Hold: d.Hold}, nil
}
