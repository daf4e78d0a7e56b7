package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"feikong/billing/bill"
	"feikong/billing/calendar"
	"feikong/billing/sale"
	"feikong/billing/tariff"
	"feikong/billing/usage"
)

func (t *terminal) quote() *cobra.Command {
	var tariffPath, usagePath string
	var calendarPaths []string
	var explain bool
	c := &cobra.Command{
		Use: "quote --tariff FILE --usage FILE", Short: t.say("按电价文件和用电文件测算电费，可逐句解释", "price a usage document by a tariff document, explained"),
		Long: t.say("按电价计算用电文件中的一切：一个或多个电费周期、更正与重算、预购电、违约金、分摊。只读文件，不需要运行中的网关。\n用电文件格式见 docs/usage.zh.md，电价格式见 docs/tariffs.zh.md。\n账单与测算用同一段程序，所以结果与网关的账单相同。",
			"Prices what a usage document tells: one period or many, corrections and what they re-rate, prepaid sales, late payment, a bill shared out. It reads files alone and needs no gateway.\nUsage documents: docs/usage.md; tariffs: docs/tariffs.md.\nThe estimates and bills of a gateway come from the same code."),
		Example: "  gateway quote --tariff configs/tariffs/shandong-household-tou.yaml --usage configs/usage/shandong-household-tou.yaml --explain\n  gateway quote --tariff configs/tariffs/hubei-two-part-35kv.yaml --usage configs/usage/hubei-two-part-35kv.yaml --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if tariffPath == "" || usagePath == "" {
				return errors.New(t.say("请给出 --tariff 文件和 --usage 文件", "give --tariff FILE and --usage FILE"))
			}
			versions, err := readTariff(tariffPath)
			if err != nil {
				return err
			}
			days, err := t.daysOf(versions, tariffPath, calendarPaths)
			if err != nil {
				return err
			}
			data, err := readDocument(usagePath)
			if err != nil {
				return err
			}
			document, err := usage.Parse(usagePath, data, versions[0].Location())
			if err != nil {
				return err
			}
			q, err := t.price(versions, days, document, explain)
			if err != nil {
				return err
			}
			return t.print(q, func(w writer) { t.showQuote(w, q) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&tariffPath, "tariff", "", t.say("电价文件", "tariff document"))
	flags.StringVar(&usagePath, "usage", "", t.say("用电文件", "usage document"))
	flags.StringArrayVar(&calendarPaths, "calendar", nil, t.say("节假日历文件；缺省时在电价文件旁查找", "holiday calendar; looked for beside the tariff when absent"))
	flags.BoolVar(&explain, "explain", false, t.say("逐句说明公式、依据与每次舍入", "tell formula, source and each rounding in sentences"))
	return c
}

// daysOf is the holiday calendar that the versions name, or nil. One that is not found is missed only by what needs it.
func (t *terminal) daysOf(versions []tariff.Version, tariffPath string, paths []string) (tariff.Days, error) {
	known, err := readCalendars(paths)
	if err != nil {
		return nil, err
	}
	var found *calendar.Calendar
	for i := range versions {
		v := &versions[i]
		if v.Calendar == "" || found != nil && found.ID == v.Calendar {
			continue
		}
		k, err := known.of(v.Calendar, tariffPath)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case found != nil:
			return nil, fmt.Errorf(t.say("%s：各版本使用不同的节假日历 %s 和 %s，请分开报价", "%s: the versions name the calendars %s and %s; quote them apart"), tariffPath, found.ID, k.ID)
		}
		if err := k.Serves(v); err != nil {
			return nil, err
		}
		found = k
	}
	if found == nil {
		return nil, nil
	}
	return found, nil
}

// price works out a whole usage document.
func (t *terminal) price(versions []tariff.Version, days tariff.Days, d *usage.Document, explain bool) (*quoted, error) {
	last := &versions[len(versions)-1]
	q := &quoted{Tariff: last.ID, Usage: d.ID, Account: d.Account, Currency: last.Currency, decimals: last.Decimals, lang: t.lang, explains: explain}
	if len(d.Periods) > 0 {
		if err := q.periods(versions, days, d); err != nil {
			return nil, err
		}
	}
	if d.Sale != nil {
		sold, err := sale.Sell(versions, d.Sale, d.Name)
		if err != nil {
			return nil, err
		}
		if err := q.sold(sold); err != nil {
			return nil, err
		}
	}
	if d.Allocate != nil {
		total := d.Allocate.Bill
		if !d.Allocate.BillKnown {
			total = q.total
		}
		allotted, err := sale.Allot(total, q.decimals, d.Allocate.Shares)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: allocate: %w", d.Name, d.Allocate.Line, err)
		}
		if err := q.allotted(allotted, len(d.Periods) == 0); err != nil {
			return nil, err
		}
	}
	for i := range d.Late {
		lines, err := bill.Late(versions, d.Name, d.Late[i])
		if err != nil {
			return nil, err
		}
		if err := q.late(lines, &d.Late[i]); err != nil {
			return nil, err
		}
	}
	q.finish()
	return q, nil
}

// periods rates the periods, or what their corrections post.
func (q *quoted) periods(versions []tariff.Version, days tariff.Days, d *usage.Document) error {
	if len(d.Corrections) == 0 && !slices.ContainsFunc(d.Periods, func(u usage.Period) bool { return u.BilledWith > 0 }) {
		bills, err := bill.RateAll(versions, days, d.Periods)
		if err != nil {
			return err
		}
		for i := range bills {
			if err := q.bill(&bills[i], "", i, ""); err != nil {
				return err
			}
		}
		return nil
	}
	originals, postings, _, err := bill.Correct(versions, days, d.Periods, d.Corrections)
	if err != nil {
		return err
	}
	final := &originals[len(originals)-1]
	for i := range originals {
		q.Originals = append(q.Originals, q.head(&originals[i], bill.Original.String(), i, ""))
	}
	for i := range postings {
		p := &postings[i]
		if err := q.bill(&p.Bill, p.Kind.String(), p.Index, p.Reason); err != nil {
			return err
		}
		if p.Index == len(originals)-1 && p.Kind != bill.Mirror {
			final = &p.Bill
		}
	}
	q.Counters = countersOf(&originals[0])
	q.Counters.After = final.CounterAfter
	q.Counters.Tier = countersOf(final).Tier
	return nil
}
