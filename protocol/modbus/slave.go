package modbus

import (
	"encoding/binary"
	"fmt"
)

// Parser finds requests in the bytes a meter hears. It knows no silences: a request is found by its length and its CRC,
// so it works the same on a pseudo-terminal that loses the gaps. The zero value is ready; one goroutine uses it.
type Parser struct {
	buf   [2 * MaxFrame]byte // one frame and the noise before it
	n     int
	taken int // bytes of the request handed out last
}

// Write adds bytes from the line; when the buffer is full the oldest fall out.
func (p *Parser) Write(b []byte) {
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

func (p *Parser) drop(k int) {
	k = min(k, p.n)
	copy(p.buf[:], p.buf[k:p.n])
	p.n -= k
}

// Reset forgets what has been heard, as a silence of 3.5 characters does.
func (p *Parser) Reset() { p.n, p.taken = 0, 0 }

// Next is the next whole request. Its Data aliases the Parser and is valid until the next call of Next or Write.
func (p *Parser) Next() (ADU, bool) {
	p.drop(p.taken)
	p.taken = 0
	keep := -1 // first place where a request may still be growing
	for i := 0; i < p.n; i++ {
		size := requestSize(p.buf[i:p.n])
		switch {
		case size < 0:
		case i+size > p.n:
			if keep < 0 {
				keep = i
			}
		case crcHolds(p.buf[i : i+size]):
			p.drop(i)
			p.taken = size
			return ADU{Unit: p.buf[0], Func: p.buf[1], Data: p.buf[2 : size-2]}, true
		}
	}
	if keep < 0 {
		keep = p.n
	}
	p.drop(keep)
	return ADU{}, false
}

// requestSize is the size of the request that begins b as far as its first bytes tell, or -1 when it is none.
func requestSize(b []byte) int {
	const short = 8
	if len(b) > 0 && b[0] > 247 { // 248 to 255 are reserved (Serial Line 2.2)
		return -1
	}
	if len(b) < 2 {
		return short
	}
	fn := b[1]
	switch fn {
	case ReadCoils, ReadDiscreteInputs, ReadHolding, ReadInput, WriteCoil, WriteRegister, WriteCoils, WriteRegisters:
	default:
		return -1
	}
	if len(b) < 6 {
		return short
	}
	v := word(b[4:])
	switch fn {
	case ReadCoils, ReadDiscreteInputs:
		return sizeIf(v >= 1 && v <= MaxBits, short)
	case ReadHolding, ReadInput:
		return sizeIf(v >= 1 && v <= MaxRegisters, short)
	case WriteCoil:
		return sizeIf(v == 0 || v == 0xFF00, short)
	case WriteRegister:
		return short
	}
	bytes := 2 * v
	most := MaxWrite
	if fn == WriteCoils {
		bytes, most = (v+7)/8, maxBitsWrite
	}
	if v < 1 || v > most || len(b) > 6 && int(b[6]) != bytes {
		return -1
	}
	return 9 + bytes
}

func sizeIf(ok bool, size int) int {
	if !ok {
		return -1
	}
	return size
}

// ReadReply answers FC03 or FC04; registers over MaxRegisters are left out.
func ReadReply(unit, fn byte, registers []uint16) ADU {
	registers = registers[:min(len(registers), MaxRegisters)]
	data := append(make([]byte, 0, 1+2*len(registers)), byte(2*len(registers)))
	return ADU{Unit: unit, Func: fn, Data: appendWords(data, registers)}
}

// BitsReply answers FC01 or FC02; the first bit is the lowest of the first byte. Bits over MaxBits are left out.
func BitsReply(unit, fn byte, bits []bool) ADU {
	bits = bits[:min(len(bits), MaxBits)]
	data := make([]byte, 1+(len(bits)+7)/8)
	data[0] = byte(len(data) - 1)
	for i, on := range bits {
		if on {
			data[1+i/8] |= 1 << (i % 8)
		}
	}
	return ADU{Unit: unit, Func: fn, Data: data}
}

// WriteReply confirms a write: all of FC05 and FC06, address and count of FC15 and FC16.
func WriteReply(request ADU) ADU {
	return ADU{Unit: request.Unit, Func: request.Func, Data: request.Data[:min(len(request.Data), 4)]}
}

// ExceptionReply refuses function fn with a code of chapter 7.
func ExceptionReply(unit, fn, code byte) ADU {
	return ADU{Unit: unit, Func: fn | exceptionBit, Data: []byte{code}}
}

// Request is a request taken apart.
type Request struct {
	Unit, Func byte
	Addr       uint16
	Count      uint16   // registers or bits; 1 for FC05 and FC06
	Registers  []uint16 // values of FC06 and FC16
	Bits       []bool   // values of FC05 and FC15
}

// ParseRequest takes a request apart and checks counts and values. Errors wrap ErrShort or ErrLong; answer exception 3.
func ParseRequest(a ADU) (Request, error) {
	head := []byte{1, a.Func}                        // any unit: which are allowed is the framing's affair
	size := requestSize(append(head, a.Data...)) - 4 // without unit, function and CRC
	switch {
	case size < 0 || len(a.Data) < size:
		return Request{}, fmt.Errorf("request of function %02X: %w or not valid", a.Func, ErrShort)
	case len(a.Data) > size:
		return Request{}, fmt.Errorf("request of function %02X: %w", a.Func, ErrLong)
	}
	r := Request{Unit: a.Unit, Func: a.Func, Addr: binary.BigEndian.Uint16(a.Data), Count: binary.BigEndian.Uint16(a.Data[2:])}
	switch a.Func {
	case WriteCoil:
		r.Bits, r.Count = []bool{r.Count == 0xFF00}, 1
	case WriteRegister:
		r.Registers, r.Count = []uint16{r.Count}, 1
	case WriteCoils:
		for i := range int(r.Count) {
			r.Bits = append(r.Bits, a.Data[5+i/8]>>(i%8)&1 != 0)
		}
	case WriteRegisters:
		for b := a.Data[5:]; len(b) >= 2; b = b[2:] {
			r.Registers = append(r.Registers, binary.BigEndian.Uint16(b))
		}
	}
	return r, nil
}
