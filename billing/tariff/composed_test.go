package tariff_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"feikong/billing"
	"feikong/billing/calendar"
	"feikong/billing/tariff"
	"feikong/internal/document"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func everything(t testing.TB) *tariff.Version {
	t.Helper()
	versions, err := tariff.Parse("everything.yaml", read(t, "everything.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return &versions[0]
}

func TestParseReadsEveryKeyOfAComposedVersion(t *testing.T) {
	v := everything(t)
	if v.Kind != tariff.Composed || v.Calendar != "cn" || !v.NewOwnerRestarts || v.Remainder != 1 || v.RemainderLimit != 2*billing.KWh || v.RemainderShare != 2500 ||
		v.Split != (tariff.Split{Quantum: billing.KWh}) || v.Rounding != tariff.RoundLine || v.Cycle.Months != 1 {
		t.Errorf("got %+v", v)
	}
	if diff := cmp.Diff(&tariff.Late{SameYear: 2000, Later: 3000, Minimum: 10_000}, v.Late); diff != "" {
		t.Error(diff)
	}
	var codes []string
	for i := range v.Components {
		codes = append(codes, v.Components[i].Code)
	}
	if diff := cmp.Diff([]string{"household", "lamps", "energy", "funds", "fuel", "basic", "access", "meter", "factor", "discount", "surcharge", "vat", "tax"}, codes); diff != "" {
		t.Error(diff)
	}
	want := &tariff.EnergyPrice{
		Prices: []billing.Price{90_000_000, 42_362_500, 120_000_000},
		Built: &tariff.Built{
			Floating: []tariff.PricePart{{Name: billing.Name{ZH: "购电", EN: "purchase"}, Price: 40_000_000}, {Name: billing.Name{EN: "surplus"}, Price: -1_000_000}},
			Fixed:    []tariff.PricePart{{Name: billing.Name{EN: "funds"}, Price: 3_000_000, Fund: true}},
			Ratios:   []int64{2_200_000, 1_000_000, 3_000_000}, Decimals: 6,
		},
		Tiers: []tariff.Tier{{UpTo: 200 * billing.KWh}, {UpTo: 400 * billing.KWh, Adder: 5_000_000}, {Adder: 30_000_000}},
		Mode:  tariff.TierBanded,
		Limits: &tariff.Limits{
			DaysInService: true, HouseholdFrom: 5, HouseholdExtra: 100 * billing.KWh,
		},
		Free: &tariff.Free{PerDay: billing.KWh / 2, Stack: 3 * billing.KWh / 2, Counted: true, Fact: "low-income"},
	}
	for m := 4; m < 10; m++ {
		want.Limits.ByMonth[m] = []billing.Energy{260 * billing.KWh, 600 * billing.KWh}
	}
	want.Limits.ByMonth[10] = []billing.Energy{1e9 * billing.KWh, 2e9 * billing.KWh}
	if diff := cmp.Diff(want, v.Components[2].Energy); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&tariff.Basic{PerKVA: 2_630_000_000, PerKW: 4_200_000_000, Tolerance: 1_050_000, Excess: 2_000_000, Floor: 400_000,
		HighUse: 260 * billing.KWh, HighFactor: 900_000, DaysOfMonth: 30}, v.Components[5].Basic); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&tariff.Percent{Rate: 130_000, Of: []string{"energy", "basic"}, ByLine: true}, v.Components[11].Percent); diff != "" {
		t.Error(diff)
	}
	if got := v.Components[9].Percent.Rate; got != -50_000 {
		t.Errorf("got a discount of %d", got)
	}
}

// The same tariff written as JSON, with tabs, is the same version to the last bit of its hash.
func TestJSONIsTheSameDocument(t *testing.T) {
	files, err := filepath.Glob("../../configs/tariffs/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d tariffs, %v", len(files), err)
	}
	for _, file := range append(files, "testdata/everything.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := tariff.Parse("yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := yaml.Unmarshal(data, &tree); err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(asWritten(t, data), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tariff.Parse("json", text)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for i := range want {
			if got[i].Hash != want[i].Hash {
				t.Errorf("%s: version %d has another hash as JSON", file, want[i].Number)
			}
		}
	}
}

// asWritten is a YAML document as maps and texts: numbers keep their spelling.
func asWritten(t testing.TB, data []byte) any {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	var of func(n *yaml.Node) any
	of = func(n *yaml.Node) any {
		switch n.Kind {
		case yaml.MappingNode:
			m := map[string]any{}
			for i := 0; i+1 < len(n.Content); i += 2 {
				m[n.Content[i].Value] = of(n.Content[i+1])
			}
			return m
		case yaml.SequenceNode:
			list := []any{}
			for _, c := range n.Content {
				list = append(list, of(c))
			}
			return list
		}
		switch n.Tag {
		case "!!int", "!!float":
			return json.Number(n.Value)
		case "!!bool":
			return n.Value == "true"
		}
		return n.Value
	}
	return of(root.Content[0])
}

func TestComposedFaultsHaveLineAndRemedy(t *testing.T) {
	all := string(read(t, "everything.yaml"))
	lineOf := func(text string) int {
		i := strings.Index(all, text)
		if i < 0 {
			t.Fatalf("no %q in the document", text)
		}
		return 1 + strings.Count(all[:i], "\n")
	}
	for _, test := range []struct {
		name, old, new string
		at             string // the text whose line is named; empty: old
		want           string
	}{
		// bands and schedule
		{"overlap of bands", "[07:30-11:30, 14:00-22:00]", "[07:30-12:00, 14:00-22:00]", "", "overlap: hot-peak and peak both have 11:30-12:00"},
		{"hole of the day", "[07:30-11:30, 14:00-22:00]", "[08:30-11:30, 14:00-21:00]", "- months: [5, 6", "gap: no band has 07:30-08:30; add the span to a band, or write at: [rest]"},
		{"hole to the end", "[22:00-07:30]", "[00:00-07:30]", "- months: [5, 6", "gap: no band has 22:00-24:00"},
		{"quarter of an hour", "[11:30-14:00]", "[11:15-14:00]", "", `"11:15-14:00" is not a span of the day; write it like 07:30-09:00`},
		{"beyond the day", "[11:30-14:00]", "[11:30-24:30]", "", "is not a span of the day"},
		{"at the end of the day", "[11:30-14:00]", "[24:00-14:00]", "", "begins at 24:00; write 00:00"},
		{"empty span", "[11:30-14:00]", "[11:30-11:30]", "", "is empty; for the whole day write 00:00-24:00"},
		{"no span", "[11:30-14:00]", "[noon]", "", "is not a span"},
		{"half a span", "[11:30-14:00]", "[11:30-1400]", "", "is not a span"},
		{"no hours", "- {band: hot-peak, at: [11:30-14:00]}", "- {band: hot-peak}", "", "band hot-peak: at is missing"},
		{"two rests", "- {band: peak, at: [07:30-22:00]}", "- {band: peak, at: [rest]}", "          - {band: valley, at: [rest]}", "overlap: the rest is given on line"},
		{"rest of nothing", "- {band: peak, at: [07:30-22:00]}", "- {band: peak, at: [00:00-24:00]}", "          - {band: valley, at: [rest]}", "overlap: nothing is left for valley"},
		{"unknown band", "- {band: hot-peak, at:", "- {band: hot, at:", "", `band "hot" is not one of the version's: peak, valley, hot-peak`},
		{"nameless hours", "- {band: hot-peak, at:", "- {at:", "", "band is missing; give one of peak, valley, hot-peak"},
		{"unused band", "- {band: hot-peak, at: [11:30-14:00]}", "- {band: peak, at: [11:30-14:00]}", "- {code: hot-peak", "gap: band hot-peak is in no table of the schedule"},
		{"two tables for a day", "days: [workday, hot]", "days: [workday]", "- days: [workday]\n", "overlap: this table and the one on line"},
		{"two hot tables", "      - days: [workday]\n", "      - months: [5]\n        days: [hot]\n        hours: [{band: peak, at: [00:00-24:00]}]\n      - days: [workday]\n", "", "both hold on a hot sun of month 5 that is a workday"},
		{"no table for a day", "weekdays: [sun, mon, tue, wed, thu, fri]", "weekdays: [sun, mon, tue, wed, thu]", "- months: [5, 6", "gap: no table holds on a fri of month 1 that is a weekend"},
		{"no such month", "months: [5, 6, 7, 8, 9]\n", "months: [5, 6, 7, 8, 13]\n", "", "months: 13 is no month; give 1 to 12"},
		{"month twice", "months: [5, 6, 7, 8, 9]\n", "months: [5, 6, 7, 8, 8]\n", "", "months: 8 stands here twice"},
		{"no such weekday", "weekdays: [sat]", "weekdays: [saturday]", "", `weekdays: "saturday" is not one of sun, mon`},
		{"weekday twice", "weekdays: [sat]", "weekdays: [sat, sat]", "", "weekdays: sat stands here twice"},
		{"no such day", "days: [workday, hot]", "days: [workday, warm]", "", `days: "warm" is not one of workday, weekend, holiday, hot`},
		{"missing calendar", "    calendar: cn\n", "", "schedule:", "calendar is missing; days are told apart by a holiday calendar"},
		{"calendar with blanks", "calendar: cn", "calendar: \"c n\"", "", `calendar: "c n"; give the id of a calendar document`},
		{"band twice", "code: valley, register: 4", "code: peak, register: 4", "", "band peak stands here twice"},
		{"band's code", "code: valley, register: 4", "code: Valley, register: 4", "", `band code: "Valley"; use lower-case letters`},
		{"band without code", "{code: valley, register: 4}", "{register: 4}", "", `band code: ""`},
		{"register", "register: 4", "register: 64", "", "band valley: register is 64; give 1 to 63"},
		{"register twice", "register: 4", "register: 2", "", "band valley: register 2 counts peak already, in the same months"},
		{"no remainder", "    remainder: {band: valley, limit: 2, share: 0.25%}\n", "", "- number: 1", "remainder is missing; name the band"},
		{"remainder of no band", "remainder: {band: valley,", "remainder: {band: tail,", "", `band "tail" is not one of`},
		{"remainder's limit", "limit: 2, share", "limit: -2, share", "", "remainder: limit -2 kWh is negative"},
		{"remainder's share", "share: 0.25%", "share: 125%", "", "remainder: share is 1.25; give 0 to 1"},

		// prices
		{"negative price", "price: 0.9}", "price: -0.9}", "", "band peak: price: price -0.9000 is negative; give zero or more"},
		{"nine decimals", "price: 0.9}", "price: 0.123456789}", "", "too many decimals"},
		{"price out of this world", "price: 0.9}", "price: 1000000001}", "", "is beyond 1000000000.0000; check the decimal point"},
		{"no price of a band", "            - {band: hot-peak, price: 1.2}\n", "", "name: {zh: 电费, en: Energy}", "gap: band hot-peak has no price"},
		{"price twice", "- {band: hot-peak, price: 1.2}", "- {band: peak, price: 1.2}", "", "overlap: band peak has a price on line"},
		{"band price without price", "- {band: hot-peak, price: 1.2}", "- {band: hot-peak}", "", "band hot-peak: price is missing"},
		{"price of no band", "- {band: hot-peak, price: 1.2}", "- {band: dawn, price: 1.2}", "", `band "dawn" is not one of`},
		{"price and prices", "          notation: banded\n", "          notation: banded\n          price: 1\n", "          tiers:\n", "price and prices stand side by side"},
		{"no price at all", "          price: 0.5550\n", "", "code: household", "an energy component has no price; give price, prices by band, built, or tiers"},
		{"negative single price", "price: 0.5550", "price: -0.5550", "", "price: price -0.5550 is negative"},

		// built
		{"a fund that floats", "- {name: {zh: 购电, en: purchase}, price: 0.4}", "- {name: {zh: 购电, en: purchase}, price: 0.4, fund: true}", "", "a government fund does not float"},
		{"nothing floats", "            floating:\n              - {name: {zh: 购电, en: purchase}, price: 0.4}\n              - {name: {en: surplus}, price: -0.01}\n", "            floating: []\n", "floating:", "built: floating is empty"},
		{"part without name", "{name: {en: surplus}, price: -0.01}", "{price: -0.01}", "", "a part has no name"},
		{"part without price", "{name: {en: surplus}, price: -0.01}", "{name: {en: surplus}}", "", "a part has no price"},
		{"part out of this world", "price: -0.01}", "price: -1000000001}", "", "is beyond"},
		{"negative fund", "price: 0.03, fund: true}\n            ratios", "price: -0.03, fund: true}\n            ratios", "{name: {en: funds}", "the fund's price -0.0300 is negative"},
		{"no decimals", "            decimals: 6\n", "", "floating:", "built: decimals is missing"},
		{"nine decimals of a product", "            decimals: 6\n", "            decimals: 9\n", "", "built: decimals is 9; give 0 to 8"},
		{"no ratio of a band", "              - {band: hot-peak, ratio: 3}\n", "", "floating:", "gap: band hot-peak has no ratio"},
		{"band without ratio", "{band: hot-peak, ratio: 3}", "{band: hot-peak}", "", "band hot-peak: ratio is missing"},
		{"ratio twice", "{band: hot-peak, ratio: 3}", "{band: peak, ratio: 3}", "", "overlap: band peak has a ratio on line"},
		{"ratio of no band", "{band: hot-peak, ratio: 3}", "{band: dawn, ratio: 3}", "", `band "dawn" is not one of`},
		{"negative ratio", "ratio: 3}", "ratio: -3}", "", "band hot-peak: ratio is -3; give 0 to 100"},
		{"ratio of words", "ratio: 3}", "ratio: triple}", "", "write it like 0.15 or 15%"},
		{"percent of words", "ratio: 3}", "ratio: x%}", "", "write it like 15%, at most 4 decimals"},

		// tiers
		{"falling limit", "up_to: 400, adder", "up_to: 100, adder", "", "tier 2: limit 100 kWh is not above 200"},
		{"gap of tiers", "{over: 400, adder", "{over: 500, adder", "", "gap: tier 3 begins over 500 kWh"},
		{"limit out of this world", "up_to: 400, adder", "up_to: 1000000001, adder", "", "tier 2: limit 1000000001 kWh is beyond"},
		{"tier with price and prices", "{over: 400, adder: 0.30}", "{over: 400, price: 0.30}", "", "tier 3: the component has prices already; write adder"},
		{"tier without adder", "{over: 400, adder: 0.30}", "{over: 400}", "", "tier 3 has no adder"},
		{"first adder", "{up_to: 200, adder: 0}", "{up_to: 200, adder: 0.01}", "", "tier 1: adder 0.0100; the first tier adds 0"},
		{"adder out of this world", "adder: 0.30}", "adder: -1000000001}", "", "is beyond"},
		{"negative price by adder", "adder: 0.30}", "adder: -0.45}", "", "tier 3: adder -0.4500 makes the price for valley 0.423625 negative"},
		{"notation", "notation: banded", "notation: stepped", "", `notation is "stepped"; give banded, incremental or whole`},
		{"no notation", "          notation: banded\n", "", "name: {zh: 电费, en: Energy}", `notation is ""; give banded, incremental or whole`},
		{"notation without tiers", "          price: 0.7\n", "          price: 0.7\n          notation: banded\n", "          share: {amount: 20}", "notation stands here, but there are no tiers"},
		{"limits without tiers", "          price: 0.7\n", "          price: 0.7\n          limits: {in_service: days}\n", "          share: {amount: 20}", "limits stand here, but there are no tiers"},
		{"tiers of a share", "          price: 0.7\n", "          price: 0.7\n          notation: banded\n          tiers: [{adder: 0}]\n", "          name: {zh: 电费, en: Energy}", "share and tiers stand side by side"},
		{"no tiers in the list", "          price: 0.7\n", "          price: 0.7\n          notation: banded\n          tiers: []\n", "code: lamps", "tiers is empty"},
		{"no cycle", "    cycle: {month: 1, day: 1, months: 1}\n", "", "- number: 1", "cycle is missing; tiers begin anew each cycle"},
		{"impossible cycle", "cycle: {month: 1, day: 1, months: 1}", "cycle: {month: 1, day: 31, months: 1}", "", "cycle day is 31"},
		{"yearly cycle with seasons", "cycle: {month: 1, day: 1, months: 1}", "cycle: {month: 1, day: 1, months: 12}", "{months: [5, 6, 7, 8, 9, 10]", "seasons need a cycle of one month, this one has 12"},
		{"in_service", "in_service: days", "in_service: weeks", "", `in_service is "weeks"; give months or days`},
		{"household of none", "household: {from: 5,", "household: {from: 0,", "", "household: from is 0 persons"},
		{"household of nothing", "extra: 100}", "extra: 0}", "", "household: extra is 0 kWh a month"},
		{"season without months", "{months: [5, 6, 7, 8, 9, 10], up_to", "{up_to", "{months: [5, 6, 7, 8, 9, 10]", "season: months is missing"},
		{"season of another month", "{months: [11], no_tiers", "{months: [0], no_tiers", "", "months: 0 is no month"},
		{"season twice", "{months: [11], no_tiers", "{months: [10], no_tiers", "", "overlap: month 10 has limits already"},
		{"season's limits", "up_to: [260, 600]", "up_to: [260]", "", "season: up_to has 1 limit, the 3 tiers need 2"},
		{"season's missing limits", ", up_to: [260, 600]}", "}", "", "season: up_to has 0 limits, the 3 tiers need 2"},
		{"season's falling limits", "up_to: [260, 600]", "up_to: [260, 200]", "", "season: limit 200 kWh is not above 260; limits must rise"},
		{"season with and without", "no_tiers: true}", "no_tiers: true, up_to: [1, 2]}", "", "no_tiers and up_to contradict each other"},
		{"empty limits", "            in_service: days\n            household: {from: 5, extra: 100}\n            seasons:\n              - {months: [5, 6, 7, 8, 9, 10], up_to: [260, 600]}\n              - {months: [11], no_tiers: true}\n", "            seasons: []\n", "in_service", "limits is empty"},

		// free and share
		{"free by day and month", "{per_day: 0.5, stack", "{per_day: 0.5, per_month: 15, stack", "", "free: give per_month or per_day, one of them"},
		{"free of nothing", "{per_day: 0.5, stack", "{per_day: 0, stack", "", "the kWh must be above zero"},
		{"small stack", "stack: 1.5", "stack: 0.4", "", "free: stack 0.4 kWh is less than one day's 0.5"},
		{"stack of a month", "{per_day: 0.5, stack", "{per_month: 0.5, stack", "", "free: stack goes with per_day"},
		{"fact", "fact: low-income", "fact: Low Income", "", `free: fact "Low Income"`},
		{"free of a share", "          price: 0.7\n", "          price: 0.7\n          free: {per_month: 1}\n", "          share: {amount: 20}", "free and share stand side by side"},
		{"counted without tiers", "          price: 0.7\n", "          price: 0.7\n          free: {per_month: 1, counted: true}\n", "          share: {amount: 20}", "counted, but the component has no tiers"},
		{"share of both", "share: {amount: 20}", "share: {amount: 20, ratio: 1%}", "", "share: give ratio (定比) or amount (定量)"},
		{"share of nothing", "share: {amount: 20}", "share: {amount: 0}", "", "share: amount is 0 kWh"},
		{"share of too much", "share: {ratio: 8%}", "share: {ratio: 108%}", "", "share: ratio is 1.08"},
		{"shares of too much", "share: {amount: 20}", "share: {ratio: 93%}", "", "the shares add up to more than the energy"},
		{"overlap of energies", "          share: {amount: 20}\n", "", "      - energy:\n          name: {zh: 电费, en: Energy}", "overlap: a second energy component without share"},

		// components
		{"empty component", "      - levy: {code: fuel, price: 0.01}\n", "      - {}\n", "- levy: {code: fuel", "a component is empty; give it one of energy, levy"},
		{"two blocks", "      - fixed: {code: access, per_month: 2, prorate: true}\n", "      - fixed: {code: access, per_month: 2}\n        levy: {price: 1}\n", "", "a component has 2 blocks; begin each with a dash"},
		{"misspelt block", "- levy: {code: fuel", "- levi: {code: fuel", "", `unknown key "levi", nearest is "levy"`},
		{"key of another block", "{code: fuel, price: 0.01}", "{code: fuel, price: 0.01, tiers: []}", "", `unknown key "tiers"`},
		{"code twice", "code: fuel", "code: funds", "", `code "funds" is taken by the component on line`},
		{"code", "code: fuel", "code: fuel.cost", "", `code: "fuel.cost"; use lower-case letters`},
		{"levy without price", "{code: fuel, price: 0.01}", "{code: fuel}", "", "levy: price is missing"},
		{"negative levy", "{code: fuel, price: 0.01}", "{code: fuel, price: -0.01}", "", "levy: price: price -0.0100 is negative"},
		{"basic without price", "          per_kva: 26.3\n          per_kw: 42\n", "", "name: {zh: 基本电费, en: Basic}", "basic: no price; give per_kva, per_kw or both"},
		{"negative capacity", "per_kva: 26.3", "per_kva: -26.3", "", "basic: per_kva: price -26.3000 is negative"},
		{"negative demand", "per_kw: 42", "per_kw: -42", "", "basic: per_kw: price -42.0000 is negative"},
		{"demand rules without demand", "          per_kw: 42\n", "", "          per_kw: 42\n", "basic: tolerance belongs to demand, but per_kw is missing"},
		{"tolerance", "tolerance: 1.05", "tolerance: 0.95", "", "basic: tolerance is 0.95; give 1 to 10"},
		{"excess", "excess: 2", "excess: -2", "", "basic: excess is -2"},
		{"floor", "floor: 0.4", "floor: 40", "", "basic: floor is 40; give 0 to 1"},
		{"high use of nothing", "kwh_per_kva: 260", "kwh_per_kva: 0", "", "high_use: kwh_per_kva is 0"},
		{"high use for nothing", "factor: 90%}", "factor: 0}", "", "high_use: factor is 0"},
		{"days of a month", "days_of_month: 30", "days_of_month: 365", "", "basic: days_of_month is 365; give 28 to 31"},
		{"fixed by both", "per_month: 2, prorate", "per_month: 2, per_day: 1, prorate", "", "fixed: give per_day or per_month, one of them"},
		{"prorated days", "per_day: 0.05}", "per_day: 0.05, prorate: true}", "", "fixed: prorate goes with per_month"},
		{"negative day", "per_day: 0.05}", "per_day: -0.05}", "", "fixed: per_day: price -0.0500 is negative"},
		{"negative month", "per_month: 2,", "per_month: -2,", "", "fixed: per_month: price -2.0000 is negative"},
		{"nothing fixed", "per_day: 0.05}", "per_day: 0}", "", "fixed: the sum is 0"},
		{"standard", "standard: 0.90", "standard: 0.95", "", `factor: standard is "0.95"; give 0.90, 0.85 or 0.80`},
		{"unknown line", "of: [energy, basic]}\n      - percent", "of: [energy, basics]}\n      - percent", "- factor:", `factor of an unknown line: no component above has the code "basics"; there are household, lamps, energy`},
		{"percent of an unknown line", "rate: -5%, of: [energy]", "rate: -5%, of: [power]", "", `percent of an unknown line: no component above has the code "power"`},
		{"percent of a later line", "rate: -5%, of: [energy]", "rate: -5%, of: [vat]", "", `no component above has the code "vat"`},
		{"line twice", "rate: -5%, of: [energy]", "rate: -5%, of: [energy, energy]", "", "energy stands in of twice"},
		{"no rate", "{code: surcharge, rate: 0.01}", "{code: surcharge}", "", "rate is missing; give one, such as 5%"},
		{"discount above all", "rate: -5%", "rate: -105%", "", "rate is -1.05; give -1 to 10"},
		{"negative tax", "- tax: {rate: 1%}", "- tax: {rate: -1%}", "", "tax: rate -0.01 is negative"},
		{"tax without rate", "- tax: {rate: 1%}", "- tax: {of: [energy]}", "", "rate is missing"},
		{"tax by line of the sum", "rounding: line", "rounding: sum", "- tax: {code: vat", "tax: by_line, but the version rounds the sum"},

		// the version
		{"rounding", "rounding: line", "rounding: total", "", `rounding is "total"; give line`},
		{"negative quantum", "quantum: 1}", "quantum: -1}", "", "split: quantum -1 kWh is negative"},
		{"quantum of nothing", "{quantum: 1}", "{quantum: 1, forbid: true}", "", "split: forbid and quantum contradict each other"},
		{"late without rate", "late: {same_year: 0.2%, later", "late: {later", "", "late: same_year is missing"},
		{"late above all", "same_year: 0.2%", "same_year: 200%", "", "late: same_year must lie between 0 and 100% a day"},
		{"later above all", "later: 0.3%", "later: -3%", "", "late: later must lie between 0 and 100% a day"},
		{"late for less than nothing", "minimum: 1}", "minimum: -1}", "", "late: minimum -1.00 is negative"},
		{"late with a tenth of a fen", "minimum: 1}", "minimum: 1.005}", "", "late: minimum 1.005 has more decimals than amounts have, 2"},
		{"owner", "new_owner: restart", "new_owner: reset", "", `new_owner is "reset"; give continue or restart`},
		{"price of the version", "    rounding: line\n", "    rounding: line\n    price: 1\n", "    calendar: cn", "a composed version has its prices in its components"},
		{"notation of the version", "    rounding: line\n", "    rounding: line\n    notation: banded\n", "    calendar: cn", "a composed version has its notation beside the tiers"},
		{"tiers of the version", "    rounding: line\n", "    rounding: line\n    tiers: [{price: 1}]\n", "    calendar: cn", "a composed version has its tiers in an energy component"},
		{"empty tiers of the version", "    rounding: line\n", "    rounding: line\n    tiers: []\n", "- number: 1", "a composed version has its tiers in an energy component"},
		{"impossible date", "valid_from: 2026-01-01", "valid_from: 2026-02-30", "", `"2026-02-30" is not a date`},
		{"composed keys of a flat one", "kind: composed", "kind: flat\n    price: 1", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want == "" {
				return
			}
			if strings.Count(all, test.old) < 1 {
				t.Fatalf("no %q in the document", test.old)
			}
			at := test.at
			if at == "" {
				at = test.old
			}
			line := lineOf(strings.TrimLeft(at, "\n"))
			_, err := tariff.Parse("t.yaml", []byte(strings.Replace(all, test.old, test.new, 1)))
			var fault *document.Error
			if !errors.As(err, &fault) {
				t.Fatalf("got %v, want a fault of the document", err)
			}
			if fault.Line != line || !strings.Contains(fault.Text, test.want) {
				t.Errorf("got %v, want line %d: %s", err, line, test.want)
			}
		})
	}
}

// small is a composed version; more is put into its components and its version.
func small(version, components string) string {
	return "tariff: t\nname: {en: T}\ncurrency: CNY\nutc_offset: \"+08:00\"\nversions:\n  - number: 1\n    valid_from: 2026-01-01\n    document: D\n    decimals: 2\n    kind: composed\n" +
		version + "    components:\n" + components
}

const plain = "      - energy: {price: 0.5}\n"

func TestSmallComposedFaults(t *testing.T) {
	bands := "    bands: [{code: a}, {code: b}]\n    remainder: {band: a}\n"
	for _, test := range []struct{ name, doc, want string }{
		{"no components", small("", "      []\n"), "components is empty"},
		{"components missing", strings.Replace(small("", ""), "    components:\n", "", 1), "components is empty"},
		{"no energy", small("", "      - levy: {price: 0.5}\n"), "gap: no energy component takes what the shares leave"},
		{"shares alone", small("", "      - energy: {price: 0.5, share: {ratio: 50%}}\n"), "gap: no energy component takes what the shares leave"},
		{"percent of nothing", small("", "      - percent: {rate: 5%}\n"), "percent: no component stands above it"},
		{"33 components", small("", plain+strings.Repeat("      - levy: {price: 0.5}\n", 32)), "33 components, at most 32"},
		{"9 bands", small("    bands: ["+strings.Repeat("{code: a}, ", 9)+"]\n", plain), "9 bands, at most 8"},
		{"one band", small("    bands: [{code: a}]\n", plain), "one band alone tells no hours apart"},
		{"remainder without bands", small("    remainder: {band: a}\n", plain), "remainder stands here, but the version has no bands"},
		{"schedule without bands", small("    schedule: [{hours: [{band: a, at: [rest]}]}]\n", plain), "schedule stands here, but the version has no bands"},
		{"calendar without bands", small("    calendar: cn\n", plain), "calendar stands here, but the version has no bands"},
		{"calendar without days", small(bands+"    calendar: cn\n    schedule: [{hours: [{band: a, at: [00:00-12:00]}, {band: b, at: [rest]}]}]\n", plain), "no table of the schedule has days; remove it"},
		{"calendar without schedule", small("    calendar: cn\n    bands: [{code: a, register: 1}, {code: b, register: 2}]\n    remainder: {band: a}\n", plain), "calendar stands here, but there is no schedule"},
		{"neither hours nor registers", small(bands, plain), "schedule is missing and band b has no register"},
		{"registers twice without hours", small("    bands: [{code: a, register: 1}, {code: b, register: 1}]\n    remainder: {band: a}\n", plain), "register 1 counts a already"},
		{"97 tables", small(bands+"    schedule:\n"+strings.Repeat("      - {hours: [{band: a, at: [rest]}]}\n", 97), plain), "97 tables, at most 96"},
		{"cycle without tiers", small("    cycle: {month: 1, day: 1, months: 12}\n", plain), "cycle stands here, but no component has tiers"},
		{"tiers without cycle", small("", "      - energy: {notation: banded, tiers: [{price: 1}]}\n"), "cycle is missing; tiers begin anew each cycle"},
		{"9 tiers", small("", "      - energy: {notation: banded, tiers: ["+strings.Repeat("{price: 1}, ", 9)+"]}\n"), "9 tiers, at most 8"},
		{"tier price out of this world", small("", "      - energy: {notation: banded, tiers: [{price: 1000000001}]}\n"), "is beyond"},
		{"tier price negative", small("", "      - energy: {notation: banded, tiers: [{price: -1}]}\n"), "tier 1: price -1.0000 is negative"},
		{"season of one tier", small("    cycle: {month: 1, day: 1, months: 1}\n", "      - energy: {notation: banded, tiers: [{price: 1}], limits: {seasons: [{months: [1], no_tiers: true}]}}\n"), "season: there is one tier"},
		{"prices without bands", small("", "      - energy: {prices: [{band: a, price: 1}]}\n"), "prices are by band, but the version has no bands"},
		{"price and built", small("", "      - energy: {price: 1, built: {decimals: 6, floating: [{name: {en: a}, price: 1}]}}\n"), "price and built stand side by side"},
		{"ratios without bands", small("", "      - energy: {built: {decimals: 6, floating: [{name: {en: a}, price: 1}], ratios: [{band: a, ratio: 1}]}}\n"), "ratios are by band, but the version has no bands"},
		{"built negative", small("", "      - energy: {built: {decimals: 6, floating: [{name: {en: a}, price: -1}]}}\n"), "built: the price of -1.0000 is outside 0 to"},
		{"built beyond", small("    bands: [{code: a, register: 1}, {code: b, register: 2}]\n    remainder: {band: a}\n",
			"      - energy: {built: {decimals: 6, floating: [{name: {en: a}, price: 1000000000}, {name: {en: b}, price: 1000000000}], ratios: [{band: a, ratio: 100}, {band: b, ratio: 1}]}}\n"), "built: the product is beyond what a price holds"},
		{"33 parts", small("", "      - energy: {built: {decimals: 6, floating: ["+strings.Repeat("{name: {en: a}, price: 1}, ", 33)+"]}}\n"), "built: 33 parts, at most 32"},
		{"fixed part wrong", small("", "      - energy: {built: {decimals: 6, floating: [{name: {en: a}, price: 1}], fixed: [{price: 1}]}}\n"), "a part has no name"},
		{"band of a version without", small("    bands: []\n", "      - energy: {built: {decimals: 6, floating: [{name: {en: a}, price: 1}]}, prices: [{band: a, price: 1}]}\n"), "prices are by band"},
		{"two tier counters", small("    cycle: {month: 1, day: 1, months: 12}\n", "      - energy: {notation: banded, tiers: [{price: 1}]}\n      - energy: {code: two, notation: banded, tiers: [{price: 1}]}\n"), "overlap: a second energy component without share"},
		{"high use without demand", small("", plain+"      - basic: {per_kva: 1, high_use: {kwh_per_kva: 260, factor: 0.9}}\n"), "high_use is a discount on the demand price, but per_kw is missing"},
		{"days without calendar", small(bands+"    schedule: [{days: [holiday], hours: [{band: a, at: [00:00-12:00]}, {band: b, at: [rest]}]}]\n", plain), "calendar is missing"},
		{"weekdays with a hole", small(bands+"    schedule: [{weekdays: [mon, tue, wed, thu, fri], hours: [{band: a, at: [00:00-12:00]}, {band: b, at: [rest]}]}]\n", plain), "gap: no table holds on a sun of month 1 that is a weekend"},
		{"hours of a version without bands", small("", "      - energy: {built: {decimals: 6, floating: [{name: {en: a}, price: 1}]}, share: {ratio: 200%}}\n"), "share: ratio is 2"},
		{"a second counter in a share", small("    cycle: {month: 1, day: 1, months: 12}\n", "      - energy: {notation: banded, tiers: [{price: 1}]}\n      - energy: {code: two, notation: banded, tiers: [{price: 1}], share: {ratio: 1%}}\n"), "share and tiers stand side by side"},
		{"flat with components", strings.Replace(small("", plain), "kind: composed", "kind: flat\n    price: 1", 1), "components belongs to kind: composed, this version is flat"},
		{"flat with a rounding", strings.Replace(flat, "price: 0.5", "price: 0.5, rounding: sum", 1), "rounding belongs to kind: composed"},
		{"flat with a split", strings.Replace(flat, "price: 0.5", "price: 0.5, split: {quantum: 1}", 1), "split belongs to kind: composed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := tariff.Parse("t.yaml", []byte(test.doc))
			var fault *document.Error
			if !errors.As(err, &fault) || fault.Line == 0 || !strings.Contains(fault.Text, test.want) {
				t.Errorf("got %v, want a line and %s", err, test.want)
			}
		})
	}
}

func TestSmallComposedVersions(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		low, high string
	}{
		{"one price", small("", plain), "0.5", "0.5"},
		{"six decimals", small("", "      - energy: {price: 0.423625}\n"), "0.423625", "0.423625"},
		{"one price and adders", small("    cycle: {month: 12, day: 1, months: 12}\n", "      - energy: {price: 0.5, notation: incremental, tiers: [{up_to: 10, adder: 0}, {adder: -0.1}]}\n"), "0.4", "0.5"},
		{"full prices", small("    cycle: {month: 12, day: 1, months: 12}\n", "      - energy: {notation: whole, tiers: [{up_to: 10, price: 1}, {price: 3}]}\n"), "1", "3"},
		{"built without bands", small("", "      - energy: {built: {decimals: 4, floating: [{name: {en: a}, price: 0.12345}], fixed: [{name: {en: b}, price: 0.000001}]}}\n"), "0.123501", "0.123501"},
		{"by the meter's registers", small("    bands: [{code: a, register: 1}, {code: b}]\n    remainder: {band: b}\n", "      - energy: {prices: [{band: a, price: 1}, {band: b, price: 2}]}\n"), "1", "2"},
		{"owner goes on", small("    new_owner: continue\n    split: {forbid: true}\n    late: {same_year: 0.1%}\n", plain), "0.5", "0.5"},
		{"levies and taxes", small("", plain+"      - levy: {price: 0.1}\n      - levy: {code: inside, price: 0.2, included: true}\n      - tax: {rate: 10%}\n"), "0.65999999", "0.66000001"},
		{"discount", small("", plain+"      - percent: {rate: -10%}\n"), "0.44999999", "0.45000001"},
		{"share", small("", plain+"      - energy: {code: other, price: 0.2, share: {ratio: 10%}}\n      - tax: {rate: 10%, of: [energy]}\n"), "0.2", "0.55000001"},
		{"tax on both", small("", plain+"      - energy: {code: other, price: 0.2, share: {ratio: 10%}}\n      - tax: {rate: 10%}\n"), "0.21999999", "0.55000001"},
		{"free", small("", "      - energy: {price: 0.5, free: {per_month: 10}}\n"), "0", "0.5"},
		{"midnight ends a span", small("    bands: [{code: a}, {code: b}]\n    remainder: {band: a}\n    schedule: [{hours: [{band: a, at: [22:00-00:00]}, {band: b, at: [00:00-22:00]}]}]\n",
			"      - energy: {prices: [{band: a, price: 1}, {band: b, price: 2}]}\n      - energy: {code: part, price: 0.3, share: {ratio: 1%}}\n"), "0.3", "2"},
		{"bands that a share alone prices", small("    bands: [{code: a, register: 1}, {code: b, register: 2}]\n    remainder: {band: a}\n",
			"      - energy: {price: 0.3}\n      - energy: {code: part, prices: [{band: a, price: 1}, {band: b, price: 2}], share: {ratio: 1%}}\n"), "0.3", "2"},
		{"bands that nothing prices", small("    bands: [{code: a, register: 1}, {code: b, register: 2}]\n    remainder: {band: a}\n", plain), "0.5", "0.5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			versions, err := tariff.Parse("t.yaml", []byte(test.doc))
			if err != nil {
				t.Fatal(err)
			}
			low, high := versions[0].PriceRange()
			wantLow, _ := billing.ParsePrice(test.low)
			wantHigh, _ := billing.ParsePrice(test.high)
			if low != wantLow || high != wantHigh {
				t.Errorf("got %s to %s, want %s to %s", low, high, test.low, test.high)
			}
			if !versions[0].ByEnergyAlone() {
				t.Error("the charge is said not to come from energy alone")
			}
			sheet := versions[0].Sheet("en")
			if sheet.Text("en") == "" {
				t.Error("nothing to show")
			}
		})
	}
	if everything(t).ByEnergyAlone() {
		t.Error("a charge for demand is said to come from energy alone")
	}
}

// Prices and rates at their ends must not wrap: a wrapped bound would hold every bill, or none.
func TestPriceRangeStopsAtTheEnds(t *testing.T) {
	percents := func(n int, first byte, rate string) (s string) {
		for i := range n {
			s += "      - percent: {code: " + string(rune(first)) + string(rune('a'+i)) + ", rate: " + rate + "}\n"
		}
		return s
	}
	energy := "      - energy: {price: 1000000000}\n"
	for _, components := range []string{
		energy + percents(20, 'p', "1000%"),
		energy + percents(20, 'p', "-100%"),
		energy + percents(10, 'p', "1000%") + percents(15, 'q', "-100%"),
		energy + "      - levy: {price: 1000000000}\n" + percents(15, 'q', "-100%") + percents(10, 'p', "1000%"),
	} {
		versions, err := tariff.Parse("t.yaml", []byte(small("", components)))
		if err != nil {
			t.Fatal(err)
		}
		if low, high := versions[0].PriceRange(); high < low {
			t.Errorf("got %d to %d", low, high)
		}
	}
}

func TestFactorStandards(t *testing.T) {
	for text, want := range map[string]int{"0.90": 90, "0.9": 90, "0.85": 85, "0.8": 80, "0.80": 80} {
		versions, err := tariff.Parse("t", []byte(small("", plain+"      - factor: {standard: "+text+"}\n")))
		if err != nil {
			t.Fatal(err)
		}
		if got := versions[0].Components[1].Factor.Standard; got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestBandAtKnowsHalfHoursMidnightAndDays(t *testing.T) {
	data, err := os.ReadFile("../../configs/calendars/cn.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The year's calendar with one hot day.
	days, err := calendar.Parse("cn", append(data, "hot_days: {from: 2026-01-01, to: 2026-12-30, days: [2026-07-14]}\n"...))
	if err != nil {
		t.Fatal(err)
	}
	v := everything(t)
	for _, test := range []struct{ at, want string }{
		{"2026-07-13T07:29", "valley"},
		{"2026-07-13T07:30", "peak"},
		{"2026-07-13T11:30", "peak"}, // a workday, not hot
		{"2026-07-14T11:29", "peak"},
		{"2026-07-14T11:30", "hot-peak"},
		{"2026-07-14T13:59", "hot-peak"},
		{"2026-07-14T14:00", "peak"},
		{"2026-07-14T22:00", "valley"},
		{"2026-07-15T00:00", "valley"}, // the band over midnight, of the next day's table
		{"2026-07-18T12:00", "valley"}, // a Saturday
		{"2026-07-19T18:00", "peak"},   // a Sunday
		{"2026-07-19T20:30", "valley"},
		{"2026-01-04T08:00", "peak"}, // a Sunday that is worked
		{"2026-10-01T08:00", "valley"},
		{"2026-10-01T18:30", "peak"}, // National Day, a Thursday
		{"2026-12-31T08:00", ""},     // not yet known whether hot
		{"2027-01-01T08:00", ""},
	} {
		at, err := time.ParseInLocation("2006-01-02T15:04", test.at, v.Zone)
		if err != nil {
			t.Fatal(err)
		}
		i, ok := v.BandAt(at.UTC(), days)
		got := ""
		if ok {
			got = v.Bands[i].Code
		}
		if got != test.want {
			t.Errorf("at %s got %q, want %q", test.at, got, test.want)
		}
		if _, ok := v.BandAt(at, nil); ok {
			t.Errorf("at %s a band is known without the calendar", test.at)
		}
	}
	// Without a calendar the weekday tells.
	versions, err := tariff.Parse("t", []byte(small("    bands: [{code: a}, {code: b}]\n    remainder: {band: a}\n    schedule:\n"+
		"      - {weekdays: [sat, sun], hours: [{band: b, at: [00:00-24:00]}]}\n"+
		"      - {weekdays: [mon, tue, wed, thu, fri], hours: [{band: a, at: [00:00-00:30]}, {band: b, at: [rest]}]}\n", plain)))
	if err != nil {
		t.Fatal(err)
	}
	v = &versions[0]
	for _, test := range []struct {
		day, want int
	}{{12, 0}, {11, 1}} { // Monday, Sunday
		if i, ok := v.BandAt(time.Date(2026, 1, test.day, 0, 29, 59, 0, v.Zone), nil); !ok || i != test.want {
			t.Errorf("day %d: got band %d, %t, want %d", test.day, i, ok, test.want)
		}
	}
	if _, ok := new(tariff.Version).BandAt(time.Now(), nil); ok {
		t.Error("a version without bands has one")
	}
}

func TestBandOfRegisterByMonth(t *testing.T) {
	data, err := os.ReadFile("../../configs/tariffs/shandong-household-tou.yaml")
	if err != nil {
		t.Fatal(err)
	}
	versions, err := tariff.Parse("t", data)
	if err != nil {
		t.Fatal(err)
	}
	v := &versions[0]
	for _, test := range []struct {
		register uint8
		month    time.Month
		want     string
	}{{2, time.July, "peak"}, {4, time.July, "valley"}, {4, time.December, "winter-valley"}, {4, time.March, "winter-valley"}, {4, time.April, "valley"}, {1, time.July, ""}, {0, time.July, ""}} {
		got := ""
		if i, ok := v.BandOfRegister(test.register, test.month); ok {
			got = v.Bands[i].Code
		}
		if got != test.want {
			t.Errorf("register %d in %s: got %q, want %q", test.register, test.month, got, test.want)
		}
	}
}

// Documents of the kinds that were first keep their hashes: bills and states carry them.
func TestHashesOfFlatAndTieredVersionsStay(t *testing.T) {
	for _, test := range []struct {
		doc  []byte
		want string
	}{
		{read(t, "shandong-household.yaml"), "228a703c8552bd6c937e6d098b12b1a271c58186f05b0a1ddb57411a710a6097"},
		{read(t, "shandong-joint.yaml"), "007174ce40da3df67ac5c013cca8c1ccd64597701749b03c791cd037c9bd94ca"},
		{[]byte(flat), "23d4cd6e95add32cbe3173cbefb6c11a4973fec24b29e5a145c1da4ebb20a6ba"},
	} {
		versions, err := tariff.Parse("t", test.doc)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(versions[0].Hash[:]); got != test.want {
			t.Errorf("%s: got hash %s, want %s", versions[0].ID, got, test.want)
		}
	}
}

// Every field of a composed version moves its hash.
func TestHashCoversEverything(t *testing.T) {
	first := *everything(t)
	seen := map[[32]byte]string{tariff.Sum(&first): "nothing"}
	n := 0
	var walk func(v reflect.Value, path string)
	note := func(path string) {
		n++
		h := tariff.Sum(&first)
		if other, same := seen[h]; same {
			t.Errorf("%s changed, and the hash is that of %s", path, other)
		}
		seen[h] = path
	}
	walk = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				was := v.Interface().(time.Time)
				v.Set(reflect.ValueOf(was.Add(time.Hour)))
				note(path)
				v.Set(reflect.ValueOf(was))
				return
			}
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if path == "" && (name == "Hash" || name == "ValidTo" || name == "Zone") {
					continue
				}
				walk(v.Field(i), path+"."+name)
			}
		case reflect.Pointer:
			if v.IsNil() {
				return
			}
			walk(v.Elem(), path)
			was := v.Interface()
			v.SetZero()
			note(path + " gone")
			v.Set(reflect.ValueOf(was))
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), path+"[]")
			}
			if v.Len() > 0 {
				was := v.Interface()
				v.Set(v.Slice(0, v.Len()-1))
				note(path + " shorter")
				v.Set(reflect.ValueOf(was))
			}
		case reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i), path+"[]")
			}
		case reflect.String:
			was := v.String()
			v.SetString(was + "x")
			note(path)
			v.SetString(was)
		case reflect.Bool:
			v.SetBool(!v.Bool())
			note(path)
			v.SetBool(!v.Bool())
		case reflect.Int, reflect.Int64:
			v.SetInt(v.Int() + 1)
			note(path)
			v.SetInt(v.Int() - 1)
		case reflect.Uint8, reflect.Uint16:
			v.SetUint(v.Uint() + 1)
			note(path)
			v.SetUint(v.Uint() - 1)
		default:
			t.Fatalf("%s is of kind %s", path, v.Kind())
		}
	}
	walk(reflect.ValueOf(&first).Elem(), "")
	if n < 300 {
		t.Errorf("only %d fields were moved", n)
	}
	if tariff.Sum(&first) != everything(t).Hash {
		t.Error("the walk left something changed")
	}
}

// Any day, written as spans, is the same day by BandAt.
func TestAnyDayIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var day [48]int
		n := rapid.IntRange(2, 4).Draw(t, "bands")
		for at := 0; at < 48; {
			band, length := rapid.IntRange(0, n-1).Draw(t, "band"), rapid.IntRange(1, 12).Draw(t, "length")
			for ; length > 0 && at < 48; length-- {
				day[at] = band
				at++
			}
		}
		clock := func(half int) string { return fmt.Sprintf("%02d:%02d", half/2, half%2*30) }
		spans := make([][]string, n)
		for from := 0; from < 48; {
			to := from
			for to < 48 && day[to] == day[from] {
				to++
			}
			spans[day[from]] = append(spans[day[from]], clock(from)+"-"+clock(to))
			from = to
		}
		// The last span of the day and the first one of its band become one over midnight.
		if last := day[47]; day[0] == last && len(spans[last]) > 1 {
			all := spans[last]
			from, _, _ := strings.Cut(all[len(all)-1], "-")
			_, to, _ := strings.Cut(all[0], "-")
			spans[last] = append(all[1:len(all)-1:len(all)-1], from+"-"+to)
		}
		bands, hours, prices := "", "", ""
		rest := rapid.IntRange(-1, n-1).Draw(t, "rest")
		for i := range n {
			at := strings.Join(spans[i], ", ")
			if len(spans[i]) == 0 {
				return // a band without hours is refused
			}
			if i == rest {
				at = "rest"
			}
			bands += fmt.Sprintf("{code: b%d}, ", i)
			hours += fmt.Sprintf("{band: b%d, at: [%s]}, ", i, at)
			prices += fmt.Sprintf("{band: b%d, price: %d}, ", i, i+1)
		}
		versions, err := tariff.Parse("t", []byte(small("    bands: ["+bands+"]\n    remainder: {band: b0}\n    schedule: [{hours: ["+hours+"]}]\n", "      - energy: {prices: ["+prices+"]}\n")))
		if err != nil {
			t.Fatal(err)
		}
		for half := range 48 {
			at := time.Date(2026, 2, 28, half/2, half%2*30+rapid.IntRange(0, 29).Draw(t, "minute"), 0, 0, versions[0].Zone)
			if i, ok := versions[0].BandAt(at, nil); !ok || i != day[half] {
				t.Fatalf("at %s: got band %d, %t, want %d", at, i, ok, day[half])
			}
		}
	})
}
