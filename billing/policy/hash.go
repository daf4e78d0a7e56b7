package policy

import (
	"crypto/sha256"
	"encoding/binary"
)

// domain keeps policy hashes apart from every other hash of the house.
const domain = "feikong policy 1\x00"

// sum hashes what the policy says, fixed width and big endian, text behind its
// length, so that no two policies share bytes.
func (p *Policy) sum() [32]byte {
	b := append(make([]byte, 0, 512), domain...)
	for _, s := range []string{p.ID, p.Name.ZH, p.Name.EN, p.Clause} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, n := range []int64{
		int64(p.Version), int64(p.WarnBelow), int64(p.WarnMargin), int64(p.TripBelow), int64(p.Credit),
		int64(p.NoticeGrace), int64(p.MaxReadingAge), int64(p.MaxClockDrift), int64(p.MinGapBetweenTrips),
		int64(p.TripsPerHour), int64(p.RestoreMode), int64(p.OrderTTL), int64(len(p.Windows)),
	} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, w := range p.Windows {
		b = append(b, byte(w.Days))
		b = binary.BigEndian.AppendUint16(b, uint16(w.From))
		b = binary.BigEndian.AppendUint16(b, uint16(w.To))
	}
	return sha256.Sum256(b)
}
