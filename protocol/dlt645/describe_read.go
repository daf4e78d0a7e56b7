package dlt645

import (
	"errors"
	"fmt"
	"time"
)

// read fills DI and Values.
func (m *Message) read(f Frame) error {
	if f.IsError() {
		e := refusal(f)
		switch {
		case len(f.Data) == 2:
			name := "relay error word"
			if f.Func() == 0x03 {
				name = "SERR"
			}
			m.add(name, fmt.Sprintf("0x%04X", e.Word))
			m.add("bits", e.Bits())
		case len(f.Data) > 0:
			m.add("ERR", fmt.Sprintf("0x%02X", e.Err))
			m.add("bits", e.Bits())
		}
		return nil
	}
	if m.Version == "1997" {
		return m.read1997(f)
	}
	d := f.Data
	if fn := f.Func(); fn == funcRead || fn == funcSubsequent || (fn == 0x14 || fn == 0x18) && !f.FromMeter() {
		if len(d) < 4 {
			return ErrLength
		}
		m.DI = wireDI(d).String()
		d = d[4:]
	}
	switch f.Control &^ 0x20 {
	case 0x08:
		t, err := DateTime6(d, time.UTC)
		if err != nil {
			return err
		}
		m.add("time", t.Format(time.DateTime))
	case 0x11:
		return m.loadRequest(d)
	case 0x91:
		if f.More() {
			m.add("part", spaced(d))
			return nil
		}
		return m.values(wireDI(f.Data), d)
	case 0x12, 0x92:
		if len(d) < 1 {
			return ErrLength
		}
		m.add("SEQ", int(d[len(d)-1]))
		if f.FromMeter() {
			m.add("part", spaced(d[:len(d)-1]))
		}
	case 0x93, 0x15:
		if len(d) != 6 {
			return ErrLength
		}
		m.add("address", Address(d).String())
	case 0x14:
		if len(d) < 8 {
			return ErrLength
		}
		m.authority(d)
		m.add("written raw", spaced(d[8:]))
		// A write to an item whose layout we do not know is still a sound write.
		if err := m.values(wireDI(f.Data), d[8:]); err != nil && !errors.Is(err, ErrUnknownItem) {
			return err
		}
	case 0x16:
		if len(d) != 4 {
			return ErrLength
		}
		m.add("freeze minute,hour,day,month", spaced(d))
	case 0x17, 0x97:
		if len(d) != 1 {
			return ErrLength
		}
		m.add("Z", fmt.Sprintf("0x%02X", d[0]))
		m.add("baud", baudText(bauds2007, d[0]))
	case 0x18:
		if len(d) != 8 {
			return ErrLength
		}
		m.add("old PA+P", spaced(d[:4]))
		m.add("new PA+P", spaced(d[4:]))
	case 0x98:
		m.add("new PA+P", spaced(d))
	case 0x19, 0x1A, 0x1B:
		if len(d) < 8 {
			return ErrLength
		}
		m.authority(d)
		if f.Func() == 0x1B && len(d) == 12 {
			m.DI = wireDI(d[8:]).String()
		}
	case 0x1C:
		return m.relayRequest(f)
	case 0x9C:
		if len(d) == 2 {
			w := uint16(d[0]) | uint16(d[1])<<8
			m.add("relay status word", fmt.Sprintf("0x%04X", w))
			m.add("bits", RelayStatus(w).Names())
		} else {
			m.add("accepted", spaced(d))
		}
	case 0x03, 0x83:
		return m.security(f)
	case 0x1D, 0x9D:
		m.add("output", spaced(d))
	}
	return nil
}

// authority is PA P0 P1 P2 C0 C1 C2 C3; the caller has checked the length.
func (m *Message) authority(d []byte) {
	m.add("level", fmt.Sprintf("%02X", d[0]))
	m.add("password wire order", spaced(d[1:4]))
	m.add("operator wire order", spaced(d[4:8]))
}

func (m *Message) relayRequest(f Frame) error {
	o, err := ParseRelayRequest(f, time.UTC)
	if errors.Is(err, ErrSealed) {
		m.add("level", fmt.Sprintf("%02X", f.Data[0]))
		m.add("cipher bytes", spaced(f.Data[8:]))
		return nil
	}
	if err != nil {
		return err
	}
	m.authority(f.Data)
	m.add("command", o.Command.String())
	m.add("N1", fmt.Sprintf("%02X", byte(o.Command)))
	m.add("N2", fmt.Sprintf("%02X", o.N2))
	m.add("deadline", o.Deadline.Format(time.DateTime))
	return nil
}
