// Command gateway is the centre: it takes readings in, settles them, and decides, with reasons, who is warned, tripped and restored.
package main

import (
	"context"
	"os"

	"feikong/gateway/cli"
	"feikong/internal/daemon"
)

func main() {
	os.Exit(cli.Main(context.Background(), daemon.Version, os.Args[1:], os.Stdout, os.Stderr))
}
