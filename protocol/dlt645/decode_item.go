package dlt645

import (
	"fmt"
	"time"
)

// decode reads exactly one item. A date with its weekday makes two values.
func (it ItemInfo) decode(b []byte) ([]Value, error) {
	v := Value{Name: it.Name, NameZH: it.NameZH, DI: it.DI, Unit: it.Unit}
	v.Never = it.neverWas(b)
	if it.Format != FormatASCII && it.Format != FormatBinary && it.Format != FormatSecret && allFF(b) || v.Never {
		v.Null = true
		return []Value{v}, nil
	}
	var err error
	var t time.Time
	switch it.Format {
	case FormatASCII:
		v.Text = reversedText(b)
	case FormatBinary:
		v.Text = "0x"
		for i := len(b) - 1; i >= 0; i-- {
			v.Text += fmt.Sprintf("%02X", b[i])
			if len(b) < 8 { // longer ones are in Text only
				v.Int = v.Int<<8 | int64(b[i])
			}
		}
	case FormatSecret:
		v.Text = redacted
	case FormatDigits:
		v.Text, err = reversedDigits(b)
	case FormatDate4:
		if t, err = Date4(b, time.UTC); err == nil {
			v.Text = t.Format("2006-01-02")
			return []Value{v, {Name: "weekday", NameZH: "星期", DI: it.DI, Text: fmt.Sprintf("%02X", b[0])}}, nil
		}
	case FormatTime3:
		if t, err = stamp([6]byte{b[0], b[1], b[2], 1, 1, 0}, 0, time.UTC); err == nil {
			v.Text = t.Format(time.TimeOnly)
		}
	case FormatDateTime5:
		if t, err = DateTime5(b, time.UTC); err == nil {
			v.Text = t.Format("2006-01-02 15:04")
		}
	case FormatDateTime6:
		if t, err = DateTime6(b, time.UTC); err == nil {
			v.Text = t.Format(time.DateTime)
		}
	case FormatDateTime7:
		if t, err = DateTime7(b, time.UTC); err == nil {
			v.Text = t.Format(time.DateTime)
			return []Value{v, {Name: "weekday", NameZH: "星期", DI: it.DI, Text: fmt.Sprintf("%02X", b[3])}}, nil
		}
	default:
		if it.Format.fields() {
			v.Text, err = it.Format.readFields(b)
			break
		}
		v.Exp = it.Format.exp()
		v.Int, err = number(b, it.Signed)
	}
	if err != nil {
		return nil, err
	}
	return []Value{v}, nil
}

// neverWas reports whether b is the time of something that has not happened
// yet: a demand after a clear, an event without a record, a switch nobody set.
// Meters fill it with zeros, which no calendar has. The clock itself (04000101,
// 0400010C) is always some time; zeros there are a fault and stay an error.
func (it ItemInfo) neverWas(b []byte) bool {
	switch it.Format {
	case FormatDateTime5, FormatDateTime6, "MMDDhhmm":
		for _, v := range b {
			if v != 0 {
				return false
			}
		}
		return true
	}
	return false
}
