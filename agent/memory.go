package main

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how far the heap grows beyond what is in use before it is collected, in percent. Concentrators have 64 MB for
// everything: 2,048 meters are 6 MB in use, of which Go's usual 100 makes 12 and more, and 40 makes 8. A collection takes 10 ms
// of processor time, and whoever polls each 15 minutes makes little to collect.
const heapGrowth = 40

// thrifty trades processor time for memory; GOGC, where somebody sets it, goes before it.
func thrifty() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
