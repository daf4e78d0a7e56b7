package headend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"feikong/gateway/account"
	"feikong/internal/daemon"
)

// shutdownWait is how long requests under way may take when the gateway is asked to stop.
const shutdownWait = 5 * time.Second

// tasks are the long-lived parts. The door opens first; everything that could bring an event waits until the archive is in force, so that
// no reading is quarantined because its account was not imported yet.
func (g *gateway) tasks() []daemon.Task {
	after := func(name string, run func(context.Context) error) daemon.Task {
		return daemon.Task{Name: name, Run: func(ctx context.Context) error {
			select {
			case <-g.ready:
				return run(ctx)
			case <-ctx.Done():
				return nil
			}
		}}
	}
	return []daemon.Task{
		{Name: "settle", Run: g.door.Run},
		{Name: "archive", Run: g.importArchive},
		after("timers", g.timers.Run),
		after("dispatch", g.dispatcher.Run),
		after("notify", g.notifier.Run),
		after("intake", g.intake.Run),
		after("broker", g.broker.Run),
		after("http", g.serve),
	}
}

// importArchive brings the archive and the rules into force, then lets the others begin.
func (g *gateway) importArchive(ctx context.Context) error {
	receipt, err := g.door.Submit(ctx, g.config.Import("gateway.yaml"))
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("import the archive: %w", err)
	}
	if receipt.Status != account.Accepted {
		return fmt.Errorf("import the archive: refused: %s", receipt.Detail)
	}
	close(g.ready)
	<-ctx.Done()
	return nil
}

// serve answers people and programs, and leaves word for the command line of this user.
func (g *gateway) serve(ctx context.Context) error {
	url := "http://" + reachable(g.listener.Addr())
	if err := writeAccess(g.config.Data, Access{URL: url, Token: g.identity.Internal("command line")}); err != nil {
		return err
	}
	if tcp, ok := g.listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && !g.config.Secure {
		g.log.Warn("http is reachable from other machines without TLS", "listen", g.config.HTTPListen)
	}
	if tcp, ok := g.broker.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		g.log.Warn("mqtt is reachable from other machines without TLS", "listen", g.config.MQTTListen)
	}
	fmt.Fprintf(g.opt.Out, daemon.Say(g.opt.Lang, "页面 %s/  接口 %s/docs  指标 %s/metrics  MQTT %s\n", "console %s/  interface %s/docs  metrics %s/metrics  MQTT %s\n"),
		url, url, url, g.broker.Addr())
	ended := make(chan error, 1)
	go func() { ended <- g.server.Serve(g.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWait)
	defer cancel()
	err := g.server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = g.server.Close() // whoever is still there asked for something that takes longer than we wait
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// reachable is the address as a program on this machine dials it.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
}

// sources are the counters behind /metrics.
func (g *gateway) sources() *sources {
	published := func(which int) func() float64 {
		return func() float64 {
			p, d, f := g.notifier.Stats()
			return float64([]uint64{p, d, f}[which])
		}
	}
	return &sources{
		fleet: g.fleet, broker: g.broker.Stats, store: g.store.Stats, door: g.door.Stats, ratios: g.cache.Ratios,
		gauges: map[string]func() float64{"feikong_inbox_bytes": func() float64 { return float64(g.intake.Waiting()) }},
		counters: map[string]func() float64{
			"feikong_inbox_dropped_total":      func() float64 { return float64(g.intake.Dropped()) },
			"feikong_orders_sent_total":        func() float64 { return float64(g.dispatcher.Sent()) },
			"feikong_timers_fired_total":       func() float64 { return float64(g.timers.Fired()) },
			"feikong_notices_published_total":  published(0),
			"feikong_webhooks_delivered_total": published(1),
			"feikong_webhooks_failed_total":    published(2),
		},
	}
}
