package meter

import "time"

// clock is the meter's own idea of the time, in its own location.
func (m *Meter) clock(now time.Time) time.Time { return m.clockAt(now.UnixNano()) }

func (m *Meter) clockAt(t int64) time.Time {
	return time.Unix(0, t+int64(m.offset)).In(m.cfg.Location)
}

// shiftOf is the meter's wall clock less UTC at t (unix ns) when its clock is off by offset.
func (m *Meter) shiftOf(t int64, offset time.Duration) time.Duration {
	_, zone := time.Unix(0, t+int64(offset)).In(m.cfg.Location).Zone()
	return offset + time.Duration(zone)*time.Second
}

// wall is the meter's wall clock at t as ns since 1970 of that clock.
func (m *Meter) wall(t int64) int64 { return t + int64(m.shiftOf(t, m.offset)) }

// wallTime is a wall clock as a time in the meter's location.
func (m *Meter) wallTime(wall int64) time.Time {
	u := time.Unix(0, wall).UTC()
	return time.Date(u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), u.Nanosecond(), m.cfg.Location)
}

// Rules of broadcast time (DL/T 645-2007, C = 08): at most five minutes, once a day, not within five minutes of midnight
// or of a settlement.
const (
	broadcastMax   = 5 * time.Minute
	broadcastQuiet = 5 * time.Minute
)

// broadcastTime obeys a broadcast time, or not; nobody answers either way.
func (m *Meter) broadcastTime(to time.Time) {
	if m.cfg.NoClockSet {
		return
	}
	now := m.clockAt(m.at)
	today := m.wall(m.at) / int64(day)
	if d := to.Sub(now).Abs(); d > broadcastMax || m.setDay == today+1 || m.quiet() {
		return
	}
	m.setDay = today + 1
	m.setClock(to)
}

// quiet reports whether midnight or a settlement is near, when clocks are left alone.
func (m *Meter) quiet() bool {
	wall := m.wall(m.at)
	near := func(moment int64) bool {
		return mod(wall-moment+int64(broadcastQuiet), day) <= 2*int64(broadcastQuiet)
	}
	if near(0) {
		return true
	}
	for n := range settlementDays {
		d, h, ok := m.settlementDay(n)
		if at := m.wallTime(wall); ok && at.Day() == d && near(int64(h)*int64(time.Hour)) {
			return true
		}
	}
	return false
}

// setClock makes the clock show to now.
func (m *Meter) setClock(to time.Time) {
	m.setOffset(m.offset + to.Sub(m.clockAt(m.at)))
}

func (m *Meter) setOffset(d time.Duration) {
	if d > offsetMax || d < -offsetMax { // beyond what two-digit years can tell
		return
	}
	m.offset = d
	m.demandFrom() // an interval that is cut by a clock is none
	m.changed()
}

// offsetMax keeps a clock in the century of its two-digit years.
const offsetMax = 30 * 365 * day
