package dlt645

import (
	"errors"
	"fmt"
	"strings"
)

// Reasons a run of bytes is not a frame. Parser.Fault and Decode return them.
var (
	ErrNoFrame     = errors.New("no frame start 68H")
	ErrChecksum    = errors.New("bad checksum")
	ErrEnd         = errors.New("bad end byte, want 16H")
	ErrSecondStart = errors.New("bad second start, want 68H")
	ErrTruncated   = errors.New("truncated frame")
)

// Reasons a value or an address is refused although the frame is sound.
var (
	ErrBCD         = errors.New("not a BCD digit")
	ErrDateTime    = errors.New("invalid date or time")
	ErrLength      = errors.New("wrong data length")
	ErrAddress     = errors.New("invalid meter address")
	ErrUnknownItem = errors.New("unknown data identifier")
	ErrCommand     = errors.New("relay command not usable")
	ErrSealed      = errors.New("sealed by a security module (ESAM)")
	ErrNotRequest  = errors.New("not the expected request")
	ErrReadOnly    = errors.New("item cannot be written")
	ErrBaud        = errors.New("no such baud rate")
	ErrTable       = errors.New("row of the item table is not sound")
	ErrLoadRecord  = errors.New("no load record starts here")
	ErrTooLong     = errors.New("answer longer than 255 parts or 16 KiB")
)

// Reasons a sound frame is not the reply that is waited for: keep waiting.
// ErrOtherFunction also answers to ErrOtherDI.
var (
	ErrOtherDI       = errors.New("reply to another data identifier")
	ErrOtherAddress  = errors.New("reply from another address")
	ErrEcho          = errors.New("frame from a master, own echo or another")
	ErrOtherFunction = fmt.Errorf("reply to another function: %w", ErrOtherDI)
)

// What a ReplyError can be asked with errors.Is.
var (
	ErrPassword = errors.New("password wrong or not authorised")
	ErrNoData   = errors.New("no requested data")
	ErrHold     = errors.New("refused by power hold") // 保电
)

// KeepWaiting reports whether err says that a frame was sound but was not the
// awaited reply, so that the master goes on listening until its deadline.
func KeepWaiting(err error) bool {
	return errors.Is(err, ErrOtherDI) || errors.Is(err, ErrOtherAddress) || errors.Is(err, ErrEcho)
}

// ReplyError is a meter's refusal (D6 set): Err is the ERR byte, a bit field.
// Word is the two-byte error word some newer meters send instead (DC with
// L = 2, low byte first, presumed order), or SERR of the security function
// (C3); zero when there was none.
type ReplyError struct {
	Control byte
	Err     byte
	Word    uint16
}

// Error names the bits that are set.
func (e *ReplyError) Error() string {
	what := strings.Join(e.Bits(), ", ")
	if what == "" {
		what = "no reason given"
	}
	return fmt.Sprintf("meter refused (control %02XH): %s", e.Control, what)
}

// Bits names the error bits that are set, lowest first; reserved bits are
// named by their number.
func (e *ReplyError) Bits() []string {
	switch {
	case e.Word != 0 && e.Control&0x1F == 0x03:
		return wordBits(e.Word, securityErrorBits[:])
	case e.Word != 0:
		return wordBits(e.Word, relayErrorBits[:])
	}
	if edition(e.Control&0x1F, 1) == "1997" {
		return wordBits(uint16(e.Err), errBits1997[:])
	}
	return wordBits(uint16(e.Err), errBits2007[:])
}

// Is maps the bits that a master must tell apart to ErrPassword, ErrNoData
// and ErrHold. Bit 2 is the password in every edition and in both lengths;
// after it there must be no automatic retry, meters lock the level.
func (e *ReplyError) Is(target error) bool {
	bits := uint16(e.Err)
	if e.Word != 0 {
		if e.Control&0x1F != funcRelay {
			return false
		}
		bits = e.Word
	}
	switch target {
	case ErrPassword:
		return bits&0x04 != 0
	case ErrNoData:
		return e.Word == 0 && bits&0x02 != 0
	case ErrHold:
		return e.Word&0x60 != 0
	}
	return false
}

var errBits2007 = [8]string{
	"other error", "no requested data", "password wrong or not authorised", "baud rate cannot be changed",
	"number of year zones over limit", "number of day slots over limit", "number of rates over limit", "reserved bit 7",
}

var errBits1997 = [8]string{
	"illegal data", "data identifier error", "password error", "reserved bit 3",
	"number of year zones over limit", "number of day slots over limit", "number of rates over limit", "reserved bit 7",
}

// relayErrorBits is read from meter firmware and a test bench, not from the
// standard's text.
var relayErrorBits = [16]string{
	"remote_control_suspended", "mac_wrong", "password_wrong", "auth_timeout", "time_tag_invalid",
	"trip_refused_hold", "auto_recover_refused_hold", "auto_recover_time_invalid", "auto_recover_refused_tripped",
}

// securityErrorBits is SERR, read from two meter firmwares.
var securityErrorBits = [16]string{
	"other_error", "repeated_top_up", "esam_verification_failed", "identity_authentication_failed",
	"customer_number_mismatch", "top_up_count_wrong", "purchase_above_hoarding_limit",
}

// wordBits names the set bits of w, lowest first.
func wordBits(w uint16, names []string) []string {
	out := []string{}
	for i := range 16 {
		if w&(1<<i) == 0 {
			continue
		}
		if i < len(names) && names[i] != "" {
			out = append(out, names[i])
		} else {
			out = append(out, fmt.Sprintf("bit_%d", i))
		}
	}
	return out
}
