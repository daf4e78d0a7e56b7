package usage

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"feikong/billing"
	"feikong/billing/tariff"
)

// rest is the name of what the total has and no register counted.
const rest = ""

// addUp makes the bands of a run add up to its total (B1.4), and spreads it
// over the cells that it touches.
func (m *measurer) addUp(u *Meter, r *run, cells []Cell) error {
	touched := touch(cells, r.from, r.to)
	banded := slices.IndexFunc(touched, func(c *Cell) bool { return Banded(c.By) })
	switch {
	case banded >= 0 && m.byCode(r, touched):
		return m.plain(u, r, touched)
	case banded >= 0:
		c := touched[banded]
		at := later(c.From, r.from)
		if err := m.authority(u, r, c.By, at.In(c.By.Location()).Month(), nil); err != nil {
			return err
		}
	case !r.totalKnown:
		sum, err := sumOf(r.counts)
		if err != nil {
			return m.p.fault(r.line, err, "energy of meter %s", u.name())
		}
		r.total, r.totalKnown = sum, true
	}
	return m.spread(u, r, touched)
}

// byCode reports energy that is told by the codes of bands, within one cell
// whose registers change their band meanwhile: then nothing is to be split.
func (m *measurer) byCode(r *run, touched []*Cell) bool {
	for _, c := range touched {
		if c.of != touched[0].of {
			return false
		}
	}
	for _, c := range r.counts {
		if !slices.ContainsFunc(touched[0].By.Bands, func(b tariff.Band) bool { return b.Code == c.Register }) {
			return false
		}
	}
	return r.start == Told && len(touched) > 1 && len(r.counts) > 0
}

// plain gives such energy to its bands as it is told.
func (m *measurer) plain(u *Meter, r *run, touched []*Cell) error {
	v := touched[0].By
	months := make([]time.Month, len(touched))
	for i, c := range touched {
		months[i] = later(c.From, r.from).In(v.Location()).Month()
	}
	if err := m.authority(u, r, v, 0, months); err != nil {
		return err
	}
	return m.put(u, r, touched[0], r.total, r.counts, 0)
}

func touch(cells []Cell, from, to time.Time) (touched []*Cell) {
	for i := range cells {
		if c := &cells[i]; c.From.Before(to) && from.Before(c.To) {
			touched = append(touched, c)
		}
	}
	return touched
}

func sumOf(counts []Count) (sum billing.Energy, err error) {
	for _, c := range counts {
		if sum, err = sum.Add(c.Energy); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// BandOf is the band of v that a register counts in a month. The register is a
// number or a band's code; month 0 takes codes as they are.
func BandOf(v *tariff.Version, register string, month time.Month) (int, bool) {
	if register == rest {
		return v.Remainder, true
	}
	if n, err := strconv.Atoi(register); err == nil {
		if n < 1 || n > registerMax || month == 0 {
			return 0, false
		}
		return v.BandOfRegister(uint8(n), month)
	}
	i := slices.IndexFunc(v.Bands, func(b tariff.Band) bool { return b.Code == register })
	if i < 0 || month == 0 || live(v, i, month) {
		return i, i >= 0
	}
	// The band rests this month; what its register counts is its twin's.
	return v.BandOfRegister(v.Bands[i].Register, month)
}

// live reports whether band i has hours in the month.
func live(v *tariff.Version, i int, month time.Month) bool {
	if len(v.Schedule.Tables) == 0 {
		return true
	}
	for k := range v.Schedule.Tables {
		t := &v.Schedule.Tables[k]
		if t.Months>>(month-1)&1 != 0 && slices.Contains(t.Halves[:], uint8(i)) {
			return true
		}
	}
	return false
}

// authority gives what the total has and the bands have not to the band that
// the tariff names: the total register is the authority. Registers count the
// bands of month; with month 0 the bands of any of months must be told.
func (m *measurer) authority(u *Meter, r *run, v *tariff.Version, month time.Month, months []time.Month) error {
	if month != 0 {
		months = []time.Month{month}
	}
	var measured [tariff.BandsMax]bool
	var counted [tariff.BandsMax]billing.Energy
	for _, c := range r.counts {
		b, ok := BandOf(v, c.Register, month)
		switch {
		case !ok && c.Energy == 0:
			continue // a register that has nothing to count this month
		case !ok || b >= tariff.BandsMax:
			return m.p.lacks(c.Line, "meter %s: register %s counts no band of tariff %s in month %d; its bands are %s", u.name(), c.Register, v.ID, months[0], bandWords(v))
		case measured[b] && counted[b] > 0 && c.Energy > 0:
			return m.p.lacks(c.Line, "meter %s: band %s is counted twice; keep one register for it", u.name(), v.Bands[b].Code)
		}
		measured[b], counted[b] = true, max(counted[b], c.Energy)
	}
	sum, err := sumOf(r.counts)
	if err != nil {
		return m.p.fault(r.line, err, "energy of meter %s", u.name())
	}
	if len(r.counts) == 0 && r.total > 0 {
		return m.p.lacks(r.line, "tariff %s has prices by band, but of meter %s only the total is told; give bands, registers or hours for %s", v.ID, u.name(), bandWords(v))
	}
	var missing []string
	for i := range v.Bands {
		alive := slices.ContainsFunc(months, func(month time.Month) bool { return live(v, i, month) })
		if !measured[i] && alive && (i != v.Remainder || !r.totalKnown) {
			missing = append(missing, v.Bands[i].Code)
		}
	}
	if !r.totalKnown {
		if len(missing) > 0 && len(r.counts) > 0 {
			return m.p.lacks(r.line, "meter %s: band %s is not told; give it, or the total", u.name(), strings.Join(missing, ", "))
		}
		r.total, r.totalKnown = sum, true
	}
	difference := r.total - sum // both are zero or more
	switch {
	case difference == 0:
		return nil
	case len(missing) > 0:
		return m.p.lacks(r.line, "meter %s: the total is %s kWh, the bands are %s, and band %s is not told; give it", u.name(), r.total, sum, strings.Join(missing, ", "))
	}
	return m.remainder(u, r, v, month, difference, measured[v.Remainder])
}

// remainder gives the difference to its band, when it is below the limit.
func (m *measurer) remainder(u *Meter, r *run, v *tariff.Version, month time.Month, difference billing.Energy, measured bool) error {
	code := v.Bands[v.Remainder].Code
	if !measured {
		if difference < 0 {
			return m.p.fault(r.line, ErrHold, "meter %s: the bands are %s kWh more than the total %s; check the readings", u.name(), -difference, r.total)
		}
		m.note("%s 电量 = 总 − 其余时段 = %s 千瓦时", "%s = total − the other bands = %s kWh", code, difference)
		r.counts = append(slices.Clip(r.counts), Count{Register: rest, Energy: difference, Line: r.line})
		return nil
	}
	if !within(difference, r.total, v) {
		return m.p.fault(r.line, ErrHold, "meter %s: the bands differ from the total %s by %s kWh, more than the larger of %s kWh and %s of it; check the readings", u.name(), r.total, difference, v.RemainderLimit, billing.Energy(v.RemainderShare))
	}
	r.counts = slices.Clone(r.counts)
	for i := range r.counts {
		if b, ok := BandOf(v, r.counts[i].Register, month); ok && b == v.Remainder {
			if r.counts[i].Energy += difference; r.counts[i].Energy < 0 {
				return m.p.fault(r.line, ErrHold, "meter %s: the bands are %s kWh more than the total and band %s has less than that; check the readings", u.name(), -difference, code)
			}
			m.note("分时电量与总电量差 %s 千瓦时，计入 %s", "the bands and the total differ by %s kWh, which %s takes", difference, code)
			break
		}
	}
	return nil
}

// within is the limit of the remainder: the larger of a number of kWh and a share.
func within(difference, total billing.Energy, v *tariff.Version) bool {
	if difference < 0 {
		difference = -difference
	}
	share, err := billing.Scale(int64(total), v.RemainderShare)
	return err == nil && difference <= max(v.RemainderLimit, billing.Energy(share))
}

func bandWords(v *tariff.Version) string {
	words := make([]string, len(v.Bands))
	for i := range v.Bands {
		words[i] = v.Bands[i].Code
	}
	return strings.Join(words, ", ")
}
