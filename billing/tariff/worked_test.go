package tariff_test

import (
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"
)

// The worked numbers of the trade, by the ready tariffs: what a clerk would try first.
func TestReadyTariffsPriceTheWorkedNumbers(t *testing.T) {
	kwh := func(n string) billing.Energy {
		e, err := billing.ParseEnergy(n)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	bands := func(n ...string) (b [tariff.BandsMax]billing.Energy) {
		for i := range n {
			b[i] = kwh(n[i])
		}
		return b
	}
	for _, test := range []struct {
		name, file string
		from, to   string
		usage      rate.Usage
		want       string
	}{
		{"a household crosses the second tier", "shandong-household", "2026-10-01", "2026-11-01",
			rate.Usage{Energy: kwh("260"), CycleBefore: kwh("2430")}, "150.69"},
		{"time of use crosses the third tier", "shandong-household-tou", "2026-10-01", "2026-11-01",
			rate.Usage{Energy: kwh("340"), CycleBefore: kwh("4650"), Bands: bands("210", "130")}, "234.65"},
		{"the same in the heating season", "shandong-household-tou", "2026-12-01", "2027-01-01",
			rate.Usage{Energy: kwh("340"), CycleBefore: kwh("4650"), Bands: bands("210", "0", "130")}, "230.75"},
		{"two-part at 35 kV with demand and power factor", "hubei-two-part-35kv", "2026-01-01", "2026-02-01",
			rate.Usage{Energy: kwh("130000"), Bands: bands("10000", "30000", "50000", "40000"), Facts: &rate.Facts{
				Supplies: []rate.Supply{{Mode: tariff.ByContract, Capacity: 1600e6, Declared: 900e6, Measured: 1000e6}},
				Reactive: kwh("52000"), ReactiveKnown: true,
			}}, "125127.02"},
		{"single-part below 1 kV, as printed", "hubei-single-lv", "2026-01-01", "2026-02-01",
			rate.Usage{Energy: kwh("4000"), Bands: bands("1000", "1000", "1000", "1000")}, "3317.57"},
		{"blocks and VAT on the sum", "johannesburg-prepaid", "2023-09-01", "2023-10-01", rate.Usage{Energy: kwh("520")}, "1321.83"},
		{"the whole consumption in its band", "kenya-domestic", "2025-10-01", "2025-11-01", rate.Usage{Energy: kwh("64")}, "1666.69"},
		{"the 30th kWh", "kenya-domestic", "2025-10-01", "2025-11-01", rate.Usage{Energy: kwh("30")}, "623.00"},
		{"the 31st costs 184", "kenya-domestic", "2025-10-01", "2025-11-01", rate.Usage{Energy: kwh("31")}, "807.30"},
		{"a mini-grid's month", "mini-grid", "2025-06-01", "2025-07-01", rate.Usage{Energy: kwh("2"), Facts: &rate.Facts{}}, "5000.00"},
		{"a tenant's month", "uk-landlord", "2026-04-01", "2026-05-01", rate.Usage{Energy: kwh("120.5")}, "48.38"},
	} {
		t.Run(test.name, func(t *testing.T) {
			versions := parseFile(t, "../../configs/tariffs/"+test.file+".yaml")
			for _, day := range []struct {
				text string
				to   *time.Time
			}{{test.from, &test.usage.From}, {test.to, &test.usage.To}} {
				at, err := time.ParseInLocation(time.DateOnly, day.text, versions[0].Zone)
				if err != nil {
					t.Fatal(err)
				}
				*day.to = at
			}
			v, err := tariff.At(versions, test.usage.From)
			if err != nil {
				t.Fatal(err)
			}
			charge, err := rate.Estimate(v, test.usage)
			if err != nil {
				t.Fatal(err)
			}
			if got := charge.Total.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if !v.ByEnergyAlone() {
				return
			}
			// Audit rule A20 would let it pass: within the range, a fen for each line of rounding.
			low, high := v.PriceRange()
			least, err1 := billing.MulRound(test.usage.Energy, low, billing.MoneyDecimals)
			most, err2 := billing.MulRound(test.usage.Energy, high, billing.MoneyDecimals)
			if err1 != nil || err2 != nil || charge.Total < least-1000 || charge.Total > most+1000 {
				t.Errorf("%s is outside %s to %s", charge.Total, least, most)
			}
		})
	}
}
