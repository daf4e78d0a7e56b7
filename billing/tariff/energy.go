package tariff

import (
	"fmt"
	"slices"

	"feikong/billing"
)

// noTiersFrom is the limit that stands for none: no account uses a terawatt-hour in a cycle, and a year of it still fits an int64.
const noTiersFrom = 1_000_000_000 * billing.KWh

func (p *parser) energy(v *Version, r *rawEnergy) (e *EnergyPrice, err error) {
	e = &EnergyPrice{}
	line := int(r.Line)
	switch {
	case r.Price.Present() && r.Prices != nil:
		return nil, p.fault(r.Price.Line, "price and prices stand side by side; price is one for all kWh, prices is one for each band: keep one")
	case r.Price.Present() && r.Built != nil:
		return nil, p.fault(r.Price.Line, "price and built stand side by side; give the printed prices by band in prices, or remove price")
	case r.Price.Present():
		if err := p.price(line, r.Price, "price"); err != nil {
			return nil, err
		}
		e.Prices = []billing.Price{r.Price.Value}
	case r.Prices != nil || r.Built != nil:
		if err := p.bandPrices(v, r, e); err != nil {
			return nil, err
		}
	case r.Tiers == nil:
		return nil, p.fault(line, "an energy component has no price; give price, prices by band, built, or tiers")
	}
	if err := p.energyTiers(v, r, e); err != nil {
		return nil, err
	}
	if e.Free, err = p.free(r, e); err != nil {
		return nil, err
	}
	e.Share, err = p.share(r, e)
	return e, err
}

// bandPrices reads printed and built prices; where both stand, the printed ones are billed.
func (p *parser) bandPrices(v *Version, r *rawEnergy, e *EnergyPrice) (err error) {
	if r.Built != nil {
		if e.Built, err = p.built(v, r.Built); err != nil {
			return err
		}
		if e.Prices, err = e.Built.Prices(); err != nil {
			return p.fault(int(r.Built.Line), "built: %v", err)
		}
		for i, price := range e.Prices {
			if r.Prices == nil && (price < 0 || price > priceMax) {
				return p.fault(int(r.Built.Line), "built: the price %sof %s is outside 0 to %s; check the parts", v.forBand(i), price, priceMax)
			}
		}
	}
	if r.Prices == nil {
		return nil
	}
	if len(v.Bands) == 0 {
		return p.fault(int(r.Line), "prices are by band, but the version has no bands; name them under bands, or write price")
	}
	if e.Prices, err = byBand(p, v, r.Prices, int(r.Line), "price", func(b *rawBandPrice) (int, billing.Price, error) {
		i, err := p.bandOf(v, b.Band, int(b.Line))
		if err == nil {
			err = p.price(int(b.Line), b.Price, "band "+b.Band.Value+": price")
		}
		return i, b.Price.Value, err
	}, func(b *rawBandPrice) int { return int(b.Line) }); err != nil {
		return err
	}
	return nil
}

func (v *Version) forBand(i int) string {
	if i < len(v.Bands) {
		return "for " + v.Bands[i].Code + " "
	}
	return ""
}

// byBand gives every band of the version one value.
func byBand[R any, T any](p *parser, v *Version, list []R, line int, what string, read func(*R) (int, T, error), at func(*R) int) ([]T, error) {
	values := make([]T, len(v.Bands))
	seen := [BandsMax]int{}
	for k := range list {
		i, value, err := read(&list[k])
		if err != nil {
			return nil, err
		}
		if seen[i] > 0 {
			return nil, p.fault(at(&list[k]), "overlap: band %s has a %s on line %d already; keep one", v.Bands[i].Code, what, seen[i])
		}
		values[i], seen[i] = value, at(&list[k])
	}
	for i := range v.Bands {
		if seen[i] == 0 {
			return nil, p.fault(line, "gap: band %s has no %s; give every band one", v.Bands[i].Code, what)
		}
	}
	return values, nil
}

func (p *parser) energyTiers(v *Version, r *rawEnergy, e *EnergyPrice) error {
	line := int(r.Line)
	if r.Tiers == nil {
		switch {
		case r.Notation.Present():
			return p.fault(r.Notation.Line, "notation stands here, but there are no tiers; remove it or give the tiers")
		case r.Limits != nil:
			return p.fault(int(r.Limits.Line), "limits stand here, but there are no tiers; remove them or give the tiers")
		}
		return nil
	}
	switch r.Notation.Value {
	case "banded":
		e.Mode = TierBanded
	case "incremental":
		e.Mode = TierIncremental
	case "whole":
		e.Mode = TierWhole
	default:
		return p.fault(or(r.Notation.Line, line), "notation is %q; give banded, incremental or whole", r.Notation.Value)
	}
	switch {
	case len(r.Tiers) == 0:
		return p.fault(line, "tiers is empty; give at least one tier")
	case len(r.Tiers) > TiersMax:
		return p.fault(int(r.Tiers[TiersMax].Line), "%d tiers, at most %d", len(r.Tiers), TiersMax)
	case r.Share != nil:
		return p.fault(int(r.Share.Line), "share and tiers stand side by side, but the tiers count the account's energy; give the share one price")
	}
	e.Tiers = make([]Tier, len(r.Tiers))
	for i := range r.Tiers {
		if err := p.energyTier(v, e, r, i); err != nil {
			return err
		}
	}
	// With one price for all kWh the adders make full prices; by band they stay adders.
	if len(e.Prices) == 1 {
		for i := range e.Tiers {
			e.Tiers[i].Price = e.Prices[0] + e.Tiers[i].Adder
		}
		e.Prices = nil
	}
	return p.limits(r, e, v)
}

// energyTier is a tier with its full price, or with an adder where the component has prices besides.
func (p *parser) energyTier(v *Version, e *EnergyPrice, r *rawEnergy, i int) error {
	raw := &r.Tiers[i]
	if raw.UpTo.Value > noTiersFrom {
		return p.fault(raw.UpTo.Line, "tier %d: limit %s kWh is beyond %s; check the decimal point", i+1, raw.UpTo.Value, noTiersFrom)
	}
	if len(e.Prices) == 0 {
		if raw.Price.Value > priceMax {
			return p.price(int(raw.Line), raw.Price, fmt.Sprintf("tier %d", i+1))
		}
		return p.tier(e.Tiers, r.Tiers, i)
	}
	switch {
	case raw.Price.Present():
		return p.fault(raw.Price.Line, "tier %d: the component has prices already; write adder, what the tier adds to them", i+1)
	case !raw.Adder.Present():
		return p.fault(int(raw.Line), "tier %d has no adder; give what it adds to the prices, 0 for the first", i+1)
	case i == 0 && raw.Adder.Value != 0:
		return p.fault(raw.Adder.Line, "tier 1: adder %s; the first tier adds 0, put the rest into the prices", raw.Adder.Value)
	case raw.Adder.Value > priceMax || raw.Adder.Value < -priceMax:
		return p.fault(raw.Adder.Line, "tier %d: adder %s is beyond %s; check the decimal point", i+1, raw.Adder.Value, priceMax)
	}
	for k, price := range e.Prices {
		if price+raw.Adder.Value < 0 {
			return p.fault(raw.Adder.Line, "tier %d: adder %s makes the price %s%s negative; a price is zero or more", i+1, raw.Adder.Value, v.forBand(k), price)
		}
	}
	limit, err := p.tierLimit(e.Tiers, r.Tiers, i)
	e.Tiers[i] = Tier{UpTo: limit, Adder: raw.Adder.Value}
	return err
}

func (p *parser) limits(r *rawEnergy, e *EnergyPrice, v *Version) error {
	if r.Limits == nil {
		return nil
	}
	l, line := &Limits{}, int(r.Limits.Line)
	switch r.Limits.InService.Value {
	case "":
	case "months":
		l.MonthsInService = true
	case "days":
		l.DaysInService = true
	default:
		return p.fault(r.Limits.InService.Line, "in_service is %q; give months or days, or remove it", r.Limits.InService.Value)
	}
	if h := r.Limits.Household; h != nil {
		l.HouseholdFrom, l.HouseholdExtra = h.From.Value, h.Extra.Value
		switch {
		case h.From.Value < 1 || h.From.Value > 100:
			return p.fault(or(h.From.Line, int(h.Line)), "household: from is %d persons; give 1 to 100", h.From.Value)
		case h.Extra.Value <= 0 || h.Extra.Value > noTiersFrom:
			return p.fault(or(h.Extra.Line, int(h.Line)), "household: extra is %s kWh a month; give what each limit gains", h.Extra.Value)
		}
	}
	for i := range r.Limits.Seasons {
		if err := p.season(&r.Limits.Seasons[i], l, len(e.Tiers)); err != nil {
			return err
		}
	}
	if r.Limits.InService.Value == "" && r.Limits.Household == nil && len(r.Limits.Seasons) == 0 {
		return p.fault(line, "limits is empty; give in_service, household or seasons, or remove it")
	}
	if len(r.Limits.Seasons) > 0 && v.Cycle.Months > 1 {
		return p.fault(int(r.Limits.Seasons[0].Line), "seasons need a cycle of one month, this one has %d; a limit cannot change within its cycle", v.Cycle.Months)
	}
	e.Limits = l
	return nil
}

func (p *parser) season(r *rawSeason, l *Limits, tiers int) error {
	months, err := p.months(r.Months)
	if err != nil {
		return err
	}
	row := make([]billing.Energy, tiers-1)
	switch {
	case months == 0:
		return p.fault(int(r.Line), "season: months is missing; give the months of the limits")
	case tiers < 2:
		return p.fault(int(r.Line), "season: there is one tier, so there is no limit to change; remove the season")
	case r.NoTiers.Value && r.UpTo != nil:
		return p.fault(r.NoTiers.Line, "season: no_tiers and up_to contradict each other; keep one")
	case r.NoTiers.Value:
		for i := range row {
			row[i] = noTiersFrom * billing.Energy(i+1)
		}
	case len(r.UpTo) != tiers-1:
		return p.fault(int(r.Line), "season: up_to has %s, the %d tiers need %d", plural(len(r.UpTo), "limit"), tiers, tiers-1)
	default:
		var below billing.Energy
		for i, limit := range r.UpTo {
			if limit.Value <= below || limit.Value > noTiersFrom {
				return p.fault(limit.Line, "season: limit %s kWh is not above %s; limits must rise", limit.Value, below)
			}
			row[i], below = limit.Value, limit.Value
		}
	}
	for m := range 12 {
		if months>>m&1 == 0 {
			continue
		}
		if l.ByMonth[m] != nil {
			return p.fault(int(r.Line), "overlap: month %d has limits already; name each month once", m+1)
		}
		l.ByMonth[m] = slices.Clone(row)
	}
	return nil
}

func (p *parser) free(r *rawEnergy, e *EnergyPrice) (*Free, error) {
	if r.Free == nil {
		return nil, nil
	}
	f := &Free{PerMonth: r.Free.PerMonth.Value, PerDay: r.Free.PerDay.Value, Stack: r.Free.Stack.Value, Counted: r.Free.Counted.Value, Fact: r.Free.Fact.Value}
	line := int(r.Free.Line)
	switch {
	case r.Free.PerMonth.Present() == r.Free.PerDay.Present():
		return nil, p.fault(line, "free: give per_month or per_day, one of them")
	case f.PerMonth < 0 || f.PerDay < 0 || f.PerMonth+f.PerDay == 0 || f.PerMonth > noTiersFrom || f.PerDay > noTiersFrom:
		return nil, p.fault(line, "free: the kWh must be above zero; remove free if nothing is free")
	case r.Free.Stack.Present() && !r.Free.PerDay.Present():
		return nil, p.fault(r.Free.Stack.Line, "free: stack goes with per_day; a month's allowance ends with the month")
	case r.Free.Stack.Present() && (f.Stack < f.PerDay || f.Stack > noTiersFrom):
		return nil, p.fault(r.Free.Stack.Line, "free: stack %s kWh is less than one day's %s; give at least that", f.Stack, f.PerDay)
	case r.Free.Fact.Present() && !isCode(f.Fact):
		return nil, p.fault(r.Free.Fact.Line, "free: fact %q; use lower-case letters, digits and hyphens", f.Fact)
	case f.Counted && len(e.Tiers) == 0:
		return nil, p.fault(r.Free.Counted.Line, "free: counted, but the component has no tiers; remove it")
	case r.Share != nil:
		return nil, p.fault(line, "free and share stand side by side; put free into the component that takes the rest")
	}
	return f, nil
}

func (p *parser) share(r *rawEnergy, _ *EnergyPrice) (*Share, error) {
	if r.Share == nil {
		return nil, nil
	}
	s := &Share{Ratio: int64(r.Share.Ratio.Value), Amount: r.Share.Amount.Value}
	line := int(r.Share.Line)
	switch {
	case r.Share.Ratio.Present() == r.Share.Amount.Present():
		return nil, p.fault(line, "share: give ratio (定比) or amount (定量), one of them")
	case r.Share.Ratio.Present() && (s.Ratio <= 0 || s.Ratio > int64(one)):
		return nil, p.fault(r.Share.Ratio.Line, "share: ratio is %s; give more than 0 and at most 100%%", r.Share.Ratio.Value)
	case r.Share.Amount.Present() && (s.Amount <= 0 || s.Amount > noTiersFrom):
		return nil, p.fault(r.Share.Amount.Line, "share: amount is %s kWh; give more than 0", s.Amount)
	}
	return s, nil
}
