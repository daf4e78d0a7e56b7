//go:build race

package line

// raceEnabled: under the race detector sync.Pool drops items at random.
const raceEnabled = true
