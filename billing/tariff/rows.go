package tariff

import (
	"fmt"
	"slices"
	"strings"

	"feikong/billing"
)

func (w *sheetWriter) composed() {
	v := w.v
	w.cycle()
	if v.NewOwnerRestarts {
		w.row("new_owner", w.say("过户", "new owner"), w.say("阶梯电量清零", "the tier counter restarts"))
	}
	if v.Calendar != "" {
		w.row("calendar", w.say("节假日日历", "holiday calendar"), v.Calendar)
	}
	for i := range v.Bands {
		register := w.say("无费率寄存器", "no register")
		if r := v.Bands[i].Register; r > 0 {
			register = fmt.Sprintf(w.say("费率寄存器 %d", "register %d"), r)
		}
		w.row("band."+v.Bands[i].Code, w.say("时段 ", "band ")+w.band(i), register)
	}
	if len(v.Bands) > 0 {
		w.row("remainder", w.say("尾差归入", "remainder"), fmt.Sprintf(w.say("%s，不超过 %s 或 %s", "to %s, up to %s or %s"), w.band(v.Remainder), kwh(v.RemainderLimit), percentage(v.RemainderShare)))
	}
	for i := range v.Components {
		w.component(&v.Components[i])
	}
	switch {
	case v.Split.Forbid:
		w.row("split", w.say("跨期拆分", "split"), w.say("须有抄表示数", "by reading only"))
	case v.Split.Quantum > 0:
		w.row("split", w.say("跨期拆分", "split"), fmt.Sprintf(w.say("按日，每份为 %s 的整数倍", "by day, in whole %s"), kwh(v.Split.Quantum)))
	}
	if l := v.Late; l != nil {
		w.row("late", w.say("违约金", "late charge"), fmt.Sprintf(w.say("当年每日 %s，跨年后每日 %s，不少于 %s", "%s a day in the year, %s a day after it, at least %s"),
			percentage(l.SameYear), percentage(l.Later), l.Minimum))
	}
}

// band is the name of a band.
func (w *sheetWriter) band(i int) string {
	if name := w.v.Bands[i].Name.In(w.lang); name != "" {
		return name
	}
	return w.v.Bands[i].Code
}

var kindWords = map[ComponentKind]billing.Name{
	EnergyCharge:  {ZH: "电度电费", EN: "energy"},
	LevyCharge:    {ZH: "代征", EN: "levy"},
	BasicCharge:   {ZH: "基本电费", EN: "basic charge"},
	FixedCharge:   {ZH: "固定费", EN: "fixed charge"},
	FactorCharge:  {ZH: "力调电费", EN: "power factor"},
	PercentCharge: {ZH: "附加费", EN: "percentage"},
	TaxCharge:     {ZH: "税", EN: "tax"},
}

// title is the printed name of a component.
func (w *sheetWriter) title(c *Component) string {
	if name := c.Name.In(w.lang); name != "" {
		return name
	}
	name := kindWords[c.Kind]
	return name.In(w.lang) + " " + c.Code
}

func (w *sheetWriter) component(c *Component) {
	name := w.title(c)
	switch {
	case c.Energy != nil:
		w.energy(c.Code, name, c.Energy)
	case c.Levy != nil:
		value := w.price(c.Levy.Price)
		if c.Levy.Fund {
			value += w.say("，政府性基金", ", government fund")
		}
		if c.Levy.Included {
			value += w.say("，已含在电价内", ", inside the prices")
		}
		w.row(c.Code, name, value)
	case c.Basic != nil:
		w.basic(c.Code, name, c.Basic)
	case c.Fixed != nil:
		value := w.per(c.Fixed.PerDay, "日", "day")
		if c.Fixed.PerMonth > 0 {
			if value = w.per(c.Fixed.PerMonth, "月", "month"); c.Fixed.Prorate {
				value += w.say("，不足月按日", ", a part of a month by its days")
			}
		}
		w.row(c.Code, name, value)
	case c.Factor != nil:
		w.row(c.Code, name, fmt.Sprintf(w.say("标准 0.%d，基数 %s", "standard 0.%d, of %s"), c.Factor.Standard, w.of(c.Factor.Of)))
	case c.Percent != nil:
		value := percentage(c.Percent.Rate) + w.say("，基数 ", " of ") + w.of(c.Percent.Of)
		if c.Percent.ByLine {
			value += w.say("，逐行", ", on each line")
		}
		w.row(c.Code, name, value)
	}
}

func (w *sheetWriter) of(codes []string) string {
	if len(codes) == 0 {
		return w.say("以上各项", "all above")
	}
	var names []string
	for i := range w.v.Components {
		if c := &w.v.Components[i]; slices.Contains(codes, c.Code) {
			names = append(names, w.title(c))
		}
	}
	return strings.Join(names, w.say("、", ", "))
}

func (w *sheetWriter) energy(code, name string, e *EnergyPrice) {
	for i, p := range e.Prices {
		key, label := code, name
		if len(e.Prices) == len(w.v.Bands) {
			key, label = code+"."+w.v.Bands[i].Code, w.join(name, w.band(i))
		}
		value := w.price(p)
		if d, differs := e.Difference(i); differs {
			sign := ""
			if d > 0 {
				sign = "+"
			}
			value += fmt.Sprintf(w.say("（印刷价，较分项合计 %s%s）", " (printed; %s%s beside its parts)"), sign, d)
		}
		w.row(key, label, value)
	}
	if len(e.Tiers) > 0 {
		w.row(code+".notation", w.join(name, w.say("计费方式", "notation")), w.notation(e.Mode))
		w.tiers(code+".tier", name, e.Tiers, len(e.Prices) == 0)
	}
	w.limits(code, name, e)
	if f := e.Free; f != nil {
		value := kwh(f.PerMonth) + w.say("/月", " a month")
		if f.PerDay > 0 {
			if value = kwh(f.PerDay) + w.say("/日", " a day"); f.Stack > 0 {
				value += fmt.Sprintf(w.say("，可累积至 %s", ", carried on up to %s"), kwh(f.Stack))
			}
		}
		if f.Fact != "" {
			value += fmt.Sprintf(w.say("，仅限 %s", ", for %s only"), f.Fact)
		}
		if f.Counted {
			value += w.say("，计入阶梯", ", counted for the tiers")
		}
		w.row(code+".free", w.join(name, w.say("免费电量", "free")), value)
	}
	if s := e.Share; s != nil {
		value := w.say("定比 ", "") + percentage(s.Ratio) + w.say("", " of the energy")
		if s.Amount > 0 {
			value = w.say("定量 ", "") + kwh(s.Amount) + w.say("", " a period")
		}
		w.row(code+".share", w.join(name, w.say("份额", "share")), value)
	}
	w.built(code, name, e.Built)
}

func (w *sheetWriter) limits(code, name string, e *EnergyPrice) {
	l := e.Limits
	if l == nil {
		return
	}
	switch {
	case l.MonthsInService:
		w.row(code+".in_service", w.join(name, w.say("年中开户", "opened within the cycle")), w.say("限额按用电月数折算", "limits by the months in service"))
	case l.DaysInService:
		w.row(code+".in_service", w.join(name, w.say("年中开户", "opened within the cycle")), w.say("限额按用电天数折算", "limits by the days in service"))
	}
	if l.HouseholdFrom > 0 {
		w.row(code+".household", w.join(name, fmt.Sprintf(w.say("%d 人及以上", "%d persons and more"), l.HouseholdFrom)),
			fmt.Sprintf(w.say("各档限额每月加 %s", "limits %s a month higher"), kwh(l.HouseholdExtra)))
	}
	for m, row := range l.ByMonth {
		if row == nil {
			continue
		}
		value := ""
		for i, limit := range row {
			if i > 0 {
				value += " / "
			}
			value += limit.String()
		}
		if value += " kWh"; row[0] >= noTiersFrom {
			value = w.say("不分档", "no tiers")
		}
		w.row(fmt.Sprintf("%s.limits.%d", code, m+1), w.join(name, fmt.Sprintf(w.say("%d 月限额", "limits of month %d"), m+1)), value)
	}
}

func (w *sheetWriter) built(code, name string, b *Built) {
	if b == nil {
		return
	}
	for _, group := range []struct {
		key, say string
		parts    []PricePart
	}{{"floating", w.say("浮动", "floating"), b.Floating}, {"fixed", w.say("不浮动", "fixed"), b.Fixed}} {
		for i := range group.parts {
			part := &group.parts[i]
			value := w.price(part.Price)
			if part.Fund {
				value += w.say("，政府性基金", ", government fund")
			}
			w.row(fmt.Sprintf("%s.%s.%d", code, group.key, i+1), w.join(name, group.say+w.say("：", ": ")+part.Name.In(w.lang)), value)
		}
	}
	for i, r := range b.Ratios {
		if i < len(w.v.Bands) {
			w.row(code+".ratio."+w.v.Bands[i].Code, w.join(name, w.say("系数 ", "ratio ")+w.band(i)), ratio(r).String())
		}
	}
}

func (w *sheetWriter) basic(code, name string, b *Basic) {
	if b.PerKVA > 0 {
		w.row(code+".per_kva", w.join(name, w.say("按容量", "by capacity")), w.per(b.PerKVA, "kVA·月", "kVA a month"))
	}
	if b.PerKW > 0 {
		w.row(code+".per_kw", w.join(name, w.say("按需量", "by demand")), w.per(b.PerKW, "kW·月", "kW a month"))
		w.row(code+".contract", w.join(name, w.say("合同需量", "contract demand")), fmt.Sprintf(
			w.say("不低于容量的 %s；%s 以内按合同，超出部分 %s 倍", "at least %s of the kVA; up to %s by the contract, above it %s times the price"),
			percentage(b.Floor), percentage(b.Tolerance), ratio(b.Excess)))
	}
	if b.HighFactor > 0 {
		w.row(code+".high_use", w.join(name, w.say("高利用率", "high use")), fmt.Sprintf(w.say("每 kVA 每月 %s 及以上，需量电价乘 %s", "from %s a kVA and month the demand price x %s"), kwh(b.HighUse), ratio(b.HighFactor)))
	}
	w.row(code+".days_of_month", w.join(name, w.say("投停月", "month of start or stop")), fmt.Sprintf(w.say("每日 1/%d 月", "1/%d of the month a day"), b.DaysOfMonth))
}
