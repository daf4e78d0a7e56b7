package protocol

import (
	"bytes"
	"fmt"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

func putOrderID(dst []byte, num protowire.Number, id OrderID) []byte {
	if id == (OrderID{}) {
		return dst
	}
	dst, at := open(dst, num)
	dst = putVarint(dst, 1, uint64(id.Generation))
	dst = putVarint(dst, 2, uint64(id.SlotEpoch))
	dst = putVarint(dst, 3, id.Number)
	return closeMessage(dst, at)
}

func (r *reader) orderID() (id OrderID) {
	in := r.inner("OrderID")
	for in.next() {
		switch in.num {
		case 1:
			id.Generation = in.uint32("generation")
		case 2:
			id.SlotEpoch = in.uint32("slot_epoch")
		case 3:
			id.Number = in.uint64("number")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return id
}

// AppendOrder appends the canonical bytes of an order: the ones a signature will cover, followed by the signatures.
func AppendOrder(dst []byte, o *Order) []byte {
	dst = putOrderID(dst, 1, o.ID)
	dst = putString(dst, 2, o.Agent)
	dst = putRef(dst, 3, o.Meter)
	dst = putVarint(dst, 4, uint64(o.Action))
	dst = putVarint(dst, 5, uint64(o.IssuedAt))
	dst = putVarint(dst, 6, uint64(o.Deadline))
	dst = putBool(dst, 7, o.ExpectOpen)
	dst = putBool(dst, 8, o.CheckExpect)
	dst = putVarint(dst, 9, uint64(o.MinEnergy))
	dst = putBytes(dst, 10, o.Password[:])
	dst = putBytes(dst, 11, o.Operator[:])
	dst = putString(dst, 12, o.Account)
	dst = putText(dst, 13, o.Reason)
	dst = putString(dst, 14, o.Traceparent)
	for i := range o.Signatures {
		s := &o.Signatures[i]
		var at int
		dst, at = open(dst, 15)
		dst = putString(dst, 1, s.KeyID)
		dst = putString(dst, 2, s.Person)
		dst = putString(dst, 3, s.Role)
		dst = putBytes(dst, 4, s.Value)
		dst = closeMessage(dst, at)
	}
	return dst
}

// DecodeOrder reads an order, strictly: an unknown field is refused, and so are bytes that are not the ones AppendOrder
// makes of the result. Two readers of an order can then never disagree on what was asked. Errors wrap ErrWire.
func DecodeOrder(data []byte) (*Order, error) {
	memory := maxMemory
	r := newReader("Order", data, &memory)
	r.strict = true
	o := new(Order)
	o.Signatures = listOf[Signature](&r, data, 15, "signatures", maxSignatures, int(unsafe.Sizeof(Signature{})))
	for r.next() {
		switch r.num {
		case 1:
			o.ID = r.orderID()
		case 2:
			o.Agent = r.name("agent")
		case 3:
			o.Meter = r.ref("meter")
		case 4:
			o.Action = Action(r.uint8("action"))
		case 5:
			o.IssuedAt = r.int64("issued_at")
		case 6:
			o.Deadline = r.int64("deadline")
		case 7:
			o.ExpectOpen = r.bool("expect_open")
		case 8:
			o.CheckExpect = r.bool("check_expect")
		case 9:
			o.MinEnergy = r.int64("min_energy")
		case 10:
			o.Password = r.four("password")
		case 11:
			o.Operator = r.four("operator")
		case 12:
			o.Account = r.name("account")
		case 13:
			o.Reason = r.text("reason")
		case 14:
			o.Traceparent = r.name("traceparent")
		case 15:
			o.Signatures = append(o.Signatures, r.signature())
		default:
			r.unknown()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if !bytes.Equal(AppendOrder(make([]byte, 0, len(data)), o), data) {
		return nil, fmt.Errorf("%w: Order: not the canonical encoding", ErrWire)
	}
	return o, nil
}

func (r *reader) signature() (s Signature) {
	in := r.inner("Signature")
	for in.next() {
		switch in.num {
		case 1:
			s.KeyID = in.name("key_id")
		case 2:
			s.Person = in.name("person")
		case 3:
			s.Role = in.name("role")
		case 4:
			s.Value = in.bytes("value", maxSignature)
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return s
}
