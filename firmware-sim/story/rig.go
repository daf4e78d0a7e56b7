package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"feikong/configs"
	"feikong/firmware-sim/control"
	"feikong/firmware-sim/site"
)

// Addresses of the embedded street. A rig keeps them when they are free and takes others when they are not.
const (
	DefaultHTTP = "127.0.0.1:8420"
	DefaultMQTT = "127.0.0.1:18830"
	DefaultHook = "127.0.0.1:18840"
)

// Rig is a street under a folder: its files, and the three programs while they run.
type Rig struct {
	Dir, Bin        string
	HTTP, MQTT      string // addresses
	Sim, Agent, Hub *Process
	Gateway         *Gateway
	Street          *control.Client

	lock io.Closer // of the folder, while this rig lives
}

// Lay writes the street's files into dir, from what the programs carry, unless they are there. fresh addresses are free ports.
func Lay(dir, bin string, fresh bool) (*Rig, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	for _, d := range []string{dir, filepath.Join(dir, "logs")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("lay the street: %w", err)
		}
	}
	// Before anything starts: a second street in the folder would take the first one's programs for its own.
	lock, err := site.Lock(dir)
	if err != nil {
		return nil, err
	}
	r := &Rig{Dir: dir, Bin: bin, lock: lock, Gateway: &Gateway{dir: filepath.Join(dir, "gateway")}}
	r.Gateway.http.Timeout = 10 * time.Second
	if r.HTTP, r.MQTT, err = r.addresses(fresh); err != nil {
		return nil, err
	}
	entries, err := configs.Street.ReadDir("street")
	if err != nil {
		return nil, fmt.Errorf("lay the street: %w", err)
	}
	swap := strings.NewReplacer(DefaultHTTP, r.HTTP, DefaultMQTT, r.MQTT)
	for _, e := range entries {
		to := filepath.Join(dir, e.Name())
		if _, err := os.Stat(to); err == nil {
			continue // a person may have changed it
		}
		data, err := configs.Street.ReadFile("street/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("lay the street: %w", err)
		}
		if err := os.WriteFile(to, []byte(swap.Replace(string(data))), 0o600); err != nil {
			return nil, fmt.Errorf("lay the street: %w", err)
		}
	}
	return r, nil
}

// addresses takes what an earlier start chose, the usual ones when they are free, or free ones.
func (r *Rig) addresses(fresh bool) (http, mqtt string, err error) {
	file := filepath.Join(r.Dir, "addresses")
	if data, err := os.ReadFile(file); err == nil {
		if f := strings.Fields(string(data)); len(f) == 2 {
			return f[0], f[1], nil
		}
	}
	pick := func(usual string) (string, error) {
		if !fresh {
			if l, err := net.Listen("tcp", usual); err == nil {
				l.Close()
				return usual, nil
			}
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		return l.Addr().String(), nil
	}
	if http, err = pick(DefaultHTTP); err != nil {
		return "", "", err
	}
	if mqtt, err = pick(DefaultMQTT); err != nil {
		return "", "", err
	}
	return http, mqtt, os.WriteFile(file, []byte(http+" "+mqtt+"\n"), 0o600)
}

func (r *Rig) program(name string) string { return filepath.Join(r.Bin, name) }
func (r *Rig) log(name string) string     { return filepath.Join(r.Dir, "logs", name+".log") }

// StartSim starts the simulated lines and waits until the ports are there.
func (r *Rig) StartSim(ctx context.Context) (err error) {
	dir := filepath.Join(r.Dir, "sim")
	r.Sim, err = start("firmware-sim", r.program("firmware-sim"), r.Dir, r.log("firmware-sim"), nil, "serve", "--scenario", "sim.yaml", "--dir", dir)
	if err != nil {
		return err
	}
	return r.await(ctx, r.Sim, "the simulated lines", func() (bool, error) {
		client, _, err := control.Find(dir)
		if err != nil {
			return false, nil
		}
		r.Street = client
		_, err = client.Meters(ctx)
		return err == nil, nil
	})
}

// StartGateway starts the gateway and waits until it answers.
func (r *Rig) StartGateway(ctx context.Context) (err error) {
	r.Hub, err = start("gateway", r.program("gateway"), r.Dir, r.log("gateway"), nil, "run", "--config", "gateway.yaml")
	if err != nil {
		return err
	}
	return r.await(ctx, r.Hub, "the gateway's answer", func() (bool, error) {
		return r.Gateway.Call(ctx, "GET", "/accounts", "", nil, nil) == nil, nil
	})
}

// StartAgent starts the agent.
func (r *Rig) StartAgent(env ...string) (err error) {
	r.Agent, err = start("agent", r.program("agent"), r.Dir, r.log("agent"), env, "run", "--config", "agent.yaml")
	return err
}

// await waits for look, or says how the process ended instead.
func (r *Rig) await(ctx context.Context, p *Process, what string, look func() (bool, error)) error {
	return Await(ctx, 20*time.Second, what, func() (bool, error) {
		select {
		case <-p.Done():
			return true, p.died()
		default:
			return look()
		}
	})
}

// Stop ends the programs in the order in which nothing is left hanging: agent, gateway, lines.
func (r *Rig) Stop() error {
	var all error
	for _, p := range []*Process{r.Agent, r.Hub, r.Sim} {
		if p == nil {
			continue
		}
		select {
		case <-p.Done():
		default:
			all = errors.Join(all, p.Stop())
		}
	}
	r.lock.Close() // closing twice is no harm
	return all
}
