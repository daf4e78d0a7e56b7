package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"feikong/configs"
	"feikong/firmware-sim/bus"
	"feikong/firmware-sim/control"
	"feikong/firmware-sim/scenario"
	"feikong/firmware-sim/site"
	"feikong/internal/daemon"
)

// serving is what the flags of `serve` say.
type serving struct{ file, dir, control, tcp, modbusTCP, level string }

func serveCommand(say words) *cobra.Command {
	var o serving
	c := &cobra.Command{
		Use:   "serve",
		Short: say("运行仿真线路，直到 Ctrl-C；状态保存在 DIR/state.json", "run the lines until Ctrl-C; state is kept in DIR/state.json"),
		Long: say("运行仿真线路，直到 Ctrl-C。就绪后在标准输出打印一行 JSON：控制接口与每条线路的地址。\n线路默认是 DIR 下的伪终端；用 --tcp、--modbus-tcp 或场景中的 tcp:、modbus_tcp:、port: 换到别处。",
			"Run the lines until Ctrl-C. When they are ready one line of JSON on standard output tells the control interface and each line's address.\nA line is a pseudo-terminal under DIR, unless --tcp, --modbus-tcp, or tcp:, modbus_tcp: or port: in the scenario put it elsewhere."),
		Example: "  firmware-sim serve --scenario configs/street/sim.yaml --dir /tmp/street\n" +
			"  firmware-sim serve --tcp 127.0.0.1:0\n" +
			"  firmware-sim serve --tcp 127.0.0.1:4001 --modbus-tcp 127.0.0.1:5020 --scenario configs/scenarios/faults.yaml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c.Context(), c, o) },
	}
	c.Flags().StringVar(&o.file, "scenario", "", say("场景文件（YAML）；默认为自带的街道", "scenario file (YAML); the street that the program carries when empty"))
	c.Flags().StringVar(&o.dir, "dir", "", say("端口链接与状态所在的目录；默认为临时目录，结束时删除", "folder for the ports and the state; a temporary one when empty, removed at the end"))
	c.Flags().StringVar(&o.tcp, "tcp", "", say("把未指定位置的线路放到 TCP（透明串口服务器）；端口 0 任选，否则逐条加一", "put lines without a place of their own on TCP (a transparent serial server); port 0 is any, others count up by line"))
	c.Flags().StringVar(&o.modbusTCP, "modbus-tcp", "", say("把未指定位置的 modbus 线路放到 Modbus TCP", "put modbus lines without a place of their own on Modbus TCP"))
	c.Flags().StringVar(&o.control, "control", "127.0.0.1:0", say("控制接口地址，只能是本机", "address of the control interface, loopback only"))
	c.Flags().StringVar(&o.level, "log", "warn", "debug | info | warn | error")
	return c
}

// serve runs a street. It prints one line of JSON when the ports are there.
func serve(ctx context.Context, c *cobra.Command, o serving) (err error) {
	log, err := daemon.Logger(c.ErrOrStderr(), o.level)
	if err != nil {
		return err
	}
	sc, err := o.scenario()
	if err != nil {
		return err
	}
	if err := bus.Loopback(o.control); err != nil {
		return fmt.Errorf("control: %w", err)
	}
	ear, err := net.Listen("tcp", o.control)
	if err != nil {
		return fmt.Errorf("listen for control: %w", err)
	}
	defer ear.Close()
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "feikong-sim-"); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	lock, err := site.Lock(o.dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	street, err := site.Open(o.dir, sc, time.Now(), log)
	if err != nil {
		return err
	}
	line, err := json.Marshal(control.Endpoint{Control: "http://" + ear.Addr().String(), Lines: street.Places()})
	if err != nil {
		return errors.Join(err, street.Close())
	}
	at := filepath.Join(o.dir, control.EndpointFile)
	if err := site.WriteFile(at, append(line, '\n'), 0o644); err != nil {
		return errors.Join(err, street.Close())
	}
	defer os.Remove(at)
	fmt.Fprintf(c.OutOrStdout(), "%s\n", line)
	return daemon.Run(ctx,
		daemon.Task{Name: "street", Run: street.Run},
		daemon.Task{Name: "control", Run: func(ctx context.Context) error { return answer(ctx, ear, control.Handler(street)) }})
}

// scenario is what is served: the file's lines, or the street's, those without a place of their own where the flags say.
func (o serving) scenario() (scenario.Scenario, error) {
	sc, err := load(o.file)
	if err != nil {
		return sc, err
	}
	counts := map[string]int{}
	for i := range sc.Lines {
		l := &sc.Lines[i]
		flag, kind, address := "--tcp", "tcp", o.tcp
		if o.modbusTCP != "" && l.Bus.Protocol == bus.Modbus {
			flag, kind, address = "--modbus-tcp", "modbus-tcp", o.modbusTCP
		}
		if address == "" || l.Place.Kind != "pty" {
			continue
		}
		if err := bus.Loopback(address); err != nil {
			return sc, fmt.Errorf("%s: %w", flag, err)
		}
		if address, err = scenario.NthPort(address, counts[kind]); err != nil {
			return sc, fmt.Errorf("%s: %w", flag, err)
		}
		counts[kind]++
		l.Place = bus.Place{Kind: kind, Address: address}
	}
	return sc, nil
}

func load(file string) (scenario.Scenario, error) {
	if file != "" {
		return scenario.Load(file)
	}
	text, err := configs.Street.ReadFile("street/sim.yaml")
	if err != nil {
		return scenario.Scenario{}, fmt.Errorf("the street of this program: %w", err)
	}
	return scenario.Read("street/sim.yaml", text)
}

// answer serves HTTP until ctx ends.
func answer(ctx context.Context, ear net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Shutdown(soon)
		_ = s.Close()
	})
	defer stop()
	if err := s.Serve(ear); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control: %w", err)
	}
	return nil
}
