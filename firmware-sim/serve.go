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

	"feikong/firmware-sim/control"
	"feikong/firmware-sim/scenario"
	"feikong/firmware-sim/site"
	"feikong/internal/daemon"
)

func serveCommand(say words) *cobra.Command {
	var file, dir, listen, level string
	c := &cobra.Command{
		Use:     "serve --scenario FILE --dir DIR",
		Short:   say("运行仿真线路，直到 Ctrl-C；状态保存在 DIR/state.json", "run the lines until Ctrl-C; state is kept in DIR/state.json"),
		Example: "  firmware-sim serve --scenario configs/street/sim.yaml --dir /tmp/street",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), c, file, dir, listen, level)
		},
	}
	c.Flags().StringVar(&file, "scenario", "", say("场景文件（YAML）", "scenario file (YAML)"))
	c.Flags().StringVar(&dir, "dir", "", say("端口链接与状态所在的目录", "folder for the ports and the state"))
	c.Flags().StringVar(&listen, "control", "127.0.0.1:0", say("控制接口地址，只能是本机", "address of the control interface, loopback only"))
	c.Flags().StringVar(&level, "log", "warn", "debug | info | warn | error")
	c.MarkFlagRequired("scenario")
	c.MarkFlagRequired("dir")
	return c
}

// serve runs a street. It prints one line of JSON when the ports are there.
func serve(ctx context.Context, c *cobra.Command, file, dir, listen, level string) error {
	log, err := daemon.Logger(c.ErrOrStderr(), level)
	if err != nil {
		return err
	}
	sc, err := scenario.Load(file)
	if err != nil {
		return err
	}
	if err := loopback(listen); err != nil {
		return err
	}
	ear, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listen for control: %w", err)
	}
	defer ear.Close()
	lock, err := site.Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	street, err := site.Open(dir, sc, time.Now(), log)
	if err != nil {
		return err
	}
	line, err := json.Marshal(control.Endpoint{Control: "http://" + ear.Addr().String(), Lines: street.Ports()})
	if err != nil {
		return errors.Join(err, street.Close())
	}
	at := filepath.Join(dir, control.EndpointFile)
	if err := site.WriteFile(at, append(line, '\n'), 0o644); err != nil {
		return errors.Join(err, street.Close())
	}
	defer os.Remove(at)
	fmt.Fprintf(c.OutOrStdout(), "%s\n", line)
	return daemon.Run(ctx,
		daemon.Task{Name: "street", Run: street.Run},
		daemon.Task{Name: "control", Run: func(ctx context.Context) error { return answer(ctx, ear, control.Handler(street)) }})
}

// loopback refuses to show the street to a network: whoever reaches it can open relays, if only simulated ones.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("control address %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("control address %q: only the loopback address, 127.0.0.1 or [::1]", address)
	}
	return nil
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
