package protocol

import (
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

func appendAck(dst []byte, a *Ack) []byte {
	dst = putString(dst, 1, a.Agent)
	dst = putVarint(dst, 2, uint64(a.Lane))
	dst = putFixed64(dst, 3, a.Epoch)
	dst = putVarint(dst, 4, a.Upto)
	dst = putString(dst, 5, a.Gateway)
	return putVarint(dst, 6, a.Commit)
}

func (r *reader) ack() (a Ack) {
	for r.next() {
		switch r.num {
		case 1:
			a.Agent = r.name("agent")
		case 2:
			a.Lane = Lane(r.uint8("lane"))
		case 3:
			a.Epoch = r.fixed64("epoch")
		case 4:
			a.Upto = r.uint64("upto")
		case 5:
			a.Gateway = r.name("gateway")
		case 6:
			a.Commit = r.uint64("commit")
		default:
			r.unknown()
		}
	}
	return a
}

// AppendAck appends an acknowledgement.
func AppendAck(dst []byte, a *Ack) []byte { return appendAck(dst, a) }

// DecodeAck reads an acknowledgement. Errors wrap ErrWire.
func DecodeAck(data []byte) (*Ack, error) {
	memory := maxMemory
	r := newReader("Ack", data, &memory)
	a := r.ack()
	if r.err != nil {
		return nil, r.err
	}
	return &a, nil
}

// AppendHello appends an agent's hello.
func AppendHello(dst []byte, h *Hello) []byte {
	dst = putString(dst, 1, h.Agent)
	dst = putText(dst, 2, h.Version)
	dst = putFixed64(dst, 3, h.Boot)
	dst = putVarint(dst, 4, uint64(h.At))
	for i := range h.Lanes {
		l := &h.Lanes[i]
		var at int
		dst, at = open(dst, 5)
		dst = putVarint(dst, 1, uint64(l.Lane))
		dst = putFixed64(dst, 2, l.Epoch)
		dst = putVarint(dst, 3, l.Tail)
		dst = putVarint(dst, 4, l.Next)
		dst = putVarint(dst, 5, l.Acked)
		dst = closeMessage(dst, at)
	}
	dst = putBool(dst, 6, h.NoJournal)
	return putVarint(dst, 7, h.Seq)
}

// DecodeHello reads an agent's hello. Errors wrap ErrWire.
func DecodeHello(data []byte) (*Hello, error) {
	memory := maxMemory
	r := newReader("Hello", data, &memory)
	h := new(Hello)
	h.Lanes = listOf[LaneState](&r, data, 5, "lanes", maxLaneStates, int(unsafe.Sizeof(LaneState{})))
	for r.next() {
		switch r.num {
		case 1:
			h.Agent = r.name("agent")
		case 2:
			h.Version = r.text("version")
		case 3:
			h.Boot = r.fixed64("boot")
		case 4:
			h.At = r.int64("at")
		case 5:
			h.Lanes = append(h.Lanes, r.laneState())
		case 6:
			h.NoJournal = r.bool("no_journal")
		case 7:
			h.Seq = r.uint64("seq")
		default:
			r.unknown()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return h, nil
}

func (r *reader) laneState() (l LaneState) {
	in := r.inner("LaneState")
	for in.next() {
		switch in.num {
		case 1:
			l.Lane = Lane(in.uint8("lane"))
		case 2:
			l.Epoch = in.fixed64("epoch")
		case 3:
			l.Tail = in.uint64("tail")
		case 4:
			l.Next = in.uint64("next")
		case 5:
			l.Acked = in.uint64("acked")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return l
}

// AppendHelloReply appends the gateway's answer to a hello.
func AppendHelloReply(dst []byte, h *HelloReply) []byte {
	dst = putString(dst, 1, h.Agent)
	dst = putString(dst, 2, h.Gateway)
	dst = putVarint(dst, 3, uint64(h.Time))
	for i := range h.Acks {
		var at int
		dst, at = open(dst, 4)
		dst = appendAck(dst, &h.Acks[i])
		dst = closeMessage(dst, at)
	}
	for i := range h.Floors {
		var at int
		dst, at = open(dst, 5)
		dst = putRef(dst, 1, h.Floors[i].Meter)
		dst = putOrderID(dst, 2, h.Floors[i].Order)
		dst = closeMessage(dst, at)
	}
	dst = putFixed64(dst, 6, h.Boot)
	return putVarint(dst, 7, h.Seq)
}

// DecodeHelloReply reads the gateway's answer to a hello. Errors wrap ErrWire.
func DecodeHelloReply(data []byte) (*HelloReply, error) {
	memory := maxMemory
	r := newReader("HelloReply", data, &memory)
	h := new(HelloReply)
	h.Acks = listOf[Ack](&r, data, 4, "acks", maxLaneStates, int(unsafe.Sizeof(Ack{})))
	h.Floors = listOf[OrderFloor](&r, data, 5, "floors", maxMeters, int(unsafe.Sizeof(OrderFloor{})))
	for r.next() {
		switch r.num {
		case 1:
			h.Agent = r.name("agent")
		case 2:
			h.Gateway = r.name("gateway")
		case 3:
			h.Time = r.int64("time")
		case 4:
			in := r.inner("Ack")
			h.Acks = append(h.Acks, in.ack())
			r.take(in.err)
		case 5:
			h.Floors = append(h.Floors, r.floor())
		case 6:
			h.Boot = r.fixed64("boot")
		case 7:
			h.Seq = r.uint64("seq")
		default:
			r.unknown()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return h, nil
}

func (r *reader) floor() (f OrderFloor) {
	in := r.inner("OrderFloor")
	for in.next() {
		switch in.num {
		case 1:
			f.Meter = in.ref("meter")
		case 2:
			f.Order = in.orderID()
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return f
}

// AppendStatus appends an agent's status. The caller keeps it within MaxPacket, 256 lines and 4,096 meters; a receiver
// refuses more.
func AppendStatus(dst []byte, s *Status) []byte {
	dst = putString(dst, 1, s.Agent)
	dst = putText(dst, 2, s.Version)
	dst = putVarint(dst, 3, uint64(s.At))
	for i := range s.Lines {
		dst = putLineStatus(dst, 4, &s.Lines[i])
	}
	for i := range s.Meters {
		dst = putMeterStatus(dst, 5, &s.Meters[i])
	}
	dst = putVarint(dst, 6, uint64(s.OutboxBytes))
	dst = putVarint(dst, 7, uint64(s.OutboxMax))
	dst = putVarint(dst, 8, s.Stored)
	dst = putVarint(dst, 9, s.Dropped)
	dst = putBool(dst, 10, s.ClockTrusted)
	dst = putSint(dst, 11, s.ClockOffset)
	return putString(dst, 12, s.RelayMode)
}

// DecodeStatus reads an agent's status. Errors wrap ErrWire.
func DecodeStatus(data []byte) (*Status, error) {
	memory := maxMemory
	r := newReader("Status", data, &memory)
	s := new(Status)
	s.Lines = listOf[LineStatus](&r, data, 4, "lines", maxLines, int(unsafe.Sizeof(LineStatus{})))
	s.Meters = listOf[MeterStatus](&r, data, 5, "meters", maxMeters, int(unsafe.Sizeof(MeterStatus{})))
	for r.next() {
		switch r.num {
		case 1:
			s.Agent = r.name("agent")
		case 2:
			s.Version = r.text("version")
		case 3:
			s.At = r.int64("at")
		case 4:
			s.Lines = append(s.Lines, r.lineStatus())
		case 5:
			s.Meters = append(s.Meters, r.meterStatus())
		case 6:
			s.OutboxBytes = r.int64("outbox_bytes")
		case 7:
			s.OutboxMax = r.int64("outbox_max")
		case 8:
			s.Stored = r.uint64("stored")
		case 9:
			s.Dropped = r.uint64("dropped")
		case 10:
			s.ClockTrusted = r.bool("clock_trusted")
		case 11:
			s.ClockOffset = r.sint64("clock_offset")
		case 12:
			s.RelayMode = r.name("relay_mode")
		default:
			r.unknown()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

func putLineStatus(dst []byte, num protowire.Number, l *LineStatus) []byte {
	dst, at := open(dst, num)
	dst = putString(dst, 1, l.Line)
	dst = putBool(dst, 2, l.Up)
	dst = putText(dst, 3, l.Error)
	dst = putVarint(dst, 4, l.Sent)
	dst = putVarint(dst, 5, l.Received)
	dst = putVarint(dst, 6, l.Exchanges)
	dst = putVarint(dst, 7, l.Timeouts)
	dst = putVarint(dst, 8, l.Faults)
	dst = putVarint(dst, 9, l.Foreign)
	return closeMessage(dst, at)
}

func (r *reader) lineStatus() (l LineStatus) {
	in := r.inner("LineStatus")
	for in.next() {
		switch in.num {
		case 1:
			l.Line = in.name("line")
		case 2:
			l.Up = in.bool("up")
		case 3:
			l.Error = in.text("error")
		case 4:
			l.Sent = in.uint64("sent")
		case 5:
			l.Received = in.uint64("received")
		case 6:
			l.Exchanges = in.uint64("exchanges")
		case 7:
			l.Timeouts = in.uint64("timeouts")
		case 8:
			l.Faults = in.uint64("faults")
		case 9:
			l.Foreign = in.uint64("foreign")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return l
}

func putMeterStatus(dst []byte, num protowire.Number, m *MeterStatus) []byte {
	dst, at := open(dst, num)
	dst = putRef(dst, 1, m.Meter)
	dst = putVarint(dst, 2, m.Replies)
	dst = putVarint(dst, 3, m.Silent)
	dst = putVarint(dst, 4, m.Faults)
	dst = putVarint(dst, 5, uint64(m.LastReply))
	dst = putVarint(dst, 6, uint64(m.BackoffUntil))
	dst = putVarint(dst, 7, uint64(m.DelayMs))
	dst = putVarint(dst, 8, m.Retries)
	dst = putVarint(dst, 9, uint64(m.DelayMinMs))
	dst = putVarint(dst, 10, uint64(m.DelayMaxMs))
	dst = putString(dst, 11, m.Edition)
	return closeMessage(dst, at)
}

func (r *reader) meterStatus() (m MeterStatus) {
	in := r.inner("MeterStatus")
	for in.next() {
		switch in.num {
		case 1:
			m.Meter = in.ref("meter")
		case 2:
			m.Replies = in.uint64("replies")
		case 3:
			m.Silent = in.uint64("silent")
		case 4:
			m.Faults = in.uint64("faults")
		case 5:
			m.LastReply = in.int64("last_reply")
		case 6:
			m.BackoffUntil = in.int64("backoff_until")
		case 7:
			m.DelayMs = in.int64("delay_ms")
		case 8:
			m.Retries = in.uint64("retries")
		case 9:
			m.DelayMinMs = in.int64("delay_min_ms")
		case 10:
			m.DelayMaxMs = in.int64("delay_max_ms")
		case 11:
			m.Edition = in.name("edition")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return m
}
