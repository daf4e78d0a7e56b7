// Command firmware-sim is a simulated street: virtual meters on virtual RS-485 lines, for everything that would otherwise
// need a wall of meters and a person at each.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"feikong/internal/daemon"
)

// commands is the table of what this program does. A new command is a line here and a file of its own.
var commands = []func(say words) *cobra.Command{
	serveCommand,
	ctlCommand,
	streetCommand,
	demoCommand,
}

// words picks Chinese or English.
type words func(zh, en string) string

func main() {
	ctx, stop := daemon.Signals(context.Background())
	defer stop()
	if err := root(daemon.Lang()).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "firmware-sim:", err)
		stop()
		os.Exit(1)
	}
}

func root(lang string) *cobra.Command {
	say := func(zh, en string) string { return daemon.Say(lang, zh, en) }
	c := &cobra.Command{
		Use:           "firmware-sim",
		Short:         say("仿真电能表与 RS-485 总线", "simulated electricity meters on simulated RS-485 lines"),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.CompletionOptions.HiddenDefaultCmd = true
	c.SetUsageTemplate(daemon.UsageTemplate(lang, c.UsageTemplate()))
	c.SetHelpCommand(&cobra.Command{Use: "help [COMMAND]", Hidden: true, RunE: func(_ *cobra.Command, args []string) error { // as --help
		of, _, err := c.Find(args)
		if err != nil {
			return err
		}
		return of.Help()
	}})
	c.PersistentFlags().BoolP("help", "h", false, say("显示说明", "explain the command"))
	for _, command := range commands {
		c.AddCommand(command(say))
	}
	return c
}
