package dlt645

import (
	"fmt"
	"strings"
)

// Format is how an item is written: a BCD number as X, with its point
// (XXXXXX.XX), or one of the constants.
type Format string

// Formats that are not numbers. Times are named in reading order.
const (
	FormatDate4     Format = "YYMMDDWW"
	FormatTime3     Format = "hhmmss"
	FormatDateTime5 Format = "YYMMDDhhmm"
	FormatDateTime6 Format = "YYMMDDhhmmss"
	FormatDateTime7 Format = "YYMMDDWWhhmmss"
	FormatDigits    Format = "digits"
	FormatASCII     Format = "ASCII"
	FormatBinary    Format = "binary"
)

func (f Format) exp() int8 {
	if _, decimals, found := strings.Cut(string(f), "."); found {
		return int8(-len(decimals))
	}
	return 0
}

// ItemInfo is a row of the table of data identifiers. Signed items carry the
// sign in the top bit of their highest byte.
type ItemInfo struct {
	DI     DI
	Name   string
	NameZH string
	Format Format
	Bytes  int
	Unit   string
	Signed bool
}

// items are the single identifiers. The families (energy, demand, values by
// phase, freezes, events) are in families.go.
var items = []ItemInfo{
	{0x00900100, "remaining energy", "剩余电量", "XXXXXX.XX", 4, "kWh", false},
	{0x00900101, "overdraft energy", "透支电量", "XXXXXX.XX", 4, "kWh", false},
	{0x00900200, "remaining money", "剩余金额", "XXXXXX.XX", 4, "money", false},
	{0x00900201, "overdraft money", "透支金额", "XXXXXX.XX", 4, "money", false},

	{0x02800001, "neutral current", "零线电流", "XXX.XXX", 3, "A", true},
	{0x02800002, "frequency", "电网频率", "XX.XX", 2, "Hz", false},
	{0x02800003, "average active power", "一分钟有功总平均功率", "XX.XXXX", 3, "kW", true},
	{0x02800004, "active demand now", "当前有功需量", "XX.XXXX", 3, "kW", true},
	{0x02800005, "reactive demand now", "当前无功需量", "XX.XXXX", 3, "kvar", true},
	{0x02800006, "apparent demand now", "当前视在需量", "XX.XXXX", 3, "kVA", true},
	{0x02800007, "temperature", "表内温度", "XXX.X", 2, "°C", true},
	{0x02800008, "clock battery voltage", "时钟电池电压", "XX.XX", 2, "V", false},
	{0x02800009, "outage battery voltage", "停电抄表电池电压", "XX.XX", 2, "V", false},
	{0x0280000A, "battery working time", "内部电池工作时间", "XXXXXXXX", 4, "min", false},
	{0x0280000B, "current step price", "当前阶梯电价", "XXXX.XXXX", 4, "money/kWh", false},
	{0x02800020, "current price", "当前电价", "XXXX.XXXX", 4, "money/kWh", false},
	{0x02800021, "current tariff price", "当前费率电价", "XXXX.XXXX", 4, "money/kWh", false},
	{0x02800022, "identity authentication time left", "身份认证时效剩余时间", "XXXX", 2, "min", false},
	{0x02800023, "infrared authentication time left", "红外认证时效剩余时间", "XXXX", 2, "min", false},

	{0x04000101, "date", "日期及星期", FormatDate4, 4, "", false},
	{0x04000102, "time", "时间", FormatTime3, 3, "", false},
	{0x0400010C, "date and time", "日期时间", FormatDateTime7, 7, "", false},
	{0x04000103, "demand period", "最大需量周期", "NN", 1, "min", false},
	{0x04000104, "demand slide", "滑差时间", "NN", 1, "min", false},
	{0x04000105, "pulse width", "校表脉冲宽度", "XXXX", 2, "ms", false},
	{0x04000106, "zone table switch time", "两套时区表切换时间", FormatDateTime5, 5, "", false},
	{0x04000107, "day table switch time", "两套日时段表切换时间", FormatDateTime5, 5, "", false},
	{0x04000108, "tariff switch time", "两套费率电价切换时间", FormatDateTime5, 5, "", false},
	{0x04000109, "step switch time", "两套阶梯切换时间", FormatDateTime5, 5, "", false},
	{0x04000201, "number of year zones", "年时区数", "NN", 1, "", false},
	{0x04000202, "number of day tables", "日时段表数", "NN", 1, "", false},
	{0x04000203, "number of day slots", "日时段数", "NN", 1, "", false},
	{0x04000204, "number of rates", "费率数", "NN", 1, "", false},
	{0x04000205, "number of holidays", "公共假日数", "NNNN", 2, "", false},
	{0x04000207, "number of steps", "阶梯数", "NN", 1, "", false},
	{0x04000306, "CT ratio", "电流互感器变比", "NNNNNN", 3, "", false},
	{0x04000307, "PT ratio", "电压互感器变比", "NNNNNN", 3, "", false},
	{0x04000401, "communication address", "通信地址", FormatDigits, 6, "", false},
	{0x04000402, "meter number", "表号", FormatDigits, 6, "", false},
	{0x04000403, "asset management code", "资产管理编码", FormatASCII, 32, "", false},
	{0x04000404, "rated voltage", "额定电压", FormatASCII, 6, "", false},
	{0x04000405, "rated current", "额定电流", FormatASCII, 6, "", false},
	{0x04000406, "maximum current", "最大电流", FormatASCII, 6, "", false},
	{0x04000407, "active class", "有功准确度等级", FormatASCII, 4, "", false},
	{0x04000408, "reactive class", "无功准确度等级", FormatASCII, 4, "", false},
	{0x04000409, "active constant", "有功常数", "NNNNNN", 3, "imp/kWh", false},
	{0x0400040A, "reactive constant", "无功常数", "NNNNNN", 3, "imp/kvarh", false},
	{0x0400040B, "model", "电表型号", FormatASCII, 10, "", false},
	{0x0400040C, "production date", "生产日期", FormatASCII, 10, "", false},
	{0x0400040D, "protocol version", "协议版本号", FormatASCII, 16, "", false},
	{0x0400040E, "customer number", "客户编号", FormatDigits, 6, "", false},
	{0x04000501, "status word 1", "电表运行状态字1", FormatBinary, 2, "", false},
	{0x04000502, "status word 2", "电表运行状态字2", FormatBinary, 2, "", false},
	{0x04000503, "status word 3", "电表运行状态字3", FormatBinary, 2, "", false},
	{0x04000504, "status word 4", "电表运行状态字4", FormatBinary, 2, "", false},
	{0x04000505, "status word 5", "电表运行状态字5", FormatBinary, 2, "", false},
	{0x04000506, "status word 6", "电表运行状态字6", FormatBinary, 2, "", false},
	{0x04000507, "status word 7", "电表运行状态字7", FormatBinary, 2, "", false},
	{0x04000508, "key status word", "密钥状态字", FormatBinary, 4, "", false},
	{0x04001001, "alarm amount 1", "报警金额1限值", "NNNNNN.NN", 4, "money", false},
	{0x04001002, "alarm amount 2", "报警金额2限值", "NNNNNN.NN", 4, "money", false},
	{0x04001003, "overdraft limit", "透支金额限值", "NNNNNN.NN", 4, "money", false},
	{0x04001004, "hoarding limit", "囤积金额限值", "NNNNNN.NN", 4, "money", false},
	{0x04001005, "close-permit amount limit", "合闸允许金额限值", "NNNNNN.NN", 4, "money", false},
	{0x04001401, "delay before trip", "跳闸延时时间", "NNNN", 2, "min", false},
	{0x04800001, "software version", "软件版本号", FormatASCII, 32, "", false},
	{0x04800002, "hardware version", "硬件版本号", FormatASCII, 32, "", false},
	{0x04800003, "factory number", "厂家编号", FormatASCII, 32, "", false},

	{0x1D000001, "trip count", "跳闸次数", "XXXXXX", 3, "", false},
	{0x1E000001, "close count", "合闸次数", "XXXXXX", 3, "", false},
}

// Item gives the row of a single 2007 item, from the table or from a family;
// false for blocks and for what the table does not know.
func Item(d DI) (ItemInfo, bool) {
	for i := range items {
		if items[i].DI == d {
			return items[i], true
		}
	}
	if parts := familyLayout(d); len(parts) == 1 {
		return parts[0], true
	}
	return ItemInfo{}, false
}

// layout is what follows one another in a reply to d: one part for an item,
// several for a block; nil when d is unknown.
func layout(d DI) []ItemInfo {
	if parts := familyLayout(d); parts != nil {
		return parts
	}
	if it, ok := Item(d); ok {
		return []ItemInfo{it}
	}
	return nil
}

// items1997 are the four-digit identifiers that are read.
var items1997 = []ItemInfo{
	{0xA010, "forward active demand", "正向有功总最大需量", "XX.XXXX", 3, "kW", false},
	{0xB611, "voltage A", "A相电压", "XXX", 2, "V", false},
	{0xB612, "voltage B", "B相电压", "XXX", 2, "V", false},
	{0xB613, "voltage C", "C相电压", "XXX", 2, "V", false},
	{0xB621, "current A", "A相电流", "XX.XX", 2, "A", false},
	{0xB622, "current B", "B相电流", "XX.XX", 2, "A", false},
	{0xB623, "current C", "C相电流", "XX.XX", 2, "A", false},
	{0xB630, "active power total", "瞬时总有功功率", "XX.XXXX", 3, "kW", false},
	{0xB631, "active power A", "A相有功功率", "XX.XXXX", 3, "kW", false},
	{0xB632, "active power B", "B相有功功率", "XX.XXXX", 3, "kW", false},
	{0xB633, "active power C", "C相有功功率", "XX.XXXX", 3, "kW", false},
	{0xB640, "reactive power total", "瞬时总无功功率", "XX.XX", 2, "kvar", false},
	{0xB650, "power factor total", "总功率因数", "X.XXX", 2, "", false},
	{0xC010, "date", "日期及星期", FormatDate4, 4, "", false},
	{0xC011, "time", "时间", FormatTime3, 3, "", false},
	{0xC020, "meter status word", "电表运行状态字", FormatBinary, 1, "", false},
	{0xC021, "grid status word", "电网状态字", FormatBinary, 1, "", false},
	{0xC030, "active constant", "有功常数", "NNNNNN", 3, "imp/kWh", false},
	{0xC031, "reactive constant", "无功常数", "NNNNNN", 3, "imp/kvarh", false},
	{0xC032, "meter number", "表号", FormatDigits, 6, "", false},
	{0xC033, "user number", "用户号", FormatDigits, 6, "", false},
	{0xC034, "device number", "设备码", FormatDigits, 6, "", false},
}

// layout1997 is layout for four digits. Energies are 9 m k r: month (0 now, 4
// and 8 the two before; +1 reactive), kind (1 forward, 2 reverse) and rate (0
// total, F block).
func layout1997(d DI) []ItemInfo {
	for _, it := range items1997 {
		if it.DI == d {
			return []ItemInfo{it}
		}
	}
	kind, rate := d>>4&0xF, int(d&0xF)
	if month := d >> 8; month != 0x90 && month != 0x91 && month != 0x94 && month != 0x95 && month != 0x98 && month != 0x99 || kind < 1 || kind > 2 {
		return nil
	}
	name := [3]string{"", "forward", "reverse"}[kind]
	zh := [3]string{"", "正向", "反向"}[kind]
	unit := "kWh"
	if d>>8&1 == 1 {
		name, zh, unit = name+" reactive energy", zh+"无功", "kvarh"
	} else {
		name, zh = name+" active energy", zh+"有功"
	}
	first, last := rate, rate
	if rate == 0xF {
		first, last = 0, 14
	}
	var parts []ItemInfo
	for r := first; r <= last; r++ {
		parts = append(parts, ItemInfo{d&^0xF | DI(r), fmt.Sprintf("%s %s", name, rateName(r)), zh + rateZH(r), "XXXXXX.XX", 4, unit, false})
	}
	return parts
}
