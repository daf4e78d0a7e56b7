package settle

import "time"

// Bounds of the clock.
const (
	stepMin   = 5 * time.Second // a clock that is steered moves far less between two gatherings
	slew      = 500             // the most a steered clock gains or loses, in a million (adjtimex)
	doubtTime = 24 * time.Hour  // safety.md B.9: a clock is trusted that was right for a day
)

// clock makes "now" of the system's clock, with the machine's own count of time beside it to see when somebody set it. A clock that
// was set back is followed, or deadlines made by the wrong time would bind for as long as it ran ahead; until then now never goes back.
type clock struct {
	started bool
	wall    int64         // unix ms, at the last look
	count   time.Duration // the machine's own, at the last look
	last    int64         // newest now given out
	set     time.Duration // count when the clock was found set
	doubt   bool
}

// look takes the system's clock and the machine's count of time. It reports whether the clock was set since the look before, and by how much.
func (c *clock) look(wall int64, count time.Duration) (step time.Duration, found bool) {
	if c.started {
		elapsed := count - c.count
		step = time.Duration(wall-c.wall)*time.Millisecond - elapsed
		if found = step.Abs() > stepMin+elapsed/1_000_000*slew; found {
			c.set, c.doubt = count, true
			if step < 0 {
				c.last = wall
			}
		}
		if c.doubt && count-c.set > doubtTime {
			c.doubt = false
		}
	}
	c.started, c.wall, c.count = true, wall, count
	return step, found
}

// now is the time of an event; given is its own, 0 for the system's.
func (c *clock) now(given int64) int64 {
	if given == 0 {
		given = c.wall
	}
	c.last = max(c.last, given)
	return c.last
}
