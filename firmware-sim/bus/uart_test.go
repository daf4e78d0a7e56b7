package bus

import (
	"testing"
	"time"
)

// Any two transmissions of any framing, however they overlap, are heard to their end in finite time, and no character ends before the one
// before it.
func FuzzReceiverTakesAnyWaves(f *testing.F) {
	f.Add([]byte{0x68, 0x16, 0}, []byte{0xFF, 0}, uint16(2400), uint16(2400), uint16(1200), uint8(0), int32(3_000_000))
	f.Add([]byte{0, 0, 0, 0}, []byte{0, 0}, uint16(9600), uint16(50), uint16(300), uint8(7), int32(-5_000_000))
	f.Add([]byte("\xFE\xFE\xFE\xFE"), []byte{}, uint16(65535), uint16(2400), uint16(9600), uint8(17), int32(1))
	f.Fuzz(func(t *testing.T, one, two []byte, a, b, own uint16, kind uint8, offset int32) {
		if len(one) > 64 || len(two) > 64 {
			return
		}
		parities := []string{"even", "odd", "none"}
		framing := func(baud uint16, k uint8) Framing {
			return Framing{max(int(baud), 50), parities[k%3], 1 + int(k/3%2)}
		}
		start := time.Unix(1000, 0)
		talks := []*talk{newTalk(FromMeter, start, framing(a, kind), one), newTalk(FromMeter, start.Add(time.Duration(offset)), framing(b, kind/2), two)}
		yes, no := func(*talk) bool { return true }, func(*talk) bool { return false }
		u := uart{at: start.Add(-time.Hour)}
		last := u.at
		var all []character
		for _, until := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Hour} {
			all = u.take(air{talks, yes, yes, no}, framing(own, kind/4), start.Add(until), all)
		}
		for _, c := range all {
			if c.at.Before(last) {
				t.Fatalf("a character ended at %v, the one before at %v", c.at, last)
			}
			last = c.at
		}
		if end := talks[0].end; len(one) > 0 && u.at.Before(start) {
			t.Errorf("the receiver stands at %v, the talk ended at %v", u.at, end)
		}
	})
}
