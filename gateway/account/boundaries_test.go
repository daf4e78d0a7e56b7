package account

import (
	"slices"
	"testing"
	"time"

	"feikong/billing/tariff"
)

func TestBoundariesAreMonthsCyclesAndVersionStarts(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	now := day(2026, 11, 23).Add(10 * time.Hour)
	year := tariff.Version{ID: "a", Zone: zone, ValidFrom: day(2024, 1, 1), ValidTo: day(2027, 3, 15), Kind: tariff.Tiered, Cycle: tariff.Cycle{Months: 12, Month: 1, Day: 1}}
	next := year
	next.ValidFrom, next.ValidTo = year.ValidTo, time.Time{}
	gone := tariff.Version{ID: "b", Zone: time.UTC, ValidFrom: day(2020, 1, 1), ValidTo: day(2021, 1, 1), Kind: tariff.Flat}
	config := &Config{Tariffs: map[string][]tariff.Version{"a": {year, next}, "b": {gone}}}
	var want []int64
	for m := range 12 {
		want = append(want, day(2026, 12+time.Month(m), 1).UnixMilli())
	}
	want = append(want, day(2027, 3, 15).UnixMilli())
	slices.Sort(want)
	if got := config.Boundaries(now); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := (&Config{}).Boundaries(now); got != nil {
		t.Errorf("got %v, want none without tariffs", got)
	}
}
