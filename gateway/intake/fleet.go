package intake

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"feikong/protocol"
)

// Fleet is what is known of the agents right now: who is connected, the newest status each sent, and what we counted of them. It is
// memory only and begins empty at each start. It knows the agents it was told of and those that signed in, so it is as bounded as
// the credentials are.
type Fleet struct {
	mu     sync.Mutex // guards the map and what it points to
	agents map[string]*Member
}

// Member is one agent as the gateway sees it. A copy is the caller's.
type Member struct {
	ID        string
	Connected bool
	Since     time.Time        // of the connection, or of its end; zero when it never connected
	Seen      time.Time        // last packet; zero never
	Hello     *protocol.Hello  // newest, nil none; not to be written to
	Status    *protocol.Status // newest, nil none; not to be written to
	Counts    Counts
}

// Counts are an agent's packets since the gateway started.
type Counts struct {
	Packets, Bytes      uint64
	Batches, Entries    uint64 // readings and evidence batches committed; entries in them
	Repeated            uint64 // batches that were on disk already
	Behind              uint64 // batches answered with an earlier sequence: the agent has to rewind
	Refused             uint64 // topics it was not allowed
	Quarantined         uint64 // packets that could not be attributed
	Dropped, Overloaded uint64 // packets dropped unacknowledged: inbox full; settlement full
}

// NewFleet begins with the agents that are known by configuration, not connected.
func NewFleet(known ...string) *Fleet {
	f := &Fleet{agents: map[string]*Member{}}
	for _, id := range known {
		f.agents[id] = &Member{ID: id}
	}
	return f
}

// Agents gives all agents, by id.
func (f *Fleet) Agents() []Member {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Member, 0, len(f.agents))
	for _, m := range f.agents {
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Agent gives one agent; ok is false when it is not known.
func (f *Fleet) Agent(id string) (m Member, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.agents[id]; p != nil {
		return *p, true
	}
	return Member{}, false
}

// Connected notes that an agent's session began (on) or ended.
func (f *Fleet) Connected(id string, on bool, now time.Time) {
	f.change(id, func(m *Member) { m.Connected, m.Since = on, now })
}

// Refused counts a topic that the agent was not allowed.
func (f *Fleet) Refused(id string) { f.count(id, func(c *Counts) { c.Refused++ }) }

func (f *Fleet) count(id string, do func(*Counts)) { f.change(id, func(m *Member) { do(&m.Counts) }) }

func (f *Fleet) change(id string, do func(*Member)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.agents[id]
	if m == nil {
		m = &Member{ID: id}
		f.agents[id] = m
	}
	do(m)
}
