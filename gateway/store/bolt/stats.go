package bolt

import (
	"os"
	"sync/atomic"
)

// stats count since start.
type stats struct {
	commits, readings, states, entries, pages, bytes atomic.Int64
	replayed                                         atomic.Int64 // images replayed at start-up
}

func (s *stats) committed(t *turn) {
	s.commits.Add(1)
	s.readings.Add(int64(len(t.ch.Readings)))
	s.states.Add(int64(len(t.ch.States)))
	s.entries.Add(int64(len(t.ch.Entries)))
	s.pages.Add(int64(len(t.pages)))
	s.bytes.Add(t.w.bytes)
}

// Stats are the engine's counters: all since start, but for the size of the file and what it holds.
func (e *Engine) Stats() map[string]int64 {
	e.pub.RLock()
	defer e.pub.RUnlock()
	s := map[string]int64{
		"commits": e.stats.commits.Load(), "readings": e.stats.readings.Load(), "states": e.stats.states.Load(),
		"ledger_entries": e.stats.entries.Load(), "checkpoint_pages": e.stats.pages.Load(), "value_bytes": e.stats.bytes.Load(),
		"replayed_states": e.stats.replayed.Load(), "sweeps": int64(e.head.Sweeps), "commit": int64(e.head.Commit),
		"accounts": int64(len(e.archive.order)), "state_chunks": int64(e.head.Tally[bucketStates].N),
		"reading_chunks": int64(e.head.Tally[bucketReadings].N), "quarantined": int64(e.head.Tally[bucketQuarantine].N),
		"open_orders": int64(e.head.Tally[bucketOpenOrder].N), "open_notices": int64(e.head.Tally[bucketOpenNote].N),
		"open_findings": int64(e.head.Tally[bucketOpenFind].N),
	}
	if info, err := os.Stat(e.path); err == nil {
		s["file_bytes"] = info.Size()
	}
	return s
}
