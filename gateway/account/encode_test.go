package account

import (
	"reflect"
	"strconv"
	"testing"

	"feikong/billing/ledger"

	"github.com/google/go-cmp/cmp"
)

func fullState() *State {
	return &State{
		No: 7, Version: 412, Chain: ledger.Chain{Count: 9, Head: [32]byte{1, 2, 3}},
		Balances: ledger.Balances{Advances: 1_000_000, Receivables: 5, Held: -1, Cash: 1 << 40, Revenue: 7},
		Period:   3, PeriodStart: 1_700_000_000_000, CycleStart: 1_690_000_000_000, CycleBefore: 12_000_000_000,
		Energy: 88_000_000, Estimate: 48_1234, Tier: 2, Tariff: [8]byte{9, 8, 7}, Hold: "C01",
		Points: []Point{
			{Opening: Register{1, 2}, Anchor: Register{1_700_000_000_000, 5}, Current: Register{1_700_000_900_000, 9},
				Carried: 4, Lifetime: 6, SegmentStart: Register{3, 4}, Latest: Register{1_700_000_900_001, 3}, Hold: "A01",
				Drift: -77, DriftAt: 12, Relay: Relay{Known: true, Open: true, PowerHold: true, At: 99, Ours: true},
				NextOrder: 6, Order: 5, TripsAt: [2]int64{10, 11},
				Before: &Segment{Anchor: Register{5, 6}, Start: Register{3, 2}, Carried: 7, Lifetime: 8}},
			{NextOrder: 1},
		},
		Episode: Episode{No: 2, Stage: StageReminded, Since: 4, Warning: 1, Reminder: 2, Deadline: 9, DeliveredAt: 8,
			Blocks: []string{"window", "notice"}, Task: "replace meter", ByPerson: true},
		NextNotice: 3,
		Guard: Guard{Protected: true, ProtectedBy: "admin", ProtectNote: "hospital",
			Tags:  []Tag{{"t1", TagNoClose, "wang", "line 3", 44}},
			Holds: []Hold{{"h1", "dispute", "li", 55}}},
		Due: 1_700_000_999_000,
	}
}

func TestStateComesBackAsItWasStored(t *testing.T) {
	for _, want := range []*State{fullState(), {}, {No: 1, Points: make([]Point, 3)}} {
		data := AppendState(nil, want)
		got, rest, err := DecodeState(append(data, 0xAA))
		if err != nil || len(rest) != 1 {
			t.Fatalf("decode: %v, %d bytes follow, want 1", err, len(rest))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("state changed on the way (-want +got):\n%s", d)
		}
	}
}

// A field added to the state and forgotten in AppendState would be lost at the next start.
func TestStateKeepsEveryField(t *testing.T) {
	want := &State{}
	n := int64(0)
	fillValue(t, reflect.ValueOf(want).Elem(), &n)
	got, _, err := DecodeState(AppendState(nil, want))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("state changed on the way (-want +got):\n%s", d)
	}
}

// fillValue sets everything below v to something that is not zero.
func fillValue(t *testing.T, v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(t, v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fillValue(t, v.Index(i), n)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(strconv.FormatInt(*n, 10))
	case reflect.Int64:
		v.SetInt(*n)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n)%250 + 1)
	default:
		t.Fatalf("a field of kind %s: teach this test and AppendState", v.Kind())
	}
}

func TestCutStateIsAnError(t *testing.T) {
	data := AppendState(nil, fullState())
	for n := range data {
		if _, _, err := DecodeState(data[:n]); err == nil {
			t.Fatalf("state cut to %d of %d bytes was read", n, len(data))
		}
	}
}

func FuzzDecodeState(f *testing.F) {
	f.Add(AppendState(nil, fullState()))
	f.Add(AppendState(nil, &State{}))
	f.Add([]byte{stateVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, err := DecodeState(data)
		if err != nil {
			return
		}
		again, rest, err := DecodeState(AppendState(nil, s))
		if err != nil || len(rest) != 0 {
			t.Fatalf("what was read cannot be written and read: %v, %d bytes follow", err, len(rest))
		}
		if d := cmp.Diff(s, again); d != "" {
			t.Fatal(d)
		}
	})
}
