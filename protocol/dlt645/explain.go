package dlt645

import (
	"bytes"
	"fmt"
	"strings"
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
	if f, ok := maskedFrame(wire); ok {
		e.masked = true
		e.frame(f, wire)
		return e.parts
	}
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
	zh     bool
	masked bool // evidence whose password was taken out, and the checksum with it
	wrong  bool // the checksum is not that of the bytes
	parts  []ExplainedPart
}

// t chooses the language.
func (e *explainer) t(en, zh string) string {
	if e.zh {
		return zh
	}
	return en
}

func (e *explainer) lang() string { return e.t("en", "zh") }

func (e *explainer) list(words []string) string { return strings.Join(words, e.t(", ", "，")) }

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
		if f, ok := damaged(rest); ok && p.fault == ErrChecksum {
			e.wrong = true
			e.frame(f, rest)
			e.wrong = false
			return
		}
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

// damaged is a frame that is whole but for its checksum: whoever looks for the damaged byte wants to see what they say.
func damaged(w []byte) (Frame, bool) {
	if len(w) < overhead || len(w) != overhead+int(w[9]) || w[0] != start || w[7] != start || w[len(w)-1] != end {
		return Frame{}, false
	}
	f := Frame{Addr: Address(w[1:7]), Control: w[8], Data: bytes.Clone(w[headLen : len(w)-2])}
	takeOffset(f.Data)
	return f, true
}

// holdsSecret reports whether bytes that are no frame look like a damaged one
// of a kind that carries a password.
func holdsSecret(b []byte) bool {
	for i := 1; i < len(b); i++ {
		f := Frame{Control: b[i]}
		if i+6 <= len(b) { // behind the length an identifier may stand, and be that of a password
			f.Data = bytes.Clone(b[i+2 : i+6])
			takeOffset(f.Data)
		}
		if b[i-1] == start && f.secrets() != nil {
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
	sum := w[len(w)-2 : len(w)-1]
	switch {
	case e.wrong:
		e.say(sum, fmt.Sprintf(e.t("checksum is wrong, want %02X: a byte of this frame is damaged, believe none of it", "校验和错误，应为 %02X：帧中有字节受损，内容不可信"), checksum(w[:len(w)-2])))
	case e.masked:
		e.say(sum, e.t("checksum, masked with the password", "校验和（与密码一并隐去）"))
	case f.holdsSecret():
		// A sum: with all other bytes known it would leave a few thousand passwords of a million.
		e.parts = append(e.parts, ExplainedPart{Bytes: sum, Secret: true, Text: e.t("checksum, correct; masked with the password", "校验和，正确（与密码一并隐去）")})
	default:
		e.say(sum, e.t("checksum, correct", "校验和，正确"))
	}
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
	if f.Func() == funcRepeat1997 && f.Control == funcRepeat1997 && len(f.Data) == 0 {
		name = [2]string{"repeat the last answer (1997)", "重读数据（1997）"}
	}
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
