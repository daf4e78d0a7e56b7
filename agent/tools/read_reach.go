package tools

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"feikong/agent/edge"
	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/agent/scan"
	"feikong/internal/daemon"
	"feikong/protocol"
	"feikong/protocol/dlt645"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// reader is a way to read the meter, and hears the frames of it.
func (f *readFlags) reader(ctx context.Context, tell func(heard)) (reads, func(), error) {
	set := f.line.Settings
	e := newEar(f.line.Protocol, daemon.Lang(), set.CharTime(1), tell)
	if f.at.port == "" {
		client, err := local.Dial(f.cfg.Data)
		switch {
		case err == nil:
			watch := func() {}
			if f.raw {
				watch = f.watch(set.Name, e)
			}
			return func(what string) (*local.ReadReply, error) { return client.Read(f.ref(), what) }, func() { watch(); client.Close() }, nil
		case !errors.Is(err, local.ErrNotRunning):
			return nil, nil, err
		}
	}
	l, stop, err := open(ctx, set)
	if err != nil {
		return nil, nil, err
	}
	events := make(chan local.TraceEvent, 4096) // one command's frames; what finds no place is not shown
	untrace := l.Trace(func(ev line.TraceEvent) {
		select {
		case events <- local.TraceEvent{At: ev.At.UnixMicro(), Kind: ev.Kind, Hex: hex.EncodeToString(ev.Bytes)}:
		default:
		}
	})
	one := f.line
	one.Meters = []edge.Meter{f.meter}
	drivers, err := one.Drivers(l, f.cfg)
	if err != nil {
		untrace()
		stop()
		return nil, nil, err
	}
	drain := func() {
		for {
			select {
			case ev := <-events:
				if ev.Kind == line.TraceSent || ev.Kind == line.TraceReceived || ev.Kind == line.TraceEnd {
					e.event(ev)
				}
			default:
				return
			}
		}
	}
	read := func(what string) (*local.ReadReply, error) {
		r, err := local.Read(ctx, drivers[0], what)
		drain()
		return r, err
	}
	return read, func() { untrace(); stop() }, nil
}

// watchAfter is how long the frames of the last answer may take to arrive here.
const watchAfter = 200 * time.Millisecond

// watch shows the frames of the running agent's line until the function it gives is called; those of other meters, which
// the agent polls meanwhile, are left out.
func (f *readFlags) watch(name string, e *ear) (end func()) {
	c, err := local.Dial(f.cfg.Data)
	if err != nil {
		return func() {}
	}
	tell := e.tell
	e.tell = func(h heard) {
		if h.Meter == f.meter.Ref.Address {
			tell(h)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Trace(name, func(ev local.TraceEvent) bool { e.event(ev); return true }) // it ends when the connection does
	}()
	return func() {
		time.Sleep(watchAfter)
		c.Close()
		<-done
	}
}

// byHand is a meter that no configuration has.
func (f *readFlags) byHand(name string) error {
	f.at.config = ""
	if f.at.protocol == "" {
		f.at.protocol = scan.DLT645
	}
	set, _, err := f.at.settings(nil)
	if err != nil {
		return err
	}
	f.cfg = &edge.Config{Zone: time.Local}
	f.cfg.Poll.Timeout = f.timeout
	f.line = edge.Line{Settings: set, Protocol: f.at.protocol}
	f.meter = edge.Meter{Ref: protocol.MeterRef{Line: set.Name, Address: name}}
	switch f.at.protocol {
	case scan.DLT645:
		a, err := dlt645.ParseAddress(name)
		if err != nil {
			return err
		}
		f.meter.Ref.Address = a.String()
	case scan.Modbus:
		var ok bool
		if f.meter.Model, ok = modbusmap.Find(f.model); !ok {
			if !strings.HasSuffix(f.model, ".yaml") && !strings.HasSuffix(f.model, ".yml") {
				return fmt.Errorf(say("--model %q 未知；写型号文件 xxx.yaml，或：%s", "--model %q is not known; name a file of your own, or one of %s"), f.model, strings.Join(modbusmap.Catalogue{}.Names(), ", "))
			}
			if f.meter.Model, err = modelFile(f.model); err != nil {
				return err
			}
		}
		if f.line.Framing, err = modbus.ParseFraming(f.framing); err != nil {
			return err
		}
	default:
		return fmt.Errorf(say("协议 %q 不是 dlt645 或 modbus", "protocol %q is not dlt645 or modbus"), f.at.protocol)
	}
	return nil
}
