package meter

// tariff says which rate counts in each quarter of an hour of the meter's own clock 日时段表. It is shared and never changed.
type tariff [96]uint8

// dayTable is what the meters leave the factory with, by hour.
var dayTable = [24]uint8{3, 3, 3, 3, 3, 3, 3, 2, 1, 1, 0, 1, 2, 2, 2, 2, 2, 1, 1, 0, 0, 1, 2, 3}

var factoryTariff = func() *tariff {
	var t tariff
	for i := range t {
		t[i] = dayTable[i/4]
	}
	return &t
}()

// rate is the register that runs at a wall time in ns.
func (t *tariff) rate(wall int64) int { return int(t[mod(wall, day)/int64(quarter)]) }

// parseTariff reads a day table, hhmmNN each, minute first on the wire: NN mm hh. What does not begin on a quarter of an
// hour begins at the one before. Slots that repeat the last are padding.
func parseTariff(b []byte) (*tariff, bool) {
	if len(b) == 0 || len(b)%3 != 0 || len(b) > 3*slotsMax {
		return nil, false
	}
	var t tariff
	set := false
	var last uint8
	from := 0
	for ; len(b) > 0; b = b[3:] {
		rate, minute, hour := unbcd(b[0]), unbcd(b[1]), unbcd(b[2])
		if rate < 1 || rate > rates || minute > 59 || hour > 23 {
			return nil, false
		}
		at := hour*4 + minute/15
		switch {
		case !set:
			set = true
			for i := range at { // before the first slot runs the last one of the day
				t[i] = 0xFF
			}
		case at < from:
			return nil, false
		}
		from, last = at, uint8(rate-1)
		for i := at; i < len(t); i++ {
			t[i] = last
		}
	}
	for i := range t {
		if t[i] == 0xFF {
			t[i] = last
		}
	}
	return &t, true
}

// slotsMax is the standard's limit of day slots 日时段数.
const slotsMax = 14

// append writes the table as it is read: its slots, then the last repeated to fourteen.
func (t *tariff) append(dst []byte) []byte {
	var slotBytes [3]byte
	n := 0
	for i := range t {
		if i > 0 && t[i] == t[i-1] || n == slotsMax {
			continue
		}
		slotBytes = [3]byte{bcd(int(t[i]) + 1), bcd(i % 4 * 15), bcd(i / 4)}
		dst = append(dst, slotBytes[:]...)
		n++
	}
	for ; n < slotsMax; n++ {
		dst = append(dst, slotBytes[:]...)
	}
	return dst
}

func bcd(v int) byte { return byte(v/10%10)<<4 | byte(v%10) }

// unbcd gives 255 for what is no two digits.
func unbcd(b byte) int {
	if b>>4 > 9 || b&15 > 9 {
		return 255
	}
	return int(b>>4)*10 + int(b&15)
}
