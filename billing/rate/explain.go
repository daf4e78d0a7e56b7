package rate

import (
	"fmt"
	"strings"
)

// phrases are the words of Explain; English unless lang is "zh".
type phrases struct{ before, after, line, total, flat, tier, base, adder string }

var (
	english = phrases{
		before: "%s kWh used in the tier cycle before",
		after:  "%s kWh used in the tier cycle now: tier %d",
		line:   "%s: %s kWh × %s = %s",
		total:  "total %s",
		flat:   "flat price", tier: "tier %s", base: "all energy", adder: "adder of tier %s",
	}
	chinese = phrases{
		before: "本阶梯周期此前已用 %s 千瓦时",
		after:  "本阶梯周期现已用 %s 千瓦时，处于第 %d 档",
		line:   "%s：%s 千瓦时 × %s = %s",
		total:  "合计 %s",
		flat:   "单一电价", tier: "第 %s 档", base: "全部电量", adder: "第 %s 档加价",
	}
)

// Explain tells the charge in sentences, "zh" or English: the counter before,
// each line with its product, the total, the counter after. It may be stored
// with a bill or shown to a customer.
func (c Charge) Explain(lang string) []string {
	words := english
	if lang == "zh" {
		words = chinese
	}
	sentences := make([]string, 0, c.N+3)
	if c.Tier > 0 {
		sentences = append(sentences, fmt.Sprintf(words.before, c.CycleBefore))
	}
	for _, l := range c.Items() {
		sentences = append(sentences, fmt.Sprintf(words.line, words.name(l.Part), l.Quantity, l.Price, l.Amount))
	}
	sentences = append(sentences, fmt.Sprintf(words.total, c.Total))
	if c.Tier > 0 {
		sentences = append(sentences, fmt.Sprintf(words.after, c.CycleAfter, c.Tier))
	}
	return sentences
}

func (p phrases) name(code string) string {
	switch {
	case code == "flat":
		return p.flat
	case code == "base":
		return p.base
	case strings.HasPrefix(code, "adder"):
		return fmt.Sprintf(p.adder, code[len("adder"):])
	case strings.HasPrefix(code, "tier"):
		return fmt.Sprintf(p.tier, code[len("tier"):])
	}
	return code
}
