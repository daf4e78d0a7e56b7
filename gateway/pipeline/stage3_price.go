package pipeline

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
	billed "feikong/billing/usage"
	"feikong/gateway/account"
)

// price is what the open period costs up to its newest accepted register.
type price struct {
	total billing.Money
	tier  int
	after billing.Energy // the tier counter at the end of the period,
	cycle int64          // and the start of the cycle it belongs to; 0: no cycle
	one   [1]part        // of the plain period, in place: it is priced with every reading
	cut   []part         // of one that was measured; nil: one
	notes []billing.Name // how the energy of the parts was found
}

func (p *price) parts() []part {
	if p.cut != nil {
		return p.cut
	}
	return p.one[:]
}

// part is a stretch of the period within one version and one tier cycle.
type part struct {
	from, to time.Time
	energy   billing.Energy
	method   bill.Method
	charge   rate.Charge
}

// doubt is why a period has no price: the audit code, and a sentence.
type doubt struct{ hold, detail string }

// price prices the open period with the code that bills it. The plain case, one version and one tier cycle without bands, rests on the
// state alone; a period that crosses a border, or has bands, is measured by readings that may have to be read from the disk.
func (r *run) price(w *work, end int64) (price, *doubt) {
	used := usage(w, end)
	bends := w.tariff.Kind == tariff.Composed && w.profile.Household.Told() && used.To.After(used.From)
	if used.Energy == 0 || !bends && !billed.Banded(w.tariff) {
		charge, err := rate.Estimate(w.tariff, used)
		if !crossed(err) {
			if err != nil {
				return price{}, doubtOf(err)
			}
			return price{total: charge.Total, tier: charge.Tier, after: charge.CycleAfter, cycle: w.state.CycleStart,
				one: [1]part{{from: used.From, to: used.To, energy: used.Energy, charge: charge}}}, nil
		}
	}
	return r.measured(w, used)
}

func crossed(err error) bool {
	return errors.Is(err, rate.ErrCycleCrossed) || errors.Is(err, rate.ErrVersionCrossed)
}

// doubtOf is the code of an error of the engine.
func doubtOf(err error) *doubt {
	switch {
	case errors.Is(err, tariff.ErrNoVersion):
		return &doubt{holdTariff, err.Error()}
	case errors.Is(err, rate.ErrFacts):
		return &doubt{holdFacts, err.Error()}
	}
	return &doubt{holdPrice, err.Error()}
}

// measured prices a period by the way of bills: it is cut at the ends of versions and tier cycles, each part has the energy between the
// readings at its ends, or its days' share, and its bands from the rate registers.
func (r *run) measured(w *work, used rate.Usage) (price, *doubt) {
	name := w.profile.ID
	if !used.To.After(used.From) {
		return price{}, &doubt{holdBands, "the energy before the first reading is told by the opening register alone, and nothing tells its bands"}
	}
	cells, err := bill.Cut(r.config.Tariffs[w.profile.TariffID], name, used.From, used.To)
	if err != nil {
		return price{}, plainly(name, doubtOf(err))
	}
	m := measurer{run: r, work: w, cells: billed.Seasons(cells), registers: registersOf(cells)}
	home := &w.profile.Household
	period := billed.Period{Name: name, From: used.From, To: used.To, Counter: used.CycleBefore, CounterKnown: true, Persons: home.Persons, Words: home.Words}
	if home.Since != "" {
		if period.Since, err = time.ParseInLocation(time.DateOnly, home.Since, cells[0].By.Location()); err != nil {
			return price{}, &doubt{holdFacts, fmt.Sprintf("the archive's since: %v", err)}
		}
	}
	if start, _ := cells[0].By.CycleOf(used.From); start.Equal(used.From) && used.CycleBefore != 0 {
		// The archive tells a counter for the very start of a cycle. A period inside one cycle believes it, so this one does too.
		period.From = used.From.Add(time.Millisecond)
	}
	for i := range w.state.Points {
		if w.state.Points[i].Opening.At == 0 {
			continue
		}
		meter, d := m.meter(uint16(i), period.From, period.To)
		if d != nil {
			return price{}, d
		}
		period.Meters = append(period.Meters, meter)
	}
	b, err := bill.Rate(r.config.Tariffs[w.profile.TariffID], nil, &period)
	switch {
	case errors.Is(err, billed.ErrHold) && len(m.registers) > 0:
		return price{}, plainly(name, &doubt{holdBands, err.Error()})
	case errors.Is(err, billed.ErrHold):
		return price{}, plainly(name, &doubt{holdCross, err.Error()})
	case err != nil:
		return price{}, plainly(name, doubtOf(err))
	case b.Energy != used.Energy:
		return price{}, &doubt{holdPrice, fmt.Sprintf("the parts of the period add up to %s kWh, the registers to %s", b.Energy, used.Energy)}
	}
	p := price{total: b.Total, after: b.CounterAfter, notes: b.Notes}
	for i := range b.Parts {
		q := &b.Parts[i]
		p.cut = append(p.cut, part{from: q.From, to: q.To, energy: q.Energy, method: q.Method, charge: q.Charge})
		p.tier = q.Charge.Tier
	}
	last := &b.Parts[len(b.Parts)-1]
	if start, _ := last.By.CycleOf(last.From); !start.IsZero() {
		p.cycle = start.UnixMilli()
	}
	return p, nil
}

// plainly takes the place in a document off a sentence: here there is none.
func plainly(name string, d *doubt) *doubt {
	d.detail = strings.TrimPrefix(d.detail, name+": line 0: ")
	return d
}

// registersOf is the rate registers that tell the bands of the cells; none where no version prices by band.
func registersOf(cells []billed.Cell) (registers []uint8) {
	for i := range cells {
		if v := cells[i].By; billed.Banded(v) {
			for k := range v.Bands {
				if n := v.Bands[k].Register; n != 0 && !slices.Contains(registers, n) {
					registers = append(registers, n)
				}
			}
		}
	}
	slices.Sort(registers)
	return registers
}

// restsOnReadings says whether the estimate of the open period rests on more than the accepted registers of its ends, so that a record
// which moves no register may still move it.
func (w *work) restsOnReadings() bool {
	if w.tariff == nil || w.state.PeriodStart == 0 {
		return false
	}
	if billed.Banded(w.tariff) {
		return true
	}
	end := int64(0)
	for i := range w.state.Points {
		end = max(end, w.state.Points[i].Current.At)
	}
	_, cycle := w.tariff.CycleOf(clock(w.state.PeriodStart))
	return !cycle.IsZero() && end > cycle.UnixMilli() || !w.tariff.ValidTo.IsZero() && end > w.tariff.ValidTo.UnixMilli()
}

// versions is what the bill names as its tariff: "shandong-household v1", and "+ v2" where the period went on under another.
func (p *price) versions() (names, documents string) {
	parts := p.parts()
	for i := range parts {
		v := parts[i].charge.By
		switch {
		case i == 0:
			names, documents = fmt.Sprintf("%s v%d", v.ID, v.Number), v.Document
		case v != parts[i-1].charge.By:
			names += fmt.Sprintf(" + v%d", v.Number)
			if v.Document != parts[i-1].charge.By.Document {
				documents += "; " + v.Document
			}
		}
	}
	return names, documents
}

// explain is the sentences of the bill.
func (p *price) explain(lang string) (sentences []string) {
	for _, n := range p.notes {
		if lang == "zh" {
			sentences = append(sentences, n.ZH)
		} else {
			sentences = append(sentences, n.EN)
		}
	}
	parts := p.parts()
	for i := range parts {
		q := &parts[i]
		if v := q.charge.By; len(parts) > 1 {
			from, to := q.from.In(v.Location()).Format(time.DateOnly), q.to.In(v.Location()).Format(time.DateOnly)
			if lang == "zh" {
				how := "按示数"
				if q.method == bill.ByDay {
					how = "按天数"
				}
				sentences = append(sentences, fmt.Sprintf("第 %d 段 %s 至 %s，电价第 %d 版：%s划分，%s 千瓦时", i+1, from, to, v.Number, how, q.energy))
			} else {
				sentences = append(sentences, fmt.Sprintf("part %d, %s to %s, version %d of the tariff: %s kWh, by %s", i+1, from, to, v.Number, q.energy, q.method))
			}
		}
		sentences = append(sentences, q.charge.Explain(lang)...)
	}
	return sentences
}

// lines is the lines of all parts.
func (p *price) lines() (lines []account.BillLine) {
	parts := p.parts()
	for i := range parts {
		lines = append(lines, billLines(&parts[i].charge)...)
	}
	return lines
}
