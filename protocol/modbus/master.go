package modbus

import (
	"encoding/binary"
	"fmt"
)

// ReadRequest asks for count registers or bits from addr on.
func ReadRequest(unit, fn byte, addr, count uint16) ADU {
	return ADU{Unit: unit, Func: fn, Data: words(addr, count)}
}

// WriteCoilRequest sets one coil (FC05): FF00H on, 0000H off.
func WriteCoilRequest(unit byte, addr uint16, on bool) ADU {
	v := uint16(0)
	if on {
		v = 0xFF00
	}
	return ADU{Unit: unit, Func: WriteCoil, Data: words(addr, v)}
}

// WriteRegisterRequest sets one register (FC06).
func WriteRegisterRequest(unit byte, addr, value uint16) ADU {
	return ADU{Unit: unit, Func: WriteRegister, Data: words(addr, value)}
}

// WriteRegistersRequest sets up to MaxWrite registers in one go (FC16); more are left out.
func WriteRegistersRequest(unit byte, addr uint16, values []uint16) ADU {
	values = values[:min(len(values), MaxWrite)]
	data := append(words(addr, uint16(len(values))), byte(2*len(values)))
	return ADU{Unit: unit, Func: WriteRegisters, Data: appendWords(data, values)}
}

func words(v ...uint16) []byte { return appendWords(make([]byte, 0, 5+2*len(v)), v) }

func appendWords(dst []byte, v []uint16) []byte {
	for _, w := range v {
		dst = binary.BigEndian.AppendUint16(dst, w)
	}
	return dst
}

// exceptionLength is unit, function, code and CRC.
const exceptionLength = 5

// ReplyLength is the number of bytes of the normal reply to request, with unit and CRC; 0 when the function or the
// request is not one of ours. An exception reply has 5.
func ReplyLength(request ADU) int {
	if len(request.Data) < 4 {
		return 0
	}
	count := word(request.Data[2:])
	switch request.Func {
	case ReadCoils, ReadDiscreteInputs:
		if count < 1 || count > MaxBits {
			return 0
		}
		return 5 + (count+7)/8
	case ReadHolding, ReadInput:
		if count < 1 || count > MaxRegisters {
			return 0
		}
		return 5 + 2*count
	case WriteCoil, WriteRegister, WriteCoils, WriteRegisters:
		return 8
	}
	return 0
}

// ReplyNeed judges what has arrived for request: how many bytes are still needed (> 0), that a whole reply stands at the
// front (0), or how many bytes at the front are not part of the reply and must be dropped (< 0). With 0, DecodeReply
// tells the reply or what is wrong with it.
func ReplyNeed(buf []byte, request ADU) int {
	n := replySize(buf, request)
	switch {
	case n < 0:
		return -nextStart(buf, request)
	case n > len(buf):
		return n - len(buf)
	case !crcHolds(buf[:n]):
		// The bytes looked like the reply and are not; the true one may have begun later. Without a later start the
		// caller takes the frame and hears ErrCRC, which is what happened on the line.
		if k := nextStart(buf, request); k < len(buf) {
			return -k
		}
	}
	return 0
}

// replySize is the size of the reply that begins buf as far as its first bytes tell, or -1 when it is not ours.
func replySize(buf []byte, request ADU) int {
	want := ReplyLength(request)
	switch {
	case want == 0:
		return exceptionLength
	case len(buf) == 0:
		return exceptionLength // the shortest answer there is
	case buf[0] != request.Unit:
		return -1
	case len(buf) == 1:
		return exceptionLength
	case buf[1] == request.Func|exceptionBit:
		return exceptionLength
	case buf[1] != request.Func:
		return -1
	case len(buf) == 2:
		return want
	}
	head := buf[2:min(len(buf), 6)]
	if want != 8 || request.Func <= ReadInput { // reads carry their byte count
		if int(head[0]) != (want-5)&0xFF {
			return -1
		}
		return want
	}
	// Writes answer with the address, and the value or the count, of the request (6.5, 6.6, 6.11, 6.12).
	for i := range head {
		if head[i] != request.Data[i] {
			return -1
		}
	}
	return want
}

// nextStart is the place of the next byte after the first that could begin the reply, or the end of buf.
func nextStart(buf []byte, request ADU) int {
	for i := 1; i < len(buf); i++ {
		if buf[i] == request.Unit && (i+1 == len(buf) || buf[i+1]&^exceptionBit == request.Func) {
			return i
		}
	}
	return len(buf)
}

// DecodeReply decodes the reply at the front of buf, once ReplyNeed says 0; bytes after it are ignored. An exception
// reply gives the ADU and an *Exception. Data aliases buf. Other errors: ErrShort, ErrCRC, ErrReply.
func DecodeReply(buf []byte, request ADU) (ADU, error) {
	n := replySize(buf, request)
	if n < 0 || ReplyLength(request) == 0 {
		return ADU{}, fmt.Errorf("function %02X of unit %d: %w", request.Func, request.Unit, ErrReply)
	}
	if n > len(buf) {
		return ADU{}, fmt.Errorf("%w: %d of %d bytes", ErrShort, len(buf), n)
	}
	a, err := DecodeRTU(buf[:n])
	if err != nil {
		return ADU{}, err
	}
	if a.Func&exceptionBit != 0 {
		return a, &Exception{Unit: a.Unit, Func: request.Func, Code: a.Data[0]}
	}
	return a, nil
}

// AppendRegisters appends the registers of a decoded FC03 or FC04 reply to dst.
func AppendRegisters(dst []uint16, reply ADU) ([]uint16, error) {
	if len(reply.Data) < 1 || int(reply.Data[0]) != len(reply.Data)-1 || reply.Data[0]%2 != 0 {
		return dst, fmt.Errorf("registers of function %02X: %w", reply.Func, ErrReply)
	}
	for b := reply.Data[1:]; len(b) > 0; b = b[2:] {
		dst = append(dst, binary.BigEndian.Uint16(b))
	}
	return dst, nil
}

// Exception is a meter's refusal (Application Protocol, chapter 7).
type Exception struct {
	Unit, Func, Code byte
}

// Error tells the function and the code in words.
func (e *Exception) Error() string {
	return fmt.Sprintf("unit %d refused function %02X: exception %02X, %s", e.Unit, e.Func, e.Code, ExceptionText(e.Code))
}
