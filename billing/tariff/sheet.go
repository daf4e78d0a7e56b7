package tariff

import (
	"encoding/hex"
	"fmt"

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
