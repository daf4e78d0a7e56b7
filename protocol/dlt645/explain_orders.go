package dlt645

import (
	"fmt"
	"strings"
	"time"
)

// authority explains PA P0 P1 P2 C0 C1 C2 C3 that begin at d[at].
func (e *explainer) authority(d []byte, at int) []field {
	if len(d) < at+8 {
		// Cut short, but what is there may still be a password.
		return []field{{1, e.t("password level", "密级"), false}, {3, e.t("password, masked", "密码（已隐去）"), true}}
	}
	return []field{
		{1, fmt.Sprintf(e.t("password level %02X", "密级 %02X"), d[at]), false},
		{3, e.t("password, masked", "密码（已隐去）"), true},
		e.operator(d[at+4 : at+8]),
	}
}

func (e *explainer) operator(c []byte) field {
	return field{4, e.t("operator ", "操作者代码 ") + fmt.Sprintf("%02X%02X%02X%02X", c[3], c[2], c[1], c[0]), false}
}

func (e *explainer) password(text string) []field {
	return []field{{1, e.t("level", "密级"), false}, {3, text, true}}
}

func (e *explainer) writePlan(d []byte) []field {
	out := append(e.item(d), e.authority(d, 4)...)
	if len(d) > 12 {
		out = append(out, e.itemValues(layout(wireDI(d)), d[12:], false)...)
	}
	return out
}

func (e *explainer) clearPlan(d []byte) []field {
	out := e.authority(d, 0)
	if len(d) < 12 {
		return out
	}
	di := wireDI(d[8:])
	if di == DIAllEvents {
		return append(out, field{4, e.t("all events", "全部事件"), false})
	}
	return append(out, field{4, e.t("events ", "事件 ") + di.String(), false})
}

func (e *explainer) relayPlan(f Frame) []field {
	d := f.Data
	if len(d) == 4+sealedRelay && d[0] > 0x09 {
		return []field{{1, fmt.Sprintf(e.t("level %02X: sealed by a security module (ESAM)", "密级 %02X：由安全模块（ESAM）加密"), d[0]), false},
			{3, e.t("masked, no password at this level", "已隐去（此密级无密码）"), true}, e.operator(d[4:8]),
			{16, e.t("ciphered command", "命令密文"), false}, {4, e.t("MAC", "MAC"), false}}
	}
	out := e.authority(d, 0)
	if len(d) != 0x10 {
		return out
	}
	command := e.t("unknown command", "未知命令")
	for _, r := range relayCommands {
		if byte(r.Command) == d[8] {
			command = e.t(strings.ReplaceAll(r.Name, "_", " "), r.ZH)
		}
	}
	n2 := e.t("no delay", "无延时")
	if m, err := BCD(d[9:10]); d[9] != 0 && err == nil {
		n2 = fmt.Sprintf(e.t("recovers after %d minutes", "%d 分钟后自动恢复"), 5*m)
	} else if d[9] != 0 {
		n2 = fmt.Sprintf("N2 %02X", d[9])
	}
	until := e.t("deadline invalid", "截止时间无效")
	if t, err := DateTime6(d[10:16], time.UTC); err == nil {
		until = e.t("deadline ", "命令有效截止时间 ") + t.Format(time.DateTime) + e.t(", meter time", "（电表时间）")
	}
	return append(out,
		field{1, fmt.Sprintf(e.t("command %02X: ", "命令 %02X："), d[8]) + command, false},
		field{1, n2, false}, field{6, until, false})
}

func (e *explainer) relayStatus(f Frame) []field {
	text := e.t("relay status word of newer meters", "新型电表的控制状态字")
	if w, ok := ParseRelayStatus(f); ok {
		if list := e.list(w.Explain(e.lang())); list != "" {
			text += e.t(": ", "：") + list
		}
	}
	return []field{{len(f.Data), text, false}}
}

func (e *explainer) freezePlan(d []byte) []field {
	if len(d) != 4 {
		return nil
	}
	t := FreezeTime(d)
	text := t.String()
	if e.zh {
		switch {
		case t.Check() != nil:
			text = "无效时间"
		case t == FreezeNow:
			text = "立即"
		case t[1] == 0x99:
			text = fmt.Sprintf("每小时 %02X 分", t[0])
		case t[2] == 0x99:
			text = fmt.Sprintf("每日 %02X:%02X", t[1], t[0])
		case t[3] == 0x99:
			text = fmt.Sprintf("每月 %02X 日 %02X:%02X", t[2], t[1], t[0])
		default:
			text = fmt.Sprintf("%02X 月 %02X 日 %02X:%02X", t[3], t[2], t[1], t[0])
		}
	}
	return []field{{4, e.t("freeze ", "冻结：") + text, false}}
}

func (e *explainer) baudPlan(d []byte, table [8]int) []field {
	text := e.t("unknown rate", "未知速率")
	if baud, ok := ofZ(table, d[0]); ok {
		text = fmt.Sprintf(e.t("%d baud", "%d bps"), baud)
	}
	return []field{{1, fmt.Sprintf("Z %02X: ", d[0]) + text, false}}
}

func (e *explainer) outputPlan(d []byte) []field {
	name := words{"unknown", "未知"}
	if int(d[0]) < len(outputNames) {
		name = outputNames[d[0]]
	}
	return []field{{1, e.t("output: ", "输出：") + name.in(e.lang()), false}}
}
