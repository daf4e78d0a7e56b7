package dlt645

import (
	"errors"
	"fmt"
	"strconv"
)

func (m *Message) read1997(f Frame) error {
	d := f.Data
	switch fn := f.Func(); {
	case fn == 0x01 || fn == 0x02 || fn == 0x03 && len(d) > 0 || fn == 0x04 && !f.FromMeter():
		if len(d) < 2 {
			return ErrLength
		}
		di := wireDI1997(d)
		m.DI = fmt.Sprintf("%04X", uint32(di))
		switch {
		case fn == 0x04:
			m.add("written raw", spaced(d[2:]))
		case f.FromMeter() && (f.More() || fn == 0x02):
			m.add("part", spaced(d[2:]))
		case f.FromMeter():
			vs, err := DecodeValues1997(di, d[2:])
			if errors.Is(err, ErrUnknownItem) {
				m.add("raw", spaced(d[2:]))
				return nil
			}
			if err != nil {
				return err
			}
			m.put(vs)
		}
	case fn == 0x0A && len(d) == 6:
		m.add("address", Address(d).String())
	case fn == 0x0C && len(d) == 1:
		m.add("Z", fmt.Sprintf("0x%02X", d[0]))
		m.add("baud", baudText(bauds1997, d[0]))
	case fn == 0x0F && !f.FromMeter() && len(d) == 8:
		m.add("old PA+P", spaced(d[:4]))
		m.add("new PA+P", spaced(d[4:]))
	case fn == 0x0F && f.FromMeter():
		m.add("new PA+P", spaced(d))
	}
	return nil
}

func baudText(table [8]int, z byte) string {
	if baud, ok := ofZ(table, z); ok {
		return strconv.Itoa(baud)
	}
	return "unknown"
}
