package rate

import (
	"strings"

	"feikong/billing"
	"feikong/billing/tariff"
)

// kindNames stand where a component has no name of its own. Of levies, fixed
// charges, percentages and taxes a version may have many: their codes tell them
// apart.
var kindNames = map[tariff.ComponentKind]billing.Name{
	tariff.EnergyCharge: {ZH: "电度电费", EN: "energy"}, tariff.BasicCharge: {ZH: "基本电费", EN: "basic charge"},
	tariff.FactorCharge: {ZH: "力调电费", EN: "power-factor adjustment"},
}

// partNames are the parts that are not bands.
var partNames = map[string]billing.Name{
	"flat": {ZH: "单一电价", EN: "flat price"}, "base": {ZH: "全部电量", EN: "all energy"}, "free": {ZH: "免费电量", EN: "free"},
	"capacity": {ZH: "按容量", EN: "by capacity"}, "contract": {ZH: "合同最大需量", EN: "contract demand"},
	"measured": {ZH: "实际最大需量", EN: "measured demand"}, "excess": {ZH: "超合同需量", EN: "demand above the contract"},
	"tier": {ZH: "第 # 档", EN: "tier #"}, "adder": {ZH: "第 # 档加价", EN: "adder of tier #"},
}

// bandNames stand where a band has no name of its own.
var bandNames = map[string]billing.Name{
	"sharp": {ZH: "尖峰", EN: "sharp"}, "peak": {ZH: "高峰", EN: "peak"}, "flat": {ZH: "平段", EN: "flat"}, "valley": {ZH: "低谷", EN: "valley"}, "deep": {ZH: "深谷", EN: "deep valley"},
}

// NameOf is what people read for a line of c, "zh" or English: the names of the
// tariff where it has some, else the trade's words.
func (c *Charge) NameOf(l *Line, lang string) string {
	if l.Kind == 0 || c.By == nil {
		return partName(l, lang)
	}
	p := &c.By.Components[l.at]
	name := p.Name.In(lang)
	if name == "" {
		name = kindNames[l.Kind].In(lang)
	}
	if name == "" {
		name = p.Code
	}
	part := ""
	for i := range c.By.Bands {
		if b := &c.By.Bands[i]; l.Kind == tariff.EnergyCharge && l.part == partBand && i == int(l.n)-1 {
			if part = b.Name.In(lang); part == "" {
				part = bandNames[b.Code].In(lang)
			}
			if part == "" {
				part = b.Code
			}
		}
	}
	if part == "" {
		adder := *l
		if p.Energy != nil && len(p.Energy.Prices) > 0 && l.part == partTier {
			adder.part = partAdder
		}
		part = partName(&adder, lang)
	}
	switch {
	case part == "":
		return name
	case lang == "zh":
		return name + "·" + part
	}
	return name + ", " + part
}

// partName is the word for the part of a line, its number filled in.
func partName(l *Line, lang string) string {
	code := l.Part()
	word := strings.TrimRight(code, "0123456789")
	name, known := partNames[word]
	if !known {
		return code
	}
	number := code[len(word):]
	text := name.In(lang)
	switch {
	case strings.Contains(text, "#"):
		return strings.Replace(text, "#", number, 1)
	case number == "":
		return text
	case lang == "zh":
		return "第 " + number + " 路" + text
	}
	return text + " of incoming line " + number
}
