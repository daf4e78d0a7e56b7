package dlt645

import "fmt"

// WriteRequest1997 asks meter a to store data as item d (C = 04H). Most
// meters obey only with their programming button pressed; some ask for a
// password behind the identifier [M], then pw is not nil. The error wraps
// ErrAddress, ErrCommand, ErrReadOnly or ErrLength as for WriteRequest. The
// relay of 1997 meters is vendor specific and is not offered.
func WriteRequest1997(a Address, d DI, pw *Password, data []byte) (Frame, error) {
	what := fmt.Sprintf("write %04X", uint32(d))
	if err := toOne(what, a); err != nil {
		return Frame{}, err
	}
	if d > 0xFFFF || len(data) == 0 {
		return Frame{}, fmt.Errorf("%s: %d data bytes: %w", what, len(data), ErrLength)
	}
	if it, ok := Item1997(d); ok && !it.Writable {
		return Frame{}, fmt.Errorf("%s: %w", what, ErrReadOnly)
	}
	b := append1997(make([]byte, 0, writeMax), d)
	if pw != nil {
		if err := pw.plain(what); err != nil {
			return Frame{}, err
		}
		b = pw.append(b)
	}
	if len(b)+len(data) > writeMax {
		return Frame{}, fmt.Errorf("%s: %d data bytes: %w", what, len(data), ErrLength)
	}
	return Frame{Addr: a, Control: funcWrite1997, Data: append(b, data...)}, nil
}

// ParseWriteReply1997 reads meter a's answer: nil, or a *ReplyError.
func ParseWriteReply1997(f Frame, a Address) error { return expect(f, a, funcWrite1997) }

// ParseWriteRequest1997 is the meter's side. Only the meter knows whether it
// asks for a password; with secured it takes one off the data, else
// WriteOrder.Password is zero. There is no operator code.
func ParseWriteRequest1997(f Frame, secured bool) (WriteOrder, error) {
	head := 2
	if secured {
		head = 6
	}
	if err := request(f, funcWrite1997, "1997 write", head+1); err != nil {
		return WriteOrder{}, err
	}
	o := WriteOrder{Item: wireDI1997(f.Data), Data: f.Data[head:]}
	if secured {
		o.Password = wirePassword(f.Data[2:])
	}
	return o, nil
}

// WriteReply1997 is meter a's answer (C = 84H, L = 0).
func WriteReply1997(a Address) Frame { return Frame{Addr: a, Control: funcWrite1997 | fromMeter} }

// WriteAddressRequest1997 gives the meter whose programming button is pressed
// a new address (C = 0AH). It goes to 99×6 in this edition, and is answered
// from the new address.
func WriteAddressRequest1997(address Address) (Frame, error) {
	if err := toOne("write address", address); err != nil {
		return Frame{}, err
	}
	return Frame{Addr: Broadcast, Control: funcWriteAddress1997, Data: address[:]}, nil
}

// ParseWriteAddressReply1997 gives the new address.
func ParseWriteAddressReply1997(f Frame) (Address, error) {
	if err := expect(f, Wildcard, funcWriteAddress1997); err != nil {
		return Address{}, err
	}
	return f.Addr, nil
}

// ParseWriteAddressRequest1997 is the meter's side; the error wraps
// ErrAddress when the new address does not name one meter.
func ParseWriteAddressRequest1997(f Frame) (Address, error) {
	if err := exactly(f, funcWriteAddress1997, "1997 address write", 6); err != nil {
		return Address{}, err
	}
	a := Address(f.Data)
	return a, toOne("write address", a)
}

// WriteAddressReply1997 is the answer of the meter whose address now is a (C
// = 8AH, L = 0).
func WriteAddressReply1997(a Address) Frame {
	return Frame{Addr: a, Control: funcWriteAddress1997 | fromMeter}
}
