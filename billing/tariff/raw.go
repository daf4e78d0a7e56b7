package tariff

import (
	"fmt"
	"strings"

	"feikong/billing"
	"feikong/internal/document"
)

// The composed version as written. The tag `say` becomes the description in the published schema, `one` the words that are allowed,
// `need` marks keys without which the block means nothing.

type rawBand struct {
	Line     document.Line
	Code     document.Of[string] `yaml:"code" need:"y" say:"short word for the band; lines of the bill carry it, as in energy.peak"`
	Name     rawName             `yaml:"name" say:"as printed"`
	Register document.Of[int]    `yaml:"register" say:"rate register of the meter that counts the band, 1 to 63; absent: told apart by hourly values alone"`
}

type rawRemainder struct {
	Line  document.Line
	Band  document.Of[string]         `yaml:"band" need:"y" say:"the band that takes what the total register has and the bands have not"`
	Limit document.Of[billing.Energy] `yaml:"limit" say:"kWh up to which that is done without a person; 1 when absent"`
	Share document.Of[ratio]          `yaml:"share" say:"or this part of the total, if larger; 0.5% when absent"`
}

type rawTable struct {
	Line     document.Line
	Months   []document.Of[int]    `yaml:"months" say:"1 to 12; all months when absent"`
	Weekdays []document.Of[string] `yaml:"weekdays" one:"sun,mon,tue,wed,thu,fri,sat" say:"all weekdays when absent"`
	Days     []document.Of[string] `yaml:"days" one:"workday,weekend,holiday,hot" say:"kinds of day by the holiday calendar; all but hot when absent. A hot table goes before the others"`
	Hours    []rawHours            `yaml:"hours" need:"y" say:"the bands of such a day; together they cover 00:00 to 24:00 once"`
}

type rawHours struct {
	Line document.Line
	Band document.Of[string]   `yaml:"band" need:"y" say:"code of the band"`
	At   []document.Of[string] `yaml:"at" need:"y" say:"spans such as 07:30-09:00, also over midnight (22:00-08:00); or rest, all hours that no other band of the table has"`
}

type rawSplit struct {
	Line    document.Line
	Quantum document.Of[billing.Energy] `yaml:"quantum" say:"kWh; the parts of a period that is cut by days are whole multiples of it, the rest goes to the last part"`
	Forbid  document.Of[bool]           `yaml:"forbid" say:"true: never cut by days; without a reading on the day the period is held"`
}

type rawLate struct {
	Line     document.Line
	SameYear document.Of[ratio]         `yaml:"same_year" need:"y" say:"part of the overdue sum for each day in the year in which it fell due"`
	Later    document.Of[ratio]         `yaml:"later" say:"for each day after that year; same_year when absent"`
	Minimum  document.Of[billing.Money] `yaml:"minimum" say:"the least late charge"`
}

// rawComponent is one entry of components: exactly one of its blocks.
type rawComponent struct {
	Line    document.Line
	Energy  *rawEnergy  `yaml:"energy" say:"price of kWh by band, by tier, or both 电度电费"`
	Levy    *rawLevy    `yaml:"levy" say:"a sum on every kWh: government fund, pass-through 代征"`
	Basic   *rawBasic   `yaml:"basic" say:"charge for capacity or demand 基本电费"`
	Fixed   *rawFixed   `yaml:"fixed" say:"a sum by the day or by the month"`
	Factor  *rawFactor  `yaml:"factor" say:"power-factor adjustment 力调电费, table of (83)水电财字第215号"`
	Percent *rawPercent `yaml:"percent" say:"a part of the sum of other components"`
	Tax     *rawTax     `yaml:"tax" say:"VAT or another tax"`
}

type rawEnergy struct {
	Line     document.Line
	Code     document.Of[string]        `yaml:"code" say:"begins the codes of the component's lines; the kind's own word when absent"`
	Name     rawName                    `yaml:"name" say:"as printed"`
	Price    document.Of[billing.Price] `yaml:"price" say:"one price for all kWh"`
	Prices   []rawBandPrice             `yaml:"prices" say:"the printed price of each band; these are billed even where built says otherwise"`
	Built    *rawBuilt                  `yaml:"built" say:"a price made of published parts"`
	Notation document.Of[string]        `yaml:"notation" one:"banded,incremental,whole" say:"how tiers make lines: banded 分档, incremental 递增, whole: all kWh at the price of the band that the consumption lies in"`
	Tiers    []rawTier                  `yaml:"tiers" say:"tiers of the version's cycle, rising; with prices by band they hold adders, on the sum of the bands"`
	Limits   *rawLimits                 `yaml:"limits" say:"how the tier limits bend to the account"`
	Free     *rawFree                   `yaml:"free" say:"kWh without a price"`
	Share    *rawShare                  `yaml:"share" say:"this component takes a part of the energy only 定比定量"`
}

type rawBandPrice struct {
	Line  document.Line
	Band  document.Of[string]        `yaml:"band" need:"y" say:"code of the band"`
	Price document.Of[billing.Price] `yaml:"price" need:"y" say:"currency per kWh"`
}

type rawBuilt struct {
	Line     document.Line
	Floating []rawPart        `yaml:"floating" need:"y" say:"parts that the band's ratio multiplies"`
	Fixed    []rawPart        `yaml:"fixed" say:"parts that are the same at every hour"`
	Ratios   []rawBandRatio   `yaml:"ratios" say:"the ratio of each band"`
	Decimals document.Of[int] `yaml:"decimals" need:"y" say:"decimals of floating x ratio, rounded half up before the fixed parts are added"`
}

type rawPart struct {
	Line  document.Line
	Name  rawName                    `yaml:"name" need:"y" say:"as printed"`
	Price document.Of[billing.Price] `yaml:"price" need:"y" say:"currency per kWh"`
	Fund  document.Of[bool]          `yaml:"fund" say:"true: a government fund, not in the base of the power factor"`
}

type rawBandRatio struct {
	Line  document.Line
	Band  document.Of[string] `yaml:"band" need:"y" say:"code of the band"`
	Ratio document.Of[ratio]  `yaml:"ratio" need:"y" say:"2 or 200%"`
}

type rawLimits struct {
	Line      document.Line
	InService document.Of[string] `yaml:"in_service" one:"months,days" say:"a supply opened within the cycle has the limits in proportion to its months (the first counted whole) or days"`
	Household *rawHousehold       `yaml:"household" say:"more room for large households"`
	Seasons   []rawSeason         `yaml:"seasons" say:"other limits in some months; for cycles of one month"`
}

type rawHousehold struct {
	Line  document.Line
	From  document.Of[int]            `yaml:"from" need:"y" say:"persons from which the rule holds"`
	Extra document.Of[billing.Energy] `yaml:"extra" need:"y" say:"kWh added to every limit for each month of the cycle"`
}

type rawSeason struct {
	Line    document.Line
	Months  []document.Of[int]            `yaml:"months" need:"y" say:"months in which a period begins, 1 to 12"`
	UpTo    []document.Of[billing.Energy] `yaml:"up_to" say:"kWh, one limit less than there are tiers"`
	NoTiers document.Of[bool]             `yaml:"no_tiers" say:"true instead of up_to: all kWh are of the first tier"`
}

type rawFree struct {
	Line     document.Line
	PerMonth document.Of[billing.Energy] `yaml:"per_month" say:"kWh a month"`
	PerDay   document.Of[billing.Energy] `yaml:"per_day" say:"kWh a day"`
	Stack    document.Of[billing.Energy] `yaml:"stack" say:"kWh; unused days carry on up to it"`
	Counted  document.Of[bool]           `yaml:"counted" say:"true: free kWh move the tier counter all the same"`
	Fact     document.Of[string]         `yaml:"fact" say:"only for accounts whose facts have this word, such as low-income"`
}

type rawShare struct {
	Line   document.Line
	Ratio  document.Of[ratio]          `yaml:"ratio" say:"part of the energy, 8% or 0.08"`
	Amount document.Of[billing.Energy] `yaml:"amount" say:"kWh a period"`
}

type rawLevy struct {
	Line     document.Line
	Code     document.Of[string]        `yaml:"code" say:"begins the codes of the component's lines; the kind's own word when absent"`
	Name     rawName                    `yaml:"name" say:"as printed"`
	Price    document.Of[billing.Price] `yaml:"price" need:"y" say:"currency per kWh"`
	Fund     document.Of[bool]          `yaml:"fund" say:"true: a government fund, not in the base of the power factor"`
	Included document.Of[bool]          `yaml:"included" say:"true: already inside the printed prices; shown, not charged again"`
}

type rawBasic struct {
	Line        document.Line
	Code        document.Of[string]        `yaml:"code" say:"begins the codes of the component's lines; the kind's own word when absent"`
	Name        rawName                    `yaml:"name" say:"as printed"`
	PerKVA      document.Of[billing.Price] `yaml:"per_kva" say:"a kVA and month, by capacity"`
	PerKW       document.Of[billing.Price] `yaml:"per_kw" say:"a kW and month, by contract or measured demand"`
	Tolerance   document.Of[ratio]         `yaml:"tolerance" say:"part of the declared demand that its price pays; 105% when absent"`
	Excess      document.Of[ratio]         `yaml:"excess" say:"price factor above the tolerance; 2 when absent"`
	Floor       document.Of[ratio]         `yaml:"floor" say:"part of the transformers' kVA that the declared demand is not below; 40% when absent"`
	HighUse     *rawHighUse                `yaml:"high_use" say:"discount on the demand price at high use"`
	DaysOfMonth document.Of[int]           `yaml:"days_of_month" say:"days that a month of start or stop is divided by; 30 when absent"`
}

type rawHighUse struct {
	Line      document.Line
	KWhPerKVA document.Of[billing.Energy] `yaml:"kwh_per_kva" need:"y" say:"kWh of the month for each contract kVA from which the discount holds"`
	Factor    document.Of[ratio]          `yaml:"factor" need:"y" say:"of the demand price, 0.9 or 90%"`
}

type rawFixed struct {
	Line     document.Line
	Code     document.Of[string]        `yaml:"code" say:"begins the codes of the component's lines; the kind's own word when absent"`
	Name     rawName                    `yaml:"name" say:"as printed"`
	PerDay   document.Of[billing.Price] `yaml:"per_day" say:"a day"`
	PerMonth document.Of[billing.Price] `yaml:"per_month" say:"a month"`
	Prorate  document.Of[bool]          `yaml:"prorate" say:"true: a month that is used in part costs its part"`
}

type rawFactor struct {
	Line     document.Line
	Code     document.Of[string]   `yaml:"code" say:"begins the codes of the component's lines; the kind's own word when absent"`
	Name     rawName               `yaml:"name" say:"as printed"`
	Standard document.Of[string]   `yaml:"standard" need:"y" one:"0.90,0.85,0.80" say:"the class of the customer"`
	Of       []document.Of[string] `yaml:"of" say:"codes of the components that are the base; all above when absent. Government funds are left out"`
}

type rawPercent struct {
	Line document.Line
	Code document.Of[string]   `yaml:"code" say:"begins the codes of the component's lines; the kind's own word when absent"`
	Name rawName               `yaml:"name" say:"as printed"`
	Rate document.Of[ratio]    `yaml:"rate" need:"y" say:"5% or 0.05"`
	Of   []document.Of[string] `yaml:"of" say:"codes of components above; all above when absent"`
}

type rawTax struct {
	Line   document.Line
	Code   document.Of[string]   `yaml:"code" say:"begins the codes of the component's lines; the kind's own word when absent"`
	Name   rawName               `yaml:"name" say:"as printed"`
	Rate   document.Of[ratio]    `yaml:"rate" need:"y" say:"15% or 0.15"`
	Of     []document.Of[string] `yaml:"of" say:"codes of components above; all above when absent"`
	ByLine document.Of[bool]     `yaml:"by_line" say:"true: computed and rounded on each line; false: once, on the rounded sum"`
}

// ratio is a part in 1e-6, written 0.15 or 15%.
type ratio int64

// one is the ratio 1.
const one ratio = 1_000_000

// UnmarshalText reads a decimal with at most six decimals, or a percentage with at most four.
func (r *ratio) UnmarshalText(text []byte) error {
	s := string(text)
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		m, err := billing.ParseMoney(strings.TrimSuffix(percent, " "))
		*r = ratio(m)
		if err != nil {
			return fmt.Errorf("%w; write it like 15%%, at most 4 decimals", err)
		}
		return nil
	}
	e, err := billing.ParseEnergy(s)
	*r = ratio(e)
	if err != nil {
		return fmt.Errorf("%w; write it like 0.15 or 15%%", err)
	}
	return nil
}
