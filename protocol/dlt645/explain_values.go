package dlt645

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// values explains what a read reply says, one field an item. The first block
// of a long answer is not taken apart: it may end inside an item.
func (e *explainer) values(f Frame) []field {
	if len(f.Data) < 4 || f.More() {
		return nil
	}
	d, data := wireDI(f.Data), f.Data[4:]
	switch {
	case d>>24 == 0x06:
		return e.load(int(d>>16&0xFF), data)
	case d>>24 == 0x05 && d>>8&0xFF == DI(FreezeContentAll):
		return e.freeze(d, data)
	}
	return e.itemValues(layout(d), data, false)
}

// itemValues explains parts one behind the other, in a 1997 block perhaps
// divided by AA.
func (e *explainer) itemValues(parts []ItemInfo, data []byte, divided bool) (out []field) {
	for _, it := range parts {
		if len(data) < it.Bytes {
			break
		}
		out = append(out, field{it.Bytes, e.itemValue(it, data[:it.Bytes]), it.Format == FormatSecret})
		data = data[it.Bytes:]
		if divided && len(parts) > 1 && len(data) > 0 && data[0] == partSep && it.Format != FormatBinary {
			out = append(out, e.separator(false))
			data = data[1:]
		}
	}
	return out
}

func (e *explainer) itemValue(it ItemInfo, b []byte) string {
	text := e.t(it.Name, it.NameZH) + " "
	vs, err := it.decode(b)
	switch {
	case err != nil:
		return text + e.t("cannot be: "+err.Error(), "无效："+valueZH(err))
	case it.neverWas(b):
		return text + e.t("never", "从未发生")
	case vs[0].Null:
		return text + e.t("not measured", "未测量")
	case vs[0].Text != "":
		text += vs[0].Text
	default:
		text += strings.TrimSpace(vs[0].Decimal() + " " + e.unit(it.Unit))
	}
	if list := e.list(ExplainStatus(it.DI, b, e.lang())); list != "" {
		text += e.t(": ", "：") + list
	}
	return text
}

// valueZH says in Chinese why a value is refused.
func valueZH(err error) string {
	switch {
	case errors.Is(err, ErrBCD):
		return "不是 BCD 数字"
	case errors.Is(err, ErrDateTime):
		return "日期或时间不存在"
	}
	return err.Error()
}

func (e *explainer) unit(u string) string {
	return strings.Replace(u, "money", e.t("money", "元"), 1)
}

func (e *explainer) separator(missing bool) field {
	if missing {
		return field{1, e.t("AA, a part the meter does not keep", "AA，电表未保存的数据"), false}
	}
	return field{1, e.t("AA, divides the parts", "AA，分隔符"), false}
}

// freeze explains a whole freeze record.
func (e *explainer) freeze(d DI, data []byte) (out []field) {
	contents := freezeContents
	if FreezeKind(d>>16) == FreezeHourlyKind {
		contents = contents[:3]
	}
	for _, content := range contents {
		parts := freezeLayout(d, content, d&0xFF)
		n := untilSep(parts, data)
		out = append(out, e.itemValues(parts, data[:n], false)...)
		if n == len(data) || data[n] != partSep {
			break
		}
		out = append(out, e.separator(n == 0))
		data = data[n+1:]
	}
	return out
}

// load explains load profile records; what is suspect is said at its start.
func (e *explainer) load(class int, data []byte) (out []field) {
	records, err := ParseClassRecords(class, data, time.UTC)
	if err != nil {
		return []field{{len(data), e.t("no load record starts here", "不是负荷记录"), false}}
	}
	for _, r := range records {
		out = append(out, e.loadRecord(r)...)
	}
	return out
}

func (e *explainer) loadRecord(r LoadRecord) []field {
	raw := r.Raw
	head := e.t("load record", "负荷记录")
	if r.Suspect {
		head += e.t(", suspect: ", "，可疑：") + r.WhyIn(e.lang())
	}
	whole := loadBegins(raw) && len(raw) >= loadHead+loadTime+loadFoot && raw[len(raw)-1] == loadEnd && !r.At.IsZero()
	if !whole {
		return []field{{len(raw), head, false}}
	}
	out := []field{{2, head, false}, {1, fmt.Sprintf(e.t("length: %d bytes", "长度：%d 字节"), raw[2]), false},
		{loadTime, e.t("record time ", "记录时间 ") + r.At.Format("2006-01-02 15:04"), false}}
	body := raw[loadHead+loadTime : len(raw)-loadFoot]
	for n := 1; n <= len(loadClasses) && len(body) > 0; n++ {
		size := loadSize(n)
		switch {
		case body[0] == partSep:
			size = 0
		case !r.Classes.Has(n):
			continue
		case len(body) < size:
			n = len(loadClasses)
			continue
		default:
			out = append(out, e.itemValues(loadClasses[n-1], body[:size], false)...)
		}
		body = body[size:]
		if len(body) > 0 && body[0] == partSep {
			out = append(out, e.separator(size == 0))
			body = body[1:]
		}
	}
	if len(body) > 0 {
		out = append(out, field{len(body), e.t("data", "数据"), false})
	}
	sum := e.t("record checksum, correct", "记录校验和，正确")
	if at := len(raw) - loadFoot; checksum(raw[:at]) != raw[at] {
		sum = e.t("record checksum, wrong", "记录校验和，错误")
	}
	return append(out, field{1, sum, false}, field{1, e.t("end of the record", "记录结束符"), false})
}
