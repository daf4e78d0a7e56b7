package rate_test

import (
	"testing"

	"feikong/billing"
	"feikong/billing/rate"
	"feikong/billing/tariff"

	"github.com/google/go-cmp/cmp"
)

func explained(t *testing.T, v *tariff.Version, u rate.Usage, lang string, want ...string) {
	t.Helper()
	c, err := rate.Estimate(v, u)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c.Explain(lang)); diff != "" {
		t.Error(diff)
	}
}

func TestExplainComposed(t *testing.T) {
	tou := householdTOU(t)
	tou.Document = "鲁发改价格〔2019〕509号"
	tou.Components[0].Name = billing.Name{ZH: "居民电费", EN: "household"}
	tou.Bands[1].Name = billing.Name{ZH: "夜间"}
	explained(t, tou, used(t, "4650", "210", "130"), "zh",
		"本阶梯周期此前已用 4650 千瓦时",
		"居民电费·高峰：210 千瓦时 × 0.5769 = 121.149，四舍五入为 121.15（鲁发改价格〔2019〕509号）",
		"居民电费·夜间：130 千瓦时 × 0.3769 = 48.997，四舍五入为 49.00（鲁发改价格〔2019〕509号）",
		"居民电费·第 2 档加价：150 千瓦时 × 0.0500 = 7.50（鲁发改价格〔2019〕509号）",
		"居民电费·第 3 档加价：190 千瓦时 × 0.3000 = 57.00（鲁发改价格〔2019〕509号）",
		"合计 234.65",
		"本阶梯周期现已用 4990 千瓦时，处于第 3 档")

	industry := hubei(t, basicOf(t), factor90)
	industry.Components = append(industry.Components[:1], industry.Components[3:]...)
	u := plant(t)
	u.Facts.ToDate = true
	u.Facts.Supplies[0].Days, u.Facts.Supplies[0].MonthDays = 10, 31
	explained(t, industry, u, "en",
		"energy, sharp: 10000 kWh × 1.030199 = 10301.99 (doc 1)",
		"energy, peak: 30000 kWh × 0.827161 = 24814.83 (doc 1)",
		"energy, flat: 50000 kWh × 0.632086 = 31604.30 (doc 1)",
		"energy, valley: 40000 kWh × 0.413124 = 16524.96 (doc 1)",
		"levy.renewable: 130000 kWh × 0.0190 = 2470.00; already in the prices above, not charged again (doc 1)",
		"basic charge, contract demand: 10/30 of 900 kW × 42.0000 = 12600.00; the declared demand counts as at least 40 % of the transformers' kVA (doc 1)",
		"basic charge, demand above the contract: 10/30 of 55 kW × 84.0000 = 1540.00; what is above 105 % of the declared demand, at 2 times the price (doc 1)",
		"power-factor adjustment: power factor 0.93, standard 0.90; base 94916.08 without government funds of 2470.00: × -0.45 % = -427.12236, rounded to -427.12 (doc 1)",
		"total 96958.96",
		"demand and power factor are to date: the charge of the whole month may differ")

	explained(t, johannesburg(t), may(0, kwh(t, "520.123")), "en",
		"0 kWh used in the tier cycle before",
		"energy, tier 1: 350 kWh × 2.0967 = 733.845 (doc 1)",
		"energy, tier 2: 150 kWh × 2.4051 = 360.765 (doc 1)",
		"energy, tier 3: 20.123 kWh × 2.7405 = 55.1470815 (doc 1)",
		"vat: 1149.76 × 15 % = 172.464, rounded to 172.46 (doc 1)",
		"sum of the lines 1149.7570815, rounded to 1149.76 with taxes of 172.46",
		"total 1322.22",
		"520.123 kWh used in the tier cycle now: tier 3")
}

func TestExplainRules(t *testing.T) {
	supplies := func(s ...rate.Supply) rate.Usage {
		u := may(0, kwh(t, "1000000"))
		u.Facts = &rate.Facts{Supplies: s, ReactiveKnown: true}
		return u
	}
	basic := composed(basicOf(t), factor90)
	basic.Document = ""
	explained(t, basic, supplies(rate.Supply{Mode: tariff.ByCapacity, Capacity: quantity(t, "1600")},
		rate.Supply{Mode: tariff.ByMeasured, Capacity: quantity(t, "800"), Measured: quantity(t, "500")}), "zh",
		"基本电费·按容量：1600 千伏安 × 26.3000 = 42080.00",
		"基本电费·第 2 路实际最大需量：500 千瓦 × 37.8000 = 18900.00；每千伏安满 260 千瓦时，电价 × 0.9",
		"力调电费：功率因数 1.00，标准 0.90；基数 60980.00（不含政府性基金 0.00）× -0.75 % = -457.35",
		"合计 60522.65")
	explained(t, basic, supplies(rate.Supply{Mode: tariff.ByCapacity, Capacity: quantity(t, "1600")},
		rate.Supply{Mode: tariff.ByContract, Capacity: quantity(t, "800"), Declared: quantity(t, "400"), Measured: quantity(t, "421")}), "en",
		"basic charge, by capacity: 1600 kVA × 26.3000 = 42080.00",
		"basic charge, contract demand of incoming line 2: 400 kW × 37.8000 = 15120.00; the declared demand counts as at least 40 % of the transformers' kVA; price × 0.9 from 260 kWh for each kVA on",
		"basic charge, demand above the contract of incoming line 2: 1 kW × 75.6000 = 75.60; what is above 105 % of the declared demand, at 2 times the price; price × 0.9 from 260 kWh for each kVA on",
		"power-factor adjustment: power factor 1.00, standard 0.90; base 57275.60 without government funds of 0.00: × -0.75 % = -429.567, rounded to -429.57",
		"total 56846.03")

	fixed := composed(
		energyOf(tariff.EnergyPrice{Prices: prices(t, "1"), Free: &tariff.Free{PerMonth: kwh(t, "15")}}),
		tariff.Component{Kind: tariff.FixedCharge, Code: "meter", Name: billing.Name{EN: "meter rent"}, Fixed: &tariff.Fixed{PerMonth: price(t, "1.05"), Prorate: true}},
		tariff.Component{Kind: tariff.FixedCharge, Code: "day", Fixed: &tariff.Fixed{PerDay: price(t, "0.5")}},
		tariff.Component{Kind: tariff.TaxCharge, Code: "vat", Percent: &tariff.Percent{Rate: 55, ByLine: true}})
	u := may(0, kwh(t, "20"))
	u.To = u.From.AddDate(0, 0, 10)
	explained(t, fixed, u, "en",
		"energy, free: 15 kWh × 0.0000 = 0.00 (doc 1)",
		"energy: 5 kWh × 1.0000 = 5.00 (doc 1)",
		"meter rent: 10/31 of 1 months × 1.0500 = 0.33870967741935, rounded to 0.34 (doc 1)",
		"day: 10 days × 0.5000 = 5.00 (doc 1)",
		"vat: 10.34 × 0.0055 % = 0.0005687, rounded to 0.00; rounded on each line (doc 1)",
		"total 10.34")

	odd := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "0.000001")}), tariff.Component{Kind: tariff.PercentCharge, Code: "discount", Percent: &tariff.Percent{Rate: -100_000}})
	odd.Bands, odd.Rounding = bands("spike"), tariff.RoundSum
	odd.Components[0].Energy.Prices = prices(t, "0.50000001")
	explained(t, odd, used(t, "0", "1.5"), "zh",
		"电度电费·spike：1.5 千瓦时 × 0.50000001 = 0.750000015（doc 1）",
		"discount：0.75 × -10 % = -0.075（doc 1）",
		"各行之和 0.675000015，四舍五入为 0.68",
		"合计 0.68")
}

// A sum below zero reads as one.
func TestExplainCredit(t *testing.T) {
	v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "0.5")}), tariff.Component{Kind: tariff.PercentCharge, Code: "discount", Percent: &tariff.Percent{Rate: -1_500_000}})
	v.Rounding = tariff.RoundSum
	explained(t, v, may(0, kwh(t, "1.01")), "en",
		"energy: 1.01 kWh × 0.5000 = 0.505 (doc 1)", "discount: 0.51 × -150 % = -0.765 (doc 1)", "sum of the lines -0.26, rounded to -0.26", "total -0.26")
}

func TestExplainTellsTheLoss(t *testing.T) {
	u := may(0, kwh(t, "40"))
	u.Facts = &rate.Facts{Loss: kwh(t, "2")}
	v := composed(energyOf(tariff.EnergyPrice{Prices: prices(t, "1")}))
	explained(t, v, u, "en", "2 kWh lost in the transformer are in the energy", "energy: 42 kWh × 1.0000 = 42.00 (doc 1)", "total 42.00")
	explained(t, v, u, "zh", "电量中含变压器损耗 2 千瓦时", "电度电费：42 千瓦时 × 1.0000 = 42.00（doc 1）", "合计 42.00")
}
