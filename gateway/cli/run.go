package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"feikong/configs"
	"feikong/gateway/headend"
	"feikong/internal/daemon"
)

func (t *terminal) run() *cobra.Command {
	return &cobra.Command{
		Use:     "run --config FILE",
		Short:   t.say("运行网关，直到 Ctrl-C", "run the gateway until Ctrl-C"),
		Example: "  gateway run --config data/street/gateway.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.config == "" {
				return errors.New(t.say("请给出 --config 文件；gateway config example 可打印一份", "give --config FILE; `gateway config example` prints one"))
			}
			config, err := headend.Load(t.config)
			if err != nil {
				return err
			}
			if t.data != "" {
				config.Data = t.data
			}
			log, err := daemon.Logger(os.Stderr, config.LogLevel)
			if err != nil {
				return err
			}
			ctx, stop := daemon.Signals(cmd.Context())
			defer stop()
			return headend.Run(ctx, config, headend.Options{Version: t.version, Lang: t.lang, Out: t.out, Log: log})
		},
	}
}

func (t *terminal) configuration() *cobra.Command {
	group := &cobra.Command{
		Use: "config", Short: t.say("检查或打印配置", "check or print a configuration"),
		Example: "  gateway config check --config configs/gateway.yaml\n  gateway config example > gateway.yaml",
	}
	check := &cobra.Command{
		Use: "check [FILE]", Short: t.say("检查配置、档案与规则文件，不启动", "check configuration, archive and rules without starting"),
		Example: "  gateway config check configs/gateway.yaml", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := t.config
			if len(args) == 1 {
				path = args[0]
			}
			if path == "" {
				return errors.New(t.say("请给出配置文件", "give a configuration file"))
			}
			c, err := headend.Load(path)
			if err != nil {
				return err
			}
			points := 0
			for i := range c.Book.Profiles {
				points += len(c.Book.Profiles[i].Points)
			}
			return t.print(map[string]int{"agents": len(c.Book.Agents), "accounts": len(c.Book.Profiles), "points": points, "documents": len(c.Documents)},
				func(w writer) {
					say(w, t.say("正确：采集终端 %d，户 %d，计量点 %d，规则文件 %d\n", "right: %d agents, %d accounts, %d metering points, %d rule documents\n"),
						len(c.Book.Agents), len(c.Book.Profiles), points, len(c.Documents))
				})
		},
	}
	example := &cobra.Command{
		Use: "example [gateway|archive]", Short: t.say("打印带全部说明的配置", "print a configuration with every key explained"),
		Example: "  gateway config example archive > archive.yaml", Args: cobra.MaximumNArgs(1), ValidArgs: []string{"gateway", "archive"},
		RunE: func(_ *cobra.Command, args []string) error {
			body := configs.Gateway
			if len(args) == 1 {
				switch args[0] {
				case "gateway":
				case "archive":
					body = configs.Archive
				default:
					return errors.New(t.say("只有 gateway 与 archive 两种", "there are two: gateway and archive"))
				}
			}
			_, err := t.out.Write(body)
			return err
		},
	}
	group.AddCommand(check, example)
	return group
}

func (t *terminal) versionOf() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: t.say("打印版本", "print the version"), Example: "  gateway version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return t.print(map[string]string{"version": t.version}, func(w writer) { say(w, "gateway %s\n", t.version) })
		},
	}
}
