package modbusmap

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"feikong/protocol"
	"feikong/protocol/modbus"
)

// Bounds of a table. The largest one here has 20 points.
const (
	nameMax    = 40
	textMax    = 2000
	pointsMax  = 100
	spansMax   = 50
	missingMax = 8
	expMax     = 9 // powers of ten a register may count in, either way
)

// fault is what is wrong with a model: in which part, which of its entries, at which key of a document.
type fault struct {
	part  string // "", "points", "spans", "pt", "ct", "clock", "relay", "box"
	index int    // of points and spans
	key   string
	text  string
}

func (f fault) Error() string {
	switch f.part {
	case "":
		return f.key + ": " + f.text
	case "points", "spans":
		return fmt.Sprintf("%s[%d].%s: %s", f.part, f.index, f.key, f.text)
	}
	return fmt.Sprintf("%s.%s: %s", f.part, f.key, f.text)
}

// Check says what is wrong with a table, or nil. It is asked of the built-in tables by a test and of a user's by Parse.
func (m Model) Check() error {
	if f := m.check(); f != nil {
		return fmt.Errorf("model %s: %w", m.Name, *f)
	}
	return nil
}

func (m Model) check() *fault {
	for _, c := range []func() *fault{m.checkHead, m.checkSpans, m.checkPoints, m.checkRatios, m.checkClock, m.checkRelay, m.checkBox} {
		if f := c(); f != nil {
			return f
		}
	}
	return nil
}

func (m Model) checkHead() *fault {
	at := func(key, format string, args ...any) *fault {
		return &fault{key: key, text: fmt.Sprintf(format, args...)}
	}
	switch {
	case !isName(m.Name):
		return at("model", "%q is not a name: lower-case letters, digits and hyphens, at most %d, for example acme-m1", m.Name, nameMax)
	case m.Maker == "":
		return at("maker", "missing; who makes the meter?")
	case m.Manual == "":
		return at("manual", "missing; name the document and its version that the registers were read from")
	case m.Baud < 300 || m.Baud > 1_000_000:
		return at("baud", "%d is not between 300 and 1000000", m.Baud)
	case m.Parity != "none" && m.Parity != "even" && m.Parity != "odd":
		return at("parity", "%q is not none, even or odd", m.Parity)
	case m.StopBits != 1 && m.StopBits != 2:
		return at("stop_bits", "%d is not 1 or 2", m.StopBits)
	case m.MaxRead < 1 || m.MaxRead > modbus.MaxRegisters:
		return at("max_registers", "%d is not between 1 and %d", m.MaxRead, modbus.MaxRegisters)
	case len(m.Points) == 0:
		return at("points", "missing; a model without a point reads nothing")
	case len(m.Points) > pointsMax:
		return at("points", "%d points, at most %d", len(m.Points), pointsMax)
	case len(m.Spans) > spansMax:
		return at("spans", "%d spans, at most %d", len(m.Spans), spansMax)
	}
	for _, k := range []struct{ key, text string }{{"maker", m.Maker}, {"manual", m.Manual}, {"doubt", m.Doubt}} {
		if len(k.text) > textMax {
			return at(k.key, "%d bytes, at most %d", len(k.text), textMax)
		}
		if strings.ContainsFunc(k.text, func(r rune) bool { return r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' }) {
			return at(k.key, "a character that cannot be printed; write plain text")
		}
	}
	return nil
}

func isName(s string) bool {
	return s != "" && len(s) <= nameMax && s[0] != '-' && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	}) < 0
}

func readFunc(fn byte) bool { return fn == modbus.ReadHolding || fn == modbus.ReadInput }

func (m Model) checkSpans() *fault {
	for i, s := range m.Spans {
		at := func(key, format string, args ...any) *fault {
			return &fault{"spans", i, key, fmt.Sprintf(format, args...)}
		}
		switch {
		case !readFunc(s.Func):
			return at("function", "%d is not 3 (holding registers) or 4 (input registers)", s.Func)
		case s.Size == 0:
			return at("to", "lies before from")
		case s.end() > 1<<16:
			return at("to", "lies beyond register FFFFH")
		}
	}
	return nil
}

// value checks what all registers that hold a number have in common; max bounds one request.
func (p Point) value(max uint16) (key, text string) {
	switch {
	case !readFunc(p.Func):
		return "function", fmt.Sprintf("%d is not 3 (holding registers) or 4 (input registers)", p.Func)
	case p.Type.words() == 0:
		return "type", "not a type; want " + strings.Join(typeWords[1:], ", ")
	case int(p.Words) != p.Type.words():
		return "type", fmt.Sprintf("takes %d registers, the table says %d", p.Type.words(), p.Words)
	case p.Words > uint8(min(max, 255)):
		return "type", fmt.Sprintf("takes %d registers, max_registers is %d", p.Words, max)
	case p.end() > 1<<16:
		return "address", "the value reaches beyond register FFFFH"
	case p.Order > DCBA:
		return "order", "not an order; want abcd, cdab, badc or dcba"
	case p.Exp < -expMax || p.Exp > expMax || p.Unit < -expMax || p.Unit > expMax:
		return "step", fmt.Sprintf("want 0.1, 0.001 and so on, between 10^-%d and 10^%d", expMax, expMax)
	case !p.Type.float() && p.Unit != 0:
		return "step", "only a float has decimals of its own"
	case p.Unit-p.Exp > expMax || p.Exp-p.Unit > expMax:
		return "decimals", fmt.Sprintf("more than %d places from the step", expMax)
	case p.Type.float() && p.Exp > 0:
		return "decimals", "a float is taken to whole units or finer"
	case len(p.Missing) > missingMax:
		return "missing", fmt.Sprintf("%d values, at most %d", len(p.Missing), missingMax)
	}
	for _, v := range p.Missing {
		if p.Words < 4 && v>>(16*uint(p.Words)) != 0 {
			return "missing", fmt.Sprintf("%XH does not fit into %d registers", v, p.Words)
		}
	}
	return "", ""
}

func (m Model) checkPoints() *fault {
	seen := map[string]int{}
	for i, p := range m.Points {
		at := func(key, format string, args ...any) *fault {
			return &fault{"points", i, key, fmt.Sprintf(format, args...)}
		}
		_, _, _, known := QuantityWords(p.Quantity)
		first, twice := seen[p.Name()]
		seen[p.Name()] = i
		key, text := p.value(m.MaxRead)
		switch {
		case !known:
			return at("quantity", "not a quantity; want one of %s", strings.Join(quantityNames(), ", "))
		case p.Register > registersMax:
			return at("register", "%d is not between 0 and %d", p.Register, registersMax)
		case twice:
			return at("quantity", "%s is already point %d; give this one another register number", p.Name(), first+1)
		case key != "":
			return at(key, "%s", text)
		case p.Side != protocol.SidePrimary && p.Side != protocol.SideSecondary:
			return at("side", "want primary or secondary: does the register count before or behind the transformers? Without transformers: primary")
		case p.Ratio > RatioBoth:
			return at("ratio", "want pt, ct or pt*ct")
		case p.Ratio != RatioNone && p.Side == protocol.SidePrimary:
			return at("ratio", "a register of the primary side has its ratios in it; side is secondary, or there is no ratio")
		}
	}
	return nil
}

// registersMax is the highest rate a meter may number: 63 in DL/T 645.
const registersMax = 63

func (m Model) checkRatios() *fault {
	for _, r := range []struct {
		part  string
		point *Point
	}{{"pt", m.PT}, {"ct", m.CT}} {
		if r.point == nil {
			continue
		}
		if key, text := r.point.value(m.MaxRead); key != "" {
			return &fault{part: r.part, key: key, text: text}
		}
		if r.point.Type.float() {
			return &fault{part: r.part, key: "type", text: "a ratio is a whole number, or one with a step: u16, u32 and so on"}
		}
	}
	return nil
}

func (m Model) checkClock() *fault {
	c := m.Clock
	if c == nil {
		return nil
	}
	at := func(key, format string, args ...any) *fault {
		return &fault{part: "clock", key: key, text: fmt.Sprintf(format, args...)}
	}
	seen := map[ClockField]int{}
	for i, f := range c.Fields {
		if f > Weekday {
			return at("bytes", "byte %d is not a field; want %s", i+1, strings.Join(clockFields[:], ", "))
		}
		if f != Skip && seen[f] > 0 && c.Fields[i-1] != f {
			return at("bytes", "%s stands here twice, apart", clockFields[f])
		}
		seen[f]++
		if f != Skip && seen[f] > 2 {
			return at("bytes", "%s takes more than two bytes", clockFields[f])
		}
	}
	switch {
	case !readFunc(c.Func):
		return at("function", "%d is not 3 (holding registers) or 4 (input registers)", c.Func)
	case len(c.Fields) == 0 || len(c.Fields)%2 != 0 || len(c.Fields) > 32:
		return at("bytes", "%d bytes; want two for each register, at most 32", len(c.Fields))
	case len(c.Fields)/2 > int(m.MaxRead):
		return at("bytes", "%d registers, max_registers is %d", len(c.Fields)/2, m.MaxRead)
	case int(c.Addr)+len(c.Fields)/2 > 1<<16:
		return at("address", "the clock reaches beyond register FFFFH")
	}
	for f := Year; f <= Second; f++ {
		if seen[f] == 0 {
			return at("bytes", "%s is missing", clockFields[f])
		}
	}
	return nil
}

func (m Model) checkRelay() *fault {
	r := m.Relay
	if r == nil {
		return nil
	}
	at := func(key, format string, args ...any) *fault {
		return &fault{part: "relay", key: key, text: fmt.Sprintf(format, args...)}
	}
	low, high := r.stateRange()
	count := int(high) - int(low) + 1
	switch {
	case r.Func != modbus.WriteCoil && r.Func != modbus.WriteRegister && r.Func != modbus.WriteRegisters:
		return at("function", "%d is not 5 (coil), 6 (register) or 16 (registers)", r.Func)
	case !r.CanTrip:
		return at("open", "missing; a relay that cannot be opened is no relay for us")
	case !r.Feedback:
		return at("state", "missing; a relay that cannot be read back is never moved")
	case !r.writes(r.Open):
		return at("open", "%s", r.want())
	case r.CanClose && r.CanPermit:
		return at("closing", "remote or permit, not both")
	case (r.CanClose || r.CanPermit) && !r.writes(r.Close):
		return at("close", "%s", r.want())
	case !r.CanClose && !r.CanPermit && len(r.Close) > 0:
		return at("close", "not allowed with closing: hand")
	case slices.Equal(r.Open, r.Close):
		return at("close", "the same as open")
	case int(r.Addr)+len(r.Open) > 1<<16:
		return at("address", "reaches beyond FFFFH")
	case r.StateFunc != modbus.ReadCoils && r.StateFunc != modbus.ReadDiscreteInputs && !readFunc(r.StateFunc):
		return at("state", "function %d is not 1, 2, 3 or 4", r.StateFunc)
	case count > int(m.MaxRead):
		return at("state", "its registers reach over %d, max_registers is %d", count, m.MaxRead)
	case !Bits{r.StateAddr, r.OpenMask, r.OpenValue, r.ClosedValue}.sound():
		return at("state", "open and closed must differ and lie inside mask")
	case r.Commanded != nil && !r.Commanded.sound():
		return at("command", "open and closed must differ and lie inside mask")
	case r.Lock != nil && !r.Lock.sound():
		return at("lock", "locked and unlocked must differ and lie inside mask")
	case r.Mode != nil && (r.Mode.Own == r.Mode.ForcedOpen || r.Mode.Own == r.Mode.ForcedClosed):
		return at("mode", "own must differ from forced_open and forced_closed")
	}
	if r.StateFunc == modbus.ReadCoils || r.StateFunc == modbus.ReadDiscreteInputs {
		if r.OpenValue > 1 || r.ClosedValue > 1 {
			return at("state", "a coil is 0 or 1")
		}
		if count != 1 {
			return at("state", "coils are read one at a time")
		}
	}
	return nil
}

// sound says whether the two values can be told apart under the mask.
func (b Bits) sound() bool { return b.Open != b.Closed && b.Open&^b.Mask == 0 && b.Closed&^b.Mask == 0 }

// writes says whether values can be written by the relay's function.
func (r Relay) writes(values []uint16) bool {
	switch r.Func {
	case modbus.WriteCoil:
		return len(values) == 1 && (values[0] == 0 || values[0] == 0xFF00)
	case modbus.WriteRegister:
		return len(values) == 1
	}
	return len(values) >= 1 && len(values) <= 8
}

func (r Relay) want() string {
	switch r.Func {
	case modbus.WriteCoil:
		return "want [FF00H] or [0000H]: function 5 knows no other values"
	case modbus.WriteRegister:
		return "want one value: function 6 writes one register"
	}
	return "want one to eight values"
}

func (m Model) checkBox() *fault {
	b := m.Box
	if b == nil {
		return nil
	}
	at := func(key, format string, args ...any) *fault {
		return &fault{part: "box", key: key, text: fmt.Sprintf(format, args...)}
	}
	switch {
	case b.Channels < 1:
		return at("channels", "want 1 to 255")
	case b.Channels > 1 && b.UnitStep == 0 && b.AddrStep == 0:
		return at("unit_step", "all channels would be one meter; give unit_step or register_step")
	}
	if _, _, err := m.Channel(b.Channels); err != nil {
		return at("channels", "%v", err)
	}
	return nil
}

func quantityNames() (names []string) {
	for _, k := range quantities {
		names = append(names, k.name)
	}
	return names
}

// typeWords are the types as documents write them, by Type.
var typeWords = [...]string{"", "u16", "s16", "u32", "s32", "f32", "u64", "s64", "f64"}

// orderWords are the word orders as documents write them.
var orderWords = [...]string{"abcd", "cdab", "badc", "dcba"}
