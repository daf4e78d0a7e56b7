package dlt645

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Message is a frame described for machines, in the field names of
// testdata/dlt645-vectors.json. Wire keeps the preamble, noise or echo that
// stood around the frame. It shows everything, passwords too, as the bytes it
// was made from do: it is for a person's own capture, never for a log.
type Message struct {
	Wire         string  `json:"wire"`
	Address      string  `json:"address"`
	Direction    string  `json:"direction"`
	Version      string  `json:"version"`
	Control      string  `json:"control"`
	IsErrorReply bool    `json:"is_error_reply"`
	MoreFollow   bool    `json:"more_follow"`
	DataPlain    string  `json:"data_plain"`
	DI           string  `json:"di,omitempty"`
	Values       []Field `json:"values"`
	Error        string  `json:"error,omitempty"`
	Layer        string  `json:"layer,omitempty"`
}

// Format prints address and control only: a Message may hold a password, and
// one that strays into a log shall not show it.
func (m Message) Format(s fmt.State, _ rune) { io.WriteString(s, m.Address+" "+m.Control) }

// LogValue is what Format prints.
func (m Message) LogValue() slog.Value { return slog.StringValue(m.Address + " " + m.Control) }

// Field is one value of a Message: Value is exact decimal text, other text,
// a list of names, a small whole number, or nil when not measured.
type Field struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Unit  string `json:"unit"`
}

// Refusal is what a Message is when there is none: no frame (layer "frame"),
// or frames that contradict each other (layer "bus").
type Refusal struct {
	Wire  string `json:"wire"`
	Error string `json:"error"`
	Layer string `json:"layer"`
}

// DescribeAll describes every frame of a capture, in order, as *Message, and
// ends with a *Refusal when there was no frame at all or when two meters
// answered one request.
func DescribeAll(wire []byte) []any {
	var out []any
	var frames []Frame
	var around []byte
	var fault error
	for _, p := range cut(wire) {
		if fault == nil {
			fault = p.fault
		}
		around = append(around, p.wire...)
		if p.frame {
			m := Describe(p.Frame)
			m.Wire, around = spaced(around), nil
			out = append(out, &m)
			frames = append(frames, p.Frame)
		}
	}
	switch {
	case len(frames) == 0:
		if fault == nil {
			fault = ErrNoFrame
		}
		out = append(out, &Refusal{spaced(wire), ErrorName(fault), "frame"})
	case len(around) > 0:
		last := out[len(out)-1].(*Message)
		last.Wire += " " + spaced(around)
	}
	if TwoReplies(frames) {
		out = append(out, &Refusal{spaced(wire), "two_replies", "bus"})
	}
	return out
}

// TwoReplies reports whether two different meters answered, with no request
// between them: one wildcard request, or two meters on one line by mistake.
func TwoReplies(frames []Frame) bool {
	for i := 1; i < len(frames); i++ {
		a, b := frames[i-1], frames[i]
		if a.FromMeter() && b.FromMeter() && a.Func() == b.Func() && a.Addr != b.Addr {
			return true
		}
	}
	return false
}

// ErrorName is the name the vectors file gives an error.
func ErrorName(err error) string {
	for _, e := range []struct {
		err  error
		name string
	}{
		{ErrChecksum, "bad_checksum"}, {ErrEnd, "bad_end"}, {ErrSecondStart, "bad_second_start"}, {ErrTruncated, "truncated"},
		{ErrNoFrame, "no_frame"}, {ErrDateTime, "invalid_datetime"}, {ErrBCD, "bad_bcd"}, {ErrLength, "bad_length"}, {ErrAddress, "bad_address"},
	} {
		if errors.Is(err, e.err) {
			return e.name
		}
	}
	return "other"
}

// Describe describes one frame. When a value must be refused, Error names the
// reason, Layer is "value" and there are no values.
func Describe(f Frame) Message {
	m := Message{
		Wire: spaced(AppendFrame(nil, f)), Address: f.Addr.String(), Direction: "master_to_slave",
		Version: edition(f.Func(), len(f.Data)), Control: fmt.Sprintf("%02X", f.Control),
		IsErrorReply: f.IsError(), DataPlain: spaced(f.Data), Values: []Field{},
	}
	if f.FromMeter() {
		m.Direction, m.MoreFollow = "slave_to_master", f.More()
	}
	if err := m.read(f); err != nil {
		m.Values, m.Error, m.Layer = []Field{}, ErrorName(err), "value"
	}
	return m
}

func (m *Message) add(name string, value any) { m.Values = append(m.Values, Field{name, value, ""}) }

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
		m.add("baud", baud(d[0]))
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

func (m *Message) read1997(f Frame) error {
	d := f.Data
	switch fn := f.Func(); {
	case fn == 0x01 || fn == 0x02 || fn == 0x04 && !f.FromMeter():
		if len(d) < 2 {
			return ErrLength
		}
		di := DI(d[0]) | DI(d[1])<<8
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
	}
	return nil
}

// baud reads Z of 2007: exactly one bit.
func baud(z byte) string {
	for i, rate := range [8]string{1: "600", 2: "1200", 3: "2400", 4: "4800", 5: "9600", 6: "19200"} {
		if z == 1<<i && rate != "" {
			return rate
		}
	}
	return "unknown"
}

func spaced(b []byte) string { return strings.TrimSpace(fmt.Sprintf("% X", b)) }
