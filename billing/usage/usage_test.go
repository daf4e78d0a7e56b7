package usage_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
	"feikong/billing/usage"
	"feikong/internal/document"
)

var beijing = time.FixedZone("+08:00", 8*3600)

func date(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, s, beijing)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// kwh is energy as documents write it.
func kwh(t testing.TB, s string) billing.Energy {
	t.Helper()
	e, err := billing.ParseEnergy(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func parsed(t testing.TB, text string) *usage.Period {
	t.Helper()
	d, err := usage.Parse("u", []byte(text), beijing)
	if err != nil {
		t.Fatal(err)
	}
	return &d.Periods[0]
}

// bands is a version with the bands named, the first of which takes the remainder.
func bands(codes ...string) *tariff.Version {
	v := &tariff.Version{ID: "bands", Number: 1, Kind: tariff.Composed, Zone: beijing, Decimals: 2, RemainderLimit: billing.KWh, RemainderShare: 5_000}
	for i, c := range codes {
		v.Bands = append(v.Bands, tariff.Band{Code: c, Register: uint8(i + 1)})
	}
	v.Components = []tariff.Component{{Kind: tariff.EnergyCharge, Code: "energy", Energy: &tariff.EnergyPrice{Prices: make([]billing.Price, len(codes))}}}
	return v
}

// plain is a version with one price.
func plain() *tariff.Version {
	return &tariff.Version{ID: "plain", Number: 1, Kind: tariff.Flat, Zone: beijing, Decimals: 2}
}

const month = "from: 2026-07-01\nto: 2026-08-01\n"

// whole measures a period as one cell.
func whole(t testing.TB, v *tariff.Version, text string) (usage.Measured, error) {
	t.Helper()
	p := parsed(t, text)
	return p.Measure([]usage.Cell{{From: p.From, To: p.To, By: v}}, nil)
}

func TestWhatMetersCount(t *testing.T) {
	for _, test := range []struct {
		name  string
		by    *tariff.Version
		text  string
		want  string // energy and bands
		held  error
		fault string
	}{
		{"energy", plain(), "energy: 260", "260", nil, ""},
		{"bands of a plain tariff", plain(), "bands: [{band: peak, kwh: 1}, {band: valley, kwh: 2.5}]", "3.5", nil, ""},
		{"bands", bands("peak", "valley"), "bands: [{band: peak, kwh: 1}, {band: 2, kwh: 2.5}]", "3.5 1 2.5", nil, ""},
		{"nothing at all", bands("peak", "valley"), "energy: 0", "0 0 0", nil, ""},
		{"remainder", bands("peak", "valley"), "energy: 100\nbands: [{band: peak, kwh: 60}, {band: valley, kwh: 39.2}]", "100 60.8 39.2", nil, ""},
		{"remainder below", bands("peak", "valley"), "energy: 100\nbands: [{band: peak, kwh: 61}, {band: valley, kwh: 40}]", "100 60 40", nil, ""},
		{"half a percent", bands("peak", "valley"), "energy: 1000\nbands: [{band: peak, kwh: 600}, {band: valley, kwh: 395}]", "1000 605 395", nil, ""},
		{"over the limit", bands("peak", "valley"), "energy: 1000\nbands: [{band: peak, kwh: 600}, {band: valley, kwh: 394.999999}]", "", usage.ErrHold, "differ from the total 1000 by 5.000001 kWh"},
		{"below the limit's other side", bands("peak", "valley"), "energy: 1\nbands: [{band: peak, kwh: 0}, {band: valley, kwh: 1.5}]", "", usage.ErrHold, "band peak has less than that"},
		{"the total less the others", bands("peak", "valley"), "energy: 100\nbands: [{band: valley, kwh: 40}]", "100 60 40", nil, ""},
		{"bands above the total", bands("peak", "valley"), "energy: 39\nbands: [{band: valley, kwh: 40}]", "", usage.ErrHold, "the bands are 1 kWh more than the total 39"},
		{"a band is missing", bands("flat", "peak", "valley"), "energy: 100\nbands: [{band: valley, kwh: 40}]", "", rate.ErrFacts, "band peak is not told; give it"},
		{"a band is missing without total", bands("peak", "valley"), "bands: [{band: valley, kwh: 40}]", "", rate.ErrFacts, "band peak is not told; give it, or the total"},
		{"all is in one band", bands("flat", "peak", "valley"), "energy: 40\nbands: [{band: valley, kwh: 40}]", "40 0 0 40", nil, ""},
		{"only the total", bands("peak", "valley"), "energy: 40", "", rate.ErrFacts, "give bands, registers or hours for peak, valley"},
		{"unknown band", bands("peak", "valley"), "bands: [{band: night, kwh: 40}]", "", rate.ErrFacts, "register night counts no band of tariff bands in month 7; its bands are peak, valley"},
		{"a band twice", bands("peak", "valley"), "bands: [{band: peak, kwh: 40}, {band: 1, kwh: 40}, {band: valley, kwh: 1}]", "", rate.ErrFacts, "band peak is counted twice"},
		{"too much", bands("peak", "valley"), "bands: [{band: peak, kwh: 9223372036854}, {band: valley, kwh: 9223372036854}]", "", billing.ErrOverflow, "energy of meter"},
		{"two meters", plain(), "meters: [{meter: a, energy: 5}, {meter: b, energy: 7}]", "12", nil, ""},
		{"sub-meter", plain(), "meters: [{meter: a, energy: 50}, {meter: b, energy: 7, subtract: true}]", "43", nil, ""},
		{"sub-meter above", plain(), "meters: [{meter: a, energy: 5}, {meter: b, energy: 7, subtract: true}]", "", usage.ErrHold, "counted 2 kWh more than the meter before them"},
		{"sub-meter by band", bands("peak", "valley"), "meters: [{meter: a, bands: [{band: peak, kwh: 5}, {band: valley, kwh: 9}]}, {meter: b, subtract: true, bands: [{band: peak, kwh: 2}, {band: valley, kwh: 3}]}]", "9 3 6", nil, ""},
		{"sub-meter above in a band", bands("peak", "valley"), "meters: [{meter: a, bands: [{band: peak, kwh: 5}, {band: valley, kwh: 9}]}, {meter: b, subtract: true, bands: [{band: peak, kwh: 6}, {band: valley, kwh: 3}]}]", "", usage.ErrHold, "band peak: the subtracted meters"},
		{"meters beyond the unit", plain(), "meters: [{meter: a, energy: 9223372036854}, {meter: b, energy: 7}]", "", billing.ErrOverflow, "energy of meter b"},
		{"readings", plain(), reads("{at: 2026-07-01, total: 10}", "{at: 2026-08-01, total: 15.5}"), "5.5", nil, ""},
		{"multiplier", plain(), strings.Replace(reads("{at: 2026-07-01, total: 10}", "{at: 2026-08-01, total: 15.5}"), "meter: a", "meter: a, multiplier: 40", 1), "220", nil, ""},
		{"rollover", plain(), strings.Replace(reads("{at: 2026-07-01, total: 999990}", "{at: 2026-08-01, total: 15}"), "meter: a", "meter: a, digits: 6, max_kw: 10", 1), "25", nil, ""},
		{"rollover without capacity", plain(), strings.Replace(reads("{at: 2026-07-01, total: 999990}", "{at: 2026-08-01, total: 15}"), "meter: a", "meter: a, digits: 6", 1), "", usage.ErrHold, "fell from 999990 to 15 and no rollover is proven"},
		{"a fall between", plain(), reads("{at: 2026-07-01, total: 10}", "{at: 2026-07-15, total: 9}", "{at: 2026-08-01, total: 15}"), "", usage.ErrHold, "line 4: meter a, register total fell from 10 to 9"},
		{"a reading without a register", bands("peak", "valley"), reads("{at: 2026-07-01, registers: [{register: 1, value: 1}, {register: 2, value: 1}]}", "{at: 2026-07-11, registers: [{register: 1, value: 1}]}", "{at: 2026-08-01, registers: [{register: 1, value: 5}, {register: 2, value: 7}]}"), "10 4 6", nil, ""},
		{"a register without its end", bands("peak", "valley"), reads("{at: 2026-07-01, registers: [{register: 1, value: 1}, {register: 2, value: 1}]}", "{at: 2026-08-01, registers: [{register: 1, value: 5}]}"), "", rate.ErrFacts, "register 2 is not read at 2026-08-01"},
		{"beyond its digits", plain(), strings.Replace(reads("{at: 2026-07-01, total: 10}", "{at: 2026-08-01, total: 1000}"), "meter: a", "meter: a, digits: 3", 1), "", usage.ErrHold, "more than its 3 digits can"},
		{"beyond the unit", plain(), strings.Replace(reads("{at: 2026-07-01, total: 10}", "{at: 2026-08-01, total: 9000000000000}"), "meter: a", "meter: a, multiplier: 4000", 1), "", billing.ErrOverflow, "x 4000"},
		{"no reading at the start", plain(), reads("{at: 2026-07-02, total: 10}", "{at: 2026-08-01, total: 15}"), "", rate.ErrFacts, "no reading at 2026-07-01, where the period begins"},
		{"no reading at the end", plain(), reads("{at: 2026-07-01, total: 10}", "{at: 2026-07-31, total: 15}"), "", rate.ErrFacts, "no reading at 2026-08-01, where the period ends"},
		{"interpolated", plain(), reads("{at: 2026-06-30T22:00, total: 10}", "{at: 2026-07-01T02:00, total: 14}", "{at: 2026-07-31T23:00, total: 100}", "{at: 2026-08-01T04:00, total: 110}"), "90", nil, ""},
		{"too far apart", plain(), reads("{at: 2026-06-30T20:00, total: 10}", "{at: 2026-07-01T02:01, total: 14}", "{at: 2026-08-01, total: 100}"), "", rate.ErrFacts, "no reading at 2026-07-01"},
		{"an estimate is not interpolated", plain(), reads("{at: 2026-06-30T22:00, total: 10, method: estimate}", "{at: 2026-07-01T02:00, total: 14}", "{at: 2026-08-01, total: 100}"), "", rate.ErrFacts, "no reading at 2026-07-01"},
		{"nor a fall", plain(), reads("{at: 2026-06-30T22:00, total: 10}", "{at: 2026-07-01T02:00, total: 9}", "{at: 2026-08-01, total: 100}"), "", rate.ErrFacts, "no reading at 2026-07-01"},
		{"replaced", plain(), segments("readings: [{at: 2026-07-01, total: 10}, {at: 2026-07-12T10:00, total: 20}]", "readings: [{at: 2026-07-12T10:00, total: 0}, {at: 2026-08-01, total: 7}]"), "17", nil, ""},
		{"replaced, ratio changed", plain(), segments("multiplier: 2, readings: [{at: 2026-07-01, total: 10}, {at: 2026-07-12T10:00, total: 20}]", "multiplier: 3, readings: [{at: 2026-07-12T10:00, total: 0}, {at: 2026-08-01, total: 7}]"), "41", nil, ""},
		{"no removal reading", plain(), segments("readings: [{at: 2026-07-01, total: 10}, {at: 2026-07-12, total: 20}]", "readings: [{at: 2026-07-13, total: 0}, {at: 2026-08-01, total: 7}]"), "", usage.ErrHold, "one segment ends at 2026-07-12, the next begins at 2026-07-13; give the removal reading"},
		{"out of order", plain(), segments("readings: [{at: 2026-07-13, total: 10}, {at: 2026-08-01, total: 20}]", "readings: [{at: 2026-07-01, total: 0}, {at: 2026-07-13, total: 7}]"), "", usage.ErrHold, "not in their order"},
		{"told in segments", plain(), segments("from: 2026-07-01, to: 2026-07-10, energy: 5", "from: 2026-07-10, energy: 6"), "11", nil, ""},
		{"told too late", plain(), segments("from: 2026-07-02, energy: 5"), "", rate.ErrFacts, "the energy is told from 2026-07-02 on"},
		{"told too short", plain(), segments("to: 2026-07-30, energy: 5"), "", rate.ErrFacts, "the energy is told up to 2026-07-30"},
		{"parent and child by one method", plain(), "meters:\n  - {meter: a, readings: [{at: 2026-07-01, total: 1}, {at: 2026-08-01, total: 9, method: hand}]}\n  - {meter: b, subtract: true, readings: [{at: 2026-07-01, total: 1}, {at: 2026-08-01, total: 2}]}\n", "", usage.ErrHold, "meter b is subtracted, but read by freeze and freeze, the meter before it by freeze and hand"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := whole(t, test.by, month+test.text)
			if test.fault != "" {
				if !errors.Is(err, test.held) || !strings.Contains(err.Error(), test.fault) || !strings.HasPrefix(err.Error(), "u: line ") {
					t.Errorf("got %v, want %s", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := m.Cells[0].Energy.String()
			for i := range test.by.Bands {
				got += " " + m.Cells[0].Bands[i].String()
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func reads(list ...string) string {
	return "meters: [{meter: a, readings: [\n" + strings.Join(list, ",") + "]}]"
}

func segments(list ...string) string {
	return "meters: [{meter: a, segments: [{" + strings.Join(list, "}, {") + "}]}]"
}

func TestReactiveRegisters(t *testing.T) {
	m, err := whole(t, plain(), month+"reactive: {taken: 5}\nmeters:\n  - {meter: a, multiplier: 10, readings: [{at: 2026-07-01, total: 1, registers: [{register: reactive, value: 3}, {register: reactive-back, value: 1}]}, {at: 2026-08-01, total: 9, registers: [{register: reactive, value: 4}, {register: reactive-back, value: 1.5}]}]}\n  - {meter: b, subtract: true, readings: [{at: 2026-07-01, total: 1, registers: [{register: reactive, value: 0}]}, {at: 2026-08-01, total: 2, registers: [{register: reactive, value: 2}]}]}")
	if err != nil || m.Taken != kwh(t, "13") || m.Back != kwh(t, "5") || !m.ReactiveKnown {
		t.Errorf("got %s and %s, %v", m.Taken, m.Back, err)
	}
	if last := m.Notes[len(m.Notes)-1]; last.EN != "sub-meter b is subtracted" || last.ZH != "扣减分表 b" {
		t.Errorf("got %v", last)
	}
}

// A register whose band changes in November: 4 counts valley, then winter.
func seasonal() *tariff.Version {
	v := bands("peak", "valley", "winter")
	v.Bands[1].Register, v.Bands[2].Register = 4, 4
	table := func(months uint16, night uint8) tariff.DayTable {
		t := tariff.DayTable{Months: months, Days: tariff.AnyDay}
		for i := range t.Halves {
			if i < 16 {
				t.Halves[i] = night
			}
		}
		return t
	}
	v.Schedule.Tables = []tariff.DayTable{table(1<<10-1, 1), table(1<<10|1<<11, 2)}
	return v
}

func TestARegisterThatChangesItsBandIsCut(t *testing.T) {
	const autumn = "from: 2026-10-17\nto: 2026-11-16\n"
	for _, test := range []struct{ name, text, want string }{
		{"by reading", reads("{at: 2026-10-17, registers: [{register: 1, value: 0}, {register: 4, value: 0}]}", "{at: 2026-11-01, registers: [{register: 1, value: 10}, {register: 4, value: 4}]}", "{at: 2026-11-16, registers: [{register: 1, value: 20}, {register: 4, value: 10}]}"), "30 20 4 6"},
		{"by days", reads("{at: 2026-10-17, registers: [{register: 1, value: 0}, {register: 4, value: 0}]}", "{at: 2026-11-16, registers: [{register: 1, value: 20}, {register: 4, value: 10}]}"), "30 20 5 5"},
		{"by their codes", "bands: [{band: peak, kwh: 20}, {band: valley, kwh: 3}, {band: winter, kwh: 7}]", "30 20 3 7"},
		{"with a total", "energy: 30.5\nbands: [{band: peak, kwh: 20}, {band: valley, kwh: 3}, {band: winter, kwh: 7}]", "30.5 20.5 3 7"},
		{"by hours", "hours: {kwh: [" + strings.TrimSuffix(strings.Repeat("1, ", 720), ", ") + "]}", "720 480 120 120"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := whole(t, seasonal(), autumn+test.text)
			if err != nil {
				t.Fatal(err)
			}
			c := m.Cells[0]
			if got := strings.Join([]string{c.Energy.String(), c.Bands[0].String(), c.Bands[1].String(), c.Bands[2].String()}, " "); got != test.want || len(m.Cells) != 1 {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if _, err := whole(t, seasonal(), autumn+"bands: [{band: peak, kwh: 20}, {band: valley, kwh: 3}]"); !errors.Is(err, rate.ErrFacts) || !strings.Contains(err.Error(), "band winter is not told") {
		t.Errorf("got %v", err)
	}
	m, err := whole(t, seasonal(), month+"bands: [{band: peak, kwh: 20}, {band: winter, kwh: 3}, {band: valley, kwh: 0}]")
	if err != nil || m.Cells[0].Bands[1] != kwh(t, "3") {
		t.Errorf("a band that rests counts for its twin: got %v, %v", m.Cells, err)
	}
}

func TestHoursFindTheirBand(t *testing.T) {
	v := seasonal() // peak from 08:00
	day := func(step, values string) string {
		return "from: 2026-07-01\nto: 2026-07-02\nhours: {step: " + step + ", kwh: [" + values + "]}\n"
	}
	ones := strings.TrimSuffix(strings.Repeat("1, ", 24), ", ")
	for _, test := range []struct{ name, text, want, fault string }{
		{"hours", day("1h", ones), "24 16 8", ""},
		{"quarters", day("15m", strings.TrimSuffix(strings.Repeat("0.25, ", 96), ", ")), "24 16 8", ""},
		{"an odd mWh", day("1h", "0.000001"+strings.Repeat(", 0", 23)), "0.000001 0 0.000001", ""},
		{"with a total", day("1h", ones) + "energy: 24.5", "24.5 16.5 8", ""},
		{"total below", day("1h", ones) + "energy: 23.5", "23.5 15.5 8", ""},
		{"total far", day("1h", ones) + "energy: 26", "", "the hours differ from the total by 2 kWh"},
		{"with readings", "from: 2026-07-01\nto: 2026-07-02\nmeters: [{meter: a, readings: [{at: 2026-07-01, total: 0}, {at: 2026-07-02, total: 24}], hours: {kwh: [" + ones + "]}}]", "24 16 8", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := whole(t, v, test.text)
			if test.fault != "" {
				if !errors.Is(err, usage.ErrHold) || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("got %v, want %s", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c := m.Cells[0]
			if got := c.Energy.String() + " " + c.Bands[0].String() + " " + c.Bands[1].String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if m, err := whole(t, plain(), day("1h", ones)); err != nil || m.Cells[0].Energy != 24*billing.KWh {
		t.Errorf("got %v, %v", m, err)
	}
	for _, test := range []struct {
		edit func(*tariff.Version)
		want string
	}{
		{func(v *tariff.Version) { v.Schedule.Tables = nil }, "give bands or registers instead of hours"},
		{func(v *tariff.Version) { v.Calendar = "cn" }, "holiday calendar cn; give it with --calendar"},
		{func(v *tariff.Version) { v.Schedule.Tables = v.Schedule.Tables[1:] }, "does not cover 2026-07-01"},
	} {
		v := seasonal()
		test.edit(v)
		if _, err := whole(t, v, day("1h", ones)); !errors.Is(err, rate.ErrFacts) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestAPeriodIsSplitByDaysInQuanta(t *testing.T) {
	v := bands("peak", "valley")
	v.Split.Quantum = billing.KWh
	p := parsed(t, month+"energy: 100.5\nbands: [{band: peak, kwh: 60.2}, {band: valley, kwh: 40.3}]")
	cells := []usage.Cell{{From: p.From, To: date(t, "2026-07-11"), By: v}, {From: date(t, "2026-07-11"), To: date(t, "2026-07-21"), By: v}, {From: date(t, "2026-07-21"), To: p.To, By: v}}
	m, err := p.Measure(cells, nil)
	if err != nil {
		t.Fatal(err)
	}
	// 100 whole kWh over 10, 10 and 11 days are 32.26, 32.26, 35.48; the half stays with the last.
	var got []string
	for _, c := range m.Cells {
		got = append(got, c.Energy.String()+" "+c.Bands[0].String()+" "+c.Bands[1].String())
	}
	if strings.Join(got, "; ") != "32 19 13; 32 19 13; 36.5 22.2 14.3" || !m.Cells[0].ByDays {
		t.Errorf("got %s", strings.Join(got, "; "))
	}
	v.Split = tariff.Split{Forbid: true}
	if _, err := p.Measure(cells, nil); !errors.Is(err, usage.ErrHold) || !strings.Contains(err.Error(), "does not allow to split by days") {
		t.Errorf("got %v, want it held", err)
	}
	// Hours tell the parts better than days.
	h := parsed(t, "from: 2026-07-01\nto: 2026-07-02\nenergy: 25\nhours: {kwh: ["+strings.Repeat("0, ", 12)+strings.TrimSuffix(strings.Repeat("2, ", 12), ", ")+"]}")
	noon := h.From.Add(12 * time.Hour)
	m, err = h.Measure([]usage.Cell{{From: h.From, To: noon, By: plain()}, {From: noon, To: h.To, By: plain()}}, nil)
	if err != nil || m.Cells[0].Energy != 0 || m.Cells[1].Energy != kwh(t, "25") {
		t.Errorf("got %+v, %v", m.Cells, err)
	}
	// A part without a day of its own is weighed by time.
	s := parsed(t, "from: 2026-07-01\nto: 2026-07-02\nenergy: 24")
	m, err = s.Measure([]usage.Cell{{From: s.From, To: s.From.Add(6 * time.Hour), By: plain()}, {From: s.From.Add(6 * time.Hour), To: s.To, By: plain()}}, nil)
	if err != nil || m.Cells[0].Energy != kwh(t, "6") {
		t.Errorf("got %+v, %v", m.Cells, err)
	}
}

func TestParseRefusesWithLineAndRemedy(t *testing.T) {
	const day = "from: 2026-07-01\nto: 2026-07-02\n"
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "account: a", "nothing is told"},
		{"no from", "to: 2026-07-01\nenergy: 1", "line 1: from is missing; give a date such as 2026-01-01"},
		{"no to", "from: 2026-07-01\nenergy: 1", "line 1: to is missing"},
		{"far", "from: 0001-07-01\nto: 2026-07-02\nenergy: 1", "year 1 is outside"},
		{"backwards", "from: 2026-07-02\nto: 2026-07-02\nenergy: 1", "line 2: to: the period ends at 2026-07-02, when or before it begins"},
		{"long", "from: 2006-07-02\nto: 2026-07-02\nenergy: 1", "longer than ten years"},
		{"no energy", day, "energy is missing"},
		{"billed with", day + "energy: 1\nbilled_with: 0", "billed_with is 0; give the number"},
		{"negative", day + "energy: -1", "line 3: energy: -1 kWh is negative"},
		{"negative counter", day + "energy: 1\ncounter: -1", "counter: -1 kWh is negative"},
		{"twice told", day + "energy: 1\nmeters: [{energy: 1}]", "beside meters"},
		{"both ways", day + "energy: 1\nperiods: [{from: 2026-07-01, to: 2026-07-02, energy: 1}]", "move them into the list"},
		{"both ways, without scalars", "household: {persons: 1}\nperiods: [{from: 2026-07-01, to: 2026-07-02, energy: 1}]", "move them into the list"},
		{"overlap", "periods:\n  - {from: 2026-07-01, to: 2026-07-03, energy: 1}\n  - {from: 2026-07-02, to: 2026-07-04, energy: 1}", "line 3: period begins at 2026-07-02, before the one above ends"},
		{"reason", "periods:\n  - {from: 2026-07-01, to: 2026-07-03, energy: 1, reason: x}", "reason and form belong to corrections"},
		{"correction of nothing", day + "energy: 1\ncorrections: [{from: 2026-07-02, to: 2026-07-04, energy: 1}]", "no period above is from 2026-07-02 to 2026-07-04"},
		{"correction twice", day + "energy: 1\ncorrections: [{from: 2026-07-01, to: 2026-07-02, energy: 1}, {from: 2026-07-01, to: 2026-07-02, energy: 2}]", "corrected twice"},
		{"form", day + "energy: 1\ncorrections: [{from: 2026-07-01, to: 2026-07-02, energy: 1, form: credit}]", `form is "credit"; give rebill`},
		{"bad correction", day + "energy: 1\ncorrections: [{from: 2026-07-01, to: 2026-07-02}]", "energy is missing"},
		{"band without a name", day + "bands: [{kwh: 1}]", "band is missing"},
		{"band without energy", day + "bands: [{band: peak}]", "kwh is missing"},
		{"band twice", day + "bands: [{band: peak, kwh: 1}, {band: peak, kwh: 1}]", "band peak stands here twice"},
		{"register out of range", day + "bands: [{band: 64, kwh: 1}]", "register 64 is outside 1 to 63"},
		{"all subtracted", day + "meters: [{meter: a, energy: 1, subtract: true}]", "all meters are subtracted"},
		{"meter twice", day + "meters: [{meter: a, energy: 1}, {meter: a, energy: 1}]", "meter a stands here twice"},
		{"no energy of a meter", day + "meters: [{meter: a}]", "no energy; give readings, energy, bands or hours"},
		{"segments and readings", day + "meters: [{meter: a, energy: 1, segments: [{energy: 1}]}]", "move those into a segment"},
		{"digits", day + "meters: [{meter: a, digits: 13, energy: 1}]", "digits is 13"},
		{"multiplier", day + "meters: [{meter: a, multiplier: 0, energy: 1}]", "multiplier is 0"},
		{"capacity", day + "meters: [{meter: a, max_kw: -1, energy: 1}]", "max_kw is negative"},
		{"readings and energy", day + "meters: [{meter: a, energy: 1, readings: [{at: 2026-07-01, total: 1}, {at: 2026-07-02, total: 1}]}]", "keep what was measured"},
		{"one reading", day + "meters: [{meter: a, readings: [{at: 2026-07-01, total: 1}]}]", "one reading is no energy"},
		{"empty reading", day + "meters: [{meter: a, readings: [{at: 2026-07-01}]}]", "reading is empty"},
		{"reading without time", day + "meters: [{meter: a, readings: [{total: 1}]}]", "at is missing"},
		{"method", day + "meters: [{meter: a, readings: [{at: 2026-07-01, total: 1, method: told}]}]", `method is "told"`},
		{"register without value", day + "meters: [{meter: a, readings: [{at: 2026-07-01, registers: [{register: 1}]}]}]", "value is missing"},
		{"register without name", day + "meters: [{meter: a, readings: [{at: 2026-07-01, registers: [{value: 1}]}]}]", "register is missing"},
		{"register twice", day + "meters: [{meter: a, readings: [{at: 2026-07-01, total: 1, registers: [{register: total, value: 1}]}]}]", "register total stands here twice"},
		{"negative register", day + "meters: [{meter: a, readings: [{at: 2026-07-01, total: -1}]}]", "never below zero"},
		{"readings out of order", day + "meters: [{meter: a, readings: [{at: 2026-07-02, total: 1}, {at: 2026-07-01, total: 1}]}]", "is not after the reading above"},
		{"a register that begins later", day + "meters: [{meter: a, readings: [{at: 2026-07-01, total: 1}, {at: 2026-07-02, total: 1, registers: [{register: 2, value: 1}]}]}]", "register 2 is not in the first reading"},
		{"segment end", day + "meters: [{meter: a, segments: [{to: 2026-07-03, readings: [{at: 2026-07-01, total: 1}, {at: 2026-07-02, total: 1}]}]}]", "from the first to the last of them"},
		{"segment backwards", day + "meters: [{meter: a, segments: [{from: 2026-07-03, energy: 1}]}]", "segment ends at 2026-07-02, when or before it begins"},
		{"segment date", day + "meters: [{meter: a, segments: [{from: x, energy: 1}]}]", `from: "x" is not a date`},
		{"hours and bands", day + "bands: [{band: peak, kwh: 1}]\nhours: {kwh: [1]}", "both tell the bands"},
		{"step", day + "hours: {step: 7m, kwh: [1]}", "step is 7m0s; give 5m"},
		{"count of hours", day + "hours: {kwh: [1]}", "1 values, 2026-07-01 to 2026-07-02 have 24 steps"},
		{"start of hours", day + "hours: {from: 2026-07-01T01:00, kwh: [1]}", "they begin with what they measure"},
		{"start date of hours", day + "hours: {from: x, kwh: [1]}", `hours: from: "x" is not a date`},
		{"crooked hours", "from: 2026-07-01T00:10\nto: 2026-07-01T02:10\nhours: {kwh: [1, 2]}", "are no whole steps of 1h0m0s"},
		{"negative hour", "from: 2026-07-01\nto: 2026-07-01T02:00\nhours: {kwh: [1, -2]}", "value 2 is negative"},
		{"persons", day + "energy: 1\nhousehold: {persons: 0}", "persons is 0"},
		{"words", day + "energy: 1\nhousehold: {words: [Low Income]}", `words: "Low Income"`},
		{"since", day + "energy: 1\nhousehold: {since: 2026-07-02}", "after the period began"},
		{"since date", day + "energy: 1\nhousehold: {since: x}", `since: "x" is not a date`},
		{"mode", day + "energy: 1\nsupplies: [{capacity: 1}]", `mode is ""; give capacity, contract or measured`},
		{"negative demand", day + "energy: 1\nsupplies: [{mode: measured, measured: -1}]", "capacity or demand is negative"},
		{"no capacity", day + "energy: 1\nsupplies: [{mode: capacity}]", "capacity is missing"},
		{"no contract", day + "energy: 1\nsupplies: [{mode: contract, measured: 1}]", "declared is missing"},
		{"no demand", day + "energy: 1\nsupplies: [{mode: measured, capacity: 1}]", "measured is missing"},
		{"days and from", day + "energy: 1\nsupplies: [{mode: capacity, capacity: 1, days: 3, from: 2026-07-01}]", "days stand beside from or to"},
		{"days", day + "energy: 1\nsupplies: [{mode: capacity, capacity: 1, days: 32}]", "days is 32"},
		{"use outside", day + "energy: 1\nsupplies: [{mode: capacity, capacity: 1, from: 2026-06-01}]", "give a time within the period"},
		{"use without end", day + "energy: 1\nsupplies: [{mode: capacity, capacity: 1, to: x}]", `to: "x" is not a date`},
		{"use without start", day + "energy: 1\nsupplies: [{mode: capacity, capacity: 1, from: x}]", `from: "x" is not a date`},
		{"active", day + "energy: 1\nreactive: {active: -1}", "active: -1 kWh is negative"},
		{"loss", day + "energy: 1\nloss: {}", "loss: give energy, or bands, or"},
		{"loss of two kinds", day + "energy: 1\nloss: {energy: 1, bands: [{band: peak, kwh: 1}]}", "loss: give energy, or bands, or"},
		{"half a formula", day + "energy: 1\nloss: {hours: 3}", "the formula needs"},
		{"negative formula", day + "energy: 1\nloss: {hours: -3, no_load_kw: 1, load_kw: 1, load_ratio: 1}", "a part of the formula is negative"},
		{"huge formula", day + "energy: 1\nloss: {hours: 9000000000, no_load_kw: 9000000000, load_kw: 1, load_ratio: 1}", "beyond the range"},
		{"loss of reactive", day + "energy: 1\nloss: {reactive: -3}", "not below zero"},
		{"bad loss band", day + "energy: 1\nloss: {bands: [{band: peak}]}", "kwh is missing"},
		{"quantum", "sale: {quantum: 0, payments: [{at: 2026-01-01, amount: 1}]}", "quantum is 0"},
		{"bought", "sale: {bought: -1, payments: [{at: 2026-01-01, amount: 1}]}", "bought: -1 kWh is negative"},
		{"no payments", "sale: {bought: 1}", "payments is empty"},
		{"negative payment", "sale: {payments: [{at: 2026-01-01, amount: -1}]}", "amount: -1.00 is negative"},
		{"payment without time", "sale: {payments: [{amount: 1}]}", "at is missing"},
		{"payments out of order", "sale: {payments: [{at: 2026-01-02, amount: 1}, {at: 2026-01-01, amount: 1}]}", "before the payment above"},
		{"half a rule", "sale: {fixed: {below: 1}, payments: [{at: 2026-01-01, amount: 1}]}", "below and share go together"},
		{"negative rule", "sale: {fixed: {taken: -1}, payments: [{at: 2026-01-01, amount: 1}]}", "a sum is negative"},
		{"share of a rule", "sale: {fixed: {below: 1, share: 101%}, payments: [{at: 2026-01-01, amount: 1}]}", "fixed: share must lie above 0"},
		{"bad share", "sale: {fixed: {below: 1, share: 0.00001%}, payments: [{at: 2026-01-01, amount: 1}]}", "too many decimals"},
		{"no share", "sale: {fixed: {below: 1, share: x}, payments: [{at: 2026-01-01, amount: 1}]}", "not a decimal number"},
		{"debt without code", "sale: {debts: [{amount: 1}], payments: [{at: 2026-01-01, amount: 1}]}", `code "" of a debt is missing`},
		{"debt without amount", "sale: {debts: [{code: a}], payments: [{at: 2026-01-01, amount: 1}]}", "amount is missing"},
		{"debt with share", "sale: {debts: [{code: a, amount: 1, share: 0%}], payments: [{at: 2026-01-01, amount: 1}]}", "share must lie above 0"},
		{"no bill", "allocate: {shares: [{tenant: a, kwh: 1}]}", "bill is missing"},
		{"negative bill", "allocate: {bill: -1, shares: [{tenant: a, kwh: 1}]}", "bill: -1.00 is negative"},
		{"no shares", "allocate: {bill: 1}", "shares have no kWh"},
		{"share without kWh", "allocate: {bill: 1, shares: [{tenant: a}]}", "kwh is missing"},
		{"tenant twice", "allocate: {bill: 1, shares: [{tenant: a, kwh: 1}, {tenant: a, kwh: 1}]}", `tenant "a" is missing or stands here twice`},
		{"shares beyond", "allocate: {bill: 1, shares: [{tenant: a, kwh: 9223372036854}, {tenant: b, kwh: 9223372036854}]}", "beyond the range"},
		{"late without sum", "late: [{due: 2026-01-01, paid: 2026-01-02}]", "amount is missing"},
		{"late without due", "late: [{amount: 1, paid: 2026-01-02}]", "due is missing"},
		{"late without payment", "late: [{amount: 1, due: 2026-01-02}]", "paid is missing"},
		{"too many meters", day + "meters:\n" + strings.Repeat("  - {energy: 1}\n", 257), "line 260: 257 meters, at most 256"},
		{"too many segments", day + "meters: [{meter: a, segments: [" + strings.Repeat("{energy: 1},", 65) + "]}]", "65 segments, at most 64"},
		{"too many supplies", day + "energy: 1\nsupplies:\n" + strings.Repeat("  - {mode: capacity, capacity: 1}\n", 33), "33 supplies, at most 32"},
		{"too many periods", "periods:\n" + strings.Repeat("  - {from: 2026-07-01, to: 2026-07-02, energy: 1}\n", 601), "601 periods, at most 600"},
		{"too many corrections", day + "energy: 1\ncorrections:\n" + strings.Repeat("  - {from: 2026-07-01, to: 2026-07-02, energy: 1}\n", 601), "601 corrections, at most 600"},
		{"too many readings", day + "meters:\n  - readings:\n" + strings.Repeat("    - {at: 2026-07-01, total: 1}\n", 10_001), "10001 readings, at most 10000"},
		{"too many registers", day + "meters: [{readings: [{at: 2026-07-01, registers: [" + many(67) + "]}]}]", "67 registers, at most 66"},
		{"too many payments", "sale:\n  payments:\n" + strings.Repeat("    - {at: 2026-07-01, amount: 1}\n", 10_001), "10001 payments, at most 10000"},
		{"too many shares", "allocate:\n  bill: 1\n  shares:\n" + strings.Repeat("    - {tenant: a, kwh: 1}\n", 10_001), "10001 shares, at most 10000"},
		{"too many sums", "late:\n" + strings.Repeat("  - {amount: 1, due: 2026-07-01, paid: 2026-07-01}\n", 10_001), "10001 sums paid late, at most 10000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := usage.Parse("u", []byte(test.text), beijing)
			var fault *document.Error
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func many(n int) string {
	var list []string
	for i := range n {
		list = append(list, "{register: r"+strings.Repeat("x", i%30)+string(rune('a'+i/30))+", value: 1}")
	}
	return strings.Join(list, ",")
}

func TestTheFormulaOfTheTransformersLoss(t *testing.T) {
	p := parsed(t, month+"energy: 1\nloss: {no_load_kw: 1.2, load_kw: 6, load_ratio: 0.25, hours: 744, reactive: 7}")
	if p.Loss != kwh(t, "1171.8") || p.Taken != kwh(t, "7") {
		t.Errorf("got %s kWh and %s kvarh, want 1171.8 and 7", p.Loss, p.Taken)
	}
	if p = parsed(t, month+"energy: 1\nloss: {energy: 3}"); p.Loss != kwh(t, "3") {
		t.Errorf("got %s", p.Loss)
	}
}

func TestMethodsHaveNames(t *testing.T) {
	if usage.Hand.String() != "hand" || usage.Method(9).String() != "method 9" {
		t.Errorf("got %s and %s", usage.Hand, usage.Method(9))
	}
}

// Every document that is read is measured and comes out the same twice, with parts that add up.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("../../configs/usage/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"from": "2026-07-01", "to": "2026-08-01", "energy": "100", "bands": [{"band": "peak", "kwh": 99.5}]}`))
	by := []*tariff.Version{plain(), bands("peak", "valley"), seasonal()}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := usage.Parse("fuzz", data, beijing)
		if err != nil {
			return
		}
		for i := range d.Periods {
			p := &d.Periods[i]
			middle := p.From.Add(p.To.Sub(p.From) / 2)
			for _, v := range by {
				cells := []usage.Cell{{From: p.From, To: middle, By: v}, {From: middle, To: p.To, By: v}}
				m, err := p.Measure(cells, nil)
				if err != nil {
					continue
				}
				again, err := p.Measure(cells, nil)
				if err != nil || again.Cells[0] != m.Cells[0] || again.Cells[1] != m.Cells[1] {
					t.Fatalf("the second time %v", err)
				}
				for _, c := range m.Cells {
					sum := billing.Energy(0)
					for _, e := range c.Bands {
						sum += e
					}
					if usage.Banded(v) && sum != c.Energy {
						t.Fatalf("bands of %s, energy %s", sum, c.Energy)
					}
				}
			}
		}
	})
}
