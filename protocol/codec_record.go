package protocol

import (
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// putRecord writes a field record. The caller keeps Body within MaxRecord: a receiver refuses more.
func putRecord(dst []byte, num protowire.Number, f *FieldRecord) []byte {
	dst, at := open(dst, num)
	dst = putString(dst, 1, f.Kind)
	dst = putString(dst, 2, f.ID)
	dst = putString(dst, 3, f.Person)
	dst = putRef(dst, 4, f.Meter)
	dst = putVarint(dst, 5, uint64(f.At))
	dst = putBytes(dst, 6, f.Body)
	dst = putString(dst, 7, f.Photo)
	return closeMessage(dst, at)
}

func (r *reader) record() *FieldRecord {
	if !r.spend("record", int(unsafe.Sizeof(FieldRecord{}))) {
		return nil
	}
	f := new(FieldRecord)
	in := r.inner("FieldRecord")
	for in.next() {
		switch in.num {
		case 1:
			f.Kind = in.name("kind")
		case 2:
			f.ID = in.name("id")
		case 3:
			f.Person = in.name("person")
		case 4:
			f.Meter = in.ref("meter")
		case 5:
			f.At = in.int64("at")
		case 6:
			f.Body = in.bytes("body", MaxRecord)
		case 7:
			f.Photo = in.name("photo")
		default:
			in.unknown()
		}
	}
	r.take(in.err)
	return f
}
