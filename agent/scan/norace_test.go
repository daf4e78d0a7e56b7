//go:build !race

package scan

// racing says that the race detector runs.
const racing = false
