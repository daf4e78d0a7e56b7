package dlt645

// StatusWord3 is 04000503 (电表运行状态字3). The first 2007 edition ends at
// bit 4; the higher ones come with the fee-control annex.
type StatusWord3 uint16

// ParseStatusWord3 reads the two data bytes of 04000503, low byte first.
func ParseStatusWord3(data []byte) (StatusWord3, error) {
	if len(data) != 2 {
		return 0, ErrLength
	}
	return StatusWord3(data[0]) | StatusWord3(data[1])<<8, nil
}

// Append appends the word in wire order.
func (w StatusWord3) Append(dst []byte) []byte { return append(dst, byte(w), byte(w>>8)) }

// RelayOpen is bit 4, the state of the contact. A few commercial meters never
// set it or set it inverted: verify it once per model.
func (w StatusWord3) RelayOpen() bool { return w&(1<<4) != 0 }

// CommandOpen is bit 6, the last command; after an accepted close-permit it is
// clear while RelayOpen stays until the button is pressed.
func (w StatusWord3) CommandOpen() bool { return w&(1<<6) != 0 }

// PreTripAlarm is bit 7 (预跳闸报警).
func (w StatusWord3) PreTripAlarm() bool { return w&(1<<7) != 0 }

// PowerHold is bit 12 (保电): the meter refuses to trip.
func (w StatusWord3) PowerHold() bool { return w&(1<<12) != 0 }

// Bits for building a word, as a meter does.
const (
	WordRelayOpen    StatusWord3 = 1 << 4
	WordCommandOpen  StatusWord3 = 1 << 6
	WordPreTripAlarm StatusWord3 = 1 << 7
	WordPowerHold    StatusWord3 = 1 << 12
)

// Bits names the bits that are set, lowest first.
func (w StatusWord3) Bits() []string { return bitList(uint16(w), statusBits[2]) }
