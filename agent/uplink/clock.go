package uplink

import (
	"sync"
	"time"
)

const (
	// trustWithin is how far the agent's clock may be from the gateway's beacon.
	trustWithin = 2 * time.Second
	// trustFor is how long one beacon counts: a crystal drifts well below a second in that time.
	trustFor = time.Hour
)

// Clock compares the agent's wall clock with the gateway's beacon. The zero value trusts nothing.
type Clock struct {
	mu     sync.Mutex // guards the two below
	at     time.Time  // of the last beacon, with its monotonic reading
	offset time.Duration
	doubt  time.Duration // half the round trip
}

// Beacon takes the gateway's time out of a reply to what was sent at `sent` and came at `got`.
func (c *Clock) Beacon(sent, got, gateway time.Time) {
	trip := got.Sub(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.doubt = got, trip/2
	c.offset = sent.Add(trip / 2).Sub(gateway)
}

// Offset is agent minus gateway, 0 before the first beacon.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset + c.stepped()
}

// Trusted says that the wall clock is within two seconds of the gateway's, by a beacon of the last hour.
func (c *Clock) Trusted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || time.Since(c.at) > trustFor {
		return false
	}
	return (c.offset+c.stepped()).Abs()+c.doubt <= trustWithin
}

// stepped is how far somebody set the wall clock since the beacon: the monotonic clock does not follow.
func (c *Clock) stepped() time.Duration {
	if c.at.IsZero() {
		return 0
	}
	now := time.Now()
	return now.Round(0).Sub(c.at.Round(0)) - now.Sub(c.at)
}
