package dlt645

import "fmt"

// months1997 are the energies of now, of last month and of the month before
// (94xx, 98xx); the lowest bit more is reactive.
var months1997 = map[DI]words{0x90: {}, 0x94: {" last month", "上月"}, 0x98: {" month before last", "上上月"}}

// kinds1997 are the kinds k of active and of reactive energy. That reactive
// ones go on with the quadrants is general knowledge [K].
var kinds1997 = [2][]words{
	{{"forward active energy", "正向有功"}, {"reverse active energy", "反向有功"}},
	{{"forward reactive energy", "正向无功"}, {"reverse reactive energy", "反向无功"}, {"reactive energy quadrant 1", "第一象限无功"},
		{"reactive energy quadrant 4", "第四象限无功"}, {"reactive energy quadrant 2", "第二象限无功"}, {"reactive energy quadrant 3", "第三象限无功"}},
}

// rates1997 is the last rate a block of 1997 can have: nibble F is the block.
const rates1997 = 14

// layout1997 is layout for four digits. Energies are 9 m k r: month (0 now, 4
// and 8 the two before; +1 reactive), kind (1 forward, 2 reverse) and rate (0
// total, F block).
func layout1997(d DI) []ItemInfo {
	if it, ok := find(itemsCSV1997, d); ok {
		return it.parts()
	}
	if d > 0xFFFF {
		return nil
	}
	if d&0xF == 0xF && d>>12 != 0x9 {
		return block1997(d)
	}
	month, ok := months1997[d>>8&^1]
	kind, rate := d>>4&0xF, int(d&0xF)
	reactive := d >> 8 & 1
	if !ok || kind < 1 || kind > DI(len(kinds1997[reactive])) {
		return nil
	}
	name, unit := kinds1997[reactive][kind-1], [2]string{"kWh", "kvarh"}[reactive]
	first, last := rate, rate
	if rate == 0xF {
		first, last = 0, rates1997
	}
	var parts []ItemInfo
	for r := first; r <= last; r++ {
		parts = append(parts, ItemInfo{DI: d&^0xF | DI(r), Name: fmt.Sprintf("%s %s%s", name.en, rateName(r), month.en),
			NameZH: month.zh + name.zh + rateZH(r), Format: "XXXXXX.XX", Bytes: 4, Unit: unit})
	}
	return parts
}

// block1997 is a block of values that are rows of the table: voltages (B61F),
// currents, powers, date and time (C01F). Of demands (A0, B0) the table has
// no rates.
func block1997(d DI) []ItemInfo {
	if d>>8 == 0xA0 || d>>8 == 0xB0 {
		return nil
	}
	var parts []ItemInfo
	for i := d &^ 0xF; i < d; i++ {
		if it, ok := find(itemsCSV1997, i); ok {
			parts = append(parts, it.parts()...)
		}
	}
	return parts
}
