package rate

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"feikong/billing"
	"feikong/billing/tariff"
)

// phrases are the sentences of Explain; English unless lang is "zh".
type phrases struct {
	before, after, line, total                                string
	source, rounded, byLine, included, part                   string
	factor, sum, sumTax, toDate, loss, floor, excess, highUse string
	units                                                     [6]string
}

var (
	english = phrases{
		before: "%s kWh used in the tier cycle before", after: "%s kWh used in the tier cycle now: tier %d",
		line: "%s: %s %s × %s = %s", total: "total %s",
		source: " (%s)", rounded: "%s, rounded to %s", byLine: "; rounded on each line",
		included: "; already in the prices above, not charged again", part: "%d/%d of %s",
		factor:  "%s: power factor 0.%02d, standard 0.%02d; base %s without government funds of %s: × %s = %s",
		sum:     "sum of the lines %s, rounded to %s",
		sumTax:  "with taxes of %s",
		toDate:  "demand and power factor are to date: the charge of the whole month may differ",
		loss:    "%s kWh lost in the transformer are in the energy",
		floor:   "; the declared demand counts as at least %s of the transformers' kVA",
		excess:  "; what is above %s of the declared demand, at %s times the price",
		highUse: "; price × %s from %s kWh for each kVA on",
		units:   [6]string{"kWh", "kW", "kVA", "days", "months", ""},
	}
	chinese = phrases{
		before: "本阶梯周期此前已用 %s 千瓦时", after: "本阶梯周期现已用 %s 千瓦时，处于第 %d 档",
		line: "%s：%s %s × %s = %s", total: "合计 %s",
		source: "（%s）", rounded: "%s，四舍五入为 %s", byLine: "；逐行四舍五入",
		included: "；已含在上列电价内，不另计收", part: "%d/%d × %s",
		factor:  "%s：功率因数 0.%02d，标准 0.%02d；基数 %s（不含政府性基金 %s）× %s = %s",
		sum:     "各行之和 %s，四舍五入为 %s",
		sumTax:  "另加税 %s",
		toDate:  "需量和功率因数为截至目前的数值，全月电费可能不同",
		loss:    "电量中含变压器损耗 %s 千瓦时",
		floor:   "；合同需量不低于变压器容量的 %s",
		excess:  "；超过合同需量 %s 的部分按 %s 倍电价",
		highUse: "；每千伏安满 %[2]s 千瓦时，电价 × %[1]s",
		units:   [6]string{"千瓦时", "千瓦", "千伏安", "天", "个月", ""},
	}
)

// Explain tells the charge in sentences, "zh" or English: the counter before,
// each line with its product, the total, the counter after. A composed version
// adds to each line its rounding and the document that the price rests on. It
// may be stored with a bill or shown to a customer.
func (c Charge) Explain(lang string) []string {
	words := &english
	if lang == "zh" {
		words = &chinese
	}
	sentences := make([]string, 0, c.N+5)
	if c.Tier > 0 {
		sentences = append(sentences, fmt.Sprintf(words.before, c.CycleBefore))
	}
	if c.Loss > 0 {
		sentences = append(sentences, fmt.Sprintf(words.loss, c.Loss))
	}
	composed := c.By != nil && c.By.Kind == tariff.Composed
	items := c.Items()
	for i := range items {
		l := &items[i]
		if composed {
			sentences = append(sentences, c.sentence(words, l, lang))
			continue
		}
		sentences = append(sentences, fmt.Sprintf(words.line, c.NameOf(l, lang), l.Quantity, words.units[l.Unit], l.Price, l.Amount))
	}
	if composed && c.By.Rounding == tariff.RoundSum {
		sentences = append(sentences, c.sum(words))
	}
	sentences = append(sentences, fmt.Sprintf(words.total, c.Total))
	if c.Tier > 0 {
		sentences = append(sentences, fmt.Sprintf(words.after, c.CycleAfter, c.Tier))
	}
	if c.ToDate {
		sentences = append(sentences, words.toDate)
	}
	return sentences
}

// sentence tells one line: formula, rounding, rule, document.
func (c *Charge) sentence(words *phrases, l *Line, lang string) string {
	p, name := &c.By.Components[l.at], c.NameOf(l, lang)
	var b strings.Builder
	switch {
	case l.Kind == tariff.FactorCharge:
		fmt.Fprintf(&b, words.factor, name, c.Cos, p.Factor.Standard, billing.Money(l.Quantity/100), c.Funds, percent(int64(l.Price/100)), words.product(l))
		if c.Cos == 100 {
			text := strings.Replace(b.String(), "0.100", "1.00", 1)
			b.Reset()
			b.WriteString(text)
		}
	case l.Unit == billing.UnitMoney:
		fmt.Fprintf(&b, words.line, name, billing.Money(l.Quantity/100), "", percent(int64(l.Price/100)), words.product(l))
		if p.Percent != nil && p.Percent.ByLine && l.Kind == tariff.TaxCharge {
			b.WriteString(words.byLine)
		}
	default:
		quantity := l.Quantity.String()
		if l.Den != 0 {
			num, den := int64(l.Num), int64(l.Den)
			if den == monthParts { // 10/31 reads better than what it is a part of
				common := new(big.Int).GCD(nil, nil, big.NewInt(num), big.NewInt(den)).Int64()
				num, den = num/common, den/common
			}
			quantity = fmt.Sprintf(words.part, num, den, quantity)
		}
		fmt.Fprintf(&b, words.line, name, quantity, words.units[l.Unit], l.Price, words.product(l))
		words.rule(&b, p.Basic, l)
	}
	if l.Included {
		b.WriteString(words.included)
	}
	if c.By.Document != "" {
		fmt.Fprintf(&b, words.source, c.By.Document)
	}
	return strings.ReplaceAll(b.String(), "  ", " ")
}

// rule tells what moved quantity or price of a basic charge.
func (words *phrases) rule(b *strings.Builder, p *tariff.Basic, l *Line) {
	if p == nil {
		return
	}
	price := p.PerKW
	switch l.part {
	case partCapacity:
		return
	case partContract:
		if p.Floor > 0 {
			fmt.Fprintf(b, words.floor, percent(p.Floor))
		}
	case partExcess:
		fmt.Fprintf(b, words.excess, percent(p.Tolerance), billing.Quantity(p.Excess))
		if at, err := billing.Scale(int64(price), p.Excess); err == nil {
			price = billing.Price(at)
		}
	}
	if l.Price != price {
		fmt.Fprintf(b, words.highUse, billing.Quantity(p.HighFactor), p.HighUse)
	}
}

// product is the exact amount of a line and, where it differs, what it was
// rounded to.
func (words *phrases) product(l *Line) string {
	num, den := int64(l.Num), int64(l.Den)
	if den == 0 {
		num, den = 1, 1
	}
	m, fine, err := billing.MulExact(l.Quantity, l.Price, num, den)
	if err != nil || m == l.Amount && fine == l.Fine {
		return exactly(l.Amount, l.Fine)
	}
	return fmt.Sprintf(words.rounded, exactly(m, fine), l.Amount)
}

// sum tells the one rounding of a version that rounds the sum.
func (c *Charge) sum(words *phrases) string {
	exact, taxes := new(big.Int), billing.Money(0)
	items := c.Items()
	for i := range items {
		switch l := &items[i]; {
		case l.Included:
		case l.Kind == tariff.TaxCharge:
			taxes += l.Amount // it fitted the total
		default:
			exact.Add(exact, inFine(l.Amount, l.Fine))
		}
	}
	text := fmt.Sprintf(words.sum, decimal(exact), c.Total-taxes)
	if taxes != 0 {
		text += " " + fmt.Sprintf(words.sumTax, taxes)
	}
	return text
}

// exactly is m with what it left out, in 1e-14.
func exactly(m billing.Money, fine int64) string {
	if fine == 0 {
		return m.String()
	}
	return decimal(inFine(m, fine))
}

func inFine(m billing.Money, fine int64) *big.Int {
	n := new(big.Int).Mul(big.NewInt(int64(m)), big.NewInt(1e10))
	return n.Add(n, big.NewInt(fine))
}

// decimal writes n, in 1e-14, with two decimals at least.
func decimal(n *big.Int) string {
	whole, rest := new(big.Int).QuoRem(new(big.Int).Abs(n), big.NewInt(1e14), new(big.Int))
	fraction := fmt.Sprintf("%014d", rest)
	for len(fraction) > 2 && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	return sign + whole.String() + "." + fraction
}

// percent writes a rate in 1e-6 as a percentage: "-0.45 %".
func percent(rate int64) string {
	sign, u := "", uint64(rate)
	if rate < 0 {
		sign, u = "-", -u
	}
	text := sign + strconv.FormatUint(u/10_000, 10)
	if rest := u % 10_000; rest != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%04d", rest), "0")
	}
	return text + " %"
}
