package rate

import (
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// Usage is what one account (all its meters together) used in one period.
type Usage struct {
	// From and To bound the period, To not included; both lie in one tier cycle
	// and one version.
	From, To time.Time
	// Energy of the period: the sum over the meters that share the tiers.
	Energy billing.Energy
	// CycleBefore is the consumption of the tier cycle before From.
	CycleBefore billing.Energy
	// Bands is Energy by the bands of the version. It adds up to Energy where a
	// component is priced by bands; the remainder rule (B1.4) was applied before.
	Bands [tariff.BandsMax]billing.Energy
	// Facts are what the tariff needs beside energy; nil when it needs none. They
	// belong to the caller and are not kept.
	Facts *Facts
}

// Facts is what a charge can rest on beside energy. The zero value says
// nothing; a component that needs what is not said fails with ErrFacts.
type Facts struct {
	Persons int      // of the household; 0: not known, no extra limits
	Words   []string // what the account is, such as "low-income"
	// MonthsInService of the tier cycle, the month of opening counted whole; 0:
	// the supply was there all cycle.
	MonthsInService int
	// DaysInService of the tier cycle, where the tariff counts days; 0: all.
	DaysInService int

	Supplies []Supply // incoming lines, for the basic charge

	// Reactive energy taken and sent back, in mvarh; the signs do not matter.
	Reactive, ReactiveBack billing.Energy
	ReactiveKnown          bool           // false: there is none, and no power factor can be told (A18)
	FactorEnergy           billing.Energy // active energy of the power factor; 0: the period's

	Days   int              // of the period; 0: the local dates from From to To
	Months billing.Quantity // of the period, where they are not prorated; 0: those begun from From to To

	// Loss of the transformer (变损) is added to the energy, and to the band that
	// takes the remainder; LossBands is loss measured by band.
	Loss      billing.Energy
	LossBands [tariff.BandsMax]billing.Energy

	// FreeGiven is what a daily allowance gave in the period where unused days
	// stack up to a limit: it depends on what was used on which day. FreeKnown
	// false: nobody has counted the days.
	FreeGiven billing.Energy
	FreeKnown bool
	// FreeBefore is what the current month's allowance gave before From.
	FreeBefore billing.Energy

	// ToDate marks demand and power factor of a month that still runs: the charge
	// is an estimate that may go down.
	ToDate bool
}

// Supply is an incoming line with its basic charge. The transformers' Capacity
// is needed for every mode: the floor and the hours of use rest on it.
type Supply struct {
	Mode               tariff.BasicMode
	Capacity           billing.Quantity // kVA of all transformers, spare ones that are hot included
	Declared, Measured billing.Quantity // kW: contract demand, and the highest of the month
	// Days in use of the MonthDays days of the month, in the month of a start,
	// stop or pause. MonthDays 0: in use all month.
	Days, MonthDays int
}
