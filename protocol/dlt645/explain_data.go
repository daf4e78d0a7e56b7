package dlt645

import (
	"fmt"
	"strings"
	"time"
)

// field is a named stretch of the data field.
type field struct {
	n      int
	text   string
	secret bool
}

// data explains the data field by a plan of what stands in it; what the plan
// leaves over is shown as data.
func (e *explainer) data(f Frame, w []byte) {
	for _, part := range e.plan(f) {
		n := min(part.n, len(w))
		if part.secret && n > 0 {
			e.parts = append(e.parts, ExplainedPart{Bytes: w[:n], Text: part.text, Secret: true})
		} else {
			e.say(w[:n], part.text)
		}
		w = w[n:]
	}
	e.say(w, e.t("data", "数据"))
}

func (e *explainer) plan(f Frame) []field {
	d := f.Data
	switch {
	case len(d) == 0:
		return nil
	case f.IsError():
		return []field{{len(d), e.t("reason: ", "原因：") + e.list(refusal(f).Explain(e.lang())), false}}
	}
	switch f.Control &^ 0x20 {
	case 0x1C:
		return e.relayPlan(f)
	case 0x14:
		return append(e.item(d), e.authority(d, 4)...)
	case 0x18:
		return append(e.item(d), field{1, e.t("level", "密级"), false}, field{3, e.t("old password, masked", "原密码（已隐去）"), true},
			field{1, e.t("level", "密级"), false}, field{3, e.t("new password, masked", "新密码（已隐去）"), true})
	case 0x98:
		return []field{{1, e.t("level", "密级"), false}, {3, e.t("new password, masked", "新密码（已隐去）"), true}}
	case 0x0F, 0x8F:
		return []field{{1, e.t("level", "密级"), false}, {3, e.t("password, masked", "密码（已隐去）"), true},
			{1, e.t("level", "密级"), false}, {3, e.t("password, masked", "密码（已隐去）"), true}}
	case 0x04:
		return []field{{2, e.t("data identifier", "数据标识"), false}, {maxData, e.t("written data, masked: it may begin with a password", "写入数据（可能含密码，已隐去）"), true}}
	case 0x19, 0x1A, 0x1B:
		return e.authority(d, 0)
	case 0x11, 0x12, 0x92:
		return e.item(d)
	case 0x91:
		return append(e.item(d), e.values(f)...)
	case 0x01, 0x81:
		return e.plan1997(f)
	case 0x93, 0x15:
		if len(d) == 6 {
			return []field{{6, e.t("address ", "通信地址 ") + Address(d).String(), false}}
		}
	case 0x08:
		if t, err := DateTime6(d, time.UTC); err == nil {
			return []field{{6, e.t("time ", "时间 ") + t.Format(time.DateTime), false}}
		}
		return []field{{len(d), e.t("not a valid time", "时间无效"), false}}
	case 0x9C:
		return []field{{len(d), e.t("relay status word of newer meters", "新型电表的控制状态字"), false}}
	}
	return nil
}

func (e *explainer) item(d []byte) []field {
	if len(d) < 4 {
		return nil
	}
	di := wireDI(d)
	return []field{{4, e.t("data identifier ", "数据标识 ") + di.String() + e.itemName(di), false}}
}

func (e *explainer) itemName(d DI) string {
	it, ok := Item(d)
	block := ""
	if !ok {
		parts := layout(d)
		if len(parts) == 0 {
			return ""
		}
		it, block = parts[0], e.t(" and what follows it", "等（数据块）")
	}
	return e.t(", "+it.Name, "，"+it.NameZH) + block
}

// values gives one part per item of a read reply.
func (e *explainer) values(f Frame) []field {
	if len(f.Data) < 4 || f.More() {
		return nil
	}
	return e.itemValues(layout(wireDI(f.Data)), f.Data[4:])
}

func (e *explainer) itemValues(parts []ItemInfo, data []byte) (out []field) {
	for _, it := range parts {
		if len(data) < it.Bytes {
			break
		}
		text := e.t(it.Name, it.NameZH) + " "
		vs, err := it.decode(data[:it.Bytes])
		switch {
		case err != nil:
			text += e.t("cannot be: ", "无效：") + err.Error()
		case vs[0].Null:
			text += e.t("not measured", "未测量")
		case vs[0].Text != "":
			text += vs[0].Text
		default:
			text += strings.TrimSpace(vs[0].Decimal() + " " + e.unit(it.Unit))
		}
		if w, ok := ParseStatusWord(it.DI, data[:it.Bytes]); ok == nil && err == nil {
			if list := e.list(w.Explain(e.lang())); list != "" {
				text += e.t(": ", "：") + list
			}
		}
		out = append(out, field{it.Bytes, text, false})
		data = data[it.Bytes:]
	}
	return out
}

func (e *explainer) unit(u string) string {
	return strings.Replace(u, "money", e.t("money", "元"), 1)
}

func (e *explainer) plan1997(f Frame) []field {
	if len(f.Data) < 2 {
		return nil
	}
	di := DI(f.Data[0]) | DI(f.Data[1])<<8
	parts := layout1997(di)
	name := ""
	if len(parts) > 0 {
		name = e.t(", "+parts[0].Name, "，"+parts[0].NameZH)
	}
	out := []field{{2, e.t("data identifier ", "数据标识 ") + fmt.Sprintf("%04X", uint32(di)) + name, false}}
	if f.FromMeter() && !f.More() {
		out = append(out, e.itemValues(parts, f.Data[2:])...)
	}
	return out
}

// authority explains PA P0 P1 P2 C0 C1 C2 C3 that begin at d[at].
func (e *explainer) authority(d []byte, at int) []field {
	if len(d) < at+8 {
		// Cut short, but what is there may still be a password.
		return []field{{1, e.t("password level", "密级"), false}, {3, e.t("password, masked", "密码（已隐去）"), true}}
	}
	return []field{
		{1, fmt.Sprintf(e.t("password level %02X", "密级 %02X"), d[at]), false},
		{3, e.t("password, masked", "密码（已隐去）"), true},
		{4, e.t("operator ", "操作者代码 ") + fmt.Sprintf("%02X%02X%02X%02X", d[at+7], d[at+6], d[at+5], d[at+4]), false},
	}
}

func (e *explainer) relayPlan(f Frame) []field {
	d := f.Data
	out := e.authority(d, 0)
	if len(d) == 0x1C {
		return append(out, field{20, e.t("ciphered command and MAC (ESAM)", "密文命令与 MAC（ESAM）"), false})
	}
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
