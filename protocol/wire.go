package protocol

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrWire is wrapped by every error of a Decode function; the text around it names the message and the field.
var ErrWire = errors.New("bad wire bytes")

// ErrTooLarge is wrapped when a message is over MaxBatch entries or MaxPacket bytes. A sender halves its batch.
var ErrTooLarge = errors.New("message too large")

// Limits of single fields. They keep a hostile packet from costing more memory than an honest one.
const (
	MaxName = 128  // bytes of an identifier: agent, line, address, account, rule, key id
	MaxText = 1024 // bytes of text for people; encoders cut longer ones, decoders refuse them

	// MaxFrames bounds the frames of one outcome; an encoder keeps the first ones. Read, frame, read-backs with all
	// retries of a trip stay below thirty; a close with three tries on a bad line may have more.
	MaxFrames = 32

	maxLines  = 256  // lines in a status: a site has a few
	maxMeters = 4096 // meters in a status, floors in a hello reply
	// MaxRecord bounds the body of a field record: one page for a person, several times over.
	MaxRecord = 16 << 10

	// MaxBoundaries bounds the instants the gateway tells an agent: a year of month ends, tier cycles and tariff starts.
	MaxBoundaries = 64

	maxFrameBytes = 512 // a DL/T 645 frame has at most 268 bytes, a Modbus RTU one 256
	maxSignatures = 16
	maxSignature  = 512 // bytes of one signature value
	maxLaneStates = 16
	maxMemory     = 768 << 10 // counted for one packet, so that with the rounding of the allocator it stays below 1 MiB
)

// reader walks over the fields of one message. The first error sticks and ends the walk.
type reader struct {
	rest   []byte
	msg    string // for errors
	memory *int   // bytes still allowed to be allocated for the whole packet
	strict bool   // unknown fields are an error
	err    error

	// the field found by next:
	num protowire.Number
	typ protowire.Type
	u   uint64
	b   []byte
}

// newReader starts a packet; it refuses one over MaxPacket.
func newReader(msg string, data []byte, memory *int) reader {
	r := reader{rest: data, msg: msg, memory: memory}
	if len(data) > MaxPacket {
		r.err = fmt.Errorf("%w: %s: %d bytes: %w", ErrWire, msg, len(data), ErrTooLarge)
	}
	return r
}

// inner starts the message inside the current field.
func (r *reader) inner(msg string) reader {
	in := reader{msg: msg, memory: r.memory, strict: r.strict, err: r.err}
	if r.typ != protowire.BytesType {
		in.fail("message", "has another wire type")
	} else {
		in.rest = r.b
	}
	return in
}

func (r *reader) fail(field, why string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s.%s: %s", ErrWire, r.msg, field, why)
	}
}

// take keeps the first error of an inner message.
func (r *reader) take(err error) {
	if r.err == nil {
		r.err = err
	}
}

// next finds the next field; false at the end or after an error.
func (r *reader) next() bool {
	if r.err != nil || len(r.rest) == 0 {
		return false
	}
	num, typ, n := protowire.ConsumeTag(r.rest)
	if n < 0 {
		r.fail("tag", "broken")
		return false
	}
	r.rest = r.rest[n:]
	r.num, r.typ, r.u, r.b = num, typ, 0, nil
	switch typ {
	case protowire.VarintType:
		r.u, n = protowire.ConsumeVarint(r.rest)
	case protowire.Fixed64Type:
		r.u, n = protowire.ConsumeFixed64(r.rest)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(r.rest)
		r.u = uint64(v)
	case protowire.BytesType:
		r.b, n = protowire.ConsumeBytes(r.rest)
	default: // groups left proto3 before we came
		n = -1
	}
	if n < 0 {
		r.err = fmt.Errorf("%w: %s: field %d is cut short or of an unknown kind", ErrWire, r.msg, num)
		return false
	}
	r.rest = r.rest[n:]
	return true
}

// unknown passes over a field of a newer peer, or refuses it where every byte must be understood.
func (r *reader) unknown() {
	if r.strict && r.err == nil {
		r.err = fmt.Errorf("%w: %s: unknown field %d", ErrWire, r.msg, r.num)
	}
}

// spend takes n bytes from the packet's memory.
func (r *reader) spend(field string, n int) bool {
	if *r.memory -= n; *r.memory < 0 {
		r.fail(field, "needs more memory than a packet may")
		return false
	}
	return r.err == nil
}

func (r *reader) varint(field string, limit uint64) uint64 {
	switch {
	case r.typ != protowire.VarintType:
		r.fail(field, "has another wire type")
	case r.u > limit:
		r.fail(field, "is out of range")
	default:
		return r.u
	}
	return 0
}

func (r *reader) uint64(field string) uint64 { return r.varint(field, 1<<64-1) }
func (r *reader) int64(field string) int64   { return int64(r.varint(field, 1<<64-1)) }
func (r *reader) sint64(field string) int64  { return protowire.DecodeZigZag(r.varint(field, 1<<64-1)) }
func (r *reader) uint32(field string) uint32 { return uint32(r.varint(field, 1<<32-1)) }
func (r *reader) uint8(field string) uint8   { return uint8(r.varint(field, 1<<8-1)) }
func (r *reader) bool(field string) bool     { return r.varint(field, 1) != 0 }

func (r *reader) sint8(field string) int8 {
	return int8(protowire.DecodeZigZag(r.varint(field, 1<<8-1)))
}

func (r *reader) fixed64(field string) uint64 {
	if r.typ != protowire.Fixed64Type {
		r.fail(field, "has another wire type")
		return 0
	}
	return r.u
}

// raw is the bytes of the current field, aliasing the packet.
func (r *reader) raw(field string, limit int) []byte {
	switch {
	case r.typ != protowire.BytesType:
		r.fail(field, "has another wire type")
	case len(r.b) > limit:
		r.fail(field, "is too long")
	default:
		return r.b
	}
	return nil
}

func (r *reader) bytes(field string, limit int) []byte {
	b := r.raw(field, limit)
	if len(b) == 0 || !r.spend(field, len(b)) {
		return nil
	}
	return append([]byte(nil), b...)
}

// rawText is the bytes of a string field, checked but not copied.
func (r *reader) rawText(field string, limit int) []byte {
	b := r.raw(field, limit)
	if !utf8.Valid(b) {
		r.fail(field, "is not UTF-8")
		return nil
	}
	return b
}

func (r *reader) string(field string, limit int) string {
	b := r.rawText(field, limit)
	if len(b) == 0 || !r.spend(field, len(b)) {
		return ""
	}
	return string(b)
}

func (r *reader) name(field string) string { return r.string(field, MaxName) }
func (r *reader) text(field string) string { return r.string(field, MaxText) }

// four reads the four bytes of a password or an operator code.
func (r *reader) four(field string) (v [4]byte) {
	if b := r.raw(field, 4); len(b) == 4 {
		copy(v[:], b)
	} else {
		r.fail(field, "is not four bytes")
	}
	return v
}

// count tells how often field num occurs in data, so that a list is allocated once; it stops at the first broken byte.
func count(data []byte, num protowire.Number) (n int) {
	for len(data) > 0 {
		got, typ, k := protowire.ConsumeTag(data)
		if k < 0 {
			return n
		}
		if got == num {
			n++
		}
		data = data[k:]
		if k = protowire.ConsumeFieldValue(got, typ, data); k < 0 {
			return n
		}
		data = data[k:]
	}
	return n
}

// listOf allocates room for the repeated field num of the message in data, at most limit of size bytes each.
func listOf[T any](r *reader, data []byte, num protowire.Number, field string, limit, size int) []T {
	n := count(data, num)
	if n > limit {
		r.fail(field, "has too many elements")
		return nil
	}
	if n == 0 || !r.spend(field, n*size) {
		return nil
	}
	return make([]T, 0, n)
}

// Encoding: fields in ascending order, zero values left out, shortest varints, so that equal values have equal bytes.

func putVarint(dst []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.VarintType), v)
}

func putSint(dst []byte, num protowire.Number, v int64) []byte {
	return putVarint(dst, num, protowire.EncodeZigZag(v))
}

func putBool(dst []byte, num protowire.Number, v bool) []byte {
	if !v {
		return dst
	}
	return putVarint(dst, num, 1)
}

func putFixed64(dst []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, num, protowire.Fixed64Type), v)
}

func putString(dst []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, num, protowire.BytesType), s)
}

// putText cuts text for people to MaxText and to whole characters: an error message with odd bytes must not cost the outcome.
func putText(dst []byte, num protowire.Number, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	if len(s) > MaxText {
		n := MaxText
		for !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return putString(dst, num, s)
}

func putBytes(dst []byte, num protowire.Number, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendTag(dst, num, protowire.BytesType), b)
}

// open begins an inner message; closeMessage writes its length at the place open left.
func open(dst []byte, num protowire.Number) ([]byte, int) {
	dst = append(protowire.AppendTag(dst, num, protowire.BytesType), 0)
	return dst, len(dst)
}

func closeMessage(dst []byte, at int) []byte {
	n := len(dst) - at
	size := protowire.SizeVarint(uint64(n))
	if size > 1 {
		var pad [8]byte
		dst = append(dst, pad[:size-1]...)
		copy(dst[at-1+size:], dst[at:at+n])
	}
	protowire.AppendVarint(dst[:at-1], uint64(n))
	return dst
}
