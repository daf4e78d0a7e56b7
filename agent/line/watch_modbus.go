package line

import (
	"encoding/binary"
	"fmt"
	"time"

	"feikong/protocol/modbus"
)

// burst splits what is heard between two silences into Modbus frames. A Modbus frame has no start byte, so it is looked for
// only where one can begin: after a silence or right behind another. What fits nothing spoils the rest of the burst.
type burst struct {
	buf  [2 * modbus.MaxFrame]byte
	n    int
	cut  int // of the frame given out last
	skip bool
}

// modbusFrame is one sound frame: which way it goes is told by its length, but for FC05 and FC06.
type modbusFrame struct {
	wire           []byte
	request, reply bool
}

// hear adds bytes and gives the first whole frame; call it with nil until it has none. answers says that bytes begin as a
// reply to us does.
func (u *burst) hear(b []byte, answers func([]byte) bool) (f modbusFrame, ok bool) {
	if u.skip {
		return f, false
	}
	u.n = copy(u.buf[:], u.buf[u.cut:u.n])
	u.cut = 0
	if u.n+len(b) > len(u.buf) {
		u.skip = true
		return f, false
	}
	u.n += copy(u.buf[u.n:], b)
	have := u.buf[:u.n]
	if len(have) < 2 {
		return f, false
	}
	request, reply := modbusSizes(have)
	for _, size := range [...]int{min(request, reply), max(request, reply)} {
		if size < 4 || size > len(have) || !crc(have[:size]) || !plausible(have[:size], size == request, size == reply) {
			continue
		}
		if size == request && size < reply && answers(have) { // the first bytes of what a meter measures may pass for a request
			if reply > len(have) {
				return f, false
			}
			if crc(have[:reply]) {
				size = reply
			}
		}
		u.cut = size
		return modbusFrame{wire: have[:size], request: size == request, reply: size == reply}, true
	}
	u.skip = len(have) >= max(request, reply)
	return f, false
}

// modbusSizes is how long a request and a reply that begin with b are; 0: neither, or not that. Sizes not yet known are
// given as more than b.
func modbusSizes(b []byte) (request, reply int) {
	more := len(b) + 1
	at := func(i, plus, unit int) int {
		if i >= len(b) {
			return more
		}
		return plus + unit*int(b[i])
	}
	if b[0] > 247 { // reserved (Serial Line 2.2)
		return 0, 0
	}
	switch fn := b[1]; fn {
	case modbus.ReadCoils, modbus.ReadDiscreteInputs, modbus.ReadHolding, modbus.ReadInput:
		return 8, at(2, 5, 1)
	case modbus.WriteCoil, modbus.WriteRegister:
		return 8, 8
	case modbus.WriteCoils, modbus.WriteRegisters:
		return at(6, 9, 1), 8
	default:
		if fn&0x80 != 0 {
			return 0, 5
		}
	}
	return 0, 0
}

// plausible says that a frame whose checksum holds can be one. Sixteen bits of checksum are no proof on a line whose wires
// float: there it rains bytes, and each false alarm costs somebody a way.
func plausible(b []byte, request, reply bool) bool {
	word := func(i int) int { return int(binary.BigEndian.Uint16(b[i:])) }
	fn := b[1]
	switch fn {
	case modbus.ReadCoils, modbus.ReadDiscreteInputs:
		return request && b[0] != 0 && within(word(4), 1, 2000) || reply && b[0] != 0 && b[2] != 0
	case modbus.ReadHolding, modbus.ReadInput:
		return request && b[0] != 0 && within(word(4), 1, 125) || reply && b[0] != 0 && b[2]%2 == 0 && within(int(b[2]), 2, 250)
	case modbus.WriteCoil:
		return word(4) == 0 || word(4) == 0xFF00
	case modbus.WriteCoils:
		return request && int(b[6]) == (word(4)+7)/8 && b[6] != 0 || reply && within(word(4), 1, 1968)
	case modbus.WriteRegisters:
		return request && int(b[6]) == 2*word(4) && b[6] != 0 || reply && within(word(4), 1, 123)
	case modbus.WriteRegister:
		return true
	}
	refused := fn &^ 0x80
	return (within(int(refused), 1, 6) || refused == modbus.WriteCoils || refused == modbus.WriteRegisters) && within(int(b[2]), 1, 11)
}

func within(n, low, high int) bool { return n >= low && n <= high }

// answers says that b begins as the reply to a read of ours begins: unit, function, number of bytes.
func (w *watcher) answers(b []byte) bool {
	for i := range w.asked {
		s := w.asked[i].sent
		if w.asked[i].unit < 0 || len(s) != 8 || len(b) < 3 || s[0] != b[0] || s[1] != b[1] {
			continue
		}
		n := int(binary.BigEndian.Uint16(s[4:]))
		switch s[1] {
		case modbus.ReadCoils, modbus.ReadDiscreteInputs:
			n = (n + 7) / 8
		case modbus.ReadHolding, modbus.ReadInput:
			n *= 2
		default:
			continue
		}
		if int(b[2]) == n {
			return true
		}
	}
	return false
}

// writes says that a function moves something in a meter.
func writes(fn byte) bool {
	return fn == modbus.WriteCoil || fn == modbus.WriteRegister || fn == modbus.WriteCoils || fn == modbus.WriteRegisters
}

func crc(b []byte) bool {
	n := len(b) - 2
	return modbus.CRC(b[:n]) == binary.LittleEndian.Uint16(b[n:])
}

// modbus judges one frame.
func (w *watcher) modbus(f modbusFrame, at time.Time) {
	unit, fn := f.wire[0], f.wire[1]
	if f.request && w.ours(f.wire, at) {
		return // our echo, or the answer to FC05 or FC06
	}
	if f.reply && f.request && writes(fn) && w.before && at.Before(w.anybody) {
		w.before = false
		return
	}
	if f.reply && (!f.request || w.answers(f.wire)) {
		if !w.expected(func(a asked) bool { return a.unit == int(unit) }, at) {
			w.foreign(ForeignReply, at, append([]byte(nil), f.wire...), fmt.Sprintf("function %02XH of unit %d", fn, unit))
		}
		return
	}
	kind := ForeignMaster
	if writes(fn) {
		kind = ForeignRelay
	}
	w.foreign(kind, at, append([]byte(nil), f.wire...), fmt.Sprintf("function %02XH to unit %d", fn, unit))
}
