package dlt645

import (
	"errors"
	"time"
)

// loadRequest reads what may follow the identifier of a read: a number of
// load record blocks, and the time to begin at.
func (m *Message) loadRequest(d []byte) error {
	if len(d) != 1 && len(d) != 6 {
		return nil
	}
	n, err := BCD(d[:1])
	if err != nil {
		return err
	}
	m.add("blocks", int(n))
	if len(d) == 6 {
		t, err := DateTime5(d[1:], time.UTC)
		if err != nil {
			return err
		}
		m.add("from", t.Format("2006-01-02 15:04"))
	}
	return nil
}

// values adds what a reply says; unknown items go as raw bytes.
func (m *Message) values(d DI, data []byte) error {
	vs, err := DecodeValues(d, data)
	if errors.Is(err, ErrUnknownItem) {
		if m.Control != "14" {
			m.add("raw", spaced(data))
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	m.put(vs)
	switch {
	case d>>24 == 0x06 && len(data) == 0:
		m.add("empty", "")
	case d == DIStatusWord3:
		m.add("bits set", StatusWord3(vs[0].Int).Bits())
	case d == DIStatusWords && len(vs) > 2:
		m.add("word 3 bits set", StatusWord3(vs[2].Int).Bits())
	}
	return nil
}

func (m *Message) put(vs []Value) {
	for _, v := range vs {
		switch {
		case v.Null:
			m.Values = append(m.Values, Field{v.Name, nil, v.Unit})
		case v.Text != "":
			m.Values = append(m.Values, Field{v.Name, v.Text, v.Unit})
		default:
			m.Values = append(m.Values, Field{v.Name, v.Decimal(), v.Unit})
		}
	}
}

// security describes C = 03H by its identifier; what is sealed stays bytes.
func (m *Message) security(f Frame) error {
	d := f.Data
	if len(d) < 4 {
		return ErrLength
	}
	m.DI = wireDI(d).String()
	switch {
	case wireDI(d) != DIIdentity:
		m.add("raw", spaced(d[4:]))
	case f.FromMeter():
		id, err := ParseIdentityReply(f, f.Addr)
		if err != nil {
			return err
		}
		m.add("random 2", spaced(id.Random[:]))
		m.add("ESAM serial", spaced(id.Serial[:]))
	case len(d) != 4+4+identityLen:
		return ErrLength
	default:
		m.add("operator wire order", spaced(d[4:8]))
		m.add("cipher", spaced(d[8:16]))
		m.add("random 1", spaced(d[16:24]))
		m.add("dispersion factor", spaced(d[24:32]))
	}
	return nil
}
