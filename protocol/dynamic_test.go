package protocol

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"
)

// schema compiles feikong.proto in this process.
func schema(t *testing.T) protoreflect.MessageDescriptors {
	t.Helper()
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{}}
	files, err := c.Compile(context.Background(), "feikong.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Messages()
}

// agrees parses data by the schema, wants nothing left over, and the same bytes back.
func agrees(t rapid.TB, messages protoreflect.MessageDescriptors, name protoreflect.Name, data []byte) *dynamicpb.Message {
	t.Helper()
	m := dynamicpb.NewMessage(messages.ByName(name))
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	noUnknown(t, m)
	back, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, back) {
		t.Fatalf("%s: got\n% X, by the schema\n% X", name, data, back)
	}
	return m
}

func noUnknown(t rapid.TB, m protoreflect.Message) {
	t.Helper()
	if len(m.GetUnknown()) > 0 {
		t.Fatalf("%s: fields the schema does not know: % X", m.Descriptor().Name(), m.GetUnknown())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				noUnknown(t, v.List().Get(i).Message())
			}
		default:
			noUnknown(t, v.Message())
		}
		return true
	})
}

// lists of a value that came over the wire are nil when empty; make draws so too.
func genList[T any](t *rapid.T, g func(*rapid.T) T, label string) []T {
	list := rapid.SliceOfN(rapid.Custom(g), 0, 3).Draw(t, label)
	if len(list) == 0 {
		return nil
	}
	return list
}

func genBytes(t *rapid.T, label string) []byte {
	b := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, label)
	if len(b) == 0 {
		return nil
	}
	return b
}

func genOrderID(t *rapid.T) OrderID {
	return OrderID{rapid.Uint32().Draw(t, "generation"), rapid.Uint32().Draw(t, "slot epoch"), rapid.Uint64().Draw(t, "number")}
}

func genOrder(t *rapid.T) *Order {
	o := &Order{ID: genOrderID(t), Agent: genName(t, "agent"), Meter: genRef(t), Action: Action(rapid.Uint8().Draw(t, "action")),
		IssuedAt: rapid.Int64().Draw(t, "issued"), Deadline: rapid.Int64().Draw(t, "deadline"), ExpectOpen: rapid.Bool().Draw(t, "expect"),
		CheckExpect: rapid.Bool().Draw(t, "check"), MinEnergy: rapid.Int64().Draw(t, "energy"), Account: genName(t, "account"),
		Reason: genName(t, "reason"), Traceparent: genName(t, "trace")}
	copy(o.Password[:], genBytes(t, "password"))
	copy(o.Operator[:], genBytes(t, "operator"))
	o.Signatures = genList(t, func(t *rapid.T) Signature {
		return Signature{genName(t, "key"), genName(t, "person"), genName(t, "role"), genBytes(t, "value")}
	}, "signatures")
	return o
}

func genEvidence(t *rapid.T) Evidence {
	relay := func() RelayReport {
		return RelayReport{rapid.Bool().Draw(t, "known"), rapid.Bool().Draw(t, "open"), rapid.Bool().Draw(t, "command"), rapid.Bool().Draw(t, "hold")}
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return Evidence{Alarm: &Alarm{genRef(t), genName(t, "code"), genName(t, "detail"), rapid.Int64().Draw(t, "at")}}
	case 1:
		return Evidence{Gap: genGap(t)}
	case 2:
		return Evidence{Record: &FieldRecord{genName(t, "kind"), genName(t, "id"), genName(t, "person"), genRef(t),
			rapid.Int64().Draw(t, "at"), genBytes(t, "body"), genName(t, "photo")}}
	}
	return Evidence{Outcome: &Outcome{Order: genOrderID(t), Meter: genRef(t), Action: Action(rapid.Uint8().Draw(t, "action")),
		State: OutcomeState(rapid.Uint8().Draw(t, "state")), Rule: genName(t, "rule"), Detail: genName(t, "detail"),
		At: rapid.Int64().Draw(t, "at"), Before: relay(), After: relay(), Energy: rapid.Int64().Draw(t, "energy"),
		Frames: genList(t, func(t *rapid.T) FrameEvidence {
			return FrameEvidence{rapid.Bool().Draw(t, "sent"), rapid.Int64().Draw(t, "at"), genBytes(t, "bytes"), genName(t, "note")}
		}, "frames"), Recovered: rapid.Bool().Draw(t, "recovered")}}
}

func genAck(t *rapid.T) Ack {
	return Ack{genName(t, "agent"), Lane(rapid.Uint8().Draw(t, "lane")), rapid.Uint64().Draw(t, "epoch"), rapid.Uint64().Draw(t, "upto"),
		genName(t, "gateway"), rapid.Uint64().Draw(t, "commit")}
}

func genStatus(t *rapid.T) *Status {
	u := func() uint64 { return rapid.Uint64().Draw(t, "counter") }
	i := func() int64 { return rapid.Int64().Draw(t, "number") }
	return &Status{Agent: genName(t, "agent"), Version: genName(t, "version"), At: i(),
		Lines: genList(t, func(t *rapid.T) LineStatus {
			return LineStatus{genName(t, "line"), rapid.Bool().Draw(t, "up"), genName(t, "error"), u(), u(), u(), u(), u(), u()}
		}, "lines"),
		Meters: genList(t, func(t *rapid.T) MeterStatus {
			return MeterStatus{genRef(t), u(), u(), u(), i(), i(), i(), u(), i(), i(), genName(t, "edition")}
		}, "meters"),
		OutboxBytes: i(), OutboxMax: i(), Stored: u(), Dropped: u(), ClockTrusted: rapid.Bool().Draw(t, "trusted"),
		ClockOffset: i(), RelayMode: genName(t, "mode")}
}

// exchange checks one message type: bytes as by the schema, and the same value back.
func exchange[T any](t *testing.T, messages protoreflect.MessageDescriptors, name protoreflect.Name, gen func(*rapid.T) *T,
	enc func([]byte, *T) []byte, dec func([]byte) (*T, error)) {
	t.Run(string(name), func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			want := gen(t)
			data := enc(nil, want)
			agrees(t, messages, name, data)
			got, err := dec(data)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatal(d)
			}
		})
	})
}

func TestBytesAreThoseOfTheSchema(t *testing.T) {
	m := schema(t)
	exchange(t, m, "Order", genOrder, AppendOrder, DecodeOrder)
	exchange(t, m, "Ack", func(t *rapid.T) *Ack { a := genAck(t); return &a }, AppendAck, DecodeAck)
	exchange(t, m, "Hello", func(t *rapid.T) *Hello {
		return &Hello{Agent: genName(t, "agent"), Version: genName(t, "version"), Boot: rapid.Uint64().Draw(t, "boot"),
			At: rapid.Int64().Draw(t, "at"), NoJournal: rapid.Bool().Draw(t, "no journal"), Seq: rapid.Uint64().Draw(t, "seq"),
			Lanes: genList(t, func(t *rapid.T) LaneState {
				a := genAck(t)
				return LaneState{a.Lane, a.Epoch, a.Upto, a.Commit, a.Upto}
			}, "lanes")}
	}, AppendHello, DecodeHello)
	exchange(t, m, "HelloReply", func(t *rapid.T) *HelloReply {
		return &HelloReply{Agent: genName(t, "agent"), Gateway: genName(t, "gateway"), Time: rapid.Int64().Draw(t, "time"),
			Boot: rapid.Uint64().Draw(t, "boot"), Seq: rapid.Uint64().Draw(t, "seq"),
			Acks:   genList(t, genAck, "acks"),
			Floors: genList(t, func(t *rapid.T) OrderFloor { return OrderFloor{genRef(t), genOrderID(t)} }, "floors")}
	}, AppendHelloReply, DecodeHelloReply)
	exchange(t, m, "Boundaries", func(t *rapid.T) *Boundaries {
		b := &Boundaries{Agent: genName(t, "agent"), Gateway: genName(t, "gateway"), At: rapid.Int64().Draw(t, "at"),
			Instants: rapid.SliceOfNDistinct(rapid.Int64(), 0, MaxBoundaries, rapid.ID).Draw(t, "instants")}
		slices.Sort(b.Instants)
		if len(b.Instants) == 0 {
			b.Instants = nil
		}
		return b
	}, AppendBoundaries, DecodeBoundaries)
	exchange(t, m, "Status", genStatus, AppendStatus, DecodeStatus)
	exchange(t, m, "Entry", func(t *rapid.T) *Entry { e := genEntry(t); return &e }, AppendEntry, DecodeEntry)
	exchange(t, m, "Evidence", func(t *rapid.T) *Evidence { e := genEvidence(t); return &e }, AppendEvidence, DecodeEvidence)
	exchange(t, m, "EvidenceBatch", func(t *rapid.T) *EvidenceBatch {
		return &EvidenceBatch{Agent: "agent-1", Epoch: rapid.Uint64().Draw(t, "epoch"), First: rapid.Uint64Range(1, 1<<60).Draw(t, "first"),
			SentAt: rapid.Int64().Draw(t, "sent"), Entries: rapid.SliceOfN(rapid.Custom(genEvidence), 1, 5).Draw(t, "entries")}
	}, AppendEvidenceBatch, DecodeEvidenceBatch)
	exchange(t, m, "ReadingBatch", genBatch, func(dst []byte, b *ReadingBatch) []byte {
		data, err := AppendReadingBatch(dst, b)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}, DecodeReadingBatch)
}

// TestSchemaReadsColumnsAsTold reads a batch by field names alone, as a program of another language does.
func TestSchemaReadsColumnsAsTold(t *testing.T) {
	batch := street()
	data, err := AppendReadingBatch(nil, batch)
	if err != nil {
		t.Fatal(err)
	}
	m := agrees(t, schema(t), "ReadingBatch", data)
	get := func(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
		return m.Get(m.Descriptor().Fields().ByName(name))
	}
	list := func(name protoreflect.Name) protoreflect.List { return get(m, name).List() }
	var meters []protoreflect.Message
	for runs, i := list("meter_runs"), 0; i < runs.Len(); i += 2 {
		for range runs.Get(i + 1).Uint() {
			meters = append(meters, list("meters").Get(int(runs.Get(i).Uint())).Message())
		}
	}
	last, at := map[uint64]int64{}, get(m, "sent_at").Int()
	for i := range int(get(m, "count").Uint()) {
		kind := list("shape").Get(i).Uint()
		s := list("shapes").Get(int(kind)).Message()
		last[kind] += list("value").Get(i).Int()
		at += list("taken_at").Get(i).Int()
		got := Reading{
			Meter:    MeterRef{Line: list("lines").Get(int(get(meters[i], "line").Uint())).String(), Address: get(meters[i], "address").String()},
			Quantity: Quantity(get(s, "quantity").Enum()), Register: uint8(get(s, "register").Uint()), Value: last[kind],
			Exp: int8(get(s, "exp").Int()), TakenAt: at, Method: Method(get(s, "method").Enum()), Side: Side(get(s, "side").Enum()),
		}
		if d := cmp.Diff(batch.Entries[i].Reading, got); d != "" {
			t.Fatalf("entry %d: %s", i, d)
		}
	}
}
