// Package cache is the distributed cache 分布式缓存 of the patent: six regions by its names. A cached value is immutable and keyed by
// what it was made of (id, version, SHA-256), so it is either right or not there: nothing is ever invalidated. What a cache
// loses or refuses is made again; it changes latency only. No decision rests on a cached balance.
package cache

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// The six regions.
const (
	Profiles   = "profiles"    // 客户档案
	Balances   = "balances"    // 账户余额, for readers only
	Tariffs    = "tariffs"     // 电价参数
	Policies   = "policies"    // 基准策略
	AuditRules = "audit_rules" // 审核规则
	Parameters = "parameters"  // 系统参数
)

var regionNames = [...]string{Profiles, Balances, Tariffs, Policies, AuditRules, Parameters}

// Key names an immutable value by what it was made of.
type Key struct {
	ID      string
	Version uint64
	Sum     [32]byte // SHA-256 of the source
}

func (k *Key) text() string {
	b := make([]byte, 0, 40+len(k.ID))
	b = binary.BigEndian.AppendUint64(b, k.Version)
	b = append(b, k.Sum[:]...)
	return string(append(b, k.ID...))
}

// entry carries its key: a value under another's key is a miss.
type entry struct {
	key   Key
	value any
}

// Ratio is how often a region was asked, and had it.
type Ratio struct{ Hits, Misses uint64 }

// Options of New.
type Options struct {
	// RegionBytes bounds each region, by the costs its values are put with; 0 is 16 MiB: a province's documents many times
	// over, or the profiles of 10,000 accounts.
	RegionBytes int64
}

// Cache is the six regions. It is safe for concurrent use.
type Cache struct{ regions map[string]*Region }

// New makes the regions. Close ends the goroutines ristretto has for each.
func New(opt Options) (*Cache, error) {
	if opt.RegionBytes <= 0 {
		opt.RegionBytes = 16 << 20
	}
	c := &Cache{regions: make(map[string]*Region, len(regionNames))}
	for _, name := range regionNames {
		l, err := newLocal(opt.RegionBytes)
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("region %s: %w", name, err)
		}
		c.regions[name] = &Region{name: name, local: l}
	}
	return c, nil
}

// Region is the region with this name, one of the six constants; nil for another.
func (c *Cache) Region(name string) *Region { return c.regions[name] }

// Ratios are the look-ups of each region since start.
func (c *Cache) Ratios() map[string]Ratio {
	out := make(map[string]Ratio, len(c.regions))
	for name, r := range c.regions {
		out[name] = Ratio{r.hits.Load(), r.misses.Load()}
	}
	return out
}

// Close lets go of everything. The cache is not used afterwards.
func (c *Cache) Close() {
	for _, r := range c.regions {
		r.local.close()
	}
}

// Region is one of the six.
type Region struct {
	name         string
	local        *local
	hits, misses atomic.Uint64
}

// Get looks a value up. Who gets it must not write to it.
func (r *Region) Get(key Key) (any, bool) {
	e, ok := r.local.get(key.text())
	if !ok || e.key != key {
		r.misses.Add(1)
		return nil, false
	}
	r.hits.Add(1)
	return e.value, true
}

// Put keeps a value, which nobody may write to from now on. cost is its size in bytes, about.
func (r *Region) Put(key Key, value any, cost int64) {
	r.local.put(key.text(), entry{key, value}, max(1, cost))
}

// Load gets the value under key, or makes it and keeps it. An error of make is the caller's; nothing is kept then.
func Load[T any](r *Region, key Key, cost int64, make func() (T, error)) (T, error) {
	if v, ok := r.Get(key); ok {
		if t, ok := v.(T); ok {
			return t, nil
		}
	}
	v, err := make()
	if err == nil {
		r.Put(key, v, cost)
	}
	return v, err
}
