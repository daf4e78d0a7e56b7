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
	daemon.CommandLine(c, lang)
	for _, command := range commands {
		c.AddCommand(command(say))
	}
	return c
}
