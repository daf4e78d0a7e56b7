package protocol

import (
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// AppendEvidence appends one entry of the evidence lane, the form an outbox keeps. Text is cut to MaxText and frames to
// MaxFrames: an outcome that its own decoder refused would block the lane behind it. An Evidence with nothing set gives
// no bytes, which DecodeEvidence refuses.
func AppendEvidence(dst []byte, e *Evidence) []byte {
	switch {
	case e.Outcome != nil:
		return putOutcome(dst, 1, e.Outcome)
	case e.Alarm != nil:
		dst, at := open(dst, 2)
		dst = putRef(dst, 1, e.Alarm.Meter)
		dst = putString(dst, 2, e.Alarm.Code)
		dst = putText(dst, 3, e.Alarm.Detail)
		dst = putVarint(dst, 4, uint64(e.Alarm.At))
		return closeMessage(dst, at)
	case e.Gap != nil:
		return putGap(dst, 3, e.Gap)
	case e.Record != nil:
		return putRecord(dst, 4, e.Record)
	}
	return dst
}

// DecodeEvidence reads what AppendEvidence wrote. Errors wrap ErrWire.
func DecodeEvidence(data []byte) (*Evidence, error) {
	memory := maxMemory
	r := newReader("Evidence", data, &memory)
	e := r.evidence()
	if r.err != nil {
		return nil, r.err
	}
	return &e, nil
}

// evidence reads the rest of r as one Evidence.
func (r *reader) evidence() (e Evidence) {
	seen := 0
	for r.next() {
		switch r.num {
		case 1:
			seen++
			e.Outcome = r.outcome()
		case 2:
			seen++
			e.Alarm = r.alarm()
		case 3:
			seen++
			e.Gap = r.gap()
		case 4:
			seen++
			e.Record = r.record()
		default:
			r.unknown()
		}
	}
	if seen != 1 {
		r.fail("evidence", "is not exactly one outcome, alarm, gap or record")
	}
	return e
}

// AppendEvidenceBatch appends a batch. The caller keeps it within MaxBatch entries and MaxPacket bytes (the sum of its
// entries' AppendEvidence bytes plus 5 each, plus 256); a receiver refuses more.
func AppendEvidenceBatch(dst []byte, b *EvidenceBatch) []byte {
	dst = putString(dst, 1, b.Agent)
	dst = putFixed64(dst, 2, b.Epoch)
	dst = putVarint(dst, 3, b.First)
	dst = putVarint(dst, 4, uint64(b.SentAt))
	dst = putVarint(dst, 5, uint64(len(b.Entries)))
	for i := range b.Entries {
		var at int
		dst, at = open(dst, 6)
		dst = AppendEvidence(dst, &b.Entries[i])
		dst = closeMessage(dst, at)
	}
	return dst
}

// DecodeEvidenceBatch reads a batch: 1 to MaxBatch entries from a sequence of at least 1. Errors wrap ErrWire.
func DecodeEvidenceBatch(data []byte) (*EvidenceBatch, error) {
	memory := maxMemory
	r := newReader("EvidenceBatch", data, &memory)
	b := new(EvidenceBatch)
	n := 0
	b.Entries = listOf[Evidence](&r, data, 6, "entries", MaxBatch, int(unsafe.Sizeof(Evidence{})))
	for r.next() {
		switch r.num {
		case 1:
			b.Agent = r.name("agent")
		case 2:
			b.Epoch = r.fixed64("epoch")
		case 3:
			b.First = r.uint64("first")
		case 4:
			b.SentAt = r.int64("sent_at")
		case 5:
			n = int(r.varint("count", MaxBatch))
		case 6:
			in := r.inner("Evidence")
			b.Entries = append(b.Entries, in.evidence())
			r.take(in.err)
		default:
			r.unknown()
		}
	}
	if why := badRun(b.Agent, b.First, n); why != "" {
		r.fail("first", why)
	}
	if n != len(b.Entries) {
		r.fail("count", "is not the number of entries")
	}
	if r.err != nil {
		return nil, r.err
	}
	return b, nil
}

// badRun says what is wrong with the head of a batch, or nothing.
func badRun(agent string, first uint64, n int) string {
	switch {
	case agent == "":
		return "the batch names no agent"
	case len(agent) > MaxName:
		return "the agent's name is too long"
	case n < 1 || n > MaxBatch:
		return "the batch does not hold 1 to 1000 entries"
	case first == 0:
		return "sequences start at 1"
	case first+uint64(n) < first:
		return "the sequence overflows"
	}
	return ""
}

func putOutcome(dst []byte, num protowire.Number, o *Outcome) []byte {
	dst, at := open(dst, num)
	dst = putOrderID(dst, 1, o.Order)
	dst = putRef(dst, 2, o.Meter)
	dst = putVarint(dst, 3, uint64(o.Action))
	dst = putVarint(dst, 4, uint64(o.State))
	dst = putString(dst, 5, o.Rule)
	dst = putText(dst, 6, o.Detail)
	dst = putVarint(dst, 7, uint64(o.At))
	dst = putRelay(dst, 8, o.Before)
	dst = putRelay(dst, 9, o.After)
	dst = putVarint(dst, 10, uint64(o.Energy))
	for i := range o.Frames[:min(len(o.Frames), MaxFrames)] {
		f := &o.Frames[i]
		var in int
		dst, in = open(dst, 11)
		dst = putBool(dst, 1, f.Sent)
		dst = putVarint(dst, 2, uint64(f.At))
		dst = putBytes(dst, 3, f.Bytes)
		dst = putText(dst, 4, f.Note)
		dst = closeMessage(dst, in)
	}
	dst = putBool(dst, 12, o.Recovered)
	return closeMessage(dst, at)
}

func (r *reader) outcome() *Outcome {
	if !r.spend("outcome", int(unsafe.Sizeof(Outcome{}))) {
		return nil
	}
	o := new(Outcome)
	in := r.inner("Outcome")
	o.Frames = listOf[FrameEvidence](&in, in.rest, 11, "frames", MaxFrames, int(unsafe.Sizeof(FrameEvidence{})))
	for in.next() {
		switch in.num {
		case 1:
			o.Order = in.orderID()
		case 2:
			o.Meter = in.ref("meter")
		case 3:
			o.Action = Action(in.uint8("action"))
		case 4:
			o.State = OutcomeState(in.uint8("state"))
		case 5:
			o.Rule = in.name("rule")
		case 6:
			o.Detail = in.text("detail")
		case 7:
			o.At = in.int64("at")
		case 8:
			o.Before = in.relay("before")
		case 9:
			o.After = in.relay("after")
		case 10:
			o.Energy = in.int64("energy")
		case 11:
			o.Frames = append(o.Frames, in.frame())
		case 12:
			o.Recovered = in.bool("recovered")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return o
}

func (r *reader) frame() (f FrameEvidence) {
	in := r.inner("FrameEvidence")
	for in.next() {
		switch in.num {
		case 1:
			f.Sent = in.bool("sent")
		case 2:
			f.At = in.int64("at")
		case 3:
			f.Bytes = in.bytes("bytes", maxFrameBytes)
		case 4:
			f.Note = in.text("note")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return f
}

func putRelay(dst []byte, num protowire.Number, v RelayReport) []byte {
	if v == (RelayReport{}) {
		return dst
	}
	dst, at := open(dst, num)
	dst = putBool(dst, 1, v.Known)
	dst = putBool(dst, 2, v.Open)
	dst = putBool(dst, 3, v.CommandOpen)
	dst = putBool(dst, 4, v.Hold)
	return closeMessage(dst, at)
}

func (r *reader) relay(field string) (v RelayReport) {
	in := r.inner(field)
	for in.next() {
		switch in.num {
		case 1:
			v.Known = in.bool("known")
		case 2:
			v.Open = in.bool("open")
		case 3:
			v.CommandOpen = in.bool("command_open")
		case 4:
			v.Hold = in.bool("hold")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return v
}

func (r *reader) alarm() *Alarm {
	if !r.spend("alarm", int(unsafe.Sizeof(Alarm{}))) {
		return nil
	}
	a := new(Alarm)
	in := r.inner("Alarm")
	for in.next() {
		switch in.num {
		case 1:
			a.Meter = in.ref("meter")
		case 2:
			a.Code = in.name("code")
		case 3:
			a.Detail = in.text("detail")
		case 4:
			a.At = in.int64("at")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return a
}
