package protocol

import "google.golang.org/protobuf/encoding/protowire"

// AppendBoundaries appends the gateway's list of boundaries.
func AppendBoundaries(dst []byte, b *Boundaries) []byte {
	dst = putString(dst, 1, b.Agent)
	dst = putString(dst, 2, b.Gateway)
	dst = putVarint(dst, 3, uint64(b.At))
	if len(b.Instants) > 0 {
		var at int
		dst, at = open(dst, 4)
		for _, v := range b.Instants {
			dst = protowire.AppendVarint(dst, uint64(v))
		}
		dst = closeMessage(dst, at)
	}
	return dst
}

// DecodeBoundaries reads the gateway's list of boundaries: at most MaxBoundaries instants, ascending. Errors wrap ErrWire.
func DecodeBoundaries(data []byte) (*Boundaries, error) {
	memory := maxMemory
	r := newReader("Boundaries", data, &memory)
	b := new(Boundaries)
	for r.next() {
		switch r.num {
		case 1:
			b.Agent = r.name("agent")
		case 2:
			b.Gateway = r.name("gateway")
		case 3:
			b.At = r.int64("at")
		case 4:
			if b.Instants != nil {
				r.fail("instants", "appears twice")
				break
			}
			b.Instants = r.instants("instants")
		default:
			r.unknown()
		}
	}
	for i := 1; i < len(b.Instants); i++ {
		if b.Instants[i] <= b.Instants[i-1] {
			r.fail("instants", "are not ascending")
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return b, nil
}

func (r *reader) instants(field string) (out []int64) {
	raw := r.raw(field, 10*MaxBoundaries) // ten bytes are the longest varint
	for len(raw) > 0 {
		v, n := protowire.ConsumeVarint(raw)
		if n < 0 || len(out) == MaxBoundaries {
			r.fail(field, "is broken or holds too many")
			return nil
		}
		raw = raw[n:]
		out = append(out, int64(v))
	}
	return out
}
