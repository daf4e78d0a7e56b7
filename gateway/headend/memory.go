package headend

import (
	"feikong/gateway/api/read"
	"feikong/gateway/cache"
)

// memory lets readers of the interface and the pages use the cache's regions of profiles and balances.
func memory(c *cache.Cache) read.Memory {
	return read.Memory{Profiles: shelf{c.Region(cache.Profiles)}, Balances: shelf{c.Region(cache.Balances)}}
}

// shelf is a region with the key a reader knows.
type shelf struct{ region *cache.Region }

func (s shelf) Get(id string, version uint64, sum [32]byte) (any, bool) {
	return s.region.Get(cache.Key{ID: id, Version: version, Sum: sum})
}

func (s shelf) Put(id string, version uint64, sum [32]byte, value any, cost int64) {
	s.region.Put(cache.Key{ID: id, Version: version, Sum: sum}, value, cost)
}
