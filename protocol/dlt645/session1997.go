package dlt645

import "fmt"

// refusedBaud1997 is Z in the answer of a 1997 meter that keeps its rate.
const refusedBaud1997 = 0xFF

// BaudRequest1997 asks meter a to change its rate (C = 0CH). The change lasts
// for the session: after 500 ms of silence the meter is back at its initial
// rate. The error wraps ErrAddress or ErrBaud.
func BaudRequest1997(a Address, baud int) (Frame, error) {
	return baudRequest(a, baud, funcBaud1997, bauds1997)
}

// ParseBaudReply1997 gives the rate the meter goes to; a meter that refuses
// answers Z = FF, which is ErrBaud.
func ParseBaudReply1997(f Frame, a Address) (baud int, err error) {
	if err := expect(f, a, funcBaud1997); err != nil {
		return 0, err
	}
	return baudData(f, bauds1997)
}

// ParseBaudRequest1997 is the meter's side.
func ParseBaudRequest1997(f Frame) (baud int, err error) {
	if err := exactly(f, funcBaud1997, "1997 baud change", 1); err != nil {
		return 0, err
	}
	return baudData(f, bauds1997)
}

// BaudReply1997 is meter a's answer (C = 8CH): Z echoed, or FF for a rate it
// has not.
func BaudReply1997(a Address, baud int) Frame {
	z, ok := BaudByte1997(baud)
	if !ok {
		z = refusedBaud1997
	}
	return Frame{Addr: a, Control: funcBaud1997 | fromMeter, Data: []byte{z}}
}

// PasswordRequest1997 changes a password (C = 0FH): old PA P0 P1 P2, new PA P0
// P1 P2. A meter whose password is another does not answer at all: one try. The
// error wraps ErrAddress or ErrCommand.
func PasswordRequest1997(a Address, old, new Password) (Frame, error) {
	if err := toOne("change password", a); err != nil {
		return Frame{}, err
	}
	for _, p := range []Password{old, new} {
		if err := p.plain("change password"); err != nil {
			return Frame{}, err
		}
	}
	return Frame{Addr: a, Control: funcPassword1997, Data: new.append(old.append(nil))}, nil
}

// ParsePasswordReply1997 gives the password that is now valid (C = 8FH, L = 4).
func ParsePasswordReply1997(f Frame, a Address) (Password, error) {
	if err := expect(f, a, funcPassword1997); err != nil {
		return Password{}, err
	}
	if len(f.Data) != 4 {
		return Password{}, fmt.Errorf("password reply of %d bytes, want 4: %w", len(f.Data), ErrLength)
	}
	return wirePassword(f.Data), nil
}

// ParsePasswordRequest1997 is the meter's side; nothing is judged.
func ParsePasswordRequest1997(f Frame) (old, new Password, err error) {
	if err := exactly(f, funcPassword1997, "1997 password change", 8); err != nil {
		return old, new, err
	}
	return wirePassword(f.Data), wirePassword(f.Data[4:]), nil
}

// PasswordReply1997 is meter a's answer.
func PasswordReply1997(a Address, p Password) Frame {
	return Frame{Addr: a, Control: funcPassword1997 | fromMeter, Data: p.append(nil)}
}

// ClearDemandRequest1997 sets the maximum demands of meter a to zero (C =
// 10H); meters obey with their button pressed. That it has no data is not
// read in the standard's text [?]. Ask a person twice.
func ClearDemandRequest1997(a Address) (Frame, error) {
	if err := toOne("clear maximum demand", a); err != nil {
		return Frame{}, err
	}
	return Frame{Addr: a, Control: funcClearDemand1997}, nil
}

// ParseClearDemandReply1997 reads meter a's answer: nil, or a *ReplyError.
func ParseClearDemandReply1997(f Frame, a Address) error { return expect(f, a, funcClearDemand1997) }

// ParseClearDemandRequest1997 is the meter's side.
func ParseClearDemandRequest1997(f Frame) error {
	return request(f, funcClearDemand1997, "1997 demand clear", 0)
}

// ClearDemandReply1997 is meter a's answer (C = 90H, L = 0).
func ClearDemandReply1997(a Address) Frame {
	return Frame{Addr: a, Control: funcClearDemand1997 | fromMeter}
}
