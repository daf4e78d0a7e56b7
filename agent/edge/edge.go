// Package edge puts an agent together: it alone chooses which implementation stands behind which noun.
package edge

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"feikong/agent/line"
	"feikong/agent/local"
	"feikong/agent/meter"
	"feikong/agent/outbox"
	"feikong/agent/poll"
	"feikong/agent/relay"
	"feikong/agent/uplink"
	"feikong/internal/daemon"
)

// Run opens the outbox and works until ctx ends or the outbox can no longer be trusted. On the first start every port must
// open: a misspelt one is told at once. Later, a port that is not there is waited for.
func Run(ctx context.Context, c *Config, log *slog.Logger) error {
	log = log.With("agent", c.Agent)
	path := filepath.Join(c.Data, "outbox.db")
	if err := probe(c); err != nil {
		if _, first := os.Stat(path); first != nil {
			return err
		}
		// It has run before: an adapter that died in a power cut must not keep the other lines, their orders and what
		// waits in the outbox from working.
		log.Error("a port cannot be opened, waiting for it", "error", err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	box, err := outbox.Open(path, c.Outbox)
	if err != nil {
		return err
	}
	err = run(ctx, c, box, log)
	return errors.Join(err, box.Close())
}

func run(ctx context.Context, c *Config, box *outbox.Box, log *slog.Logger) error {
	if box.Lanes()[0].Next == 1 { // not box.Fresh: the word itself may have been cut off by a crash
		log.Info("new outbox", "epoch", fmt.Sprintf("%016x", box.Epoch()))
		if err := box.Begin(); err != nil && !errors.Is(err, outbox.ErrFull) {
			return err
		}
	}
	clock := &uplink.Clock{}
	foreign := newSentry(box, log)
	tasks := []daemon.Task{{Name: "foreign frames", Run: foreign.Run}}
	var lines []*line.Line
	var pollers []*poll.Poller
	switches := map[string][]meter.Driver{}
	for _, lc := range c.Lines {
		l := line.New(lc.Settings, line.Open, log, foreign.of(lc.Name))
		drivers, err := lc.Drivers(l, c)
		if err != nil {
			return err
		}
		tasks = append(tasks, daemon.Task{Name: "line " + lc.Name, Run: l.Run})
		lines, switches[lc.Name] = append(lines, l), drivers
	}
	mode := relay.Off
	if c.Bench {
		mode = relay.Bench
		log.Warn("relay mode bench: unsigned orders of the local broker are obeyed")
	}
	orders, err := relay.New(relay.Options{Agent: c.Agent, Mode: mode, Hooks: hooks(c.Bench, log)}, switches, box, clock, log)
	if err != nil {
		return err
	}
	mem, err := remember(switches, box, log)
	if err != nil {
		return err
	}
	for _, lc := range c.Lines {
		h := historyOf(lc, c, mem, switches[lc.Name], orders, clock, log)
		p := poll.New(lc.Name, switches[lc.Name], poll.Options{Interval: c.Poll.Interval, Relay: c.Poll.RelayInterval, Clock: c.Poll.ClockInterval, History: h}, box, clock.Trusted, log)
		tasks = append(tasks, daemon.Task{Name: "poll " + lc.Name, Run: p.Run})
		pollers = append(pollers, p)
	}
	up := uplink.New(uplink.Options{Agent: c.Agent, Version: daemon.Version, Boot: random(), NoJournal: orders.NoJournal, Floors: orders.Floors, Doubt: orders.Doubt,
		Boundaries: mem.SetBoundaries}, box, clock, log)
	client := uplink.NewClient(c.Broker, c.Tenant, c.Agent, up, orders.Offer, log)
	up.SetLink(client)
	st := &status{c: c, lines: lines, pollers: pollers, box: box, clock: clock, link: client, mode: string(mode), log: log}
	tasks = append(tasks, daemon.Task{Name: "relay", Run: orders.Run}, daemon.Task{Name: "uplink", Run: up.Run},
		daemon.Task{Name: "broker", Run: client.Run}, daemon.Task{Name: "status", Run: st.Run}, daemon.Task{Name: "memory", Run: func(ctx context.Context) error { return release(ctx, box) }},
		daemon.Task{Name: "local", Run: local.New(c.Data, desk(st, switches, lines, orders), log).Run})
	return daemon.Run(ctx, tasks...)
}

// releaseEvery is short of the time in which a gateway that was away fetches 64 MiB.
const releaseEvery = 10 * time.Second

// release keeps the outbox's file from growing into the agent's memory.
func release(ctx context.Context, box *outbox.Box) error {
	t := time.NewTicker(releaseEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := box.Release(); err != nil {
			return err
		}
	}
}

// probe opens every port once: a misspelt port is told at start, with its key, not found out hours later.
func probe(c *Config) error {
	var errs []error
	for _, l := range c.Lines {
		p, err := line.Open(l.Settings)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s.port (line %s): %w", l.key, l.Name, err))
			continue
		}
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Drivers makes the driver of each meter of the line, in the order of the configuration; t carries their exchanges.
func (lc Line) Drivers(t meter.Talker, c *Config) (out []meter.Driver, err error) {
	for _, m := range lc.Meters {
		var d meter.Driver
		if lc.Protocol == "dlt645" {
			d, err = meter.NewDLT645(m.Ref, t, c.Poll.Timeout, c.Zone, m.dlt...)
		} else {
			d, err = meter.NewModbus(m.Ref, m.Model, t, c.Poll.Timeout, meter.ModbusFraming(lc.Framing), meter.ModbusZone(c.Zone))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lc.key, err)
		}
		out = append(out, d)
	}
	return out, nil
}

func random() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint64(b[:])
}
