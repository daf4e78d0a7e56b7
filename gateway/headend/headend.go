// Package headend puts a gateway together: it alone chooses which implementation stands behind which contract, and it alone knows all
// the rooms. What it builds is a list of tasks; the order in which they come to life is here and nowhere else.
package headend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/time/rate"

	"feikong/gateway/account"
	"feikong/gateway/api"
	"feikong/gateway/cache"
	"feikong/gateway/console"
	"feikong/gateway/identity"
	"feikong/gateway/intake"
	"feikong/gateway/mqtt"
	"feikong/gateway/notify"
	"feikong/gateway/pipeline"
	"feikong/gateway/relay"
	"feikong/gateway/settle"
	"feikong/gateway/store"
	"feikong/gateway/store/bolt"
	"feikong/gateway/verify"
	"feikong/internal/daemon"
	"feikong/protocol"
)

// Options of Run.
type Options struct {
	Version string
	Lang    string    // "zh" or "en", for what is said to the person who started it
	Out     io.Writer // where it is said, the one-time password included
	Log     *slog.Logger
}

// Run opens the store, brings the archive and the rules into force, and serves agents, terminals and people until ctx ends. A commit
// that failed ends it too: memory may then be ahead of the disk, and recovery is start-up.
func Run(ctx context.Context, c *Config, opt Options) (err error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	g := &gateway{config: c, opt: opt, log: opt.Log}
	if g.cache, err = cache.New(cache.Options{}); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	defer g.cache.Close()
	engine, err := OpenStore(c.Data, g.cache, bolt.Options{Log: opt.Log})
	if err != nil {
		return err
	}
	g.store = engine
	defer func() { err = errors.Join(err, engine.Close()) }()
	if err := g.build(ctx); err != nil {
		return errors.Join(err, g.close())
	}
	return errors.Join(daemon.Run(ctx, g.tasks()...), g.close(), removeAccess(c.Data))
}

// OpenStore opens the store of a data directory; the cache fills the rules of opt.
func OpenStore(data string, regions *cache.Cache, opt bolt.Options) (*bolt.Engine, error) {
	opt.Config = cache.Loader(regions)
	return bolt.Open(StorePath(data), opt)
}

// gateway is one running gateway. Everything in it is made by build, and nothing of it runs before tasks.
type gateway struct {
	config *Config
	opt    Options
	log    *slog.Logger

	cache      *cache.Cache
	store      store.Store
	door       *settle.Door
	fleet      *intake.Fleet
	intake     *intake.Intake
	broker     *mqtt.Broker
	dispatcher *relay.Dispatcher
	timers     *relay.Timers
	notifier   *notify.Notifier
	identity   *identity.Identity
	api        *api.Server
	stages     *stages
	listener   net.Listener
	server     *http.Server
	warnings   rate.Sometimes // refusals come at a stranger's pace, log lines do not

	ready chan struct{} // closed once the archive is in force
}

func (g *gateway) build(ctx context.Context) (err error) {
	c := g.config
	g.ready = make(chan struct{})
	g.warnings = rate.Sometimes{First: 10, Interval: time.Second}
	g.fleet = intake.NewFleet(agents(c)...)
	g.door = settle.NewDoor(g.store, pipeline.Think, settle.Options{Log: g.log, After: []func(account.Changes, []account.Receipt){g.committed}})
	g.notifier = notify.New(notify.Options{Tenant: c.Tenant, Store: g.store, Door: g.door, Publish: g.publish, Log: g.log})
	g.dispatcher = relay.NewDispatcher(g.store, g.send, g.log)
	g.timers = relay.NewTimers(g.store, g.door, g.log)
	g.intake = intake.New(intake.Options{
		Tenant: c.Tenant, Door: g.door, Store: g.store, Fleet: g.fleet, Publish: g.publish, Receipt: g.notifier.Answer, Hello: g.dispatcher.Hello, Log: g.log,
	})
	if g.broker, err = mqtt.New(mqtt.Options{
		Listen: c.MQTTListen, Tenant: c.Tenant, MaxClients: c.MaxClients, Log: g.log, Lookup: credentials(c),
		OnPacket: g.intake.Packet, OnReceipt: g.intake.Receipt,
		OnConnect:    func(who mqtt.Identity) { g.session(who, true) },
		OnDisconnect: func(who mqtt.Identity) { g.session(who, false) },
		OnRefused:    g.refused,
	}); err != nil {
		return err
	}
	g.identity = identity.New(identity.Options{Store: g.store, Secure: c.Secure, Log: g.log})
	if g.api, err = api.New(api.Options{
		Store: g.store, Door: g.door, Identity: g.identity, Agents: g.agents, Version: g.opt.Version, Log: g.log,
		Verify: verify.Run, Memory: memory(g.cache),
	}); err != nil {
		return err
	}
	pages, err := console.New(console.Options{API: g.api, Identity: g.identity, Secure: c.Secure, Log: g.log})
	if err != nil {
		return err
	}
	registry, err := newRegistry(g.sources())
	if err != nil {
		return fmt.Errorf("make the metrics: %w", err)
	}
	g.stages = newStages(registry)
	if g.listener, err = net.Listen("tcp", c.HTTPListen); err != nil {
		return fmt.Errorf("serve http: %w", err)
	}
	g.server = g.api.HTTPServer(routes(g.api, pages, registry))
	return g.firstStart(ctx)
}

// routes is the gateway's HTTP side. /metrics asks for no sign-in: it has counters by agent and nothing of any customer.
func routes(rest *api.Server, pages http.Handler, registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	rest.Mount(mux)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.Handle("/", pages)
	return mux
}

// firstStart makes the administrator of a new installation and tells the one-time password, once.
func (g *gateway) firstStart(ctx context.Context) error {
	password, created, err := identity.Bootstrap(ctx, g.store)
	if err != nil {
		return fmt.Errorf("make the administrator: %w", err)
	}
	if created {
		fmt.Fprintln(g.opt.Out, daemon.Say(g.opt.Lang, "首次启动，管理员 admin，一次性密码（登录后须修改）one-time password: ",
			"first start: sign in as admin and change it, one-time password: ")+password)
	}
	return nil
}

// close releases what build bound, whether it ran or not.
func (g *gateway) close() error {
	var errs []error
	if g.broker != nil {
		errs = append(errs, g.broker.Close())
	}
	if g.listener != nil {
		if err := g.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// committed is what happens behind every commit, in order. Nothing here blocks.
func (g *gateway) committed(ch account.Changes, receipts []account.Receipt) {
	g.stages.committed(ch, receipts)
	g.dispatcher.Committed(ch, receipts)
	g.timers.Committed(ch, receipts)
	g.notifier.Committed(ch, receipts)
	g.api.After(ch, receipts)
}

func (g *gateway) publish(topic string, payload []byte) error {
	return g.broker.Publish(topic, payload)
}

func (g *gateway) send(agent string, order protocol.Order) error {
	return g.broker.Publish(protocol.Down(g.config.Tenant, agent, "order"), protocol.AppendOrder(nil, &order))
}

func (g *gateway) session(who mqtt.Identity, on bool) {
	if who.Kind == mqtt.Agent {
		g.fleet.Connected(who.ID, on, time.Now())
		g.log.Info("agent session", daemon.KeyAgent, who.ID, "connected", on)
	}
}

func (g *gateway) refused(who mqtt.Identity, what string) {
	if who.Kind == mqtt.Agent {
		g.fleet.Refused(who.ID)
	}
	g.warnings.Do(func() { g.log.Warn("broker refused", "who", who.String(), "what", what) })
}

func (g *gateway) agents() []api.AgentStatus {
	members := g.fleet.Agents()
	all := make([]api.AgentStatus, 0, len(members))
	for _, m := range members {
		all = append(all, api.AgentStatus{ID: m.ID, Connected: m.Connected, SeenAt: m.Seen, Status: m.Status})
	}
	return all
}

func agents(c *Config) []string {
	ids := make([]string, len(c.Book.Agents))
	for i := range c.Book.Agents {
		ids[i] = c.Book.Agents[i].ID
	}
	return ids
}

// credentials are the broker's users: agents by their id, terminals by their account. The map is never written again.
func credentials(c *Config) func(user string) (mqtt.Identity, string, bool) {
	type entry struct {
		who    mqtt.Identity
		secret string
	}
	users := map[string]entry{}
	for _, a := range c.Book.Agents {
		users[a.ID] = entry{mqtt.Identity{Kind: mqtt.Agent, ID: a.ID}, a.Password}
	}
	for i := range c.Book.Profiles {
		if p := &c.Book.Profiles[i]; p.Terminal != "" {
			users[mqtt.TerminalUser(p.ID)] = entry{mqtt.Identity{Kind: mqtt.Terminal, ID: p.ID}, p.Terminal}
		}
	}
	return func(user string) (mqtt.Identity, string, bool) {
		e, ok := users[user]
		return e.who, e.secret, ok
	}
}
