// Package history makes readings gap-free: what an agent missed, because it, its line or a meter was down, is fetched
// from what the meter kept itself (冻结, 负荷记录), and what no meter kept gets a name. It also reads the daily freeze of
// every day, takes snapshots at the boundaries of bills from meters that freeze nothing, and looks after the meters'
// clocks.
//
// A reading is in the outbox before the need for it is forgotten. Killed in between, the same record is fetched and
// stored once more, with the same meter, register, method and meter time, by which the gateway knows it.
package history

import (
	"log/slog"
	"slices"
	"time"

	"feikong/agent/meter"
	"feikong/protocol"
)

const (
	// holeMin is the shortest time without registers that is a gap, however often a meter is polled: noise makes shorter
	// ones, and the load profile of most meters has an hour's step.
	holeMin = 30 * time.Minute
	// reask is when a meter that kept nothing is asked again: somebody may have set its freeze words.
	reask = 24 * time.Hour
	// keepEvery is how often the newest readings' times go to the disk at most; a crash makes a gap look that much longer.
	keepEvery = 10 * time.Minute
	// settled is how old a reading is when it is surely on the disk: the poller gathers for five seconds, flash takes some.
	settled = 30 * time.Second
	// restMin, restMax bound the pause after a meter did not answer.
	restMin, restMax = time.Minute, time.Hour
	// oldest is the age at which a gap is named without asking: no meter keeps more days.
	oldest = (daysMax + 1) * 24 * time.Hour
)

// Options of a line's history.
type Options struct {
	Line      string
	Interval  time.Duration  // of polling
	Zone      *time.Location // of the meters' clocks, and of midnight
	Reread    int            // days whose freeze is fetched for a meter without memory; 0: 35, a month and a little
	Broadcast bool           // clock: broadcast
	Trusted   func() bool    // whether the agent's clock is trusted now
	Busy      func() bool    // an order is at work on this line; nil: no orders
}

// History is the memory of one line at work. Seen and Work belong to the line's poller.
type History struct {
	opt    Options
	mem    *Memory
	box    Box
	log    *slog.Logger
	meters []*known
	byRef  map[protocol.MeterRef]*known
	line   *lineRecord

	keptAt time.Time
	full   time.Time // the outbox was full; nothing is fetched before
	verify []*known  // clocks to be read back after a broadcast

	snapping bool // the last step took a snapshot
}

// known is one meter with its record.
type known struct {
	meter.Driver
	*record
	keeper meter.Keeper // nil: it keeps nothing
	urgent bool         // a gap was opened, or the meter is new
	since  int64        // when the newest was
	sure   int64        // Seen, once it is so old that the poller must have stored it
	saved  int64        // Seen on disk
	until  time.Time    // not asked before: it did not answer
	pause  time.Duration
	retry  time.Time // today's freeze is not asked for before
	tried  int       // how often it was, in vain
	behind int64     // stamp of the daily freeze behind a hole, while it is looked what is in front of it
	odd    int       // answers that could not be used, in a row
	step   int64     // ms between two records of its load profile, the least seen
	deltas int       // how often it was seen
	mute   bool      // its clock cannot be read; its stamps are taken as they are

}

// New puts a line's meters beside their records; they must be among those of Open.
func New(opt Options, mem *Memory, meters []meter.Driver, log *slog.Logger) *History {
	if opt.Reread == 0 {
		opt.Reread = 35
	}
	h := &History{opt: opt, mem: mem, box: mem.box, log: log.With("line", opt.Line), line: &lineRecord{}, byRef: map[protocol.MeterRef]*known{}}
	mem.mu.Lock()
	defer mem.mu.Unlock()
	if l := mem.lines[opt.Line]; l != nil {
		h.line = l
	}
	for _, d := range meters {
		r := mem.meters[d.Ref()]
		if r == nil {
			r = &record{}
		}
		k := &known{Driver: d, record: r, sure: r.Seen, saved: r.Seen}
		k.keeper, _ = d.(meter.Keeper)
		if f, ok := d.(meter.Finder); ok && r.Way != (meter.Way{}) {
			f.Recall(r.Way)
		}
		h.meters, h.byRef[d.Ref()] = append(h.meters, k), k
		later := mem.later[d.Ref()]
		slices.Sort(later)
		for _, at := range later {
			h.seen(k, at)
		}
		delete(mem.later, d.Ref())
	}
	return h
}

func (h *History) holeAfter() time.Duration { return max(2*h.opt.Interval, holeMin) }

// Seen is told of each energy read that came back, before or after it was stored. It opens a gap when the meter was
// without one for too long. A total that has fallen is another meter's, or the meter was cleared: what it kept from before is
// doubtful.
func (h *History) Seen(d meter.Driver, at time.Time, registers []protocol.Reading) {
	k := h.byRef[d.Ref()]
	if k == nil {
		return
	}
	now := at.UnixMilli()
	k.until, k.pause = time.Time{}, 0
	if f, ok := d.(meter.Finder); ok {
		if w := f.Found(); w != k.Way && w != (meter.Way{}) {
			k.Way, k.urgent = w, true
		}
	}
	before := k.record.Seen
	if before != 0 && !h.opt.Trusted() && (now < before || now-before > oldest.Milliseconds()) {
		return // our clock was lost with the power; what it says when it is right again counts
	}
	h.seen(k, now)
	for _, r := range registers {
		if r.Quantity != protocol.ActiveImport || r.Register != 0 {
			continue
		}
		if r.Exp == k.Exp && r.Value < k.Total {
			h.log.Warn("register fell", "meter", k.Ref().Address, "from", k.Total, "to", r.Value)
			k.doubt(now)
			k.urgent = true
		}
		k.Total, k.Exp = r.Value, r.Exp
	}
}

// doubt marks what the meter kept until an instant.
func (k *known) doubt(until int64) {
	k.Moved = until
	for i := range k.Gaps {
		k.Gaps[i].Moved = true
	}
}

func (h *History) seen(k *known, now int64) {
	before := k.record.Seen
	k.record.Seen = now
	if before == 0 {
		k.Snap, k.urgent = now, true // boundaries from before this meter was known are nobody's
		return
	}
	if now-before <= h.holeAfter().Milliseconds() {
		return
	}
	h.log.Info("meter was not read for a while", "meter", k.Ref().Address, "since", time.UnixMilli(before))
	k.urgent, k.sure = true, now // the gap's end goes to the disk with it, or the next start would open it again
	k.since = now
	g := gap{From: before, To: now, Moved: k.record.Moved > before}
	if n := len(k.Gaps); n > gapsMax { // nothing has been filled for long: the disk is full
		g.From = k.Gaps[n-1].From
		k.Gaps = k.Gaps[:n-1]
	}
	k.Gaps = append(k.Gaps, g)
}
