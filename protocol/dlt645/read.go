package dlt645

import "fmt"

// ReadRequest asks meter a for item d (C = 11H).
func ReadRequest(a Address, d DI) Frame {
	return Frame{Addr: a, Control: funcRead, Data: d.Append(make([]byte, 0, 4))}
}

// SubsequentRequest asks for part seq (1..255) of an answer whose frame said
// More (C = 12H, 读后续数据).
func SubsequentRequest(a Address, d DI, seq byte) Frame {
	return Frame{Addr: a, Control: funcSubsequent, Data: append(d.Append(make([]byte, 0, 5)), seq)}
}

// ReadAddressRequest asks whoever is on the line for its address (C = 13H);
// only sensible with a single meter on it.
func ReadAddressRequest() Frame { return Frame{Addr: Wildcard, Control: funcReadAddress} }

// ParseReadReply takes the data out of the reply to ReadRequest(a, d); a may
// have wildcards. The data alias f. A refusal is a *ReplyError; for the errors
// KeepWaiting names, the frame was somebody else's.
func ParseReadReply(f Frame, a Address, d DI) (data []byte, err error) {
	if err := expect(f, a, funcRead); err != nil {
		return nil, err
	}
	if len(f.Data) < 4 {
		return nil, fmt.Errorf("read reply of %d bytes: %w", len(f.Data), ErrLength)
	}
	if wireDI(f.Data) != d {
		return nil, ErrOtherDI
	}
	return f.Data[4:], nil
}

// ParseSubsequentReply takes one part and its number out of the reply to
// SubsequentRequest. The data alias f; f.More says whether another follows.
func ParseSubsequentReply(f Frame, a Address, d DI, seq byte) (data []byte, err error) {
	if err := expect(f, a, funcSubsequent); err != nil {
		return nil, err
	}
	if len(f.Data) < 5 {
		return nil, fmt.Errorf("subsequent reply of %d bytes: %w", len(f.Data), ErrLength)
	}
	if last := len(f.Data) - 1; wireDI(f.Data) == d && f.Data[last] == seq {
		return f.Data[4:last], nil
	}
	return nil, ErrOtherDI
}

// ParseReadAddressReply takes the address out of the reply to
// ReadAddressRequest; the error wraps ErrAddress when it names no one meter.
func ParseReadAddressReply(f Frame) (Address, error) {
	if err := expect(f, Wildcard, funcReadAddress); err != nil {
		return Address{}, err
	}
	if len(f.Data) != 6 {
		return Address{}, fmt.Errorf("address reply of %d bytes: %w", len(f.Data), ErrLength)
	}
	a := Address(f.Data)
	if !a.Exact() {
		return a, fmt.Errorf("address reply %s: %w", a, ErrAddress)
	}
	return a, nil
}

// expect checks that f is a reply of a to function fn and not a refusal.
func expect(f Frame, a Address, fn byte) error {
	switch {
	case !f.FromMeter():
		return ErrEcho
	case a.Exact() && f.Addr != a, !f.Addr.Match(a): // who was asked by name answers by name; a wildcard is somebody else's answer
		return ErrOtherAddress
	case f.Func() != fn:
		return ErrOtherFunction
	case f.IsError():
		return refusal(f)
	}
	return nil
}

// refusal reads the ERR byte, or the two-byte word of newer relay replies.
func refusal(f Frame) *ReplyError {
	e := &ReplyError{Control: f.Control}
	switch len(f.Data) {
	case 0:
	case 2:
		e.Word = uint16(f.Data[0]) | uint16(f.Data[1])<<8
	default:
		e.Err = f.Data[0]
	}
	return e
}

// The meter's side.

// ParseReadRequest reads a master's C = 11H. extra is what follows the
// identifier (load records), aliasing f.
func ParseReadRequest(f Frame) (d DI, extra []byte, err error) {
	if f.Control != funcRead {
		return 0, nil, fmt.Errorf("control %02XH is not a read: %w", f.Control, ErrNotRequest)
	}
	if len(f.Data) < 4 {
		return 0, nil, fmt.Errorf("read request of %d bytes: %w", len(f.Data), ErrLength)
	}
	return wireDI(f.Data), f.Data[4:], nil
}

// ReadReply is meter a's answer to a read of d (C = 91H).
func ReadReply(a Address, d DI, data []byte) Frame {
	return Frame{Addr: a, Control: funcRead | fromMeter, Data: append(d.Append(make([]byte, 0, 4+len(data))), data...)}
}

// ReadReplyMore is ReadReply that says whether more follow (C = B1H); the
// first block has no SEQ.
func ReadReplyMore(a Address, d DI, data []byte, follow bool) Frame {
	f := ReadReply(a, d, data)
	if follow {
		f.Control |= more
	}
	return f
}

// ParseSubsequentRequest is the meter's side of SubsequentRequest. A request
// for the same seq again must get the same block again.
func ParseSubsequentRequest(f Frame) (d DI, seq byte, err error) {
	if err := exactly(f, funcSubsequent, "request for subsequent data", 5); err != nil {
		return 0, 0, err
	}
	return wireDI(f.Data), f.Data[4], nil
}

// SubsequentReply is meter a's answer with block seq (C = 92H, or B2H when
// more follow): DI, data, SEQ.
func SubsequentReply(a Address, d DI, data []byte, seq byte, follow bool) Frame {
	f := ReadReplyMore(a, d, data, follow)
	f.Control = f.Control&^0x1F | funcSubsequent
	f.Data = append(f.Data, seq)
	return f
}

// ReadAddressReply is meter a's answer to ReadAddressRequest (C = 93H).
func ReadAddressReply(a Address) Frame {
	return Frame{Addr: a, Control: funcReadAddress | fromMeter, Data: a[:]}
}

// ErrorReply is meter a's refusal of a request with the given control byte;
// err is the ERR bit field.
func ErrorReply(a Address, control byte, err byte) Frame {
	return Frame{Addr: a, Control: control&0x1F | fromMeter | refused, Data: []byte{err}}
}
