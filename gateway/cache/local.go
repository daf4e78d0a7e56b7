package cache

import (
	"fmt"

	"github.com/dgraph-io/ristretto/v2"
)

// Ristretto is named in this file only. It was taken for its admission by frequency: a sweep over all accounts does not
// throw out the few tariffs everything needs.

// local is one region in this process.
type local struct {
	c *ristretto.Cache[string, entry]
}

func newLocal(maxBytes int64) (*local, error) {
	c, err := ristretto.NewCache(&ristretto.Config[string, entry]{
		// Ten counters for each entry it may hold, as its manual advises, at 1 KiB an entry.
		NumCounters: max(1000, maxBytes/1024*10), MaxCost: maxBytes, BufferItems: 64,
	})
	if err != nil {
		return nil, fmt.Errorf("make a cache region: %w", err)
	}
	return &local{c}, nil
}

func (l *local) get(key string) (entry, bool) { return l.c.Get(key) }

// put may be dropped or refused: then the next look-up misses, and nothing else happens.
func (l *local) put(key string, e entry, cost int64) { l.c.Set(key, e, cost) }

// settled waits until what was put can be found.
func (l *local) settled() { l.c.Wait() }

func (l *local) close() { l.c.Close() }
