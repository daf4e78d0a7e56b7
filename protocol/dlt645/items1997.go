package dlt645

import "fmt"

// months1997 are the energies of now, of last month and of the month before
// (94xx, 98xx); the lowest bit more is reactive.
var months1997 = map[DI]words{0x90: {}, 0x94: {" last month", "上月"}, 0x98: {" month before last", "上上月"}}

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
	month, ok := months1997[d>>8&^1]
	kind, rate := d>>4&0xF, int(d&0xF)
	if !ok || kind < 1 || kind > 2 {
		return nil
	}
	name, zh, unit := words{"forward", "正向"}, "有功", "kWh"
	if kind == 2 {
		name = words{"reverse", "反向"}
	}
	name.en += " active energy"
	if d>>8&1 == 1 {
		name.en, zh, unit = name.en[:7]+" reactive energy", "无功", "kvarh"
	}
	first, last := rate, rate
	if rate == 0xF {
		first, last = 0, rates1997
	}
	var parts []ItemInfo
	for r := first; r <= last; r++ {
		parts = append(parts, ItemInfo{DI: d&^0xF | DI(r), Name: fmt.Sprintf("%s %s%s", name.en, rateName(r), month.en),
			NameZH: month.zh + name.zh + zh + rateZH(r), Format: "XXXXXX.XX", Bytes: 4, Unit: unit})
	}
	return parts
}
