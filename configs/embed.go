// Package configs holds the explained example configurations as files; Street is the simulated street that the programs
// carry with them, so that a fresh clone runs without anything beside the binaries.
package configs

import "embed"

// Street holds street/*.yaml: one file for each program.
//
//go:embed street/*.yaml
var Street embed.FS
