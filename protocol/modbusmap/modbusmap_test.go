package modbusmap

import (
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"feikong/protocol"
	"feikong/protocol/modbus"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feikong/protocol/memtest"
)

func TestTablesAreWhole(t *testing.T) {
	seen := ""
	for _, m := range Models() {
		t.Run(m.Name, func(t *testing.T) {
			if m.Name <= seen {
				t.Errorf("%s comes after %s: got out of order or twice", m.Name, seen)
			}
			seen = m.Name
			if err := m.Check(); err != nil {
				t.Error(err)
			}
			energy := false
			for _, p := range m.Points {
				energy = energy || p.Quantity == protocol.ActiveImport && p.Register == 0
				if p.Ratio&RatioPT != 0 && m.PT == nil && m.Doubt == "" || p.Ratio&RatioCT != 0 && m.CT == nil && m.Doubt == "" {
					t.Errorf("%s: a ratio without a register, and no word about it", p.Name())
				}
			}
			if !energy && m.Relay == nil {
				t.Error("neither total import energy nor a switch")
			}
		})
	}
	if _, ok := Find("no such meter"); ok {
		t.Error("found a meter that does not exist")
	}
}

func TestRequestsOfKnownMeters(t *testing.T) {
	tests := []struct {
		name        string
		energy, all []modbus.ADU
	}{
		{"eastron-sdm230", []modbus.ADU{modbus.ReadRequest(5, 4, 0x48, 8)},
			[]modbus.ADU{modbus.ReadRequest(5, 4, 0x46, 10), modbus.ReadRequest(5, 4, 0, 0x20)}},
		{"dds238-zn-sr", []modbus.ADU{modbus.ReadRequest(5, 3, 0, 2)},
			[]modbus.ADU{modbus.ReadRequest(5, 3, 0, 2), modbus.ReadRequest(5, 3, 0x0C, 6)}},
		{"acrel-ddsy1352", []modbus.ADU{modbus.ReadRequest(5, 3, 0, 10)}, []modbus.ADU{modbus.ReadRequest(5, 3, 0, 17)}},
		{"chint-dtsu666", []modbus.ADU{modbus.ReadRequest(5, 3, 0x101E, 2), modbus.ReadRequest(5, 3, 0x1028, 2)}, nil},
		{"acrel-adl3000", []modbus.ADU{modbus.ReadRequest(5, 3, 0x0A, 12)}, nil},
		{"lingxun-lx47le-125", []modbus.ADU{modbus.ReadRequest(5, 4, 8, 1)}, []modbus.ADU{modbus.ReadRequest(5, 4, 8, 4)}},
	}
	for _, tt := range tests {
		m, ok := Find(tt.name)
		if !ok {
			t.Fatalf("%s is not known", tt.name)
		}
		requests := func(reads []Read) (got []modbus.ADU) {
			for _, r := range reads {
				got = append(got, r.Request(5))
			}
			return got
		}
		if d := cmp.Diff(tt.energy, requests(m.EnergyReads())); d != "" {
			t.Errorf("%s, energy: %s", tt.name, d)
		}
		if d := cmp.Diff(tt.all, requests(m.Reads())); d != "" && tt.all != nil {
			t.Errorf("%s, all: %s", tt.name, d)
		}
	}
}

func TestDecodeKnownValues(t *testing.T) {
	f32 := Point{Words: 2, Type: F32, Exp: -1}
	tests := []struct {
		name     string
		point    Point
		words    []uint16
		want     int64
		measured bool
	}{
		{"230.2 V of the SDM230 document", f32, []uint16{0x4366, 0x3334}, 2302, true},
		{"the same, words swapped", Point{Words: 2, Type: F32, Exp: -1, Order: CDAB}, []uint16{0x3334, 0x4366}, 2302, true},
		{"half away from zero", Point{Words: 2, Type: F32}, []uint16{0x4020, 0}, 3, true}, // 2.5
		{"half away from zero, below", Point{Words: 2, Type: F32}, []uint16{0xC020, 0}, -3, true},
		{"W in a quantity of kW", Point{Words: 2, Type: F32, Exp: -3, Unit: -3}, []uint16{0x4504, 0x2000}, 2114, true}, // 2114.0 W
		{"NaN", f32, []uint16{0x7FC0, 0}, 0, false},
		{"infinity", f32, []uint16{0xFF80, 0}, 0, false},
		{"all ones", f32, []uint16{0xFFFF, 0xFFFF}, 0, false},
		{"minus zero", f32, []uint16{0x8000, 0}, 0, true},
		{"denormal", f32, []uint16{0, 1}, 0, true},
		{"71.33 kWh of a DDS238", Point{Words: 2, Type: U32, Exp: -2}, []uint16{0, 7133}, 7133, true},
		{"high word first", Point{Words: 2, Type: U32}, []uint16{1, 0}, 65536, true},
		{"u32 not measured", Point{Words: 2, Type: U32}, []uint16{0xFFFF, 0xFFFF}, math.MaxUint32, false},
		{"s32", Point{Words: 2, Type: S32}, []uint16{0xFFFF, 0xFFFF}, -1, true},
		{"s16", Point{Words: 1, Type: S16}, []uint16{65534}, -2, true},
		{"u16", Point{Words: 1, Type: U16}, []uint16{65534}, 65534, true},
		{"u16 not measured", Point{Words: 1, Type: U16}, []uint16{65535}, 65535, false},
		{"230.2 V, bytes swapped", Point{Words: 2, Type: F32, Exp: -1, Order: BADC}, []uint16{0x6643, 0x3433}, 2302, true},
		{"230.2 V, backwards", Point{Words: 2, Type: F32, Exp: -1, Order: DCBA}, []uint16{0x3433, 0x6643}, 2302, true},
		{"u16, bytes swapped", Point{Words: 1, Type: U16, Order: BADC}, []uint16{0x0100}, 1, true},
		{"u64", Point{Words: 4, Type: U64}, []uint16{0, 1, 0, 2}, 1<<32 + 2, true},
		{"u64, low word first", Point{Words: 4, Type: U64, Order: CDAB}, []uint16{2, 0, 1, 0}, 1<<32 + 2, true},
		{"u64 not measured", Point{Words: 4, Type: U64}, []uint16{65535, 65535, 65535, 65535}, -1, false},
		{"s64", Point{Words: 4, Type: S64}, []uint16{65535, 65535, 65535, 65534}, -2, true},
		{"double 230.2", Point{Words: 4, Type: F64, Exp: -1}, []uint16{0x406C, 0xC666, 0x6666, 0x6666}, 2302, true},
		{"double NaN", Point{Words: 4, Type: F64}, []uint16{0x7FF8, 0, 0, 0}, 0, false},
		{"own mark of s32", Point{Words: 2, Type: S32, Missing: []uint64{0x7FFFFFFF}}, []uint16{0x7FFF, 0xFFFF}, math.MaxInt32, false},
		{"own mark, low word first", Point{Words: 2, Type: S32, Order: CDAB, Missing: []uint64{0x7FFFFFFF}}, []uint16{0xFFFF, 0x7FFF}, math.MaxInt32, false},
		{"own mark of a float", Point{Words: 2, Type: F32, Missing: []uint64{0x461C3C00}}, []uint16{0x461C, 0x3C00}, 0, false}, // 9999
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, measured, err := tt.point.Decode(tt.words)
			if err != nil || measured != tt.measured || got != tt.want && measured {
				t.Errorf("got %d, %v, %v, want %d, %v", got, measured, err, tt.want, tt.measured)
			}
		})
	}
	for _, words := range [][]uint16{nil, {1}, {1, 2, 3}, {0x7F00, 0}} {
		if _, _, err := f32.Decode(words); !errors.Is(err, ErrValue) {
			t.Errorf("%v: got %v, want %v", words, err, ErrValue)
		}
	}
}

// exact is round(f x 10^k) half away from zero by rational numbers.
func exact(f float32, k int) *big.Int {
	x := new(big.Rat).SetFloat64(float64(f))
	ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(k, -k))), nil))
	if k < 0 {
		ten.Inv(ten)
	}
	x.Mul(x, ten)
	half := big.NewRat(1, 2)
	if x.Sign() < 0 {
		half.Neg(half)
	}
	x.Add(x, half)
	return new(big.Int).Quo(x.Num(), x.Denom())
}

func TestFloatsRoundAsExactArithmeticDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float32().Draw(t, "f")
		if rapid.Bool().Draw(t, "near") {
			f = rapid.Float32Range(-2e6, 2e6).Draw(t, "near f")
		}
		k := rapid.IntRange(-9, 9).Draw(t, "k")
		got, measured, ok := fromFloat(math.Float32bits(f), k)
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			if measured {
				t.Fatal("measured nothing")
			}
			return
		}
		want := exact(f, k)
		if !ok {
			if want.CmpAbs(big.NewInt(1<<62)) < 0 && k >= 0 {
				t.Fatalf("%v x 10^%d: got too large, want %v", f, k, want)
			}
			return
		}
		if want.Cmp(big.NewInt(got)) != 0 {
			t.Fatalf("%v x 10^%d: got %d, want %v", f, k, got, want)
		}
	})
}

func TestEncodedRegistersReadBack(t *testing.T) {
	for _, m := range Models() {
		for _, p := range m.Points {
			rapid.Check(t, func(t *rapid.T) {
				v := rapid.Int64Range(0, 1<<23-1).Draw(t, "v")
				switch p.Type {
				case U16:
					v = rapid.Int64Range(0, math.MaxUint16-1).Draw(t, "small")
				case S16:
					v = rapid.Int64Range(math.MinInt16, math.MaxInt16-1).Draw(t, "power")
				}
				words, err := p.Encode(v)
				if err != nil {
					t.Fatal(err)
				}
				got, measured, err := p.Decode(words)
				if got != v || !measured || err != nil {
					t.Fatalf("%s %04XH: got %d, %v, %v, want %d", m.Name, p.Addr, got, measured, err, v)
				}
			})
		}
	}
	for _, p := range []Point{{Words: 1, Type: U16}, {Words: 2, Type: U32}} {
		if _, err := p.Encode(-1); !errors.Is(err, ErrValue) {
			t.Errorf("got %v, want %v", err, ErrValue)
		}
	}
	if _, err := (Point{Words: 1, Type: U16}).Encode(65535); !errors.Is(err, ErrValue) {
		t.Error("the mark of not measured was encoded as a value")
	}
}

func TestDoublesRoundAsFloatsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float32().Draw(t, "f")
		k := rapid.IntRange(-9, 9).Draw(t, "k")
		a, measuredA, okA := fromFloat(math.Float32bits(f), k)
		b, measuredB, okB := fromDouble(math.Float64bits(float64(f)), k)
		if okA && (!okB || a != b || measuredA != measuredB) {
			t.Fatalf("%v x 10^%d: got %d %t %t and %d %t %t", f, k, a, measuredA, okA, b, measuredB, okB)
		}
	})
}

func TestRatiosMultiplyExactlyOrNotAtAll(t *testing.T) {
	m, _ := Find("chint-dtsu666")
	energy := m.Points[0]
	for _, tt := range []struct {
		value, pt, ct, want int64
		exp                 int8
		ok                  bool
	}{
		{12345, 10, 80, 9876000, -3, true},
		{-5, 10, 2, -100, -3, true},
		{0, 10, 80, 0, -3, true},
		{math.MaxInt64, 10, 1, 0, 0, false},
		{1, 0, 80, 0, 0, false},
	} {
		got, exp, ok := m.Times(energy, tt.value, tt.pt, tt.ct)
		if got != tt.want || exp != tt.exp || ok != tt.ok {
			t.Errorf("%d x %d x %d: got %d x 10^%d, %t", tt.value, tt.pt, tt.ct, got, exp, ok)
		}
	}
	if got, exp, ok := m.Times(Point{Exp: -2}, 7, 3, 3); got != 7 || exp != -2 || !ok {
		t.Error("a register without a ratio was multiplied")
	}
	m.CT = nil
	if _, _, ok := m.Times(energy, 1, 1, 1); ok {
		t.Error("a ratio without a register was taken as one")
	}
}

func TestClocksReadBackAndRefuseWhatIsNoTime(t *testing.T) {
	zone := time.FixedZone("+08:00", 8*3600)
	at := time.Date(2026, 11, 23, 17, 5, 59, 0, zone)
	bcd := &Clock{Fields: []ClockField{Year, Month, Day, Hour, Minute, Second}, BCD: true}
	clocks := []*Clock{bcd, {Fields: []ClockField{Year, Year, Skip, Month, Weekday, Day, Hour, Minute, Skip, Second}}}
	for _, m := range Models() {
		if m.Clock != nil {
			clocks = append(clocks, m.Clock)
		}
	}
	for _, c := range clocks {
		words := c.Encode(at)
		if got, err := c.Decode(words, zone); !got.Equal(at) || err != nil {
			t.Errorf("%v: got %v, %v from %04X", c.Fields, got, err, words)
		}
		if _, err := c.Decode(make([]uint16, len(words)), zone); !errors.Is(err, ErrTime) {
			t.Errorf("%v: zeros are %v", c.Fields, err)
		}
		if _, err := c.Decode(nil, zone); !errors.Is(err, ErrTime) {
			t.Errorf("%v: nothing is %v", c.Fields, err)
		}
	}
	if d := cmp.Diff([]uint16{0x2611, 0x2317, 0x0559}, bcd.Encode(at)); d != "" {
		t.Error(d)
	}
	for _, words := range [][]uint16{{0x2613, 0x2317, 0x0559}, {0x2611, 0x3117, 0x0559}, {0x2611, 0x2324, 0x0559}, {0x2611, 0x2317, 0x0560}, {0x261A, 0x2317, 0x0559}} {
		if got, err := bcd.Decode(words, zone); !errors.Is(err, ErrTime) {
			t.Errorf("%04X: got %v, %v", words, got, err)
		}
	}
}

func TestBoxesCountChannelsInUnitsOrRegisters(t *testing.T) {
	m, _ := Find("acrel-adf400l-3p")
	for n, want := range map[uint8]uint8{1: 0, 2: 3, 12: 33} {
		got, step, err := m.Channel(n)
		if err != nil || step != want || got.Points[0].Addr != m.Points[0].Addr {
			t.Errorf("channel %d: step %d, %v", n, step, err)
		}
	}
	b := Model{Name: "b", Box: &Box{Channels: 3, AddrStep: 0x100}, Points: []Point{at(3, 0x10)}, Spans: []Span{{3, 0x10, 4}},
		Relay: &Relay{Addr: 1, StateAddr: 2, Lock: &Bits{Addr: 3}, Mode: &Mode{Addr: 4}}}
	got, step, err := b.Channel(3)
	if err != nil || step != 0 || got.Points[0].Addr != 0x210 || got.Spans[0].Addr != 0x210 || got.Relay.Addr != 0x201 || got.Relay.StateAddr != 0x202 || got.Relay.Lock.Addr != 0x203 || got.Relay.Mode.Addr != 0x204 {
		t.Errorf("got %+v, %d, %v", got, step, err)
	}
	if b.Points[0].Addr != 0x10 || b.Relay.Lock.Addr != 3 {
		t.Error("the box itself was changed")
	}
	for _, n := range []uint8{0, 4} {
		if _, _, err := b.Channel(n); err == nil {
			t.Errorf("channel %d was taken", n)
		}
	}
	b.Points[0].Addr = 0xFF00
	if _, _, err := b.Channel(3); err == nil {
		t.Error("a channel beyond the last register was taken")
	}
}

func TestNamesFindPoints(t *testing.T) {
	m, _ := Find("eastron-sdm630")
	for name, want := range map[string]int{"all": 18, "voltage": 3, "voltage.2": 1, "active_power": 4, "active_import": 1, "volts": 0, "": 0} {
		if got := m.Named(name); len(got) != want {
			t.Errorf("%q: %d points, want %d", name, len(got), want)
		}
	}
}

func TestPermitAndLastCommandAreToldApart(t *testing.T) {
	r := Relay{Func: modbus.WriteRegister, Addr: 1, Open: []uint16{1}, Close: []uint16{2}, StateFunc: 3, StateAddr: 5, OpenMask: 1, OpenValue: 1, ClosedValue: 0,
		Commanded: &Bits{Addr: 6, Mask: 0xFF, Open: 1, Closed: 2}, CanTrip: true, CanPermit: true, Feedback: true}
	if read := r.StateRead(); read.Addr != 5 || read.Count != 2 {
		t.Errorf("got %+v", read)
	}
	for _, tt := range []struct {
		words []uint16
		want  RelayState
	}{
		{[]uint16{1, 1}, RelayState{Known: true, Open: true, CommandOpen: true}},
		{[]uint16{1, 2}, RelayState{Known: true, Open: true}}, // permitted, the button is not yet pressed
		{[]uint16{0, 2}, RelayState{Known: true}},
		{[]uint16{0, 9}, RelayState{Known: true}}, // a command that the manual does not name
		{[]uint16{0}, RelayState{}},
	} {
		if d := cmp.Diff(tt.want, r.Judge(tt.words)); d != "" {
			t.Errorf("%v: %s", tt.words, d)
		}
	}
}

func TestRelayFramesAndState(t *testing.T) {
	m, _ := Find("dds238-zn-sr")
	r := *m.Relay
	if d := cmp.Diff(modbus.WriteRegistersRequest(3, 0x1A, []uint16{0}), r.Command(3, true)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(modbus.WriteRegistersRequest(3, 0x1A, []uint16{1}), r.Command(3, false)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(modbus.ReadRequest(3, 3, 0x1A, 1), r.StateRead().Request(3)); d != "" {
		t.Error(d)
	}
	for _, tt := range []struct {
		word        uint16
		open, known bool
	}{{0, true, true}, {1, false, true}, {7, false, false}} {
		if open, known := r.State(tt.word); open != tt.open || known != tt.known {
			t.Errorf("%d: got %v, %v, want %v, %v", tt.word, open, known, tt.open, tt.known)
		}
	}
	coil := Relay{Func: modbus.WriteCoil, Addr: 13, Open: []uint16{0}, Close: []uint16{0xFF00}}
	if d := cmp.Diff(modbus.WriteCoilRequest(3, 13, true), coil.Command(3, false)); d != "" {
		t.Error(d)
	}
	one := Relay{Func: modbus.WriteRegister, Addr: 61, Open: []uint16{2}, Close: []uint16{1}}
	if d := cmp.Diff(modbus.WriteRegisterRequest(3, 61, 2), one.Command(3, true)); d != "" {
		t.Error(d)
	}
}

func FuzzPointDecode(f *testing.F) {
	f.Add(byte(F32), byte(ABCD), int8(-2), int8(0), uint64(0x43663334_00000000))
	f.Add(byte(U32), byte(CDAB), int8(-2), int8(0), uint64(7133<<48))
	f.Add(byte(F64), byte(DCBA), int8(-2), int8(0), uint64(0x406CC66666666666))
	f.Add(byte(U64), byte(BADC), int8(-3), int8(0), uint64(1)<<63)
	f.Fuzz(func(t *testing.T, typ, order byte, exp, unit int8, raw uint64) {
		p := Point{Type: Type(typ), Order: WordOrder(order % 4), Exp: exp, Unit: unit, Words: uint8(Type(typ).words()), Missing: []uint64{0x8000}}
		words := ABCD.registers(raw, 4)[:p.Words]
		var v int64
		var measured bool
		var err error
		memtest.Within(t, memtest.Max, func() { v, measured, err = p.Decode(words) })
		if err != nil || !measured || p.Type.float() || p.Words == 0 {
			return
		}
		got, err := p.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(words, got); d != "" {
			t.Error(d)
		}
	})
}
