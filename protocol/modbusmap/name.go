package modbusmap

import (
	"strconv"

	"feikong/protocol"
)

// quantities are the values a table can hold, by the name that files and `agent read` use. The names are those of the
// gateway's API.
var quantities = []struct {
	quantity protocol.Quantity
	name     string
	unit     string
	zh       string
	decimals int8 // that a float is taken with when its table does not say
}{
	{protocol.ActiveImport, "active_import", "kWh", "正向有功电能", 2},
	{protocol.ActiveExport, "active_export", "kWh", "反向有功电能", 2},
	{protocol.ReactiveImport, "reactive_import", "kvarh", "正向无功电能", 2},
	{protocol.ReactiveExport, "reactive_export", "kvarh", "反向无功电能", 2},
	{protocol.ActivePower, "active_power", "kW", "有功功率", 3},
	{protocol.ReactivePower, "reactive_power", "kvar", "无功功率", 3},
	{protocol.ApparentPower, "apparent_power", "kVA", "视在功率", 3},
	{protocol.Voltage, "voltage", "V", "电压", 1},
	{protocol.Current, "current", "A", "电流", 3},
	{protocol.PowerFactor, "power_factor", "", "功率因数", 3},
	{protocol.Frequency, "frequency", "Hz", "频率", 2},
	{protocol.Demand, "demand", "kW", "最大需量", 3},
	{protocol.RemainingMoney, "remaining_money", "", "剩余金额", 2},
	{protocol.RemainingEnergy, "remaining_energy", "kWh", "剩余电量", 2},
}

// IsEnergy says whether q is a register that counts up: what a polling round reads.
func IsEnergy(q protocol.Quantity) bool {
	return q == protocol.ActiveImport || q == protocol.ActiveExport || q == protocol.ReactiveImport || q == protocol.ReactiveExport
}

// QuantityWords is the quantity's name in tables, its unit (empty: none) and its Chinese term; ok is false for a quantity
// that no register holds.
func QuantityWords(q protocol.Quantity) (name, unit, zh string, ok bool) {
	for _, k := range quantities {
		if k.quantity == q {
			return k.name, k.unit, k.zh, true
		}
	}
	return "", "", "", false
}

// Name is what `agent read` calls the point: its quantity, and its register where that is not 0: "voltage.1".
func (p Point) Name() string {
	name, _, _, ok := QuantityWords(p.Quantity)
	if !ok {
		name = "quantity_" + strconv.Itoa(int(p.Quantity))
	}
	if p.Register != 0 {
		name += "." + strconv.Itoa(int(p.Register))
	}
	return name
}

// Named is the points that name asks for, in table order: one point by its Name, all of a quantity ("voltage"), or all
// points with "all".
func (m Model) Named(name string) []Point {
	var out []Point
	for _, p := range m.Points {
		quantity, _, _, _ := QuantityWords(p.Quantity)
		if name == "all" || name == quantity || name == p.Name() {
			out = append(out, p)
		}
	}
	return out
}
