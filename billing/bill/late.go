package bill

import (
	"fmt"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

// Late is the charge for paying a sum after it was due (违约金): each day from
// the one after due up to that of the payment, with one rate for the days of the
// year in which it fell due and another for those after it, each line rounded,
// and not below the minimum. A sum paid in time has no lines.
//
// Errors wrap rate.ErrFacts where the tariff says nothing of late payment, and
// billing.ErrOverflow.
func Late(versions []tariff.Version, name string, l usage.Late) ([]Line, error) {
	v, err := tariff.At(versions, l.Due)
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", name, l.Line, err)
	}
	if v.Late == nil {
		return nil, fmt.Errorf("%s: line %d: %w: version %d of tariff %s says nothing of late payment; add late to the tariff, or remove it here", name, l.Line, rate.ErrFacts, v.Number, v.ID)
	}
	due := l.Due.In(v.Location())
	days := usage.Days(due, l.Paid, v.Location())
	if days <= 0 || l.Amount <= 0 {
		return nil, nil
	}
	same := min(days, usage.Days(due, time.Date(due.Year(), time.December, 31, 0, 0, 0, 0, v.Location()), v.Location()))
	var lines []Line
	sum := billing.Money(0)
	add := func(code string, name billing.Name, days int, daily int64) error {
		if days == 0 {
			return nil
		}
		// The sum is the quantity and days × rate the price, so that both are printed.
		quantity, err := billing.Energy(l.Amount).Times(100)
		if err != nil {
			return err
		}
		price, err := billing.Energy(daily).Times(int64(days) * 100)
		if err != nil {
			return err
		}
		amount, err := billing.MulRound(quantity, billing.Price(price), v.Decimals)
		if err == nil {
			sum, err = sum.Add(amount)
		}
		lines = append(lines, Line{Component: "late", Code: code, Name: name, Unit: billing.UnitMoney, Quantity: billing.Quantity(quantity), Price: billing.Price(price), Amount: amount})
		return err
	}
	err = add("late.same-year", billing.Name{ZH: fmt.Sprintf("违约金 当年 %d 天", same), EN: fmt.Sprintf("late charge, %d days of the same year", same)}, same, v.Late.SameYear)
	if err == nil {
		err = add("late.later", billing.Name{ZH: fmt.Sprintf("违约金 跨年 %d 天", days-same), EN: fmt.Sprintf("late charge, %d days after the year", days-same)}, days-same, v.Late.Later)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: late charge of %s: %w", name, l.Line, l.Amount, err)
	}
	if left := v.Late.Minimum - sum; left > 0 {
		lines = append(lines, Line{Component: "late", Code: "late.minimum", Name: billing.Name{ZH: "违约金 不足起点部分", EN: "up to the least late charge"}, Unit: billing.UnitMoney, Quantity: billing.Quantity(left) * 100, Price: 1e8, Amount: left})
	}
	return lines, nil
}
