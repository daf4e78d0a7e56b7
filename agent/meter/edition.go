package meter

import (
	"slices"
	"sync"
	"time"

	"feikong/agent/line"
)

type edition uint8

const (
	ed2007 edition = iota
	ed1997
)

// way is how a meter is talked to.
type way struct {
	edition edition
	baud    int    // 0: the line's
	parity  string // "": the line's
}

// ways are the candidates of a meter. The first that answered is kept; after a long silence, which a meter that was
// exchanged leaves, the others are tried again beside it.
type ways struct {
	mu     sync.Mutex // guards all below
	list   []way      // 1 to 10; list[at] is in use
	at     int
	turn   int       // the other that was tried last
	misses int       // calls in a row that nobody answered
	heard  time.Time // when list[at] last answered; zero: never
	told   bool      // list[at] answered before this program was started
	asked  time.Time // whether the meter speaks 2007 after all, when list[at] is 1997
	lent   *lent
}

const (
	// searchAfter of silence a meter may be another one than it was.
	searchAfter = time.Hour
	// Many meters answer both editions. One that noise made look like 1997 could not switch its relay, so 2007 is tried
	// first, newerTries times, and again each newerEvery.
	newerTries, newerEvery = 2, 24 * time.Hour
)

// usual are the rates that meters are found at, besides the line's own: 1200 is the default of 1997, 2400 of 2007, and
// 9600 what makers of DIN rail meters deliver. All have even parity (DL/T 645-2007, 5.1).
var usual = []way{{ed1997, 1200, "even"}, {ed2007, 2400, "even"}, {ed2007, 9600, "even"}, {ed1997, 2400, "even"}, {ed1997, 9600, "even"}}

func candidates(o options, set line.Settings) (list []way) {
	own := way{baud: o.baud, parity: o.parity}
	if own.baud == set.Baud {
		own.baud = 0
	}
	if own.parity == set.Parity {
		own.parity = ""
	}
	for _, e := range []edition{ed2007, ed1997} {
		if o.edition == "auto" || o.edition == "2007" && e == ed2007 || o.edition == "1997" && e == ed1997 {
			own.edition = e
			list = append(list, own)
		}
	}
	if o.edition != "auto" || o.baud != 0 || o.parity != "" {
		return list
	}
	for _, w := range usual {
		if w.baud != set.Baud || w.parity != set.Parity {
			list = append(list, w)
		}
	}
	return list
}

func (s *ways) now() way {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[s.at]
}

// answered keeps the way that a meter answered to.
func (s *ways) answered(w way, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i] == w {
			s.at, s.heard, s.misses = i, at, 0
		}
	}
}

// doubted says that list[at] may be wrong: it has not answered yet, or not for long.
func (s *ways) doubted(now time.Time) bool {
	return len(s.list) > 1 && (s.heard.IsZero() || now.Sub(s.heard) >= searchAfter || s.lends())
}

// lent is a rate that the meter was told by hand, and how it was talked to before, to which it may go back.
type lent struct{ to, from way }

func (s *ways) lends() bool { return s.lent != nil && s.lent.to == s.list[s.at] }

// lend puts w beside the ways there are, and in use when the meter was heard in it: it was told a rate by hand, which not
// every meter keeps.
func (s *ways) lend(w way, heard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.list, w)
	if i < 0 { // at most one for each rate of the standard
		i, s.list = len(s.list), append(s.list, w)
	}
	if heard {
		s.lent = &lent{w, s.list[s.at]}
		s.at, s.heard, s.misses = i, time.Now(), 0
	}
}

// pick is the way in use, or in its turn another one where there is doubt: every second call for a meter that was never
// heard, every fourth for one that fell silent. However many ways there are, a meter that was never heard costs one timeout
// a call; one that fell silent costs two in every fourth, because a guess alone would miss its return, and that of its line.
func (s *ways) pick(now time.Time) (w way, guess bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	every := 4
	if s.heard.IsZero() && !s.told || s.lends() {
		every = 2
	}
	if !s.doubted(now) || s.misses%every != every-1 {
		return s.list[s.at], false
	}
	if s.lends() {
		return s.lent.from, true
	}
	if s.turn = (s.turn + 1) % len(s.list); s.turn == s.at {
		s.turn = (s.turn + 1) % len(s.list)
	}
	return s.list[s.turn], true
}

// newer is the way of 2007 to be tried before a meter is taken for one of 1997; false when there is none, or it was tried.
func (s *ways) newer(w way, now time.Time) (way, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.edition != ed1997 || len(s.list) == 1 || !s.asked.IsZero() && now.Sub(s.asked) < newerEvery {
		return way{}, false
	}
	w.edition = ed2007
	if !slices.Contains(s.list, w) { // at most one for each rate of 1997
		s.list = append(s.list, w)
	}
	s.asked = now
	return w, true
}

// others are all ways but the one in use, where there is doubt.
func (s *ways) others(now time.Time) (list []way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubted(now) {
		list = append(append(list, s.list[:s.at]...), s.list[s.at+1:]...)
	}
	return list
}

func (s *ways) missed() {
	s.mu.Lock()
	s.misses++
	s.mu.Unlock()
}

// Way is how a meter was found to talk, for whoever keeps it across restarts. Zero: not found yet.
type Way struct {
	Edition string `json:"edition"`          // "2007" or "1997"
	Baud    int    `json:"baud,omitempty"`   // 0: the line's
	Parity  string `json:"parity,omitempty"` // "": the line's
}

// Finder is a meter that is found out, and need not be again.
type Finder interface {
	Found() Way
	// Recall begins with a way that was found before. What the configuration does not allow any more is ignored.
	Recall(Way)
}

// Found is how the meter has answered since start.
func (m *DLT645) Found() Way {
	w := m.ways.now()
	e := m.ways.heardAs()
	if e == "" {
		return Way{}
	}
	return Way{Edition: e, Baud: w.baud, Parity: w.parity}
}

// Recall begins with a way that was found before; it is doubted like any other until the meter answers.
func (m *DLT645) Recall(found Way) {
	w := way{edition: ed2007, baud: found.Baud, parity: found.Parity}
	if found.Edition == "1997" {
		w.edition = ed1997
	}
	m.ways.begin(w)
}

func (s *ways) begin(w way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.list, w); i >= 0 && s.heard.IsZero() {
		s.at, s.asked, s.told = i, time.Now(), true
	}
}

// known says that list[at] has answered once: before another way is guessed, it is asked.
func (s *ways) known() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return (s.told || !s.heard.IsZero()) && !s.lends()
}

// heardAs is the edition that answered; "" before anybody did.
func (s *ways) heardAs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.heard.IsZero():
		return ""
	case s.list[s.at].edition == ed1997:
		return "1997"
	}
	return "2007"
}

// drop takes out a way that this port cannot be tuned to.
func (s *ways) drop(w way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i] == w && i != s.at && len(s.list) > 1 {
			if s.list = append(s.list[:i:i], s.list[i+1:]...); i < s.at {
				s.at--
			}
			return
		}
	}
}
