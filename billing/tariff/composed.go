package tariff

import (
	"fmt"
	"strings"

	"feikong/billing"
	"feikong/internal/document"
)

// priceMax bounds a price of a composed version, 10⁹ of the currency for one kWh, kW, kVA, day or month: 64 of them still add up in an
// int64, and a currency whose kWh costs more does not exist.
const priceMax billing.Price = 1e17

// composed checks a version made of components, against its bands and schedule.
func (p *parser) composed(v *Version, r *rawVersion) error {
	v.Kind = Composed
	switch {
	case r.Price.Present():
		return p.fault(r.Price.Line, "a composed version has its prices in its components; write price inside an energy component")
	case r.Notation.Present():
		return p.fault(r.Notation.Line, "a composed version has its notation beside the tiers; write it inside the energy component")
	case r.Tiers != nil:
		return p.fault(lineOf(r.Tiers, int(r.Line)), "a composed version has its tiers in an energy component; move them there")
	case len(r.Components) == 0:
		return p.fault(int(r.Line), "components is empty; give at least an energy component")
	case len(r.Components) > ComponentsMax:
		return p.fault(int(r.Components[ComponentsMax].Line), "%d components, at most %d", len(r.Components), ComponentsMax)
	}
	switch r.Rounding.Value {
	case "", "line":
	case "sum":
		v.Rounding = RoundSum
	default:
		return p.fault(r.Rounding.Line, "rounding is %q; give line (each printed line) or sum (the sum, before taxes)", r.Rounding.Value)
	}
	for _, step := range []func(*Version, *rawVersion) error{p.cycle, p.bands, p.remainder, p.schedule, p.registers, p.split, p.late, p.owner, p.components, p.whole} {
		if err := step(v, r); err != nil {
			return err
		}
	}
	return nil
}

// onlyComposed refuses the keys of composed versions in the others.
func (p *parser) onlyComposed(r *rawVersion) error {
	for _, k := range []struct {
		key  string
		line int
	}{
		{"rounding", r.Rounding.Line}, {"calendar", r.Calendar.Line}, {"new_owner", r.NewOwner.Line},
		{"split", ifThere(r.Split != nil, int(r.Line))}, {"late", ifThere(r.Late != nil, int(r.Line))}, {"remainder", ifThere(r.Remainder != nil, int(r.Line))},
		{"bands", ifThere(r.Bands != nil, int(r.Line))}, {"schedule", ifThere(r.Schedule != nil, int(r.Line))},
		{"components", ifThere(r.Components != nil, int(r.Line))},
	} {
		if k.line > 0 {
			return p.fault(k.line, "%s belongs to kind: composed, this version is %s; remove it or change the kind", k.key, r.Kind.Value)
		}
	}
	return nil
}

func ifThere(there bool, line int) int {
	if there {
		return max(line, 1)
	}
	return 0
}

func lineOf(tiers []rawTier, otherwise int) int {
	if len(tiers) > 0 {
		return int(tiers[0].Line)
	}
	return otherwise
}

func (p *parser) cycle(v *Version, r *rawVersion) error {
	if r.Cycle == nil {
		return nil
	}
	v.Cycle = Cycle{Month: r.Cycle.Month, Day: r.Cycle.Day, Months: r.Cycle.Months}
	if err := v.Cycle.Check(); err != nil {
		return p.fault(int(r.Cycle.Line), "%v", err)
	}
	return nil
}

func (p *parser) split(v *Version, r *rawVersion) error {
	if r.Split == nil {
		return nil
	}
	v.Split = Split{Quantum: r.Split.Quantum.Value, Forbid: r.Split.Forbid.Value}
	switch {
	case v.Split.Quantum < 0:
		return p.fault(r.Split.Quantum.Line, "split: quantum %s kWh is negative; give the step of the parts, such as 1", v.Split.Quantum)
	case v.Split.Forbid && v.Split.Quantum > 0:
		return p.fault(int(r.Split.Line), "split: forbid and quantum contradict each other; keep one")
	}
	return nil
}

func (p *parser) late(v *Version, r *rawVersion) error {
	if r.Late == nil {
		return nil
	}
	l := &Late{SameYear: int64(r.Late.SameYear.Value), Later: int64(r.Late.SameYear.Value), Minimum: r.Late.Minimum.Value}
	if r.Late.Later.Present() {
		l.Later = int64(r.Late.Later.Value)
	}
	switch {
	case !r.Late.SameYear.Present():
		return p.fault(int(r.Late.Line), "late: same_year is missing; give the part of the sum for each day, such as 0.1%%")
	case l.SameYear < 0 || l.SameYear > int64(one):
		return p.fault(r.Late.SameYear.Line, "late: same_year must lie between 0 and 100%% a day")
	case l.Later < 0 || l.Later > int64(one):
		return p.fault(r.Late.Later.Line, "late: later must lie between 0 and 100%% a day")
	case l.Minimum < 0:
		return p.fault(r.Late.Minimum.Line, "late: minimum %s is negative; give zero or more", l.Minimum)
	case l.Minimum%smallest(v.Decimals) != 0:
		return p.fault(r.Late.Minimum.Line, "late: minimum %s has more decimals than amounts have, %d; round it", l.Minimum, v.Decimals)
	}
	v.Late = l
	return nil
}

// smallest is the smallest amount with so many decimals.
func smallest(decimals int) billing.Money {
	m := billing.Money(1)
	for range billing.MoneyDecimals - decimals {
		m *= 10
	}
	return m
}

func (p *parser) owner(v *Version, r *rawVersion) error {
	switch r.NewOwner.Value {
	case "", "continue":
	case "restart":
		v.NewOwnerRestarts = true
	default:
		return p.fault(r.NewOwner.Line, "new_owner is %q; give continue or restart, what the tier counter does", r.NewOwner.Value)
	}
	return nil
}

// components reads the blocks in their order; codes must be told apart.
func (p *parser) components(v *Version, r *rawVersion) error {
	lines := map[string]int{}
	for i := range r.Components {
		c, line, err := p.component(v, &r.Components[i])
		if err != nil {
			return err
		}
		if first, twice := lines[c.Code]; twice {
			return p.fault(line, "code %q is taken by the component on line %d; give this one another code", c.Code, first)
		}
		lines[c.Code] = line
		v.Components = append(v.Components, c)
	}
	return nil
}

// component reads one entry, and tells the line of its block.
func (p *parser) component(v *Version, r *rawComponent) (c Component, line int, err error) {
	blocks := 0
	for _, there := range []bool{r.Energy != nil, r.Levy != nil, r.Basic != nil, r.Fixed != nil, r.Factor != nil, r.Percent != nil, r.Tax != nil} {
		if there {
			blocks++
		}
	}
	switch {
	case blocks == 0:
		return c, 0, p.fault(int(r.Line), "a component is empty; give it one of energy, levy, basic, fixed, factor, percent, tax")
	case blocks > 1:
		return c, 0, p.fault(int(r.Line), "a component has %d blocks; begin each with a dash of its own", blocks)
	}
	var code document.Of[string]
	var name rawName
	var word string
	switch {
	case r.Energy != nil:
		line, code, name, word, c.Kind = int(r.Energy.Line), r.Energy.Code, r.Energy.Name, "energy", EnergyCharge
		c.Energy, err = p.energy(v, r.Energy)
	case r.Levy != nil:
		line, code, name, word, c.Kind = int(r.Levy.Line), r.Levy.Code, r.Levy.Name, "levy", LevyCharge
		c.Levy, err = p.levy(r.Levy)
	case r.Basic != nil:
		line, code, name, word, c.Kind = int(r.Basic.Line), r.Basic.Code, r.Basic.Name, "basic", BasicCharge
		c.Basic, err = p.basic(r.Basic)
	case r.Fixed != nil:
		line, code, name, word, c.Kind = int(r.Fixed.Line), r.Fixed.Code, r.Fixed.Name, "fixed", FixedCharge
		c.Fixed, err = p.fixed(r.Fixed)
	case r.Factor != nil:
		line, code, name, word, c.Kind = int(r.Factor.Line), r.Factor.Code, r.Factor.Name, "factor", FactorCharge
		c.Factor, err = p.factor(v, r.Factor)
	case r.Percent != nil:
		line, code, name, word, c.Kind = int(r.Percent.Line), r.Percent.Code, r.Percent.Name, "percent", PercentCharge
		c.Percent, err = p.percent(v, int(r.Percent.Line), r.Percent.Rate, r.Percent.Of)
	default:
		line, code, name, word, c.Kind = int(r.Tax.Line), r.Tax.Code, r.Tax.Name, "tax", TaxCharge
		c.Percent, err = p.tax(v, r.Tax)
	}
	if err != nil {
		return c, line, err
	}
	c.Name = billing.Name(name)
	if c.Code = word; code.Present() {
		c.Code = code.Value
	}
	if !isCode(c.Code) {
		return c, line, p.fault(code.Line, "code: %q; use lower-case letters, digits and hyphens, a letter first, at most %d", c.Code, codeMax)
	}
	return c, line, nil
}

// codeMax bounds a code: it is a column of the bill.
const codeMax = 24

// isCode allows what stands before and after the dot of a line's code.
func isCode(s string) bool {
	if s == "" || len(s) > codeMax || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// whole checks what one component cannot know of the others.
func (p *parser) whole(v *Version, r *rawVersion) error {
	rests, shares, tiered := 0, ratio(0), 0
	for i := range v.Components {
		e, raw := v.Components[i].Energy, r.Components[i].Energy
		if e == nil {
			continue
		}
		switch {
		case e.Share == nil:
			rests++
		default:
			shares += ratio(e.Share.Ratio)
		}
		if len(e.Tiers) > 0 {
			tiered++ // at most once: a share has no tiers
		}
		switch {
		case rests > 1 && e.Share == nil:
			return p.fault(int(raw.Line), "overlap: a second energy component without share; both would price the same kWh. Give one a share, or make it a levy")
		case shares > one:
			return p.fault(int(raw.Share.Line), "the shares add up to more than the energy; 100%% is the most")
		}
	}
	switch {
	case rests == 0:
		return p.fault(int(r.Line), "gap: no energy component takes what the shares leave; give one without share")
	case tiered > 0 && r.Cycle == nil:
		return p.fault(int(r.Line), "cycle is missing; tiers begin anew each cycle, such as {month: 1, day: 1, months: 12}")
	case tiered == 0 && r.Cycle != nil:
		return p.fault(int(r.Cycle.Line), "cycle stands here, but no component has tiers; remove it or give the tiers")
	}
	return nil
}

// price checks a price of what in block.
func (p *parser) price(line int, price document.Of[billing.Price], what string) error {
	switch {
	case !price.Present():
		return p.fault(line, "%s is missing; give one", what)
	case price.Value < 0:
		return p.fault(price.Line, "%s: price %s is negative; give zero or more", what, price.Value)
	case price.Value > priceMax:
		return p.fault(price.Line, "%s: price %s is beyond %s; check the decimal point", what, price.Value, priceMax)
	}
	return nil
}

// part checks a ratio within from and to.
func (p *parser) part(r document.Of[ratio], otherwise, from, to ratio, what string) (int64, error) {
	if !r.Present() {
		return int64(otherwise), nil
	}
	if r.Value < from || r.Value > to {
		return 0, p.fault(r.Line, "%s is %s; give %s to %s", what, r.Value, from, to)
	}
	return int64(r.Value), nil
}

// String is the ratio as a decimal.
func (r ratio) String() string { return billing.Energy(r).String() }

// months makes a set of months, bit 0 January.
func (p *parser) months(list []document.Of[int]) (set uint16, err error) {
	for _, m := range list {
		switch {
		case m.Value < 1 || m.Value > 12:
			return 0, p.fault(m.Line, "months: %d is no month; give 1 to 12", m.Value)
		case set>>(m.Value-1)&1 != 0:
			return 0, p.fault(m.Line, "months: %d stands here twice; keep one", m.Value)
		}
		set |= 1 << (m.Value - 1)
	}
	return set, nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
