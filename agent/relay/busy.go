package relay

// Busy says that an order of a line waits or is carried out, or a hand moves a relay of it: its meters' clocks are left
// alone meanwhile, a deadline was reckoned by them.
func (e *Executor) Busy(line string) bool {
	if len(e.turns[line]) > 0 {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for ref := range e.pending {
		if ref.Line == line {
			return true
		}
	}
	return false
}
