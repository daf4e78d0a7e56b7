package tariff

import (
	"slices"
	"time"

	"feikong/billing"
)

func (p *parser) version(r *rawVersion) (v Version, err error) {
	v = Version{
		ID: p.raw.Tariff.Value, Name: billing.Name(p.raw.Name), Currency: p.raw.Currency.Value, Zone: p.zone,
		Number: r.Number.Value, Document: r.Document.Value, Decimals: r.Decimals.Value,
	}
	line := int(r.Line)
	switch {
	case !r.Number.Present():
		return v, p.fault(line, "number is missing; count the versions from 1")
	case v.Number < 1:
		return v, p.fault(r.Number.Line, "number is %d; count the versions from 1", v.Number)
	case !r.ValidFrom.Present():
		return v, p.fault(line, "valid_from is missing; give the first day of the version")
	case v.Document == "":
		return v, p.fault(line, "document is missing; give the number of the publication that sets the prices")
	case !r.Decimals.Present():
		return v, p.fault(line, "decimals is missing; give the place of rounding, 2 for the fen")
	case v.Decimals < 0 || v.Decimals > billing.MoneyDecimals:
		return v, p.fault(r.Decimals.Line, "decimals is %d; give 0 to %d", v.Decimals, billing.MoneyDecimals)
	}
	if v.ValidFrom, err = p.parseInstant("valid_from", r.ValidFrom); err != nil {
		return v, err
	}
	if r.ValidTo.Present() {
		if v.ValidTo, err = p.parseInstant("valid_to", r.ValidTo); err != nil {
			return v, err
		}
		if !v.ValidTo.After(v.ValidFrom) {
			return v, p.fault(r.ValidTo.Line, "valid_to is not after valid_from; it is the first day that is not covered")
		}
	}
	if r.PublishedOn.Present() {
		if v.PublishedOn, err = p.parseInstant("published_on", r.PublishedOn); err != nil {
			return v, err
		}
	}
	switch r.Kind.Value {
	case "flat":
		err = p.flat(&v, r)
	case "tiered":
		err = p.tiered(&v, r)
	case "composed":
		err = p.composed(&v, r)
	default:
		err = p.fault(or(r.Kind.Line, line), "kind is %q; give flat, tiered or composed", r.Kind.Value)
	}
	if err == nil && v.Kind != Composed {
		err = p.onlyComposed(r)
	}
	if v.Hash = v.sum(); v.Kind == Composed {
		v.Hash = v.sumComposed()
	}
	return v, err
}

func (p *parser) flat(v *Version, r *rawVersion) error {
	v.Kind, v.Price = Flat, r.Price.Value
	switch {
	case !r.Price.Present():
		return p.fault(int(r.Line), "price is missing; a flat version needs one")
	case v.Price < 0:
		return p.fault(r.Price.Line, "price %s is negative; give zero or more", v.Price)
	case r.Tiers != nil || r.Cycle != nil || r.Notation.Present():
		return p.fault(int(r.Line), "a flat version has no tiers, cycle or notation; remove them or write kind: tiered")
	}
	return nil
}

func (p *parser) tiered(v *Version, r *rawVersion) error {
	v.Kind = Tiered
	switch r.Notation.Value {
	case "banded":
		v.Notation = Banded
	case "incremental":
		v.Notation = Incremental
	default:
		return p.fault(or(r.Notation.Line, int(r.Line)), "notation is %q; give banded or incremental", r.Notation.Value)
	}
	switch {
	case r.Price.Present():
		return p.fault(r.Price.Line, "a tiered version has its prices in the tiers; remove price")
	case r.Cycle == nil:
		return p.fault(int(r.Line), "cycle is missing; give month, day and months, such as {month: 1, day: 1, months: 12}")
	case len(r.Tiers) == 0:
		return p.fault(int(r.Line), "tiers is empty; give at least one tier")
	case len(r.Tiers) > TiersMax:
		return p.fault(int(r.Tiers[TiersMax].Line), "%d tiers, at most %d", len(r.Tiers), TiersMax)
	}
	v.Cycle = Cycle{Month: r.Cycle.Month, Day: r.Cycle.Day, Months: r.Cycle.Months}
	if err := v.Cycle.Check(); err != nil {
		return p.fault(int(r.Cycle.Line), "%v", err)
	}
	v.Tiers = make([]Tier, len(r.Tiers))
	for i := range r.Tiers {
		if err := p.tier(v.Tiers, r.Tiers, i); err != nil {
			return err
		}
	}
	return nil
}

// tier checks that tier i begins where the one below ends, and that only the
// last one is open.
func (p *parser) tier(tiers []Tier, raw []rawTier, i int) error {
	r := &raw[i]
	t := Tier{Price: r.Price.Value}
	switch {
	case !r.Price.Present():
		return p.fault(int(r.Line), "tier %d has no price; give one", i+1)
	case t.Price < 0:
		return p.fault(r.Price.Line, "tier %d: price %s is negative; give zero or more", i+1, t.Price)
	}
	var err error
	if t.UpTo, err = p.tierLimit(tiers, raw, i); err != nil {
		return err
	}
	first := t.Price
	if i > 0 {
		first = tiers[0].Price
	}
	if t.Adder, err = t.Price.Sub(first); err != nil {
		return p.fault(r.Price.Line, "tier %d: adder: %v", i+1, err)
	}
	if r.Adder.Present() && r.Adder.Value != t.Adder {
		return p.fault(r.Adder.Line, "tier %d: adder %s does not lead from %s to %s; write %s or correct the price", i+1, r.Adder.Value, first, t.Price, t.Adder)
	}
	tiers[i] = t
	return nil
}

// tierLimit is where tier i ends, 0 for the last.
func (p *parser) tierLimit(tiers []Tier, raw []rawTier, i int) (billing.Energy, error) {
	r, last := &raw[i], i == len(raw)-1
	var below billing.Energy
	if i > 0 {
		below = tiers[i-1].UpTo
	}
	switch {
	case r.Over.Present() && r.Over.Value > below:
		return 0, p.fault(r.Over.Line, "gap: tier %d begins over %s kWh, what lies below ends at %s; write over: %s", i+1, r.Over.Value, below, below)
	case r.Over.Present() && r.Over.Value < below:
		return 0, p.fault(r.Over.Line, "overlap: tier %d begins over %s kWh, but tier %d goes up to %s; write over: %s", i+1, r.Over.Value, i, below, below)
	case last && r.UpTo.Present():
		return 0, p.fault(r.UpTo.Line, "gap: no tier prices what is over %s kWh; remove up_to from the last tier or add one above it", r.UpTo.Value)
	case !last && !r.UpTo.Present():
		return 0, p.fault(int(r.Line), "overlap: tier %d has no up_to, so tier %d is never reached; give its limit", i+1, i+2)
	case !last && r.UpTo.Value <= below:
		return 0, p.fault(r.UpTo.Line, "tier %d: limit %s kWh is not above %s, where it begins; limits must rise", i+1, r.UpTo.Value, below)
	}
	return r.UpTo.Value, nil
}

// span is where a version's start, end and number are written.
type span struct{ start, end, number int }

// link sorts the versions and ends each where the next start begins. A written
// valid_to must be exactly that, or the document has a hole or two answers.
// Corrections, versions with the same start, count as one.
func (p *parser) link(versions []Version, lines []span) error {
	order := make([]int, len(versions))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if c := versions[a].ValidFrom.Compare(versions[b].ValidFrom); c != 0 {
			return c
		}
		return versions[a].Number - versions[b].Number
	})
	numbers := make(map[int]int, len(versions))
	for _, i := range order {
		if other, twice := numbers[versions[i].Number]; twice {
			return p.fault(lines[i].number, "number %d is taken by the version on line %d; give the next free one", versions[i].Number, lines[other].number)
		}
		numbers[versions[i].Number] = i
	}
	next := -1 // the first version of the following start
	for k := len(order) - 1; k >= 0; k-- {
		i := order[k]
		if err := p.end(versions, lines, i, next); err != nil {
			return err
		}
		if k > 0 && !versions[order[k-1]].ValidFrom.Equal(versions[i].ValidFrom) {
			next = i
		}
	}
	sorted := make([]Version, len(versions))
	for k, i := range order {
		sorted[k] = versions[i]
	}
	copy(versions, sorted)
	return nil
}

func (p *parser) end(versions []Version, lines []span, i, next int) error {
	v := &versions[i]
	if next < 0 {
		return nil
	}
	start := versions[next].ValidFrom
	switch {
	case v.ValidTo.IsZero() || v.ValidTo.Equal(start):
		v.ValidTo = start
		return nil
	case v.ValidTo.Before(start):
		return p.fault(lines[i].end, "gap: version %d ends on %s, version %d begins on %s; let valid_to be that day or remove it",
			v.Number, day(v.ValidTo), versions[next].Number, day(start))
	}
	return p.fault(lines[i].end, "overlap: version %d ends on %s, but version %d begins on %s; let valid_to be that day or remove it",
		v.Number, day(v.ValidTo), versions[next].Number, day(start))
}

func day(t time.Time) string {
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return t.Format("2006-01-02")
	}
	return t.Format("2006-01-02T15:04:05")
}

func or(line, otherwise int) int {
	if line > 0 {
		return line
	}
	return otherwise
}
