package protocol

import (
	"errors"
	"testing"

	"feikong/protocol/memtest"
)

func headBatches(t testing.TB) (readings, evidence []byte) {
	t.Helper()
	m := MeterRef{Line: "l1", Address: "000000000101"}
	readings, err := AppendReadingBatch(nil, &ReadingBatch{Agent: "a1", Epoch: 7, First: 41, SentAt: 1_800_000_000_000, Entries: []Entry{
		{Reading: Reading{Meter: m, Quantity: ActiveImport, Value: 5, Exp: -2, TakenAt: 1_800_000_000_000}}, {Gap: &Gap{Reason: "outbox full"}}, {Reading: Reading{Meter: m}}}})
	if err != nil {
		t.Fatal(err)
	}
	evidence = AppendEvidenceBatch(nil, &EvidenceBatch{Agent: "a1", Epoch: 7, First: 41, SentAt: 1_800_000_000_000, Entries: []Evidence{
		{Alarm: &Alarm{Code: "c"}}, {Outcome: &Outcome{Rule: "r"}}, {Gap: &Gap{Reason: "r"}}}})
	return readings, evidence
}

// A batch is cut and flipped at every byte: the head is read as long as its own bytes are there, and is never another one
// than was sent.
func TestHeadOfAnUnreadableBatchIsReadable(t *testing.T) {
	readings, evidence := headBatches(t)
	for name, data := range map[string][]byte{"readings": readings, "evidence": evidence} {
		head := 0
		for n := range len(data) {
			agent, epoch, first, count, err := DecodeBatchHead(data[:n])
			if err != nil {
				if head != 0 || !errors.Is(err, ErrWire) {
					t.Errorf("%s cut to %d bytes: %v", name, n, err)
				}
				continue
			}
			if head == 0 {
				head = n
			}
			if agent != "a1" || epoch != 7 || first != 41 || count != 3 {
				t.Errorf("%s cut to %d bytes: %s %d %d %d", name, n, agent, epoch, first, count)
			}
		}
		if head == 0 || head > 40 {
			t.Errorf("%s: the head took %d bytes", name, head)
		}
		spoilt := append([]byte(nil), data...)
		for i := head; i < len(spoilt); i++ {
			spoilt[i] = 0xFF
		}
		if _, err := DecodeReadingBatch(spoilt); err == nil {
			t.Errorf("%s: the strict decoder takes garbage", name)
		}
		if _, err := DecodeEvidenceBatch(spoilt); err == nil {
			t.Errorf("%s: the strict decoder takes garbage", name)
		}
		if _, _, first, count, err := DecodeBatchHead(spoilt); err != nil || first != 41 || count != 3 {
			t.Errorf("%s: %d %d %v", name, first, count, err)
		}
	}
}

func TestHeadThatSaysNothingUsefulIsRefused(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":     nil,
		"no agent":  putVarint(putVarint(nil, 3, 1), 5, 1),
		"no count":  putVarint(putString(nil, 1, "a1"), 3, 1),
		"no first":  putVarint(putString(nil, 1, "a1"), 5, 1),
		"too many":  putVarint(putVarint(putString(nil, 1, "a1"), 3, 1), 5, MaxBatch+1),
		"overflows": putVarint(putVarint(putString(nil, 1, "a1"), 3, 1<<64-1), 5, 2),
		"long name": putVarint(putVarint(putString(nil, 1, string(make([]byte, MaxName+1))), 3, 1), 5, 1),
	} {
		if _, _, _, _, err := DecodeBatchHead(data); !errors.Is(err, ErrWire) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEvidenceBatchMustHoldAsManyAsItSays(t *testing.T) {
	_, data := headBatches(t)
	entry := AppendEvidence(nil, &Evidence{Alarm: &Alarm{Code: "c"}})
	more := putBytes(data, 6, entry)
	if _, err := DecodeEvidenceBatch(more); !errors.Is(err, ErrWire) {
		t.Errorf("one too many: %v", err)
	}
}

// An outcome with more frames than a decoder takes would stand in its lane for ever.
func TestOutcomeWithTooManyFramesLosesTheLastOnes(t *testing.T) {
	o := &Outcome{Rule: "r", Recovered: true}
	for range MaxFrames + 8 {
		o.Frames = append(o.Frames, FrameEvidence{Sent: true, Bytes: []byte{0x68}, Note: "n"})
	}
	got, err := DecodeEvidence(AppendEvidence(nil, &Evidence{Outcome: o}))
	if err != nil || len(got.Outcome.Frames) != MaxFrames || !got.Outcome.Recovered {
		t.Errorf("%v", err)
	}
}

func FuzzBatchHead(f *testing.F) {
	readings, evidence := headBatches(f)
	f.Add(readings)
	f.Add(evidence)
	f.Add([]byte{0x0A, 0x01, 'a', 0x18, 0x01, 0x28, 0x01, 0xFF})
	f.Fuzz(func(t *testing.T, data []byte) {
		var agent string
		var epoch, first uint64
		var count int
		var err error
		memtest.Within(t, memtest.Max, func() { agent, epoch, first, count, err = DecodeBatchHead(data) })
		if err != nil {
			if !errors.Is(err, ErrWire) || agent != "" || count != 0 {
				t.Errorf("%q %d %v", agent, count, err)
			}
			return
		}
		if agent == "" || first == 0 || count < 1 || count > MaxBatch {
			t.Errorf("accepted %q %d %d", agent, first, count)
		}
		// Whatever a strict decoder accepts from a canonical sender has this very head.
		if b, err := DecodeReadingBatch(data); err == nil {
			if again, err := AppendReadingBatch(nil, b); err == nil && string(again) == string(data) &&
				(b.Agent != agent || b.Epoch != epoch || b.First != first || len(b.Entries) != count) {
				t.Errorf("head says %q %d %d %d, the batch %+v", agent, epoch, first, count, b)
			}
		}
	})
}
