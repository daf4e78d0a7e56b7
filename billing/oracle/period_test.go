package oracle_test

import (
	"math"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// usage is a period within a tier cycle of v.
func (d *draw) usage(v *tariff.Version) rate.Usage {
	from := time.Date(2015+d.IntN(20), time.Month(d.IntN(12)+1), 1, 0, 0, 0, 0, v.Zone)
	if d.one(2) {
		from = from.AddDate(0, 0, d.IntN(31))
	}
	u := rate.Usage{From: from, To: from.AddDate(0, 1, 0)}
	if d.one(2) {
		u.To = from.AddDate(0, 0, 1+d.IntN(pick(d, 3, 70, 400)))
	}
	if d.one(10) {
		u.From = u.From.Add(time.Duration(d.IntN(24*60)) * time.Minute)
		u.To = u.To.Add(time.Duration(d.IntN(24*60)) * time.Minute)
	}
	if _, end := v.CycleOf(u.From); !end.IsZero() && u.To.After(end) && !d.one(100) {
		u.To = end
	}
	u.CycleBefore = d.kWh(4000)
	for b := range v.Bands {
		if !d.one(6) {
			u.Bands[b] = d.kWh(1000) >> 3
		}
		u.Energy += u.Bands[b]
	}
	if len(v.Bands) == 0 {
		u.Energy = d.kWh(3000)
	} else if d.one(300) {
		u.Energy++
	}
	if d.one(4) {
		d.border(v, &u)
	}
	if len(v.Components) > 1 && !d.one(20) || d.one(3) {
		u.Facts = d.facts(v)
	}
	return u
}

// border lets the counter stand on a limit, or next to it, before the period or after it.
func (d *draw) border(v *tariff.Version, u *rate.Usage) {
	var limits []billing.Energy
	tiers := v.Tiers
	for i := range v.Components {
		if e := v.Components[i].Energy; e != nil && len(e.Tiers) > 0 {
			tiers = e.Tiers
			if e.Limits != nil {
				limits = append(limits, e.Limits.ByMonth[u.From.Month()-1]...)
			}
		}
	}
	for _, t := range tiers {
		limits = append(limits, t.UpTo)
	}
	if len(limits) == 0 {
		return
	}
	at := pick(d, limits...) + pick(d, billing.Energy(0), 0, 0, -1, 1)
	if d.one(2) {
		at -= u.Energy
	}
	if u.CycleBefore = max(at, 0); d.one(6) {
		u.Energy, u.Bands = 0, [tariff.BandsMax]billing.Energy{}
	}
}

func (d *draw) facts(v *tariff.Version) *rate.Facts {
	f := &rate.Facts{ReactiveKnown: !d.one(60), ToDate: d.one(4)}
	if d.one(2) {
		f.Persons = d.IntN(9)
	}
	if d.one(2) {
		f.Words = pick(d, []string{"low-income"}, []string{"other", "low-income"}, []string{"other"})
	}
	if d.one(3) {
		f.MonthsInService = 1 + d.IntN(13)
	}
	if d.one(3) {
		f.DaysInService = 1 + d.IntN(28*max(v.Cycle.Months, 1)+d.IntN(4)/3*40)
	}
	if !d.one(20) {
		f.FreeKnown, f.FreeGiven = true, d.kWh(30)
	}
	if !d.one(60) {
		for range pick(d, 1, 1, 1, 2, 3, 5) {
			f.Supplies = append(f.Supplies, d.supply())
		}
	}
	if !d.one(5) {
		f.Reactive = d.kWh(2000)
		if d.one(3) {
			f.Reactive = -f.Reactive
		}
	}
	if d.one(3) {
		f.ReactiveBack = d.kWh(500)
	}
	if d.one(6) {
		f.FactorEnergy = d.kWh(3000)
	}
	if d.one(8) {
		f.Days = 1 + d.IntN(62)
	}
	if d.one(8) {
		f.Months = billing.Quantity(1 + d.Int64N(3_000_000))
	}
	if d.one(6) {
		f.Loss = d.kWh(50)
	}
	if d.one(8) {
		for b := range v.Bands {
			f.LossBands[b] = d.kWh(20)
		}
	}
	if d.one(8) {
		f.FreeBefore = d.kWh(30)
	}
	return f
}

func (d *draw) supply() rate.Supply {
	quantity := func(most int64) billing.Quantity {
		if d.wild && d.one(3) {
			return billing.Quantity(d.log(math.MaxInt64))
		}
		return billing.Quantity(d.Int64N(most)) * pick(d, billing.Quantity(1_000_000), 10_000, 1)
	}
	s := rate.Supply{Mode: pick(d, tariff.ByCapacity, tariff.ByContract, tariff.ByMeasured), Capacity: quantity(2000) + 1, Declared: quantity(1500), Measured: quantity(2000)}
	if d.one(50) {
		s.Capacity = 0
	}
	if d.one(3) {
		s.MonthDays = 28 + d.IntN(4)
		s.Days = d.IntN(s.MonthDays + 2)
	}
	return s
}

// factorOf is 1000 kWh with a power factor between 1.00 and 0.00, the lower the more of step.
func factorOf(standard, step int) row {
	r := row{Version: tariff.Version{
		ID: "factor", Number: 1, Kind: tariff.Composed, Decimals: 2, Zone: time.UTC,
		Components: []tariff.Component{
			{Kind: tariff.EnergyCharge, Code: "energy", Energy: &tariff.EnergyPrice{Prices: []billing.Price{63_208_600}}},
			{Kind: tariff.FactorCharge, Code: "factor", Factor: &tariff.Factor{Standard: standard}},
		},
	}}
	from := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	active, reactive := 1000*billing.KWh, billing.Energy(step)*billing.KWh
	if step > 1000 { // from 45° on the active energy falls instead
		active, reactive = max(2000-billing.Energy(step), 0)*billing.KWh, 1000*billing.KWh
	}
	r.Usage = rate.Usage{From: from, To: from.AddDate(0, 1, 0), Energy: active, Facts: &rate.Facts{ReactiveKnown: true, Reactive: reactive}}
	return r
}
