package dlt645

import (
	"fmt"
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
	at := 0
	for _, part := range e.plan(f) {
		n := min(part.n, len(w)-at)
		e.stretch(f, w, at, at+n, part)
		at += n
	}
	e.stretch(f, w, at, len(w), field{text: e.t("data", "数据")})
}

// stretch says w[from:to]. Whatever the plan thinks, bytes that hold a
// password are masked.
func (e *explainer) stretch(f Frame, w []byte, from, to int, part field) {
	for from < to {
		n, hide := 1, part.secret || f.secret(from)
		for from+n < to && (part.secret || f.secret(from+n)) == hide {
			n++
		}
		switch {
		case hide && !part.secret:
			e.parts = append(e.parts, ExplainedPart{Bytes: w[from : from+n], Text: e.t("masked", "已隐去"), Secret: true})
		default:
			e.parts = append(e.parts, ExplainedPart{Bytes: w[from : from+n], Text: part.text, Secret: part.secret})
		}
		from += n
	}
}

func (e *explainer) plan(f Frame) []field {
	d := f.Data
	switch {
	case len(d) == 0:
		return nil
	case f.IsError():
		return []field{{len(d), e.t("reason: ", "原因：") + e.list(refusal(f).Explain(e.lang())), false}}
	}
	switch f.Control &^ more {
	case 0x08:
		return []field{e.clock(d)}
	case 0x11:
		return append(e.item(d), e.readExtra(d)...)
	case 0x91:
		return append(e.item(d), e.values(f)...)
	case 0x12, 0x92:
		return e.subsequent(f)
	case 0x93, 0x15, 0x0A:
		return e.addressPlan(d)
	case 0x14:
		return e.writePlan(d)
	case 0x16:
		return e.freezePlan(d)
	case 0x17, 0x97:
		return e.baudPlan(d, bauds2007)
	case 0x0C, 0x8C:
		return e.baudPlan(d, bauds1997)
	case 0x18:
		return append(e.item(d), append(e.password(e.t("old password, masked", "原密码（已隐去）")), e.password(e.t("new password, masked", "新密码（已隐去）"))...)...)
	case 0x98, 0x8F:
		return e.password(e.t("new password, masked", "新密码（已隐去）"))
	case 0x0F:
		return append(e.password(e.t("old password, masked", "原密码（已隐去）")), e.password(e.t("new password, masked", "新密码（已隐去）"))...)
	case 0x19, 0x1A:
		return e.authority(d, 0)
	case 0x1B:
		return e.clearPlan(d)
	case 0x1C:
		return e.relayPlan(f)
	case 0x9C:
		return e.relayStatus(f)
	case 0x1D, 0x9D:
		return e.outputPlan(d)
	case 0x03, 0x83:
		if f.edition() == "1997" {
			return e.plan1997(f)
		}
		return e.security(f)
	case 0x01, 0x81, 0x02, 0x82, 0x04:
		return e.plan1997(f)
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
	if name, ok := securityNames[d]; ok {
		return e.t(", ", "，") + name.in(e.lang())
	}
	if it, ok := Item(d); ok {
		return e.t(", "+it.Name, "，"+it.NameZH)
	}
	if d>>24 == 0x05 && d>>8&0xFF == DI(FreezeContentAll) && FreezeKind(d>>16) <= FreezePurchaseDaily {
		kind := freezeKinds[FreezeKind(d>>16)]
		return fmt.Sprintf(e.t(", %s freeze %d, whole record", "，%s第%d次，整条记录"), kind.in(e.lang()), d&0xFF)
	}
	if parts := layout(d); len(parts) > 0 {
		return e.t(", "+parts[0].Name+" and what follows it", "，"+parts[0].NameZH+"等（数据块）")
	}
	return ""
}

// readExtra is what may follow the identifier of a read: how many load
// records, and from when.
func (e *explainer) readExtra(d []byte) (out []field) {
	o, err := ParseLoadRequest(Frame{Control: funcRead, Data: d}, time.UTC)
	if err != nil || len(d) < 5 {
		return nil
	}
	out = append(out, field{1, fmt.Sprintf(e.t("records: %d", "记录数：%d"), o.Records), false})
	if !o.From.IsZero() {
		out = append(out, field{5, e.t("from ", "起始时间 ") + o.From.Format("2006-01-02 15:04"), false})
	}
	return out
}

func (e *explainer) subsequent(f Frame) []field {
	out, n := e.item(f.Data), len(f.Data)
	if n < 5 {
		return out
	}
	if f.FromMeter() {
		out = append(out, field{n - 5, e.t("part of the answer", "应答的一部分"), false})
	}
	return append(out, field{1, fmt.Sprintf(e.t("SEQ %d", "帧序号 %d"), f.Data[n-1]), false})
}

func (e *explainer) clock(d []byte) field {
	if t, err := DateTime6(d, time.UTC); err == nil {
		return field{6, e.t("time ", "时间 ") + t.Format(time.DateTime), false}
	}
	return field{len(d), e.t("not a valid time", "时间无效"), false}
}

func (e *explainer) addressPlan(d []byte) []field {
	if len(d) != 6 {
		return nil
	}
	return []field{{6, e.t("address ", "通信地址 ") + Address(d).String(), false}}
}
