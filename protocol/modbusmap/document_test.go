package modbusmap

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"feikong/internal/document"
	"feikong/protocol"
	"feikong/protocol/modbus"

	"github.com/google/go-cmp/cmp"

	"feikong/protocol/memtest"
)

func TestEveryModelIsTheSameAfterItWasWrittenDown(t *testing.T) {
	for _, m := range Models() {
		text := Format(m)
		back, err := Parse(m.Name+".yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := cmp.Diff(m, back); d != "" {
			t.Errorf("%s: %s", m.Name, d)
		}
	}
}

// small is the least that a model needs.
const small = `model: acme-m1
maker: Acme
manual: "Acme M1 protocol V1.2"
points:
  - {quantity: active_import, function: 3, address: 0, type: u32, step: 0.01, side: primary}
`

func TestSmallestModelHasTheUsualSettings(t *testing.T) {
	m, err := Parse("m.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	want := Model{Name: "acme-m1", Maker: "Acme", Manual: "Acme M1 protocol V1.2", Baud: 9600, Parity: "none", StopBits: 1, MaxRead: 60,
		Points: table(modbus.ReadHolding, protocol.SidePrimary, Point{Quantity: protocol.ActiveImport, Type: U32, Exp: -2})}
	if d := cmp.Diff(want, m); d != "" {
		t.Error(d)
	}
}

func TestExamplesOfTheManualAreModels(t *testing.T) {
	for _, file := range []string{"../../docs/modbus-models.md", "../../docs/modbus-models.zh.md"} {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples := 0
		for rest := string(page); ; {
			_, after, ok := strings.Cut(rest, "```yaml\n")
			if !ok {
				break
			}
			text, tail, _ := strings.Cut(after, "```")
			rest = tail
			if !strings.HasPrefix(text, "model:") {
				continue
			}
			examples++
			m, err := Parse(file, []byte(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if m.Relay == nil || m.Clock == nil || m.CT == nil || len(m.Spans) == 0 || m.Doubt == "" {
				t.Errorf("%s: the example is not complete: %+v", file, m)
			}
		}
		if examples != 1 {
			t.Errorf("%s: %d complete examples", file, examples)
		}
		for _, name := range append(quantityNames(), append(typeWords[1:], orderWords[:]...)...) {
			if !strings.Contains(string(page), name) {
				t.Errorf("%s does not tell of %s", file, name)
			}
		}
		for _, m := range Models() {
			if !strings.Contains(string(page), m.Name) {
				t.Errorf("%s does not list %s", file, m.Name)
			}
		}
	}
}

func TestBadDocumentsAreRefusedWithLineKeyAndRemedy(t *testing.T) {
	relay := small + `relay:
  function: 6
  address: 000DH
  open: [0]
  close: [FF00H]
  closing: remote
  state: {function: 4, address: 0, mask: 00FFH, open: 000FH, closed: 00F0H}
`
	if _, err := Parse("m.yaml", []byte(relay)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, in, from, to, want string }{
		{"empty", "", "", "", "document is empty"},
		{"huge", small, "model:", "# " + strings.Repeat("x", 70_000) + "\nmodel:", "bytes are no model"},
		{"no name", small, "model: acme-m1\n", "", "model: missing; for example model: acme-m1"},
		{"name", small, "acme-m1", "Acme M1", `line 1: model: "Acme M1" is not a name`},
		{"no manual", small, `"Acme M1 protocol V1.2"`, `""`, "line 3: manual: missing; name the document"},
		{"misspelt key", small, "maker", "makr", `line 2: unknown key "makr", nearest is "maker"`},
		{"no points", small, small[strings.Index(small, "points"):], "", "points: missing"},
		{"quantity", small, "active_import", "energy", `line 5: quantity: "energy" is not one of active_import`},
		{"type", small, "u32", "float", `line 5: type: "float" is not one of u16, s16, u32`},
		{"no type", small, ", type: u32", "", "line 5: type: missing; for example type: u32"},
		{"step", small, "0.01", "0.5", `line 5: step: "0.5" is not a step: want 1, 0.1, 0.01`},
		{"no step", small, ", step: 0.01", "", "line 5: step: missing"},
		{"decimals of a whole number", small, "step: 0.01", "step: 0.01, decimals: 2", "line 5: decimals: only for floats"},
		{"side", small, "side: primary", "side: left", `line 5: side: "left" is not primary or secondary`},
		{"no side", small, ", side: primary", "", "line 5: side: missing; for example side: primary"},
		{"ratio on the primary side", small, "side: primary", "side: primary, ratio: ct", "line 5: ratio: a register of the primary side has its ratios in it"},
		{"function", small, "function: 3", "function: 6", "line 5: function: 6 is not 3 (holding registers) or 4 (input registers)"},
		{"ambiguous address", small, "address: 0,", "address: 0057,", `line 5: address: "0057" is decimal or hexadecimal?`},
		{"address", small, "address: 0,", "address: here,", `line 5: address: "here" is not a number: write a decimal`},
		{"far address", small, "address: 0,", "address: 10000H,", "line 5: address: 65536 is above 65535"},
		{"value beyond the end", small, "address: 0,", "address: FFFFH,", "line 5: address: the value reaches beyond register FFFFH"},
		{"same point twice", small, "points:\n", "points:\n" + strings.SplitAfter(small, "points:\n")[1], "line 6: quantity: active_import is already point 1"},
		{"missing mark", small, "step: 0.01", "step: 0.01, missing: [1FFFFFFFFH]", "line 5: missing: 1FFFFFFFFH does not fit into 2 registers"},
		{"parity", small, "points:", "parity: mark\npoints:", `line 4: parity: "mark" is not none, even or odd`},
		{"baud", small, "points:", "baud: 96\npoints:", "line 4: baud: 96 is not between 300"},
		{"stop bits", small, "points:", "stop_bits: 0\npoints:", "line 4: stop_bits: 0 is not between 1 and 2"},
		{"far too many a request", small, "points:", "max_registers: 70000\npoints:", "line 4: max_registers: 70000 is not between 1 and 125"},
		{"no points", small[:strings.Index(small, "points:")] + "points: []\n", "[]", "[ ]", "line 4: points: missing; a model without a point reads nothing"},
		{"point over several lines", small[:strings.Index(small, "points:")] + "points:\n  - quantity: active_import\n    function: 3\n    address: FFFFH\n    type: u32\n    step: 0.01\n    side: primary\n", "FFFFH", "FFFFH ", "line 7: address: the value reaches beyond register FFFFH"},
		{"registers a request", small, "points:", "max_registers: 126\npoints:", "line 4: max_registers: 126 is not between 1 and 125"},
		{"too few a request", small, "points:", "max_registers: 1\npoints:", "line 6: type: takes 2 registers, max_registers is 1"},
		{"span", small, "points:", "spans:\n  - {function: 3, from: 10, to: 9}\npoints:", "line 5: to: 0009H lies before from, 000AH"},
		{"span of another function", small, "points:", "spans:\n  - {function: 1, from: 1, to: 9}\npoints:", "line 5: function: 1 is not 3"},
		{"float ratio", small, "points:", "ct: {function: 3, address: 1, type: f32, step: 1}\npoints:", "line 4: type: a ratio is a whole number"},
		{"clock without a year", small, "points:", "clock: {function: 3, address: 1, bytes: [month, day, hour, minute, second, skip]}\npoints:", "line 4: bytes: year is missing"},
		{"clock of odd bytes", small, "points:", "clock: {function: 3, address: 1, bytes: [year, month, day, hour, minute, second, skip]}\npoints:", "line 4: bytes: 7 bytes"},
		{"clock field", small, "points:", "clock: {function: 3, address: 1, bytes: [jear, month, day, hour, minute, second]}\npoints:", `line 4: bytes: "jear" is not one of skip, year`},
		{"clock field apart", small, "points:", "clock: {function: 3, address: 1, bytes: [year, month, day, hour, minute, second, year, skip]}\npoints:", "line 4: bytes: year stands here twice, apart"},
		{"box of one meter", small, "points:", "box: {channels: 12}\npoints:", "line 4: unit_step: all channels would be one meter"},
		{"box", small, "points:", "box: {channels: 0, unit_step: 1}\npoints:", "line 4: channels: 0 is not between 1 and 255"},
		{"relay function", relay, "function: 6", "function: 3", "line 7: function: 3 is not 5 (coil), 6 (register) or 16"},
		{"coil value", relay, "function: 6", "function: 5", ""},
		{"coil other value", relay, "function: 6\n  address: 000DH\n  open: [0]", "function: 5\n  address: 000DH\n  open: [1]", "line 9: open: want [FF00H] or [0000H]"},
		{"two values by function 6", relay, "open: [0]", "open: [0, 0]", "line 9: open: want one value"},
		{"same values", relay, "close: [FF00H]", "close: [0]", "line 10: close: the same as open"},
		{"no close", relay, "  close: [FF00H]\n", "", "line 7: close: want one value"},
		{"close by hand", relay, "remote", "hand", "line 10: close: not allowed with closing: hand"},
		{"closing", relay, "remote", "maybe", `line 11: closing: "maybe" is not remote`},
		{"no closing", relay, "  closing: remote\n", "", "line 7: closing: missing"},
		{"no state", relay, "  state: {function: 4, address: 0, mask: 00FFH, open: 000FH, closed: 00F0H}\n", "", "line 7: state: missing; a relay that cannot be read back is never moved"},
		{"state under the mask", relay, "closed: 00F0H", "closed: 01F0H", "line 12: state: open and closed must differ and lie inside mask"},
		{"state of a coil", relay, "function: 4", "function: 1", "line 12: state: a coil is 0 or 1"},
		{"mode", relay, "closing: remote", "closing: remote\n  mode: {address: 1, own: 1, forced_open: 1, forced_closed: 2}", "line 12: mode: own must differ"},
		{"mode far away", relay, "closing: remote", "closing: remote\n  mode: {address: FFFFH, own: 0, forced_open: 1, forced_closed: 1}", "line 13: state: its registers reach over 65536"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.Replace(tt.in, tt.from, tt.to, 1)
			if in == tt.in && tt.from != "" {
				t.Fatal("nothing was replaced")
			}
			_, err := Parse("m.yaml", []byte(in))
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var fault *document.Error
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestCatalogueHoldsBuiltInAndUserModels(t *testing.T) {
	m, err := Parse("m.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCatalogue(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Find("acme-m1"); !ok || got.Maker != "Acme" || c.Names()[0] != "acme-m1" || len(c.All()) != len(Models())+1 {
		t.Errorf("got %+v, %v", got, c.Names())
	}
	if _, ok := c.Find("eastron-sdm120"); !ok {
		t.Error("a built-in model is gone")
	}
	if _, ok := (Catalogue{}).Find("eastron-sdm120"); !ok {
		t.Error("the zero catalogue is empty")
	}
	if _, err := NewCatalogue(m, m); err == nil {
		t.Error("one name, two tables")
	}
	m.Name = "eastron-sdm120"
	if _, err := NewCatalogue(m); err == nil || !strings.Contains(err.Error(), "eastron-sdm120-2") {
		t.Errorf("got %v", err)
	}
	if _, err := NewCatalogue(Model{Name: "x"}); err == nil {
		t.Error("an unchecked model was taken")
	}
}

// perByte is what the YAML reader makes of the worst document, in many small pieces that are garbage soon: [a,a,a and so
// on takes 240 bytes of memory for each of its own.
const perByte = 300

// Any bytes: no panic, memory bounded by the document's, and what is read is the same after it was written down.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, m := range Models() {
		f.Add(Format(m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Model
		var err error
		memtest.Within(t, max(memtest.Max, perByte*uint64(min(len(data), documentMax))), func() { m, err = Parse("fuzz", data) })
		if err != nil {
			return
		}
		text := Format(m)
		back, err := Parse("again", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if d := cmp.Diff(m, back); d != "" {
			t.Fatal(d)
		}
		if !bytes.Equal(text, Format(back)) {
			t.Fatal("written in two ways")
		}
		for _, r := range append(m.Reads(), m.EnergyReads()...) {
			if r.Count > m.MaxRead || !m.Readable(r.Func, r.Addr, r.Count) {
				t.Fatalf("request %+v", r)
			}
			words := make([]uint16, r.Count)
			for _, p := range r.Points {
				if _, _, err := p.Decode(r.Words(p, words)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if m.Relay != nil {
			for _, open := range []bool{true, false} {
				s := m.Relay.Judge(m.Relay.StateWords(open, open, true))
				if s.Known && s.Open != open && !m.overlapping() {
					t.Fatalf("relay open %t reads %+v", open, s)
				}
				m.Relay.Command(1, open && len(m.Relay.Open) > 0 || len(m.Relay.Close) == 0)
			}
		}
		if m.Box != nil {
			if _, _, err := m.Channel(m.Box.Channels); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// overlapping: registers of the relay that are one register with overlapping masks cannot all be shown.
func (m Model) overlapping() bool {
	for _, addr := range m.Relay.others() {
		if addr == m.Relay.StateAddr {
			return true
		}
	}
	return false
}
