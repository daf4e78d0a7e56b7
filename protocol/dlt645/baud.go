package dlt645

import "fmt"

// bauds2007 and bauds1997 give the rate of each bit of Z (通信速率特征字);
// exactly one bit is set. 4800 and 9600 of 1997 are general knowledge [K].
var (
	bauds2007 = [8]int{1: 600, 2: 1200, 3: 2400, 4: 4800, 5: 9600, 6: 19200}
	bauds1997 = [8]int{0: 300, 1: 600, 2: 1200, 3: 2400, 4: 4800, 5: 9600}
)

// BaudByte gives Z of 2007 for a rate; false when the standard has none.
func BaudByte(baud int) (z byte, ok bool) { return zOf(bauds2007, baud) }

// BaudOf gives the rate of Z of 2007; false unless exactly one known bit is set.
func BaudOf(z byte) (baud int, ok bool) { return ofZ(bauds2007, z) }

// BaudByte1997 and BaudOf1997 are the same for 1997.
func BaudByte1997(baud int) (z byte, ok bool) { return zOf(bauds1997, baud) }

// BaudOf1997 gives the rate of Z of 1997.
func BaudOf1997(z byte) (baud int, ok bool) { return ofZ(bauds1997, z) }

func zOf(table [8]int, baud int) (byte, bool) {
	for i, rate := range table {
		if rate != 0 && rate == baud {
			return 1 << i, true
		}
	}
	return 0, false
}

func ofZ(table [8]int, z byte) (int, bool) {
	for i, rate := range table {
		if rate != 0 && z == 1<<i {
			return rate, true
		}
	}
	return 0, false
}

// BaudRequest asks meter a to change its rate (C = 17H, 更改通信速率). The
// answer comes at the old rate, then both sides switch. The error wraps
// ErrAddress or ErrBaud.
func BaudRequest(a Address, baud int) (Frame, error) {
	return baudRequest(a, baud, funcBaud, bauds2007)
}

// ParseBaudReply gives the rate the meter goes to. A refusal is a *ReplyError
// with ERR bit 3.
func ParseBaudReply(f Frame, a Address) (baud int, err error) {
	if err := expect(f, a, funcBaud); err != nil {
		return 0, err
	}
	return baudData(f, bauds2007)
}

// ParseBaudRequest is the meter's side; ErrBaud is answered with ERR bit 3.
func ParseBaudRequest(f Frame) (baud int, err error) {
	if err := exactly(f, funcBaud, "baud change", 1); err != nil {
		return 0, err
	}
	return baudData(f, bauds2007)
}

// BaudReply is meter a's answer to a change to baud, sent at the old rate (C
// = 97H, Z echoed).
func BaudReply(a Address, baud int) Frame {
	z, _ := BaudByte(baud)
	return Frame{Addr: a, Control: funcBaud | fromMeter, Data: []byte{z}}
}

func baudRequest(a Address, baud int, fn byte, table [8]int) (Frame, error) {
	if err := toOne("change baud rate", a); err != nil {
		return Frame{}, err
	}
	z, ok := zOf(table, baud)
	if !ok {
		return Frame{}, fmt.Errorf("change baud rate of %s to %d: %w", a, baud, ErrBaud)
	}
	return Frame{Addr: a, Control: fn, Data: []byte{z}}, nil
}

func baudData(f Frame, table [8]int) (int, error) {
	if len(f.Data) != 1 {
		return 0, fmt.Errorf("baud change of %d bytes, want 1: %w", len(f.Data), ErrLength)
	}
	baud, ok := ofZ(table, f.Data[0])
	if !ok {
		return 0, fmt.Errorf("baud byte %02X: %w", f.Data[0], ErrBaud)
	}
	return baud, nil
}
