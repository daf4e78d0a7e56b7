package dlt645

import (
	"errors"
	"strings"
	"testing"
)

func said(vs []Value) string {
	var s []string
	for _, v := range vs {
		s = append(s, v.String())
	}
	return strings.Join(s, "; ")
}

func TestAWholeFreezeRecordIsReadByItsSeparators(t *testing.T) {
	const at = "00 00 22 11 26 "
	for _, tc := range []struct {
		name, data string
		d          DI
		want       string
	}{
		{"time, forward with a rate, reverse; all else left out", at + "AA 00 50 34 12 00 00 00 04 AA 00 01 00 00 AA AA AA AA AA AA AA AA AA AA", FreezeDI(FreezeDailyKind, FreezeContentAll, 1),
			"freeze time 2026-11-22 00:00; frozen forward active energy total 123450.00 kWh; frozen forward active energy rate 1 40000.00 kWh; frozen reverse active energy total 1.00 kWh"},
		{"forward left out", at + "AA AA 00 01 00 00 AA", FreezeDI(FreezeTimed, FreezeContentAll, 3),
			"freeze time 2026-11-22 00:00; frozen reverse active energy total 1.00 kWh"},
		{"without a last separator", at + "AA 00 50 34 12", FreezeDI(FreezeInstant, FreezeContentAll, 1),
			"freeze time 2026-11-22 00:00; frozen forward active energy total 123450.00 kWh"},
		{"not measured", at + "AA FF FF FF FF AA", FreezeDI(FreezeDailyKind, FreezeContentAll, 62),
			"freeze time 2026-11-22 00:00; frozen forward active energy total not measured"},
		{"demand and variables", at + strings.Repeat("AA ", 9) + "50 12 00 15 10 21 11 26 AA AA 00 10 00 00 05 00", FreezeDI(FreezeDailyKind, FreezeContentAll, 1),
			"freeze time 2026-11-22 00:00; frozen forward active demand total 0.1250 kW; frozen forward active demand total time 2026-11-21 10:15; " +
				"frozen active power total 0.1000 kW; frozen active power A 0.0500 kW"},
		{"hourly", at + "AA 00 50 34 12 AA 00 01 00 00 AA", FreezeDI(FreezeHourlyKind, FreezeContentAll, 254),
			"freeze time 2026-11-22 00:00; frozen forward active energy total 123450.00 kWh; frozen reverse active energy total 1.00 kWh"},
		{"hourly without separators", at + "00 50 34 12 00 01 00 00", FreezeDI(FreezeHourlyKind, FreezeContentAll, 1),
			"freeze time 2026-11-22 00:00; frozen forward active energy total 123450.00 kWh; frozen reverse active energy total 1.00 kWh"},
		{"time alone", at, FreezeDI(FreezeDailyKind, FreezeContentTime, 1), "freeze time 2026-11-22 00:00"},
	} {
		vs, err := DecodeValues(tc.d, unhex(t, tc.data))
		if got := said(vs); err != nil || got != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.name, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		name, data string
		d          DI
		want       error
	}{
		{"parts that nothing divides", at + "00 50 34 12 00 01 00 00", FreezeDI(FreezeDailyKind, FreezeContentAll, 1), ErrLength},
		{"half an energy", at + "AA 00 50", FreezeDI(FreezeDailyKind, FreezeContentAll, 1), ErrLength},
		{"more parts than there are", at + strings.Repeat("AA ", 14), FreezeDI(FreezeDailyKind, FreezeContentAll, 1), ErrLength},
		{"a digit A", at + "AA 0A 50 34 12 AA", FreezeDI(FreezeDailyKind, FreezeContentAll, 1), ErrBCD},
		{"nothing", "", FreezeDI(FreezeDailyKind, FreezeContentAll, 1), ErrLength},
		{"the zeroth last", at, FreezeDI(FreezeDailyKind, FreezeContentAll, 0), ErrUnknownItem},
	} {
		if vs, err := DecodeValues(tc.d, unhex(t, tc.data)); !errors.Is(err, tc.want) || vs != nil {
			t.Errorf("%s: got %v, %v, want %v", tc.name, vs, err, tc.want)
		}
	}
}

func TestABlockOf1997IsReadDividedOrNot(t *testing.T) {
	for _, tc := range []struct {
		name, data string
		d          DI
		want       string
	}{
		{"not divided", "03 00 00 00 00 00 00 00 03 00 00 00", 0x901F, "forward active energy total 0.03 kWh; forward active energy rate 1 0.00 kWh; forward active energy rate 2 0.03 kWh"},
		{"divided", "03 00 00 00 AA 00 00 00 00 AA 03 00 00 00 AA", 0x901F, "forward active energy total 0.03 kWh; forward active energy rate 1 0.00 kWh; forward active energy rate 2 0.03 kWh"},
		{"last month", "03 00 00 00", 0x9410, "forward active energy total last month 0.03 kWh"},
		{"voltages", "20 02 21 02 FF FF", 0xB61F, "voltage A 220 V; voltage B 221 V; voltage C not measured"},
		{"date and time", "06 06 07 19 04 22 22", 0xC01F, "date 2019-07-06; weekday 06; time 22:22:04"},
		{"a set", "03 00 00 00 01 00 00 00 AA 05 00 00 00 AA", 0x90FF, "forward active energy total 0.03 kWh; forward active energy rate 1 0.01 kWh; reverse active energy total 0.05 kWh"},
		{"a set without forward", "AA 05 00 00 00", 0x91FF, "reverse reactive energy total 0.05 kvarh"},
	} {
		vs, err := DecodeValues1997(tc.d, unhex(t, tc.data))
		if got := said(vs); err != nil || got != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.name, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		name, data string
		d          DI
		want       error
	}{
		{"half an item", "03 00 00", 0x901F, ErrLength},
		{"a set with a block that nothing ends", strings.Repeat("03 00 00 00", 20), 0x90FF, ErrLength},
		{"a set with too many blocks", "AA AA AA AA", 0x90FF, ErrLength},
		{"demand with rates", "03 00 00 03 00 00", 0xA01F, ErrUnknownItem},
		{"eight digits", "03", 0x00019010, ErrUnknownItem},
	} {
		if vs, err := DecodeValues1997(tc.d, unhex(t, tc.data)); !errors.Is(err, tc.want) || vs != nil {
			t.Errorf("%s: got %v, %v, want %v", tc.name, vs, err, tc.want)
		}
	}
}
