package usage

import (
	"time"

	"feikong/billing"
	"feikong/internal/document"
)

// raw is a usage document as written. The keys of a period stand at the top
// when there is one period only.
type raw struct {
	Line     document.Line
	Usage    document.Of[string] `yaml:"usage"`
	Account  document.Of[string] `yaml:"account"`
	Periods  []rawPeriod         `yaml:"periods"`
	Corrects []rawPeriod         `yaml:"corrections"`
	Sale     *rawSale            `yaml:"sale"`
	Allocate *rawAllocate        `yaml:"allocate"`
	Late     []rawLate           `yaml:"late"`

	From       document.Of[string]         `yaml:"from"`
	To         document.Of[string]         `yaml:"to"`
	Counter    document.Of[billing.Energy] `yaml:"counter"`
	NewOwner   document.Of[bool]           `yaml:"new_owner"`
	FreeBefore document.Of[billing.Energy] `yaml:"free_before"`
	FreeStock  document.Of[billing.Energy] `yaml:"free_stock"`
	ToDate     document.Of[bool]           `yaml:"to_date"`
	BilledWith document.Of[int]            `yaml:"billed_with"`
	Energy     document.Of[billing.Energy] `yaml:"energy"`
	Bands      []rawCount                  `yaml:"bands"`
	Hours      *rawHours                   `yaml:"hours"`
	Meters     []rawMeter                  `yaml:"meters"`
	Household  *rawHousehold               `yaml:"household"`
	Supplies   []rawSupply                 `yaml:"supplies"`
	Reactive   *rawReactive                `yaml:"reactive"`
	Loss       *rawLoss                    `yaml:"loss"`
}

// period is the keys of a period that stand at the top.
func (r *raw) period() rawPeriod {
	return rawPeriod{
		Line: r.Line, From: r.From, To: r.To, Counter: r.Counter, NewOwner: r.NewOwner, FreeBefore: r.FreeBefore, FreeStock: r.FreeStock, ToDate: r.ToDate, BilledWith: r.BilledWith,
		Energy: r.Energy, Bands: r.Bands, Hours: r.Hours, Meters: r.Meters, Household: r.Household, Supplies: r.Supplies, Reactive: r.Reactive, Loss: r.Loss,
	}
}

type rawPeriod struct {
	Line       document.Line
	From       document.Of[string]         `yaml:"from"`
	To         document.Of[string]         `yaml:"to"`
	Counter    document.Of[billing.Energy] `yaml:"counter"`
	NewOwner   document.Of[bool]           `yaml:"new_owner"`
	FreeBefore document.Of[billing.Energy] `yaml:"free_before"`
	FreeStock  document.Of[billing.Energy] `yaml:"free_stock"`
	ToDate     document.Of[bool]           `yaml:"to_date"`
	BilledWith document.Of[int]            `yaml:"billed_with"`
	Energy     document.Of[billing.Energy] `yaml:"energy"`
	Bands      []rawCount                  `yaml:"bands"`
	Hours      *rawHours                   `yaml:"hours"`
	Meters     []rawMeter                  `yaml:"meters"`
	Household  *rawHousehold               `yaml:"household"`
	Supplies   []rawSupply                 `yaml:"supplies"`
	Reactive   *rawReactive                `yaml:"reactive"`
	Loss       *rawLoss                    `yaml:"loss"`
	Reason     document.Of[string]         `yaml:"reason"`
	Form       document.Of[string]         `yaml:"form"`
}

// present is the line of the first key of a period, or 0.
func (r *rawPeriod) present() int {
	for _, line := range []int{r.From.Line, r.To.Line, r.Counter.Line, r.NewOwner.Line, r.FreeBefore.Line, r.FreeStock.Line, r.ToDate.Line, r.BilledWith.Line, r.Energy.Line} {
		if line > 0 {
			return line
		}
	}
	if r.Bands != nil || r.Hours != nil || r.Meters != nil || r.Household != nil || r.Supplies != nil || r.Reactive != nil || r.Loss != nil {
		return max(1, int(r.Line))
	}
	return 0
}

type rawCount struct {
	Line document.Line
	Band document.Of[string]         `yaml:"band"`
	KWh  document.Of[billing.Energy] `yaml:"kwh"`
}

type rawHours struct {
	Line document.Line
	From document.Of[string]        `yaml:"from"`
	Step document.Of[time.Duration] `yaml:"step"`
	KWh  []billing.Energy           `yaml:"kwh"`
}

// rawMeter has the keys of a segment when the device was never changed.
type rawMeter struct {
	Line       document.Line
	Meter      document.Of[string]         `yaml:"meter"`
	Subtract   document.Of[bool]           `yaml:"subtract"`
	Segments   []rawSegment                `yaml:"segments"`
	Digits     document.Of[int]            `yaml:"digits"`
	Multiplier document.Of[int]            `yaml:"multiplier"`
	MaxKW      document.Of[billing.Energy] `yaml:"max_kw"`
	Readings   []rawReading                `yaml:"readings"`
	Energy     document.Of[billing.Energy] `yaml:"energy"`
	Bands      []rawCount                  `yaml:"bands"`
	Hours      *rawHours                   `yaml:"hours"`
}

type rawSegment struct {
	Line       document.Line
	Serial     document.Of[string]         `yaml:"serial"`
	From       document.Of[string]         `yaml:"from"`
	To         document.Of[string]         `yaml:"to"`
	Digits     document.Of[int]            `yaml:"digits"`
	Multiplier document.Of[int]            `yaml:"multiplier"`
	MaxKW      document.Of[billing.Energy] `yaml:"max_kw"`
	Readings   []rawReading                `yaml:"readings"`
	Energy     document.Of[billing.Energy] `yaml:"energy"`
	Bands      []rawCount                  `yaml:"bands"`
	Hours      *rawHours                   `yaml:"hours"`
}

type rawReading struct {
	Line      document.Line
	At        document.Of[string]         `yaml:"at"`
	Method    document.Of[string]         `yaml:"method"`
	Total     document.Of[billing.Energy] `yaml:"total"`
	Registers []rawValue                  `yaml:"registers"`
}

type rawValue struct {
	Line     document.Line
	Register document.Of[string]         `yaml:"register"`
	Value    document.Of[billing.Energy] `yaml:"value"`
}

type rawHousehold struct {
	Line    document.Line
	Persons document.Of[int]      `yaml:"persons"`
	Words   []document.Of[string] `yaml:"words"`
	Since   document.Of[string]   `yaml:"since"`
}

type rawSupply struct {
	Line     document.Line
	Mode     document.Of[string]           `yaml:"mode"`
	Capacity document.Of[billing.Quantity] `yaml:"capacity"`
	Declared document.Of[billing.Quantity] `yaml:"declared"`
	Measured document.Of[billing.Quantity] `yaml:"measured"`
	From     document.Of[string]           `yaml:"from"`
	To       document.Of[string]           `yaml:"to"`
	Days     document.Of[int]              `yaml:"days"`
}

type rawReactive struct {
	Line   document.Line
	Taken  document.Of[billing.Energy] `yaml:"taken"`
	Back   document.Of[billing.Energy] `yaml:"back"`
	Active document.Of[billing.Energy] `yaml:"active"`
}

type rawLoss struct {
	Line     document.Line
	Energy   document.Of[billing.Energy]   `yaml:"energy"`
	Bands    []rawCount                    `yaml:"bands"`
	Reactive document.Of[billing.Energy]   `yaml:"reactive"`
	NoLoadKW document.Of[billing.Quantity] `yaml:"no_load_kw"`
	LoadKW   document.Of[billing.Quantity] `yaml:"load_kw"`
	Load     document.Of[billing.Quantity] `yaml:"load_ratio"`
	Hours    document.Of[int]              `yaml:"hours"`
}

type rawSale struct {
	Line     document.Line
	Quantum  document.Of[billing.Energy] `yaml:"quantum"`
	Bought   document.Of[billing.Energy] `yaml:"bought"`
	Fixed    *rawTaking                  `yaml:"fixed"`
	Debts    []rawDebt                   `yaml:"debts"`
	Payments []rawPayment                `yaml:"payments"`
}

type rawTaking struct {
	Line  document.Line
	Taken document.Of[billing.Money] `yaml:"taken"`
	Below document.Of[billing.Money] `yaml:"below"`
	Share document.Of[part]          `yaml:"share"`
}

type rawDebt struct {
	Line        document.Line
	Code        document.Of[string]        `yaml:"code"`
	Amount      document.Of[billing.Money] `yaml:"amount"`
	Share       document.Of[part]          `yaml:"share"`
	Electricity document.Of[bool]          `yaml:"electricity"`
	Consent     document.Of[string]        `yaml:"consent"`
}

type rawPayment struct {
	Line   document.Line
	At     document.Of[string]        `yaml:"at"`
	Amount document.Of[billing.Money] `yaml:"amount"`
}

type rawAllocate struct {
	Line   document.Line
	Bill   document.Of[billing.Money] `yaml:"bill"`
	Shares []rawShare                 `yaml:"shares"`
}

type rawShare struct {
	Line   document.Line
	Code   document.Of[string]         `yaml:"tenant"`
	KWh    document.Of[billing.Energy] `yaml:"kwh"`
	Common document.Of[bool]           `yaml:"common"`
}

type rawLate struct {
	Line   document.Line
	Amount document.Of[billing.Money] `yaml:"amount"`
	Due    document.Of[string]        `yaml:"due"`
	Paid   document.Of[string]        `yaml:"paid"`
}

// part is a ratio in 1e-6: "50%" or "0.5".
type part int64

// UnmarshalText reads a percentage with at most four decimals, or a number with at most six.
func (p *part) UnmarshalText(text []byte) error {
	s := string(text)
	scale := int64(1)
	if n := len(s); n > 0 && s[n-1] == '%' {
		s, scale = s[:n-1], 100
	}
	q, err := billing.ParseQuantity(s)
	if err != nil {
		return err
	}
	if int64(q)%scale != 0 {
		return billing.ErrDecimals
	}
	*p = part(int64(q) / scale)
	return nil
}
