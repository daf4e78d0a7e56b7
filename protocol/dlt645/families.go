package dlt645

import "fmt"

// energyFamily is a kind of energy, 00 tt rr ss: rr the rate, ss the
// settlement day back.
type energyFamily struct {
	Name, ZH string
	Unit     string
	Signed   bool
}

// energyFamilies is indexed by tt. Only combined energies are signed; taking
// the top bit of a forward register for a sign would lose its last fifth.
var energyFamilies = [11]energyFamily{
	{"combined active", "组合有功", "kWh", true},
	{"forward active", "正向有功", "kWh", false},
	{"reverse active", "反向有功", "kWh", false},
	{"combined reactive 1", "组合无功1", "kvarh", true},
	{"combined reactive 2", "组合无功2", "kvarh", true},
	{"reactive quadrant 1", "第一象限无功", "kvarh", false},
	{"reactive quadrant 2", "第二象限无功", "kvarh", false},
	{"reactive quadrant 3", "第三象限无功", "kvarh", false},
	{"reactive quadrant 4", "第四象限无功", "kvarh", false},
	{"forward apparent", "正向视在", "kVAh", false},
	{"reverse apparent", "反向视在", "kVAh", false},
}

const ratesMax = 63 // the standard's limit

// energyNames spares DecodeBlock from building names.
var energyNames = func() (names [len(energyFamilies)][ratesMax + 1]words) {
	for tt, f := range energyFamilies {
		for r := range names[tt] {
			names[tt][r] = words{f.Name + " energy " + rateName(r), f.ZH + rateZH(r)}
		}
	}
	return names
}()

func rateName(r int) string {
	if r == 0 {
		return "total"
	}
	return fmt.Sprintf("rate %d", r)
}

func rateZH(r int) string {
	if r == 0 {
		return "总电能"
	}
	return fmt.Sprintf("费率%d电能", r)
}

func demandRateZH(r int) string {
	if r == 0 {
		return ""
	}
	return fmt.Sprintf("费率%d", r)
}

// phaseFamilies are values by phase, 02 tt pp 00.
var phaseFamilies = map[DI]struct {
	Name, ZH string
	Format   Format
	Bytes    int
	Unit     string
	Signed   bool
	Total    bool // pp 00 exists and leads the block
}{
	0x01: {"voltage", "电压", "XXX.X", 2, "V", false, false},
	0x02: {"current", "电流", "XXX.XXX", 3, "A", true, false},
	0x03: {"active power", "有功功率", "XX.XXXX", 3, "kW", true, true},
	0x04: {"reactive power", "无功功率", "XX.XXXX", 3, "kvar", true, true},
	0x05: {"apparent power", "视在功率", "XX.XXXX", 3, "kVA", true, true},
	0x06: {"power factor", "功率因数", "X.XXX", 2, "", true, true},
	0x07: {"phase angle", "相角", "XXX.X", 2, "°", false, false},
	0x08: {"voltage distortion", "电压波形失真度", "XX.XX", 2, "%", false, false},
	0x09: {"current distortion", "电流波形失真度", "XX.XX", 2, "%", false, false},
}

// familyLayout lists the parts of an identifier that belongs to a family.
func familyLayout(d DI) []ItemInfo {
	di2, di1, di0 := d>>16&0xFF, d>>8&0xFF, d&0xFF
	switch d >> 24 {
	case 0x00:
		return energyLayout(d, di2, di1, di0)
	case 0x01:
		return demandLayout(d, di2, di1, di0)
	case 0x02:
		return phaseLayout(di2, di1, di0)
	case 0x04:
		if d == DIStatusWords {
			return statusLayout()
		}
	case 0x05:
		return freezeLayout(d, di1, di0)
	case 0x1D, 0x1E:
		if di2 == 0 && di0 >= 1 && di0 <= 10 {
			return relayEventLayout(d, di1)
		}
	}
	return nil
}

func energyLayout(d, tt, rr, ss DI) []ItemInfo {
	phase, phaseZH := "", ""
	for i, base := range [3]DI{0x14, 0x28, 0x3C} { // per phase the families begin again at 15, 29, 3D
		if tt > base && tt <= base+10 {
			tt, phase, phaseZH = tt-base, " phase "+"ABC"[i:i+1], "ABC"[i:i+1]+"相"
			break
		}
	}
	if int(tt) >= len(energyFamilies) || ss > 12 || rr > ratesMax && rr != 0xFF {
		return nil
	}
	first, last := rr, rr
	if rr == 0xFF {
		first, last = 0, ratesMax
	}
	f := energyFamilies[tt]
	var parts []ItemInfo
	for r := first; r <= last; r++ {
		parts = append(parts, ItemInfo{DI: d&^0xFF00 | r<<8, Name: energyNames[tt][r].en + phase, NameZH: phaseZH + energyNames[tt][r].zh,
			Format: "XXXXXX.XX", Bytes: 4, Unit: f.Unit, Signed: f.Signed})
	}
	return parts
}

// demandLayout: each maximum demand is followed by the time it occurred.
func demandLayout(d, tt, rr, ss DI) []ItemInfo {
	if tt < 1 || int(tt) >= len(energyFamilies) || ss > 12 || rr > ratesMax && rr != 0xFF {
		return nil
	}
	first, last := rr, rr
	if rr == 0xFF {
		first, last = 0, ratesMax
	}
	f := energyFamilies[tt]
	unit := f.Unit[:len(f.Unit)-1] // kWh -> kW
	var parts []ItemInfo
	for r := first; r <= last; r++ {
		di, name := d&^0xFF00|r<<8, f.Name+" demand "+rateName(int(r))
		zh := f.ZH + demandRateZH(int(r)) + "最大需量"
		parts = append(parts,
			ItemInfo{DI: di, Name: name, NameZH: zh, Format: "XX.XXXX", Bytes: 3, Unit: unit, Signed: f.Signed},
			ItemInfo{DI: di, Name: name + " time", NameZH: zh + "发生时间", Format: FormatDateTime5, Bytes: 5})
	}
	return parts
}

func phaseLayout(tt, pp, di0 DI) []ItemInfo {
	f, ok := phaseFamilies[tt]
	if !ok || di0 != 0 {
		return nil
	}
	var parts []ItemInfo
	for p := DI(0); p <= 3; p++ {
		if p == 0 && !f.Total || pp != p && pp != 0xFF {
			continue
		}
		parts = append(parts, ItemInfo{DI: 0x02000000 | tt<<16 | p<<8, Name: f.Name + [4]string{" total", " A", " B", " C"}[p],
			NameZH: [4]string{"总", "A相", "B相", "C相"}[p] + f.ZH, Format: f.Format, Bytes: f.Bytes, Unit: f.Unit, Signed: f.Signed})
	}
	return parts
}

// statusLayout: meters answer with 6, 10, 14 or 18 bytes; the last form adds
// the key status word.
func statusLayout() []ItemInfo {
	var parts []ItemInfo
	for d := DI(0x04000501); d <= 0x04000508; d++ {
		if it, ok := find(itemsCSV, d); ok {
			parts = append(parts, it)
		}
	}
	return parts
}

// freezeLayout: 05 kind part nth-last. Demands follow each other with their
// times; the variables are a row of the table.
func freezeLayout(d, part, nth DI) []ItemInfo {
	if nth == 0 || nth == 0xFF {
		return nil
	}
	var parts []ItemInfo
	switch {
	case part == FreezeContentTime:
		return []ItemInfo{{DI: d, Name: "freeze time", NameZH: "冻结时间", Format: FormatDateTime5, Bytes: 5}}
	case part <= 8:
		parts = energyLayout(part<<16|0xFF00, part, 0xFF, 0)
	case part == FreezeContentForwardDemand, part == FreezeContentReverseDemand:
		tt := part - FreezeContentForwardDemand + 1
		parts = demandLayout(tt<<16|0xFF00, tt, 0xFF, 0)
	case part == FreezeContentVariables:
		if it, ok := find(itemsCSV, 0x05001001); ok {
			it.DI = d
			return it.parts()
		}
	}
	if FreezeKind(d>>16) == FreezeHourlyKind && part <= 8 {
		parts = parts[:1] // totals alone
	}
	for i := range parts {
		parts[i].DI, parts[i].Name, parts[i].NameZH = d, "frozen "+parts[i].Name, "冻结"+parts[i].NameZH
	}
	return parts
}

// relayEvent is a record of a trip (1D) or a close (1E) in its order; the
// single parts are 1D00 01.. in the same order.
var relayEvent = []ItemInfo{
	{Name: "event time", NameZH: "发生时刻", Format: FormatDateTime6, Bytes: 6},
	{Name: "operator code", NameZH: "操作者代码", Format: FormatDigits, Bytes: 4},
	{Name: "forward active", NameZH: "正向有功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kWh"},
	{Name: "reverse active", NameZH: "反向有功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kWh"},
	{Name: "Q1", NameZH: "第一象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"},
	{Name: "Q2", NameZH: "第二象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"},
	{Name: "Q3", NameZH: "第三象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"},
	{Name: "Q4", NameZH: "第四象限无功总电能", Format: "XXXXXX.XX", Bytes: 4, Unit: "kvarh"},
}

func relayEventLayout(d, part DI) []ItemInfo {
	var parts []ItemInfo
	for i, it := range relayEvent {
		if part == 0xFF || part == DI(i+1) {
			it.DI = d
			parts = append(parts, it)
		}
	}
	return parts
}
