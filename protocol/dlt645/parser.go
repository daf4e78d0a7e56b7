package dlt645

import "errors"

// bufferMax holds three longest frames: an echo, a stray reply and the
// awaited one, before anybody calls Next.
const bufferMax = 3 * MaxFrame

// Verdicts of check that are not faults.
var (
	errMore    = errors.New("more bytes needed")
	errNoStart = errors.New("not a start byte")
)

// check judges the frame that would begin at b[0] and returns its length.
// The end is found by the length byte alone: data, address and the checksum
// itself can be 16H.
func check(b []byte) (total int, err error) {
	switch {
	case b[0] != start:
		return 0, errNoStart
	case len(b) < 8:
		return 0, errMore
	case b[7] != start:
		return 0, ErrSecondStart
	case len(b) < headLen:
		return 0, errMore
	}
	total = overhead + int(b[9])
	switch {
	case len(b) < total:
		return total, errMore
	case checksum(b[:total-2]) != b[total-2]:
		return 0, ErrChecksum
	case b[total-1] != end:
		return 0, ErrEnd
	}
	return total, nil
}

// Parser finds frames in a byte stream however it is split. Whatever stands
// between frames is skipped; a start that leads nowhere costs one byte, and
// the search goes on right behind it. The zero value is ready; it does not
// allocate. It is not safe for concurrent use.
type Parser struct {
	buf         [bufferMax]byte
	first, last int
	fault       error
	quiet       bool // what is incomplete now will stay so
}

// Write adds bytes. The buffer is bounded: when more come than it holds, the
// oldest fall out. Call Next until it has no more after each Write.
func (p *Parser) Write(b []byte) {
	p.quiet = false
	if len(b) > bufferMax {
		b = b[len(b)-bufferMax:]
	}
	if over := p.last - p.first + len(b) - bufferMax; over > 0 {
		p.first += over
		p.refuse(ErrTruncated)
	}
	if p.first == p.last {
		p.first, p.last = 0, 0
	}
	if p.last+len(b) > bufferMax {
		p.last = copy(p.buf[:], p.buf[p.first:p.last])
		p.first = 0
	}
	p.last += copy(p.buf[p.last:], b)
}

// Next gives the next whole valid frame, or false when more bytes are needed.
func (p *Parser) Next() (Frame, bool) {
	for p.first < p.last {
		b := p.buf[p.first:p.last]
		total, err := check(b)
		switch err {
		case nil:
			p.first += total
			p.fault = nil
			f := Frame{Addr: Address(b[1:7]), Control: b[8], Data: b[headLen : total-2 : total-2]}
			takeOffset(f.Data) // in place: these bytes are ours and are consumed
			return f, true
		case errMore:
			if !p.quiet {
				return Frame{}, false
			}
			p.refuse(ErrTruncated)
		case errNoStart:
		default:
			p.refuse(err)
		}
		p.first++
	}
	return Frame{}, false
}

// Silence tells the parser that the line has been quiet for longer than a
// frame may pause (500 ms), until the next Write: frames that seemed to be
// arriving are given up, and Next searches behind their starts. Without it a
// false 68H could hide a frame that is already here until more bytes come.
func (p *Parser) Silence() { p.quiet = true }

// Need is the number of bytes still missing from the frame that seems to be
// arriving, 0 when none is or its length is not yet known.
func (p *Parser) Need() int {
	if p.first == p.last {
		return 0
	}
	b := p.buf[p.first:p.last]
	if total, err := check(b); err == errMore && total > 0 {
		return total - len(b)
	}
	return 0
}

// Fault is why the first 68H since the last frame was refused: ErrChecksum,
// ErrEnd, ErrSecondStart or ErrTruncated (also of a frame that is still
// incomplete); nil when there was no 68H.
func (p *Parser) Fault() error {
	if p.fault == nil && p.first < p.last && p.buf[p.first] == start {
		return ErrTruncated
	}
	return p.fault
}

// Reset forgets all bytes and the fault.
func (p *Parser) Reset() { p.first, p.last, p.fault, p.quiet = 0, 0, nil, false }

func (p *Parser) refuse(err error) {
	if p.fault == nil {
		p.fault = err
	}
}
