package edge

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/uplink"
	"feikong/internal/daemon"
	"feikong/internal/document"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// file is agent.yaml as written; Config is what travels on.
type file struct {
	Agent  string     `yaml:"agent"`
	Tenant string     `yaml:"tenant"`
	Data   string     `yaml:"data"`
	Relay  string     `yaml:"relay"`
	Zone   string     `yaml:"zone"`
	Clock  string     `yaml:"clock"`
	Broker brokerFile `yaml:"broker"`
	Lines  []lineFile `yaml:"lines"`
	Models []string   `yaml:"models"`
	Poll   pollFile   `yaml:"poll"`
	Outbox outboxFile `yaml:"outbox"`
	Status statusFile `yaml:"status"`
	Log    logFile    `yaml:"log"`

	History historyFile `yaml:"history"`
}

type brokerFile struct {
	URL      string `yaml:"url"`
	User     string `yaml:"user"`
	Password string `yaml:"password"`
}

type lineFile struct {
	Name     string      `yaml:"name"`
	Port     string      `yaml:"port"`
	Baud     int         `yaml:"baud"`
	Parity   string      `yaml:"parity"`
	StopBits int         `yaml:"stop_bits"`
	Protocol string      `yaml:"protocol"`
	Framing  string      `yaml:"framing"`
	Meters   []meterFile `yaml:"meters"`

	Gap     time.Duration `yaml:"gap"`
	Latency time.Duration `yaml:"latency"`
}

type meterFile struct {
	Line    document.Line
	Address string `yaml:"address"`
	Channel int    `yaml:"channel"`
	Model   string `yaml:"model"`

	// DL/T 645 only.
	Edition  string `yaml:"edition"`
	Baud     int    `yaml:"baud"`
	Parity   string `yaml:"parity"`
	Security string `yaml:"security"`
}

type pollFile struct {
	Interval      time.Duration `yaml:"interval"`
	RelayInterval time.Duration `yaml:"relay_interval"`
	ClockInterval time.Duration `yaml:"clock_interval"`
	Timeout       time.Duration `yaml:"timeout"`
}

type outboxFile struct {
	MaxBytes int64         `yaml:"max_bytes"`
	Keep     time.Duration `yaml:"keep"`
}

type statusFile struct {
	Interval time.Duration `yaml:"interval"`
}

type logFile struct {
	Level string `yaml:"level"`
}

// Config is a checked configuration.
type Config struct {
	Agent, Tenant string
	Data          string // directory
	Bench         bool   // relay: bench
	Zone          *time.Location
	SetClocks     bool // clock: broadcast
	Reread        int  // days of daily freezes that are fetched of a meter nothing is known about
	Broker        uplink.Broker
	Lines         []Line
	Models        modbusmap.Catalogue // built-in and the user's
	Poll          pollFile
	Outbox        outbox.Options
	Status        time.Duration
	LogLevel      string
}

// Line is one checked line.
type Line struct {
	line.Settings
	key      string // of its entry in the file, for errors: "lines[0]"
	Protocol string // "dlt645" or "modbus"
	Framing  modbus.Framing
	Meters   []Meter
}

// Meter is one checked meter of a line.
type Meter struct {
	Ref   protocol.MeterRef
	Model modbusmap.Model // modbus only

	// DL/T 645 only, where the meter differs from its line; zero: it does not.
	Edition string
	Baud    int
	Parity  string
	dlt     []meter.Option // the same for its driver
}

// PasswordVariable overrides broker.password, so that the file need not hold it.
const PasswordVariable = "FEIKONG_BROKER_PASSWORD"

// Load reads and checks a configuration. Relative paths in it are relative to the file's own directory.
func Load(path string) (*Config, error) {
	f := defaults()
	if err := daemon.Load(path, &f); err != nil {
		return nil, err
	}
	if p := os.Getenv(PasswordVariable); p != "" {
		f.Broker.Password = p
	}
	c, err := f.check(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func defaults() file {
	return file{
		Tenant: "default", Relay: "off", Zone: "local", Clock: "off", History: historyFile{RereadDays: 35},
		Poll:   pollFile{Interval: time.Minute, RelayInterval: 5 * time.Minute, ClockInterval: 24 * time.Hour, Timeout: 800 * time.Millisecond},
		Outbox: outboxFile{MaxBytes: 64 << 20, Keep: 168 * time.Hour},
		Status: statusFile{Interval: 5 * time.Second},
	}
}

// check gives all that is wrong at once.
func (f file) check(dir string) (*Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	name := func(key, v string) {
		if v == "" {
			bad("%s: missing", key)
		} else if !isName(v) {
			bad("%s: %q may hold letters, digits, - and _ only: it becomes part of a topic", key, v)
		}
	}
	between := func(key string, v, lo, hi time.Duration) {
		if v < lo || v > hi {
			bad("%s: %v is not between %v and %v", key, v, lo, hi)
		}
	}
	c := &Config{Agent: f.Agent, Tenant: f.Tenant, Poll: f.Poll, LogLevel: f.Log.Level, Status: f.Status.Interval,
		Outbox: outbox.Options{MaxBytes: f.Outbox.MaxBytes, Keep: f.Outbox.Keep},
		Broker: uplink.Broker{URL: f.Broker.URL, User: f.Broker.User, Password: f.Broker.Password}}
	name("agent", f.Agent)
	name("tenant", f.Tenant)
	if f.Data == "" {
		bad("data: missing; it is the directory of the outbox")
	}
	c.Data = within(dir, f.Data)
	host, err := brokerHost(f.Broker.URL)
	if err != nil {
		bad("broker.url: %w", err)
	}
	switch f.Relay {
	case "off":
	case "bench":
		c.Bench, c.Broker.Local = true, true
		if err == nil && !loopback(host) {
			bad("relay: bench accepts unsigned orders and is therefore allowed with a broker on this machine only; broker.url names %s. Use relay: off", host)
		}
	default:
		bad("relay: %q is not off or bench", f.Relay)
	}
	if f.Zone == "local" {
		c.Zone = time.Local
	} else if c.Zone, err = zone(f.Zone); err != nil {
		bad("zone: %w", err)
	}
	switch f.Clock {
	case "off":
	case "broadcast":
		c.SetClocks = true
	default:
		bad("clock: %q is not off or broadcast", f.Clock)
	}
	if c.Reread = f.History.RereadDays; c.Reread < 1 || c.Reread > 62 {
		bad("history.reread_days: %d is not between 1 and 62, the daily freezes a meter keeps", c.Reread)
	}
	between("poll.interval", f.Poll.Interval, time.Second, 24*time.Hour)
	between("poll.relay_interval", f.Poll.RelayInterval, time.Second, 7*24*time.Hour)
	between("poll.clock_interval", f.Poll.ClockInterval, time.Second, 7*24*time.Hour)
	between("poll.timeout", f.Poll.Timeout, 50*time.Millisecond, 10*time.Second)
	between("outbox.keep", f.Outbox.Keep, time.Minute, 365*24*time.Hour)
	between("status.interval", f.Status.Interval, time.Second, time.Hour)
	if f.Outbox.MaxBytes < outbox.MinBytes || f.Outbox.MaxBytes > 1<<30 {
		bad("outbox.max_bytes: %d is not between %d and %d", f.Outbox.MaxBytes, outbox.MinBytes, 1<<30)
	}
	if len(f.Lines) == 0 {
		bad("lines: missing; an agent without a line reads nothing")
	}
	if c.Models, err = catalogue(dir, f.Models); err != nil {
		bad("models: %w", err)
	}
	c.Lines = f.lines(dir, c.Models, name, between, bad)
	return c, errors.Join(errs...)
}

// lines checks what hangs where. A meter is known by (line, address, channel), a port belongs to one line.
func (f file) lines(dir string, models modbusmap.Catalogue, name func(key, v string), between func(key string, v, lo, hi time.Duration), bad func(string, ...any)) (out []Line) {
	names, ports, refs := map[string]string{}, map[string]string{}, map[protocol.MeterRef]string{}
	once := func(seen map[string]string, key, what, v string) {
		if was, ok := seen[v]; ok && v != "" {
			bad("%s: %s %q is already that of %s", key, what, v, was)
		}
		seen[v] = key
	}
	for i, lf := range f.Lines {
		key := fmt.Sprintf("lines[%d]", i)
		l := Line{key: key, Protocol: lf.Protocol, Settings: line.Settings{Name: lf.Name, Path: lf.Port, Baud: lf.Baud, Parity: lf.Parity, StopBits: lf.StopBits, Gap: lf.Gap, Latency: lf.Latency}}
		switch lf.Protocol {
		case "dlt645":
			fill(&l.Settings, 2400, "even") // DL/T 645-2007, 5.1
		case "modbus":
			fill(&l.Settings, 9600, "none") // what most meters leave the factory with
		default:
			bad("%s.protocol: %q is not dlt645 or modbus", key, lf.Protocol)
			fill(&l.Settings, 9600, "none")
		}
		if lf.Port != "" {
			l.Path = within(dir, lf.Port)
		}
		var err error
		if l.Framing, err = lf.framing(); err != nil {
			bad("%s.framing: %w", key, err)
		}
		between(key+".gap", lf.Gap, 0, time.Second)
		between(key+".latency", lf.Latency, 0, 10*time.Second)
		name(key+".name", lf.Name)
		if err := l.Settings.Check(); err != nil {
			bad("%s: %w", key, err)
		}
		once(names, key, "name", lf.Name)
		once(ports, key, "port", l.Path)
		if len(lf.Meters) == 0 {
			bad("%s.meters: missing", key)
		}
		for j, mf := range lf.Meters {
			mkey := fmt.Sprintf("%s.meters[%d] (line %d of the file)", key, j, mf.Line)
			m, err := mf.check(lf, models)
			if err != nil {
				bad("%s: %w", mkey, err)
				continue
			}
			if was, ok := refs[m.Ref]; ok {
				bad("%s: line %s, address %s, channel %d is already %s", mkey, m.Ref.Line, m.Ref.Address, m.Ref.Channel, was)
			}
			refs[m.Ref] = mkey
			l.Meters = append(l.Meters, m)
		}
		out = append(out, l)
	}
	return out
}

func fill(s *line.Settings, baud int, parity string) {
	if s.Baud == 0 {
		s.Baud = baud
	}
	if s.Parity == "" {
		s.Parity = parity
	}
	if s.StopBits == 0 {
		s.StopBits = 1
	}
}

func (mf meterFile) check(lf lineFile, models modbusmap.Catalogue) (m Meter, err error) {
	if mf.Channel < 0 || mf.Channel > 255 {
		return m, fmt.Errorf("channel %d is not between 0 and 255", mf.Channel)
	}
	m.Ref = protocol.MeterRef{Line: lf.Name, Address: mf.Address, Channel: uint8(mf.Channel)}
	if lf.Protocol == "dlt645" {
		a, err := dlt645.ParseAddress(mf.Address)
		switch {
		case err != nil:
			return m, err
		case !a.Exact():
			return m, fmt.Errorf("address %s names more than one meter", mf.Address)
		case mf.Model != "":
			return m, errors.New("model is for modbus meters; DL/T 645 tells the same of all")
		}
		m.Ref.Address = a.String()
		m.Edition, m.Baud, m.Parity = mf.Edition, mf.Baud, mf.Parity
		m.dlt, err = mf.options(lf)
		return m, err
	}
	if mf.Edition != "" || mf.Baud != 0 || mf.Parity != "" || mf.Security != "" {
		return m, errors.New("edition, baud, parity and security of one meter are for dlt645 lines")
	}
	return mf.modbus(lf, models)
}

// options are how a DL/T 645 meter is talked to where it differs from its line.
func (mf meterFile) options(lf lineFile) ([]meter.Option, error) {
	set := line.Settings{Name: lf.Name, Path: "-", Baud: mf.Baud, Parity: mf.Parity}
	fill(&set, 2400, "even")
	if err := set.Check(); err != nil {
		return nil, err
	}
	if own := (line.Settings{Baud: lf.Baud, Parity: lf.Parity}); strings.HasPrefix(lf.Port, "tcp://") {
		fill(&own, 2400, "even")
		if mf.Baud != 0 && mf.Baud != own.Baud || mf.Parity != "" && mf.Parity != own.Parity {
			return nil, errors.New("baud and parity of one meter cannot differ behind a serial server, which keeps its own; set all its meters alike, or give this one another port")
		}
	}
	opts := []meter.Option{meter.Edition(mf.Edition), meter.Security(mf.Security)}
	if mf.Baud != 0 || mf.Parity != "" {
		opts = append(opts, meter.Framing(mf.Baud, mf.Parity))
	}
	return opts, meter.CheckOptions(opts...)
}

func within(dir, path string) string {
	if filepath.IsAbs(path) || strings.Contains(path, "://") { // tcp://host:port of a serial server is no file

		return path
	}
	return filepath.Join(dir, path)
}

func isName(s string) bool {
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	}) < 0
}

// zone reads "+08:00" or a name of the time zone database.
func zone(s string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", s); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(s, offset), nil
	}
	loc, err := time.LoadLocation(s)
	if err != nil {
		return nil, fmt.Errorf(`%w; write local, an offset such as "+08:00", or a name such as Asia/Shanghai`, err)
	}
	return loc, nil
}

func brokerHost(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "", errors.New("missing; for example tcp://127.0.0.1:1883")
	case err != nil:
		return "", errors.New("not a URL; for example tcp://127.0.0.1:1883") // the error may quote a password
	case u.User != nil:
		return "", errors.New("put user and password under broker.user and broker.password")
	case u.Scheme != "tcp" && u.Scheme != "mqtt" && u.Scheme != "ssl" && u.Scheme != "tls" && u.Scheme != "mqtts":
		return "", fmt.Errorf("scheme %q is not tcp or ssl", u.Scheme)
	case u.Hostname() == "" || u.Port() == "":
		return "", errors.New("host and port are needed; for example tcp://127.0.0.1:1883")
	}
	return u.Hostname(), nil
}

// loopback is judged by the text alone, so that the mistake is told at once; what a name server or a hosts file makes of
// "localhost" is judged again at each connection (uplink.Broker.Local).
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
