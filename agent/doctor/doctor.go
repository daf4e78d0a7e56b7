// Package doctor looks at an agent's site layer by layer, from its configuration over ports, wires and meters to the disk,
// the broker and the gateway, and says which of them failed and what to do. It reads meters and sends nothing else. Below
// the drivers it listens to the bare port, because echo, a second master and two meters with one address are what drivers
// hide.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/internal/daemon"
)

// State is what a check came to.
type State string

// States. Warn: it works, and something should be looked at. Skip: it could not be looked at, because of an earlier failure
// or because the agent is at work.
const (
	OK   State = "ok"
	Warn State = "warn"
	Fail State = "fail"
	Skip State = "skip"
)

// Names of checks, in the order in which they are made.
const (
	CheckConfig      = "configuration"
	CheckPort        = "port"
	CheckPermission  = "permission"
	CheckBusy        = "busy"
	CheckAdapter     = "adapter"
	CheckMasters     = "masters"
	CheckEcho        = "echo"
	CheckWire        = "wire"
	CheckMeter       = "meter"
	CheckQuality     = "quality"
	CheckClock       = "clock"
	CheckDisk        = "disk"
	CheckOutbox      = "outbox"
	CheckBroker      = "broker"
	CheckCredentials = "credentials"
	CheckGateway     = "gateway"
)

// Names of faults.
const (
	FaultConfig      = "configuration"
	FaultNoPort      = "no-port"
	FaultPermission  = "no-permission"
	FaultBusy        = "port-busy"
	FaultPort        = "port-unusable"
	FaultLatency     = "adapter-latency"
	FaultMaster      = "second-master"
	FaultEcho        = "echo"
	FaultIdleNoise   = "idle-noise"
	FaultSilent      = "line-silent"
	FaultGarbage     = "garbage"
	FaultFraming     = "wrong-framing"
	FaultAddress     = "wrong-address"
	FaultMeterSilent = "meter-silent"
	FaultClash       = "address-clash"
	FaultDying       = "dying-meter"
	FaultSlow        = "slow-meter"
	FaultNoise       = "noise"
	FaultMeterClock  = "meter-clock"
	FaultDisk        = "disk"
	FaultDiskFull    = "disk-full"
	FaultOutbox      = "outbox"
	FaultOutboxFull  = "outbox-full"
	FaultBroker      = "broker-unreachable"
	FaultTLS         = "broker-certificate"
	FaultCredentials = "credentials"
	FaultGateway     = "gateway-silent"
	FaultAgentClock  = "agent-clock"
)

// Check is one finding. Finding and Remedy are in the language of the person at the terminal; the other fields are for
// programs and keep their words.
type Check struct {
	Name    string `json:"check"`
	Line    string `json:"line,omitempty"`
	Meter   string `json:"meter,omitempty"`
	State   State  `json:"state"`
	Fault   string `json:"fault,omitempty"`
	Finding string `json:"finding"`
	Remedy  string `json:"remedy,omitempty"`
}

// Options say what to look at, and with what.
type Options struct {
	Path   string // of the configuration, for sentences; empty: none was named
	Config *edge.Config
	Err    error       // of reading it
	Line   string      // look at this one alone; empty: all
	Only   []edge.Line // instead of the configuration's: a port that was named by hand

	Listen time.Duration // how long each line is listened to before anything is sent; default 3 s
	Reads  int           // of each meter, for its quality; default 4 to 20 by their number

	// What is used of the world; the zero values are the real ones.
	Simulated bool                                                                 // ports do not lie in the file system
	Open      func(line.Settings) (line.Port, error)                               // default line.Open
	Dial      func(ctx context.Context, network, address string) (net.Conn, error) // default a net.Dialer
}

const (
	listenDefault = 3 * time.Second
	dialMax       = 10 * time.Second
)

// doctor is one examination; it belongs to the goroutine of Run.
type doctor struct {
	Options
	tell    func(Check)
	checks  []Check
	running *local.Status // of the agent that serves the data directory; nil: none does
}

// Run makes all checks and gives them; tell gets each as it is made and may be nil. When ctx ends, what is left is left out.
func Run(ctx context.Context, o Options, tell func(Check)) []Check {
	d := &doctor{Options: o, tell: tell}
	if d.Open == nil {
		d.Open = line.Open
	}
	if d.Dial == nil {
		d.Dial = (&net.Dialer{Timeout: dialMax}).DialContext
	}
	if d.Listen <= 0 {
		d.Listen = listenDefault
	}
	lines := d.configuration()
	for _, l := range lines {
		if ctx.Err() != nil {
			return d.checks
		}
		d.line(ctx, l)
	}
	if d.Config != nil && ctx.Err() == nil {
		d.disk()
		d.outbox()
		d.broker(ctx)
	}
	return d.checks
}

// Failed says whether something failed.
func Failed(checks []Check) bool {
	for _, c := range checks {
		if c.State == Fail {
			return true
		}
	}
	return false
}

func (d *doctor) add(c Check) {
	d.checks = append(d.checks, c)
	if d.tell != nil {
		d.tell(c)
	}
}

// say picks the sentence for the person at the terminal.
func say(zh, en string, args ...any) string {
	return fmt.Sprintf(daemon.Say(daemon.Lang(), zh, en), args...)
}

// configuration says what is wrong with it, and gives the lines to look at.
func (d *doctor) configuration() []edge.Line {
	if d.Config == nil && d.Err == nil {
		return d.Only
	}
	if d.Err != nil {
		d.add(Check{Name: CheckConfig, State: Fail, Fault: FaultConfig, Finding: d.Err.Error(),
			Remedy: say("按提示改正后运行 agent config check --config %s；逐项说明见 agent config example", "correct it, then agent config check --config %s; agent config example explains every key", d.Path)})
		return d.Only
	}
	meters := 0
	lines := d.Only
	for _, l := range d.Config.Lines {
		meters += len(l.Meters)
		if len(d.Only) == 0 && (d.Line == "" || d.Line == l.Name) {
			lines = append(lines, l)
		}
	}
	d.add(Check{Name: CheckConfig, State: OK, Finding: say("%s：%d 条线路，%d 块表", "%s: %d lines, %d meters", d.Path, len(d.Config.Lines), meters)})
	c, err := local.Dial(d.Config.Data)
	if err != nil {
		if !errors.Is(err, local.ErrNotRunning) {
			d.add(Check{Name: CheckConfig, State: Warn, Fault: FaultPermission, Finding: err.Error()})
		}
		return lines
	}
	defer c.Close()
	if d.running, err = c.Status(); err != nil {
		d.running = nil
		d.add(Check{Name: CheckConfig, State: Warn, Finding: say("采集终端在运行，但不回答：%v", "an agent is running, but does not answer: %v", err)})
	}
	return lines
}
