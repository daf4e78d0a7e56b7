package dlt645

import "fmt"

// DIPassword0 is the password of level 0; levels 1 to 9 follow it. They can
// be written and never read.
const DIPassword0 DI = 0x04000C01

func isPasswordItem(d DI) bool { return d >= DIPassword0 && d <= DIPassword0+9 }

// PasswordRequest changes the password of the level that d names (C = 18H,
// 修改密码): DI, old PA P0 P1 P2, new PA P0 P1 P2. old may be of a higher
// level. The error wraps ErrAddress, or ErrCommand for sealed levels and when
// d is not the password of new's level.
func PasswordRequest(a Address, d DI, old, new Password) (Frame, error) {
	if err := toOne("change password", a); err != nil {
		return Frame{}, err
	}
	for _, p := range []Password{old, new} {
		if err := p.plain("change password"); err != nil {
			return Frame{}, err
		}
	}
	if !isPasswordItem(d) || d-DIPassword0 != DI(new.Level) {
		return Frame{}, fmt.Errorf("change password of level %02X: %s is not its identifier: %w", new.Level, d, ErrCommand)
	}
	b := d.Append(make([]byte, 0, 12))
	return Frame{Addr: a, Control: funcPassword, Data: new.append(old.append(b))}, nil
}

// ParsePasswordReply gives the password that meter a says is now valid (C =
// 98H, L = 4); compare it with the one that was asked for.
func ParsePasswordReply(f Frame, a Address) (Password, error) {
	if err := expect(f, a, funcPassword); err != nil {
		return Password{}, err
	}
	if len(f.Data) != 4 {
		return Password{}, fmt.Errorf("password reply of %d bytes, want 4: %w", len(f.Data), ErrLength)
	}
	return wirePassword(f.Data), nil
}

// ParsePasswordRequest is the meter's side; nothing is judged.
func ParsePasswordRequest(f Frame) (d DI, old, new Password, err error) {
	if err := exactly(f, funcPassword, "password change", 12); err != nil {
		return 0, old, new, err
	}
	return wireDI(f.Data), wirePassword(f.Data[4:]), wirePassword(f.Data[8:]), nil
}

// PasswordReply is meter a's answer with the password now valid.
func PasswordReply(a Address, p Password) Frame {
	return Frame{Addr: a, Control: funcPassword | fromMeter, Data: p.append(nil)}
}
