package history

import (
	"slices"

	"feikong/agent/meter"
	"feikong/protocol"
)

// kept is what is known about one kind of a meter's own history.
type kept uint8

const (
	unknown kept = iota
	keeps
	keepsNone
)

// memo is one kind of history of a meter: whether it keeps it, and when it was asked last (unix ms).
type memo struct {
	Kept  kept  `json:"kept"`
	Asked int64 `json:"asked"`
}

// Sources of a gap's filling, the finest first.
const (
	fromProfile = iota
	fromHourly
	fromDaily
	fromNothing
)

// gap is a span of the agent's time without registers: there is a reading at From and one at To. The cursors say how far
// it is filled.
type gap struct {
	From   int64  `json:"from"` // unix ms
	To     int64  `json:"to"`
	Source int    `json:"source"`
	At     int64  `json:"at,omitempty"`  // newest stamp stored of this source; 0: none yet
	Ask    int64  `json:"ask,omitempty"` // profile: where to ask next
	Nth    int    `json:"-"`             // hourly: the record to read next, once it was found; after a restart it is found anew
	Low    int    `json:"-"`             // hourly: this one is behind what is filled
	High   int    `json:"-"`
	Behind int64  `json:"-"`               // hourly: the record behind a hole, while it is looked what is in front of it
	Reach  bool   `json:"reach,omitempty"` // the source has records from before the gap
	Tries  int    `json:"tries,omitempty"` // answers that could not be used
	Why    string `json:"why,omitempty"`
	Moved  bool   `json:"moved,omitempty"` // the meter's clock was moved since, or its register fell; what it kept is doubtful
}

const (
	// gapsMax bounds the open gaps of a meter: a line that comes and goes makes some a day, and each is filled in minutes.
	gapsMax = 16
	// daysMax are the daily freezes a meter keeps (DL/T 645-2007, appendix B), and so the stamps worth remembering.
	daysMax = 62
)

// record is what is known of one meter. Times are unix ms.
type record struct {
	Seen    int64     `json:"seen"` // newest energy read that is stored
	Gaps    []gap     `json:"gaps,omitempty"`
	Profile memo      `json:"profile"`
	Hourly  memo      `json:"hourly"`
	Daily   memo      `json:"daily"`
	Days    []int64   `json:"days,omitempty"` // stamps of daily freezes that are stored, in meter time, ascending
	DayNth  int       `json:"day_nth,omitempty"`
	DayDone int64     `json:"day_done"`         // newest midnight (meter time) whose freeze is stored or given up
	Odd     bool      `json:"odd,omitempty"`    // its daily freeze is not at midnight
	Ceased  bool      `json:"ceased,omitempty"` // it made none at its last midnight, and perhaps makes none any more
	Named   int64     `json:"named,omitempty"`  // newest midnight (meter time) whose freeze is named as missing
	Snap    int64     `json:"snap"`             // newest boundary that has its snapshot or its gap
	Drift   int64     `json:"drift"`
	DriftAt int64     `json:"drift_at"`         // 0: not read yet
	OffAt   int64     `json:"off_at,omitempty"` // when "clock-off" was told last
	Way     meter.Way `json:"way"`              // how it was found to talk
	Moved   int64     `json:"moved,omitempty"`  // until then what the meter kept is doubtful: its clock had moved, or its register had fallen
	Total   int64     `json:"total,omitempty"`  // total register seen last, in 10^Exp kWh; on the disk perhaps an older one, which is less
	Exp     int8      `json:"exp,omitempty"`
}

// lineRecord is what is known of one line.
type lineRecord struct {
	Broadcast int64 `json:"broadcast"` // last broadcast of the time
}

// sound refuses what this program would not have written; cursors are then not to be trusted.
func (r *record) sound() bool {
	if len(r.Gaps) > 2*gapsMax || len(r.Days) > daysMax || !slices.IsSorted(r.Days) || r.DayNth < 0 || r.DayNth > daysMax {
		return false
	}
	for _, g := range r.Gaps {
		if g.From >= g.To || g.Source < fromProfile || g.Source > fromNothing {
			return false
		}
	}
	return true
}

func (r *record) lastDay() int64 {
	if len(r.Days) == 0 {
		return 0
	}
	return r.Days[len(r.Days)-1]
}

// addDay remembers a stored freeze; the oldest is forgotten when the meter has forgotten it too.
func (r *record) addDay(stamp int64) {
	if i, found := slices.BinarySearch(r.Days, stamp); !found {
		r.Days = slices.Insert(r.Days, i, stamp)
	}
	if len(r.Days) > daysMax {
		r.Days = slices.Delete(r.Days, 0, len(r.Days)-daysMax)
	}
}

// Reasons of a gap that cannot be filled: what people read.
const (
	whyNotKept = "not kept by the meter"
	whyOld     = "beyond the meter's memory"
	whyPower   = "no record in the meter: it was without power"
	whyOdd     = "the meter's record could not be read"
	whyMany    = "too many holes at once"
	whyFreeze  = "no daily freeze in the meter"
	whySnap    = "no snapshot at the boundary"
)

func gapEntry(ref protocol.MeterRef, from, to int64, why string, polls uint64) protocol.Entry {
	return protocol.Entry{Gap: &protocol.Gap{Meter: ref, From: from, To: to, Reason: why, Count: polls}}
}
