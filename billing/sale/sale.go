// Package sale turns money into kWh and money into shares: prepaid sales
// through the blocks of the month (预购电), payments settled by order or by
// share, a landlord's bill allotted to tenants.
package sale

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"feikong/billing"
	"feikong/billing/bill"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// Sold is what one payment bought. Fixed, the takings, Charge and Change add up
// to Amount.
type Sold struct {
	At        time.Time
	Currency  string
	Decimals  int
	Amount    billing.Money
	Fixed     billing.Money // of the month's fixed sums, with their taxes
	Takings   []Taking      // by the debts, in their order
	ForEnergy billing.Money // what was left to buy kWh for
	Energy    billing.Energy
	Charge    billing.Money // of Energy: what a bill of these kWh would say
	Change    billing.Money // less than the next quantum costs; it is given back or kept, never lost

	CounterBefore, CounterAfter billing.Energy // of the block period
	Tier                        int            // of the last kWh, from 1; 0 without tiers
	Lines                       []bill.Line
	Explained                   [2][]string // how the kWh were priced, zh and en
}

// Taking is what a debt took of a payment.
type Taking struct {
	Code    string
	Amount  billing.Money
	Left    billing.Money // of the debt
	Refused bool          // no consent: payments for electricity do not go to other debts (B12)
}

// ErrFree: the next kWh cost nothing, so that money does not tell how many.
var ErrFree = errors.New("the price is zero")

// Sell is what the payments of s buy, one after the other: first the month's
// fixed sums, then the debts, and for the rest as many quanta of energy as
// their charge allows. name is the document's, for errors.
func Sell(versions []tariff.Version, s *usage.Sale, name string) ([]Sold, error) {
	t := till{s: s, counter: s.Bought, taken: s.Taken}
	for _, d := range s.Debts {
		t.owed = append(t.owed, d.Amount)
	}
	sold := make([]Sold, 0, len(s.Payments))
	for i := range s.Payments {
		one, err := t.sell(versions, &s.Payments[i])
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: payment of %s: %w", name, s.Payments[i].Line, s.Payments[i].Amount, err)
		}
		sold = append(sold, one)
	}
	return sold, nil
}

// till is the state between payments.
type till struct {
	s       *usage.Sale
	counter billing.Energy
	taken   billing.Money // of the month's fixed sums
	owed    []billing.Money
	month   time.Time // in which taken was taken
	cycle   time.Time // start of the block period of counter
	began   bool
}

func (t *till) sell(versions []tariff.Version, p *usage.Payment) (Sold, error) {
	v, err := tariff.At(versions, p.At)
	if err != nil {
		return Sold{}, err
	}
	energyOnly, err := onlyEnergy(v)
	if err != nil {
		return Sold{}, err
	}
	t.turn(v, p.At)
	one := Sold{At: p.At, Currency: v.Currency, Decimals: v.Decimals, Amount: p.Amount, CounterBefore: t.counter}
	left := p.Amount
	if one.Fixed, err = t.fixed(v, energyOnly, p); err != nil {
		return Sold{}, err
	}
	if one.Fixed > 0 {
		left -= one.Fixed
		one.Lines = append(one.Lines, taking("fixed", billing.Name{ZH: "固定费用", EN: "fixed charges"}, one.Fixed))
	}
	left = t.debts(&one, left, v.Decimals)
	one.ForEnergy = left
	charge, err := t.buy(energyOnly, &one)
	if err != nil {
		return Sold{}, err
	}
	one.Charge, one.Change = charge.Total, left-charge.Total
	one.Lines = append(one.Lines, bill.LinesOf(&charge, 0)...)
	one.Explained = [2][]string{charge.Explain("zh"), charge.Explain("en")}
	t.counter = charge.CycleAfter
	one.CounterAfter, one.Tier = t.counter, charge.Tier
	return one, nil
}

// turn begins the month's sums and the blocks anew where p falls into the next.
func (t *till) turn(v *tariff.Version, at time.Time) {
	local := at.In(v.Location())
	month := time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, v.Location())
	cycle, _ := v.CycleOf(at)
	if t.began && !month.Equal(t.month) {
		t.taken = 0 // what was not taken does not accumulate past the month
	}
	if t.began && !cycle.Equal(t.cycle) {
		t.counter = 0
	}
	t.began, t.month, t.cycle = true, month, cycle
}

// onlyEnergy is the version without its fixed sums.
func onlyEnergy(v *tariff.Version) (*tariff.Version, error) {
	own := *v
	own.Components = nil
	for i := range v.Components {
		c := v.Components[i]
		switch {
		case c.Basic != nil || c.Factor != nil:
			return nil, fmt.Errorf("%w: component %s of tariff %s rests on a month's demand or power factor; such a tariff is not sold in advance", rate.ErrFacts, c.Code, v.ID)
		case c.Energy != nil && len(c.Energy.Prices) > 1:
			return nil, fmt.Errorf("%w: component %s of tariff %s has prices by band; kWh sold in advance have no hour", rate.ErrFacts, c.Code, v.ID)
		case c.Fixed == nil:
			own.Components = append(own.Components, c)
		}
	}
	return &own, nil
}

// fixed is what a payment gives to the month's fixed sums: all that is still to
// be taken, but of a small payment a share at most, so that it buys kWh too.
func (t *till) fixed(v, energyOnly *tariff.Version, p *usage.Payment) (billing.Money, error) {
	if len(v.Components) == len(energyOnly.Components) {
		return 0, nil
	}
	from, to := t.month, t.month.AddDate(0, 1, 0)
	if v.ValidFrom.After(from) {
		from = v.ValidFrom
	}
	if !v.ValidTo.IsZero() && v.ValidTo.Before(to) {
		to = v.ValidTo
	}
	facts := &rate.Facts{Months: 1e6}
	with, err := rate.Estimate(v, rate.Usage{From: from, To: to, Facts: facts})
	if err != nil {
		return 0, fmt.Errorf("fixed sums of the month: %w", err)
	}
	without, err := rate.Estimate(energyOnly, rate.Usage{From: from, To: to, Facts: facts})
	if err != nil {
		return 0, fmt.Errorf("fixed sums of the month: %w", err)
	}
	due := max(0, with.Total-without.Total-t.taken) // sums of a month are far from the unit's end
	limit := p.Amount
	if p.Amount < t.s.Below {
		limit = shareOf(p.Amount, t.s.Share, v.Decimals)
	}
	now := min(due, limit)
	t.taken += now
	return now, nil
}

// shareOf is a share, 1e-6, of a payment, cut to the place of the currency.
func shareOf(m billing.Money, share int64, decimals int) billing.Money {
	part, err := billing.Energy(m).Part(min(share, 1e6), 1e6)
	if err != nil {
		return 0 // a share below zero; Parse lets none through
	}
	return billing.Money(part) - billing.Money(part)%unit(decimals)
}

// unit is the place of rounding in units of Money.
func unit(decimals int) billing.Money {
	u := billing.Money(1)
	for range billing.MoneyDecimals - decimals {
		u *= 10
	}
	return u
}

// debts settles debts in their order: in full, or by their share of the
// payment. What is not for electricity takes nothing without consent.
func (t *till) debts(one *Sold, left billing.Money, decimals int) billing.Money {
	for i := range t.s.Debts {
		d := &t.s.Debts[i]
		took := Taking{Code: d.Code, Left: t.owed[i], Refused: !d.Electricity && d.Consent == ""}
		if !took.Refused {
			took.Amount = min(t.owed[i], left)
			if d.Share > 0 {
				took.Amount = min(took.Amount, shareOf(one.Amount, d.Share, decimals))
			}
			left -= took.Amount
			t.owed[i] -= took.Amount
			took.Left = t.owed[i]
		}
		one.Takings = append(one.Takings, took)
		if took.Amount > 0 {
			one.Lines = append(one.Lines, taking("debt."+d.Code, billing.Name{ZH: "欠款 " + d.Code, EN: "debt " + d.Code}, took.Amount))
		}
	}
	return left
}

// taking is the line of a sum that is not priced.
func taking(code string, name billing.Name, amount billing.Money) bill.Line {
	component, _, _ := strings.Cut(code, ".")
	l := bill.Line{Component: component, Code: code, Name: name, Unit: billing.UnitMoney, Amount: amount}
	if quantity, err := billing.Energy(amount).Times(100); err == nil {
		l.Quantity, l.Price = billing.Quantity(quantity), 1e8
	}
	return l
}

// most bounds a sale, a thousand million kWh: who can buy that for a payment
// has no price to tell.
const most = 1e9 * billing.KWh

// buy finds the most quanta whose charge is not above the money.
func (t *till) buy(v *tariff.Version, one *Sold) (rate.Charge, error) {
	charge := func(n int64) (rate.Charge, error) {
		energy, err := t.s.Quantum.Times(n)
		if err != nil {
			return rate.Charge{}, err
		}
		return rate.Estimate(v, rate.Usage{From: one.At, To: one.At, Energy: energy, CycleBefore: t.counter})
	}
	fits := func(n int64) (bool, error) {
		c, err := charge(n)
		if errors.Is(err, billing.ErrOverflow) {
			return false, nil // more than any money
		}
		return err == nil && c.Total <= one.ForEnergy, err
	}
	low, high := int64(0), int64(1)
	for {
		ok, err := fits(high)
		if err != nil {
			return rate.Charge{}, err
		}
		if !ok {
			break
		}
		if low = high; high > int64(most/t.s.Quantum) {
			return rate.Charge{}, fmt.Errorf("%w: tariff %s gives any number of kWh for %s", ErrFree, v.ID, one.ForEnergy)
		}
		high *= 2
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		ok, err := fits(middle)
		if err != nil {
			return rate.Charge{}, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	c, err := charge(low)
	if err != nil {
		return rate.Charge{}, err
	}
	one.Energy, err = t.s.Quantum.Times(low)
	return c, err
}

// Allotment is one tenant's part of a bill.
type Allotment struct {
	Tenant string
	Energy billing.Energy // of the tenant's own meter
	Common billing.Energy // of the common parts, that the tenant carries
	Amount billing.Money
}

// Allot shares a bill out by kWh, by the largest remainder, so that the parts
// add up to it (B9). What the common parts used is carried by all in proportion
// to their own kWh. decimals is the place of the currency.
func Allot(total billing.Money, decimals int, shares []usage.Share) ([]Allotment, error) {
	if decimals < 0 || decimals > billing.MoneyDecimals {
		return nil, billing.ErrPlace
	}
	one := unit(decimals)
	if total < 0 || total%one != 0 {
		return nil, fmt.Errorf("%w: bill %s; the currency has %d decimals", rate.ErrUsage, total, decimals)
	}
	own := slices.DeleteFunc(slices.Clone(shares), func(s usage.Share) bool { return s.Common })
	weights, parts, sums := make([]billing.Energy, len(own)), make([]billing.Energy, len(own)), make([]billing.Energy, len(own))
	var common, all billing.Energy
	var err error
	for _, s := range shares {
		if s.Common {
			common += s.Energy
		}
		if all, err = all.Add(s.Energy); err != nil || s.Energy < 0 {
			return nil, fmt.Errorf("energy of the shares: %w", errors.Join(err, rate.ErrUsage))
		}
	}
	for i, s := range own {
		weights[i] = s.Energy
	}
	if all == common {
		return nil, fmt.Errorf("%w: no share has kWh", rate.ErrUsage)
	}
	billing.Apportion(parts, weights, common)
	billing.Apportion(sums, weights, billing.Energy(total/one))
	allotted := make([]Allotment, len(own))
	for i, s := range own {
		allotted[i] = Allotment{Tenant: s.Tenant, Energy: s.Energy, Common: parts[i], Amount: billing.Money(sums[i]) * one}
	}
	return allotted, nil
}
