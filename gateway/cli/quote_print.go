package cli

import (
	"strconv"
	"strings"
	"time"

	"feikong/billing/bill"
	"feikong/billing/sale"
	"feikong/billing/tariff"
)

// kindWords are the kinds of bill among corrections, as printed.
func (t *terminal) kindWord(kind string) string {
	switch kind {
	case "mirror":
		return t.say("红冲", "mirror")
	case "corrected":
		return t.say("更正后账单", "corrected bill")
	case "rerated":
		return t.say("重算账单", "re-rated bill")
	case "difference":
		return t.say("退补", "difference")
	}
	return t.say("账单", "bill")
}

func (t *terminal) methodWord(method string) string {
	switch method {
	case "reading":
		return t.say("按示数分段", "cut by reading")
	case "day":
		return t.say("按天数分段", "cut by days")
	}
	return ""
}

// showQuote prints a quote as tables: each bill or sale with its lines, the sums, the counters, the sentences.
func (t *terminal) showQuote(w writer, q *quoted) {
	row(w, t.say("电价", "tariff"), q.Tariff, q.Usage, q.Account)
	for i := range q.Bills {
		b := &q.Bills[i]
		row(w)
		row(w, t.kindWord(b.Kind), day(b.From)+" – "+day(b.To), b.Energy.String()+" kWh", b.Reason)
		if len(b.Parts) > 1 {
			for _, p := range b.Parts {
				row(w, "", day(p.From)+" – "+day(p.To), p.Energy.String()+" kWh", t.say("版本 ", "version ")+strconv.Itoa(p.Version), t.methodWord(p.Method))
			}
		}
		t.showLines(w, q, i)
		if len(q.Bills) > 1 {
			row(w, t.say("合计", "total"), "", "", "", b.Total)
		}
	}
	for i := range q.Sales {
		s := &q.Sales[i]
		row(w)
		row(w, t.say("缴费", "payment"), day(s.At), s.Payment+" "+q.Currency, s.Energy.String()+" kWh", t.say("找零 ", "change ")+s.Change)
		t.showLines(w, q, i)
		for _, d := range s.Debts {
			if d.Refused {
				row(w, t.say("欠款", "debt"), d.Code, t.say("未经同意，不从电费中扣", "no consent: payments for electricity do not go there"))
			}
		}
	}
	if len(q.Bills)+len(q.Sales) == 0 {
		t.showLines(w, q, 0)
	}
	for _, s := range q.Shares {
		if len(q.Bills) == 0 {
			break // they are lines already
		}
		row(w, t.say("分摊", "share"), s.Tenant, s.Energy.String()+" kWh", "", s.Amount)
	}
	row(w)
	for _, s := range q.Subtotals {
		row(w, t.say("小计", "subtotal"), s.Code, "", "", s.Amount)
	}
	energy := ""
	if len(q.Bills)+len(q.Sales) > 0 {
		energy = q.Energy.String() + " kWh"
	}
	row(w, t.say("合计", "total"), "", energy, "", q.Total+" "+q.Currency)
	if q.Counters.Tier > 0 {
		row(w, t.say("阶梯累计", "tier counter"), q.Counters.Before.String()+" → "+q.Counters.After.String()+" kWh", tierWord(t, q.Counters.Tier))
	}
	if q.Estimated {
		row(w, t.say("估计值：不得据此停电", "estimated: never a reason to trip"))
	}
	if len(q.Explain) > 0 {
		row(w)
		for _, s := range q.Explain {
			say(w, "%s\n", strings.Map(printable, s))
		}
	}
}

func tierWord(t *terminal, tier int) string {
	if tier == 0 {
		return ""
	}
	return t.say("第 "+strconv.Itoa(tier)+" 档", "tier "+strconv.Itoa(tier))
}

// showLines prints the lines of one bill or sale, and those inside others after them.
func (t *terminal) showLines(w writer, q *quoted, index int) {
	line := func(l *quotedLine, amount string) {
		quantity := l.Quantity.String() + " " + l.Unit
		if l.PartOf != "" {
			quantity += t.say("（", " (") + l.PartOf + t.say("）", ")")
		}
		row(w, l.Code, l.Name, quantity, l.Price, amount)
	}
	for i := range q.Lines {
		if l := &q.Lines[i]; l.Bill == index {
			line(l, l.Amount)
		}
	}
	for i := range q.Included {
		if l := &q.Included[i]; l.Bill == index {
			line(l, t.say("（已含 ", "(inside: ")+l.Amount+t.say("）", ")"))
		}
	}
}

// day shortens an instant of a JSON document for a table: midnight is a date.
func day(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	if h, m, s := at.Clock(); h+m+s == 0 {
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02 15:04:05")
}

// explainBill tells how energy was found and priced.
func (q *quoted) explainBill(b *bill.Bill, kind, reason string) {
	if !q.explains {
		return
	}
	from, to := b.From.Format("2006-01-02 15:04"), b.To.Format("2006-01-02 15:04")
	switch kind {
	case "mirror":
		q.say("红冲 %s 至 %s 的原账单：%s", "mirror of the bill from %s to %s: %s", from, to, q.amount(b.Total))
		return
	case "difference":
		q.say("%s 至 %s 的退补：新账单减原账单 = %s %s", "difference for %s to %s: the new bill less the old one = %s %s", from, to, q.amount(b.Total), reason)
		return
	}
	q.say("%s 至 %s（止日零时为界，不含止日）", "from %s up to %s, not included", from, to)
	for _, n := range b.Notes {
		q.Explain = append(q.Explain, n.In(q.lang))
	}
	for i := range b.Parts {
		p := &b.Parts[i]
		switch p.Method {
		case bill.ByReading:
			q.say("第 %d 段 %s 至 %s：有换价（或周期末）当日示数，电量 %s 千瓦时，版本 %d", "part %d, %s to %s: read at its ends, %s kWh, version %d", i+1, p.From.Format(time.DateOnly), p.To.Format(time.DateOnly), p.Energy, p.By.Number)
		case bill.ByDay:
			q.say("第 %d 段 %s 至 %s：无当日示数，按天数分得 %s 千瓦时，版本 %d", "part %d, %s to %s: no reading there, the days give %s kWh, version %d", i+1, p.From.Format(time.DateOnly), p.To.Format(time.DateOnly), p.Energy, p.By.Number)
		}
		q.Explain = append(q.Explain, p.Charge.Explain(q.lang)...)
		if p.By.Kind != tariff.Composed {
			q.say("每行四舍五入到 %d 位小数；依据：%s", "each line is rounded to %d decimals, half away from zero; source: %s", p.By.Decimals, p.By.Document)
		}
	}
	if len(b.Parts) > 1 {
		q.say("各段合计 %s", "all parts %s", q.amount(b.Total))
	}
}

// explainSale tells what became of a payment.
func (q *quoted) explainSale(s *sale.Sold) {
	if !q.explains {
		return
	}
	q.say("%s 缴费 %s", "%s: paid %s", s.At.Format(time.DateOnly), q.amount(s.Amount))
	if s.Fixed > 0 {
		q.say("本月固定费用先扣 %s", "fixed sums of the month take %s first", q.amount(s.Fixed))
	}
	for _, d := range s.Takings {
		if d.Refused {
			q.say("欠款 %s 未经同意，不扣", "debt %s takes nothing: there is no consent", d.Code)
			continue
		}
		q.say("欠款 %s 扣 %s，尚欠 %s", "debt %s takes %s and leaves %s", d.Code, q.amount(d.Amount), q.amount(d.Left))
	}
	q.say("余 %s 购电 %s 千瓦时，电费 %s，找零 %s", "the rest of %s buys %s kWh for %s; change %s", q.amount(s.ForEnergy), s.Energy, q.amount(s.Charge), q.amount(s.Change))
	sentences := s.Explained[1]
	if q.lang == "zh" {
		sentences = s.Explained[0]
	}
	q.Explain = append(q.Explain, sentences...)
}
