// Command gateway is the centre: it takes readings in, settles them, and decides, with reasons, who is warned, tripped and restored.
package main

import (
	"context"
	"os"

	"feikong/gateway/cli"
)

// version is set by the linker.
var version = "0.1"

func main() { os.Exit(cli.Main(context.Background(), version, os.Args[1:], os.Stdout, os.Stderr)) }
