package protocol

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"feikong/protocol/memtest"
)

// roundTrip fuzzes one decoder: no panic, errors wrap ErrWire, and what was accepted survives its own encoding.
func roundTrip[T any](f *testing.F, dec func([]byte) (*T, error), enc func([]byte, *T) []byte, seeds ...*T) {
	f.Helper()
	for _, s := range seeds {
		f.Add(enc(nil, s))
	}
	f.Add([]byte{})
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		var x *T
		var err error
		memtest.Within(t, memtest.Max, func() { x, err = dec(data) })
		if err != nil {
			if !errors.Is(err, ErrWire) {
				t.Errorf("got %v, want an error that wraps ErrWire", err)
			}
			return
		}
		again := enc(nil, x)
		y, err := dec(again)
		if err != nil {
			if errors.Is(err, ErrTooLarge) { // the canonical form of odd bytes may be longer than they are
				return
			}
			t.Fatalf("own bytes refused: %v", err)
		}
		if !reflect.DeepEqual(x, y) { // cmp.Diff is too slow for every input
			t.Error(cmp.Diff(x, y))
		}
	})
}

var (
	aMeter = MeterRef{Line: "line1", Address: "000000000012", Channel: 1}
	aGap   = &Gap{Meter: aMeter, From: 1, To: 2, Reason: "outbox full", Count: 3}
	anID   = OrderID{1, 2, 3}
)

func anOutcome() *Outcome {
	return &Outcome{Order: anID, Meter: aMeter, Action: ActionTrip, State: OutcomeDone, Rule: "hold", Detail: "表", At: 9,
		Before: RelayReport{Known: true}, After: RelayReport{Known: true, Open: true}, Energy: 1234,
		Frames: []FrameEvidence{{Sent: true, At: 8, Bytes: []byte{0x68, 0xFF}, Note: "trip"}}, Recovered: true}
}

func FuzzDecodeReadingBatch(f *testing.F) {
	entries := []Entry{{Gap: aGap}, {Reading: Reading{Meter: aMeter, Quantity: ActiveImport, Value: 1, Exp: -2, TakenAt: 4, MeterTime: 5}}}
	roundTrip(f, DecodeReadingBatch, func(dst []byte, b *ReadingBatch) []byte {
		data, err := AppendReadingBatch(dst, b)
		if err != nil && !errors.Is(err, ErrTooLarge) {
			f.Fatal(err)
		}
		return data
	}, &ReadingBatch{Agent: "a", Epoch: 1, First: 1, SentAt: 3, Entries: entries})
}

func FuzzDecodeEntry(f *testing.F) {
	roundTrip(f, DecodeEntry, AppendEntry, &Entry{Gap: aGap}, &Entry{Reading: Reading{Meter: aMeter, Value: -1, Exp: -2}})
}

func FuzzDecodeEvidence(f *testing.F) {
	roundTrip(f, DecodeEvidence, AppendEvidence, &Evidence{Outcome: anOutcome()}, &Evidence{Alarm: &Alarm{Meter: aMeter, Code: "c"}}, &Evidence{Gap: aGap},
		&Evidence{Record: &FieldRecord{Kind: "reading", ID: "r1", Person: "p", Meter: aMeter, Body: []byte("{}")}})
}

func FuzzDecodeBoundaries(f *testing.F) {
	roundTrip(f, DecodeBoundaries, AppendBoundaries, &Boundaries{Agent: "a", Gateway: "g", At: 1, Instants: []int64{1, 2, 1 << 40}})
}

func FuzzDecodeEvidenceBatch(f *testing.F) {
	roundTrip(f, DecodeEvidenceBatch, AppendEvidenceBatch,
		&EvidenceBatch{Agent: "a", Epoch: 1, First: 1, Entries: []Evidence{{Outcome: anOutcome()}, {Gap: aGap}}})
}

func FuzzDecodeOrder(f *testing.F) {
	o := anOrder()
	f.Add(append(AppendOrder(nil, o), 0xf8, 0x01, 1)) // an unknown field
	roundTrip(f, func(data []byte) (*Order, error) {
		o, err := DecodeOrder(data)
		if err == nil && !bytes.Equal(AppendOrder(nil, o), data) {
			f.Errorf("accepted bytes that are not canonical: % X", data)
		}
		return o, err
	}, AppendOrder, o)
}

func FuzzDecodeAck(f *testing.F) {
	roundTrip(f, DecodeAck, AppendAck, &Ack{Agent: "a", Lane: LaneReadings, Epoch: 1, Upto: 2, Gateway: "g", Commit: 3})
}

func FuzzDecodeHello(f *testing.F) {
	roundTrip(f, DecodeHello, AppendHello, &Hello{Agent: "a", Version: "v", Boot: 1, Lanes: []LaneState{{LaneEvidence, 1, 2, 3, 4}}, NoJournal: true, Seq: 5})
}

func FuzzDecodeHelloReply(f *testing.F) {
	roundTrip(f, DecodeHelloReply, AppendHelloReply, &HelloReply{Agent: "a", Time: 1, Acks: []Ack{{Agent: "a", Upto: 1}}, Floors: []OrderFloor{{aMeter, anID}}, Boot: 1, Seq: 5})
}

func FuzzDecodeStatus(f *testing.F) {
	roundTrip(f, DecodeStatus, AppendStatus, &Status{Agent: "a", Lines: []LineStatus{{Line: "l", Up: true, Sent: 1}},
		Meters: []MeterStatus{{Meter: aMeter, Replies: 1}}, ClockOffset: -3})
}

func anOrder() *Order {
	return &Order{ID: anID, Agent: "a", Meter: aMeter, Action: ActionTrip, IssuedAt: 1, Deadline: 2, CheckExpect: true, MinEnergy: 3,
		Password: [4]byte{2, 1, 2, 3}, Account: "10001", Reason: "below zero", Signatures: []Signature{{"k", "p", "r", []byte{1}}}}
}

func TestOrderIsReadStrictly(t *testing.T) {
	good := AppendOrder(nil, anOrder())
	if _, err := DecodeOrder(good); err != nil {
		t.Fatal(err)
	}
	field := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	tests := map[string][]byte{
		"empty":                  {},
		"unknown field":          append(bytes.Clone(good), field(99, 1)...),
		"field twice":            append(bytes.Clone(good), field(4, 1)...),
		"explicit zero":          append(field(9, 0), good...),
		"cut short":              good[:len(good)-1],
		"long varint":            bytes.Replace(good, []byte{0x20, 1}, []byte{0x20, 0x81, 0}, 1),
		"action out of range":    bytes.Replace(good, []byte{0x20, 1}, []byte{0x20, 0x81, 2}, 1),
		"password of 3 bytes":    bytes.Replace(good, []byte{0x52, 4, 2, 1, 2, 3}, []byte{0x52, 3, 2, 1, 2}, 1),
		"unknown field in meter": bytes.Replace(good, []byte{0x18, 1}, []byte{0x78, 1}, 1),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(data, good) {
				t.Fatal("the test changed nothing")
			}
			if o, err := DecodeOrder(data); !errors.Is(err, ErrWire) {
				t.Errorf("got %+v, %v, want %v", o, err, ErrWire)
			}
		})
	}
}

func TestOthersSkipUnknownFields(t *testing.T) {
	data := protowire.AppendString(protowire.AppendTag(AppendAck(nil, &Ack{Agent: "a", Upto: 7}), 99, protowire.BytesType), "new")
	got, err := DecodeAck(data)
	if err != nil || got.Upto != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestHostilePacketsCostLittle repeats the cheapest elements to the size of a packet.
func TestHostilePacketsCostLittle(t *testing.T) {
	many := func(num protowire.Number, inner []byte) []byte {
		one := protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), inner)
		return bytes.Repeat(one, MaxPacket/len(one))
	}
	outcome := func(frames int) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), bytes.Repeat([]byte{0x5a, 0}, frames))
	}
	batchHead := []byte{0x0a, 1, 'a', 0x18, 1, 0x28, 0xe8, 7}
	var names []byte
	for i := range 60_000 {
		names = append(names, 0x32, 3, byte('0'+i%64), byte('0'+i/64%64), byte('0'+i/4096))
	}
	names = names[:MaxPacket/5*5]
	tests := map[string]struct {
		data []byte
		dec  func([]byte) error
	}{
		"lines of a batch":     {names, as(DecodeReadingBatch)},
		"meters of a batch":    {many(7, nil), as(DecodeReadingBatch)},
		"shapes of a batch":    {append(batchHead, many(8, nil)[:MaxPacket-8]...), as(DecodeReadingBatch)},
		"gaps of a batch":      {many(14, []byte{0x12, 0}), as(DecodeReadingBatch)},
		"entries of evidence":  {many(6, []byte{0x0a, 0}), as(DecodeEvidenceBatch)},
		"frames of evidence":   {bytes.Repeat(protowire.AppendBytes([]byte{0x32}, outcome(MaxFrames)), MaxBatch), as(DecodeEvidenceBatch)},
		"frames of an outcome": {outcome(MaxPacket/2 - 8), as(DecodeEvidence)},
		"entry again":          {bytes.Repeat([]byte{0x12, 0}, MaxPacket/2), as(DecodeEntry)},
		"meters of a status":   {many(5, nil), as(DecodeStatus)},
		"floors":               {many(5, nil), as(DecodeHelloReply)},
		"signatures":           {many(15, nil), as(DecodeOrder)},
		"over a packet":        {make([]byte, MaxPacket+1), as(DecodeAck)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if len(tt.data) > MaxPacket+1 {
				t.Fatalf("%d bytes are not a packet", len(tt.data))
			}
			memtest.Within(t, memtest.Max, func() {
				if err := tt.dec(tt.data); !errors.Is(err, ErrWire) {
					t.Errorf("got %v, want %v", err, ErrWire)
				}
			})
		})
	}
}

func as[T any](dec func([]byte) (*T, error)) func([]byte) error {
	return func(data []byte) error { _, err := dec(data); return err }
}

func TestTextForPeopleIsCutToWholeCharacters(t *testing.T) {
	long := "x" + string(bytes.Repeat([]byte("表"), MaxText))
	got, err := DecodeEvidence(AppendEvidence(nil, &Evidence{Alarm: &Alarm{Code: "c", Detail: long + "\xff"}}))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Alarm.Detail); n > MaxText || n < MaxText-2 {
		t.Errorf("got %d bytes of text, want nearly %d", n, MaxText)
	}
}
