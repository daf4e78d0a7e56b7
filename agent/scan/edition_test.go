package scan

import (
	"slices"
	"testing"
	"testing/synctest"

	"feikong/firmware-sim/meter"
)

func TestMetersOfBothEditionsAreFoundOnOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulated(t, config(1),
			born(t, "101", meter.Config{}), born(t, "202", meter.Config{Baud: 9600}),
			born(t, "303", meter.Config{Baud: 1200, Edition: meter.Edition1997, EnergymWh: 7_770_000}),
			born(t, "404", meter.Config{Parity: "none"}))
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{2400, "even"}, {9600, "even"}, {1200, "even"}, {2400, "none"}}}, Watcher{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]Framing{"000000000101": {2400, "even"}, "000000000202": {9600, "even"}, "000000000303": {1200, "even"}, "000000000404": {2400, "none"}}
		for _, f := range r.Found {
			if want[f.Address] != f.Framing || (f.Edition == "1997") != (f.Address == "000000000303") {
				t.Errorf("got %+v", f)
			}
			if f.Edition == "1997" && f.Energy != "7.77" {
				t.Errorf("got %s kWh of a meter of 1997", f.Energy)
			}
			delete(want, f.Address)
		}
		if len(want) > 0 {
			t.Errorf("missed %v", want)
		}
	})
}

func TestMeterThatAnswersWithTheWildcardIsFoundByItsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(1)
		cfg.Baud = 1200
		l := simulated(t, cfg, born(t, "12", meter.Config{Edition: meter.Edition1997, WildReply: true}), born(t, "13", meter.Config{Edition: meter.Edition1997}))
		r, err := Run(t.Context(), l, Options{DLT645: []Framing{{}}}, Watcher{})
		if got := found(r); err != nil || !slices.Equal(got, []string{"000000000012", "000000000013"}) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
