package tools

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"feikong/agent/doctor"
	"feikong/agent/edge"
	"feikong/agent/line"
)

// ErrBusy says that another program has the port.
var ErrBusy = errors.New("port is in use")

// place is where a command works: a line of a configuration, or a port of its own.
type place struct {
	config, name string // --config, --line
	port         string
	baud         int
	parity       string
	protocol     string
}

// flags adds the flags that name a place. baud and parity are left to the command when it takes lists of them.
func (p *place) flags(c *cobra.Command, framing bool) {
	c.Flags().StringVar(&p.config, "config", "", say("配置文件", "configuration file"))
	c.Flags().StringVar(&p.name, "line", "", say("配置中的线路名", "name of the line in the configuration"))
	c.Flags().StringVar(&p.port, "port", "", say("串口设备，或 tcp://主机:端口", "serial device, or tcp://host:port"))
	if framing {
		c.Flags().IntVar(&p.baud, "baud", 0, say("波特率（默认 DL/T 645 2400，Modbus 9600）", "baud rate (default 2400 for DL/T 645, 9600 for Modbus)"))
		c.Flags().StringVar(&p.parity, "parity", "", say("校验 none、even、odd（默认 DL/T 645 even，Modbus none）", "none, even or odd (default even for DL/T 645, none for Modbus)"))
	}
}

// load reads the configuration, when there is one.
func (p *place) load() (*edge.Config, error) {
	if p.config == "" {
		if p.name != "" {
			return nil, errors.New(say("--line 需要 --config", "--line needs --config"))
		}
		return nil, nil
	}
	return edge.Load(p.config)
}

// find is the line of the configuration that the flags name; the only one when they name none.
func (p *place) find(cfg *edge.Config) (*edge.Line, error) {
	var names []string
	for i := range cfg.Lines {
		l := &cfg.Lines[i]
		if l.Name == p.name || p.name == "" && (len(cfg.Lines) == 1 || p.port != "" && l.Path == p.port) {
			return l, nil
		}
		names = append(names, l.Name)
	}
	if p.name == "" {
		return nil, fmt.Errorf(say("配置有多条线路，用 --line 指定一条：%s", "the configuration has several lines, name one with --line: %s"), strings.Join(names, ", "))
	}
	return nil, fmt.Errorf(say("配置中没有线路 %q，有：%s", "line %q is not in the configuration; it has %s"), p.name, strings.Join(names, ", "))
}

// settings of the line, or of the port with the protocol's usual framing.
func (p *place) settings(cfg *edge.Config) (line.Settings, *edge.Line, error) {
	if cfg != nil {
		l, err := p.find(cfg)
		if err != nil {
			return line.Settings{}, nil, err
		}
		set := l.Settings
		if p.port != "" {
			set.Path = p.port
		}
		return set, l, nil
	}
	if p.port == "" {
		return line.Settings{}, nil, fmt.Errorf(say("要 --port 端口，或 --config 文件；本机端口：%s", "a --port or a --config is needed; ports of this machine: %s"), doctor.Ports())
	}
	set := line.Settings{Name: filepath.Base(p.port), Path: p.port, Baud: p.baud, Parity: p.parity, StopBits: 1}
	modbus := p.protocol == "modbus"
	if set.Baud == 0 {
		if set.Baud = 2400; modbus {
			set.Baud = 9600
		}
	}
	if set.Parity == "" {
		if set.Parity = "even"; modbus {
			set.Parity = "none"
		}
	}
	return set, nil, set.Check()
}

// open opens a port for a command and runs its line until stop is called. A port that another program has is refused
// before a byte is sent: two masters on one line spoil each other's frames, and an order may be under way.
func open(ctx context.Context, set line.Settings) (l *line.Line, stop func(), err error) {
	if err := free(set.Path); err != nil {
		return nil, nil, err
	}
	p, err := line.Open(set)
	if err != nil {
		return nil, nil, err
	}
	first := true
	l = line.New(set, func(s line.Settings) (line.Port, error) {
		if first {
			first = false
			return p, nil
		}
		return line.Open(s)
	}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // an exchange on the wire is ended by its own deadline
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }()
	return l, func() {
		cancel()
		if <-done; first { // the line ended before it asked for its port
			p.Close()
		}
	}, nil
}

// free refuses a device that another process has open.
func free(path string) error {
	if strings.HasPrefix(path, "tcp://") {
		return nil // the serial server refuses a second connection itself, or not
	}
	for _, h := range doctor.Holders(path) {
		return &sentence{fmt.Sprintf(say("端口 %s 被进程 %s（%d）占用；若是 agent run，请先停止它再试", "port %s is open in %s (pid %d); if that is agent run, stop it first and try again"), path, h.Name, h.PID), ErrBusy}
	}
	return nil
}
