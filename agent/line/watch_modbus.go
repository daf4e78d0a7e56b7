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

// hear adds bytes and gives the first whole frame; call it with nil until it has none.
func (u *burst) hear(b []byte) (f modbusFrame, ok bool) {
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
		if size < 4 || size > len(have) || !crc(have[:size]) {
			continue
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

func crc(b []byte) bool {
	n := len(b) - 2
	return modbus.CRC(b[:n]) == binary.LittleEndian.Uint16(b[n:])
}

// modbus judges one frame.
func (w *watcher) modbus(f modbusFrame, at time.Time) {
	unit, fn := f.wire[0], f.wire[1]
	if string(f.wire) == string(w.own) && at.Before(w.echoUntil) {
		w.echoUntil = time.Time{} // our echo, or the answer to FC05 or FC06; the other of the two comes under answerBy
		return
	}
	ours := func(a asked) bool { return a.unit == int(unit) }
	switch {
	case f.reply && f.request: // FC05, FC06: both ways look the same
		if string(f.wire) == string(w.own) && at.Before(w.answerBy) {
			w.answerBy = time.Time{}
			return
		}
	case f.reply:
		if !w.expected(ours, at) {
			w.foreign(ForeignReply, at, append([]byte(nil), f.wire...), fmt.Sprintf("function %02XH of unit %d", fn, unit))
		}
		return
	}
	kind := ForeignMaster
	if fn == modbus.WriteCoil || fn == modbus.WriteRegister || fn == modbus.WriteCoils || fn == modbus.WriteRegisters {
		kind = ForeignRelay
	}
	w.foreign(kind, at, append([]byte(nil), f.wire...), fmt.Sprintf("function %02XH to unit %d", fn, unit))
}
