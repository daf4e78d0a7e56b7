package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// street is one message of a realistic site: block replies of five registers (total and four rates) of 200 meters on
// four lines, read one after the other, as an agent with 15-minute polls sends them.
func street() *ReadingBatch {
	b := &ReadingBatch{Agent: "agent-0001", Epoch: 0x9e3779b97f4a7c15, First: 81_001, SentAt: 1_767_225_600_000}
	at, seed := b.SentAt-60_000, uint64(7)
	next := func(n uint64) uint64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return seed >> 33 % n
	}
	for m := range 200 {
		at += 260 + int64(next(80))
		ref := MeterRef{Line: fmt.Sprintf("line%d", m/50+1), Address: fmt.Sprintf("%012d", 3_100_000_000+int64(m))}
		for r := range 5 {
			v := int64(next(600_000))
			if r == 0 {
				v = 400_000 + int64(next(1_000_000))
			}
			b.Entries = append(b.Entries, Entry{Reading: Reading{Meter: ref, Quantity: ActiveImport, Register: uint8(r), Value: v,
				Exp: -2, TakenAt: at, Method: MethodPoll, Side: SidePrimary}})
		}
	}
	return b
}

func TestRealisticBatchStaysUnder16BytesAReading(t *testing.T) {
	b := street()
	data, err := AppendReadingBatch(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	per := float64(len(data)) / float64(len(b.Entries))
	t.Logf("%d readings, %d bytes, %.2f bytes a reading", len(b.Entries), len(data), per)
	if per > 16 {
		t.Errorf("got %.2f bytes a reading, want at most 16", per)
	}
	got, err := DecodeReadingBatch(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b, got); d != "" {
		t.Error(d)
	}
}

func TestBatchCodecAllocatesNothingInSteadyState(t *testing.T) {
	b := street()
	buf, err := AppendReadingBatch(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Clone(buf)
	var d BatchDecoder
	var into ReadingBatch
	if err := d.Decode(data, &into); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := d.Decode(data, &into); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("decode: got %v allocations, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { buf, _ = AppendReadingBatch(buf[:0], b) }); n >= 1 && !raceEnabled {
		t.Errorf("encode: got %v allocations, want 0", n)
	}
}

func genName(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"", "a", "line1", "000000000012", "表", "agent-7"}).Draw(t, label)
}

func genRef(t *rapid.T) MeterRef {
	return MeterRef{Line: genName(t, "line"), Address: genName(t, "address"), Channel: rapid.Uint8Range(0, 3).Draw(t, "channel")}
}

func genGap(t *rapid.T) *Gap {
	return &Gap{Meter: genRef(t), From: rapid.Int64().Draw(t, "from"), To: rapid.Int64().Draw(t, "to"),
		Reason: genName(t, "reason"), Count: rapid.Uint64().Draw(t, "count")}
}

func genEntry(t *rapid.T) Entry {
	if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
		return Entry{Gap: genGap(t)}
	}
	edge := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64}))
	return Entry{Reading: Reading{Meter: genRef(t), Quantity: Quantity(rapid.Uint8().Draw(t, "quantity")),
		Register: rapid.Uint8Range(0, 4).Draw(t, "register"), Value: edge.Draw(t, "value"), Exp: rapid.Int8().Draw(t, "exp"),
		TakenAt: edge.Draw(t, "taken"), MeterTime: edge.Draw(t, "meter time"), Method: Method(rapid.Uint8().Draw(t, "method")),
		Side: Side(rapid.Uint8().Draw(t, "side")), Quality: Quality(rapid.Uint8().Draw(t, "quality"))}}
}

func genBatch(t *rapid.T) *ReadingBatch {
	return &ReadingBatch{Agent: "agent-1", Epoch: rapid.Uint64().Draw(t, "epoch"), First: rapid.Uint64Range(1, 1<<60).Draw(t, "first"),
		SentAt: rapid.Int64().Draw(t, "sent"), Entries: rapid.SliceOfN(rapid.Custom(genEntry), 1, 30).Draw(t, "entries")}
}

func TestAnyBatchSurvivesTheWire(t *testing.T) {
	var d BatchDecoder
	var into ReadingBatch
	rapid.Check(t, func(t *rapid.T) {
		b := genBatch(t)
		data, err := AppendReadingBatch(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(data, &into); err != nil { // the decoder is reused: what it keeps must not leak into the next
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, &into); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestBatchThatCannotBeSentIsRefused(t *testing.T) {
	one := Entry{Reading: Reading{Meter: MeterRef{Line: "l", Address: "1"}, TakenAt: 1}}
	long := string(bytes.Repeat([]byte("x"), MaxName+1))
	gaps := make([]Entry, MaxBatch)
	for i := range gaps {
		gaps[i].Gap = &Gap{Reason: string(bytes.Repeat([]byte("r"), MaxText))}
	}
	tests := map[string]struct {
		batch ReadingBatch
		want  error
	}{
		"empty":         {ReadingBatch{Agent: "a", First: 1}, nil},
		"no agent":      {ReadingBatch{First: 1, Entries: []Entry{one}}, nil},
		"sequence 0":    {ReadingBatch{Agent: "a", Entries: []Entry{one}}, nil},
		"overflow":      {ReadingBatch{Agent: "a", First: math.MaxUint64, Entries: []Entry{one}}, nil},
		"long address":  {ReadingBatch{Agent: "a", First: 1, Entries: []Entry{{Reading: Reading{Meter: MeterRef{Address: long}}}}}, nil},
		"not UTF-8":     {ReadingBatch{Agent: "a", First: 1, Entries: []Entry{{Reading: Reading{Meter: MeterRef{Line: "\xff"}}}}}, nil},
		"1,001 entries": {ReadingBatch{Agent: "a", First: 1, Entries: make([]Entry, MaxBatch+1)}, ErrTooLarge},
		"over a packet": {ReadingBatch{Agent: "a", First: 1, Entries: gaps}, ErrTooLarge},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := AppendReadingBatch([]byte("kept"), &tt.batch)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want an error like %v", err, tt.want)
			}
			if string(got) != "kept" {
				t.Errorf("got %d bytes, want dst unchanged", len(got))
			}
		})
	}
}

func BenchmarkEncodeBatch(b *testing.B) {
	batch := street()
	buf, _ := AppendReadingBatch(nil, batch)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = AppendReadingBatch(buf[:0], batch)
	}
	reportReadings(b, batch, buf)
}

func BenchmarkDecodeBatch(b *testing.B) {
	batch := street()
	buf, _ := AppendReadingBatch(nil, batch)
	var d BatchDecoder
	var into ReadingBatch
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(buf, &into); err != nil {
			b.Fatal(err)
		}
	}
	reportReadings(b, batch, buf)
}

func reportReadings(b *testing.B, batch *ReadingBatch, data []byte) {
	n := float64(len(batch.Entries))
	b.ReportMetric(float64(len(data))/n, "B/reading")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/reading")
}
