package dlt645

import (
	"fmt"
	"strings"
	"time"
)

// ExplainedPart is a stretch of a capture and what it says. Secret parts hold
// a password: Text never shows it, Hex masks it, Bytes are as they came.
type ExplainedPart struct {
	Bytes  []byte
	Text   string
	Secret bool
}

// Hex is the bytes in hex, as ** when they are secret.
func (p ExplainedPart) Hex() string {
	if p.Secret {
		return strings.TrimSpace(strings.Repeat("** ", len(p.Bytes)))
	}
	return spaced(p.Bytes)
}

// String is Hex and Text.
func (p ExplainedPart) String() string { return p.Hex() + "  " + p.Text }

// Explain says in words what every byte of a capture means, in order and
// without gaps: the Bytes of all parts joined are wire. lang "zh" gives
// Chinese, anything else English. Data bytes are shown as they are on the
// line; their meaning is after the offset 33H is taken off.
func Explain(lang string, wire []byte) []ExplainedPart {
	e := explainer{zh: strings.HasPrefix(lang, "zh")}
	for _, p := range cut(wire) {
		if p.frame {
			e.frame(p.Frame, p.wire)
		} else {
			e.between(p)
		}
	}
	return e.parts
}

type explainer struct {
	zh    bool
	parts []ExplainedPart
}

// t chooses the language.
func (e *explainer) t(en, zh string) string {
	if e.zh {
		return zh
	}
	return en
}

func (e *explainer) say(b []byte, text string) {
	if len(b) > 0 {
		e.parts = append(e.parts, ExplainedPart{Bytes: b, Text: text})
	}
}

// between explains bytes that belong to no frame: wake-up bytes apart.
func (e *explainer) between(p piece) {
	rest := p.wire
	if p.fault != nil && holdsSecret(rest) {
		e.parts = append(e.parts, ExplainedPart{Bytes: rest, Secret: true,
			Text: e.t("not a frame: "+p.fault.Error()+"; masked, it may hold a password", "不是有效帧："+faultZH(p.fault)+"（可能含密码，已隐去）")})
		return
	}
	for len(rest) > 0 {
		n, wake := 1, rest[0] == wakeUp
		for n < len(rest) && (rest[n] == wakeUp) == wake {
			n++
		}
		switch {
		case wake:
			e.say(rest[:n], e.t("preamble, wakes the receiver", "前导字节，唤醒接收方"))
		case p.fault != nil:
			e.say(rest[:n], e.t("not a frame: "+p.fault.Error(), "不是有效帧："+faultZH(p.fault)))
		default:
			e.say(rest[:n], e.t("noise", "杂散字节"))
		}
		rest = rest[n:]
	}
}

// holdsSecret reports whether bytes that are no frame look like a damaged one
// of a kind that carries a password.
func holdsSecret(b []byte) bool {
	for i := 1; i < len(b); i++ {
		if b[i-1] == start && (Frame{Control: b[i]}).secrets() != nil {
			return true
		}
	}
	return false
}

// Redact is wire in hex for logs and evidence, with ** for every byte of a
// password, and for all of a damaged frame that may hold one.
func Redact(wire []byte) string {
	var s []string
	for _, p := range Explain("en", wire) {
		s = append(s, p.Hex())
	}
	return strings.Join(s, " ")
}

func faultZH(err error) string {
	switch err {
	case ErrChecksum:
		return "校验和错误"
	case ErrEnd:
		return "结束符不是 16H"
	case ErrSecondStart:
		return "第二个起始符不是 68H"
	case ErrTruncated:
		return "帧不完整"
	}
	return err.Error()
}

func (e *explainer) frame(f Frame, w []byte) {
	e.say(w[:1], e.t("start", "起始符"))
	e.say(w[1:7], e.t("address ", "地址 ")+f.Addr.String()+e.address(f.Addr))
	e.say(w[7:8], e.t("start", "起始符"))
	e.say(w[8:9], e.t("control: ", "控制码：")+e.control(f))
	e.say(w[9:10], fmt.Sprintf(e.t("length: %d data bytes", "长度：%d 个数据字节"), len(f.Data)))
	e.data(f, w[headLen:len(w)-2])
	e.say(w[len(w)-2:len(w)-1], e.t("checksum, correct", "校验和，正确"))
	e.say(w[len(w)-1:], e.t("end", "结束符"))
}

func (e *explainer) address(a Address) string {
	switch {
	case a == Broadcast:
		return e.t(" (everybody, nobody answers)", "（广播，无应答）")
	case a == Wildcard:
		return e.t(" (whoever hears it)", "（通配，收到者应答）")
	case !a.Exact():
		return e.t(" (with wildcards)", "（含通配字节）")
	}
	return ""
}

// functions names the function codes of 2007 and the ones only 1997 has.
var functions = map[byte][2]string{
	0x01: {"read (1997)", "读数据（1997）"}, 0x02: {"read subsequent data (1997)", "读后续数据（1997）"},
	0x04: {"write (1997)", "写数据（1997）"}, 0x0A: {"set address (1997)", "写设备地址（1997）"},
	0x0C: {"change baud rate (1997)", "更改通信速率（1997）"}, 0x0F: {"change password (1997)", "修改密码（1997）"},
	0x10: {"clear maximum demand (1997)", "最大需量清零（1997）"},
	0x03: {"security", "安全认证"}, 0x08: {"broadcast time", "广播校时"}, 0x11: {"read", "读数据"}, 0x12: {"read subsequent data", "读后续数据"},
	0x13: {"read address", "读通信地址"}, 0x14: {"write", "写数据"}, 0x15: {"write address", "写通信地址"}, 0x16: {"freeze", "冻结命令"},
	0x17: {"change baud rate", "更改通信速率"}, 0x18: {"change password", "修改密码"}, 0x19: {"clear maximum demand", "最大需量清零"},
	0x1A: {"clear meter", "电表清零"}, 0x1B: {"clear events", "事件清零"}, 0x1C: {"relay, alarm and power hold", "跳合闸、报警、保电"},
	0x1D: {"multi-function output", "多功能端子输出"},
}

func (e *explainer) control(f Frame) string {
	name, ok := functions[f.Func()]
	if !ok {
		name = [2]string{fmt.Sprintf("function %02XH", f.Func()), fmt.Sprintf("功能码 %02XH", f.Func())}
	}
	text := e.t(name[0], name[1])
	switch {
	case !f.FromMeter():
		return text + e.t(", asked by the master", "，主站请求")
	case f.IsError():
		return text + e.t(", refused by the meter", "，电表拒绝")
	case f.More():
		return text + e.t(", answered by the meter, more follows", "，电表应答，有后续数据")
	}
	return text + e.t(", answered by the meter", "，电表应答")
}

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
		bits := strings.Join(refusal(f).Bits(), ", ")
		return []field{{len(d), e.t("reason: ", "原因：") + e.reason(f, bits), false}}
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

// reason gives the bits in the language asked for; the words of the table are
// English, so Chinese keeps the ERR byte with the most frequent ones in words.
func (e *explainer) reason(f Frame, bits string) string {
	if !e.zh || edition(f.Func(), 1) == "1997" || len(f.Data) != 1 {
		return bits
	}
	var out []string
	for i, zh := range [8]string{"其他错误", "无请求数据", "密码错或未授权", "通信速率不能更改", "年时区数超", "日时段数超", "费率数超", "保留"} {
		if f.Data[0]&(1<<i) != 0 {
			out = append(out, zh)
		}
	}
	return strings.Join(out, "、")
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
func (e *explainer) values(f Frame) (out []field) {
	d, data := wireOrZero(f.Data), f.Data
	if len(data) < 4 || f.More() {
		return nil
	}
	return e.itemValues(layout(d), data[4:])
}

func wireOrZero(b []byte) DI {
	if len(b) < 4 {
		return 0
	}
	return wireDI(b)
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
		if it.DI == DIStatusWord3 && err == nil {
			text += e.status(StatusWord3(vs[0].Int))
		}
		out = append(out, field{it.Bytes, text, false})
		data = data[it.Bytes:]
	}
	return out
}

func (e *explainer) unit(u string) string {
	return strings.Replace(u, "money", e.t("money", "元"), 1)
}

// status says the bits of word 3 that fee control lives on, set or not.
func (e *explainer) status(w StatusWord3) string {
	words := []string{e.t("relay closed", "继电器闭合"), e.t("last command close", "最近命令为合闸")}
	if w.RelayOpen() {
		words[0] = e.t("relay open", "继电器断开")
	}
	if w.CommandOpen() {
		words[1] = e.t("last command open", "最近命令为拉闸")
	}
	if w.PreTripAlarm() {
		words = append(words, e.t("pre-trip alarm", "预跳闸报警"))
	}
	if w.PowerHold() {
		words = append(words, e.t("power hold", "保电"))
	}
	return e.t(": ", "：") + strings.Join(words, e.t(", ", "，"))
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
