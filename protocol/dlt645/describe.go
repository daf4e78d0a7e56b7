package dlt645

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
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

// Describe describes one frame. When a value must be refused, Error names the
// reason, Layer is "value" and there are no values.
func Describe(f Frame) Message {
	m := Message{
		Wire: spaced(AppendFrame(nil, f)), Address: f.Addr.String(), Direction: "master_to_slave",
		Version: f.edition(), Control: fmt.Sprintf("%02X", f.Control),
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

func spaced(b []byte) string { return strings.TrimSpace(fmt.Sprintf("% X", b)) }
