package modbusmap

import (
	"math"
	"strings"

	"feikong/internal/document"
	"feikong/protocol"
	"feikong/protocol/modbus"
)

// Parse reads a model that a user has written; name is what errors call the document. Errors carry line, key and remedy;
// see document.Error. The model is as good as a built-in one: Check has nothing to say about it.
func Parse(name string, data []byte) (Model, error) {
	if len(data) > documentMax {
		return Model{}, document.Errorf(name, 0, "%d bytes are no model; at most %d", len(data), documentMax)
	}
	r := raw{
		Baud: document.Of[int]{Value: 9600}, Parity: document.Of[string]{Value: "none"}, StopBits: document.Of[int]{Value: 1},
		MaxRead: document.Of[int]{Value: defaultMaxRead},
	}
	if err := document.Decode(name, data, &r); err != nil {
		return Model{}, err
	}
	p := parser{name: name}
	m := p.model(&r)
	if p.err != nil {
		return Model{}, p.err
	}
	if f := m.check(); f != nil {
		line, key := r.place(*f)
		return Model{}, document.Errorf(name, line, "%s: %s", key, f.text)
	}
	return m, nil
}

// documentMax bounds a model's document: the largest that Format writes is below it, and what the YAML reader makes of one
// in memory is some forty times as much, in small pieces.
const documentMax = 64 << 10

// parser keeps the first fault.
type parser struct {
	name string
	err  error
}

func (p *parser) fault(line int, format string, args ...any) {
	if p.err == nil {
		p.err = document.Errorf(p.name, line, format, args...)
	}
}

// need tells of a key that is not there.
func need[T any](p *parser, line document.Line, key string, v document.Of[T], example string) T {
	if !v.Present() {
		p.fault(int(line), "%s: missing; for example %s: %s", key, key, example)
	}
	return v.Value
}

func (p *parser) bounded(line int, key string, v uint64, max uint64) uint64 {
	if v > max {
		p.fault(line, "%s: %d is above %d", key, v, max)
		return 0
	}
	return v
}

func (p *parser) between(key string, v document.Of[int], least, most int) int {
	if v.Value < least || v.Value > most {
		p.fault(v.Line, "%s: %d is not between %d and %d", key, v.Value, least, most)
		return 0
	}
	return v.Value
}

func (p *parser) word(key string, v document.Of[number]) uint16 {
	return uint16(p.bounded(v.Line, key, uint64(v.Value), math.MaxUint16))
}

func (p *parser) words(key string, v document.Of[[]number]) (out []uint16) {
	for _, n := range v.Value {
		out = append(out, uint16(p.bounded(v.Line, key, uint64(n), math.MaxUint16)))
	}
	return out
}

func (p *parser) choice(line int, key, word string, list []string) int {
	i := index(list, word)
	if i < 0 {
		var want []string
		for _, w := range list {
			if w != "" {
				want = append(want, w)
			}
		}
		p.fault(line, "%s: %q is not one of %s", key, word, strings.Join(want, ", "))
		return 0
	}
	return i
}

func (p *parser) model(r *raw) Model {
	m := Model{
		Name: need(p, 0, "model", r.Model, "acme-m1"), Maker: need(p, 0, "maker", r.Maker, "Acme"),
		Manual: need(p, 0, "manual", r.Manual, "\"Acme M1 protocol V1.2, table 3\""), Doubt: r.Doubt.Value,
		Baud: r.Baud.Value, Parity: r.Parity.Value, StopBits: uint8(p.between("stop_bits", r.StopBits, 1, 2)),
		MaxRead: uint16(p.between("max_registers", r.MaxRead, 1, modbus.MaxRegisters)),
	}
	for i := range r.Spans {
		m.Spans = append(m.Spans, p.span(&r.Spans[i]))
	}
	for i := range r.Points.Value {
		m.Points = append(m.Points, p.point(&r.Points.Value[i]))
	}
	m.PT, m.CT = p.ratio(r.PT), p.ratio(r.CT)
	m.Clock, m.Relay, m.Box = p.clock(r.Clock), p.relay(r.Relay), p.box(r.Box)
	return m
}

func (p *parser) span(r *rawSpan) Span {
	from := p.word("from", document.Of[number]{Value: need(p, r.Line, "from", r.From, "0000H"), Line: r.From.Line})
	to := p.word("to", document.Of[number]{Value: need(p, r.Line, "to", r.To, "0010H"), Line: r.To.Line})
	fn := p.function(r.Line, r.Function)
	switch {
	case p.err != nil:
	case to < from:
		p.fault(r.To.Line, "to: %04XH lies before from, %04XH", to, from)
	case to-from == math.MaxUint16:
		p.fault(r.To.Line, "to: all registers are no span; name the ranges that the manual lists")
	}
	return Span{Func: fn, Addr: from, Size: to - from + 1}
}

func (p *parser) function(line document.Line, v document.Of[int]) byte {
	need(p, line, "function", v, "3")
	return byte(p.between("function", v, 1, 16))
}

func (p *parser) address(line document.Line, v document.Of[number]) uint16 {
	need(p, line, "address", v, "0000H")
	return p.word("address", v)
}

// lies fills in what values of points and of ratios have in common.
func (p *parser) lies(out *Point, line document.Line, function document.Of[int], address document.Of[number], typ, order document.Of[string], missing document.Of[[]number]) {
	out.Func, out.Addr = p.function(line, function), p.address(line, address)
	out.Type = Type(p.choice(max(typ.Line, int(line)), "type", need(p, line, "type", typ, "u32"), typeWords[:]))
	out.Words = uint8(out.Type.words())
	if order.Present() {
		out.Order = WordOrder(p.choice(order.Line, "order", order.Value, orderWords[:]))
	}
	for _, n := range missing.Value {
		out.Missing = append(out.Missing, uint64(n))
	}
}

func (p *parser) point(r *rawPoint) (out Point) {
	word := need(p, r.Line, "quantity", r.Quantity, "active_import")
	quantity := p.choice(max(r.Quantity.Line, int(r.Line)), "quantity", word, quantityNames())
	out.Quantity = quantities[quantity].quantity
	out.Register = uint8(p.between("register", r.Register, 0, registersMax))
	p.lies(&out, r.Line, r.Function, r.Address, r.Type, r.Order, r.Missing)
	out.Exp = int8(r.Step.Value)
	if out.Type.float() {
		out.Unit, out.Exp = int8(r.Step.Value), -quantities[quantity].decimals
		if r.Decimals.Present() {
			out.Exp = -int8(p.between("decimals", r.Decimals, 0, expMax))
		}
	} else if r.Decimals.Present() {
		p.fault(r.Decimals.Line, "decimals: only for floats; a whole number has the places of its step")
	} else if !r.Step.Present() {
		p.fault(int(r.Line), "step: missing; for example step: 0.01 when the register counts hundredths")
	}
	switch side := need(p, r.Line, "side", r.Side, "primary"); side {
	case "primary":
		out.Side = protocol.SidePrimary
	case "secondary":
		out.Side = protocol.SideSecondary
	default:
		p.fault(max(r.Side.Line, int(r.Line)), "side: %q is not primary or secondary", side)
	}
	if r.Ratio.Present() {
		out.Ratio = Ratio(p.choice(r.Ratio.Line, "ratio", r.Ratio.Value, ratioWords[:]))
	}
	return out
}

func (p *parser) ratio(r *rawRatio) *Point {
	if r == nil {
		return nil
	}
	var out Point
	p.lies(&out, r.Line, r.Function, r.Address, r.Type, r.Order, r.Missing)
	out.Exp = int8(r.Step.Value)
	return &out
}

func (p *parser) clock(r *rawClock) *Clock {
	if r == nil {
		return nil
	}
	out := &Clock{Func: p.function(r.Line, r.Function), Addr: p.address(r.Line, r.Address), BCD: r.BCD.Value}
	for _, w := range need(p, r.Line, "bytes", r.Bytes, "[year, month, day, hour, minute, second]") {
		out.Fields = append(out.Fields, ClockField(p.choice(r.Bytes.Line, "bytes", w, clockFields[:])))
	}
	return out
}

func (p *parser) relay(r *rawRelay) *Relay {
	if r == nil {
		return nil
	}
	out := &Relay{Func: p.function(r.Line, r.Function), Addr: p.address(r.Line, r.Address), CanTrip: true,
		Open: p.words("open", document.Of[[]number]{Value: need(p, r.Line, "open", r.Open, "[0]"), Line: r.Open.Line}), Close: p.words("close", r.Close)}
	switch closing := need(p, r.Line, "closing", r.Closing, "remote"); closing {
	case "remote":
		out.CanClose = true
	case "permit":
		out.CanPermit = true
	case "hand":
	default:
		p.fault(max(r.Closing.Line, int(r.Line)), "closing: %q is not remote (closes on command), permit (a button closes after a permit) or hand", closing)
	}
	if s := r.State; s != nil {
		out.Feedback = true
		out.StateFunc = p.function(s.Line, s.Function)
		b := p.bits(s.Line, s.Address, s.Mask, s.Open, s.Closed, "open", "closed")
		out.StateAddr, out.OpenMask, out.OpenValue, out.ClosedValue = b.Addr, b.Mask, b.Open, b.Closed
	}
	if c := r.Command; c != nil {
		b := p.bits(c.Line, c.Address, c.Mask, c.Open, c.Closed, "open", "closed")
		out.Commanded = &b
	}
	if l := r.Lock; l != nil {
		b := p.bits(l.Line, l.Address, l.Mask, l.Locked, l.Unlocked, "locked", "unlocked")
		out.Lock = &b
	}
	if m := r.Mode; m != nil {
		value := func(key string, v document.Of[number]) uint16 { need(p, m.Line, key, v, "1"); return p.word(key, v) }
		out.Mode = &Mode{Addr: p.address(m.Line, m.Address), Own: value("own", m.Own), ForcedOpen: value("forced_open", m.ForcedOpen),
			ForcedClosed: value("forced_closed", m.ForcedClosed), OwnTells: m.OwnTells.Value}
	}
	return out
}

func (p *parser) bits(line document.Line, address, mask, open, closed document.Of[number], openKey, closedKey string) Bits {
	b := Bits{Addr: p.address(line, address), Mask: math.MaxUint16}
	if mask.Present() {
		b.Mask = p.word("mask", mask)
	}
	need(p, line, openKey, open, "0")
	need(p, line, closedKey, closed, "1")
	b.Open, b.Closed = p.word(openKey, open), p.word(closedKey, closed)
	return b
}

func (p *parser) box(r *rawBox) *Box {
	if r == nil {
		return nil
	}
	need(p, r.Line, "channels", r.Channels, "12")
	return &Box{Channels: uint8(p.between("channels", r.Channels, 1, 255)), UnitStep: uint8(p.between("unit_step", r.UnitStep, 0, 255)), AddrStep: p.word("register_step", r.RegisterStep)}
}
