package tariff

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// domain keeps version hashes apart from every other hash of the house.
const domain = "feikong tariff version 1\x00"

// sum hashes what the version says, fixed width and big endian, text behind
// its length, so that no two versions share bytes.
func (v *Version) sum() [32]byte {
	b := append(make(canonical, 0, 512), domain...)
	text, number, instant := b.text, b.number, b.instant
	_, offset := v.ValidFrom.Zone()
	text(v.ID)
	number(int64(v.Number))
	text(v.Name.ZH)
	text(v.Name.EN)
	text(v.Document)
	instant(v.ValidFrom)
	instant(v.PublishedOn)
	number(int64(offset))
	text(v.Currency)
	number(int64(v.Decimals))
	number(int64(v.Kind))
	number(int64(v.Price))
	number(int64(v.Notation))
	number(int64(v.Cycle.Month))
	number(int64(v.Cycle.Day))
	number(int64(v.Cycle.Months))
	number(int64(len(v.Tiers)))
	for _, t := range v.Tiers {
		number(int64(t.UpTo))
		number(int64(t.Price))
	}
	return sha256.Sum256(b)
}

// canonical is the bytes that are hashed.
type canonical []byte

func (b *canonical) number(n int64) { *b = binary.BigEndian.AppendUint64(*b, uint64(n)) }

func (b *canonical) text(s string) {
	*b = binary.BigEndian.AppendUint32(*b, uint32(len(s)))
	*b = append(*b, s...)
}

func (b *canonical) instant(t time.Time) {
	if t.IsZero() {
		b.number(0)
		return
	}
	b.number(1)
	b.number(t.Unix())
}

func (b *canonical) flag(yes bool) {
	if yes {
		b.number(1)
		return
	}
	b.number(0)
}

// some writes whether there is more to come.
func (b *canonical) some(there bool) bool {
	b.flag(there)
	return there
}
