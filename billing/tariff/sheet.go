package tariff

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"feikong/billing"
)

// Sheet is a version for people, in one language.
type Sheet struct {
	Tariff    string   `json:"tariff"`
	Name      string   `json:"name"`
	Currency  string   `json:"currency"`
	Offset    string   `json:"utc_offset"`
	Version   int      `json:"version"`
	ValidFrom string   `json:"valid_from"`
	ValidTo   string   `json:"valid_to,omitempty"`
	Document  string   `json:"document"`
	Hash      string   `json:"hash"`
	Rows      []Row    `json:"rows"`           // prices and rules, in the order of the document
	Days      []Day    `json:"days,omitempty"` // one for each day table
	Legend    []Band   `json:"-"`
	Notes     []string `json:"notes,omitempty"` // what a clerk should know before using it

	glyphs []byte
	prices []string
}

// Row is one price or rule. Key is the same in every language and in every version, so that versions can be compared.
type Row struct {
	Key   string `json:"key"`
	Label string `json:"label"`
	Value string `json:"value"`
}

// Day is one table of the schedule.
type Day struct {
	Label   string  `json:"label"`
	Months  []int   `json:"months"`
	Hours   []Hours `json:"hours"`
	Picture string  `json:"picture"` // 48 characters, one for each half hour
}

// Hours is when a band holds.
type Hours struct {
	Band string   `json:"band"`
	At   []string `json:"at"`
}

// Sheet describes the version in lang, "zh" or English.
func (v *Version) Sheet(lang string) Sheet {
	w := &sheetWriter{v: v, lang: lang}
	w.head()
	switch v.Kind {
	case Composed:
		w.composed()
	case Tiered:
		w.cycle()
		w.row("notation", w.say("计费方式", "notation"), w.notation(TierMode(v.Notation)))
		w.tiers("tier", "", v.Tiers, true)
	default:
		w.row("price", w.say("电价", "price"), w.price(v.Price))
	}
	s := Sheet{
		Tariff: v.ID, Name: v.Name.In(lang), Currency: v.Currency, Offset: v.ValidFrom.In(v.Location()).Format("-07:00"), Version: v.Number,
		ValidFrom: day(v.ValidFrom), Document: v.Document, Hash: hex.EncodeToString(v.Hash[:]), Rows: w.rows, Notes: v.Notes(lang),
		Legend: v.Bands, glyphs: v.glyphs(),
	}
	if !v.ValidTo.IsZero() {
		s.ValidTo = day(v.ValidTo)
	}
	for i := range v.Bands {
		s.prices = append(s.prices, w.bandPrice(i))
	}
	for i := range v.Schedule.Tables {
		s.Days = append(s.Days, w.day(&v.Schedule.Tables[i], s.glyphs))
	}
	return s
}

// sheetWriter gathers the rows of one version.
type sheetWriter struct {
	v    *Version
	lang string
	rows []Row
}

func (w *sheetWriter) say(zh, en string) string {
	if w.lang == "zh" {
		return zh
	}
	return en
}

func (w *sheetWriter) row(key, label, value string) {
	w.rows = append(w.rows, Row{Key: key, Label: label, Value: value})
}

// join puts a part behind the name of its component.
func (w *sheetWriter) join(name, part string) string {
	if name == "" {
		return part
	}
	return name + w.say("，", ", ") + part
}

func (w *sheetWriter) price(p billing.Price) string { return p.String() + " " + w.v.Currency + "/kWh" }

func (w *sheetWriter) per(p billing.Price, zh, en string) string {
	return p.String() + " " + w.v.Currency + "/" + w.say(zh, en)
}

func percentage(r int64) string { return billing.Energy(r*100).String() + "%" }

func kwh(e billing.Energy) string { return e.String() + " kWh" }

func (w *sheetWriter) head() {
	v := w.v
	if !v.PublishedOn.IsZero() {
		w.row("published_on", w.say("发布日期", "published on"), day(v.PublishedOn))
	}
	where := w.say("逐行", "each line")
	if v.Rounding == RoundSum {
		where = w.say("合计后，再计税", "the sum, then taxes")
	}
	w.row("rounding", w.say("取整", "rounding"), fmt.Sprintf(w.say("%d 位小数，%s", "%d decimals, %s"), v.Decimals, where))
}

func (w *sheetWriter) cycle() {
	c := w.v.Cycle
	if c.Months == 0 {
		return
	}
	w.row("cycle", w.say("阶梯周期", "tier cycle"), fmt.Sprintf(w.say("%d 个月，自 %02d-%02d 起", "%d months from %02d-%02d (month-day)"), c.Months, c.Month, c.Day))
}

func (w *sheetWriter) notation(m TierMode) string {
	switch m {
	case TierIncremental:
		return w.say("递增法", "incremental")
	case TierWhole:
		return w.say("全额分档", "whole consumption at its band's price")
	}
	return w.say("分档法", "banded")
}

// tiers writes a row for each tier; full says whether they carry prices or adders.
func (w *sheetWriter) tiers(key, name string, tiers []Tier, full bool) {
	var below billing.Energy
	for i, t := range tiers {
		span := fmt.Sprintf(w.say("第 %d 档（%s 至 %s kWh）", "tier %d (%s to %s kWh)"), i+1, below, t.UpTo)
		if t.UpTo == 0 {
			span = fmt.Sprintf(w.say("第 %d 档（%s kWh 以上）", "tier %d (over %s kWh)"), i+1, below)
		}
		value := w.price(t.Price)
		if !full {
			if value = w.price(t.Adder); t.Adder >= 0 {
				value = "+" + value
			}
		}
		w.row(fmt.Sprintf("%s.%d", key, i+1), w.join(name, span), value)
		below = t.UpTo
	}
}

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

// bandPrice is the price of band i for the legend, of the component that takes what shares leave.
func (w *sheetWriter) bandPrice(i int) string {
	if e := w.v.banded(); e != nil {
		return e.Prices[i].String()
	}
	return ""
}

// banded is the energy component whose prices are by band, the one without a share first.
func (v *Version) banded() (found *EnergyPrice) {
	for i := range v.Components {
		e := v.Components[i].Energy
		if e == nil || len(v.Bands) == 0 || len(e.Prices) != len(v.Bands) {
			continue
		}
		if e.Share == nil {
			return e
		}
		found = e
	}
	return found
}

// Notes is what a clerk should know before using the version: prices that do not add up, days that need a calendar, hours that only the
// meter knows. They are no faults.
func (v *Version) Notes(lang string) (notes []string) {
	w := &sheetWriter{v: v, lang: lang}
	for i := range v.Components {
		c := &v.Components[i]
		if c.Energy == nil {
			continue
		}
		for k := range c.Energy.Prices {
			d, differs := c.Energy.Difference(k)
			if !differs {
				continue
			}
			built, _ := c.Energy.Built.Prices() // Difference has built them
			what := w.title(c)
			if len(v.Bands) == len(c.Energy.Prices) {
				what = w.join(what, w.band(k))
			}
			notes = append(notes, fmt.Sprintf(w.say("%s：印刷价 %s，分项合计 %s，差 %s；按印刷价计费", "%s: printed %s, its parts make %s, difference %s; the printed price is billed"),
				what, c.Energy.Prices[k], built[k], d))
		}
	}
	if len(v.Bands) > 0 && len(v.Schedule.Tables) == 0 {
		notes = append(notes, w.say("没有时段表：时段由电能表的费率程序决定，无法核对", "no schedule: the meter's own programme tells the hours, and nobody can check it"))
	}
	if v.Calendar != "" {
		notes = append(notes, fmt.Sprintf(w.say("需要节假日日历 %s", "needs the holiday calendar %s"), v.Calendar))
	}
	return notes
}

// day describes one table of the schedule.
func (w *sheetWriter) day(t *DayTable, glyphs []byte) Day {
	d := Day{}
	for m := range 12 {
		if t.Months>>m&1 != 0 {
			d.Months = append(d.Months, m+1)
		}
	}
	d.Label = w.monthsWord(d.Months)
	if t.Weekdays != 0 {
		var words []string
		for i := range 7 {
			if t.Weekdays>>i&1 != 0 {
				words = append(words, w.weekday(time.Weekday(i)))
			}
		}
		d.Label += w.say("，", ", ") + strings.Join(words, " ")
	}
	if t.Days != AnyDay {
		var words []string
		for i, word := range [...]billing.Name{{ZH: "工作日", EN: "workdays"}, {ZH: "周末", EN: "weekends"}, {ZH: "节假日", EN: "holidays"}, {ZH: "高温日", EN: "hot days"}} {
			if t.Days>>i&1 != 0 && (t.Days&AnyDay != AnyDay || DayKind(1<<i) == HotDay) {
				words = append(words, word.In(w.lang))
			}
		}
		d.Label += w.say("，", ", ") + strings.Join(words, w.say("、", ", "))
	}
	picture := make([]byte, halves)
	for i, b := range t.Halves {
		picture[i] = glyphs[b]
	}
	d.Picture = string(picture)
	for b := range w.v.Bands {
		h := Hours{Band: w.v.Bands[b].Code}
		for from := 0; from < halves; from++ {
			if int(t.Halves[from]) != b {
				continue
			}
			to := from
			for to < halves && int(t.Halves[to]) == b {
				to++
			}
			h.At = append(h.At, clock(from)+"-"+clock(to))
			from = to
		}
		if h.At != nil {
			d.Hours = append(d.Hours, h)
		}
	}
	return d
}

func (w *sheetWriter) weekday(d time.Weekday) string {
	if w.lang == "zh" {
		return "周" + [...]string{"日", "一", "二", "三", "四", "五", "六"}[d]
	}
	return d.String()[:3]
}

// monthsWord is "months 1-2, 12".
func (w *sheetWriter) monthsWord(months []int) string {
	if len(months) == 12 {
		return w.say("全年", "all months")
	}
	var spans []string
	for i := 0; i < len(months); {
		k := i
		for k+1 < len(months) && months[k+1] == months[k]+1 {
			k++
		}
		span := fmt.Sprint(months[i])
		if k > i {
			span += fmt.Sprintf("-%d", months[k])
		}
		spans = append(spans, span)
		i = k + 1
	}
	return w.say("", "months ") + strings.Join(spans, w.say("、", ", ")) + w.say("月", "")
}
