//go:build race

package protocol

// raceEnabled: under the race detector sync.Pool drops items at random, so encoding may allocate.
const raceEnabled = true
