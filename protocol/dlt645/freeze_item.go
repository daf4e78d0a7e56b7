package dlt645

// FreezeKind is DI2 of a freeze record (冻结数据, 05), with how many a meter
// keeps.
type FreezeKind byte

// Kinds of freeze. Table switches are of the year zones and of the day tables.
const (
	FreezeTimed         FreezeKind = 0 // 定时冻结, 60
	FreezeInstant       FreezeKind = 1 // 瞬时冻结, 3
	FreezeZoneSwitch    FreezeKind = 2 // 两套时区表切换, 2
	FreezeDaySwitch     FreezeKind = 3 // 两套日时段表切换, 2
	FreezeHourlyKind    FreezeKind = 4 // 整点冻结, 254
	FreezeTariffSwitch  FreezeKind = 5 // 两套费率电价切换
	FreezeDailyKind     FreezeKind = 6 // 日冻结, 62
	FreezeStepSwitch    FreezeKind = 7 // 两套阶梯切换
	FreezePurchaseDaily FreezeKind = 8 // daily purchase, remaining and overdraft [M]
)

// Contents of a freeze record, DI1.
const (
	FreezeContentTime               = 0x00 // 冻结时间
	FreezeContentForward            = 0x01 // 正向有功, total and rates
	FreezeContentReverse            = 0x02 // 反向有功
	FreezeContentForwardDemand      = 0x09 // with its time
	FreezeContentReverseDemand      = 0x0A
	FreezeContentVariables          = 0x10 // 变量: active and reactive powers, total and phases
	FreezeContentAll           byte = 0xFF // everything, parts divided by AA
)

var freezeKinds = [9]struct {
	words
	keeps int // records a meter keeps [M]; 0 unknown
}{
	{words{"timed", "定时冻结"}, 60}, {words{"instant", "瞬时冻结"}, 3}, {words{"zone table switch", "时区表切换冻结"}, 2},
	{words{"day table switch", "日时段表切换冻结"}, 2}, {words{"hourly", "整点冻结"}, 254}, {words{"tariff switch", "费率电价切换冻结"}, 2},
	{words{"daily", "日冻结"}, 62}, {words{"step switch", "阶梯切换冻结"}, 2}, {words{"daily purchase", "日购电冻结"}, 0},
}

// String names the kind.
func (k FreezeKind) String() string {
	if int(k) < len(freezeKinds) {
		return freezeKinds[k].en
	}
	return "unknown"
}

// Keeps is how many records a meter keeps of this kind, 0 when not known.
func (k FreezeKind) Keeps() int {
	if int(k) < len(freezeKinds) {
		return freezeKinds[k].keeps
	}
	return 0
}

// FreezeDI is the identifier of the nth last freeze (1 newest, at most 254).
// A meter that keeps fewer answers ERR bit 1, ErrNoData.
func FreezeDI(kind FreezeKind, content byte, nth int) DI {
	return 0x05000000 | DI(kind)<<16 | DI(content)<<8 | DI(byte(nth))
}
