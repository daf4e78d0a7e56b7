package tariff

import (
	"crypto/sha256"

	"feikong/billing"
)

// domainComposed keeps composed versions apart from the others, whose bytes end before the components.
const domainComposed = "feikong composed tariff version 1\x00"

// sumComposed hashes what a composed version says beyond what sum covers.
func (v *Version) sumComposed() [32]byte {
	base := v.sum()
	b := append(make(canonical, 0, 4096), domainComposed...)
	b = append(b, base[:]...)
	b.number(int64(len(v.Bands)))
	for i := range v.Bands {
		b.text(v.Bands[i].Code)
		b.name(v.Bands[i].Name)
		b.number(int64(v.Bands[i].Register))
	}
	b.number(int64(v.Remainder))
	b.number(int64(v.RemainderLimit))
	b.number(v.RemainderShare)
	b.text(v.Calendar)
	b.number(int64(len(v.Schedule.Tables)))
	for i := range v.Schedule.Tables {
		t := &v.Schedule.Tables[i]
		b.number(int64(t.Months))
		b.number(int64(t.Weekdays))
		b.number(int64(t.Days))
		b = append(b, t.Halves[:]...)
	}
	b.number(int64(v.Rounding))
	b.number(int64(v.Split.Quantum))
	b.flag(v.Split.Forbid)
	b.flag(v.NewOwnerRestarts)
	if b.some(v.Late != nil) {
		b.number(v.Late.SameYear)
		b.number(v.Late.Later)
		b.number(int64(v.Late.Minimum))
	}
	b.number(int64(len(v.Components)))
	for i := range v.Components {
		b.component(&v.Components[i])
	}
	return sha256.Sum256(b)
}

func (b *canonical) name(n billing.Name) {
	b.text(n.ZH)
	b.text(n.EN)
}

func (b *canonical) component(c *Component) {
	b.number(int64(c.Kind))
	b.text(c.Code)
	b.name(c.Name)
	if b.some(c.Energy != nil) {
		b.energy(c.Energy)
	}
	if b.some(c.Levy != nil) {
		b.number(int64(c.Levy.Price))
		b.flag(c.Levy.Fund)
		b.flag(c.Levy.Included)
	}
	if b.some(c.Basic != nil) {
		b.number(int64(c.Basic.PerKVA))
		b.number(int64(c.Basic.PerKW))
		b.number(c.Basic.Tolerance)
		b.number(c.Basic.Excess)
		b.number(c.Basic.Floor)
		b.number(int64(c.Basic.HighUse))
		b.number(c.Basic.HighFactor)
		b.number(c.Basic.DaysOfMonth)
	}
	if b.some(c.Fixed != nil) {
		b.number(int64(c.Fixed.PerDay))
		b.number(int64(c.Fixed.PerMonth))
		b.flag(c.Fixed.Prorate)
	}
	if b.some(c.Factor != nil) {
		b.number(int64(c.Factor.Standard))
		b.texts(c.Factor.Of)
	}
	if b.some(c.Percent != nil) {
		b.number(c.Percent.Rate)
		b.texts(c.Percent.Of)
		b.flag(c.Percent.ByLine)
	}
}

func (b *canonical) texts(list []string) {
	b.number(int64(len(list)))
	for _, s := range list {
		b.text(s)
	}
}

func (b *canonical) energy(e *EnergyPrice) {
	b.number(int64(len(e.Prices)))
	for _, price := range e.Prices {
		b.number(int64(price))
	}
	if b.some(e.Built != nil) {
		b.parts(e.Built.Floating)
		b.parts(e.Built.Fixed)
		b.number(int64(len(e.Built.Ratios)))
		for _, r := range e.Built.Ratios {
			b.number(r)
		}
		b.number(int64(e.Built.Decimals))
	}
	b.number(int64(len(e.Tiers)))
	for _, t := range e.Tiers {
		b.number(int64(t.UpTo))
		b.number(int64(t.Price))
		b.number(int64(t.Adder))
	}
	b.number(int64(e.Mode))
	if b.some(e.Limits != nil) {
		for _, row := range e.Limits.ByMonth {
			if !b.some(row != nil) {
				continue
			}
			b.number(int64(len(row)))
			for _, limit := range row {
				b.number(int64(limit))
			}
		}
		b.flag(e.Limits.MonthsInService)
		b.flag(e.Limits.DaysInService)
		b.number(int64(e.Limits.HouseholdFrom))
		b.number(int64(e.Limits.HouseholdExtra))
	}
	if b.some(e.Free != nil) {
		b.number(int64(e.Free.PerMonth))
		b.number(int64(e.Free.PerDay))
		b.number(int64(e.Free.Stack))
		b.flag(e.Free.Counted)
		b.text(e.Free.Fact)
	}
	if b.some(e.Share != nil) {
		b.number(e.Share.Ratio)
		b.number(int64(e.Share.Amount))
	}
}

func (b *canonical) parts(list []PricePart) {
	b.number(int64(len(list)))
	for i := range list {
		b.name(list[i].Name)
		b.number(int64(list[i].Price))
		b.flag(list[i].Fund)
	}
}
