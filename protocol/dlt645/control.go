package dlt645

import "fmt"

// Function codes of 2007, D4..D0 of the control byte (控制码).
const (
	funcSecurity      = 0x03 // with data; without data it is the repetition of 1997
	funcBroadcastTime = 0x08
	funcRead          = 0x11
	funcSubsequent    = 0x12
	funcReadAddress   = 0x13
	funcWrite         = 0x14
	funcWriteAddress  = 0x15
	funcFreeze        = 0x16
	funcBaud          = 0x17
	funcPassword      = 0x18
	funcClearDemand   = 0x19
	funcClearMeter    = 0x1A
	funcClearEvents   = 0x1B
	funcRelay         = 0x1C
	funcOutput        = 0x1D
)

// Function codes of 1997.
const (
	funcRead1997         = 0x01
	funcSubsequent1997   = 0x02
	funcRepeat1997       = 0x03
	funcWrite1997        = 0x04
	funcWriteAddress1997 = 0x0A
	funcBaud1997         = 0x0C
	funcPassword1997     = 0x0F
	funcClearDemand1997  = 0x10
)

// The upper bits of the control byte.
const (
	fromMeter = 0x80
	refused   = 0x40
	more      = 0x20
)

// What the standard lets a master and a meter put into one data field.
const (
	readMax  = 200
	writeMax = 50
)

// toOne refuses addresses that do not name exactly one meter. Whatever
// carries a password, moves a relay, erases or changes a setting passes here:
// sent to AA or 99 it would tell the password to every meter on the line and
// act on all of them.
func toOne(what string, a Address) error {
	if !a.Exact() {
		return fmt.Errorf("%s to %s: goes to exactly one meter: %w", what, a, ErrAddress)
	}
	return nil
}

// plain refuses the levels 98 and 99 (and all above 09): what they carry is
// made by a security module, see SealedOrder.
func (p Password) plain(what string) error {
	if p.Level > 0x09 {
		return fmt.Errorf("%s with level %02X, which an ESAM seals: %w", what, p.Level, ErrCommand)
	}
	return nil
}

func (p Password) append(dst []byte) []byte {
	return append(append(dst, p.Level), p.Digits[:]...)
}

// wirePassword reads PA P0 P1 P2; the caller has checked the length.
func wirePassword(b []byte) Password {
	return Password{Level: b[0], Digits: [3]byte(b[1:4])}
}

// request checks that f is the master's request fn with at least atLeast data
// bytes. what is the trade's word for it.
func request(f Frame, fn byte, what string, atLeast int) error {
	if f.Control != fn {
		return fmt.Errorf("control %02XH is no %s: %w", f.Control, what, ErrNotRequest)
	}
	if len(f.Data) < atLeast {
		return fmt.Errorf("%s of %d bytes: %w", what, len(f.Data), ErrLength)
	}
	return nil
}

// exactly is request for a data field of one fixed length.
func exactly(f Frame, fn byte, what string, n int) error {
	if err := request(f, fn, what, 0); err != nil {
		return err
	}
	if len(f.Data) != n {
		return fmt.Errorf("%s of %d bytes, want %d: %w", what, len(f.Data), n, ErrLength)
	}
	return nil
}
