// Command agent stands at the edge: it reads meters over serial lines, keeps what they say until the gateway has it on
// disk, and carries out orders for their relays.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"feikong/agent/edge"
	"feikong/agent/tools"
	"feikong/configs"
	"feikong/internal/daemon"
)

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

// say picks the language of the person at the terminal.
func say(zh, en string) string { return daemon.Say(daemon.Lang(), zh, en) }

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "agent",
		Short: say("费控采集终端：抄表、暂存、执行跳合闸指令", "Feikong's edge agent: reads meters, keeps readings, carries out relay orders"),
		Example: "  agent config example > agent.yaml\n  agent config check --config agent.yaml\n  agent run --config agent.yaml\n" +
			"  agent decode FE FE FE FE 68 AA AA AA AA AA AA 68 13 00 DF 16",
		Version:       daemon.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	daemon.CommandLine(root, daemon.Lang())
	config := &cobra.Command{Use: "config", Short: say("检查或打印配置", "check or print a configuration"), Example: "  agent config check --config configs/agent.yaml"}
	config.AddCommand(checkCommand(), &cobra.Command{
		Use: "example", Short: say("打印一份逐项说明的配置", "print a configuration with every key explained"), Args: cobra.NoArgs,
		Example: "  agent config example > agent.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(configs.Agent)
			return err
		},
	})
	root.AddCommand(runCommand(), config, tools.DecodeCommand())
	root.AddCommand(tools.ScanCommand(), tools.ReadCommand(), tools.MonitorCommand(), tools.DoctorCommand(), tools.ModelCommand())
	root.AddCommand(tools.StatusCommand(), tools.CommissionCommand(), tools.ExchangeCommand(), tools.ReadingCommand(), tools.RelayCommand(), tools.MaintainCommand())
	forPeople(root)
	return root
}

func runCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "run --config FILE", Short: say("运行，直到 Ctrl-C", "run until Ctrl-C"), Args: cobra.NoArgs,
		Example: "  agent run --config configs/agent.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			thrifty()
			cfg, err := edge.Load(file)
			if err != nil {
				return err
			}
			log, err := daemon.Logger(c.ErrOrStderr(), cfg.LogLevel)
			if err != nil {
				return fmt.Errorf("log.level: %w", err)
			}
			ctx, stop := daemon.Signals(c.Context())
			defer stop()
			return edge.Run(ctx, cfg, log)
		},
	}
	configFlag(c, &file)
	return c
}

func checkCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "check --config FILE", Short: say("检查配置，不打开任何串口", "check a configuration without opening any port"), Args: cobra.NoArgs,
		Example: "  agent config check --config configs/agent.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := edge.Load(file)
			if err != nil {
				return err
			}
			meters := 0
			for _, l := range cfg.Lines {
				meters += len(l.Meters)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), say("配置正确：%d 条线路，%d 块表\n", "configuration is sound: %d lines, %d meters\n"), len(cfg.Lines), meters)
			return err
		},
	}
	configFlag(c, &file)
	return c
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "config", "agent.yaml", say("配置文件", "configuration file"))
}
