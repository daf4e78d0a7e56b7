package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The MBAP header: transaction, protocol (always 0), length of what follows, unit.
const (
	headerTCP  = 7
	MaxTCP     = 260           // header and a PDU of 253 (Messaging on TCP/IP, 3.1.2)
	beforeUnit = headerTCP - 1 // bytes that the length does not count
)

// ErrHeader is bytes where no MBAP header can be.
var ErrHeader = errors.New("not a Modbus TCP header")

// AppendTCP appends the frame with its MBAP header. It allocates nothing when dst has room.
func AppendTCP(dst []byte, id uint16, a ADU) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	dst = append(dst, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(2+len(a.Data)))
	dst = append(dst, a.Unit, a.Func)
	return append(dst, a.Data...)
}

// DecodeTCP checks one whole frame. Data aliases frame. Errors: ErrShort, ErrLong, ErrHeader.
func DecodeTCP(frame []byte) (id uint16, a ADU, err error) {
	size := sizeTCP(frame)
	switch {
	case len(frame) < headerTCP+1:
		return 0, ADU{}, fmt.Errorf("%w: %d bytes", ErrShort, len(frame))
	case size < 0:
		return 0, ADU{}, ErrHeader
	case len(frame) < size:
		return 0, ADU{}, fmt.Errorf("%w: %d of %d bytes", ErrShort, len(frame), size)
	case len(frame) > size:
		return 0, ADU{}, fmt.Errorf("%w: %d bytes for a frame of %d", ErrLong, len(frame), size)
	}
	return binary.BigEndian.Uint16(frame), ADU{Unit: frame[6], Func: frame[7], Data: frame[8:]}, nil
}

// sizeTCP is the size of the frame that begins b as far as its first bytes tell, or -1 when no frame begins there.
func sizeTCP(b []byte) int {
	for i := 2; i < min(len(b), 4); i++ {
		if b[i] != 0 { // protocol
			return -1
		}
	}
	if len(b) > 4 && b[4] != 0 { // the longest length is 254
		return -1
	}
	if len(b) < 6 {
		return headerTCP + 1
	}
	n := word(b[4:])
	if n < 2 || n > MaxTCP-beforeUnit {
		return -1
	}
	return beforeUnit + n
}

// ReplyLengthTCP is the number of bytes of the normal reply to request; 0 when the function or the request is not one of
// ours. An exception reply has 9.
func ReplyLengthTCP(request ADU) int {
	n := ReplyLength(request)
	if n == 0 {
		return 0
	}
	return n - 2 + beforeUnit // no CRC
}

// ReplyNeedTCP judges what has arrived for request id: how many bytes are still needed (> 0), that a whole reply stands
// at the front (0), or how many bytes at the front must be dropped (< 0): noise, and whole replies to older requests.
// With 0, DecodeReplyTCP tells the reply or what is wrong with it.
func ReplyNeedTCP(buf []byte, id uint16, request ADU) int {
	size := sizeTCP(buf)
	switch {
	case size < 0:
		return -nextHeader(buf)
	case len(buf) < headerTCP+1:
		return headerTCP + 1 - len(buf)
	case binary.BigEndian.Uint16(buf) != id || buf[6] != request.Unit || buf[7]&^exceptionBit != request.Func:
		// Another's reply, or ours to a request that was given up: passed over as one piece, once it is whole.
		if size > len(buf) {
			return size - len(buf)
		}
		return -size
	case size > len(buf):
		return size - len(buf)
	}
	return 0
}

// nextHeader is the place of the next byte after the first where a header could begin, or the end of buf.
func nextHeader(buf []byte) int {
	for i := 1; i < len(buf); i++ {
		if sizeTCP(buf[i:]) >= 0 {
			return i
		}
	}
	return len(buf)
}

// DecodeReplyTCP decodes the reply at the front of buf, once ReplyNeedTCP says 0; bytes after it are ignored. An exception
// reply gives the ADU and an *Exception. Data aliases buf. Other errors: ErrShort, ErrHeader, ErrReply.
func DecodeReplyTCP(buf []byte, id uint16, request ADU) (ADU, error) {
	size := sizeTCP(buf)
	if size > 0 && size < len(buf) {
		buf = buf[:size]
	}
	got, a, err := DecodeTCP(buf)
	if err != nil {
		return ADU{}, err
	}
	if got != id || a.Unit != request.Unit || a.Func&^exceptionBit != request.Func {
		return ADU{}, fmt.Errorf("function %02X of unit %d, transaction %d: %w", request.Func, request.Unit, id, ErrReply)
	}
	if a.Func&exceptionBit != 0 {
		if len(a.Data) != 1 {
			return ADU{}, fmt.Errorf("exception with %d bytes: %w", len(a.Data), ErrReply)
		}
		return a, &Exception{Unit: a.Unit, Func: request.Func, Code: a.Data[0]}
	}
	if want := ReplyLengthTCP(request); want == 0 || want != len(buf) || !echoes(a, request) {
		return ADU{}, fmt.Errorf("function %02X of unit %d: %d bytes: %w", request.Func, request.Unit, len(buf), ErrReply)
	}
	return a, nil
}

// echoes says whether a normal reply of the right length fits what was asked: reads carry their byte count, writes the
// address and the value or count of the request (Application Protocol 6.1 to 6.12).
func echoes(a, request ADU) bool {
	if request.Func <= ReadInput {
		return int(a.Data[0]) == (len(a.Data)-1)&0xFF
	}
	return string(a.Data) == string(request.Data[:4])
}

// ParserTCP finds requests in the stream of one TCP connection: the slave's side. A stream that is not Modbus loses its
// bytes one by one until a header fits. The zero value is ready; one goroutine uses it.
type ParserTCP struct {
	buf   [2 * MaxTCP]byte
	n     int
	taken int // bytes of the request handed out last
}

// Write adds bytes of the stream; when the buffer is full the oldest fall out.
func (p *ParserTCP) Write(b []byte) {
	p.drop(p.taken)
	p.taken = 0
	if len(b) > len(p.buf) {
		b = b[len(b)-len(p.buf):]
	}
	if over := p.n + len(b) - len(p.buf); over > 0 {
		p.drop(over)
	}
	p.n += copy(p.buf[p.n:], b)
}

func (p *ParserTCP) drop(k int) {
	k = min(k, p.n)
	copy(p.buf[:], p.buf[k:p.n])
	p.n -= k
}

// Reset forgets what has been heard: a new connection.
func (p *ParserTCP) Reset() { p.n, p.taken = 0, 0 }

// Next is the next whole request with its transaction number, which the answer must carry. A function that the package
// does not know is handed out too, so that it can be refused with exception 1. Data aliases the parser and is valid until
// the next call of Next or Write.
func (p *ParserTCP) Next() (id uint16, a ADU, ok bool) {
	p.drop(p.taken)
	p.taken = 0
	for p.n > 0 {
		size := sizeTCP(p.buf[:p.n])
		if size < 0 {
			p.drop(nextHeader(p.buf[:p.n]))
			continue
		}
		if size > p.n || p.n < headerTCP+1 {
			return 0, ADU{}, false
		}
		p.taken = size
		return uint16(word(p.buf[:])), ADU{Unit: p.buf[6], Func: p.buf[7], Data: p.buf[8:size]}, true
	}
	return 0, ADU{}, false
}
