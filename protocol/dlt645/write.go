package dlt645

import "fmt"

// WriteOrder is a write request (C = 14H, 写数据) taken apart by the meter.
// Data alias the frame.
type WriteOrder struct {
	Item     DI
	Password Password
	Operator [4]byte // 操作者代码, recorded by the meter
	Data     []byte
}

// WriteRequest asks meter a to store data, in wire order, as item d: DI, PA
// P0 P1 P2, C0..C3, data; L at most 50, so data at most 38 bytes, twelve
// entries of a zone or day table. Refused are
// addresses that are not one meter (ErrAddress), sealed levels (ErrCommand),
// items that the table knows as read-only (ErrReadOnly), passwords, which
// have their own request, and a length that is not the item's (ErrLength). A
// refusal by ERR bit 2 must not be retried: meters count wrong passwords and
// lock the level, typically for a day.
func WriteRequest(a Address, d DI, pw Password, op [4]byte, data []byte) (Frame, error) {
	what := "write " + d.String()
	if err := toOne(what, a); err != nil {
		return Frame{}, err
	}
	if err := pw.plain(what); err != nil {
		return Frame{}, err
	}
	if isPasswordItem(d) {
		return Frame{}, fmt.Errorf("%s: a password is changed by PasswordRequest: %w", what, ErrCommand)
	}
	if err := writable(d, data); err != nil {
		return Frame{}, fmt.Errorf("%s: %w", what, err)
	}
	b := d.Append(make([]byte, 0, writeMax))
	b = append(pw.append(b), op[:]...)
	if len(b)+len(data) > writeMax {
		return Frame{}, fmt.Errorf("%s: %d data bytes, at most %d go into one write: %w", what, len(data), writeMax-len(b), ErrLength)
	}
	return Frame{Addr: a, Control: funcWrite, Data: append(b, data...)}, nil
}

// writable compares a write with the table of items. What the table does not
// know is the manufacturer's affair and passes.
func writable(d DI, data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("nothing to write: %w", ErrLength)
	}
	parts := layout(d)
	if parts == nil {
		return nil
	}
	if it, ok := Item(d); !ok || !it.Writable {
		return ErrReadOnly
	}
	for rest := len(data); rest > 0; parts = parts[1:] { // a table may be written with fewer entries, but with whole ones
		if len(parts) == 0 || rest < parts[0].Bytes {
			return fmt.Errorf("%d data bytes do not fit the item: %w", len(data), ErrLength)
		}
		rest -= parts[0].Bytes
	}
	return nil
}

// ParseWriteReply reads meter a's answer to a write: nil when it stored the
// value, a *ReplyError when it refused; for the errors KeepWaiting names, go
// on listening. Only reading the item back proves it.
func ParseWriteReply(f Frame, a Address) error { return expect(f, a, funcWrite) }

// ParseWriteRequest is the meter's side. The password is not judged, nor
// whether the address may carry one.
func ParseWriteRequest(f Frame) (WriteOrder, error) {
	if err := request(f, funcWrite, "write", 13); err != nil {
		return WriteOrder{}, err
	}
	d := f.Data
	return WriteOrder{Item: wireDI(d), Password: wirePassword(d[4:]), Operator: [4]byte(d[8:12]), Data: d[12:]}, nil
}

// WriteReply is meter a's answer to a write it obeyed (C = 94H, L = 0).
func WriteReply(a Address) Frame { return Frame{Addr: a, Control: funcWrite | fromMeter} }

// WriteAddressRequest gives the meter whose programming button is pressed a
// new address (C = 15H, 写通信地址). It goes to AA×6, carries no password and
// is only sensible with one such meter on the line: whoever hears it obeys.
func WriteAddressRequest(address Address) (Frame, error) {
	if err := toOne("write address", address); err != nil {
		return Frame{}, err
	}
	return Frame{Addr: Wildcard, Control: funcWriteAddress, Data: address[:]}, nil
}

// ParseWriteAddressReply gives the address the answer came from. Some meters
// answer from the new address and some from the old one [?]: verify it with
// ReadAddressRequest.
func ParseWriteAddressReply(f Frame) (Address, error) {
	if err := expect(f, Wildcard, funcWriteAddress); err != nil {
		return Address{}, err
	}
	return f.Addr, nil
}

// ParseWriteAddressRequest is the meter's side; the error wraps ErrAddress
// when the new address does not name one meter.
func ParseWriteAddressRequest(f Frame) (Address, error) {
	if err := exactly(f, funcWriteAddress, "address write", 6); err != nil {
		return Address{}, err
	}
	a := Address(f.Data)
	return a, toOne("write address", a)
}

// WriteAddressReply is the answer of the meter whose address now is a (C =
// 95H, L = 0).
func WriteAddressReply(a Address) Frame {
	return Frame{Addr: a, Control: funcWriteAddress | fromMeter}
}
