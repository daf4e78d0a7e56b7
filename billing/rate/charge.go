package rate

import (
	"fmt"

	"feikong/billing"
	"feikong/billing/tariff"
)

const (
	// LinesMax bounds the lines of a charge: three bands of lines for each of
	// tariff.ComponentsMax components, and more than any published bill has.
	LinesMax = 128
	// linesInline are held in the charge itself: a household with its bands,
	// tiers and some levies allocates nothing.
	linesInline = 10
)

// Charge is what a period costs. Equal inputs give equal charges; see Equal.
// One that came from Estimate is a value of its own. The zero Charge is ready
// for Rate, which reuses its memory.
type Charge struct {
	lines [linesInline]Line
	more  *[LinesMax]Line // all lines, once they are more than lines holds
	N     int             // lines in use
	Total billing.Money   // of the lines that are not included in others, with the version's rounding

	CycleBefore billing.Energy  // counter of the tier cycle before the period
	CycleAfter  billing.Energy  // and after it
	Tier        int             // the tier of the last kWh, from 1; 0 without tiers
	ToDate      bool            // rests on demand or a power factor that may still change
	Loss        billing.Energy  // of the transformer, in the energy that was priced
	Cos         int             // power factor of an adjustment, in hundredths
	Funds       billing.Money   // that its base leaves out
	By          *tariff.Version // rated by it

	known window // of the tier cycle that the last period lay in
}

// Items is the lines in the order of print; the slice shares the memory of c.
func (c *Charge) Items() []Line {
	if c.N > linesInline {
		return c.more[:c.N]
	}
	return c.lines[:c.N]
}

// Equal reports whether both charges have the same lines, total and counters.
func (c *Charge) Equal(d *Charge) bool {
	if c.N != d.N || c.Total != d.Total || c.CycleBefore != d.CycleBefore || c.CycleAfter != d.CycleAfter || c.Tier != d.Tier || c.Loss != d.Loss || c.Cos != d.Cos || c.Funds != d.Funds || c.ToDate != d.ToDate {
		return false
	}
	a, b := c.Items(), d.Items()
	for i := range a {
		if !a[i].equal(&b[i]) {
			return false
		}
	}
	return true
}

// Rounding is what the total has more than its lines: 0 where each line is
// rounded, and what rounding the sum once did to it elsewhere. A bill prints it
// as a line of its own, so that it adds up.
func (c *Charge) Rounding() billing.Money {
	rest := c.Total
	items := c.Items()
	for i := range items {
		if !items[i].Included {
			rest -= items[i].Amount // they added up to the total without overflow
		}
	}
	return rest
}

// next is the line to fill, not yet counted. What it held before is left.
func (c *Charge) next() (*Line, error) {
	if c.N < linesInline {
		return &c.lines[c.N], nil
	}
	if c.N >= LinesMax {
		return nil, fmt.Errorf("%w: more than %d lines", ErrVersion, LinesMax)
	}
	if c.more == nil {
		c.more = new([LinesMax]Line)
	}
	if c.N == linesInline {
		copy(c.more[:], c.lines[:])
	}
	return &c.more[c.N], nil
}

// window is a stretch of a version's validity and tier cycle, in Unix seconds:
// periods inside need not look at a calendar.
type window struct {
	by       *tariff.Version
	from, to int64
}

// last is the line that was added last.
func (c *Charge) last() *Line { return &c.Items()[c.N-1] }
