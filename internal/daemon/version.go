package daemon

// Version of the programs, set by the build.
var Version = "dev"
