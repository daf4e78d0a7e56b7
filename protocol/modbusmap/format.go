package modbusmap

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Format writes a model as a document that Parse reads back as the same model: the start of a table of one's own.
func Format(m Model) []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("model: %s", quote(m.Name))
	line("maker: %s", quote(m.Maker))
	line("manual: %s", quote(m.Manual))
	if m.Doubt != "" {
		line("doubt: %s", quote(m.Doubt))
	}
	line("baud: %d", m.Baud)
	line("parity: %s", m.Parity)
	line("stop_bits: %d", m.StopBits)
	line("max_registers: %d", m.MaxRead)
	if len(m.Spans) > 0 {
		line("spans:")
	}
	for _, s := range m.Spans {
		line("  - {function: %d, from: %04XH, to: %04XH}", s.Func, s.Addr, s.end()-1)
	}
	line("points:")
	for _, p := range m.Points {
		line("  - {%s}", p.row())
	}
	if m.PT != nil {
		line("pt: {%s}", m.PT.where())
	}
	if m.CT != nil {
		line("ct: {%s}", m.CT.where())
	}
	if c := m.Clock; c != nil {
		line("clock:\n  function: %d\n  address: %04XH", c.Func, c.Addr)
		var names []string
		for _, f := range c.Fields {
			names = append(names, clockFields[f])
		}
		line("  bytes: [%s]\n  bcd: %t", strings.Join(names, ", "), c.BCD)
	}
	if m.Relay != nil {
		m.Relay.format(line)
	}
	if x := m.Box; x != nil {
		line("box: {channels: %d, unit_step: %d, register_step: %d}", x.Channels, x.UnitStep, x.AddrStep)
	}
	return b.Bytes()
}

// row is a point between braces.
func (p Point) row() string {
	name, _, _, _ := QuantityWords(p.Quantity)
	s := "quantity: " + name
	if p.Register != 0 {
		s += fmt.Sprintf(", register: %d", p.Register)
	}
	s += ", " + p.where()
	if p.Type.float() {
		s += fmt.Sprintf(", decimals: %d", -p.Exp)
	}
	s += ", side: " + sideWords[p.Side]
	if p.Ratio != RatioNone {
		s += ", ratio: " + ratioWords[p.Ratio]
	}
	return s
}

// where is what points and ratios have in common.
func (p Point) where() string {
	s := fmt.Sprintf("function: %d, address: %04XH, type: %s", p.Func, p.Addr, typeWords[p.Type])
	if p.Order != ABCD {
		s += ", order: " + orderWords[p.Order]
	}
	k := p.Exp
	if p.Type.float() {
		k = p.Unit
	}
	s += ", step: " + stepText(k)
	if len(p.Missing) > 0 {
		var values []string
		for _, v := range p.Missing {
			values = append(values, fmt.Sprintf("%XH", v))
		}
		s += ", missing: [" + hexes(values) + "]"
	}
	return s
}

// hexes joins hexadecimal numbers; one that begins with a letter gets a zero in front, as is the custom.
func hexes(values []string) string {
	for i, v := range values {
		if v[0] > '9' {
			values[i] = "0" + v
		}
	}
	return strings.Join(values, ", ")
}

func (r Relay) format(line func(string, ...any)) {
	list := func(values []uint16) string {
		var s []string
		for _, v := range values {
			s = append(s, fmt.Sprintf("%04XH", v))
		}
		return strings.Join(s, ", ")
	}
	line("relay:\n  function: %d\n  address: %04XH\n  open: [%s]", r.Func, r.Addr, list(r.Open))
	if len(r.Close) > 0 {
		line("  close: [%s]", list(r.Close))
	}
	closing := "hand"
	if r.CanClose {
		closing = "remote"
	} else if r.CanPermit {
		closing = "permit"
	}
	line("  closing: %s", closing)
	line("  state: {function: %d, address: %04XH, mask: %04XH, open: %04XH, closed: %04XH}", r.StateFunc, r.StateAddr, r.OpenMask, r.OpenValue, r.ClosedValue)
	if b := r.Commanded; b != nil {
		line("  command: {address: %04XH, mask: %04XH, open: %04XH, closed: %04XH}", b.Addr, b.Mask, b.Open, b.Closed)
	}
	if b := r.Lock; b != nil {
		line("  lock: {address: %04XH, mask: %04XH, locked: %04XH, unlocked: %04XH}", b.Addr, b.Mask, b.Open, b.Closed)
	}
	if m := r.Mode; m != nil {
		line("  mode: {address: %04XH, own: %04XH, forced_open: %04XH, forced_closed: %04XH, own_tells: %t}", m.Addr, m.Own, m.ForcedOpen, m.ForcedClosed, m.OwnTells)
	}
}

// quote writes a text as a YAML string. Go's quoting is YAML's for text without broken UTF-8, which Check keeps out.
func quote(s string) string { return strconv.Quote(s) }
