package dlt645

import (
	"errors"
	"fmt"
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
	ErrValue       = errors.New("value does not fit the item")
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

// KeepWaiting reports whether err says that a frame was sound but was not the
// awaited reply, so that the master goes on listening until its deadline.
func KeepWaiting(err error) bool {
	return errors.Is(err, ErrOtherDI) || errors.Is(err, ErrOtherAddress) || errors.Is(err, ErrEcho)
}

// ErrorName is the name the vectors file gives an error.
func ErrorName(err error) string {
	for _, e := range []struct {
		err  error
		name string
	}{
		{ErrChecksum, "bad_checksum"}, {ErrEnd, "bad_end"}, {ErrSecondStart, "bad_second_start"}, {ErrTruncated, "truncated"},
		{ErrNoFrame, "no_frame"}, {ErrDateTime, "invalid_datetime"}, {ErrBCD, "bad_bcd"}, {ErrLength, "bad_length"}, {ErrAddress, "bad_address"},
	} {
		if errors.Is(err, e.err) {
			return e.name
		}
	}
	return "other"
}
