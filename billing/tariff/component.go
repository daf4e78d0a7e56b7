package tariff

import "feikong/billing"

// Limits of a composed version. Each bounds an array in a charge or a loop in its rating.
const (
	// BandsMax bounds the bands of a version: sharp 尖, peak 峰, flat 平, valley 谷, deep valley 深谷 and three to spare.
	BandsMax = 8
	// ComponentsMax bounds the components of a version.
	ComponentsMax = 32
)

// ComponentKind says what a component charges for.
type ComponentKind uint8

// Kinds of component, in the usual order of print.
const (
	EnergyCharge  ComponentKind = 1 + iota // 电度电费: kWh at prices by band, tier, or both
	LevyCharge                             // 代征 and other sums per kWh
	BasicCharge                            // 基本电费: by capacity, contract demand or measured demand
	FixedCharge                            // by the day or by the period
	FactorCharge                           // 力调电费: power-factor adjustment
	PercentCharge                          // a percentage of lines named
	TaxCharge                              // VAT, on each line named or on their rounded sum
)

// Component is one part of a version's price; exactly the pointer that belongs to Kind is set. It is part of a Version and as
// immutable.
type Component struct {
	Kind ComponentKind
	// Code begins the codes of its lines ("energy" gives energy.peak); later components name it in Of. Unique in the version.
	Code string
	Name billing.Name // printed; may be empty, then the code's own words are used

	Energy  *EnergyPrice
	Levy    *Levy
	Basic   *Basic
	Fixed   *Fixed
	Factor  *Factor
	Percent *Percent // also of a TaxCharge
}

// TierMode says how tiers make a price.
type TierMode uint8

// Tier modes. Banded and Incremental are the two notations; Whole takes the price of the band that the whole consumption lies in.
const (
	TierBanded      TierMode = TierMode(Banded)
	TierIncremental TierMode = TierMode(Incremental)
	TierWhole       TierMode = 3 // 全额分档: Kenya
)

// EnergyPrice prices kWh. Without bands and tiers it is Prices[0] on all of them; with bands Prices is by band; with tiers and bands
// the tiers hold adders alone, on the sum of the bands (B3), and with tiers alone Prices is empty.
type EnergyPrice struct {
	Prices []billing.Price // one for each band of the version, or a single one for all kWh
	Built  *Built          // how Prices came about, when the document builds them; nil: printed
	Tiers  []Tier          // by the cycle of the version; Price is the full price without bands, Adder what is added to the first tier's
	Mode   TierMode
	Limits *Limits // how the tiers' UpTo bend to the account; nil: they stand as printed
	Free   *Free   // kWh without a price; nil: none
	Share  *Share  // 定比 or 定量: this component takes a part of the energy only; nil: what others leave
}

// Built is a price made of parts: round(sum(floating) x ratio, decimals) + sum(fixed). The ratios are by band, in 1e-6.
type Built struct {
	Floating, Fixed []PricePart
	Ratios          []int64
	Decimals        int // of the floating product; printed prices may differ from it, then the printed ones are billed
}

// PricePart is one published part of a price.
type PricePart struct {
	Name  billing.Name
	Price billing.Price
	Fund  bool // government fund 政府性基金: not in the base of the power factor
}

// Limits bend tier limits to the account's facts.
type Limits struct {
	// ByMonth holds other limits for the months in which a cycle begins, 1 January to 12 December, nil entries meaning the printed ones:
	// summer and winter limits of monthly cycles. Each row has one limit less than there are tiers.
	ByMonth [12][]billing.Energy
	// MonthsInService: limits are for a whole cycle, and a supply opened within it has them in proportion to its months, the month of
	// opening counted whole. DaysInService: in proportion to its days instead. At most one of them.
	MonthsInService, DaysInService bool
	// HouseholdFrom persons on, HouseholdExtra kWh for each month of the cycle are added to every limit. 0: no such rule.
	HouseholdFrom  int
	HouseholdExtra billing.Energy
}

// Free is an allowance: the first kWh of each month (or day) cost nothing. Counted ones move the tier counter all the same.
type Free struct {
	PerMonth, PerDay billing.Energy // exactly one is set
	// Stack is what unused days may carry on: the free kWh at hand are never more. 0: no such limit within the period.
	Stack   billing.Energy
	Counted bool
	Fact    string // given only where the account's facts have this word, such as "low-income"; empty: to all
}

// Share takes a part of the period's energy: Ratio of it, or Amount. Exactly one is set. Bands give in proportion, the last kWh to
// the largest remainder.
type Share struct {
	Ratio  int64 // 1e-6
	Amount billing.Energy
}

// Levy is a price on every kWh, of a government fund or another pass-through.
type Levy struct {
	Price billing.Price
	Fund  bool // not in the base of the power factor
	// Included says that it is already inside the printed energy prices: it is shown, it moves the base, and it is not charged again.
	Included bool
}

// BasicMode is how demand is paid for; the customer chooses among the modes that have a price.
type BasicMode uint8

// Basic modes, 发改办价格〔2016〕1583号.
const (
	ByCapacity BasicMode = 1 + iota // 按容量: kVA, used or not
	ByContract                      // 合同最大需量: declared kW
	ByMeasured                      // 实际最大需量: measured kW
)

// Basic is the two-part tariff's charge for capacity or demand, by the line, each day of the month 1/30 of it.
type Basic struct {
	PerKVA, PerKW billing.Price // a month; 0: the mode is not offered
	Tolerance     int64         // 1e-6 of the declared demand that is paid by it: 1.05
	Excess        int64         // 1e-6: the price factor above: 2
	Floor         int64         // 1e-6 of the transformers' kVA that the declared demand is not below: 0.40
	HighUse       billing.Energy
	HighFactor    int64 // 1e-6 of the demand price at HighUse kWh and more per contract kVA in the month; 0: no such rule
	DaysOfMonth   int64 // 30
}

// Fixed is a sum by the day, or by the period (then in proportion to its days when it is split).
type Fixed struct {
	PerDay, PerMonth billing.Price // the price of one day, or one month; exactly one is set
	Prorate          bool          // a month that is used in part costs its part
}

// Factor is the power-factor adjustment by one of the printed tables of (83)水电财字第215号.
type Factor struct {
	Standard int // 90, 85 or 80
	Of       []string
}

// Percent is a rate on the sum of the lines of the components in Of (all before it when empty). A TaxCharge with ByLine rounds on each
// line, else once on the rounded sum.
type Percent struct {
	Rate   int64 // 1e-6
	Of     []string
	ByLine bool
}

// Rounding says where amounts are rounded to Version.Decimals.
type Rounding uint8

// Places of rounding.
const (
	RoundLine Rounding = iota // each printed line (China)
	RoundSum                  // the sum of unrounded lines, then taxes on it (Johannesburg)
)

// Split says how a period is cut at a version change or a cycle's end where no reading stands there.
type Split struct {
	Quantum billing.Energy // the parts are whole multiples of it, the rest goes to the last part: 1 kWh; 0: mWh
	Forbid  bool           // never by days: without a reading the period is held
}

// Late is the charge for paying late (违约金), of the sum that is overdue.
type Late struct {
	SameYear int64         // 1e-6 for each day in the year in which the bill fell due
	Later    int64         // 1e-6 for each day after that year's end
	Minimum  billing.Money // of any late charge; 0: none
}
