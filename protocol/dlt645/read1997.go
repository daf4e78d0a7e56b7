package dlt645

import "fmt"

// The 1997 edition has its own function codes and identifiers of two bytes.
// An identifier of 1997 is a DI of four digits here: 0x9010.

func append1997(dst []byte, d DI) []byte { return append(dst, byte(d), byte(d>>8)) }

func wireDI1997(b []byte) DI { return DI(b[0]) | DI(b[1])<<8 }

// ReadRequest1997 asks meter a for item d (C = 01H).
func ReadRequest1997(a Address, d DI) Frame {
	return Frame{Addr: a, Control: funcRead1997, Data: append1997(nil, d)}
}

// SubsequentRequest1997 asks for the block behind the last one (C = 02H).
// There is no SEQ: after a lost answer use RepeatRequest1997, or a block is
// skipped.
func SubsequentRequest1997(a Address, d DI) Frame {
	return Frame{Addr: a, Control: funcSubsequent1997, Data: append1997(nil, d)}
}

// RepeatRequest1997 asks meter a to say its last answer again (C = 03H,
// 重读数据).
func RepeatRequest1997(a Address) Frame { return Frame{Addr: a, Control: funcRepeat1997} }

// ParseReadReply1997 takes the data out of the reply to ReadRequest1997; f.More
// says whether another block follows. The data alias f. A refusal is a
// *ReplyError, for the errors KeepWaiting names go on listening. A 1997 meter
// that does not know d answers ERR bit 1, which is ErrNoData.
func ParseReadReply1997(f Frame, a Address, d DI) (data []byte, err error) {
	return readReply1997(f, a, d, funcRead1997)
}

// ParseSubsequentReply1997 is the same for SubsequentRequest1997.
func ParseSubsequentReply1997(f Frame, a Address, d DI) (data []byte, err error) {
	return readReply1997(f, a, d, funcSubsequent1997)
}

// ParseRepeatReply1997 is the same for RepeatRequest1997; d is the item asked
// for before.
func ParseRepeatReply1997(f Frame, a Address, d DI) (data []byte, err error) {
	return readReply1997(f, a, d, funcRepeat1997)
}

func readReply1997(f Frame, a Address, d DI, fn byte) ([]byte, error) {
	if err := expect(f, a, fn); err != nil {
		return nil, err
	}
	if len(f.Data) < 2 {
		return nil, fmt.Errorf("read reply of %d bytes: %w", len(f.Data), ErrLength)
	}
	if wireDI1997(f.Data) != d {
		return nil, ErrOtherDI
	}
	return f.Data[2:], nil
}

// The meter's side.

// ParseReadRequest1997 reads C = 01H.
func ParseReadRequest1997(f Frame) (DI, error) { return item1997(f, funcRead1997, "1997 read") }

// ParseSubsequentRequest1997 reads C = 02H.
func ParseSubsequentRequest1997(f Frame) (DI, error) {
	return item1997(f, funcSubsequent1997, "1997 request for subsequent data")
}

// ParseRepeatRequest1997 reads C = 03H without data; with data it is the
// security function of 2007.
func ParseRepeatRequest1997(f Frame) error {
	return exactly(f, funcRepeat1997, "1997 request for repetition", 0)
}

func item1997(f Frame, fn byte, what string) (DI, error) {
	if err := exactly(f, fn, what, 2); err != nil {
		return 0, err
	}
	return wireDI1997(f.Data), nil
}

// ReadReply1997 is meter a's answer to a read (C = 81H, or A1H when more
// follow).
func ReadReply1997(a Address, d DI, data []byte, follow bool) Frame {
	return reply1997(a, funcRead1997, d, data, follow)
}

// SubsequentReply1997 is meter a's next block (C = 82H or A2H).
func SubsequentReply1997(a Address, d DI, data []byte, follow bool) Frame {
	return reply1997(a, funcSubsequent1997, d, data, follow)
}

// RepeatReply1997 is meter a's last answer said again (C = 83H or A3H).
func RepeatReply1997(a Address, d DI, data []byte, follow bool) Frame {
	return reply1997(a, funcRepeat1997, d, data, follow)
}

func reply1997(a Address, fn byte, d DI, data []byte, follow bool) Frame {
	f := Frame{Addr: a, Control: fn | fromMeter, Data: append(append1997(make([]byte, 0, 2+len(data)), d), data...)}
	if follow {
		f.Control |= more
	}
	return f
}
