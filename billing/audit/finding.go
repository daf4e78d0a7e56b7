package audit

import (
	"fmt"

	"feikong/billing"
)

// add is called only once a rule is broken; its arguments cost nothing before.
func add(out []Finding, code string, r Rule, format string, args ...any) []Finding {
	return append(out, Finding{Code: code, Action: r.Action, Detail: fmt.Sprintf(format, args...)})
}

// Worst is the strongest action among the findings, or 0 when there is none.
func Worst(findings []Finding) Action {
	worst := Action(0)
	for i := range findings {
		worst = max(worst, findings[i].Action)
	}
	return worst
}

// titles are the rules by the trade's codes, in their order.
var titles = [...]struct {
	code string
	name billing.Name
}{
	{"A01", billing.Name{ZH: "表码倒走", EN: "register goes down"}},
	{"A05", billing.Name{ZH: "电量为负或无效", EN: "energy is negative or invalid"}},
	{"A06", billing.Name{ZH: "超容", EN: "over contract capacity"}},
	{"A07", billing.Name{ZH: "分时电量与总电量不符", EN: "bands differ from the total"}},
	{"A09", billing.Name{ZH: "表码飞走", EN: "register jumps"}},
	{"A12", billing.Name{ZH: "抄表数据过期", EN: "reading is stale"}},
	{"A13", billing.Name{ZH: "时钟超差", EN: "clock error"}},
	{"A15", billing.Name{ZH: "倍率与档案不符", EN: "multiplier differs from the archive"}},
	{"A16", billing.Name{ZH: "换表缺少拆表示数", EN: "replacement without removal reading"}},
	{"A20", billing.Name{ZH: "电价超出范围", EN: "fee per kWh out of range"}},
	{"A22", billing.Name{ZH: "重复但内容不同", EN: "duplicate with other content"}},
}

// Title is the short name of a rule, or of its code alone when the code is not
// one of this package.
func Title(code string) billing.Name {
	for _, t := range titles {
		if t.code == code {
			return t.name
		}
	}
	return billing.Name{EN: code}
}
