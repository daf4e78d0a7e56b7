package meter

// demand is a maximum and when it was, 最大需量及发生时间.
type demand struct {
	kw   uint32 // 0.0001 kW
	wall uint32 // end of its interval, seconds of the meter's wall clock; 0 never
}

// demands are total and rates.
type demands struct{ fwd, rev [1 + rates]demand }

const demandMax = 999_999 // XX.XXXX kW

// demandFrom begins an interval at m.at: at a start, after a power cut, after a clock was set.
func (m *Meter) demandFrom() {
	m.packed = nil
	m.interval.at, m.interval.fwd, m.interval.rev = m.at, sum(&m.regs.fwd), sum(&m.regs.rev)
}

// demandInterval ends a quarter of an hour. One that did not last that long does not count.
func (m *Meter) demandInterval() {
	if m.at-m.interval.at == int64(quarter) {
		wall := m.wall(m.at)
		rate := 1 + m.table.rate(wall-1)
		note := func(d *[1 + rates]demand, mWh int64) {
			kw := uint32(min(max(mWh/25, 0), demandMax)) // mWh in a quarter of an hour: x 4 / 100 is 0.1 W
			for _, i := range [2]int{0, rate} {
				if kw > d[i].kw {
					d[i] = demand{kw, uint32(wall / 1e9)}
				}
			}
		}
		note(&m.demand.fwd, sum(&m.regs.fwd)-m.interval.fwd)
		note(&m.demand.rev, sum(&m.regs.rev)-m.interval.rev)
	}
	m.demandFrom()
}

// settlement is what a settlement day keeps 结算日.
type settlement struct {
	wall   uint32
	regs   registers
	demand demands
}

// settlements is how many the standard keeps, settlementDays how many there may be in a month.
const settlements, settlementDays = 12, 3

// settlementDay is the n-th: 04000B01 and after, DDhh.
func (m *Meter) settlementDay(n int) (d, h int, ok bool) {
	b := m.param(diSettlement + di(n))
	if len(b) != 2 {
		return 0, 0, false
	}
	d, h = unbcd(b[1]), unbcd(b[0])
	return d, h, d >= 1 && d <= 28 && h <= 23
}

// settle takes a settlement when one is due. The first of the month begins the maximum demand anew.
func (m *Meter) settle(wall int64) {
	at := m.wallTime(wall)
	for n := range settlementDays {
		if d, h, ok := m.settlementDay(n); ok && at.Day() == d && at.Hour() == h {
			if len(m.settled) == settlements {
				copy(m.settled, m.settled[1:])
				m.settled = m.settled[:settlements-1]
			}
			m.settled = append(m.settled, settlement{uint32(wall / 1e9), m.regs, m.demand})
			if n == 0 {
				m.demand = demands{}
			}
			return
		}
	}
}

// settledAt is the settlement ss days back, 1 the newest.
func (m *Meter) settledAt(ss int) *settlement {
	if ss < 1 || ss > len(m.settled) {
		return nil
	}
	return &m.settled[len(m.settled)-ss]
}
