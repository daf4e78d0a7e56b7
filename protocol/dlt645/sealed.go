package dlt645

import "fmt"

// Levels of what a security module (ESAM) seals: LevelSealed is control and
// class-1 parameters, ciphered and with a MAC; LevelMAC is class-2
// parameters, plain with a MAC [M].
const (
	LevelSealed = 0x98
	LevelMAC    = 0x99
)

// DIIdentity is identity authentication (身份认证), which comes before
// anything sealed.
const DIIdentity DI = 0x070000FF

// sealedRelay is what an external key service makes for a relay order: C0..C3,
// 16 bytes of cipher (N1..N8 padded) and 4 of MAC.
const sealedRelay = 4 + 16 + 4

// SealedOrder is the one frame that an external key service may fill. There
// is no raw forwarding: the function, the meter, the identifier and the length
// are fixed by the order before the service is asked, and only the sealed
// bytes come from it. Whoever sends it uses it once; a read-back of the relay
// decides what happened.
type SealedOrder struct {
	Meter   Address
	Control byte // 03H security, or 1CH relay
	Item    DI   // of 03H, 0700xxxx; zero for 1CH
	Length  int  // of the sealed bytes: C0..C3 and what follows them
}

// Check refuses what no order may be; the error wraps ErrAddress, ErrCommand
// or ErrLength.
func (o SealedOrder) Check() error {
	what := fmt.Sprintf("sealed order %02XH", o.Control)
	if err := toOne(what, o.Meter); err != nil {
		return err
	}
	switch {
	case o.Control == funcRelay && o.Item == 0 && o.Length == sealedRelay:
		return nil
	case o.Control == funcSecurity && o.Item>>16 == 0x0700:
		want := o.Item == DIIdentity && o.Length != 4+identityLen
		if want || o.Length < 4 || o.Length > readMax-4 {
			return fmt.Errorf("%s, item %s, to %s: %d sealed bytes: %w", what, o.Item, o.Meter, o.Length, ErrLength)
		}
		return nil
	case o.Control == funcRelay && o.Item == 0:
		return fmt.Errorf("%s to %s: %d sealed bytes, want %d: %w", what, o.Meter, o.Length, sealedRelay, ErrLength)
	}
	return fmt.Errorf("%s, item %s, to %s: only 03H with 0700xxxx and 1CH are sealed: %w", what, o.Item, o.Meter, ErrCommand)
}

// Frame puts the sealed bytes into the order's frame: behind the identifier
// for 03H, behind 98 00 00 00 for 1CH (L = 1CH). They must have the length
// the order fixed.
func (o SealedOrder) Frame(sealed []byte) (Frame, error) {
	if err := o.Check(); err != nil {
		return Frame{}, err
	}
	if len(sealed) != o.Length {
		return Frame{}, fmt.Errorf("sealed order %02XH to %s: %d sealed bytes, want %d: %w", o.Control, o.Meter, len(sealed), o.Length, ErrLength)
	}
	head := make([]byte, 0, 4+len(sealed))
	if o.Control == funcRelay {
		head = append(head, LevelSealed, 0, 0, 0)
	} else {
		head = o.Item.Append(head)
	}
	return Frame{Addr: o.Meter, Control: o.Control, Data: append(head, sealed...)}, nil
}

// SealedFrame is SealedOrder.Frame for an order whose length is that of
// sealed; the lengths of a relay order and of DIIdentity are fixed all the same.
func SealedFrame(a Address, control byte, d DI, sealed []byte) (Frame, error) {
	return SealedOrder{Meter: a, Control: control, Item: d, Length: len(sealed)}.Frame(sealed)
}

// ParseSealedRequest is the meter's side: the order and its sealed bytes,
// which alias f. What is not sealed is ErrNotRequest.
func ParseSealedRequest(f Frame) (o SealedOrder, sealed []byte, err error) {
	switch {
	case f.Control != funcSecurity && f.Control != funcRelay:
		return o, nil, fmt.Errorf("control %02XH is no sealed order: %w", f.Control, ErrNotRequest)
	case len(f.Data) < 8:
		return o, nil, fmt.Errorf("sealed order of %d bytes: %w", len(f.Data), ErrLength)
	case f.Control == funcRelay && f.Data[0] != LevelSealed:
		return o, nil, fmt.Errorf("relay request with level %02X is no sealed order: %w", f.Data[0], ErrNotRequest)
	}
	o = SealedOrder{Meter: f.Addr, Control: f.Control, Length: len(f.Data) - 4}
	if f.Control == funcSecurity {
		o.Item = wireDI(f.Data)
	}
	return o, f.Data[4:], o.Check()
}

// ParseSecurityReply takes the data out of meter a's answer to C = 03H (83H:
// DI and data, aliasing f). A refusal is a *ReplyError with SERR.
func ParseSecurityReply(f Frame, a Address, d DI) (data []byte, err error) {
	if err := expect(f, a, funcSecurity); err != nil {
		return nil, err
	}
	if len(f.Data) < 4 {
		return nil, fmt.Errorf("security reply of %d bytes: %w", len(f.Data), ErrLength)
	}
	if wireDI(f.Data) != d {
		return nil, ErrOtherDI
	}
	return f.Data[4:], nil
}

// SecurityReply is meter a's answer to C = 03H.
func SecurityReply(a Address, d DI, data []byte) Frame {
	f := ReadReply(a, d, data)
	f.Control = funcSecurity | fromMeter
	return f
}

// SecurityError is meter a's refusal of C = 03H (C3H, SERR low byte first).
func SecurityError(a Address, serr uint16) Frame {
	return Frame{Addr: a, Control: funcSecurity | fromMeter | refused, Data: []byte{byte(serr), byte(serr >> 8)}}
}
