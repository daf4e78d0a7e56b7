package dlt645

import "fmt"

// What one answer may come to. SEQ is one byte and 0 is the first frame, so
// there are at most 255 further parts; 16 KiB is far more than any block of
// the standard, and keeps a meter that never says "last" from filling memory.
const (
	assemblerParts = 255
	assemblerBytes = 16 << 10
)

// Assembler puts an answer of several frames together (后续帧), in either
// edition. Ask with Request, give every frame heard to Take, until Take says
// done; after an answer that did not come ask with Repeat. It does no I/O and
// is not safe for concurrent use.
type Assembler struct {
	first Frame // the read that began it
	old   bool  // 1997
	item  DI
	from  Address // who answered first; as asked until then
	parts int     // answers taken
	done  bool
	data  []byte
}

// NewAssembler begins with a read request of 2007 (ReadRequest, LoadRequest)
// or of 1997. Anything else is ErrNotRequest.
func NewAssembler(read Frame) (*Assembler, error) {
	s := &Assembler{first: read, from: read.Addr}
	switch {
	case read.Control == funcRead && len(read.Data) >= 4:
		s.item = wireDI(read.Data)
	case read.Control == funcRead1997 && len(read.Data) == 2:
		s.item, s.old = wireDI1997(read.Data), true
	default:
		return nil, fmt.Errorf("assemble an answer to control %02XH: %w", read.Control, ErrNotRequest)
	}
	return s, nil
}

// Request is what to ask next: the read itself, then the parts in turn, from
// the meter that answered.
func (s *Assembler) Request() Frame {
	switch {
	case s.parts == 0:
		return s.first
	case s.old:
		return SubsequentRequest1997(s.from, s.item)
	}
	return SubsequentRequest(s.from, s.item, byte(s.parts))
}

// Repeat is what to ask after an answer that did not come: in 2007 the same
// part again, which its SEQ names. Parts of 1997 have no number; a lost answer
// cannot be told from a lost request, so the whole read begins anew.
func (s *Assembler) Repeat() Frame {
	if s.old {
		s.parts, s.data, s.done = 0, s.data[:0], false
	}
	return s.Request()
}

// Take adds a frame and says whether the answer is whole; frames after that
// change nothing. For the errors KeepWaiting names the frame was not the
// awaited one; after others, a refusal or ErrTooLong, give up.
func (s *Assembler) Take(f Frame) (done bool, err error) {
	if s.done {
		return true, nil
	}
	data, err := s.part(f)
	if err != nil {
		return false, err
	}
	if s.parts == assemblerParts && f.More() || len(s.data)+len(data) > assemblerBytes {
		return false, fmt.Errorf("read %s of meter %s: part %d: %w", s.item, s.from, s.parts, ErrTooLong)
	}
	if s.parts == 0 && f.Addr.Exact() {
		s.from = f.Addr // the parts that follow must be this meter's
	}
	s.parts++
	s.data = append(s.data, data...)
	s.done = !f.More()
	return s.done, nil
}

// part checks address, function, identifier and number of what is awaited.
func (s *Assembler) part(f Frame) ([]byte, error) {
	switch {
	case s.old && s.parts == 0:
		return ParseReadReply1997(f, s.from, s.item)
	case s.old:
		return ParseSubsequentReply1997(f, s.from, s.item)
	case s.parts == 0:
		return ParseReadReply(f, s.from, s.item)
	}
	return ParseSubsequentReply(f, s.from, s.item, byte(s.parts))
}

// Parts is how many frames were taken.
func (s *Assembler) Parts() int { return s.parts }

// Data is what was put together so far, without identifiers and SEQ. It is
// the assembler's until the next Take.
func (s *Assembler) Data() []byte { return s.data }
